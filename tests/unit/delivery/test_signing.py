"""Key files as they are read: what is refused, and why."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from mailer.delivery.signing import signer_of
from mailer.errors import ConfigError
from tests.samples.signing import pem

if TYPE_CHECKING:
    from pathlib import Path

    from tests.samples.newsletter import News


def write_key(news: News, content: bytes, *, mode: int = 0o600, selector: str = "m1") -> Path:
    """A configured key in a file of its own."""
    file = news.folder / f"{selector}.pem"
    file.write_bytes(content)
    file.chmod(mode)
    news.configure(f'[dkim.keys]\n{selector} = "{file.name}"')
    return file


def refusal(news: News) -> ConfigError:
    with pytest.raises(ConfigError, match="E435 The DKIM key m1 cannot be used") as caught:
        signer_of(news.config)
    return caught.value


def test_without_a_key_nothing_signs(news: News) -> None:
    assert signer_of(news.config) is None


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_key_that_only_its_owner_can_read_signs(news: News, mode: int) -> None:
    """X-18."""
    write_key(news, pem("rsa", 0), mode=mode)
    signer = signer_of(news.config)
    assert signer
    assert [("m1", "rsa", 2048)] == [(key.selector, key.kind, key.bits) for key in signer.keys]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o610])
def test_a_key_that_others_can_read_is_refused(news: News, mode: int) -> None:
    """X-18: with the line that mends it."""
    file = write_key(news, pem("rsa", 0), mode=mode)
    error = refusal(news)
    assert f"Its mode is {mode:04o}" in error.detail
    assert (str(file), f"chmod 600 {file}") == (error.where, error.next)


def test_a_key_that_is_not_there_is_named(news: News) -> None:
    write_key(news, b"").unlink()
    error = refusal(news)
    assert ("No such file or directory", "mailer dkim keygen --selector m1") == (
        error.detail,
        error.next,
    )


def test_a_file_that_is_no_key_is_refused(news: News) -> None:
    write_key(news, b"v=DKIM1; k=rsa; p=MIIB")
    assert "It is no private key in PEM" == refusal(news).detail


def test_a_short_key_signs_with_a_warning(news: News, caplog: pytest.LogCaptureFixture) -> None:
    """D-3: 1024 bits are the least, 2048 are advised; said once in a process."""
    write_key(news, pem("rsa1024", 1))  # which no other test of this process was warned of
    with caplog.at_level(logging.WARNING, logger="mailer"):
        assert signer_of(news.config)
        assert signer_of(news.config)
    assert ["the DKIM key m1 has 1024 bits, 2048 are advised: mailer dkim keygen"] == [
        record.getMessage() for record in caplog.records
    ]
