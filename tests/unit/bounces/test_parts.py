from __future__ import annotations

from mailer.bounces.parts import DEPTH_MAX, OCTETS_MAX, PARTS_MAX, Headers, Part, walk


def types(mail: str) -> list[tuple[str, int]]:
    return [(part.type, part.inside) for part in walk(mail.encode())]


def leaves(mail: str) -> list[str]:
    return [part.body for part in walk(mail.encode()) if not part.type.startswith("multipart/")]


TREE = """\
Content-Type: multipart/mixed; boundary="a b"

before
--a b
Content-Type: multipart/alternative; boundary=inner

--inner
Content-Type: text/plain

one
--inner
Content-Type: TEXT/HTML; charset=x

two
--inner--
--a b
Content-Type: message/rfc822

Subject: nested

three
--a b
Content-Type: text/rfc822-headers

Subject: headers alone
--a b--
after
"""


def test_parts_come_in_reading_order_with_their_depth_in_messages() -> None:
    """B-3."""
    assert types(TREE) == [
        ("multipart/mixed", 0),
        ("multipart/alternative", 0),
        ("text/plain", 0),
        ("text/html", 0),
        ("message/rfc822", 0),
        ("text/plain", 1),
        ("text/rfc822-headers", 0),
        ("text/plain", 1),
    ]


def test_messages_within_the_message_begin_with_their_headers() -> None:
    """B-2: the returned mail, whole or its headers alone."""
    begins = [part.headers.get("Subject") for part in walk(TREE.encode()) if part.begins_message]
    assert begins == ["", "nested", "headers alone"]


def test_a_part_without_its_end_ends_with_its_parent() -> None:
    cut = TREE[: TREE.index("--inner--")] + TREE[TREE.index("--a b\nContent-Type: message") :]
    assert leaves(cut)[:2] == ["one\n", "two\n"]
    assert leaves("Content-Type: multipart/mixed; boundary=b\n\n--b\n\nopen") == ["open"]


def test_a_multipart_without_boundary_has_no_parts() -> None:
    assert types("Content-Type: multipart/mixed\n\n--b\n\nx") == [("multipart/mixed", 0)]


def test_fields_are_unfolded_and_damage_is_skipped() -> None:
    headers = Headers("From x Thu\nA: 1\n  more\n\tand more\n  \nnonsense\n: b\nB : 2\na: 3")
    assert headers.all("a") == ["1 more and more", "3"]
    assert headers.get("B") == "2"
    assert "nonsense" not in headers
    assert headers.get("C") == ""


def test_a_body_is_decoded_if_it_can_be() -> None:
    def text(encoding: str, body: str) -> str:
        headers = Headers(f"Content-Transfer-Encoding: {encoding}")
        part = Part(headers=headers, type="x/y", body=body, inside=0, begins_message=False)
        return part.text()

    assert text("BASE64", "YQ0KYg==") == "a\nb"
    assert text("base64", "Y") == "Y"
    assert text("Quoted-Printable", "a=3Db=\nc") == "a=bc"
    assert text("8bit", "a=3D") == "a=3D"


def test_depth_number_and_octets_are_bounded() -> None:
    """B-6, X-17."""
    deep = "Content-Type: message/rfc822\n\n" * 200
    assert len(types(deep)) == DEPTH_MAX + 1
    wide = "Content-Type: multipart/mixed; boundary=b\n\n" + "--b\n\n" * 2000
    assert len(types(wide)) == PARTS_MAX
    assert len(leaves("\n" + "x" * 2 * OCTETS_MAX)[0]) == OCTETS_MAX - 1
