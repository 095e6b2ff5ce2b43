"""The settled tree of an issue as the text/plain part (M-26).

=============  =====================================================================================
element        text
=============  =====================================================================================
h1, h2, h3     underlined with ``=``, underlined with ``-``, after ``###`` (h4 to h6 likewise)
link           ``words <address>``; the address alone where it is its own words
image          ``[Image: alt] <address>``; in a link the address that the link leads to
code           in backticks; blocks indented by 4, never wrapped, also in quotes without ``>``
quote          after ``> ``
table          columns side by side, or one cell per line where that is too wide
=============  =====================================================================================

Lines have at most 76 columns, CJK signs counting two, unless one word alone is longer: addresses
and the places for recipients are never broken.
"""

from mailer.content.plaintext.blocks import to_text

__all__ = ["to_text"]
