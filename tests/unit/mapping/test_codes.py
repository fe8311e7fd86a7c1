"""Each diagnostic: what it says, where it points, and the way out it offers."""

from __future__ import annotations

import pytest

from pipeline.mapping.codes import CODES
from tests.unit.mapping.conftest import VOCABULARY, compiled

GOOD = """\
version: 1
destination: demo
settings:
  limit: {default: 5, about: how many}
  mode: {default: a, one_of: [a, b]}
let:
  who: {pick: userId, to: id}
blocks:
  base: {out: traits.name}
person: {user_id: $who}
skip:
  filtered: {pick: traits.robot, equals: true}
rules:
- name: first
  when: {type: track}
  require:
    missing_identity: {pick: $who, exists: true}
  do:
  - operation: send
    fields: {include: base}
- name: second
  when: {type: identify}
  do:
  - operation: need
    for_each: traits.list
    needs: [id]
    fields: {id: item.id}
"""


def change(old, new):
    assert GOOD.count(old) == 1, old
    return GOOD.replace(old, new)


def test_the_good_mapping_is_good():
    result = compiled(GOOD)
    assert result.diagnostics == ()
    assert result.plan is not None


BASE = "{out: traits.name}"
CASES = {
    "M001": (change("[id]", "[id"), "27:11", "did not find expected", ""),
    "M002": (change("person:", "version: 1\nperson:"), "10:1", "key 'version'", "line 1"),
    "M003": (change("equals: true", "equals: yes"), "12:42", "yes without quotes", "true / false"),
    "M004": (change("default: 5", "default: 0123"), "4:20", "0123 is a different", '"0123"'),
    "M005": (change("equals: true", "equals: 2024-01-02"), "12:42", "2024-01-02 without", '"2024'),
    "M006": (change("[id]", "&x [id]"), "26:12", "anchors (&x)", "`blocks:`"),
    "M007": ("[" * 101 + "]" * 101, "1:101", "deeper than 100 levels", ""),
    "M008": (GOOD + "---\na: 1\n", "28:1", "second document", ""),
    "M101": (change("{id: item.id}", "[id]"), "27:13", "expected fields and values, found a list",
             ""),
    "M102": (change("needs:", "need:"), "26:5", "unknown key 'need' in an operation", "'needs'"),
    "M103": (change("  when: {type: track}\n", ""), "14:3", "missing key 'when'", ""),
    "M104": (change("type: track", "type: trak"), "15:16", "'trak' is not one of identify, track",
             "'track'"),
    "M105": (change("version: 1", "version: 2"), "1:10", "expected version 1, found 2", ""),
    "M201": (change(BASE, "{out: {trim: true}}"), "9:15", "exactly one source, found none", "pick"),
    "M202": (change("traits.list", "traits list"), "25:15", "'traits list'", "in quotes"),
    "M203": (change("traits.list", "trait.list"), "25:15", "no member 'trait'", "'traits'"),
    "M204": (change("{user_id: $who}", "{user_id: $whom}"), "10:19", "variable $whom", "'$who'"),
    "M205": (change("pick: userId", "pick: $who"), "7:3", "$who -> $who", ""),
    "M206": (change(BASE, "{out: item.name}"), "9:15", "`item` exists only where", ""),
    "M207": (change("robot, equals: true", "robot, equal: true"), "12:34", "'equal' is none",
             "'equals'"),
    "M208": (change("robot, equals: true", r"robot, matches: '(a)\1'"), "12:43", "linear time",
             "back-references"),
    "M209": (change("include: base", "include: bass"), "20:23", "unknown block 'bass'", "'base'"),
    "M210": (change(BASE, "{out: {template: 'a {b c}'}}"), "9:26", "{b c} is no path",
             "nothing else"),
    "M211": (change(BASE, "{out: {pick: userId, hmac: hunter2}}"), "9:36", "named, never written",
             "env:INTERCOM_IDENTITY_SECRET"),
    "M301": (change(BASE, "{out: {setting: limt}}"), "9:25", "unknown setting 'limt'", "'limit'"),
    "M302": (change("default: a", "default: c"), "5:19", "'c' is not one of 'a', 'b'", ""),
    "M401": (change("operation: send", "operation: sent"), "19:16", "no operation 'sent'",
             "'send'"),
    "M402": (change("{id: item.id}", "{id: item.id, nam: item.n}"), "27:27",
             "need has no field 'nam'", "'name'"),
    "M403": (change("{id: item.id}", "{name: item.id}").replace("needs: [id]", "needs: []"),
             "24:5", "need needs the field 'id'", ""),
    "M404": (change("missing_identity", "missing_identy"), "17:5", "reason 'missing_identy'",
             "'missing_identity'"),
    "M405": (change("{type: identify}", "{type: track}"), "21:3", "'first' takes all", ""),
    "M406": (change("name: second", "name: first"), "21:9", "second rule called 'first'", ""),
}  # fmt: skip


