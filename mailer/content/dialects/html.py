"""The names of HTML's elements: what else stands in angle brackets is a component, or text."""

from __future__ import annotations

from typing import Final

_ELEMENTS = (
    "a abbr address area article aside audio b base bdi bdo big blockquote body br button canvas "
    "caption center cite code col colgroup data datalist dd del details dfn dialog div dl dt em "
    "embed fieldset figcaption figure font footer form h1 h2 h3 h4 h5 h6 head header hgroup hr "
    "html i iframe img input ins kbd label legend li link main map mark marquee math menu meta "
    "meter nav nobr noscript object ol optgroup option output p param picture pre progress q rb "
    "rp rt rtc ruby s samp script search section select slot small source span strike strong "
    "style sub summary sup svg table tbody td template textarea tfoot th thead time title tr "
    "track tt u ul var video wbr"
)
NAMES: Final = frozenset(_ELEMENTS.split())
