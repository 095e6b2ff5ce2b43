"""Mail plays nothing: a player becomes its picture and its name, linked (rendering §3)."""

from __future__ import annotations

import re

import pytest

from mailer.content.markdown import Document, convert
from mailer.content.web import Web


def made(body: str) -> Document:
    return convert(body, title="", file="x.md", body_line=1, web=Web(site="https://e.example"))


@pytest.mark.parametrize(
    ("page", "player"),
    [
        ("https://www.youtube.com/watch?v=ab_c-1", "https://www.youtube.com/embed/ab_c-1?rel=0"),
        ("https://www.youtube.com/watch?v=ab_c-1", "//www.youtube-nocookie.com/embed/ab_c-1"),
        ("https://www.youtube.com/watch?v=ab_c-1", "https://youtu.be/ab_c-1"),
        ("https://www.youtube.com/watch?v=ab_c-1", "https://www.youtube.com/shorts/ab_c-1"),
        (
            "https://www.youtube.com/playlist?list=PL1",
            "https://www.youtube.com/embed/videoseries?si=x&amp;list=PL1",
        ),
        ("https://vimeo.com/123", "https://player.vimeo.com/video/123?autoplay=1"),
        ("https://vimeo.com/123/ab9", "https://player.vimeo.com/video/123?h=ab9"),
        ("https://open.spotify.com/episode/x1", "https://open.spotify.com/embed/episode/x1?a=b"),
        (
            "https://api.soundcloud.com/tracks/1",
            "https://w.soundcloud.com/player/?a=b&amp;url=https%3A//api.soundcloud.com/tracks/1",
        ),
        ("https://maps.example/embed?x=1", "https://maps.example/embed?x=1"),
    ],
)
def test_the_link_leads_to_the_page_that_plays(page: str, player: str) -> None:
    document = made(f'<iframe src="{player}" title="A talk"></iframe>')
    assert {page} == set(re.findall(r'href="([^"]*)"', document.html))
    assert f"▶ A talk <{page}>" in document.text
    assert [one.id for one in document.findings] == ["W113"]


def test_a_picture_and_its_caption_are_linked_both() -> None:
    document = made('<video poster="/p.png" title="Tides"><source src="/t.mp4"></video>')
    assert (
        '<div class="figure"><a href="https://e.example/t.mp4"><img src="https://e.example/p.png" '
        'alt="Tides" width="536" class="wide"></a><p class="caption">'
        '<a href="https://e.example/t.mp4">▶ Tides</a></p></div>'
    ) in document.html
    assert document.text == "▶ Tides <https://e.example/t.mp4>\n"


def test_youtube_has_a_picture_of_its_own() -> None:
    document = made('<iframe src="https://www.youtube.com/embed/abcdefghijk"></iframe>')
    assert 'src="https://i.ytimg.com/vi/abcdefghijk/hqdefault.jpg"' in document.html
    assert "▶ youtube.com/watch?v=abcdefghijk</a>" in document.html


@pytest.mark.parametrize(
    "player",
    [
        '<audio controls src="/horn.mp3">Your browser cannot play this.</audio>',
        '<video controls><source src="/horn.mp3"><source src="/horn.ogg"></video>',
        '<embed src="/horn.mp3">',
        '<object data="/horn.mp3"></object>',
        '<video src="/horn.mp3" controls>',
    ],
)
def test_a_player_without_a_picture_is_a_line(player: str) -> None:
    document = made(f"{player}\n\nAfter.")
    assert '<p><a href="https://e.example/horn.mp3">▶ /horn.mp3</a></p>' in document.html
    assert "browser" not in document.text
    assert "After." in document.text


@pytest.mark.parametrize(
    "player",
    [
        '<video src="javascript:x"></video>',
        '<iframe src="data:text/html,x"></iframe>',
        "<iframe></iframe>",
        "<video>no source</video>",
    ],
)
def test_what_plays_no_address_of_the_web_goes(player: str) -> None:
    document = made(f"{player}\n\nAfter.")
    assert document.text == "After.\n"
    assert "<a" not in document.html


@pytest.mark.parametrize(
    ("page", "player"),
    [
        (
            "https://www.youtube.com/watch?v=ab_c-1",
            "<lite-youtube videoid=ab_c-1 videotitle='A talk'></lite-youtube>",
        ),
        ("https://vimeo.com/123", '<lite-vimeo videoid="123" playlabel="A talk"></lite-vimeo>'),
    ],
)
def test_players_of_web_components_are_linked_too(page: str, player: str) -> None:
    document = made(f"Watch it:\n\n{player}")
    assert f"▶ A talk <{page}>" in document.text
    assert [one.id for one in document.findings] == ["W113"]
