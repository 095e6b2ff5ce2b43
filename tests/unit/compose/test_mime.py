from __future__ import annotations

import re
from collections import Counter
from email import message_from_bytes
from typing import Any

import pytest

from mailer.compose.expressions import MissingValueError
from mailer.compose.links import Keyring
from mailer.compose.mime import MessageTemplate
from mailer.errors import CheckError, ConfigError
from mailer.model import Instant, Mailbox, Place, Slot
from tests.samples.messages import (
    DATE,
    KEYRING,
    LINK,
    NAME,
    NEW_KEY,
    OLD_KEY,
    body,
    compose,
    header_lines,
    parsed,
    recipient,
    rendering,
    revision,
    template,
)

SMUGGLING = ["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r\n.\r\n"]
NAMES = [
    "Date",
    "From",
    "To",
    "Subject",
    "Message-ID",
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Post",
    "Precedence",
    "X-Auto-Response-Suppress",
    "Feedback-ID",
    "MIME-Version",
    "Content-Type",
]


def name_in(place: Place = Place.TEXT) -> Slot:
    return Slot(expression="subscriber.name", place=place)


def raw(content: bytes, name: str) -> str:
    """The raw value of a header, folds included."""
    block = content.partition(b"\r\n\r\n")[0].decode()
    found = re.findall(rf"^{name}: ((?:.|\r\n )*)\r?$", block, re.MULTILINE)
    assert len(found) == 1, found
    return str(found[0]).rstrip("\r")


# --- the wire ------------------------------------------------------------------------------------


def test_every_line_ends_crlf_and_is_short_and_7_bit() -> None:
    """M-1, M-2, M-3."""
    odd = rendering(
        subject=("Größe 🎉 " * 20,),
        html=(".\n..\nFrom me\ntrail \nbare\rcr\r\n" + "x" * 5000 + "é漢", NAME, "\n"),
        text=("\n.\r\nMAIL FROM:<a@b>\r\nDATA\r\n.\r\n", NAME, "\n.\n"),
    )
    content = compose(odd).content
    assert re.findall(rb"(?<!\r)\n|\r(?!\n)", content) == []
    assert [octet for octet in set(content) if not 1 <= octet <= 127] == []
    lines = content.split(b"\r\n")
    assert max(map(len, lines[len(NAMES) :])) <= 118  # List-Unsubscribe, which never folds
    encoded = content.partition(b"\r\n\r\n")[2].split(b"\r\n")
    assert max(map(len, encoded)) <= 76
    assert [line for line in lines if line.startswith((b".", b"From "))] == []
    assert content.endswith(b"\r\n")


@pytest.mark.parametrize("sequence", SMUGGLING)
def test_a_dialogue_in_the_text_or_in_a_value_stays_text(sequence: str) -> None:
    """X-9, case 9: no bare line end and no lone dot reaches the wire."""
    attack = f"a{sequence}MAIL FROM:<v@x.test>{sequence}b"
    given = rendering(html=(attack, name_in(Place.HTML)), text=(attack, name_in()))
    content = template(given).compose(recipient(name=attack), date=DATE).content
    assert re.findall(rb"(?<!\r)\n|\r(?!\n)", content) == []
    assert b"\r\n.\r\n" not in content
    shown = attack.replace("\r\n", "\n").replace("\r", "\n")
    message = template(given).compose(recipient(name=attack), date=DATE)
    assert body(message, "plain") == f"{shown}{shown}\n"


def test_body_lines_survive_as_they_are() -> None:
    """Case 8: `.`, `..`, `.leading`, `From me`, trailing spaces, 5,000 characters, tabs."""
    text = ".\n..\n.leading\nFrom me\ntrailing  \n\ttabs\t\n" + "x" * 5000 + "\n\n\n"
    assert body(compose(rendering(text=(text,))), "plain") == text


