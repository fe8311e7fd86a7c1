"""The specification of the mapping language, as data: the one place where its words are listed.

The compiler, the linter, the editors' JSON Schema and the reference page are all made from these
tables; what a step or a test does is in ``functions``.
"""

from __future__ import annotations

from pipeline.mapping.parts import MAPPING, OPERATION, PERSON, RULE, SETTING, TABLES
from pipeline.mapping.spec import FLAG, NUMBER, TEXT, TYPES, Arg, Word, record
from pipeline.mapping.steps import STEPS, VALUE_TYPES

__all__ = [
    "BUILT_IN_VARIABLES",
    "CONDITIONS",
    "ENVELOPE",
    "MAPPING",
    "MODIFIERS",
    "OPERATION",
    "PERSON",
    "RULE",
    "SETTING",
    "SOURCES",
    "STEPS",
    "TABLES",
    "TESTS",
    "VALUE_TYPES",
    "WARNINGS",
]

ENVELOPE = frozenset(
    [
        "type",
        "userId",
        "anonymousId",
        "messageId",
        "timestamp",
        "originalTimestamp",
        "sentAt",
        "receivedAt",
        "event",
        "name",
        "category",
        "groupId",
        "previousId",
        "traits",
        "properties",
        "context",
        "integrations",
        "channel",
        "version",
        "projectId",
        "writeKey",
        "metadata",
        "options",
    ]
)
"""The members an event may have at its top, after the public Segment specification."""

BUILT_IN_VARIABLES = {"time": "the event's time in unix seconds, floored"}

# --- values ----------------------------------------------------------------------------------

SOURCES: dict[str, Word] = {
    "pick": Word(
        Arg("path"),
        "The value at a path. A plain text stands for `{pick: that text}`.",
        ("{pick: traits.plan}", {"traits": {"plan": "pro"}}, "pro"),
    ),
    "first": Word(
        Arg("values"),
        "The first of several values that is there. An explicit null is there; a value that a "
        "step or test has lost is not.",
        ("{first: [traits.nick, traits.name]}", {"traits": {"name": "Ada"}}, "Ada"),
    ),
    "join": Word(
        Arg("values"),
        "Texts joined by `with`; numbers and booleans as text; a list among them gives its "
        "elements. Absent, null and empty ones are skipped.",
        ('{join: [traits.a, traits.b], with: " "}', {"traits": {"a": "Ada"}}, "Ada"),
        modifiers={"with": Arg("text", about="what stands between, a space by default")},
    ),
    "const": Word(
        Arg("literal"),
        "A value written here: a text, number, boolean, null, list or object.",
        ("{const: user}", {}, "user"),
    ),
    "setting": Word(
        Arg("setting"),
        "The value of a setting, known when the mapping is compiled. `{setting: name}` may also "
        "stand for any plain argument of a step or test.",
        ("{setting: limit}", {}, 5),
    ),
    "object": Word(
        Arg("members"),
        "An object. Absent members are left out; with `needs` it is absent itself without them.",
        ("{object: {n: traits.n, m: traits.m}}", {"traits": {"n": 1}}, {"n": 1}),
        modifiers={"needs": Arg("names", about="members without which there is no object")},
    ),
    "merge": Word(
        Arg("values"),
        "Several objects as one: of equal keys the later value wins, at the earlier place. What is "
        "no object is passed over.",
        ("{merge: [traits.a, traits.b]}", {"traits": {"a": {"x": 1}, "b": {"x": 2}}}, {"x": 2}),
    ),
    "list": Word(
        Arg("values"),
        "A list of those values that are there.",
        ("{list: [traits.a, traits.b]}", {"traits": {"b": 2}}, [2]),
    ),
    "rest": Word(
        Arg("path"),
        "The members of an object that the rule does not read elsewhere, in their order. Decided "
        "when the mapping is compiled: every key that a field or the person of the rule can read "
        "is left out, whether or not it was used; what only conditions read stays. Of `item` count "
        "the operations that go through the same list.",
        ("{rest: traits, except: [b]}", {"traits": {"a": 1, "b": 2}}, {"a": 1}),
        modifiers={
            "except": Arg(
                "rest_keys",
                about="members to leave out; `{key: name, when: condition}` leaves one out "
                "under a condition",
            ),
            "keep": Arg("names", about="members that stay although the rule reads them"),
        },
    ),
    "template": Word(
        Arg("template"),
        "A text with {paths} and {$variables} filled in; absent if one of them is absent, null, a "
        "list or an object. {{ and }} are braces.",
        ('{template: "Viewed {name} Page"}', {"name": "Docs"}, "Viewed Docs Page"),
    ),
}
"""What a value starts from: exactly one of these."""

