"""Issues of four kinds to render: what newsletters are made of, in our own words."""

from __future__ import annotations

from typing import Final

from mailer.render.library import shipped

_LETTER: Final = """
## What the harbour reports, part {number}

Greetings from the harbour: a paragraph of *plain* and **naïve** text of the usual length, with
[a link to the rest](https://example.org/reports/{number}?from=letter&part=text) and `some code`. A
second sentence makes it as long as most are, and a third one says nothing new at all.

> Whoever quotes the harbour master does so at their own risk.

![The harbour at dawn](https://example.org/images/harbour-{number}.jpg)

"""
_DIGEST: Final = """
## Merged this week, part {number}

- [make the gate open from `both` sides](https://example.org/changes/{number}01)
- [do not ring twice](https://example.org/changes/{number}02)
  - [follow-up: ring once](https://example.org/changes/{number}03)
  - [follow-up: or not at all](https://example.org/changes/{number}04)
- [`gate`: remember who was in](https://example.org/changes/{number}05)
- [`gate`: forget who was out](https://example.org/changes/{number}06)
- [rename `door` to `gate` everywhere](https://example.org/changes/{number}07)

"""
_TUTORIAL: Final = """
## Step {number}: open the gate

The gate keeps who is `inside`, and asks the clock before it opens:

```python
class Gate:
    \"\"\"Opens in the morning, closes at night.\"\"\"

    def __init__(self, hours: dict[str, tuple[int, int]]) -> None:
        self.hours = hours
        self.inside: set[str] = set()

    def enter(self, name: str, day: str, hour: int) -> bool:
        opens, closes = self.hours.get(day, (10, 18))  # Sundays are not named
        if not opens <= hour < closes:
            return False
        self.inside.add(name)
        return True
```

Then ask it: `Gate({{"monday": (9, 17)}}).enter("Ann", "monday", {number})`.

"""


def samples() -> dict[str, str]:
    """Kind -> Markdown."""
    return {
        "letter": "".join(_LETTER.format(number=number) for number in range(12)),
        "digest of 200 links": "".join(_DIGEST.format(number=number) for number in range(28)),
        "code in every paragraph": "".join(_TUTORIAL.format(number=number) for number in range(20)),
        "every kind of block": _showcase(),
    }


def _showcase() -> str:
    text = (shipped("templates") / "showcase.md").read_text(encoding="utf-8")
    return text.partition("---\n")[2].partition("---\n")[2]