def test_odd_characters_are_kept_and_nul_is_refused() -> None:
    """Case 10."""
    odd = "\ufffe \u202ertl e" + "\u0301" * 100 + "\n"
    assert body(compose(rendering(html=(odd,))), "html") == odd
    with pytest.raises(CheckError, match="E109"):
        compose(rendering(html=("a\0b",)))


def test_a_part_ends_in_a_line_break_even_if_it_ends_in_a_slot() -> None:
    assert body(compose(rendering(text=("Hello ", NAME))), "plain") == "Hello Ann\n"


# --- the header ----------------------------------------------------------------------------------


def test_the_header_has_these_fields_in_this_order_each_once() -> None:
    """M-4, M-14, M-15: no Return-Path, Received, Bcc, DKIM-Signature; nothing custom."""
    assert parsed(compose()).keys() == NAMES
    with_reply = compose(reply_to=Mailbox(name="Hélène", address="hello@example.org"))
    assert parsed(with_reply).keys() == [*NAMES[:2], "Reply-To", *NAMES[2:]]
    assert max(Counter(name.lower() for name in NAMES).values()) == 1


def test_the_header_lines_are_short_but_for_the_links() -> None:
    """M-2."""
    lines = header_lines(compose(rendering(subject=("Opening hours in winter " * 10,))))
    long = [line.partition(":")[0] for line in lines if len(line) > 78]
    assert long == ["List-Unsubscribe"]


def test_a_retry_is_the_first_attempt_octet_for_octet() -> None:
    """M-5, M-6, V-2, decisions 2: though name and attributes have changed since."""
    first = template().compose(recipient(), date=DATE)
    again = template().compose(
        recipient(name="Renamed", attributes={"x": "y"}), date=DATE, values=first.values
    )
    assert first == again
    assert first.values == ("Ann",)


def test_a_retry_after_a_key_rotation_is_the_first_attempt() -> None:
    """Decisions 2, 9: the revision keeps its key, also for the unsubscribe link."""
    old = Keyring((OLD_KEY,))
    under_old = revision(key_id=old.newest_id)
    first = MessageTemplate(rendering(), under_old, old).compose(recipient(), date=DATE)
    rotated = MessageTemplate(rendering(), under_old, Keyring((NEW_KEY, OLD_KEY)))
    assert first == rotated.compose(recipient(), date=DATE, values=first.values)
    with pytest.raises(ConfigError, match="E433"):
        MessageTemplate(rendering(), under_old, Keyring((NEW_KEY,)))


def test_the_date_is_the_given_one_in_utc() -> None:
    """M-5."""
    one = template()
    dates = [
        raw(one.compose(recipient(), date=Instant(DATE + 1_000_000 * more)).content, "Date")
        for more in (0, 1, 0)
    ]
    assert dates == [
        "Thu, 26 Nov 2026 08:00:00 +0000",
        "Thu, 26 Nov 2026 08:00:01 +0000",
        "Thu, 26 Nov 2026 08:00:00 +0000",
    ]


def test_the_message_id_is_a_signed_dot_atom_of_our_domain() -> None:
    """M-6: unique, no address and no bare counter in it."""
    one = template()
    ids = {one.compose(recipient(seq=seq), date=DATE).message_id for seq in range(50)}
    assert len(ids) == 50
    assert all(re.fullmatch(r"<[a-z2-7]{31}@example\.org>", found) for found in ids)
    message = compose()
    assert raw(message.content, "Message-ID") == message.message_id
    token = message.message_id[1:32]
    assert KEYRING.read_delivery_token("message-id", token) == (42, 9)


def test_from_has_one_mailbox_with_an_ascii_domain() -> None:
    """M-7, M-13."""
    message = compose(sender=Mailbox(name="Die Größe", address="news@exämple.org"))
    assert str(parsed(message)["From"]) == "Die Größe <news@xn--exmple-cua.org>"
    assert message.message_id.endswith("@xn--exmple-cua.org>")


