"""When a mailing is stopped for its own good, or leaves a domain alone (S-33, decisions 16)."""

from __future__ import annotations

import pytest

from mailer.config import GuardConfig
from mailer.delivery.guard import RECENT, Verdict, equal_faults, share_reason
from mailer.ledger.tally import Blamed, Tally

LIMITS = GuardConfig()


def tally(settled: int, *, hard: int = 0, complaints: int = 0, overruled: bool = False) -> Tally:
    return Tally(
        accepted=settled - hard,
        rejected=hard,
        hard=hard,
        complaints=complaints,
        overruled=overruled,
    )


@pytest.mark.parametrize(
    ("settled", "hard", "speaks"),
    [
        (199, 199, False),  # too few to mean anything
        (200, 9, False),
        (200, 10, True),
        (412, 20, False),
        (412, 21, True),
        (500, 25, True),
        (501, 501, False),  # no longer the first 500
        (400, 0, False),
    ],
)
def test_five_percent_hard_among_the_first_500_from_200_on(
    settled: int, hard: int, *, speaks: bool
) -> None:
    """S-33."""
    assert speaks == (share_reason(tally(settled, hard=hard), LIMITS) is not None)


@pytest.mark.parametrize(
    ("settled", "complaints", "speaks"), [(500, 1, False), (500, 2, True), (200, 1, True)]
)
def test_three_in_a_thousand_complaints(settled: int, complaints: int, *, speaks: bool) -> None:
    """S-33: 0.3 %."""
    found = share_reason(tally(settled, complaints=complaints), LIMITS)
    assert speaks == (found is not None)


def test_the_reason_says_how_many_of_how_many_and_the_limit() -> None:
    """Interface §1.6 C."""
    assert "31 of the first 412 (7.5 %) do not exist (limit 5 %)" == share_reason(
        tally(412, hard=31), LIMITS
    )
    assert "2 of the first 412 (0.49 %) complained (limit 0.3 %)" == share_reason(
        tally(412, complaints=2), LIMITS
    )


def test_an_operator_has_the_last_word() -> None:
    assert share_reason(tally(412, hard=400, overruled=True), LIMITS) is None


def blamed(*domains: str, accepted: int = 0) -> list[Blamed]:
    return [Blamed(domain=domain, accepted=accepted) for domain in domains]


def ruled(faults: list[Blamed], *, accepted: int = 0) -> Verdict | None:
    return equal_faults(faults, domain=faults[-1].domain, accepted=accepted, limits=LIMITS)


@pytest.mark.parametrize(
    ("domains", "expected"),
    [
        (["a"] * 9, None),
        (["a"] * 10, "a"),
        (["a"] * 5 + ["b"] * 5, None),
        (["b"] * 5 + ["a"] * 10, "a"),
        (["a"] * 4 + ["b"] * 3 + ["c"] * 3, ""),
        (["a"] * 4 + ["b"] * 3 + ["c"] * 2, None),
    ],
)
def test_ten_equal_faults_hold_a_domain_or_pause_the_mailing(
    domains: list[str], expected: str | None
) -> None:
    """Decisions 16: one domain's are held; from three domains it is about the mailing."""
    verdict = ruled(blamed(*domains))
    assert expected == (None if verdict is None else verdict.domain)


def test_faults_that_are_far_apart_do_not_add_up() -> None:
    """A mailing of a million meets ten people whose own server refuses it, one here, one there."""
    early = blamed(*"abcdefghi")
    assert ruled([*early, *blamed("j", accepted=RECENT)], accepted=RECENT) is not None
    late = RECENT + 1
    assert ruled([*early, *blamed("j", accepted=late)], accepted=late) is None


def test_the_limit_is_configured() -> None:
    """`[guard] equal_replies`."""
    limits = GuardConfig(equal_replies=2)
    assert equal_faults(blamed("a", "a"), domain="a", accepted=0, limits=limits) == Verdict(
        domain="a", number=2
    )
