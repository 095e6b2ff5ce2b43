"""One `[relay]` or several `[[relay]]`, their secrets, and what does not fit (decisions 19)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mailer.config import Config, OAuth, Quota, load_config, load_settings
from mailer.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

NEWSLETTER = """\
[newsletter]
name = "The Weekly"
from = "The Weekly <weekly@example.org>"
url = "https://news.example.org"
address = "1 Example Street, Exampleton"
[lists.weekly]
title = "The Weekly"
[lists.members]
title = "Members"
"""
TWO = """\
[[relay]]
name = "eu"
url = "smtps://user@smtp.eu.example.org"
weight = 3
[[relay]]
name = "us-east"
url = "smtp+starttls://other@smtp.us.example.org:2525"
connections = 4
domains = ["Example.com", "exämple.org"]
lists = ["members"]
"""
OAUTH = """\
[relay]
url = "smtps://news@smtp.example.org"
token_url = "https://login.example.org/token"
client_id = "abc"
"""


def load(folder: Path, relays: str, **environ: str) -> Config:
    (folder / "mailer.toml").write_text(NEWSLETTER + relays)
    return load_config(folder, None, environ=environ)


def fault(folder: Path, relays: str, **environ: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(folder, relays, **environ)
    return caught.value


def test_each_relay_has_its_own_values_and_the_defaults(tmp_path: Path) -> None:
    eu, us = load(tmp_path, TWO).relays
    assert ("eu", "smtp.eu.example.org", 465, 3, 10, (), ()) == (
        eu.name,
        eu.host,
        eu.port,
        eu.weight,
        eu.connections,
        eu.domains,
        eu.lists,
    )
    assert ("us-east", "smtp.us.example.org", 2525, 1, 4) == (
        us.name,
        us.host,
        us.port,
        us.weight,
        us.connections,
    )
    assert ("example.com", "xn--exmple-cua.org") == us.domains
    assert ("members",) == us.lists


def test_one_relay_is_called_by_its_address_or_its_name(tmp_path: Path) -> None:
    assert load(tmp_path, '[relay]\nurl = "smtps://a.example"\n').relay.name == "a.example:465"
    named = '[relay]\nname = "eu"\nurl = "smtps://a.example"\n'
    assert load(tmp_path, named, MAILER_RELAY_PASSWORD="hunter2-hunter2").relay.name == "eu"


def test_origins_and_lines_are_those_of_each_relay(tmp_path: Path) -> None:
    origins = load(tmp_path, TWO, MAILER_RELAY_EU_PASSWORD="hunter2-hunter2").origins
    assert ("mailer.toml:12", "mailer.toml:16", "default", "environment") == (
        origins["relay.eu.url"],
        origins["relay.us-east.url"],
        origins["relay.us-east.rate"],
        origins["relay.eu.password"],
    )
    _, settings = load_settings(tmp_path, None, environ={})
    shown = {setting.name: setting.shown() for setting in settings}
    assert ("not set", "Example.com, exämple.org") == (
        shown["relay.us-east.password"],
        shown["relay.us-east.domains"],
    )
    error = fault(tmp_path, TWO + 'rate = "14"\nspeed = 1\n')
    assert ("mailer.toml:21  [[relay]] speed: no such key", "mailer.toml:21") == (
        error.message,
        error.where,
    )
    assert "mailer.toml:20  [[relay]] rate: must look like 14/s" in (
        fault(tmp_path, TWO + 'rate = "14"\n').message
    )


def test_each_relay_has_its_own_secrets(tmp_path: Path) -> None:
    """From the environment, a file, a credential or .env, by the relay's name."""
    (tmp_path / "us_east").write_text("file-secret\n")
    (tmp_path / "relay_eu_password").write_text("credential-secret\n")
    eu, us = load(
        tmp_path,
        TWO,
        CREDENTIALS_DIRECTORY=str(tmp_path),
        MAILER_RELAY_US_EAST_PASSWORD_FILE=str(tmp_path / "us_east"),
    ).relays
    assert ("credential-secret", "file-secret") == (eu.password, us.password)
    (tmp_path / ".env").write_text("MAILER_RELAY_US_EAST_PASSWORD=dotenv-secret\n")
    assert load(tmp_path, TWO).relays[1].password == "dotenv-secret"


@pytest.mark.parametrize(
    ("variable", "step"),
    [
        ("MAILER_RELAY_PASSWORD", "MAILER_RELAY_EU_PASSWORD=…"),
        ("MAILER_RELAY_PASSWORD_FILE", "MAILER_RELAY_EU_PASSWORD=…"),
        ("MAILER_RELAY_CLIENT_SECRET", "MAILER_RELAY_EU_CLIENT_SECRET=…"),
        ("MAILER_RELAY_URL", "url = …  under [[relay]]"),
        ("MAILER_RELAY_US_EAST_PASWORD", "did you mean MAILER_RELAY_US_EAST_PASSWORD?"),
        ("MAILER_RELAY_UK_PASSWORD", "did you mean MAILER_RELAY_EU_PASSWORD?"),
    ],
)
def test_a_variable_that_is_for_no_relay_is_refused(
    tmp_path: Path, variable: str, step: str
) -> None:
    error = fault(tmp_path, TWO, **{variable: "hunter2-hunter2"})
    assert ("E401", step) == (error.code, error.next)
    assert "hunter2" not in f"{error.message}{error.detail}"


