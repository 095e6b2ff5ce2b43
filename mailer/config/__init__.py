"""mailer.toml (or [tool.mailer] in pyproject.toml) and the environment become one Config.

Precedence: flag > `MAILER_*` environment > `MAILER_*_FILE` or systemd credential > `.env` > file >
default. Unknown keys are errors with file, line and a suggestion. Secrets never come from a file
that is committed and never appear in a repr.
"""

from __future__ import annotations

from mailer.config.load import build_config, load_config, load_settings, require_secret
from mailer.config.settings import Setting
from mailer.config.shape import (
    CheckConfig,
    Config,
    DeliveryConfig,
    DkimConfig,
    GuardConfig,
    ListConfig,
    Newsletter,
    OAuth,
    Quota,
    RelayConfig,
    ThemeConfig,
)

__all__ = [
    "CheckConfig",
    "Config",
    "DeliveryConfig",
    "DkimConfig",
    "GuardConfig",
    "ListConfig",
    "Newsletter",
    "OAuth",
    "Quota",
    "RelayConfig",
    "Setting",
    "ThemeConfig",
    "build_config",
    "load_config",
    "load_settings",
    "require_secret",
]
