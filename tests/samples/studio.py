"""An issue the whole way through the program: a file in, the mail that a reader gets out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from mailer import prepare
from mailer.config import load_config
from mailer.content.issue import read_issue
from tests.samples.messages import DATE, body, recipient

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailer.model import Message
    from mailer.prepare import Prepared

_BUILTIN: Final = Path(__file__).parents[2] / "templates"
TEMPLATES: Final = tuple(sorted(file.stem for file in _BUILTIN.glob("*.mjml")))
"""The looks that the program comes with."""

SHOWCASE: Final = _BUILTIN / "showcase.md"
RIGHT_TO_LEFT: Final = Path(__file__).with_name("right_to_left.md")

CONFIG: Final = """\
[newsletter]
name = "The Harbour Weekly"
from = "The Harbour Weekly <weekly@example.org>"
url = "https://news.example.org"
site = "https://example.org"
address = "1 Example Street, 12345 Exampleton"

[lists.weekly]
title = "Friends of the harbour"

[relay]
url = "smtp://127.0.0.1:1025"
"""
SECRET: Final = {"MAILER_SECRET_KEY": "Zp8sQ1uVn6cM_x4LgT0bEwJ7-rKyHd2fIoA9tU5vRj3"}


class Studio:
    """A newsletter folder without a database.

    Args:
        root: an empty folder.
        more: more of mailer.toml, such as `[theme]`.
    """

    def __init__(self, root: Path, more: str = "") -> None:
        self.root = root
        (root / "issues").mkdir()
        (root / "mailer.toml").write_text(CONFIG + more, encoding="utf-8")
        self.config = load_config(root, None, environ=SECRET)

    def prepared(self, text: str, *, name: str = "sample.md") -> Prepared:
        """An issue of this text, ready to be mailed."""
        file = self.root / "issues" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        issue = read_issue(file, root=self.root)
        return prepare.prepare(self.config, issue, ledger=None, list_name=None, when=None, now=DATE)

    def mail(self, text: str, *, name: str = "sample.md") -> Message:
        """The message for Ann."""
        return self.prepared(text, name=name).base.template.compose(recipient(), date=DATE)

    def html(self, text: str, *, name: str = "sample.md") -> str:
        """The HTML part of it."""
        return body(self.mail(text, name=name), "html")


def front(text: str, **keys: str) -> str:
    """An issue with these keys as its front matter."""
    return f"---\n{_lines(keys)}---\n{text}"


def showcase(sample: Path = SHOWCASE, **keys: str) -> str:
    """The issue that has every block, or another sample, with these keys besides its own."""
    own = sample.read_text("utf-8")
    return own.replace("---\n", f"---\n{_lines(keys)}", 1)


def _lines(keys: Mapping[str, str]) -> str:
    return "".join(f"{key}: {value}\n" for key, value in keys.items())