@pytest.mark.parametrize(
    "address",
    [
        "jér@example.org",
        "a@b@c.org",
        "a@x.y\r\nRCPT TO:<b@x.y>",
        "<a@x.org>",
        "a",
        "",
        "a\ud800@x.org",
    ],
)
@pytest.mark.parametrize("field", ["sender", "reply_to"])
def test_an_address_that_no_header_can_have_is_refused(field: str, address: str) -> None:
    """M-7, M-11, X-7: also a local part that is not ASCII."""
    changes: dict[str, Any] = {field: Mailbox(name="x", address=address)}
    with pytest.raises(ConfigError, match="E432") as caught:
        compose(**changes)
    assert "[newsletter]" in caught.value.where


@pytest.mark.parametrize("char", ["\n", "\r", "\0", "\x85", "\u2028", "\ud800"])
def test_a_name_with_a_control_character_is_refused(char: str) -> None:
    """M-11, X-7."""
    with pytest.raises(ConfigError, match="E430"):
        compose(sender=Mailbox(name=f"A{char}Bcc: x@y.org", address="weekly@example.org"))
    with pytest.raises(ConfigError, match="E430"):
        compose(list_title=f"A{char}B")


def test_to_is_the_recipient_alone() -> None:
    """M-8: To is RCPT, without a name."""
    message = template().compose(recipient(name='Ann, "Q"'), date=DATE)
    assert (raw(message.content, "To"), message.rcpt_to) == ("ann@example.net", "ann@example.net")


def test_a_recipients_domain_goes_out_as_a_label() -> None:
    """M-13, case 21."""
    message = template().compose(recipient(email="joerg@exämple.test"), date=DATE)
    assert message.rcpt_to == "joerg@xn--exmple-cua.test"
    assert raw(message.content, "To") == "joerg@xn--exmple-cua.test"


def test_a_recipient_that_needs_smtputf8_is_never_changed() -> None:
    """M-13, case 21: the session sees that RCPT is not ASCII and refuses with 5.6.7."""
    message = template().compose(recipient(email="jörg@exämple.test"), date=DATE)
    assert message.rcpt_to == "jörg@xn--exmple-cua.test"
    assert raw(message.content, "To") == "jörg@xn--exmple-cua.test"
    assert message.mail_from.isascii()


@pytest.mark.parametrize("email", ["a@x.org\r\nBcc: b@x.org", "a@x.org, b@x.org", "a", "a\0@x.org"])
def test_a_recipient_that_is_no_address_is_refused(email: str) -> None:
    """M-11, X-7, X-8."""
    with pytest.raises(CheckError, match="E140"):
        template().compose(recipient(email=email), date=DATE)


# --- the subject ---------------------------------------------------------------------------------


def test_a_control_character_in_the_subject_stops_the_mailing() -> None:
    """M-11, case 1."""
    with pytest.raises(CheckError, match="E102"):
        template(rendering(subject=("Hi\r\nBcc: v@x.test",)))


@pytest.mark.parametrize("char", ["\r\n", "\n", "\0", "\x1f", "\x7f", "\x85", "\u2028", "\u2029"])
def test_a_control_character_in_a_value_of_the_subject_is_refused(char: str) -> None:
    """M-11, X-7."""
    greeting = template(rendering(subject=("Hi ", name_in())))
    with pytest.raises(CheckError, match="E1"):
        greeting.compose(recipient(name=f"x{char}Bcc: v@x.test"), date=DATE)


def test_a_subject_that_looks_encoded_arrives_literally() -> None:
    """Case 2: no header is added to the wire."""
    text = "=?utf-8?q?x=0D=0ABcc=3A_v=40e.org?="
    message = compose(rendering(subject=(text,)))
    assert parsed(message).keys() == NAMES
    assert str(parsed(message)["Subject"]) == text
    greeting = template(rendering(subject=(name_in(), " news")))
    personal = greeting.compose(recipient(name=text), date=DATE)
    assert parsed(personal).keys() == NAMES
    assert str(parsed(personal)["Subject"]) == f"{text} news"


