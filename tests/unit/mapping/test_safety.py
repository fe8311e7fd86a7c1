"""What a mapping cannot do, however it is written."""

from __future__ import annotations

import time

import pytest

from tests.unit.mapping.conftest import ABSENT, compiled, evaluate, holds
from tests.unit.mapping.test_codes import BASE, change


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "(a*)*b", "^(([a-z])+.)+[A-Z]([a-z])+$"])
def test_catastrophic_patterns_take_linear_time(pattern):
    started = time.perf_counter()
    for _ in range(10):
        holds(f"{{pick: traits.x, matches: '{pattern}'}}", {"traits": {"x": "a" * 50_000 + "!"}})
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize("pattern", ["(a)\\1", "(?=a)", "(?<!a)b", "(?P=x)", "[", "a{3", "*", "("])
def test_patterns_that_are_not_linear_or_not_readable_are_refused(pattern):
    text = change("robot, equals: true", f"robot, matches: '{pattern}'")
    found = compiled(text).diagnostics
    assert [item.code for item in found] in (["M208"], [])
    if pattern != "a{3":
        assert found


@pytest.mark.parametrize(
    "template",
    ["{env.HOME}", "{environ}", "{os.environ}", "{self.__class__}", "{traits.__class__.x()}",
     "{$HOME}", "{0}", "{traits!r}", "{traits:>10}", "{}"],
)  # fmt: skip
def test_templates_read_the_event_and_nothing_else(template):
    found = compiled(change(BASE, f"{{out: {{template: '{template}'}}}}")).diagnostics
    assert len(found) == 1
    assert found[0].code in ("M203", "M204", "M210")


def test_members_with_the_names_of_python_are_only_members():
    assert evaluate('{template: "{traits.__class__}"}', {"traits": {}}).value == ABSENT
    assert evaluate("traits.__class__", {"traits": {}}).value == ABSENT
    assert evaluate("traits.items", {"traits": {}}).value == ABSENT


def test_a_template_does_not_fill_in_what_it_filled_in():
    text = '{template: "{traits.a} {{traits.b}}"}'
    body = {"traits": {"a": "{traits.b}", "b": "secret"}}
    assert evaluate(text, body).value == "{traits.b} {traits.b}"


def test_the_secret_is_read_where_it_is_needed_and_stays_there(monkeypatch):
    monkeypatch.setenv("EXAMPLE_SECRET", "keep-me-quiet")
    text = change(BASE, "{out: {pick: userId, hmac: env:EXAMPLE_SECRET}}")
    plan = compiled(text).plan
    assert plan is not None
    assert "keep-me-quiet" not in repr(plan)
    assert plan.secrets == ("env:EXAMPLE_SECRET",)
    monkeypatch.delenv("EXAMPLE_SECRET")
    found = evaluate("{pick: userId, hmac: env:EXAMPLE_SECRET}", {"userId": "u"})
    assert (found.value, found.warnings) == (ABSENT, ["secret_missing"])
