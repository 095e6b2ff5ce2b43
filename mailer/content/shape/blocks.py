"""Blocks: headings in order, tables that say what they are, no stray text or attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lxml.html.builder import E

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_BLOCKS_NAMES = (
    "blockquote center details dd div dl dt figcaption figure h1 h2 h3 h4 h5 h6 hr li ol p "
    "pre summary table tbody td tfoot th thead tr ul caption"
)
BLOCKS: Final = frozenset(_BLOCKS_NAMES.split())

GONE: Final = "gone"
"""The tag of what `etree.strip_tags` takes away at once; one by one it would be quadratic."""

HEADINGS: Final = ("h1", "h2", "h3", "h4", "h5", "h6")
_CLASSES_NAMES = (
    "box callout caption check codebox continue danger data details figure footnotes inline last "
    "quote ref scroll task tasks tip title turned warning wide k s c n f"
)
CLASSES: Final = frozenset(_CLASSES_NAMES.split())
_GIVEN_NAMES = "continue admonition admonition-title footnote footnote-backref footnote-ref"
_GIVEN: Final = frozenset(_GIVEN_NAMES.split())
_ATTRIBUTES_NAMES = (
    "align alt border cellpadding cellspacing class colspan dir height href lang name "
    "reversed role rowspan scope src start title type value width"
)
_ATTRIBUTES: Final = frozenset(_ATTRIBUTES_NAMES.split())


def text_of(element: HtmlElement) -> str:
    """The words of an element, white space collapsed."""
    return " ".join("".join(element.itertext()).split())


def forget(root: HtmlElement) -> None:
    """Drop the classes that mean nothing in a mail."""
    for element in root.iter():
        words = element.get("class")
        if words and element.tag != "code" and _GIVEN.isdisjoint(words.split()):
            del element.attrib["class"]


def headings(root: HtmlElement, *, title: str) -> None:
    """Exactly one h1, no heading before it, and none more than one level below the one before.

    The h1 is the body's own if that is its first heading and its only h1; else the title, above
    all others, which follow from h2.
    """
    found = list(root.iter(*HEADINGS))
    for element in list(found):
        if not text_of(element) and not any(True for _ in element.iter("img", "a")):
            element.drop_tree()
            found.remove(element)
    levels = [int(element.tag[1]) for element in found]
    has_own = levels.count(1) == 1 == levels[0]
    above: list[int] = []
    for element, level in zip(found, levels, strict=True):
        above = [other for other in above if other < level] + [level]
        element.tag = f"h{min(len(above) + (not has_own), 6)}"
    if title and not has_own:
        heading = E.h1(title)
        heading.tail = "\n" + (root.text or "").lstrip("\n")
        root.text = None
        root.insert(0, heading)


def paragraphs(root: HtmlElement) -> None:
    """Text and inline elements that stand loose between blocks get a paragraph of their own."""
    run: HtmlElement | None = None
    children = list(root)
    if (root.text or "").strip():
        run = E.p(root.text.lstrip())
        root.text = "\n"
        root.insert(0, run)
    for child in children:
        tail = child.tail or ""
        if child.tag in BLOCKS:
            run = None
            if tail.strip():
                child.tail = "\n"
                run = E.p(tail.lstrip())
                child.addnext(run)
                run.tail = "\n"
        elif run is None:
            run = E.p()
            child.addprevious(run)
            run.append(child)
            run.tail = "\n"
        else:
            run.append(child)
    for element in list(root.iter("p")):
        if not text_of(element) and not any(True for _ in element.iter("a", "img")):
            element.drop_tree()


def rules(root: HtmlElement) -> None:
    """A rule parts two things: the second of a pair goes, and one that nothing follows."""
    for rule in list(root.iter("hr")):
        following = rule.getnext()
        if (rule.tail or "").strip() or (following is None and rule.getparent() is not root):
            continue
        if following is None or following.tag == "hr" or following.get("class") == "footnotes":
            rule.drop_tree()


def strip(root: HtmlElement) -> None:
    """Only attributes of the mail-safe subset and classes of ours remain."""
    for element in root.iter():
        for name in element.keys():  # noqa: SIM118  a snapshot: attributes go meanwhile
            if name not in _ATTRIBUTES:
                del element.attrib[name]
        kept = [word for word in element.get("class", "").split() if word in CLASSES]
        if kept:
            element.set("class", " ".join(kept))
        else:
            element.attrib.pop("class", None)
