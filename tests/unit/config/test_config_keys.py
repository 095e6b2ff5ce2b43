"""What each key accepts, and what an error about it says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from mailer.config import Config, ThemeConfig, load_config, look, urls
from mailer.config.keys import KEYS
from mailer.errors import ConfigError
from mailer.model import Mailbox, OnDoubt

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

VALUES: dict[str, dict[str, str]] = {
    "newsletter": {
        "name": '"The Weekly"',
        "from": '"The Weekly <weekly@example.org>"',
        "url": '"https://news.example.org"',
        "address": '"1 Example Street, Exampleton"',
    },
    "lists.weekly": {"title": '"The Weekly"'},
    "relay": {"url": '"smtp+starttls://user@smtp.example.org"'},
}


class Workbench:
    """A newsletter folder whose keys can be changed one by one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(
        self, changes: Mapping[str, str | None], environ: dict[str, str] | None = None
    ) -> Config:
        """The folder's configuration, its keys changed as told; None leaves a key out."""
        tables = {name: dict(keys) for name, keys in VALUES.items()}
        for dotted, value in changes.items():
            found = re.fullmatch(r"(.*?)\.?('.*'|[^.]*)", dotted)
            assert found is not None
            table, leaf = found.groups()
            keys = tables.setdefault(table, {})
            if value is None:
                keys.pop(leaf)
            else:
                keys[leaf] = value
        lines = []
        for name, keys in sorted(tables.items()):
            lines += [f"[{name}]"] if name else []
            lines += [f"{leaf} = {value}" for leaf, value in keys.items()]
        (self.folder / "mailer.toml").write_text("\n".join(lines))
        return load_config(self.folder, None, environ=environ or {})

    def fault(self, **changes: str | None) -> ConfigError:
        """The error of such a configuration; `__` in a name stands for its dot."""
        with pytest.raises(ConfigError) as caught:
            self.load({key.replace("__", "."): value for key, value in changes.items()})
        return caught.value


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    return Workbench(tmp_path)


def test_the_smallest_newsletter_gets_every_default(bench: Workbench, tmp_path: Path) -> None:
    config = bench.load({})
    sender = Mailbox(name="The Weekly", address="weekly@example.org")
    assert sender == config.newsletter.sender
    assert config.newsletter.reply_to is None
    assert config.newsletter.site == "https://news.example.org"
    assert config.newsletter.assets == "https://news.example.org"
    assert (config.newsletter.language, config.newsletter.timezone) == ("en", "UTC")
    weekly = config.lists["weekly"]
    assert ("weekly", sender, "en", "UTC", "") == (
        weekly.slug,
        weekly.sender,
        weekly.language,
        weekly.timezone,
        weekly.cron,
    )
    assert (
        config.relay.connections,
        config.relay.rate,
        config.relay.max_wait,
        config.relay.insecure,
    ) == (10, None, 4 * 3600, False)
    assert config.bounce_address == "weekly@example.org"
    assert f"sqlite:{tmp_path}/subscribers/mailer.db" == config.database_url
    assert (
        config.delivery.on_doubt,
        config.delivery.max_age,
        config.delivery.fail_ratio,
    ) == (OnDoubt.RESEND, 48 * 3600, 0.05)
    assert config.groups == {}
    assert config.secret_keys == ()


def test_an_unknown_key_names_line_and_neighbour(bench: Workbench) -> None:
    error = bench.fault(relay__conections="4")
    assert error.code == "E401"
    assert error.message == "mailer.toml:10  [relay] conections: no such key"
    assert error.where == "mailer.toml:10"
    assert error.next == "did you mean connections?"


@pytest.mark.parametrize(
    ("changes", "message", "step"),
    [
        ({"relais.url": '"x"'}, "[relais]: no such table", "did you mean relay?"),
        ({"lists.weekly.titel": '"x"'}, "[lists.weekly] titel: no such key", "did you mean title?"),
        ({".name": '"x"'}, "name: no such key", "there are bounces, check, database"),
        ({"database.zzz": "1"}, "[database] zzz: no such key", "there are url"),
    ],
)
def test_every_table_knows_its_keys(
    bench: Workbench, changes: dict[str, str], message: str, step: str
) -> None:
    error = bench.fault(**changes)
    assert error.code == "E401"
    assert error.message.endswith(message)
    assert error.next.startswith(step)


def test_all_faults_are_told_at_once(bench: Workbench) -> None:
    error = bench.fault(relay__conections="4", lists__weekly__titel='"x"', relay__rate="14")
    assert "titel" in error.message
    assert "E401 mailer.toml:11  [relay] conections: no such key" in error.detail
    assert "E405 mailer.toml:12  [relay] rate: must be text in double quotes" in error.detail


