"""What shortcodes, tags and components of site generators show, as Markdown or plain HTML.

Their names and arguments differ from theme to theme, what they mean hardly does. One line each.

================================  ==============================================================
picture                           an image, with its caption a figure
YouTube, Vimeo, video, iframe     a player, of which the mail makes a linked picture
tweet, gist and other services    the address
button, link, card                a link
anything else                     the words that its arguments hold for a reader; perhaps none
================================  ==============================================================
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from mailer.content.dialects.vocabulary import CAPTIONS, IDS, LINKS, SOURCES, TARGETS, WORDS
from mailer.content.dialects.writing import address, figure, is_address, link, player

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mailer.content.dialects.arguments import Arguments

_PICTURE: Final = re.compile(
    r"(?:.*(?:image|img|picture|figure|photo|screenshot|thumbnail)|(?:image|img|picture|figure).*"
    r"|fig|pic|lightbox|zoom)s?\Z"
)
_PICTURE_FILE: Final = re.compile(
    r"\S+\.(?:png|jpe?g|gif|webp|svg|avif|bmp)(?:[?#]\S*)?\Z", re.IGNORECASE
)
_YOUTUBE_ID: Final = re.compile(
    r"(?:.*(?:youtu\.be/|youtube(?:-nocookie)?\.com/(?:embed/|shorts/|live/|watch\?(?:.*&)?v=)))?"
    r"([\w-]{11})(?![\w-])"
)
_VIMEO_ID: Final = re.compile(r"(?:.*vimeo\.com/(?:video/)?)?(\d{5,})")
_REFERENCE: Final = re.compile(r"#?\d+\Z|[@#][\w/.-]+\Z")
_PLAIN_WORD: Final = re.compile(r"[^\W\d_](?:[^\W\d_A-Z]|['’-](?=\w))*[.,:!?]?\Z")
_VALUE: Final = re.compile(
    r"param|version|value|var|data|date|time|env|conf|count|price|site|page|get|ref|url|path|file"
)
"""Tags that show a value under the name that they are given, not the name."""
_SENTENCE: Final = 4
"""Spaces from which on a value is for reading, whatever its name."""
_NAMES: Final = ("name", "term", "value", "symbol")
_NUMBER: Final = re.compile(r"\d+\Z")


def embed(name: str, arguments: Arguments) -> str | None:
    """What a known tag shows; None if nobody knows it by its name and arguments."""
    known = plain_name(name)
    maker = _MAKERS.get(known)
    if maker is None and "youtube" in known:
        maker = _youtube
    if maker is None and "video" in known:
        maker = _video
    shows = arguments.first("src") or next(iter(arguments.positional), "")
    if maker is None and (_PICTURE.match(known) or _PICTURE_FILE.match(shows)):
        maker = _picture
    return maker(arguments) if maker else None


def plain_name(name: str) -> str:
    """The name of a tag or of an included file without path, ending and word signs."""
    name = re.sub(r"\.(?:html?|njk|liquid|md|hbs|tsx?|jsx?|vue)\Z", "", name.strip("\"'").lower())
    return re.sub(r"[-_]", "", name.rpartition("/")[2])


def words_of(arguments: Arguments, *, lines: int = 0) -> str:
    """The words for a reader that an unknown tag's arguments hold, as Markdown; perhaps none.

    Args:
        arguments: of the tag.
        lines: line ends that there is room for; with enough of them each text is a paragraph.
    """
    given = arguments.named.items()
    parts = [value for key, value in given if is_prose(value) and (key in WORDS or _is_text(value))]
    parts = parts or [each for each in arguments.spoken() if is_prose(each) and " " in each]
    parts = list(dict.fromkeys(" ".join(part.split()) for part in parts))
    text = ("\n\n" if 0 < 2 * len(parts) - 2 <= lines else ": ").join(parts)
    target = arguments.first(*TARGETS)
    return link(text, target) if text and is_address(target) else text


def word_of(arguments: Arguments) -> str:
    """What an unknown tag within a sentence most likely shows: its name, label or only argument.

    Several arguments are words, too, where each is a number or a name with a sign: `12 #14 @ann`.
    """
    given = arguments.first(*WORDS, *_NAMES)
    if is_prose(given):
        return given
    only = arguments.positional[0] if len(arguments.positional) == 1 else ""
    if only:
        spoken = only not in arguments.bare or _REFERENCE.match(only) or any(map(str.isdigit, only))
        return only if spoken and not is_address(only) else ""
    return (
        " ".join(arguments.positional) if all(map(_REFERENCE.match, arguments.positional)) else ""
    )


def named_by(name: str, arguments: Arguments) -> str:
    """The plain words that an unknown tag is given: `{% term network bridge %}`.

    A name of a variable is none (`currentVersion`, `site_name`), nor what a tag looks up.
    """
    words = arguments.positional
    if _VALUE.search(plain_name(name)) or not all(map(_PLAIN_WORD.match, words)):
        return ""
    return " ".join(words)


def place_of(arguments: Arguments) -> str:
    """The address or file that a tag within an address most likely stands for."""
    given = [arguments.first(*SOURCES, *TARGETS), *arguments.positional]
    return next((address(each) for each in given if "." in each or "/" in each), "")


def _is_text(value: str) -> bool:
    return value.count(" ") >= _SENTENCE


def is_prose(value: str) -> bool:
    """Whether a value is for reading: no address, no file, no flag."""
    value = value.strip()
    if value.lower() in {"true", "false", "null", "none"} or is_address(value):
        return False
    return any(sign.isalpha() for sign in value) and not _PICTURE_FILE.match(value)


# --- makers --------------------------------------------------------------------------------------


def _picture(arguments: Arguments) -> str | None:
    positional = list(arguments.positional)
    source = arguments.first(*SOURCES)
    if not source:
        source = next((each for each in positional if _PICTURE_FILE.match(each)), "")
    source = source or next((each for each in positional if is_address(each)), "")
    if not source:
        return None
    rest = [each for each in positional if each != source and " " in each and is_prose(each)]
    caption = arguments.first(*CAPTIONS)
    alternative = arguments.first("alt", "title") or (rest.pop(0) if rest else "")
    title = arguments.first("title")
    if title and arguments.first("alt") and title != arguments.first("alt"):
        caption = f"{title} {caption}".strip()
    caption = f"{caption} {_credit(arguments)}".strip()
    return figure(
        source,
        alternative,
        caption=caption,
        target=arguments.first("link", "target", "linkto") if "src" in arguments.named else "",
        width=arguments.first("width"),
    )


def _credit(arguments: Arguments) -> str:
    words, target = arguments.first("attr", "credit", "attribution"), arguments.first("attrlink")
    return link(words, target) if words and target else words


def _youtube(arguments: Arguments) -> str | None:
    for value in (arguments.first(*IDS, *SOURCES), *arguments.positional):
        video = _YOUTUBE_ID.match(value)
        if video:
            url = f"https://www.youtube.com/embed/{video[1]}"
            return player(url, arguments.first("title", "caption", "alt", "label"))
        if value.startswith("http"):
            return player(value, arguments.first("title"))
    return None


def _vimeo(arguments: Arguments) -> str | None:
    for value in (arguments.first(*IDS, *SOURCES), *arguments.positional):
        video = _VIMEO_ID.match(value)
        if video:
            url = f"https://player.vimeo.com/video/{video[1]}"
            return player(url, arguments.first("title", "caption", "alt"))
    return None


def _video(arguments: Arguments) -> str | None:
    if arguments.first("provider") == "vimeo":
        return _vimeo(arguments)
    url = arguments.first(
        "src", "mp4", "webm", "url", "source", "file", "path", "filepath", "href", "link"
    )
    url = url or next((each for each in arguments.positional if _looks_like_file(each)), "")
    if not url or "youtu" in url:
        return _youtube(arguments)
    if "vimeo.com" in url:
        return _vimeo(arguments)
    title = arguments.first("title", "caption", "alt", "label")
    poster = arguments.first("poster", "thumbnail", "thumb", "cover")
    poster = f' poster="{html.escape(address(poster))}"' if poster else ""
    title = f' title="{html.escape(title)}"' if title else ""
    return f'<video src="{html.escape(address(url))}"{poster}{title}></video>'


def _looks_like_file(value: str) -> bool:
    return bool(is_address(value) or re.search(r"\.(?:mp4|webm|mov|ogv|m4v)\Z", value))


def _frame(arguments: Arguments) -> str | None:
    url = arguments.first("src", "url", "href") or arguments.at(0)
    return player(url, arguments.first("title", "caption")) if is_address(url) else None


def _tweet(arguments: Arguments) -> str | None:
    given = arguments.first("id", "tweetid", "tweet", "url", "link", "href", "src")
    for value in (given, *arguments.positional):
        if value.startswith("http"):
            return f"<{address(value)}>"
        if _NUMBER.match(value):
            user = arguments.first("user", "username") or "i"
            return f"<https://twitter.com/{quote(user)}/status/{value}>"
    return None


def _service(form: str) -> Callable[[Arguments], str | None]:
    """A maker of the address at which a service shows what an id names."""

    def make(arguments: Arguments) -> str | None:
        given = [value for key in (*IDS, "user", "url", "src") if (value := arguments.first(key))]
        parts = given or list(arguments.positional)
        if parts and parts[0].startswith("http"):
            return f"<{address(parts[0])}>"
        parts = [part for part in parts if re.fullmatch(r"[\w./-]+", part)]
        return (
            f"<{form}{'/'.join(reversed(parts)) if given else '/'.join(parts)}>" if parts else None
        )

    return make


def _gist(arguments: Arguments) -> str | None:
    user, identity = arguments.first("user"), arguments.first("id", "gist", "src", "url")
    parts = [user, identity] if identity else list(arguments.positional[:2])
    path = "/".join(part for part in parts if part)
    if path.startswith("http"):
        return f"<{address(path)}>"
    return f"<https://gist.github.com/{quote(path)}>" if path else None


def _linked(arguments: Arguments) -> str | None:
    target = arguments.first(*TARGETS) or next(
        (each for each in arguments.positional if is_address(each)), ""
    )
    words = [arguments.named[key] for key in WORDS if is_prose(arguments.named.get(key, ""))]
    words = words or [each for each in arguments.positional if is_prose(each)]
    if not target or not words:
        return None
    first, *rest = dict.fromkeys(words)
    return ": ".join([link(first, target), *rest])


_MAKERS_BY_NAMES: Final[Mapping[str, Callable[[Arguments], str | None]]] = {
    "youtube yt ytembed liteyoutube liteyoutubeembed reactplayer": _youtube,
    "vimeo vimeoembed": _vimeo,
    "video html5video mp4 videoplayer webm videojs bilibilivideo": _video,
    "iframe embed codesandbox loom asciinema rawiframe embedpage": _frame,
    "tweet twitter x tweetsimple twittersimple twittertweet xpost tweetembed": _tweet,
    "gist githubgist gistembed": _gist,
    " ".join(LINKS): _linked,
    "instagram instagramsimple": _service("https://www.instagram.com/p/"),
    "codepen": _service("https://codepen.io/"),
    "github": _service("https://github.com/"),
    "spotify": _service("https://open.spotify.com/"),
}
_MAKERS: Final = {
    name: maker for names, maker in _MAKERS_BY_NAMES.items() for name in names.split()
}
