"""Style sheets into style attributes: premailer behind one function, without network.

Rules that must stay rules, such as those of dark mode, stand in a `<style>` that is marked
`data-premailer="ignore"` and keep their `!important`.
"""

from __future__ import annotations

import logging
import threading
from typing import Final

from premailer import Premailer

_LOCK: Final = threading.Lock()  # cssutils does not promise to be safe for threads


def inline(html: str, css: str) -> str:
    """The document with the rules of `css` as style attributes.

    Args:
        html: a whole document with `<!DOCTYPE html>`; in lower case the doctype would be dropped.
        css: element, class and descendant selectors only; no longhand that changes a part of a
            shorthand. Within these premailer decides as a browser does; outside it is wrong.
    """
    with _LOCK:
        premailer = Premailer(
            html,
            css_text=[css],
            strip_important=False,
            keep_style_tags=True,
            disable_leftover_css=True,
            allow_network=False,
            disable_validation=True,
            disable_basic_attributes=["width", "height", "align", "valign", "bgcolor"],
            align_floating_images=False,
            cssutils_logging_level=logging.CRITICAL,
        )
        result: str = premailer.transform(pretty_print=False)
    return result