MODIFIERS: dict[str, Word] = {
    "when": Word(
        Arg("condition"),
        "The value is there only if the condition holds.",
        ("{const: 1, when: {pick: traits.x, exists: true}}", {"traits": {}}, None),
    ),
    "required": Word(
        FLAG,
        "Without this value the event is refused (`mapping_error`), not just the field.",
        ("{pick: traits.x, required: true}", {"traits": {"x": 1}}, 1),
    ),
    "nullable": Word(
        FLAG,
        "An explicit null passes all steps unchanged, and clears the field at the API.",
        ("{pick: traits.x, to: integer, nullable: true}", {"traits": {"x": None}}, "null"),
    ),
}
"""What may stand beside any source."""

# --- conditions ------------------------------------------------------------------------------

TESTS: dict[str, Word] = {
    "exists": Word(
        Arg("boolean"),
        "The value is there; an explicit null is there.",
        ("{pick: traits.x, exists: true}", {"traits": {"x": None}}, True),
    ),
    "equals": Word(
        Arg("literal"),
        'The value is exactly this. true is not 1, "1" is not 1.',
        ("{pick: traits.x, equals: 1}", {"traits": {"x": "1"}}, False),
    ),
    "not_equals": Word(
        Arg("literal"),
        "The value is something else, or absent.",
        ("{pick: traits.x, not_equals: 1}", {"traits": {}}, True),
    ),
    "in": Word(
        Arg("literals"),
        "The value is one of these.",
        ("{pick: traits.x, in: [a, b]}", {"traits": {"x": "b"}}, True),
    ),
    "not_in": Word(
        Arg("literals"),
        "The value is none of these, or absent.",
        ("{pick: traits.x, not_in: [a, b]}", {"traits": {"x": "b"}}, False),
    ),
    "above": Word(
        NUMBER,
        "A number above this.",
        ("{pick: traits.x, above: 0}", {"traits": {"x": 0}}, False),
        ("out_of_range",),
    ),
    "below": Word(
        NUMBER,
        "A number below this.",
        ("{pick: traits.x, below: 0.5}", {"traits": {"x": 0}}, True),
        ("out_of_range",),
    ),
    "at_least": Word(
        NUMBER,
        "A number of at least this.",
        ("{pick: traits.x, at_least: 0}", {"traits": {"x": 0}}, True),
        ("out_of_range",),
    ),
    "at_most": Word(
        NUMBER,
        "A number of at most this.",
        ("{pick: traits.x, at_most: 9}", {"traits": {"x": "8"}}, False),
        ("out_of_range",),
    ),
    "matches": Word(
        Arg("pattern"),
        "A text in which the pattern is found. Takes linear time, whatever the pattern.",
        ("{pick: traits.x, matches: '^a+$'}", {"traits": {"x": "aaa"}}, True),
    ),
    "starts_with": Word(
        TEXT,
        "A text that starts so.",
        ("{pick: traits.x, starts_with: ab}", {"traits": {"x": "abc"}}, True),
    ),
    "ends_with": Word(
        TEXT,
        "A text that ends so.",
        ("{pick: traits.x, ends_with: bc}", {"traits": {"x": "abc"}}, True),
    ),
    "contains": Word(
        Arg("literal"),
        "A text with this in it, or a list with this among it.",
        ("{pick: traits.x, contains: b}", {"traits": {"x": ["a", "b"]}}, True),
    ),
    "is": Word(
        TYPES,
        "The value is of this type, or of one of these.",
        ("{pick: traits.x, is: [text, number]}", {"traits": {"x": True}}, False),
    ),
    "has_keys": Word(
        Arg("names"),
        "An object that has all of these members.",
        ("{pick: traits, has_keys: [a, b]}", {"traits": {"A": 1, "b": None}}, True),
    ),
    "all_in": Word(
        Arg("literals"),
        "A list of which every element is one of these; an empty list as well.",
        ("{pick: traits.x, all_in: [true]}", {"traits": {"x": [True, 1]}}, False),
    ),
    "signed_with": Word(
        record(
            ("hash", "secret"),
            hash=Arg("value", about="the signature that is claimed, lower-case hex"),
            secret=Arg("secret", about="a reference such as env:NAME, never the secret itself"),
        ),
        "A text whose HMAC-SHA256 under a secret is `hash`, compared in constant time; without "
        "the secret nothing is.",
        (
            "{pick: userId, signed_with: {hash: traits.x, secret: env:EXAMPLE_SECRET}}",
            {
                "userId": "user-1",
                "traits": {"x": "1d16fd7e96e8a9681f283b8a251822ffdc71e2a5bda0c5267a044874fa21b82b"},
            },
            True,
        ),
    ),
}
"""What may be asked of a value: all tests of a condition must hold.

Behind a value that is not a condition a test keeps the value only if it holds."""