@pytest.mark.parametrize(
    "key", ["newsletter.name", "newsletter.from", "newsletter.url", "newsletter.address"]
)
def test_a_missing_key_is_e404_with_an_example(bench: Workbench, key: str) -> None:
    """A postal address is required (decisions 15, L-15)."""
    error = bench.fault(**{key: None})
    assert error.code == "E404"
    assert error.next.startswith(f"{key.partition('.')[2]} = ")


def test_a_list_needs_a_title_and_a_relay_its_url(bench: Workbench) -> None:
    error = bench.fault(lists__weekly__title=None, relay__url=None)
    assert error.message == "mailer.toml:7  [relay] url is missing"
    assert "mailer.toml:1  [lists.weekly] title is missing" in error.detail


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("newsletter.name", '""', "is empty"),
        ("newsletter.name", r'"a\r\nBcc: x@y.org"', "control character U+000D"),
        ("newsletter.name", r'"a\u2028b"', "control character U+2028"),
        ("newsletter.name", r'"a\u0085b"', "control character U+0085"),
        ("newsletter.name", "7", "must be text"),
        ("newsletter.from", '"nobody"', "is not an address"),
        ("newsletter.from", '"A <a@example.org>, B <b@example.org>"', "is not an address"),
        ("newsletter.from", '"a@example.org, b@example.org"', "is not an address"),
        ("newsletter.from", r'"A\u0000 <a@example.org>"', "control character U+0000"),
        ("newsletter.from", r'"\"A <a@example.org>"', "quotation mark"),
        ("newsletter.from", '"jörg@example.org"', "many relays cannot carry"),
        ("newsletter.reply_to", '""', "is empty"),
        ("newsletter.url", '"http://news.example.org"', "must begin with https://"),
        ("newsletter.url", '"news.example.org"', "names no host"),
        ("newsletter.url", '"ftp://news.example.org"', "must begin with https://"),
        ("newsletter.url", '"https://a@news.example.org"', "no user, query or fragment"),
        ("newsletter.url", '"https://news.example.org/?a=b"', "no user, query or fragment"),
        ("newsletter.url", '"https://news.example.org/#"', "no user, query or fragment"),
        ("newsletter.url", '"https://news.example.org:99999"', "is not a URL"),
        ("newsletter.url", '"https://[::1"', "is not a URL"),
        ("newsletter.url", '"https://news.example.org/a b"', "space or a control character"),
        ("newsletter.url", '"https://news.example.org/ä"', "percent-encoded"),
        ("newsletter.url", '"https://news.example.org//a"', "percent-encoded"),
        ("newsletter.url", f'"https://news.example.org/{"a" * 1000}"', "longer than 700"),
        ("newsletter.site", '"http://example.org"', "must begin with https://"),
        ("newsletter.assets", '"http://cdn.example.org"', "must begin with https://"),
        ("newsletter.page", '"https://example.org/posts/"', "must hold {id} once"),
        ("newsletter.page", '"https://{id}.example.org/"', "must hold {id} in its path"),
        ("newsletter.page", '"http://example.org/{id}"', "must begin with https://"),
        ("newsletter.images", '"inline"', "must be one of link, embed"),
        ("newsletter.dialect", '"asciidoc"', "must be one of auto, plain"),
        ("newsletter.language", '"english!"', "is no language tag"),
        ("newsletter.timezone", '"Mars/Olympus"', "is no time zone"),
        ("newsletter.timezone", '"../../etc/passwd"', "is no time zone"),
        ("newsletter.timezone", '"Europe"', "is no time zone"),
        ("lists.weekly.title", r'"a\nb"', "control character"),
        ("lists.weekly.title", '"a>b"', "angle bracket"),
        ("lists.weekly.cron", '"every monday"', "is no crontab line"),
        ("lists.weekly.cron", '"0 9 * * 1"', "name its weekdays"),
        ("lists.weekly.cron", '"0 9 * * */0"', "is no crontab line"),
        ("groups.editors", '["ann"]', "is not an address"),
        ("groups.editors", "[7]", "must be a list of addresses"),
        ("groups.editors", '"ann@example.org"', "must be a list"),
        ("relay.url", '"smtp.example.org:587"', "must begin with smtps://"),
        ("relay.url", '"smtp://smtp.example.org"', "clear text"),
        ("relay.url", '"smtps://"', "names no host"),
        ("relay.url", '"smtps://smtp.example.org/inbox"', "must end after the port"),
        ("relay.url", '"smtps://a%0db@smtp.example.org"', "control character"),
        ("relay.connections", "0", "from 1 to 1000"),
        ("relay.connections", "true", "must be a whole number"),
        ("relay.connections", '"10"', "must be a whole number"),
        ("relay.rate", '"14"', "must look like 14/s"),
        ("relay.rate", '"0/s"', "must look like 14/s"),
        ("relay.rate", '"14/w"', "must look like 14/s"),
        ("relay.max_wait", '"4"', "must look like 90s"),
        ("relay.max_wait", '"4w"', "must look like 90s"),
        ("relay.insecure", '"no"', "must be true or false"),
        ("relay.quota", '"50000"', "must look like 50000/day"),
        ("relay.quota", '"5/s"', "must look like 50000/day"),
        ("relay.quota", '"0/day"', "must look like 50000/day"),
        ("relay.quota", '"1.5/day"', "must look like 50000/day"),
        ("relay.messages", "1001", "from 1 to 1000"),
        ("relay.idle", '"60"', "must look like 90s"),
        ("relay.weight", "0", "from 1 to 1000"),
        ("relay.name", '"EU"', "may hold only a-z"),
        ("relay.domains", '["a_b"]', "is no mail domain"),
        ("relay.lists", '["Weekly"]', "may hold only a-z"),
        ("relay.lists", '["monthly"]', "there is no list 'monthly'"),
        ("relay.token_url", '"http://login.example.org/token"', "must begin with https://"),
        ("relay.token_url", '"https://a@login.example.org/token"', "no user or fragment"),
        ("relay.token_url", '"https://login.example.org/token"', "needs client_id"),
        ("relay.client_id", '"abc"', "means nothing without token_url"),
        ("relay.scope", '"mail"', "means nothing without token_url"),
        ("bounces.address", '"bounces"', "is not an address"),
        ("database.url", '"sqlite:"', "must name a file"),
        ("database.url", '"sqlite:///x.db"', "must name a file"),
        ("database.url", '"sqlite::memory:"', "must name a file"),
        ("database.url", '"mysql://x"', "must begin with sqlite:"),
        ("delivery.on_doubt", '"repeat"', "must be one of resend, hold, skip"),
        ("delivery.fail_ratio", "1.5", "from 0 to 1"),
        ("delivery.fail_ratio", "nan", "from 0 to 1"),
        ("delivery.processes", "0", "from 1 to 64"),
        ("delivery.processes", "65", "from 1 to 64"),
        ("guard.hard", "1.1", "from 0 to 1"),
        ("guard.equal_replies", "0", "from 1 to 1000"),
        ("dkim.domain", '"localhost"', "is no mail domain"),
    ],
)
def test_an_unusable_value_is_e405_and_says_why(
    bench: Workbench, key: str, value: str, reason: str
) -> None:
    """Cases 5 and 7, M-11, S-10, decisions 17; the next step shows how the key is written."""
    error = bench.fault(**{key: value})
    assert error.code == "E405"
    assert reason in error.message
    assert re.match(r"mailer\.toml:\d+$", error.where)
    assert error.next.startswith(f"{key.rpartition('.')[2]} = ".replace("editors", "NAME"))


