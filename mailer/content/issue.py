"""A file becomes an Issue."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from mailer.content import dialects, excerpt
from mailer.content.frontmatter.audience import read_page
from mailer.content.frontmatter.dates import read_date
from mailer.content.frontmatter.fields import check_spelling
from mailer.content.frontmatter.meanings import read_byline, read_ignore
from mailer.content.head import head_of, open_file
from mailer.content.identity import name_and_language
from mailer.model import Byline, Issue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mailer.content.frontmatter.fields import Fields


_TEMPLATE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:\.mjml)?")
_TITLES: Final = ("og:title", "twitter:title")
_DESCRIPTIONS: Final = ("description", "og:description", "twitter:description")


def read_issue(path: Path, *, root: Path, dialect: str = "auto") -> Issue:
    """Understand one file. What makes it unfit to be mailed but not to be read is a finding.

    Args:
        path: the file.
        root: the newsletter's folder.
        dialect: whose Markdown it is written in; "auto" recognises it.

    Raises:
        CheckError, NotFoundError: as `head.open_file`.
    """
    raw, fields = open_file(path, root=root)
    matter = fields.matter
    check_spelling(fields)
    text = _translated(fields, dialect)
    stem, _ = name_and_language(path)
    head = head_of(fields, path)
    return Issue(
        id=head.id,
        file=head.file,
        digest=hashlib.sha256(raw).hexdigest(),
        body=text.body,
        body_line=matter.body_line,
        dialect=text.dialect,
        subject=_read_subject(fields, body=text.body, stem=stem),
        preheader=_read_preheader(fields, body=text.body),
        heading=excerpt.first_heading(text.body),
        date=read_date(fields, stem=stem, dialect=text.dialect),
        byline=_byline(fields),
        language=head.language,
        list=head.list,
        audience=head.audience,
        page_path=read_page(fields),
        template=_read_template(fields),
        reply_to=fields.text("reply_to"),
        release=head.release,
        send_at=head.send_at,
        feed=fields.flag("feed") is not False,
        cut_after=fields.text("cut_after"),
        meta=matter.fields,
        lines=matter.lines,
        ignore=read_ignore(fields),
        findings=tuple(sorted((*fields.findings, *text.findings), key=lambda each: each.line)),
    )


def _byline(fields: Fields) -> Byline | None:
    """Who wrote it, without the Markdown that a site would show as such."""
    byline = read_byline(fields)
    return byline and replace(byline, author=excerpt.words_of(byline.author))


def _translated(fields: Fields, dialect: str) -> dialects.Translation:
    """The body in plain Markdown; E114 if it says nothing."""
    text = dialects.translate(
        fields.matter.body,
        dialect=dialect,
        file=fields.file,
        body_line=fields.matter.body_line,
        form=fields.matter.form,
        fields=fields.matter.fields,
    )
    if excerpt.says_nothing(text.body):
        step = "write something below the front matter"
        fields.report("E114", "The issue says nothing: no text, or an image alone", next_step=step)
    return text


def _read_subject(fields: Fields, *, body: str, stem: str) -> str:
    explicit = next(iter(fields.places("subject")), None)
    subject = fields.text("subject")
    if explicit and not subject:
        step = 'subject: "…"'
        fields.report("E102", "Subject is empty", key=explicit[0], next_step=step)
        return ""
    title = subject or fields.text("title", fold=True) or _fold(excerpt.title_of(body))
    return title or _in_head(fields, _TITLES) or stem


def _read_preheader(fields: Fields, *, body: str) -> str:
    explicit = fields.text("preheader")
    if explicit:
        return explicit
    described = excerpt.words_of(fields.text("description", "summary", "excerpt", fold=True))
    return described or _in_head(fields, _DESCRIPTIONS) or _fold(excerpt.first_sentence(body))


def _in_head(fields: Fields, names: tuple[str, ...]) -> str:
    """The content of the first of these metas that has one."""
    contents = {name: text for name, text in _metas(fields.matter.fields.get("head")) if text}
    found = next((contents[name] for name in names if name in contents), "")
    return fields.harmless(_fold(found), key="head")


def _metas(head: object) -> Iterator[tuple[str, str]]:
    """Name and content of the metas in a VuePress `head:` list: `[meta, {name: …, content: …}]`."""
    for entry in head if isinstance(head, list) else ():
        parts = entry if isinstance(entry, list) else [entry]
        for part in parts:
            if isinstance(part, dict):
                name = part.get("name") or part.get("property")
                yield str(name).strip().lower(), str(part.get("content") or "").strip()


def _fold(text: str) -> str:
    return " ".join(text.split())


def _read_template(fields: Fields) -> str:
    if fields.text("template").lower().endswith((".html", ".htm")):
        return ""  # Zola's and Pelican's templates, for their pages
    name = fields.word("template", shape=_TEMPLATE, example="template: default")
    return name.removesuffix(".mjml")
