"""The line of `mailer db move` for `mailer.toml`: it reaches the same server, without secrets."""

from __future__ import annotations

import pytest

from mailer.ledger.engines import configured


@pytest.mark.parametrize(
    ("moved_to", "printed"),
    [
        ("postgresql://m@db.test/x", "postgresql://m@db.test/x"),
        (
            "postgresql://m:s3cret@db.test:5433/x?sslmode=verify-full",
            "postgresql://m@db.test:5433/x?sslmode=verify-full",
        ),
        (
            "postgresql:///x?user=m&password=s3cret&host=/run/postgresql&sslpassword=s3cret",
            "postgresql:///x?user=m&host=/run/postgresql",
        ),
        ("postgresql://m@db.test/x?pass%77ord=s3cret", "postgresql://m@db.test/x"),
    ],
)
def test_what_reaches_the_server_is_kept_and_the_password_is_not(
    moved_to: str, printed: str
) -> None:
    """Without `sslmode` the pasted line would go to the same place unverified."""
    assert printed == configured(moved_to)
