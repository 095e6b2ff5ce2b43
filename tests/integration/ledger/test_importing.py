"""A file becomes subscriptions: a verdict per line (cases 3, 20, 22, 23, X-17, decisions 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from mailer.errors import CheckError, NotFoundError
from mailer.ledger import audience, importing, roster, sheets
from mailer.ledger.entries import Verdict
from mailer.ledger.schema import import_file
from mailer.model import SubscriptionState
from tests.samples.people import NOW, bring, happened, people, states

if TYPE_CHECKING:
    from pathlib import Path

    from mailer.ledger import Ledger
    from mailer.ledger.reading import Line


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the file of a test lies."""
    return tmp_path / "weekly.csv"


def person(ledger: Ledger, address: str) -> roster.Subscriber:
    """One who is known."""
    with ledger.read() as connection:
        found = roster.find(connection, ledger.address_key(address))
    assert found is not None
    return found


def batches(ledger: Ledger) -> list[tuple[int, str, str]]:
    """Number, file and digest of every import."""
    with ledger.read() as connection:
        columns = (import_file.c.id, import_file.c.file, import_file.c.digest)
        return [(row.id, row.file, row.digest) for row in connection.execute(select(*columns))]


def was_imported(ledger: Ledger, file: Path) -> bool:
    """Whether the file counts as imported in its present form."""
    with ledger.read() as connection:
        return importing.imported(connection, sheets.file_digest(file))


def test_a_row_becomes_a_person_with_consent(ledger: Ledger, file: Path) -> None:
    text = (
        "E-Mail;Vorname;Nachname;Sprache;Ort\n"
        "Ann@Example.org;Ann;Archer;de;Köln\n"
        " ben@example.org ;Ben;;pt_BR;\n"
    )
    report = bring(ledger, file, text, reason="fair")

    assert report.counts == {Verdict.ADDED: 2}
    assert (report.lines, report.imported, report.skipped) == (2, 2, 0)
    ann = person(ledger, "ann@example.org")
    assert (ann.email, ann.name, ann.language) == ("Ann@Example.org", "Ann Archer", "de")
    assert ann.attributes == {"vorname": "Ann", "nachname": "Archer", "ort": "Köln"}
    ben = person(ledger, "ben@example.org")
    assert (ben.email, ben.name, ben.language) == ("ben@example.org", "Ben", "pt-BR")
    assert ben.attributes == {"vorname": "Ben"}
    story = roster.show(ledger, "ann@example.org")
    assert story is not None
    (place,) = story.subscriptions
    assert (place.source, place.operator, place.reason) == ("import", "olga", "fair")
    assert (place.import_batch, place.confirmed_at) == (report.batch, NOW)


def test_parts_make_a_name_only_where_no_column_holds_the_whole(ledger: Ledger, file: Path) -> None:
    bring(ledger, file, "email,name,first name\na@example.org,Dr. Ann,Ann\nb@example.org,,Ben\n")
    bring(ledger, file, "email,first name,last name\nc@example.org,Cy,Long\nd@example.org,,Day\n")

    names = [person(ledger, f"{one}@example.org").name for one in "abcd"]
    assert names == ["Dr. Ann", "", "Cy Long", "Day"]


@pytest.mark.parametrize("character", ["\n", "\r", "\t", "\x00", "\x0b", "\x1c", "\x85", "\u2028"])
def test_case_3_control_characters_are_rejected_with_the_line_number(
    ledger: Ledger, file: Path, character: str
) -> None:
    values = [f"before{character}after", f"{character}start", f"end{character}"]
    lines = "".join(f'p{n}@example.org,"{value}"\n' for n, value in enumerate(values))
    report = bring(ledger, file, f"email,first name\na@example.org,A\n{lines}c@example.org,C\n")

    assert report.counts == {Verdict.ADDED: 2, Verdict.INVALID: 3}
    per_value = 2 if character in "\r\n" else 1
    assert [line.number for line in report.problems] == [3, 3 + per_value, 3 + 2 * per_value]
    reason = f"Cell 2 holds the control character U+{ord(character):04X}."
    assert {("E512", reason)} == {(line.code, line.reason) for line in report.problems}
    assert people(ledger) == 2


@pytest.mark.parametrize(
    ("line", "code", "reason"),
    [
        ("ann@example,org;;", "E501", "The domain holds a comma."),
        (";Ann;", "E501", "It is empty."),
        ("a@example.org;;;x", "E512", "The line has 4 cells, the first line 3."),
        ("a@example.org;English language;", "E512", 'The language "English language" is no tag'),
        ("a@example.org;;cleaned", "E512", 'The status "cleaned" is none of confirmed, pending'),
        ('"a@x.org\nRCPT TO:<b@x.org>";;', "E512", "Cell 1 holds the control character U+000A."),
    ],
)
def test_case_22_a_bad_line_is_reported_and_the_rest_imported(
    ledger: Ledger, file: Path, line: str, code: str, reason: str
) -> None:
    text = f"email;language;status\nx@example.org;;\n{line}\ny@example.org;;\n"
    report = bring(ledger, file, text)

    (problem,) = report.problems
    assert (problem.number, problem.verdict, problem.code) == (3, Verdict.INVALID, code)
    assert problem.reason.startswith(reason)
    assert report.counts == {Verdict.ADDED: 2, Verdict.INVALID: 1}


