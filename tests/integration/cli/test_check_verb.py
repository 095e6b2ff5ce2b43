"""`mailer check` from the command line (interface §4, §2.2)."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.samples.newsletter import ISSUE
from tests.wire.scripted_web import ScriptedWeb, answer, names

if TYPE_CHECKING:
    from pathlib import Path

    from tests.samples.newsletter import Done, News

HERE = "---\nsubject: Winter opening hours\n---\n\nWe open at ten.\n\nRead it [here](/winter).\n"
CITY = "---\nsubject: Winter opening hours\n---\n\nHello {{ subscriber.city }}, we open at ten.\n"
SHOP = {"shop.test": ["127.0.0.1"]}
WINTER = "issues/2026-11-20-winter.md"


def check(news: News, *words: str) -> Done:
    return news.run("check", *words, "--offline")


def state(folder: Path) -> dict[str, str]:
    """Every file of the newsletter, by digest."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.parts
    }


def test_a_good_issue_has_no_finding(peopled: News) -> None:
    done = check(peopled, "winter")
    assert 0 == done.code
    file, summary = done.out.splitlines()
    assert f" {WINTER}" == file
    assert summary.startswith(" 0 errors · 0 warnings · ")
    assert summary.endswith(" KB of 100 KB · 1 link, not followed")


def test_a_warning_is_shown_with_its_line_and_does_not_fail(news: News) -> None:
    news.issue(HERE)
    done = check(news, "winter")
    assert 0 == done.code
    said = '    7  ▲ W124  "here" says nothing to people who hear the page'
    assert said in done.out
    assert "→ name the target" in done.out
    assert "0 errors · 1 warning · " in done.out


def test_an_error_exits_3(news: News) -> None:
    news.issue(HERE.replace("We open", "TODO: we open"))
    done = check(news)
    assert (3, True) == (done.code, "    5  ✖ E110  placeholder text: TODO:" in done.out)


def test_without_names_all_issues_are_checked_drafts_and_broken_ones_too(news: News) -> None:
    news.issue(HERE.replace("---\n\n", "draft: true\n---\n\n", 1), name="2026-11-21-draft")
    news.issue("---\ntitle: a: b\n---\n\nWords.\n", name="2026-11-22-broken")
    news.issue(HERE.replace("---\n\n", "list: nowhere\n---\n\n", 1), name="2026-11-23-lost")
    done = check(news)
    assert 3 == done.code
    assert "    2  ✖ E101  " in done.out
    assert "✖ E105  There is no list nowhere" in done.out
    assert "▲ W124" in done.out.partition("broken")[0]
    assert done.out.splitlines()[-1].startswith(" 4 issues · 2 errors · 1 warning · ")
    assert f" {WINTER}" not in done.out.splitlines()


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (b"", "E114"),
        (b"a\0b", "E109"),
        (b"a\xff b", "E109"),
        (b"> " * 300 + b"words", "E205"),
        (b"---\ntitle: [\n---\n", "E101"),
        (b"Words and {{ subscriber.__class__ }}", "E204"),
    ],
)
def test_whatever_a_file_holds_is_a_finding_and_never_a_traceback(
    news: News, octets: bytes, code: str
) -> None:
    (news.folder / "issues" / "odd.md").write_bytes(octets)
    done = check(news)
    assert (3, True, "") == (done.code, f"✖ {code}  " in done.out, done.err)
    assert done.out.splitlines()[-1].startswith(" 2 issues · 1 error · ")


def test_two_issues_with_one_id_are_an_error(news: News) -> None:
    news.issue(HERE.replace("---\n\n", "id: 2026-11-20-winter\n---\n\n", 1), name="other")
    done = check(news)
    assert (3, True) == (done.code, "✖ E106  " in done.out)


