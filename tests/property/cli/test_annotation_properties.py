"""Whatever a finding says, its annotation is one workflow command that gives it back."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from mailer.cli.findings import annotation
from mailer.model import Finding

TEXT = st.text(alphabet=st.sampled_from("ab%0A:,\r\n=\u2028é →"), max_size=30)
COMMAND = re.compile(r"::(error|warning|notice) ([^:]*)::(.*)", re.DOTALL)


def given_back(text: str) -> str:
    """What the reader of workflow commands makes of a value."""
    pairs = (("%3A", ":"), ("%2C", ","), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%"))
    for code, sign in pairs:
        text = text.replace(code, sign)
    return text


@given(message=TEXT, file=TEXT, line=st.integers(0, 9), step=TEXT)
def test_an_annotation_is_one_command_and_can_be_read_back(
    message: str, file: str, line: int, step: str
) -> None:
    one = Finding(id="W124", message=message, file=file, line=line, next_step=step)
    written = annotation(one)
    assert "\n" not in written
    assert "\r" not in written
    command = COMMAND.fullmatch(written)
    assert command is not None
    values = dict(part.split("=", 1) for part in command[2].split(","))
    assert file == given_back(values.get("file", ""))
    assert "W124" == values["title"]
    assert message + (f"\n→ {step}" if step else "") == given_back(command[3])
