"""Call-outs: admonitions of the engine and alerts of GitHub become one thing with a title.

====================================================================  =========
written as                                                            becomes
====================================================================  =========
note, info, tip, hint, important, success, example, question, …       tip
warning, caution, attention                                           warning
danger, error, failure, bug; GitHub's ``[!CAUTION]``                  danger
====================================================================  =========
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lxml.html.builder import E

from mailer.content.shape.blocks import text_of

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_TIP_NAMES = (
    "abstract check done example faq help hint important info note question quote seealso success "
    "summary tip tldr todo"
)
_KINDS: Final = {
    **dict.fromkeys(_TIP_NAMES.split(), "tip"),
    **dict.fromkeys(("attention", "caution", "warning"), "warning"),
    **dict.fromkeys(("bug", "danger", "error", "fail", "failure"), "danger"),
}
_GITHUB: Final = {**_KINDS, "caution": "danger"}  # red there, orange everywhere else
_ALERT = re.compile(r"\s*\[!([a-z]+)\][+-]?[ \t]*", re.IGNORECASE)

_TITLES: Final = {
    "de": {
        "note": "Hinweis",
        "info": "Information",
        "tip": "Tipp",
        "important": "Wichtig",
        "warning": "Warnung",
        "caution": "Vorsicht",
        "danger": "Gefahr",
        "example": "Beispiel",
        "details": "Details",
    },
    "fr": {
        "note": "Remarque",
        "info": "Information",
        "tip": "Conseil",
        "important": "Important",
        "warning": "Avertissement",
        "caution": "Attention",
        "danger": "Danger",
        "example": "Exemple",
        "details": "Détails",
    },
    "es": {
        "note": "Nota",
        "info": "Información",
        "tip": "Consejo",
        "important": "Importante",
        "warning": "Advertencia",
        "caution": "Precaución",
        "danger": "Peligro",
        "example": "Ejemplo",
        "details": "Detalles",
    },
    "ar": {
        "note": "ملاحظة",
        "info": "معلومة",
        "tip": "نصيحة",
        "important": "مهم",
        "warning": "تحذير",
        "caution": "تنبيه",
        "danger": "خطر",
        "example": "مثال",
        "details": "تفاصيل",
    },
}
"""What a call-out without a title says, by language; the languages are those of the theme."""


def titles_in(language: str) -> dict[str, str]:
    """The titles in a language, by the English word; empty for English and unknown languages."""
    return _TITLES.get(language.lower().replace("_", "-").partition("-")[0], {})


def callouts(root: HtmlElement, *, language: str) -> None:
    """Every call-out as ``div.callout`` with its kind, its title as ``p.title``, in place."""
    titles = titles_in(language)
    for element in list(root.iter("div", "blockquote")):
        if element.tag == "div":
            _settle_admonition(element, titles)
        else:
            _settle_alert(element, titles)


def _settle_admonition(element: HtmlElement, titles: dict[str, str]) -> None:
    classes = element.get("class", "").lower().split()
    name = next((word for word in classes if word in _KINDS), "")
    if "admonition" not in classes:
        return
    element.set("class", f"callout {_KINDS.get(name, 'tip')}")
    title = next(iter(element), None)
    if title is None or title.tag != "p" or "admonition-title" not in title.get("class", ""):
        return
    title.set("class", "title")
    if text_of(title).lower() == name and name in titles:
        title.text = titles[name]


def _settle_alert(quote: HtmlElement, titles: dict[str, str]) -> None:
    """A quote that begins with `[!NOTE]`; words behind it on that line are its title."""
    first = next(iter(quote), None)
    if first is None or first.tag != "p" or (quote.text or "").strip():
        return
    sign = _ALERT.match(first.text or "")
    name = sign[1].lower() if sign else ""
    if not sign or name not in _GITHUB:
        return
    first.text = (first.text or "")[sign.end() :]
    title = _first_line(first)
    if not text_of(title):
        title.text = titles.get(name, name.capitalize())
    title.set("class", "title")
    title.tail = "\n"
    quote.insert(0, title)
    if not text_of(first) and not len(first):
        first.drop_tree()
    quote.tag = "div"
    quote.set("class", f"callout {_GITHUB[name]}")


def _first_line(paragraph: HtmlElement) -> HtmlElement:
    """Take the first line out of a paragraph, as a paragraph of its own."""
    line = E.p()
    head, end, rest = (paragraph.text or "").partition("\n")
    line.text, paragraph.text = head.lstrip(), rest
    for child in [] if end else list(paragraph):
        if child.tag == "br":
            paragraph.text = (child.tail or "").lstrip("\n")
            paragraph.remove(child)
            break
        head, end, rest = (child.tail or "").partition("\n")
        child.tail = head
        line.append(child)
        if end:
            paragraph.text = rest
            break
    return line