@pytest.mark.parametrize("table", ["lists", "groups"])
@pytest.mark.parametrize("name", ["Weekly", "a_b", "a b", "-a", "x" * 64, "a>b", "ü"])
def test_a_list_or_group_name_is_one_label(bench: Workbench, table: str, name: str) -> None:
    """Case 5: a list's name becomes the label of List-Id (L-1)."""
    (bench.folder / "mailer.toml").write_text(f"[{table}.'{name}']\n")
    with pytest.raises(ConfigError, match="may hold only a-z, 0-9 and inner hyphens") as caught:
        load_config(bench.folder, None, environ={})
    assert caught.value.code == "E405"


@pytest.mark.parametrize(
    "text",
    [
        "relay = 1\n",
        "relay = [1]\n",
        "[[database]]\nurl = 'x'\n",
        "lists = 'x'\n",
        "[lists]\nweekly = 'x'\n",
    ],
)
def test_what_must_be_one_table_is_told_so(bench: Workbench, text: str) -> None:
    (bench.folder / "mailer.toml").write_text(text)
    with pytest.raises(ConfigError, match="must be one table"):
        load_config(bench.folder, None, environ={})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ann@example.org", Mailbox(name="", address="ann@example.org")),
        ("<ann@example.org>", Mailbox(name="", address="ann@example.org")),
        ("Ann, Q <ann@example.org>", Mailbox(name="Ann, Q", address="ann@example.org")),
        (r'"Ann \"Q\" <x>" <a@example.org>', None),
        (r'"Ann \"Q\"" <a@example.org>', Mailbox(name='Ann "Q"', address="a@example.org")),
        ("Grüße 📰 <a@exämple.org>", Mailbox(name="Grüße 📰", address="a@xn--exmple-cua.org")),
        ("=?utf-8?q?x?= <a@example.org>", Mailbox(name="=?utf-8?q?x?=", address="a@example.org")),
    ],
)
def test_a_mailbox_is_a_name_and_an_address(
    bench: Workbench, text: str, expected: Mailbox | None
) -> None:
    """M-7: the name is kept as it is meant; the domain is stored as A-labels."""
    changes = {"newsletter.from": f"'{text}'"}
    if expected is None:
        assert bench.fault(**changes).code == "E405"
    else:
        assert expected == bench.load(changes).newsletter.sender


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtps://smtp.example.org", ("smtp.example.org", 465, "implicit", "")),
        ("smtps://smtp.example.org:4465/", ("smtp.example.org", 4465, "implicit", "")),
        ("smtp+starttls://me%40x@SMTP.example.org", ("smtp.example.org", 587, "starttls", "me@x")),
        ("smtp://localhost:1025", ("localhost", 1025, "none", "")),
        ("smtp://127.0.0.2", ("127.0.0.2", 25, "none", "")),
        ("smtp://[::1]:2525", ("::1", 2525, "none", "")),
        ("smtps://mäil.example.org", ("xn--mil-qla.example.org", 465, "implicit", "")),
    ],
)
def test_a_relay_url_says_host_port_security_and_user(
    bench: Workbench, url: str, expected: tuple[Any, ...]
) -> None:
    relay = bench.load({"relay.url": f'"{url}"'}).relay
    assert expected == (relay.host, relay.port, relay.security, relay.user)