def test_short_lines_and_empty_cells_too_many_are_no_fault(ledger: Ledger, file: Path) -> None:
    report = bring(ledger, file, "email,name,city\na@example.org\nb@example.org,B,C,,\n,,\n")

    assert report.counts == {Verdict.ADDED: 2}


def test_a_file_of_bad_lines_alone_imports_nobody(ledger: Ledger, file: Path) -> None:
    report = bring(ledger, file, "email\nann\nben\n")

    assert report.counts == {Verdict.INVALID: 2}
    assert people(ledger) == 0


def test_case_20_lines_that_differ_by_case_are_one_person(ledger: Ledger, file: Path) -> None:
    text = "email,name\nA@X.TEST,First\na@x.test,Second\na+tag@x.test,Third\na@X.test,Fourth\n"
    report = bring(ledger, file, text)

    assert report.counts == {Verdict.ADDED: 2, Verdict.DUPLICATE: 2}
    assert [(line.number, line.address) for line in report.problems] == [
        (3, "a@x.test"),
        (5, "a@X.test"),
    ]
    assert person(ledger, "a@x.test").name == "First"


def test_a_line_is_a_duplicate_however_far_it_is_from_the_first(
    ledger: Ledger, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 2)
    lines = "".join(f"p{n}@example.org\n" for n in range(5))
    report = bring(ledger, file, f"email\n{lines}P0@example.org\n")

    assert report.counts == {Verdict.ADDED: 5, Verdict.DUPLICATE: 1}


def test_x_3_guarded_formulas_lose_their_quote_and_others_keep_it(
    ledger: Ledger, file: Path
) -> None:
    text = "email,name,note\na@example.org,'=HYPERLINK(1),'tis\nb@example.org,+1,'+49\n"
    bring(ledger, file, text)

    ann, ben = person(ledger, "a@example.org"), person(ledger, "b@example.org")
    assert (ann.name, ann.attributes) == ("=HYPERLINK(1)", {"note": "'tis"})
    assert (ben.name, ben.attributes) == ("+1", {"note": "+49"})


def test_case_12_templates_in_values_are_kept_as_text(ledger: Ledger, file: Path) -> None:
    bring(ledger, file, 'email,name\na@example.org,"{{7*7}} <img src=x onerror=alert(1)>"\n')

    assert person(ledger, "a@example.org").name == "{{7*7}} <img src=x onerror=alert(1)>"


def test_attributes_are_kept_exactly(ledger: Ledger, file: Path) -> None:
    value = 'a "quoted" \\back\\slash / ünï 山 😀 {}'
    quoted = value.replace('"', '""')
    bring(ledger, file, f'email,"Köder ""x"""\na@example.org,"{quoted}"\n')

    assert person(ledger, "a@example.org").attributes == {"koder_x": value}


def test_a_status_of_the_line_wins(ledger: Ledger, file: Path) -> None:
    text = "email,status\na@x.test,Subscribed\nb@x.test,pending\nc@x.test,unsubscribed\nd@x.test,\n"
    bring(ledger, file, text, state=SubscriptionState.PENDING)

    found = {name: states(ledger, f"{name}@x.test")["weekly"] for name in "abcd"}
    assert found == {"a": "confirmed", "b": "pending", "c": "unsubscribed", "d": "pending"}


def test_case_23_who_left_or_is_suppressed_is_skipped_and_reported(
    ledger: Ledger, file: Path
) -> None:
    bring(ledger, file, "email\nleft@x.test\nbad@x.test\nstays@x.test\n")
    left = person(ledger, "left@x.test")
    with ledger.write() as connection:
        weekly = audience.list_number(connection, "weekly")
        audience.suppress(
            connection,
            ledger.address_key("bad@x.test"),
            address="bad@x.test",
            bounce_class="hard:address",
            evidence="550",
            source="m1",
            now=NOW,
        )
    audience.unsubscribe(ledger, left.id, weekly, via="one-click", now=NOW)
    before = roster.show(ledger, "left@x.test")
    seen: list[Line] = []

    report = bring(
        ledger,
        file,
        "email,name\nleft@x.test,New\nbad@x.test,New\nstays@x.test,\n",
        on_lines=seen.extend,
    )
    assert [(one.number, one.verdict.label) for one in seen] == [
        (2, "skipped: unsubscribed"),
        (3, "skipped: suppressed"),
        (4, "unchanged"),
    ]
    assert (report.imported, report.skipped) == (1, 2)
    assert before == roster.show(ledger, "left@x.test")


