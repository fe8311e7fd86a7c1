"""Compiled mappings: the fingerprint, copies, and what they carry."""

from __future__ import annotations

import pickle

import pytest

from pipeline.mapping.interpreter import Interpreter
from pipeline.mapping.plan import rewrite, walk
from pipeline.run.mappings import DEFAULT_MAPPING, compile_mapping_file
from tests.unit.mapping.conftest import compiled, event_of
from tests.unit.mapping.test_codes import GOOD


def plan_of(text, **overrides):
    plan = compiled(text, **overrides).plan
    assert plan is not None
    return plan


def test_comments_and_layout_do_not_change_the_fingerprint():
    other = "# a note\n" + GOOD.replace(
        "{pick: userId, to: id}", "\n    pick: userId # x\n    to: id"
    )
    assert plan_of(other).fingerprint == plan_of(GOOD).fingerprint
    quoted = GOOD.replace("type: track", "'type': \"track\"")
    assert plan_of(quoted).fingerprint == plan_of(GOOD).fingerprint


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("default: 5", "default: 6"),
        ("to: id", "to: text"),
        ("pick: userId", "pick: anonymousId"),
        ("type: track", "type: page"),
        ("name: first", "name: other"),
        ("equals: true", "equals: 1"),
        ("item.id", 'item."id"'),
        ("needs: [id]", "needs: []"),
        ("{out: traits.name}", "{out: {pick: traits.name, replace: {b: a, a: b}}}"),
    ],
)
def test_a_change_of_meaning_changes_the_fingerprint(old, new):
    assert plan_of(GOOD.replace(old, new)).fingerprint != plan_of(GOOD).fingerprint


def test_the_order_of_replacements_is_meaning():
    one = GOOD.replace("traits.name", "{pick: traits.name, replace: {a: b, b: c}}")
    other = GOOD.replace("traits.name", "{pick: traits.name, replace: {b: c, a: b}}")
    assert plan_of(one).fingerprint != plan_of(other).fingerprint


def test_a_setting_changes_the_fingerprint():
    assert plan_of(GOOD, limit="6").fingerprint != plan_of(GOOD).fingerprint
    assert plan_of(GOOD, limit="5").fingerprint == plan_of(GOOD).fingerprint


def test_the_fingerprint_is_the_same_in_every_process():
    assert plan_of("version: 1\ndestination: demo\nrules: []\n").fingerprint == "bb7656fcde7f91db"


def test_a_plan_pickles():
    plan = compile_mapping_file(DEFAULT_MAPPING, {}).plan
    copy = pickle.loads(pickle.dumps(plan))
    assert copy == plan
    assert copy.fingerprint == plan.fingerprint
    event = event_of({"userId": "u1", "traits": {"company": "Acme"}})
    assert Interpreter(copy).map(event) == Interpreter(plan).map(event)


def test_settings_in_force():
    plan = plan_of(GOOD, mode="b")
    assert plan.setting("mode") == "b"
    assert plan.setting("limit") == 5
    with pytest.raises(KeyError):
        plan.setting("nothing")


def test_a_rewrite_that_changes_nothing_is_the_same_plan():
    plan = compile_mapping_file(DEFAULT_MAPPING, {}).plan
    assert rewrite(plan.rules, lambda node: node) == plan.rules
    assert sum(1 for _ in walk(plan.rules)) > 500


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("word", "plain", "plain"),
        ("word", "off", "off"),
        ("number", "7", 7),
        ("flag", "true", True),
        ("names", "a, b", ["a", "b"]),
        ("names", "[a, b]", ["a", "b"]),
        ("names", "[]", []),
        ("table", "{a: b}", {"a": "b"}),
    ],
)
def test_overrides_as_they_are_typed(name, text, value):
    settings = "settings: {word: a, number: 1, flag: false, names: [], table: {default: {}}}\n"
    plan = plan_of(f"version: 1\ndestination: demo\n{settings}rules: []\n", **{name: text})
    assert plan.setting(name) == value
