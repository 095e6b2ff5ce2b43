"""Whatever stands in the file or the environment: a Config or a ConfigError, nothing else."""

from __future__ import annotations

import contextlib
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.config import load_config
from mailer.config.keys import KEYS, TABLES, Key
from mailer.config.sources import known_variables
from mailer.config.toml import line_numbers
from mailer.errors import ConfigError

_scalars = (
    st.text(max_size=40).map(lambda text: json.dumps(text, ensure_ascii=True))
    | st.integers().map(str)
    | st.floats().map(str)
    | st.sampled_from(["true", "1979-05-27", "[]", "{}", "[[1]]", '["a@example.org"]'])
    | st.sampled_from([key.example for key in KEYS])
)
_leaves = st.sampled_from([key.leaf for key in KEYS]) | st.text("abc_.-\"'", max_size=5)
_tables = st.sampled_from([*TABLES, "lists.weekly", "groups", "lists.A", "[relay]"])


@st.composite
def nearly_toml(draw: st.DrawFn) -> str:
    lines = []
    for _ in range(draw(st.integers(0, 5))):
        lines.append(f"[{draw(_tables)}]")
        lines += [f"{draw(_leaves)} = {draw(_scalars)}" for _ in range(draw(st.integers(0, 4)))]
    return "\n".join(lines)


def load(text: bytes, environ: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "mailer.toml").write_bytes(text)
        with contextlib.suppress(ConfigError):
            load_config(Path(folder), None, environ=environ)


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=100) | st.text(max_size=100).map(str.encode) | nearly_toml().map(str.encode)
)
def test_arbitrary_files_raise_nothing_but_config_errors(text: bytes) -> None:
    load(text, {})


GOOD = b"""
[newsletter]
name = "The Weekly"
from = "weekly@example.org"
url = "https://news.example.org"
address = "1 Example Street"
[relay]
url = "smtp://localhost"
"""


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(known_variables()),
        st.text(st.characters(exclude_characters="\0"), max_size=30)
        | st.sampled_from([key.example.strip('"') for key in KEYS]),
        max_size=3,
    )
)
def test_arbitrary_environments_raise_nothing_but_config_errors(environ: dict[str, str]) -> None:
    load(GOOD, environ)


@settings(max_examples=100, deadline=None)
@given(
    key=st.sampled_from([key for key in KEYS if key.type is str]),
    value=st.text(max_size=60) | st.text('0123456789*/,- MONsmhd.:@<>"\\[]x', max_size=30),
)
def test_a_parser_returns_or_raises_a_value_error(key: Key, value: str) -> None:
    with contextlib.suppress(ValueError):
        key.parse(value)


@given(
    st.lists(st.sampled_from(["'''\n[x]\n'''", '"""\na = 1\n"""', "[\n1,\n]", "'#['", "{a = ']'}"]))
)
@settings(max_examples=50, deadline=None)
def test_every_key_has_its_own_line(values: list[str]) -> None:
    text, expected = "", {}
    for number, value in enumerate(values):
        expected[(f"k{number}",)] = text.count("\n") + 1
        text += f"k{number} = {value} # ' \"\n\n"
    lines = line_numbers(text)
    assert expected == {path: line for path, line in lines.items() if len(path) == 1}


def test_the_good_file_is_good() -> None:
    """Else the environments above would be tested against nothing."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "mailer.toml").write_bytes(GOOD)
        assert load_config(Path(folder), None, environ={}).newsletter.name == "The Weekly"
        with pytest.raises(ConfigError):
            load_config(Path(folder), None, environ={"MAILER_RELAY_URL": "x"})