def test_a_broken_template_is_a_finding_of_its_own_file(news: News) -> None:
    theme = "<mjml>\n<mj-body>\n<mj-foo />\n</mj-body></mjml>"
    (news.folder / "templates" / "default.mjml").write_text(theme, encoding="utf-8")
    done = check(news, "winter")
    assert 3 == done.code
    assert [f" {WINTER}", " templates/default.mjml"] == done.out.splitlines()[:2]
    assert "    3  ✖ E201  " in done.out


def test_e140_names_how_many_and_who_names_them(peopled: News) -> None:
    peopled.issue(CITY)
    peopled.people("zoe@example.net,Oslo", header="email,city")
    done = check(peopled, "winter")
    assert (3, True) == (done.code, "✖ E140  {{ subscriber.city }} has no value for " in done.out)
    who = peopled.run("check", "winter", "--who", "e140")
    lines = who.out.splitlines()
    assert 3 == who.code
    assert all(line.endswith("  subscriber.city  (2026-11-20-winter)") for line in lines)
    assert not any(line.startswith("zoe@") for line in lines)
    found = peopled.run("check", "winter", "--who", "E140", "--json").data
    assert ("mailer.check-who/1", len(lines)) == (found["schema"], len(found["people"]))


def test_who_is_nobody_where_nobody_lacks_anything(peopled: News) -> None:
    done = peopled.run("check", "winter", "--who", "E140")
    assert (0, "nobody\n") == (done.code, done.out)