def test_clear_text_to_another_machine_must_be_asked_for(bench: Workbench) -> None:
    """S-10: no silent downgrade."""
    changes: Mapping[str, str | None] = {
        "relay.url": '"smtp://relay.example.org"',
        "relay.insecure": "true",
    }
    assert bench.load(changes).relay.insecure


@pytest.mark.parametrize(
    ("text", "per_second"),
    [("14/s", 14.0), ("0.5/s", 0.5), ("300/min", 5.0), ("7200/h", 2.0), ("86400/day", 1.0)],
)
def test_a_rate_is_per_second(bench: Workbench, text: str, per_second: float) -> None:
    assert per_second == bench.load({"relay.rate": f'"{text}"'}).relay.rate


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("15m", 900), ("1.5h", 5400), ("2d", 172_800)]
)
def test_a_duration_is_in_seconds(bench: Workbench, text: str, seconds: float) -> None:
    assert seconds == bench.load({"delivery.max_age": f'"{text}"'}).delivery.max_age


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://news.example.org/", "https://news.example.org"),
        ("https://news.example.org:8443/a/b/", "https://news.example.org:8443/a/b"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
        ("https://NEWS.exämple.org", "https://news.xn--exmple-cua.org"),
        (f"https://news.example.org/{'a' * 300}", f"https://news.example.org/{'a' * 300}"),
    ],
)
def test_a_public_url_is_stored_plain(bench: Workbench, text: str, expected: str) -> None:
    """Decisions 17; case 7: 300 characters are allowed. ASCII only, no trailing slash (M-10)."""
    assert expected == bench.load({"newsletter.url": f'"{text}"'}).newsletter.url


@pytest.mark.parametrize("text", ["0 9 * * MON", "*/15 8-17 1,15 * *", "0 9 * * mon-fri"])
def test_a_crontab_line_is_kept(bench: Workbench, text: str) -> None:
    assert text == bench.load({"lists.weekly.cron": f'"{text}"'}).lists["weekly"].cron


def test_an_absolute_database_and_postgresql_stay_what_they_are(bench: Workbench) -> None:
    """Decisions 19: sqlite:PATH is relative to the configuration file."""
    absolute = bench.load({"database.url": '"sqlite:/var/lib/mailer.db"'})
    assert absolute.database_url == "sqlite:/var/lib/mailer.db"
    above = bench.load({"database.url": '"sqlite:../mailer.db"'})
    assert f"sqlite:{bench.folder.parent}/mailer.db" == above.database_url
    for url in ("postgresql://db.example.org/mailer", "postgresql:///mailer"):
        assert url == bench.load({"database.url": f'"{url}"'}).database_url


def test_a_whole_number_will_do_for_a_share(bench: Workbench) -> None:
    assert bench.load({"delivery.fail_ratio": "1"}).delivery.fail_ratio == 1.0


