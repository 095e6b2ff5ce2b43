"""Bad input is a clean error with file and line, or comes out right (standards §6 A)."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from tests.samples import pages
from tests.wire.memory import PEAK_MEGABYTES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.samples.newsletter import News

HERE: Final = "tests/integration/render/test_bad_inputs.py"
RENDERED: Final = "tests/integration/render/test_render_issue.py"
LADDER: Final = "tests/integration/render/test_size_ladder.py"
SMUGGLING: Final = "tests/integration/postfix/test_postfix_smuggling.py"
DISPATCH: Final = "tests/integration/delivery/test_dispatch.py"
IMPORTING: Final = "tests/integration/ledger/test_importing.py"
HEADERS: Final = "tests/unit/compose/test_headers.py"
MIME: Final = "tests/unit/compose/test_mime.py"
PLACES: Final = "tests/unit/compose/test_places.py"
TRANSFER: Final = "tests/unit/compose/test_transfer.py"
SIGNS: Final = "tests/unit/content/test_signs.py"
READ: Final = "tests/unit/content/test_issue_read.py"
LINKS: Final = "tests/unit/content/test_content_links.py"
CASES: Final = (
    (1, HEADERS, "test_forbidden_characters_are_refused_with_their_field"),
    (1, HERE, "test_a_bad_issue_is_refused_with_file_and_line"),
    (2, HEADERS, "test_what_looks_like_an_encoded_word_arrives_as_text"),
    (2, READ, "test_an_encoded_word_in_a_subject_stays_literal_text"),
    (3, IMPORTING, "test_case_3_control_characters_are_rejected_with_the_line_number"),
    (4, HEADERS, "test_a_display_name_comes_back_as_it_was"),
    (5, MIME, "test_a_list_that_headers_cannot_name_is_refused"),
    (6, MIME, "test_the_header_has_these_fields_in_this_order_each_once"),
    (7, MIME, "test_list_unsubscribe_is_one_plain_unfolded_uri"),
    (8, TRANSFER, "test_quoted_printable_guards_line_starts_and_ends"),
    (9, SMUGGLING, "test_one_message_arrives_whatever_stands_in_it"),
    (9, HERE, "test_text_that_speaks_smtp_is_text"),
    (10, SIGNS, "test_what_is_odd_is_said"),
    (10, HERE, "test_odd_characters_are_kept_or_said"),
    (11, RENDERED, "test_nothing_that_mail_must_not_hold"),
    (11, HERE, "test_hostile_html_comes_out_harmless"),
    (12, PLACES, "test_a_value_is_escaped_for_its_place"),
    (13, RENDERED, "test_a_bad_template_is_a_clean_error_and_others_go_on"),
    (13, HERE, "test_a_hostile_template_is_refused_with_file_and_line"),
    (13, HERE, "test_what_would_take_all_memory_or_minutes_takes_neither"),
    (14, PLACES, "test_a_missing_value_is_named"),
    (15, HERE, "test_a_bad_issue_is_refused_with_file_and_line"),
    (16, LADDER, "test_what_is_still_too_long_is_refused_with_its_largest_parts"),
    (16, DISPATCH, "test_a_message_over_the_relays_size_is_refused_once_for_the_mailing"),
    (17, READ, "test_crlf_and_a_byte_order_mark_make_no_difference"),
    (17, READ, "test_what_is_no_utf8_text_is_e109_with_its_offset"),
    (17, HERE, "test_a_file_that_is_no_text_is_refused_with_its_place"),
    (18, LINKS, "test_what_can_be_followed"),
)
"""Which tests prove the numbered inputs of the standards' section 6 A."""


def test_every_numbered_case_has_a_test() -> None:
    assert set(range(1, 19)) == {case for case, _, _ in CASES}
    tests = [f"{file}::{name}" for _, file, name in CASES]
    assert [] == [test for test in tests if not pages.is_a_test(test)]


def _found(news: News, text: str | bytes) -> list[tuple[str, str, int]]:
    """Id, file and line of everything that stops the mailing of this text."""
    path = news.issue("")
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    done = news.run("check", "2026-11-20-winter", "--offline", "--format", "json")
    assert "E000" not in done.out + done.err, done
    findings = json.loads(done.out)["findings"]
    errors = [one for one in findings if one["level"] == "error"]
    assert (3 if errors else 0) == done.code, done
    return [(one["id"], one["file"], one["line"]) for one in errors]