def test_a_secret_in_the_file_names_the_variable_of_its_relay(tmp_path: Path) -> None:
    error = fault(tmp_path, TWO + 'password = "hunter2-hunter2"\n')
    assert error.code == "E406"
    assert "MAILER_RELAY_US_EAST_PASSWORD" in error.next


@pytest.mark.parametrize(
    ("relays", "code", "message"),
    [
        ('[[relay]]\nurl = "smtps://a.example"\n', "E404", "[[relay]] name is missing"),
        ('[[relay]]\nname = "eu"\n', "E404", "[[relay]] url is missing"),
        ("relay = []\n", "E404", "[relay] url is missing"),
        (TWO.replace("us-east", "eu"), "E405", "is the name of another relay, too"),
        (TWO.replace('"eu"', '"E U"'), "E405", "[[relay]] name: may hold only a-z"),
        (TWO.replace('"eu"', "7"), "E405", "[[relay]] name: must be text"),
        (TWO.replace("weight = 3", 'lists = ["weakly"]'), "E405", "there is no list 'weakly'"),
        (TWO.replace("weight = 3", 'domains = ["a.example"]'), "E405", "would have no relay"),
        (TWO.replace("smtps://user", "smtp://user"), "E405", "clear text"),
    ],
)
def test_what_is_wrong_with_several_relays_is_told(
    tmp_path: Path, relays: str, code: str, message: str
) -> None:
    text = relays if relays.startswith("[") else ""
    (tmp_path / "mailer.toml").write_text((relays if not text else "") + NEWSLETTER + text)
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path, None, environ={})
    assert code == caught.value.code
    assert message in caught.value.message


def test_lists_that_are_all_named_need_no_relay_for_the_others(tmp_path: Path) -> None:
    relays = load(tmp_path, TWO.replace("weight = 3", 'lists = ["weekly"]')).relays
    assert [("weekly",), ("members",)] == [relay.lists for relay in relays]


def test_a_quota_is_a_number_of_messages_in_a_time(tmp_path: Path) -> None:
    for text, expected in (
        ("50000/day", Quota(messages=50_000, seconds=86_400)),
        ("2000 / h", Quota(messages=2000, seconds=3600)),
        ("100/min", Quota(messages=100, seconds=60)),
    ):
        relays = f'[relay]\nurl = "smtps://a.example"\nquota = "{text}"\n'
        assert expected == load(tmp_path, relays).relay.quota


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        '[relay]\nurl = "smtps://a.example"\nlog = "mail.log"\n'
        '[dkim]\ndomain = "Example.org"\n[dkim.keys]\nm2026 = "dkim/rsa.pem"\ne = "/etc/ed.pem"\n',
    )
    assert tmp_path / "mail.log" == config.relay.log
    assert config.dkim.domain == "example.org"
    assert ["/etc/ed.pem", str(tmp_path / "dkim/rsa.pem")] == sorted(
        map(str, config.dkim.keys.values())
    )
    assert ["m2026", "e"] == list(config.dkim.keys)


def test_domains_have_their_own_pace(tmp_path: Path) -> None:
    relay = '[relay]\nurl = "smtps://a.example"\n'
    config = load(tmp_path, relay + '[delivery.domains]\n"Gmail.com" = "300/min"\n')
    assert {"gmail.com": 5.0} == config.delivery.domains
    error = fault(tmp_path, relay + '[delivery.domains]\ngmail.com = "5/s"\n')
    assert ("E405", "mailer.toml:13") == (error.code, error.where)
    assert "stands in quotes" in f"{error.message}{error.detail}"
    for bad in ('[delivery.domains]\n"a b" = "5/s"\n', "[dkim.keys]\na_b = 'x.pem'\n"):
        assert fault(tmp_path, relay + bad).code == "E405"


def test_oauth_is_put_together_from_file_and_secrets(tmp_path: Path) -> None:
    secrets = {
        "MAILER_RELAY_REFRESH_TOKEN": "refresh-secret",
        "MAILER_RELAY_CLIENT_SECRET": "client-secret",
    }
    relay = load(tmp_path, OAUTH, **secrets).relay
    assert relay.oauth == OAuth(
        token_url="https://login.example.org/token",
        client_id="abc",
        client_secret="client-secret",
        refresh_token="refresh-secret",
    )
    assert "refresh-secret" not in repr(relay)
    local = OAUTH.replace("https://login.example.org", "http://127.0.0.1:8080")
    assert load(tmp_path, local).relay.oauth


@pytest.mark.parametrize(
    ("relays", "environ", "message"),
    [
        (OAUTH.replace("news@", ""), {}, "needs the user"),
        (
            OAUTH,
            {"MAILER_RELAY_PASSWORD": "secret-1", "MAILER_RELAY_REFRESH_TOKEN": "secret-2"},
            "cannot both prove who we are",
        ),
        ('[relay]\nurl = "smtps://a.example"\n', {"MAILER_RELAY_REFRESH_TOKEN": "x"}, "token_url"),
    ],
)
def test_oauth_that_does_not_fit_together_is_refused(
    tmp_path: Path, relays: str, environ: dict[str, str], message: str
) -> None:
    error = fault(tmp_path, relays, **environ)
    assert error.code == "E405"
    assert message in error.message
    assert "secret-" not in f"{error.message}{error.detail}"