CONDITIONS: dict[str, Word] = {
    "all": Word(
        Arg("conditions"),
        "Every condition holds.",
        ("{all: [{type: track}, {event: Signed Up}]}", {"type": "track", "event": "x"}, False),
    ),
    "any": Word(
        Arg("conditions"),
        "At least one condition holds.",
        ("{any: [{type: track}, {event: Signed Up}]}", {"type": "track", "event": "x"}, True),
    ),
    "not": Word(
        Arg("condition"),
        "The condition does not hold.",
        ("{not: {type: track}}", {"type": "identify"}, True),
    ),
    "type": Word(
        Arg("event_types"),
        "The event's type: identify, track, group, page, screen, alias, delete.",
        ("{type: [identify, group]}", {"type": "group"}, True),
    ),
    "event": Word(
        Arg("names"),
        "A track with one of these names, compared exactly.",
        ("{event: [Signed Up]}", {"type": "track", "event": "signed up"}, False),
    ),
    "integration": Word(
        TEXT,
        "The event's `integrations` do not turn this name off (All, case; rule S1).",
        ("{integration: Intercom}", {"integrations": {"All": False, "Intercom": True}}, True),
    ),
}
"""Conditions that are not questions about one value."""

WARNINGS: dict[str, str] = {
    "timestamp_missing": "The event says no time that can be read; the time of the run stands in.",
    **{f"not_{name}": f"A value is not {what}." for name, what in VALUE_TYPES.items()},
    "not_a_time": "A value cannot be read as a point in time.",
    "not_money": "A value cannot be read as an amount of money.",
    "not_an_integer": "A value cannot be read as a whole number.",
    "not_a_number": "A value cannot be read as a number.",
    "not_a_boolean": "A value cannot be read as true or false.",
    "not_a_text": "A list or object where a text was expected.",
    "not_an_id": "A value cannot be an id: an id is a text or a whole number.",
    "not_in_map": "A value has no entry in a `map_only` table.",
    "unknown_currency": "A currency is no ISO 4217 code; two decimals were assumed.",
    "out_of_range": "A number is outside of what a comparison allows.",
    "secret_missing": "The environment variable of a secret is not set.",
    "text_cut": "A text was longer than allowed and was cut.",
    "nested_dropped": "A list or object was left out.",
    "key_cleaned": "A key was changed, or left out, to be legal.",
    "key_taken": "Two keys became the same; one of the two values was left out.",
    "keys_over_limit": "A key was left out because there were too many.",
}
"""Kinds of warnings that are counted, with their meaning. None of them ever loses an event."""
