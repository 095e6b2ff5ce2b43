"""Which issue a file is: its id and language, by its name and by its keys."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from mailer.content.frontmatter.fields import Fields

_ID = re.compile(r"[a-z0-9][a-z0-9._-]*\Z")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")
_SUFFIX = re.compile(r"(?P<stem>.+)\.(?P<language>[a-z]{2}(?:[-_][A-Za-z]{2,4})?)\Z")
_LANGUAGES_NAMES = (
    "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv "
    "cy da de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho "
    "hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku "
    "kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn "
    "no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm "
    "sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi "
    "vo wa wo xh yi yo za zh zu"
)
_LANGUAGES: Final = frozenset(_LANGUAGES_NAMES.split())
"""ISO 639-1: what `winter.de.md` may end in; `release.v2.md` and `intro.js.md` have none."""


def name_and_language(path: Path) -> tuple[str, str]:
    """The name of an issue and the language in its suffix; index.md is named by its folder."""
    name = path.stem
    match = _SUFFIX.match(name)
    language = ""
    if match and match["language"][:2] in _LANGUAGES:
        name, language = match["stem"], match["language"].replace("_", "-")
    return (path.absolute().parent.name if name == "index" else name), language


class Variant(Protocol):
    """What tells the files of one issue apart."""

    @property
    def file(self) -> str:
        """Its path, for messages."""

    @property
    def language(self) -> str:
        """As the file says it; empty if it says none."""

    @property
    def audience(self) -> Mapping[str, str] | Collection[object]:
        """For whom it is; empty: for everybody."""


V = TypeVar("V", bound=Variant)


def for_everybody(files: Sequence[V], language: str) -> V | None:
    """Of the files of one issue the one for everybody who has none of their own, if it is clear.

    That is the one in this language, else the one that says no language, else the one whose name
    says none.
    """
    tag = language.lower()
    candidates = [one for one in files if not one.audience]
    for chosen in (
        [one for one in candidates if one.language.lower() == tag],
        [one for one in candidates if primary(one.language) == primary(tag)],
        [one for one in candidates if not one.language],
        [one for one in candidates if not name_and_language(Path(one.file))[1]],
        candidates,
    ):
        if len(chosen) == 1:
            return chosen[0]
    return None


def primary(tag: str) -> str:
    """The language of a tag without script and region: "de" of "de-AT"."""
    return tag.lower().partition("-")[0]


def slug_of(text: str) -> str:
    """A name made of what an id may hold: a-z, 0-9, dot, underscore and hyphen; may be empty."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(sign for sign in folded if not unicodedata.combining(sign))
    return re.sub(r"[^a-z0-9._-]+", "-", plain).strip("-._")


def read_id(fields: Fields, stem: str) -> str:
    """The `id` key, else an id made of the stem; E106 if neither gives one."""
    key, _ = fields.find("id")
    written = fields.text("id")
    if _ID.match(written):
        return written
    slug = slug_of(written or stem)
    if written or not slug:
        fields.report(
            "E106",
            f"The id {written or stem} is not possible: it takes a-z, 0-9, dot, _ and -",
            key=key,
            next_step=f"id: {slug or 'a-short-name'}",
        )
    return slug or "unnamed"


def read_language(fields: Fields) -> str:
    """The `language` or `lang` key as a tag such as "de" or "pt-BR"; empty if absent."""
    tag = fields.word("language", "lang", shape=_LANGUAGE, example="language: en")
    return tag.replace("_", "-")