@pytest.mark.parametrize("name", ["Ann", "Jérôme", "🎉" * 40, "a  b", " a", "{{ 7*7 }}", "<&>"])
def test_a_personal_subject_is_text_and_never_escaped(name: str) -> None:
    """X-4: no `&amp;` in subjects, and no second rendering (case 12)."""
    greeting = template(rendering(subject=("Hello ", name_in(), ", news")))
    message = greeting.compose(recipient(name=name), date=DATE)
    assert str(parsed(message)["Subject"]) == f"Hello {name}, news"


def test_what_is_known_of_the_list_is_its_name_and_its_title() -> None:
    slots = [Slot(expression=f"list.{field}", place=Place.TEXT) for field in ("name", "title")]
    message = template(rendering(subject=(slots[0], ": ", slots[1]))).compose(
        recipient(), date=DATE
    )
    assert "weekly: The Weekly" == str(parsed(message)["Subject"])


@pytest.mark.parametrize("subject", ["", "  "])
def test_an_empty_subject_is_refused(subject: str) -> None:
    with pytest.raises(CheckError, match="E102"):
        template(rendering(subject=(subject,)))
    nameless = Slot(expression='subscriber.name or ""', place=Place.TEXT)
    blank = template(rendering(subject=(nameless,)))
    with pytest.raises(CheckError, match="E102"):
        blank.compose(recipient(name=subject), date=DATE)


# --- the body ------------------------------------------------------------------------------------


def test_the_structure_is_alternative_with_text_first() -> None:
    """M-20, M-21."""
    message = parsed(compose())
    text, html = message.iter_parts()
    assert (message.get_content_type(), message["MIME-Version"]) == ("multipart/alternative", "1.0")
    assert "Content-Transfer-Encoding" not in message
    assert (text.get_content_type(), text["Content-Type"].params["charset"]) == (
        "text/plain",
        "utf-8",
    )
    assert (html.get_content_type(), html["Content-Type"].params["charset"]) == (
        "text/html",
        "utf-8",
    )
    assert [list(part.defects) for part in message.walk()] == [[], [], []]


def test_the_boundary_is_stable_legal_and_in_no_part() -> None:
    """M-22: from issue and digest, no run of digits."""
    boundary = str(parsed(compose()).get_boundary())
    assert re.fullmatch(r"=_[a-p]{24}", boundary)
    assert str(parsed(compose()).get_boundary()) == boundary
    assert str(parsed(compose(issue="other")).get_boundary()) != boundary
    assert str(parsed(compose(digest="0" * 64)).get_boundary()) != boundary
    hostile = rendering(html=(f"--{boundary}\n--{boundary}--\n", name_in(Place.HTML)))
    message = template(hostile).compose(recipient(name=f"\n--{boundary}--\n"), date=DATE)
    assert len(list(parsed(message).iter_parts())) == 2
    assert message.content.count(f"--{boundary}".encode()) == 3


@pytest.mark.parametrize(
    ("text", "encoding"),
    [("plain\n", "quoted-printable"), ("Добрый день\n" * 9, "base64")],
)
def test_each_part_has_the_shorter_encoding(text: str, encoding: str) -> None:
    """M-23: never 8bit."""
    message = compose(rendering(html=(text, NAME)))
    assert [part["Content-Transfer-Encoding"] for part in parsed(message).iter_parts()] == [
        "quoted-printable",
        encoding,
    ]
    assert body(message, "html") == f"{text}Ann\n"


@pytest.mark.parametrize("line", ["Grüße aus dem Hafen, ", "Добрый день, "])
@pytest.mark.parametrize("name", ["Ann", "Zoë", "漢字", "<b>&", "a b ", ".", "x" * 200])
def test_a_message_spliced_is_the_message_rendered_whole(line: str, name: str) -> None:
    """M-25, case 12, in both encodings."""
    given = rendering(html=(line * 9, name_in(Place.HTML), "! ", name_in(Place.HTML), line * 9))
    message = template(given).compose(recipient(name=name), date=DATE)
    shown = name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert body(message, "html") == f"{line * 9}{shown}! {shown}{line * 9}\n"


