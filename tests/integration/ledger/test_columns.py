"""What a column holds, whatever it is called (interface §2.2, case 22)."""

from __future__ import annotations

import pytest

from mailer.errors import CheckError
from mailer.ledger.columns import Columns, attribute_name, understand


@pytest.mark.parametrize(
    "header",
    [
        "email",
        "E-Mail",
        "mail",
        "Email Address",
        "EMAIL_ADDRESS",
        "e-mail-adresse",
        "E-Mail-Adresse",
        "Adresse e-mail",
        "Correo electrónico",
        " email ",
        "address",
        "Subscriber",
    ],
)
def test_the_column_of_addresses_is_recognised(header: str) -> None:
    assert understand(["x", header], "f:1").email == 1


def test_a_street_is_no_mailbox_when_another_column_is_one() -> None:
    found = understand(["Address", "E-mail"], "f:1")

    assert found.email == 1
    assert found.attributes == ((0, "address"),)


def test_every_role_is_recognised_and_everything_else_is_an_attribute() -> None:
    header = ["Email", "Name", "First Name", "Nachname", "Sprache", "Status", "Favourite Colour!"]

    assert understand(header, "f:1") == Columns(
        email=0,
        name=1,
        given=2,
        family=3,
        language=4,
        status=5,
        attributes=((2, "first_name"), (3, "nachname"), (6, "favourite_colour")),
        width=7,
    )


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("City", "city"),
        ("Straße / Nr.", "strasse_nr"),
        ("Prénom d'usage", "prenom_d_usage"),
        ("_id", "id"),
        ("2024", "column_2024"),
        ("", "column_4"),
        ("?", "column_4"),
        ("城市", "城市"),
    ],
)
def test_attributes_get_names_that_templates_can_say(header: str, name: str) -> None:
    assert name == attribute_name(header, 3)
    assert name.isidentifier()
    assert not name.startswith("_")


def test_case_22_a_file_without_addresses_is_refused_with_its_columns() -> None:
    with pytest.raises(CheckError) as caught:
        understand(["name", "town"], "people.csv:1")

    assert caught.value.code == "E502"
    assert caught.value.where == "people.csv:1"
    assert "name, town" in caught.value.detail


@pytest.mark.parametrize(
    "header",
    [
        ["email", "email"],
        ["email", "E-Mail"],
        ["email", "City", "city"],
        ["email", "First Name", "first_name"],
        ["email", "Vorname", "First name"],
        ["email", "lang", "Sprache"],
        ["address", "contact"],
    ],
)
def test_case_22_two_columns_that_mean_the_same_are_refused(header: list[str]) -> None:
    with pytest.raises(CheckError, match="E503 Two columns mean the same"):
        understand(header, "people.csv:1")
