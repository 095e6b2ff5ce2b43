"""What a template may not do: X-4, X-5 and case 13, on Jinja2 alone."""

from __future__ import annotations

import time
from datetime import date

import pytest
from jinja2.exceptions import SecurityError, TemplateError, UndefinedError

from mailer.render.sandbox import Sandbox, TooLargeError

DAY = date(2026, 11, 24)
END = "{% endfor %}"


def _render(source: str) -> str:
    return Sandbox(autoescape=True).from_string(source).render(text="<b>", items=[1, 2], day=DAY)


@pytest.mark.parametrize(
    ("expected", "source"),
    [
        ("&lt;b&gt;", "{{ text }}"),
        ("=====", "{{ '=' * 5 }}"),
        ("=====", "{{ 5 * '=' }}"),
        ("[0, 0]", "{{ [0] * 2 }}"),
        ("6", "{{ 2 * 3 }}"),
        ("8", "{{ 2 ** 3 }}"),
        ("1", "{{ 7 % 3 }}"),
        ("2.5", "{{ 5 * 0.5 }}"),
        ("0.5", "{{ 2 ** -1 }}"),
        ("012", "{% for i in range(3) %}{{ i }}{% endfor %}"),
        ("[1, 2][3, 0]", "{% for row in [1, 2, 3] | batch(2, 0) %}{{ row }}{% endfor %}"),
        ("a: 1 b: 2 ", "{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}: {{ v }} {% endfor %}"),
        (
            "x2",
            "{% for n, of in ([{'n': 'x'}] * 2) | groupby('n') %}{{ n }}{{ of | length }}" + END,
        ),
        ("en", "{{ 'EN-GB'.split('-')[0].lower() }}"),
        ("1.5", "{{ 1.46 | round(1) }}"),
        ("none", "{{ missing | default('none') }}"),
        ("1, 2", "{{ items | join(', ') }}"),
    ],
)
def test_ordinary_templates_work(expected: str, source: str) -> None:
    assert expected == _render(source)


@pytest.mark.parametrize(
    "source",
    [
        "{{ 'a' * 10**10 }}",
        "{{ 10**10 * 'a' }}",
        "{{ [0] * 10**10 }}",
        "{{ 10 ** (10 ** 10) }}",
        "{{ 2 ** 100000 }}",
        "{% set big = 2 ** 4000 %}{{ big * big }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ [1] | batch(10**9, 'x') | list }}",
        "{{ 1 | round(10**9, 'ceil') }}",
        "{{ ['a' * 100000] * 100000 }}",
        "{{ ('a' ~ ['a' * 100000] * 100000) | length }}",
        "{{ (['a' * 100000] * 100000) | join | length }}",
        "{{ [['a' * 100000] * 100000] | join | length }}",
        "{{ ([range(100000)] * 100000) | map('list') | list | length }}",
        "{{ (['a' * 100] * 9999) | map('replace', 'a', 'b' * 40000) | list | length }}",
        "{% set all %}{% for i in range(9999) %}{{ 'a' * 100000 }}{% endfor %}{% endset %}",
    ],
)
def test_what_would_fill_the_memory_is_refused_at_once(source: str) -> None:
    """X-5, case 13."""
    started = time.monotonic()
    with pytest.raises(TooLargeError):
        _render(source)
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__ }}",
        "{{ ''['__class__'] }}",
        "{{ ().__class__.__base__.__subclasses__() }}",
        "{{ items.append(1) }}",
        "{{ '{:1000000000}'.format(1) }}",
        "{{ '{x:1000000000}'.format_map({'x': 1}) }}",
        "{{ 'a'.center(10**9) }}",
        "{{ 'a'.ljust(10**9) }}",
        "{{ '\t'.expandtabs(10**9) }}",
        "{{ 'x'.encode().ljust(10**9) }}",
        "{{ (1).to_bytes(10**9, 'big') }}",
        "{{ 'x'.maketrans('x', 'y') }}",
        "{{ day.strftime('%1000000000d') }}",
    ],
)
def test_what_reaches_into_python_or_takes_a_width_is_refused(source: str) -> None:
    """X-4, X-5."""
    with pytest.raises(SecurityError):
        _render(source)


@pytest.mark.parametrize(
    "name",
    [
        "safe",
        "xmlattr",
        "attr",
        "format",
        "center",
        "indent",
        "slice",
        "tojson",
        "urlize",
        "sum",
        "pprint",
    ],
)
def test_filters_that_undo_escaping_or_take_a_width_do_not_exist(name: str) -> None:
    """X-4, X-5."""
    with pytest.raises(TemplateError, match=name):
        _render(f"{{{{ text | {name} }}}}")


@pytest.mark.parametrize("source", ["{{ nothing }}", "{{ lipsum(10**9) }}", "{{ text.nothing }}"])
def test_an_undefined_name_is_an_error(source: str) -> None:
    with pytest.raises(UndefinedError):
        _render(source)


def test_range_is_bounded() -> None:
    """X-5."""
    with pytest.raises(OverflowError):
        _render("{% for i in range(10**9) %}x{% endfor %}")