NAMES = {
    "groups.*": "groups.editors",
    "lists.*": "lists.weekly",
    "delivery.domains.*": "delivery.domains.'gmail.com'",
}
COMPANIONS: dict[str, dict[str, str]] = {
    "relay.token_url": {"relay.client_id": '"abc"'},
    "relay.client_id": {"relay.token_url": '"https://login.example.org/token"'},
    "relay.scope": {
        "relay.token_url": '"https://login.example.org/token"',
        "relay.client_id": '"abc"',
    },
}
ONLY_OF_SEVERAL = {"relay.domains"}


def test_every_key_is_documented_and_its_example_is_accepted(bench: Workbench) -> None:
    for key in KEYS:
        assert re.fullmatch(r"[A-Z].*\.|.*…", key.doc), key.name
        if key.secret or key.name in ONLY_OF_SEVERAL:
            continue
        name = key.name
        for pattern, instance in NAMES.items():
            name = name.replace(pattern, instance)
        changes = {**COMPANIONS.get(key.name, {}), name.replace("*", "link"): key.example}
        assert bench.load(changes), key.name


@pytest.mark.parametrize(
    "page",
    [
        "https://example.org/posts/{id}/",
        "https://example.org/{id}.html",
        "https://example.org/{id}",
    ],
)
def test_the_page_of_an_issue_keeps_its_slash(page: str) -> None:
    assert page == urls.page_url(page)


# --- [theme] -------------------------------------------------------------------------------------


def test_without_a_theme_mails_look_as_built_in(bench: Workbench) -> None:
    assert ThemeConfig() == bench.load({}).theme
    assert 536 == ThemeConfig().column


def test_a_colour_that_is_set_changes_only_itself(bench: Workbench) -> None:
    theme = bench.load({"theme.light.link": '"#7A1F5C"', "theme.dark.page": '"#000"'}).theme
    assert {**look.LIGHT, "link": "#7a1f5c"} == theme.light
    assert {**look.DARK, "page": "#000000"} == theme.dark


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        (look.SANS, "sans"),
        (look.SERIF, "serif"),
        ("Charter,'Bitstream Charter',serif", "Charter, Bitstream  Charter ,serif"),
        ("'Gill Sans',sans-serif", "'Gill Sans', sans-serif"),
        ("'Gill Sans',sans-serif", '\\"Gill Sans\\", sans-serif'),
        ("-apple-system,sans-serif", "-apple-system,sans-serif"),
    ],
)
def test_a_font_is_a_list_that_stands_between_double_quotes(
    bench: Workbench, expected: str, text: str
) -> None:
    assert expected == bench.load({"theme.font": f'"{text}"'}).theme.font


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("light.link", '"red"', "is no colour such as #0a58ca"),
        ("dark.link", '"#0a58ca80"', "is no colour such as #0a58ca"),
        ("font", '"Charter"', "families that end in serif or sans-serif"),
        ("font", '"Charter;color:red, serif"', "separated by commas"),
        ("font", '"\'Charter, serif"', "separated by commas"),
        ("font", '"Charter,, serif"', "separated by commas"),
        ("font", f'"{"a" * 300}, serif"', "longer than 200"),
        ("width", "641", "from 480 to 640"),
        ("width", "479", "from 480 to 640"),
        ("width", '"600px"', "a whole number"),
        ("logo_width", "8", "from 16 to 416"),
        ("logo", '"https://example.org/logo.svg"', "end in .png"),
        ("logo", '"/logo.png"', "names no host"),
        ("template", '"../x"', "the name of a template"),
    ],
)
def test_a_look_that_clients_cannot_show_is_refused(
    bench: Workbench, key: str, value: str, reason: str
) -> None:
    error = bench.fault(**{f"theme__{key.replace('.', '__')}": value})
    assert "E405" == error.code
    assert reason in error.message
    assert error.where.startswith("mailer.toml:")


@pytest.mark.parametrize(
    ("key", "step"),
    [
        ("theme__light__lnk", "did you mean link?"),
        ("theme__colour", "there are font, logo, logo_width, template, width"),
        ("theme__fonts", "did you mean font?"),
    ],
)
def test_a_colour_or_key_that_does_not_exist_is_refused(
    bench: Workbench, key: str, step: str
) -> None:
    error = bench.fault(**{key: '"#fff"'})
    assert ("E401", step) == (error.code, error.next)


def test_the_colours_of_one_scheme_are_a_table(bench: Workbench) -> None:
    error = bench.fault(theme__light='"#fff"')
    assert "theme.light: must be one table" in error.message