@pytest.mark.parametrize("code", CASES)
def test_diagnostic(code):
    text, place, message, help_ = CASES[code]
    (found,) = compiled(text).diagnostics
    assert found.code == code
    assert f"{found.span.line}:{found.span.column}" == place
    assert message in found.message
    assert help_ in found.help
    assert found.span.file == "m.yaml"


def test_every_code_has_a_test():
    assert {code for code in CODES if code.startswith("M")} == CASES.keys()


def test_a_warning_leaves_the_mapping_usable():
    result = compiled(CASES["M405"][0])
    assert result.plan is not None
    assert [item.severity for item in result.diagnostics] == ["warning"]


def test_a_secret_is_not_repeated_in_the_message():
    (found,) = compiled(CASES["M211"][0]).diagnostics
    assert "hunter2" not in found.message + found.help


@pytest.mark.parametrize(
    ("name", "text", "message", "help_"),
    [
        ("limt", "5", "unknown setting 'limt'", "'limit'"),
        ("limit", "many", "expected a number", ""),
        ("mode", "c", "is not one of 'a', 'b'", ""),
    ],
)
def test_overrides_are_checked(name, text, message, help_):
    (found,) = compiled(GOOD, **{name: text}).diagnostics
    assert found.code == ("M301" if name == "limt" else "M302")
    assert found.span.file == f"--set {name}={text}"
    assert message in found.message
    assert help_ in found.help


def test_the_top_must_be_a_mapping_with_its_keys():
    (found,) = compiled("- a\n").diagnostics
    assert (found.code, found.message) == ("M101", "a mapping file is a mapping, found a list")
    found = compiled("name: x\n").diagnostics
    assert [item.message for item in found] == [
        "missing key 'version'", "missing key 'destination'", "missing key 'rules'",
    ]  # fmt: skip


@pytest.mark.parametrize("version", ["true", "'1'", "1.0", "[1]"])
def test_the_version_is_the_number_one(version):
    (found,) = compiled(change("version: 1", f"version: {version}")).diagnostics
    assert found.code == "M105"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (BASE, "{out: {pick: traits.a, first: [traits.b]}}", "M201"),
        (BASE, "{out: 5}", "M101"),
        (BASE, "{out: [a]}", "M101"),
        (BASE, "{out: {pik: traits.a}}", "M102"),
        (BASE, "{out: {pick: traits.a, with: b}}", "M102"),
        (BASE, "{out: {pick: traits.a, trim: 1}}", "M101"),
        (BASE, "{out: {pick: traits.a, cut: -1}}", "M101"),
        (BASE, "{out: {pick: traits.a, cut: 1.5}}", "M101"),
        (BASE, "{out: {pick: traits.a, to: dollars}}", "M104"),
        (BASE, "{out: {pick: traits.a, only: string}}", "M104"),
        (BASE, "{out: {pick: traits.a, exists: true}}", "M207"),
        (BASE, "{out: {pick: traits.a, nested: {separator: _}}}", "M103"),
        (BASE, "{out: {pick: traits.a, nested: {policy: drop, keys: {a: flaten}}}}", "M104"),
        (BASE, "{out: {pick: traits.a, map: [a]}}", "M101"),
        (BASE, "{out: {join: traits.a}}", "M101"),
        (BASE, "{out: {object: [a]}}", "M101"),
        (BASE, "{out: {rest: traits, except: [{when: {type: track}}]}}", "M103"),
        (BASE, "{out: {template: '{'}}", "M210"),
        (BASE, "{out: {template: '{nam}'}}", "M203"),
        (BASE, "{out: traits.*.}", "M202"),
        (BASE, "{out: {const: 1, when: {type: track, event: x}}}", "M207"),
        (BASE, "{out: {const: 1, when: [a]}}", "M207"),
        (BASE, "{out: {pick: traits.a, above: high}}", "M101"),
        (BASE, "{include: base}", "M209"),
        ("{pick: $who, exists: true}", "{$who: 1}", "M207"),
        ("person: {user_id: $who}", "person: $who", "M101"),
        ("person: {user_id: $who}", "person: {userid: $who}", "M102"),
        ("needs: [id]", "needs: [idd]", "M402"),
        ("destination: demo", "destination: dema", "M104"),
        ("{default: 5, about: how many}", "{defalt: 5, about: how many, default: 5}", "M102"),
        ("{default: 5, about: how many}", "{about: how many}", "M103"),
        ("one_of: [a, b]", "one_of: a", "M101"),
        ("rules:", "rulez: []\nrules:", "M102"),
        ("  do:\n  - operation: need", "  dont:\n  - operation: need", "M103+M102"),
    ],
)
def test_other_mistakes(old, new, code):
    found = compiled(change(old, new)).diagnostics
    assert "+".join(item.code for item in found if item.code != "M301") == code


def test_the_vocabulary_is_the_one_of_the_destination():
    assert VOCABULARY.keys() == {"demo"}
    (found,) = compiled(change("destination: demo", "destination: dema")).diagnostics
    assert found.help == "did you mean 'demo'?"
