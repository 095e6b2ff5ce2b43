"""What `scripts/caniemail.py` makes of caniemail's data."""

from __future__ import annotations

from typing import Any

import pytest

from mailer.model import CLIENTS
from scripts import caniemail


def feature(slug: str, **stats: dict[str, dict[str, str]]) -> dict[str, Any]:
    named = {family.replace("_", "-"): platforms for family, platforms in stats.items()}
    return {"slug": slug, "title": slug, "stats": named}


@pytest.mark.parametrize(
    ("desktop", "ios", "support"),
    [
        ({"2019": "n", "2024": "y #1"}, {"2024": "y"}, "y"),
        ({"2024": "y"}, {"2024": "a #2"}, "a"),
        ({"2024": "y"}, {"2019": "y", "2024": "n"}, "n"),
        ({"2024": "y"}, {}, "y"),
        ({}, {"2024": "u"}, "u"),
        ({}, {}, "u"),
    ],
)
def test_a_family_can_what_its_worst_newest_client_can(
    desktop: dict[str, str], ios: dict[str, str], support: str
) -> None:
    made = feature("x", gmail={"desktop-webmail": desktop, "ios": ios})
    assert support == caniemail.support(made, ("gmail/desktop-webmail", "gmail/ios"))


def test_only_what_somebody_lacks_is_kept() -> None:
    everywhere = {"ios": {"1": "y"}, "macos": {"1": "y"}}
    features = [feature(slug, apple_mail=everywhere) for slug in caniemail.FEATURES]
    features[0]["stats"]["gmail"] = {"ios": {"1": "n"}}
    data = caniemail.reduced({"last_update_date": "2026-05-13 14:45", "data": features})
    (use,) = caniemail.FEATURES[features[0]["slug"]].split()
    assert [use] == list(data["features"])
    assert "yn" == data["features"][use][2][:2]
    assert "caniemail.com 2026-05-13, MIT, see LICENSE" == data["source"]


def test_the_families_are_those_that_can_be_configured() -> None:
    assert set(CLIENTS) == set(caniemail.FAMILIES)