def test_decisions_11_a_row_missing_from_a_file_means_nothing(ledger: Ledger, file: Path) -> None:
    bring(ledger, file, "email\na@x.test\nb@x.test\n")
    bring(ledger, file, "email\na@x.test\n")

    assert states(ledger, "b@x.test") == {"weekly": "confirmed"}


def test_case_22_the_same_file_again_is_the_same_batch_and_changes_nothing(
    ledger: Ledger, file: Path
) -> None:
    text = "email,name\na@x.test,A\nb@x.test,B\n"
    first = bring(ledger, file, text)
    again = bring(ledger, file, text, operator="otto")

    assert again.counts == {Verdict.UNCHANGED: 2}
    assert first.batch == again.batch
    assert [(first.batch, "weekly.csv", first.sheet.digest)] == batches(ledger)
    assert happened(ledger, "a@x.test") == ["subscribed"]


def test_the_same_file_for_another_list_is_another_batch(ledger: Ledger, file: Path) -> None:
    first = bring(ledger, file, "email\na@x.test\n")
    other = bring(ledger, file, "email\na@x.test\n", list_slug="monthly")

    assert first.batch != other.batch
    assert states(ledger, "a@x.test") == {"monthly": "confirmed", "weekly": "confirmed"}


def test_decisions_11_a_changed_file_was_never_imported_in_its_present_form(
    ledger: Ledger, file: Path
) -> None:
    bring(ledger, file, "email\na@x.test\n")
    assert was_imported(ledger, file)

    file.write_text("email\na@x.test\nb@x.test\n")
    assert not was_imported(ledger, file)


def test_x_17_a_crash_leaves_whole_batches_and_the_next_import_completes_them(
    ledger: Ledger, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 2)
    text = "email\n" + "".join(f"p{n}@x.test\n" for n in range(5))

    def crash(lines: list[Line]) -> None:
        if lines[0].number > 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bring(ledger, file, text, on_lines=crash)
    assert people(ledger) == 4
    assert not was_imported(ledger, file)
    ((number, _, _),) = batches(ledger)

    report = bring(ledger, file, text)
    assert report.counts == {Verdict.UNCHANGED: 4, Verdict.ADDED: 1}
    assert report.batch == number
    assert was_imported(ledger, file)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("name\nAnn\n", "E502"),
        ("email,email\na@x.test,b@x.test\n", "E503"),
        ('email,name\na@x.test,A\nb@x.test,"B\n', "E504"),
        ("email,name\na@x.test,A\nb@x.test," + "x" * (sheets.CELL + 1) + "\n", "E505"),
        (b"email,name\na@x.test,A\n" * 3000 + b"b@x.test,\x81\xff\x00\x8d\n", "E506"),
    ],
)
def test_case_22_a_file_that_cannot_be_read_to_its_end_changes_nothing(
    ledger: Ledger, file: Path, text: str | bytes, code: str
) -> None:
    with pytest.raises(CheckError) as caught:
        bring(ledger, file, text)

    assert code == caught.value.code
    assert caught.value.where.startswith("weekly.csv")
    assert people(ledger) == 0
    assert batches(ledger) == []


def test_a_dry_run_gives_the_verdicts_and_stores_nothing(ledger: Ledger, file: Path) -> None:
    bring(ledger, file, "email\na@x.test\n")
    text = "email,name\na@x.test,A\nb@x.test,B\nB@x.test,B\nnobody\n"
    before = batches(ledger)
    tried = bring(ledger, file, text, dry_run=True)

    assert tried.batch is None
    assert tried.counts == {
        Verdict.UPDATED: 1,
        Verdict.ADDED: 1,
        Verdict.DUPLICATE: 1,
        Verdict.INVALID: 1,
    }
    assert before == batches(ledger)
    assert people(ledger) == 1
    assert tried.counts == bring(ledger, file, text).counts


def test_a_dry_run_for_a_list_that_nobody_is_on(ledger: Ledger, file: Path) -> None:
    report = bring(ledger, file, "email\na@x.test\n", list_slug="yearly", dry_run=True)

    assert report.counts == {Verdict.ADDED: 1}


def test_an_import_into_a_list_that_is_not_defined_is_refused(ledger: Ledger, file: Path) -> None:
    with pytest.raises(NotFoundError, match="E507"):
        bring(ledger, file, "email\na@x.test\n", list_slug="yearly")


def test_a_report_keeps_the_first_problems_only(ledger: Ledger, file: Path) -> None:
    report = bring(ledger, file, "email\n" + "nobody\n" * (importing.PROBLEMS + 50))

    assert len(report.problems) == importing.PROBLEMS
    assert report.counts == {Verdict.INVALID: importing.PROBLEMS + 50}


def test_what_is_shown_of_a_bad_address_is_short_and_printable(ledger: Ledger, file: Path) -> None:
    report = bring(ledger, file, 'email\n"' + "\x1b[31m" + "x" * 500 + '"\n')

    (problem,) = report.problems
    assert len(problem.address) == 80
    assert problem.address.startswith("�[31mxxx")
