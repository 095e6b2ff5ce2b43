"""The header of a CSV file of people: which column holds what, whatever it is called there."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailer.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Sequence

# What a column may be called, squashed (lower case, no accents, spaces or punctuation).
_CALLED: dict[str, tuple[str, ...]] = {
    "email": (
        *("email", "mail", "emailaddress", "mailaddress", "subscriberemail"),
        *("emailadresse", "mailadresse", "adresseemail", "adressemail", "courriel"),
        *("correo", "correoelectronico", "indirizzoemail", "eposta", "epost"),
    ),
    "name": ("name", "fullname", "displayname", "vollername", "nomcomplet", "nombrecompleto"),
    "given": ("firstname", "givenname", "forename", "vorname", "prenom"),
    "family": (
        *("lastname", "surname", "familyname", "nachname"),
        *("nom", "apellido", "apellidos"),
    ),
    "language": ("language", "lang", "locale", "sprache", "langue", "idioma"),
    "status": ("status", "subscriptionstatus", "subscriberstatus"),
}
_ROLES = {called: role for role, names in _CALLED.items() for called in names}
# These may also mean a street: they name the mailbox only if nothing else does.
_PERHAPS_EMAIL = frozenset({"address", "adresse", "contact", "subscriber"})
# Parts of a name become the name, and stay attributes as well: templates greet by first name.
_ALSO_ATTRIBUTES = frozenset({"given", "family"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Which cell of a row holds what; None where the file has no such column.

    Attributes:
        attributes: index and name of every other column.
        width: how many columns the header names.
    """

    email: int
    name: int | None = None
    given: int | None = None
    family: int | None = None
    language: int | None = None
    status: int | None = None
    attributes: tuple[tuple[int, str], ...] = ()
    width: int


def names_addresses(header: Sequence[str]) -> bool:
    """Whether one of the columns holds addresses."""
    return "email" in _roles(header)


def understand(header: Sequence[str], where: str) -> Columns:
    """Say what each column holds.

    Raises:
        CheckError: E502 no column holds the addresses, E503 two columns mean the same.
    """
    roles = _roles(header)
    if "email" not in roles:
        raise CheckError(
            "E502",
            "No column holds the addresses",
            where=where,
            detail=f"The first line names: {', '.join(header) or 'nothing'}. Nothing was stored.",
            next_step='name the column "email" in the first line',
        )
    # Both ways of reading a header must be free of twins: "Vorname" is a role and an attribute.
    attributes = [
        attribute_name(cell, position) if not role or role in _ALSO_ATTRIBUTES else role
        for position, (cell, role) in enumerate(zip(header, roles, strict=True))
    ]
    _refuse_twins(header, attributes, where)
    _refuse_twins(header, [a or b for a, b in zip(roles, attributes, strict=True)], where)
    at: dict[str, int] = {role: position for position, role in enumerate(roles) if role}
    return Columns(
        email=at["email"],
        name=at.get("name"),
        given=at.get("given"),
        family=at.get("family"),
        language=at.get("language"),
        status=at.get("status"),
        attributes=tuple(
            (position, name)
            for position, name in enumerate(attributes)
            if not roles[position] or roles[position] in _ALSO_ATTRIBUTES
        ),
        width=len(header),
    )


def attribute_name(header: str, position: int) -> str:
    """A name that templates can say: lower_snake, no leading digit or underscore."""
    cleaned = re.sub(r"[\W_]+", "_", _plain(header)).strip("_")
    if not cleaned:
        return f"column_{position + 1}"
    return cleaned if cleaned.isidentifier() else f"column_{cleaned}"


def _roles(header: Sequence[str]) -> list[str]:
    squashed = [re.sub(r"[\W_]+", "", _plain(cell)) for cell in header]
    roles = [_ROLES.get(cell, "") for cell in squashed]
    if "email" in roles:
        return roles
    return [
        "email" if cell in _PERHAPS_EMAIL else role
        for cell, role in zip(squashed, roles, strict=True)
    ]


def _plain(header: str) -> str:
    """Lower case without accents: "Prénom" is "prenom"."""
    decomposed = unicodedata.normalize("NFKD", header.strip().casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def _refuse_twins(header: Sequence[str], names: Sequence[str], where: str) -> None:
    first: dict[str, str] = {}
    for cell, name in zip(header, names, strict=True):
        if name in first:
            raise CheckError(
                "E503",
                f'Two columns mean the same: "{first[name]}" and "{cell}"',
                where=where,
                detail=f"Both would be {name}. Nothing was stored.",
                next_step="rename or remove one of them",
            )
        first[name] = cell
