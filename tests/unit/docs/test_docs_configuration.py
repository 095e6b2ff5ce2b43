"""The page of configuration has every key as the program knows it, and its examples are taken."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mailer.config import build_config
from mailer.config.faults import unknown_keys
from mailer.config.keys import KEYS, Key
from mailer.config.settings import read_settings
from mailer.config.sources import Outside, known_variables, variable
from mailer.config.toml import parse_document
from tests.samples import pages

PAGE = pages.read("docs/configuration.md")
TYPES = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    list: "list",
}


def default(key: Key) -> str:
    """What holds where a key is absent, as the table says it."""
    if key.required:
        return "**required**"
    if key.inherits:
        return f"`{key.inherits}`"
    match key.default:
        case None:
            return "none"
        case bool():
            return f"`{str(key.default).lower()}`"
        case str():
            return f'`"{key.default}"`'
    return f"`{key.default}`"


def row(key: Key) -> list[str]:
    """The row of a key."""
    if key.secret:
        return [f"`{variable(key.name)}`", "secret", "none", key.doc, ""]
    return [f"`{key.name}`", TYPES[key.type], default(key), key.doc, f"`{key.example}`"]


def test_the_table_has_every_key_as_the_program_knows_it() -> None:
    """Between the marks; where it fails, the first list is what belongs there."""
    found = re.search(r"<!-- keys -->\n(.*)<!-- /keys -->", PAGE, re.DOTALL)
    assert found is not None
    assert [row(key) for key in KEYS] == pages.rows(found[1])


TOML = [
    pytest.param(block, id=f"{page.name}-{number}")
    for page in pages.pages()
    for number, block in enumerate(pages.blocks(page.read_text(encoding="utf-8"), "toml"))
]


@pytest.mark.parametrize("block", TOML)
def test_an_example_has_only_keys_that_exist(block: str) -> None:
    document = parse_document(block, name="example.toml")
    assert document is not None
    assert [] == [str(fault) for fault in unknown_keys(document)]


def test_the_whole_file_is_a_configuration() -> None:
    document = parse_document(pages.blocks(PAGE, "toml")[0], name="mailer.toml")
    assert document is not None
    settings = read_settings(document, Outside(environ={}, dotenv={}))
    config = build_config(Path("/srv/news"), settings)
    assert ["weekly", "members"] == list(config.lists)


def test_variables_that_any_page_names_set_a_key() -> None:
    named = {
        name.removesuffix("_FILE").removesuffix("_")
        for page in pages.pages()
        for name in re.findall(r"MAILER_[A-Z_]+", page.read_text(encoding="utf-8"))
    }
    known = {*known_variables(), *known_variables(relays=["eu"]), "MAILER"}
    assert set() == named - known
