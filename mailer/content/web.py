"""Where an issue stands on the web and on disk: what its addresses are relative to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import urljoin

from mailer.content.dialects.recognise import has_foreign_keys

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
        generated: whether a site generator is known to make a page of the issue, and may have the
            images that are not here.
    """

    site: str
    assets: str = ""
    page: str = ""
    url: str = ""
    images: str = "link"
    issues: Path | None = None
    folder: Path | None = None
    generated: bool = False

    @classmethod
    def of(cls, issue: Issue, newsletter: Newsletter, *, root: Path) -> Self:
        """The bases of an issue in the newsletter's folder `root`."""
        return cls(
            site=newsletter.site,
            assets=newsletter.assets,
            page=_page_of(issue, newsletter),
            url=newsletter.url,
            images=newsletter.images,
            issues=root / "issues",
            folder=(root / issue.file).parent,
            generated=issue.dialect != "plain" or has_foreign_keys(issue.meta),
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


def _page_of(issue: Issue, newsletter: Newsletter) -> str:
    """Where an issue stands on the web: as its own keys say, else as the configuration does.

    A path of its own says something only where a site is known that is not the mailer itself.
    """
    own = issue.page_path
    if not own.startswith(("/", "http")):
        return newsletter.page.replace("{id}", own or issue.id)
    if not newsletter.page and newsletter.site == newsletter.url:
        return ""
    return newsletter.site.rstrip("/") + own if own.startswith("/") else own


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