def _parts(news: News, text: str) -> tuple[str, str]:
    """HTML and text of an issue that can be mailed."""
    news.issue(text)
    done = news.run("render", "winter")
    assert 0 == done.code, done
    path = news.folder / "out" / "2026-11-20-winter" / "2026-11-20-winter"
    html, text = (path.with_suffix(end).read_text("utf-8") for end in (".html", ".txt"))
    return html, text


FILE = "issues/2026-11-20-winter.md"
HEAD = "---\ntitle: Winter opening hours\n---\n\n"


@pytest.mark.parametrize(
    ("code", "line", "text"),
    [
        ("E101", 2, "---\ntitle: Issue: two\n---\n\ntext\n"),
        ("E101", 1, "---\ntitle: never closed\n\ntext\n"),
        ("E101", 3, "---\ntitle: x\n\tkey: after a tab\n---\n\ntext\n"),
        ("E101", 2, "---\na: !!python/object/apply:os.system ['true']\n---\n\ntext\n"),
        ("E101", 2, f"---\na: {'[' * 2000}{']' * 2000}\n---\n\ntext\n"),
        ("E101", 2, "+++\ntitle = Winter\n+++\n\ntext\n"),
        ("E102", 2, '---\nsubject: "Hi\\r\\nBcc: v@x.test"\n---\n\ntext\n'),  # case 1
        ("E102", 2, '---\nsubject: "half \\ud800 a character"\n---\n\ntext\n'),
        ("E114", 0, ""),  # case 15
        ("E114", 0, " \n\n"),
        ("E114", 0, HEAD + "![a picture](https://example.org/a.png)\n"),
        ("E118", 5, HEAD + "::: tip Never closed\n\ntext\n"),
        ("E118", 7, HEAD + "text\n\n:::\n"),
        ("E118", 5, HEAD + "{% for one in many %}text{% endfor %}\n"),
        ("E119", 3, "---\ntitle: Winter hours\ncut_after: Nowhere\n---\n\n## Here\n\ntext\n"),
        ("E130", 5, HEAD + "![a cat](cat.png) and words\n"),
        ("E130", 5, HEAD + "![secrets](../../etc/secrets.png) and words\n"),
        ("E204", 5, HEAD + "Hello {{ subscriber.name.upper() }}\n"),
        ("E204", 5, HEAD + "Hello {{ subscriber.name \n"),
        ("E204", 0, "---\ntitle: Winter hours\ntemplate: nowhere\n---\n\ntext\n"),
        ("E205", 5, HEAD + "<div>" * 300 + "deep" + "</div>" * 300),
        ("E205", 5, HEAD + ">" * 300 + " deep\n"),
        ("E150", 0, HEAD + ("word " * 20 + "\n\n") * 50_000),
    ],
)
def test_a_bad_issue_is_refused_with_file_and_line(
    news: News, code: str, line: int, text: str
) -> None:
    """Cases 1 and 15, and what else a slip makes of an issue."""
    assert (code, FILE, line) in _found(news, text)


@pytest.mark.parametrize(
    ("line", "octets"),
    [
        (1, bytes.fromhex("89504e470d0a1a0a0000000d49484452")),  # PNG
        (1, gzip.compress(b"# Winter\n\ntext\n", mtime=0)),
        (1, "# Winter\n\ntext\n".encode("utf-16")),
        (1, "# Winter\n\ntext\n".encode("utf-32")),
        (1, "# Winter\n\ntext\n".encode("utf-16-le")),
        (5, HEAD.encode() + "Grüße\n".encode("latin-1")),
        (5, HEAD.encode() + b"a NUL \0 here\n"),
        (6, HEAD.encode() + b"half\n a character \xed\xa0\x80 only\n"),
        (1, b"\0" * 1_000_000),
    ],
)
def test_a_file_that_is_no_text_is_refused_with_its_place(
    news: News, line: int, octets: bytes
) -> None:
    """Cases 10 and 17: a binary file named .md."""
    assert [("E109", FILE, line)] == _found(news, octets)


