"""Style sheets into style attributes: premailer behind one function, without network.

Rules that must stay rules, such as those of dark mode, stand in a `<style>` that is marked
`data-premailer="ignore"` and keep their `!important`.
"""

from __future__ import annotations

import logging
import threading
from functools import lru_cache
from typing import Any, Final

from premailer import Premailer

_OPTIONS: Final[dict[str, Any]] = {
    "strip_important": False,
    "keep_style_tags": True,
    "disable_leftover_css": True,
    "allow_network": False,
    "disable_validation": True,
    "disable_basic_attributes": ["width", "height", "align", "valign", "bgcolor"],
    "align_floating_images": False,
    "cssutils_logging_level": logging.CRITICAL,
}
_LOCK: Final = threading.Lock()  # cssutils does not promise to be safe for threads


def inline(html: str, css: str) -> str:
    """The document with the rules of `css` as style attributes.

    Args:
        html: a whole document with `<!DOCTYPE html>`; in lower case the doctype would be dropped.
        css: element, class and descendant selectors only; no longhand that changes a part of a
            shorthand. Within these premailer decides as a browser does; outside it is wrong.
    """
    with _LOCK:
        result: str = _Inliner(html, css_text=[css], **_OPTIONS).transform(pretty_print=False)
    return result


class _Inliner(Premailer):  # type: ignore[misc]  # premailer has no types
    """premailer, which would parse the same sheet anew for each issue: half of its time."""

    def _parse_style_rules(self, css_body: str, ruleset_index: int) -> tuple[list[Any], list[Any]]:
        rules, leftover = _parsed(css_body, ruleset_index)
        return list(rules), list(leftover)


@lru_cache(maxsize=8)  # the theme's sheet in two directions, for a few templates
def _parsed(css: str, number: int) -> tuple[list[Any], list[Any]]:
    premailer = Premailer("", **_OPTIONS)
    parsed: tuple[list[Any], list[Any]] = premailer._parse_style_rules(css, number)  # noqa: SLF001  what is remembered
    return parsed
