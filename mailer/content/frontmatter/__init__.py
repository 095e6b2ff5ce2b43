"""The head of an issue: any format that site generators use, and what its fields mean to us."""

from mailer.content.frontmatter.split import KEYS, FrontMatter, split

__all__ = ["KEYS", "FrontMatter", "split"]