def test_a_missing_value_is_an_error() -> None:
    """M-31, case 14."""
    wanting = template(rendering(text=(Slot(expression="subscriber.town", place=Place.TEXT),)))
    with pytest.raises(MissingValueError):
        wanting.compose(recipient(), date=DATE)


def test_who_has_no_name_is_greeted_by_a_default_or_not_at_all() -> None:
    """M-31: nobody is called "": no mail begins with "Dear ,"."""
    with pytest.raises(MissingValueError):
        template(rendering(text=("Dear ", name_in(), ","))).compose(recipient(name=""), date=DATE)
    reader = Slot(expression='subscriber.name or "reader"', place=Place.TEXT)
    message = template(rendering(text=("Dear ", reader, ","))).compose(
        recipient(name=""), date=DATE
    )
    assert body(message, "plain") == "Dear reader,\n"


def test_the_links_of_both_parts_are_the_headers() -> None:
    """L-5: and they verify."""
    message = compose()
    url = raw(message.content, "List-Unsubscribe").strip("<>")
    assert f'href="{url}"' in body(message, "html")
    assert f"Unsubscribe: {url}\n" in body(message, "plain")
    assert KEYRING.read_unsubscribe_token(url.rpartition("/")[2]) == (1007, 3)
    assert "ann" not in url


def test_sizes_count_links_at_their_real_length() -> None:
    """M-28, case 16: what E150 asks; decoded and encoded."""
    sizes = template(rendering(html=("é" * 1000, LINK), text=("x" * 10,))).sizes
    link = len("https://news.example.org/u/") + 60
    assert sizes.html_decoded == 2000 + link + len("\r\n")
    assert sizes.html_encoded > 2000 * 4 / 3
    assert 12 == sizes.text_decoded


def test_the_largest_message_can_be_measured() -> None:
    """M-28: with the values of its subscriber."""
    one = template(rendering(html=("Hello ", NAME, "\n")))
    message = one.compose(recipient(name="é" * 50), date=DATE)
    measured = one.measure(message)
    assert measured.html_decoded == len("Hello ") + 100 + len("\r\n")
    assert measured.html_encoded > 300
    assert one.sizes.html_decoded == len("Hello ") + len("\r\n")
    part = list(message_from_bytes(message.content).walk())[2].get_payload()
    assert measured.html_encoded == len(str(part))


# --- list and automation headers -----------------------------------------------------------------


def test_list_id_has_name_and_identifier() -> None:
    """L-1."""
    assert raw(compose().content, "List-Id") == "The Weekly <weekly.example.org>"
    dotted = compose(list_title="Dr. Who's", list_id="weekly.localhost")
    assert raw(dotted.content, "List-Id") == '"Dr. Who\'s" <weekly.localhost>'


@pytest.mark.parametrize("title", ["Die Größe", "=?utf-8?q?x?=", "T" * 80])
def test_a_list_name_that_would_need_encoding_is_left_out(title: str) -> None:
    """M-10, L-1: structured fields are never encoded."""
    assert raw(compose(list_title=title).content, "List-Id") == "<weekly.example.org>"


@pytest.mark.parametrize(
    "changes",
    [
        {"list_title": "a>b"},
        {"list_title": "a<b"},
        {"list_id": "weekly"},
        {"list_id": "weekly..org"},
        {"list_id": "wéekly.org"},
        {"list_id": "a b.org"},
        {"list_id": "a>.org"},
        {"list_id": "a" * 250 + ".example"},
        {"feedback_sender": "abcd"},
        {"feedback_sender": "a" * 16},
        {"feedback_sender": "The-Weekly"},
    ],
)
def test_a_list_that_headers_cannot_name_is_refused(changes: dict[str, Any]) -> None:
    """L-1, L-13, case 5."""
    with pytest.raises(ConfigError, match="E434"):
        compose(**changes)


