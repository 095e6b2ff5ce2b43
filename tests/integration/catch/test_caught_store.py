"""The folder of caught messages."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from mailer.catch.store import Envelope, Store

if TYPE_CHECKING:
    from pathlib import Path


def test_a_message_is_kept_octet_for_octet_beside_its_envelope(tmp_path: Path) -> None:
    store = Store(tmp_path / "out" / "caught")
    content = b"Subject: x\r\n\r\n\x00\xff bare \n and \r\r\n..dots\r\n"
    name = store.add("b-token@example.org", ["ann@example.org", "bob@example.org"], content)
    assert content == (tmp_path / "out" / "caught" / f"{name}.eml").read_bytes()
    assert json.loads((tmp_path / "out" / "caught" / f"{name}.json").read_bytes()) == {
        "mail_from": "b-token@example.org",
        "rcpt_to": ["ann@example.org", "bob@example.org"],
    }
    assert content == store.content(name)
    assert store.envelope(name).rcpt_to == ("ann@example.org", "bob@example.org")


def test_no_half_written_file_is_left_under_its_name(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.add("", ["ann@example.org"], b"x" * 100_000)
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".eml", ".json"]


def test_names_sort_by_arrival_and_survive_a_restart(tmp_path: Path) -> None:
    store = Store(tmp_path)
    names = [store.add("", [], b"%d" % number) for number in range(20)]
    assert names == sorted(names)
    assert names[::-1][:3] == store.newest(0, 3)
    assert names[::-1][18:] == store.newest(18, 10)
    assert store.newest(20, 10) == []
    again = Store(tmp_path)
    assert names[::-1] == again.newest(0, 100)
    later = again.add("", [], b"later")
    assert [later] == again.newest(0, 1)


def test_nothing_outside_the_folder_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "secret.eml").write_bytes(b"secret")
    store = Store(tmp_path / "caught")
    for name in ("../secret", "/etc/passwd", "", "..", "20261124-060201977273-00000١"):
        assert store.content(name) is None
        assert Envelope(mail_from="", rcpt_to=()) == store.envelope(name)


def test_the_ten_thousandth_message_costs_what_the_first_did(tmp_path: Path) -> None:
    """No listing, no sorting per message."""
    store = Store(tmp_path)

    def seconds(count: int) -> float:
        began = time.process_time()
        for _ in range(count):
            store.add("a@example.org", ["b@example.org"], b"x")
        return time.process_time() - began

    first = seconds(300)
    store._names.extend(f"20260101-000000000000-{number:06d}" for number in range(100_000))
    assert seconds(300) < 5 * first + 0.05
