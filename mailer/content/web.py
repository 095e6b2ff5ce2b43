"""Where an issue stands on the web and on disk: what its addresses are relative to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import urljoin

if TYPE_CHECKING:
    from mailer.config import Newsletter
    from mailer.model import Issue

_SOURCES = (".md", ".mdx", ".markdown")
_INDEXES = ("index", "README", "_index")


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """The bases of one issue's addresses.

    Attributes:
        site: what root-relative links stand on.
        assets: what root-relative images stand on; empty: the site.
        page: the issue's own page, from which relative addresses go on; empty if it has none.
        url: where `mailer serve` is reached: local images are published there.
        images: what becomes of local images: "link" or "embed".
        issues: the folder of which images are local; None: nothing is.
        folder: the folder in which the issue's own relative files stand.
    """

    site: str
    assets: str = ""
    page: str = ""
    url: str = ""
    images: str = "link"
    issues: Path | None = None
    folder: Path | None = None

    @classmethod
    def of(cls, issue: Issue, newsletter: Newsletter, *, root: Path) -> Self:
        """The bases of an issue in the newsletter's folder `root`."""
        return cls(
            site=newsletter.site,
            assets=newsletter.assets,
            page=newsletter.page.replace("{id}", issue.id),
            url=newsletter.url,
            images=newsletter.images,
            issues=root / "issues",
            folder=(root / issue.file).parent,
        )

    def base(self, *, image: bool) -> str:
        """What an address that begins with `/` stands on, without a slash at its end."""
        return ((self.assets if image else "") or self.site).rstrip("/")

    def join(self, address: str, *, image: bool) -> str:
        """An encoded address without scheme and host, made absolute."""
        address = address if image else _as_page(address, self.page)
        if address.startswith("/"):
            return self.base(image=image) + address
        return urljoin(self.page or f"{self.base(image=image)}/", address)


def _as_page(address: str, page: str) -> str:
    """A link to another source file is one to its page, which is written as this page is."""
    path, mark, rest = _split(address)
    folder, slash, name = path.rpartition("/")
    stem = next((name[: -len(end)] for end in _SOURCES if name.lower().endswith(end)), "")
    if not stem:
        return address
    in_folders = page.endswith("/")
    if in_folders and not path.startswith("/"):
        folder, slash = (f"../{folder}" if folder else ".."), "/"  # source files stand beside it
    if stem in _INDEXES:
        return f"{folder}{slash}{mark}{rest}" or "./"
    suffix = "/" if in_folders else ".html" if page.endswith(".html") else ""
    return f"{folder}{slash}{stem}{suffix}{mark}{rest}"


def _split(address: str) -> tuple[str, str, str]:
    """Path, what ends it, and what follows."""
    at = min((at for at in (address.find("?"), address.find("#")) if at >= 0), default=-1)
    return (address, "", "") if at < 0 else (address[:at], address[at], address[at + 1 :])