@pytest.mark.parametrize(
    ("kept", "body"),
    [
        (["first", "last"], "first\n\n```python\nx = 1\n\nlast {{ subscriber.name }}\n"),
        (["first", "last"], "first\n\n~~~~\nlast\n~~~\n"),
        (["first", "last"], "- first\n\n  ```\n  last\n"),
        (["first", "two", "last"], "<div><p>first <b>two <i>last\n"),
        (["first", "two", "last"], "<foo-bar>first</foo-bar> <blink>two</blink> last\n"),
        (["first", "last"], "first </div></p></table> last\n"),
        (["first", "last"], "first <a href='https://example.org/>last\n"),
        (["first", "last"], "first\n\n<style>body { display: none }\n\nlast\n"),
        (["first", "last"], "first <script>alert(1)\n\nlast\n"),
        (["first", "last"], "<table><tr><td>first<table><tr><td>last\n"),
        (["first", "last"], "first\n\n<details><summary>two\n\nlast\n"),
        (["first", "last"], "first {: #id .class onclick=alert(1) }\n\nlast\n"),
        (["first", "last"], "first " + "*a **b " * 2000 + "last\n"),
        (["first", "last"], "first " + "[" * 5000 + "last\n"),
    ],
)
def test_what_is_half_open_loses_no_words(news: News, kept: list[str], body: str) -> None:
    for part in _parts(news, HEAD + body):
        assert [word for word in kept if word in part] == kept
        assert "Unsubscribe" in part


@pytest.mark.parametrize(
    "body",
    [
        '<p style="background:url(javascript:alert(1));position:fixed">words</p>',
        '<p style="p">words</p><td style="expression(alert(1))">more</td>',
        "<style>@import url(https://evil.example/x.css); * { display: none }</style>words",
        "<link rel=stylesheet href=https://evil.example/x.css>words",
        "<img src=x onerror=alert(1)> words <svg onload=alert(1)>",
        "[words](javascript:alert(1)) <a href=' java&#10;script:alert(1)'>more</a>",
        "words <iframe srcdoc='<script>alert(1)</script>'></iframe>",
        "![words](data:image/svg+xml;base64,PHN2Zz48L3N2Zz4=)",
        "words <form action=https://evil.example><input name=a><button>go</button></form>",
        "words <base href=https://evil.example/><meta http-equiv=refresh content=0>",
    ],
)
def test_hostile_html_comes_out_harmless(news: News, body: str) -> None:
    """M-27, case 11: nothing of it is left, and the words are."""
    news.issue(f"{HEAD}Hello there.\n\n{body}\n")
    news.run("render", "winter")
    html = (news.folder / "out/2026-11-20-winter/2026-11-20-winter.html").read_text("utf-8")
    content = html.partition("Hello there.")[2].lower()
    assert "words" in content
    for word in ("javascript:", "<script", "onerror", "onload", "evil.example", "position:fixed"):
        assert word not in content
    for word in ("expression(", "<svg", "<form", "<iframe", "<base", "data:image", "@import"):
        assert word not in content


@pytest.mark.parametrize(
    ("found", "body"),
    [
        ("U+202E", "abc \u202e evil text\n"),
        ("U+0008", "abc \x08 text\n"),
        ("U+0301", "a" + "\u0301" * 50 + " text\n"),
    ],
)
def test_odd_characters_are_kept_or_said(news: News, found: str, body: str) -> None:
    """Case 10: bidi overrides, controls, a flood of combining marks."""
    news.issue(HEAD + body)
    done = news.run("check", "winter", "--offline", "--format", "json")
    (odd,) = [one for one in json.loads(done.out)["findings"] if one["id"] == "W152"]
    assert found in odd["message"]
    assert (FILE, 5) == (odd["file"], odd["line"])


def test_characters_that_no_tree_holds_are_kept(news: News) -> None:
    """Case 10: U+FFFE is a character; references to none are replaced."""
    for part in _parts(news, f"{HEAD}one \ufffe two &#xD800; three &#0; four &#x110000; five\n"):
        for word in ("one", "two", "three", "four", "five"):
            assert word in part


def test_text_that_speaks_smtp_is_text(news: News) -> None:
    """Case 9."""
    lines = ["DATA", "MAIL FROM:&lt;a@b&gt;", "RCPT TO:&lt;c@d&gt;", "QUIT"]
    body = "\n\n.\n\n".join(lines).replace("&lt;", "<").replace("&gt;", ">")
    html, text = _parts(news, f"{HEAD}{body}\n")
    assert "DATA" in html
    assert "QUIT" in text


