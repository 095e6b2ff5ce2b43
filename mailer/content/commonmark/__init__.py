"""Markdown as CommonMark reads it, for Python-Markdown, which is older than that standard.

::

    lines ──reader──▶ blocks ──tree──▶ tree ──Python-Markdown──▶ HTML
             starts            phrases ◀── pieces ◀──scanner── text

Each step takes time in proportion to the length of the text, whatever it holds.
"""

from mailer.content.commonmark.extension import CommonMark

__all__ = ["CommonMark"]
