"""Many requests in-process: scanners that follow links, and tokens that are nearly right."""

from __future__ import annotations

import base64
import random
from typing import TYPE_CHECKING

import pytest

from mailer.compose.links import Keyring
from mailer.model import MailingId
from tests.wire.public_site import FORM, NEW_KEY, ONE_CLICK, Site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOST = ((b"host", b"news.example.org"),)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=~%2"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    site.ledger.close()


def test_get_head_and_options_change_nothing_a_thousand_times(site: Site) -> None:
    """L-7, X-13, case 49."""
    before = site.dump()
    answers = site.ask_all(
        [(method, f"/u/{site.token}", b"", HOST) for method in ("GET", "HEAD", "OPTIONS")] * 1000
    )
    assert {answer.status for answer in answers} == {200, 204}
    assert before == site.dump()


def mutations(token: str) -> Iterator[str]:
    """Every change of one bit, then one or two random edits, without end."""
    for place, character in enumerate(token):
        for bit in range(7):
            yield token[:place] + chr(ord(character) ^ 1 << bit) + token[place + 1 :]
    chance = random.Random(50)
    while True:
        edited = _edited(token, chance)
        yield edited
        yield _edited(edited, chance)


def _edited(token: str, chance: random.Random) -> str:
    place = chance.randrange(len(token) + 1)
    before, after = token[:place], token[place:]
    new = chance.choice(ALPHABET)
    return chance.choice(
        [before + new + after[1:], before + new + after, before + after[1:], after]
    )


def test_ten_thousand_mutated_tokens_are_404_and_change_nothing(site: Site) -> None:
    """L-5, case 50."""
    paths: set[str] = set()
    for mutant in mutations(site.token):
        if mutant != site.token and mutant.isprintable() and not set(mutant) & set("/?#%"):
            paths.add(f"/u/{mutant}")
        if len(paths) == 10_000:
            break
    before = site.dump()
    answers = site.ask_all([("POST", path, ONE_CLICK, (*HOST, FORM)) for path in sorted(paths)])
    assert {404} == {answer.status for answer in answers}
    assert len({answer.body for answer in answers}) == 1
    assert before == site.dump()
    assert site.ask("POST", f"/u/{site.token}", ONE_CLICK).status == 200


def forged(site: Site) -> dict[str, str]:
    """Case 50, one of each kind."""
    payload, _, mac = site.token.partition(".")
    raw = base64.urlsafe_b64decode(mac + "=")
    another = site.keyring.unsubscribe_token(site.add("bob@example.org"), site.list_number)
    return {
        "truncated MAC": f"{payload}.{base64.urlsafe_b64encode(raw[:16]).decode().rstrip('=')}",
        "another payload": f"{another.partition('.')[0]}.{mac}",
        "no MAC": payload,
        "empty MAC": f"{payload}.",
        "a delivery token": site.keyring.delivery_token(
            "verp", mailing=MailingId(1), seq=1, key_id=site.keyring.newest_id
        ),
        "key not in the ring": Keyring((NEW_KEY[::-1],)).unsubscribe_token(
            site.subscriber, site.list_number
        ),
        "upper-cased": site.token.upper(),
        "lower-cased": site.token.lower(),
        "padded": f"{site.token}=",
        "encoded twice": site.token.replace(".", "%252E"),
        "10 KB": site.token + "A" * 10_240,
        "with a space": f"{site.token}%20",
        "with NUL": f"{site.token}%00",
        "with a line end": f"{site.token}%0A",
        "nothing but dots": "....",
        "not ASCII": "%C3%A4" * 30,
        "no UTF-8": "%FF" * 60,
    }


def test_every_forgery_gets_one_and_the_same_answer(site: Site) -> None:
    """X-1, X-12, case 50: the answer does not tell what is wrong with a token."""
    paths = forged(site)
    before = site.dump()
    for method, body in (("GET", b""), ("POST", ONE_CLICK), ("POST", b"action=undo")):
        answers = {name: site.ask(method, f"/u/{token}", body) for name, token in paths.items()}
        answers["nothing there"] = site.ask(method, "/nothing", body)
        assert dict.fromkeys(answers, 404) == {
            name: answer.status for name, answer in answers.items()
        }
        assert len({(str(answer.headers), answer.body) for answer in answers.values()}) == 1
    assert before == site.dump()