@pytest.mark.parametrize("length", [120, 300, 900])
def test_list_unsubscribe_is_one_plain_unfolded_uri(length: int) -> None:
    """L-2, M-10, case 7: no encoded-word, no blank inside the brackets."""
    url = "https://news.example.org/".ljust(length, "a")
    value = raw(compose(url=url).content, "List-Unsubscribe")
    assert re.fullmatch(rf"<{re.escape(url)}/u/[A-Za-z0-9._-]{{60}}>", value)


def test_a_url_of_1000_characters_is_a_configuration_error() -> None:
    """Case 7, M-2."""
    with pytest.raises(ConfigError, match="E431"):
        compose(url="https://news.example.org/".ljust(1000, "a"))


def test_plain_http_is_for_this_machine_only() -> None:
    """L-2, decisions 17."""
    local = raw(compose(url="http://localhost:8000").content, "List-Unsubscribe")
    assert local.startswith("<http://localhost:8000/u/")
    with pytest.raises(ConfigError, match="E431"):
        compose(url="http://news.example.org")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),  # L-3
        ("List-Post", "NO"),  # L-10
        ("Precedence", "bulk"),  # L-11
        ("X-Auto-Response-Suppress", "OOF, AutoReply"),  # L-12
        ("Feedback-ID", "2026-11-26-winter:weekly:newsletter:theweekly"),  # L-13
    ],
)
def test_list_and_automation_headers_are_exact(name: str, value: str) -> None:
    """L-3, L-10, L-11, L-12, L-13."""
    assert raw(compose().content, name) == value


def test_feedback_id_has_four_fields_whatever_the_issue_is_called() -> None:
    """L-13, M-10."""
    value = raw(compose(issue="grüße: 1/2", list="a b").content, "Feedback-ID")
    assert value == "gr--e--1-2:a-b:newsletter:theweekly"


# --- envelope ------------------------------------------------------------------------------------


def test_the_envelope_sender_carries_a_signed_token() -> None:
    """V-1."""
    message = compose(bounce_domain="bounces.exämple.org")
    found = re.fullmatch(r"b-([a-z2-7]{31})@bounces\.xn--exmple-cua\.org", message.mail_from)
    assert found
    assert KEYRING.read_delivery_token("verp", found[1]) == (42, 9)


def test_the_envelope_id_is_signed_and_needs_no_xtext() -> None:
    """B-1."""
    message = compose()
    assert re.fullmatch(r"[a-z2-7]{31}", message.envelope_id)
    assert KEYRING.read_delivery_token("envid", message.envelope_id) == (42, 9)


@pytest.mark.parametrize("domain", ["", "a b", "x\r\n", "localhost", "-x.org"])
def test_a_bounce_domain_that_is_none_is_refused(domain: str) -> None:
    """X-8."""
    with pytest.raises(ConfigError, match="E432"):
        compose(bounce_domain=domain)


# --- test copies ---------------------------------------------------------------------------------


def test_a_test_copy_says_so_and_unsubscribes_nobody() -> None:
    message = compose(test=True)
    assert str(parsed(message)["Subject"]) == "[TEST] Winter opening hours"
    assert raw(message.content, "Feedback-ID").split(":")[2] == "test"
    token = raw(message.content, "List-Unsubscribe").strip("<>").rpartition("/")[2]
    assert KEYRING.is_test_token(token)
    assert KEYRING.read_unsubscribe_token(token) is None


def test_a_personal_subject_is_marked_as_a_test_too() -> None:
    one = template(rendering(subject=(name_in(), ", news")), test=True)
    assert str(parsed(one.compose(recipient(), date=DATE))["Subject"]) == "[TEST] Ann, news"