@pytest.mark.parametrize(
    ("code", "source"),
    [
        ("E205", "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"),
        ("E205", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"),
        ("E205", "{% set x = 'a' * 99999 %}{{ [x * 99999] }}"),
        ("E204", "{{ ''.__class__.__mro__ }}"),
        ("E204", "{{ self.__init__.__globals__ }}"),
        ("E204", "{{ cycler.__init__.__globals__.os.popen('id') }}"),
        ("E204", "{% include '../../../etc/passwd' %}"),
        ("E204", "{% include '/etc/passwd' %}"),
        ("E204", "{{ nothing_like_it }}"),
    ],
)
def test_a_hostile_template_is_refused_with_file_and_line(
    news: News, code: str, source: str
) -> None:
    """X-4, X-5, case 13."""
    partials = news.folder / "templates" / "partials"
    partials.mkdir(parents=True, exist_ok=True)
    (partials / "footer.mjml").write_text(f"\n\n{source}\n")
    done = news.run("--json", "render", "winter")
    assert 3 == done.code
    error = json.loads(done.err or done.out)
    assert (code, "templates/partials/footer.mjml:3") == (error["code"], error["where"])


@pytest.mark.parametrize("statement", ["include", "extends", "import"])
def test_a_template_that_uses_itself_comes_to_an_end(news: News, statement: str) -> None:
    """X-5, case 13: two templates that use each other."""
    folder = news.folder / "templates"
    folder.mkdir(exist_ok=True)
    use = f"{{% {statement} 'other.mjml'{' as x' if statement == 'import' else ''} %}}"
    (folder / "default.mjml").write_text(use)
    (folder / "other.mjml").write_text(use.replace("other", "default"))
    done = news.run("--json", "render", "winter")
    assert 3 == done.code
    error = json.loads(done.err or done.out)
    assert "E205" == error["code"]
    assert error["where"].startswith("templates/")


HUGE: Final = {
    "five megabytes of text": "('word ' * 20 + '\\n') * 50_000",
    "five megabytes on one line": "'x' * 5_000_000",
    "five megabytes of markup": "'<b>x</b> ' * 600_000",
    "a picture in the text": "'![a](data:image/png;base64,' + 'A' * 5_000_000 + ')'",
    "twenty thousand headings": "'## a\\n\\n' * 20_000",
    "twenty thousand pictures": "'![a](/a.png)\\n\\n' * 20_000",
    "twenty thousand personal places": "'{{ subscriber.name }} ' * 20_000",
    "nine thousand items": "'- [a](https://example.org/a)\\n' * 3_000",
    "ten thousand notes": "''.join(f'a[^{n}]\\n\\n[^{n}]: b\\n\\n' for n in range(10_000))",
    "a hundred thousand open elements": "'<div>' * 80_000",
}


@pytest.mark.parametrize("body", HUGE.values(), ids=HUGE)
def test_what_would_take_all_memory_or_minutes_takes_neither(news: News, body: str) -> None:
    """Case 13 and an issue of 5 MB: under 5 s of the processor and 512 MB, and a clean end."""
    path = news.issue(HEAD)
    script = f"""
import sys, time
from mailer.cli import main
with open({str(path)!r}, "a") as file:
    file.write({body} + "\\n\\nend\\n")
begun = time.process_time()
try:
    main(["-C", {str(news.folder)!r}, "check", "winter", "--offline", "--format", "json"])
except SystemExit as ended:
    code = ended.code
print("\\n", code, time.process_time() - begun, {PEAK_MEGABYTES})
"""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    code, seconds, megabytes = done.stdout.split()[-3:]
    assert code in ("0", "3"), done
    assert "E000" not in done.stdout + done.stderr
    assert float(seconds) < 5
    assert float(megabytes) < 512


def test_a_file_of_many_megabytes_is_not_even_read(news: News, tmp_path: Path) -> None:
    del tmp_path
    path = news.issue(HEAD)
    with path.open("r+b") as file:
        file.truncate(30_000_000_000)  # a sparse file: it takes no room
    done = news.run("--json", "render", "winter")
    error = json.loads(done.err or done.out)
    assert ("E150", FILE) == (error["code"], error["where"])
