"""The DKIM keys of the configuration, read from their files (X-18)."""

from __future__ import annotations

import logging
import os
import stat
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from mailer.compose.dkim import Signer
from mailer.compose.signingkeys import ADVISED_BITS, SigningKey, read_key
from mailer.errors import ConfigError

if TYPE_CHECKING:
    from mailer.config import Config

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_LARGEST = 64 * 1024  # octets of a file that may be a key

log = logging.getLogger("mailer")


def signer_of(config: Config) -> Signer | None:
    """What signs messages here; None if no key is configured and the relay must.

    Raises:
        ConfigError: E435, a key cannot be read, may be read by others, or cannot sign.
    """
    keys = tuple(_key(selector, file) for selector, file in config.dkim.keys.items())
    return Signer(domain=config.dkim.domain, keys=keys) if keys else None


def _key(selector: str, file: Path) -> SigningKey:
    try:
        with file.open("rb") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            pem = opened.read(_LARGEST)
    except OSError as error:
        reason = error.strerror or str(error)
        raise _unusable(
            selector, file, reason, f"mailer dkim keygen --selector {selector}"
        ) from error
    if mode & _OTHERS:
        reason = f"its mode is {stat.S_IMODE(mode):04o}: others may read it, and sign as you"
        raise _unusable(selector, file, reason, f"chmod 600 {file}")
    try:
        return _parsed(selector, pem)
    except ValueError as error:
        raise _unusable(
            selector, file, str(error), "mailer dkim keygen makes one that can"
        ) from error


@cache
def _parsed(selector: str, pem: bytes) -> SigningKey:
    """A key whose content was seen before is not parsed, and warned of, again."""
    key = read_key(selector, pem)
    if key.is_short:
        log.warning(
            "the DKIM key %s has %d bits, %d are advised: mailer dkim keygen",
            *(selector, key.bits, ADVISED_BITS),
        )
    return key


def _unusable(selector: str, file: Path, reason: str, next_step: str) -> ConfigError:
    return ConfigError(
        "E435",
        f"The DKIM key {selector} cannot be used",
        where=str(file),
        detail=reason[0].upper() + reason[1:],
        next_step=next_step,
    )