def test_links_are_followed_and_counted(news: News, monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedWeb({"/shut": [answer(403)]}) as web, names(monkeypatch, SHOP):
        shop = f"http://shop.test:{web.port}"
        news.issue(HERE.replace("[here](/winter)", f"[today]({shop}/a), [or not]({shop}/shut)"))
        news.configure('[check]\nhosts = ["shop.test"]')
        done = news.run("check", "winter")
        assert ["GET /shut", "HEAD /a", "HEAD /shut"] == sorted(web.asked)
        offline = check(news, "winter")
        assert 3 == len(web.asked)
    assert (0, 0) == (done.code, offline.code)
    assert f"    7  ℹ I122  {shop}/shut could not be verified (403)" in done.out.splitlines()
    assert done.out.endswith(" · 2 links, 1 ok\n")
    assert offline.out.endswith(" · 2 links, not followed\n")


def test_private_addresses_are_not_visited_unless_listed(
    news: News, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ScriptedWeb() as web, names(monkeypatch, SHOP):
        news.issue(HERE.replace("[here](/winter)", f"[today](http://shop.test:{web.port}/a)"))
        done = news.run("check", "winter")
        assert [] == web.asked
    assert (0, True) == (done.code, "ℹ I122  http://shop.test" in done.out)
    assert "(the address is a private one, which is not listed)" in done.out
    assert '→ [check] hosts = ["shop.test"]' in done.out


def test_renderings_dry_runs_and_mailings_follow_no_link(
    peopled: News, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ScriptedWeb() as web, names(monkeypatch, SHOP) as asked:
        peopled.issue(f"{HERE}\n[a](http://shop.test:{web.port}/a)\n")
        peopled.configure('[check]\nhosts = ["shop.test"]')
        assert "W124" in peopled.run("send", "winter", "--dry-run").out
        assert 0 == peopled.run("render", "winter").code
        assert ([], []) == (web.asked, asked)


def test_json_has_the_schema_and_every_field(news: News) -> None:
    news.issue(HERE)
    found = check(news, "winter", "--format", "json").data
    assert found == check(news, "winter", "--json").data
    assert ("mailer.check/1", 0, 1) == (found["schema"], found["errors"], found["warnings"])
    assert [
        {
            "id": "W124",
            "level": "warning",
            "file": WINTER,
            "line": 7,
            "column": 16,
            "message": '"here" says nothing to people who hear the page',
            "next": "name the target",
            "ignored": "",
        }
    ] == found["findings"]
    (issue,) = found["issues"]
    assert ("2026-11-20-winter", WINTER, 1, None) == tuple(
        issue[name] for name in ("issue", "file", "links", "links_ok")
    )
    assert issue["size"] > 5_000


def test_what_is_ignored_stays_visible_with_its_reason(news: News) -> None:
    ignore = 'ignore: {W124: "quoted from a letter"}\n---\n\n'
    news.issue(HERE.replace("---\n\n", ignore, 1).replace("We open", "TODO: we open"))
    news.configure('[check.ignore]\nE110 = "we sell TODO lists"')
    done = check(news, "winter")
    assert 0 == done.code
    assert "ℹ W124  " in done.out
    assert "(ignored: quoted from a letter)" in done.out
    assert "(ignored: we sell TODO lists)" in done.out
    assert " 0 errors · 0 warnings · " in done.out


def test_an_entry_that_nothing_needs_is_a_warning(news: News) -> None:
    news.issue(ISSUE.replace("date:", 'ignore: {W124: "once"}\ndate:'))
    assert "    4  ▲ W192  ignore: W124 is not found here (any more)" in check(news, "winter").out


LONG_NAMES = CITY.replace("---\n\n", """ignore: {W151: "one long name"}\n---\n\n""", 1)


def test_an_entry_that_only_one_persons_mail_needs_is_needed(news: News) -> None:
    """W151 of the size that a long value gives one mail."""
    news.issue(LONG_NAMES)
    unknown = check(news, "winter")
    assert "W192" not in unknown.out
    news.configure("[check]\nsize_warn = 20_000")
    news.people(f"zoe@example.net,{'Oslo' * 7000}", header="email,city")
    done = check(news, "winter")
    assert (0, True) == (done.code, "(ignored: one long name)" in done.out)
    assert "W192" not in done.out
    assert "W192" not in news.run("send", "winter", "--dry-run").out


def test_an_entry_that_nobodys_mail_needs_is_a_warning(news: News) -> None:
    news.issue(LONG_NAMES)
    news.people("zoe@example.net,Oslo", header="email,city")
    assert "W192  ignore: W151 is not found here (any more)" in check(news, "winter").out


def test_a_size_limit_of_ones_own(news: News) -> None:
    news.configure("[check]\nsize_warn = 4000\nsize_max = 5000")
    done = check(news, "winter")
    assert (3, True) == (done.code, "✖ E150  The HTML part has " in done.out)
    assert "KB of 5 KB" in done.out


def test_no_secret_is_needed_and_nothing_changes(news: News) -> None:
    (news.folder / ".env").unlink()
    before = state(news.folder)
    assert 0 == check(news).code
    assert before == state(news.folder)


def test_mailer_send_asks_about_the_same_warnings(peopled: News) -> None:
    peopled.issue(HERE)
    done = peopled.run("send", "winter", "--dry-run")
    assert "Checks    0 errors · 1 warning" in done.out
    assert '    7  ▲ W124  "here" says nothing' in done.out


# --- explain -------------------------------------------------------------------------------------


def test_explain_says_what_why_and_what_to_do(news: News) -> None:
    done = news.run("check", "--explain", "w124")
    assert 0 == done.code
    assert 'W124  asks a question first · can be ignored: ignore: {W124: "why"}' in done.out
    assert {"finds", "why", "next"} <= set(done.out.split())
    data = news.run("check", "--explain", "E121", "--json").data
    assert ("E121", "yes", True) == (data["id"], data["network"], data["ignorable"])


@pytest.mark.parametrize(
    ("words", "code", "step"),
    [
        (("--explain", "W125x"), "E001", "did you mean W125?"),
        (("--explain", "nonsense"), "E001", "docs/checks.md"),
        (("--who", "W124"), "E001", "--who E140"),
        (("winter", "--changed-since", "HEAD"), "E005", "leave one of them out"),
        (("--changed-since", "HEAD"), "E010", "git log"),
        (("--changed-since", "--all"), "E010", "git log"),
        (("nowhere",), "E115", ""),
        (("--format", "xml"), "E001", "--help"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    news: News, words: tuple[str, ...], code: str, step: str
) -> None:
    done = news.run("check", *words)
    assert (True, True) == (f"✖ {code} " in done.err, step in done.err), done
    assert done.code in (2, 9)


# --- git -----------------------------------------------------------------------------------------


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def tracked(news: News) -> News:
    """The newsletter, in a folder of a repository with one commit."""
    news.issue(HERE, name="2026-11-01-old")
    shutil.rmtree(news.folder / ".git")
    git(news.folder.parent, "init", "-q", "-b", "main")
    git(news.folder.parent, "add", "-A")
    git(news.folder.parent, "commit", "-q", "-m", "All")
    return news


def files(news: News) -> list[str]:
    found = check(news, "--changed-since", "main", "--json").data
    return [one["file"] for one in found["issues"]]


def test_nothing_changed_is_nothing_to_check(tracked: News) -> None:
    assert [] == files(tracked)
    assert 0 == check(tracked, "--changed-since", "main").code


def test_only_what_was_changed_since_is_checked(tracked: News) -> None:
    tracked.issue(f"{ISSUE}\nMore.\n")
    tracked.issue(HERE, name="2026-11-30-new")
    assert [WINTER, "issues/2026-11-30-new.md"] == files(tracked)
    git(tracked.folder, "checkout", "-q", "-b", "work")
    git(tracked.folder, "add", "-A")
    git(tracked.folder, "commit", "-q", "-m", "Work")
    git(tracked.folder, "checkout", "-q", "main")
    tracked.issue(f"{HERE}\nElsewhere.\n", name="2026-11-01-old")
    git(tracked.folder, "commit", "-q", "-a", "-m", "Meanwhile")
    git(tracked.folder, "checkout", "-q", "work")
    assert [WINTER, "issues/2026-11-30-new.md"] == files(tracked)


def test_a_changed_image_beside_an_issue_counts(tracked: News) -> None:
    folder = tracked.folder / "issues" / "2026-11-20-winter"
    folder.mkdir()
    (folder / "snow.png").write_bytes(b"snow")
    assert [WINTER] == files(tracked)


def test_a_changed_template_is_tried_on_the_newest_issue(tracked: News) -> None:
    (tracked.folder / "templates" / "default.css").write_text("", encoding="utf-8")
    assert [WINTER] == files(tracked)


def test_the_newest_issue_is_the_one_with_the_last_date(tracked: News) -> None:
    tracked.issue("---\ndate: 2027-01-02\n---\n\nWe open at ten.\n", name="a-late-one")
    tracked.issue("---\ndate: [\n---\n", name="z-broken")
    git(tracked.folder, "add", "-A")
    git(tracked.folder, "commit", "-q", "-m", "Two more")
    (tracked.folder / "templates" / "default.css").write_text("", encoding="utf-8")
    assert ["issues/a-late-one.md"] == files(tracked)


def test_names_of_any_octets_and_blanks_may_be_changed(tracked: News) -> None:
    (tracked.folder / "issues" / os.fsdecode(b"latin-\xe9.png")).write_bytes(b"snow")
    tracked.issue(HERE, name=" 2026-11-30-new")
    assert ["issues/ 2026-11-30-new.md"] == files(tracked)


def test_github_gets_an_annotation_at_the_line_of_the_file_in_the_repository(
    tracked: News,
) -> None:
    tracked.issue(HERE)
    done = check(tracked, "--changed-since", "main", "--format", "github")
    assert 0 == done.code
    assert (
        f"::warning file=news/{WINTER},line=7,col=16,title=W124::"
        '"here" says nothing to people who hear the page%0A→ name the target\n'
    ) == done.out
    assert "0 errors · 1 warning" in done.err


def test_every_line_of_stdout_is_an_annotation(tracked: News) -> None:
    tracked.issue("---\nsubject: x\ntitle: |\n  ::error::a\n---\n\nTODO: y\n")
    done = check(tracked, "--format", "github")
    assert all(line.startswith("::") for line in done.out.splitlines())
    assert json.dumps(done.out)
