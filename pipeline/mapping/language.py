"""The specification of the mapping language, as data.

The compiler, the linter, the editors' JSON Schema and the reference page are all made from these
tables; what a step does is in ``functions``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

VALUE_TYPES = {
    "text": "a JSON string",
    "number": "an integer or a decimal number, not a boolean",
    "integer": "a number without a fraction",
    "boolean": "true or false",
    "scalar": "a text, number, boolean or null",
    "object": "a JSON object",
    "list": "a JSON array",
    "email": "a text that looks like an e-mail address",
    "url": "a text that is an http or https address",
}

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


@dataclass(frozen=True, slots=True)
class Arg:
    """What may stand behind a key.

    ``kind`` is one of: value, values, members (a mapping of values), condition, path, text, name,
    names, integer, boolean, flag (only true), number, literal, literals, table (a mapping of
    literals), types, choice, choices, pattern, secret, template, setting, rest_keys, record.
    A ``record`` has ``members``; with ``shorthand`` a bare value stands for that member.
    """

    kind: str
    choices: tuple[str, ...] = ()
    members: Mapping[str, Arg] = field(default_factory=dict)
    needed: frozenset[str] = frozenset()
    shorthand: str | None = None
    about: str = ""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the language: its argument, what it promises, an example.

    Attributes:
        warnings: Kinds of warnings it may count when it loses a value.
        modifiers: Keys that may stand beside a source, with their arguments.
        example: (the YAML, the input, the output) run as a test.
    """

    arg: Arg
    about: str
    example: tuple[str, Any, Any] | None = None
    warnings: tuple[str, ...] = ()
    modifiers: Mapping[str, Arg] = field(default_factory=dict)


def _record(needed: tuple[str, ...] = (), shorthand: str | None = None, **members: Arg) -> Arg:
    return Arg("record", members=members, needed=frozenset(needed), shorthand=shorthand)


_TYPES = Arg("types", about="one type, or a list of types")
FLAG = Arg("flag")
TEXT = Arg("text")
NUMBER = Arg("number")

SOURCES: dict[str, Word] = {
    "pick": Word(
        Arg("path"),
        "The value at a path. A plain text stands for `{pick: that text}`.",
        ("{pick: traits.plan}", {"traits": {"plan": "pro"}}, "pro"),
    ),
    "first": Word(
        Arg("values"),
        "The first of several values that is there. A value that a step loses does not count.",
        ("{first: [traits.nick, traits.name]}", {"traits": {"name": "Ada"}}, "Ada"),
    ),
    "join": Word(
        Arg("values"),
        "Texts joined by `with`; absent, null and empty ones are skipped.",
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
        "The value of a setting, known when the mapping is compiled.",
    ),
    "object": Word(
        Arg("members"),
        "An object. Absent members are left out; with `needs` it is absent itself without them.",
        ("{object: {n: traits.n, m: traits.m}}", {"traits": {"n": 1}}, {"n": 1}),
        modifiers={"needs": Arg("names", about="members without which there is no object")},
    ),
    "merge": Word(
        Arg("values"),
        "Several objects as one: of equal keys the later value wins, at the earlier place.",
        ("{merge: [traits.a, traits.b]}", {"traits": {"a": {"x": 1}, "b": {"x": 2}}}, {"x": 2}),
    ),
    "list": Word(
        Arg("values"),
        "A list of those values that are there.",
        ("{list: [traits.a, traits.b]}", {"traits": {"b": 2}}, [2]),
    ),
    "rest": Word(
        Arg("path"),
        "The members of an object that the rule does not read elsewhere, in their order.",
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
        "A text with {paths} and {$variables} filled in; absent if one of them is.",
        ('{template: "Viewed {name} Page"}', {"name": "Docs"}, "Viewed Docs Page"),
    ),
}
"""What a value starts from: exactly one of these."""

MODIFIERS: dict[str, Word] = {
    "when": Word(Arg("condition"), "The value is there only if the condition holds."),
    "required": Word(
        FLAG, "Without this value the event is refused (`mapping_error`), not just the field."
    ),
    "nullable": Word(
        FLAG, "An explicit null passes all steps unchanged, and clears the field at the API."
    ),
}
"""What may stand beside any source."""

STEPS: dict[str, Word] = {
    "only": Word(
        _TYPES,
        "Keeps the value if it is of the type, else it is absent, silently.",
        ("{pick: traits.x, only: text}", {"traits": {"x": 1}}, None),
    ),
    "must_be": Word(
        _TYPES,
        "Like `only`, but a value of another type counts a warning.",
        ("{pick: traits.x, must_be: email}", {"traits": {"x": "a@b.co"}}, "a@b.co"),
        ("not_text", "not_email", "not_url", "not_boolean", "not_number"),
    ),
    "drop_empty": Word(
        FLAG,
        'Makes "", [] and {} absent.',
        ("{pick: traits.x, drop_empty: true}", {"traits": {"x": ""}}, None),
    ),
    "trim": Word(
        FLAG,
        "Removes white space at both ends of a text.",
        ("{pick: traits.x, trim: true}", {"traits": {"x": " a "}}, "a"),
    ),
    "lower": Word(
        FLAG,
        "Text in lower case.",
        ("{pick: traits.x, lower: true}", {"traits": {"x": "Ab"}}, "ab"),
    ),
    "upper": Word(
        FLAG,
        "Text in upper case.",
        ("{pick: traits.x, upper: true}", {"traits": {"x": "Ab"}}, "AB"),
    ),
    "prefix": Word(
        TEXT,
        "Puts a text in front of a text.",
        ('{pick: traits.x, prefix: "id-"}', {"traits": {"x": "7"}}, "id-7"),
    ),
    "suffix": Word(
        TEXT,
        "Puts a text behind a text.",
        ('{pick: traits.x, suffix: "!"}', {"traits": {"x": "Hi"}}, "Hi!"),
    ),
    "replace": Word(
        Arg("table"),
        "Replaces pieces of a text, one after the other.",
        ('{pick: traits.x, replace: {"-": " "}}', {"traits": {"x": "a-b"}}, "a b"),
    ),
    "split": Word(
        TEXT,
        "Cuts a text into a list at a separator.",
        ('{pick: traits.x, split: ","}', {"traits": {"x": "a,b"}}, ["a", "b"]),
    ),
    "cut": Word(
        Arg("integer"),
        "At most so many characters; in an object, of each text. Counts `text_cut`.",
        ("{pick: traits.x, cut: 2}", {"traits": {"x": "abc"}}, "ab"),
        ("text_cut",),
    ),
    "map": Word(
        Arg("table"),
        "Replaces a value by the one the table has for it; others stay.",
        ("{pick: traits.x, map: {p: Pro}}", {"traits": {"x": "p"}}, "Pro"),
    ),
    "map_only": Word(
        Arg("table"),
        "Like `map`, but a value that is not in the table is absent.",
        ("{pick: traits.x, map_only: {p: Pro}}", {"traits": {"x": "q"}}, None),
        ("not_in_map",),
    ),
    "default": Word(
        Arg("literal"),
        "Stands in for a value that is absent.",
        ("{pick: traits.x, default: 5}", {"traits": {}}, 5),
    ),
    "wrap": Word(
        FLAG,
        "Puts a value that is no list into one.",
        ("{pick: traits.x, wrap: true}", {"traits": {"x": 1}}, [1]),
    ),
    "to": Word(
        Arg(
            "choice",
            choices=(
                "unix_seconds",
                "cents",
                "integer",
                "number",
                "boolean",
                "text",
                "id",
                "json_text",
            ),
        ),
        "Converts: a time to unix seconds, money to exact cents, text to a number and so on; "
        "what cannot be read is absent and counted.",
        ("{pick: traits.x, to: cents}", {"traits": {"x": "$19.99"}}, 1999),
        (
            "not_a_time",
            "not_money",
            "not_an_integer",
            "not_a_number",
            "not_a_boolean",
            "not_a_text",
            "not_an_id",
        ),
    ),
    "money": Word(
        _record(
            ("by",),
            by=Arg(
                "choice",
                choices=("hundred", "iso4217"),
                about="times 100, or by the exponent of the currency",
            ),
            currency=Arg("value", about="the currency's code, needed for iso4217"),
        ),
        "An amount of money in the currency's minor units, exact, rounded half up.",
        (
            "{pick: traits.x, money: {by: iso4217, currency: {const: jpy}}}",
            {"traits": {"x": 500}},
            500,
        ),
        ("not_money", "unknown_currency"),
    ),
    "hash": Word(
        Arg("choice", choices=("string_hash", "md5", "sha256")),
        "string_hash is Segment's 32-bit hash (rule C2); md5 and sha256 give lower-case hex.",
        ("{pick: traits.x, hash: string_hash}", {"traits": {"x": "Acme"}}, "2087422127"),
    ),
    "hmac": Word(
        _record(
            ("secret",),
            "secret",
            secret=Arg("secret", about="a reference such as env:NAME, never the secret itself"),
        ),
        "Lower-case hex HMAC-SHA256 of a text with a secret from the environment.",
        None,
        ("secret_missing",),
    ),
    "nested": Word(
        _record(
            ("policy",),
            "policy",
            policy=Arg("choice", choices=("drop", "flatten", "stringify")),
            separator=Arg("text", about="between the names when flattening, _ by default"),
            keys=Arg(
                "table",
                choices=("drop", "flatten", "stringify"),
                about="another policy for single keys",
            ),
            keep=Arg(
                "choices",
                choices=("link", "money"),
                about="objects {url, value} and {amount, currency} stay as they are",
            ),
        ),
        "What to do with lists and objects inside an object.",
        ("{pick: traits, nested: flatten}", {"traits": {"a": {"b": 1}}}, {"a_b": 1}),
        ("nested_dropped", "key_taken"),
    ),
    "dates": Word(
        _record(
            ("suffix",),
            "suffix",
            suffix=Arg("text", about="what keys of dates end in"),
            unless=Arg("names", about="other endings of keys that stay as they are"),
        ),
        "In an object: ISO dates become unix seconds and their key gets this suffix, unless it "
        "has it; a last word that says the same (`Paid At`, `paidAt`) becomes the suffix.",
        ("{pick: traits, dates: _at}", {"traits": {"paid": "2024-01-02"}}, {"paid_at": 1704153600}),
        ("key_taken",),
    ),
    "keep_keys": Word(
        Arg("names"),
        "In an object: only these members.",
        ("{pick: traits, keep_keys: [a]}", {"traits": {"a": 1, "b": 2}}, {"a": 1}),
    ),
    "drop_nulls": Word(
        FLAG,
        "In an object or list: leaves nulls out.",
        ("{pick: traits, drop_nulls: true}", {"traits": {"a": None}}, {}),
    ),
    "booleans": Word(
        Arg("choice", choices=("text",)),
        'In an object: true and false become "true" and "false".',
        ("{pick: traits, booleans: text}", {"traits": {"a": True}}, {"a": "true"}),
    ),
    "rename_keys": Word(
        Arg("table"),
        "In an object: new names for keys.",
        ("{pick: traits, rename_keys: {a: b}}", {"traits": {"a": 1}}, {"b": 1}),
        ("key_taken",),
    ),
    "key_case": Word(
        Arg("choice", choices=("snake", "lower", "camel")),
        "In an object: keys by rule, Total Price -> total_price.",
        ("{pick: traits, key_case: snake}", {"traits": {"A B": 1}}, {"a_b": 1}),
        ("key_taken",),
    ),
    "clean_keys": Word(
        _record(
            (),
            "forbid",
            forbid=Arg("text", about="characters to replace"),
            allow=Arg("text", about="replace all but letters, digits and these characters"),
            longest=Arg("integer", about="cut longer names"),
            **{"with": Arg("text", about="what to put in their place, _ by default")},
        ),
        "In an object: makes keys that the API would refuse legal; a key of white space is left "
        "out. Counts `key_cleaned`.",
        ('{pick: traits, clean_keys: "."}', {"traits": {"a.b": 1}}, {"a_b": 1}),
        ("key_cleaned", "key_taken"),
    ),
    "limit_keys": Word(
        _record(("most",), "most", most=Arg("integer"), first=Arg("names"), priority=Arg("names")),
        "In an object: at most so many keys: those of `first`, then of `priority`, then in the "
        "order of the event. Counts `keys_over_limit`.",
        (
            "{pick: traits, limit_keys: {most: 1, priority: [b]}}",
            {"traits": {"a": 1, "b": 2}},
            {"b": 2},
        ),
        ("keys_over_limit",),
    ),
}
"""What is done to a value, in the order written."""

TESTS: dict[str, Word] = {
    "exists": Word(Arg("boolean"), "The value is there; an explicit null is there."),
    "equals": Word(Arg("literal"), 'The value is exactly this. true is not 1, "1" is not 1.'),
    "not_equals": Word(Arg("literal"), "The value is something else, or absent."),
    "in": Word(Arg("literals"), "The value is one of these."),
    "not_in": Word(Arg("literals"), "The value is none of these, or absent."),
    "above": Word(NUMBER, "A number above this.", warnings=("out_of_range",)),
    "below": Word(NUMBER, "A number below this.", warnings=("out_of_range",)),
    "at_least": Word(NUMBER, "A number of at least this.", warnings=("out_of_range",)),
    "at_most": Word(NUMBER, "A number of at most this.", warnings=("out_of_range",)),
    "matches": Word(Arg("pattern"), "A text in which the pattern is found. Linear time always."),
    "starts_with": Word(TEXT, "A text that starts so."),
    "ends_with": Word(TEXT, "A text that ends so."),
    "contains": Word(Arg("literal"), "A text with this in it, or a list with this among it."),
    "is": Word(_TYPES, "The value is of this type."),
    "has_keys": Word(Arg("names"), "An object that has all of these members."),
    "all_in": Word(
        Arg("literals"), "A list of which every element is one of these; an empty list as well."
    ),
    "signed_with": Word(
        _record(
            ("hash", "secret"),
            hash=Arg("value", about="the signature that is claimed, lower-case hex"),
            secret=Arg("secret", about="a reference such as env:NAME, never the secret itself"),
        ),
        "A text whose HMAC-SHA256 under a secret is `hash`; without the secret nothing is.",
    ),
}
"""What may be asked of a value: all tests of a condition must hold.

Behind a value that is not a condition a test keeps the value only if it holds."""

CONDITIONS: dict[str, Word] = {
    "all": Word(Arg("conditions"), "Every condition holds."),
    "any": Word(Arg("conditions"), "At least one condition holds."),
    "not": Word(Arg("condition"), "The condition does not hold."),
    "type": Word(Arg("names"), "The event's type: identify, track, group, page, screen, ..."),
    "event": Word(Arg("names"), "A track with one of these names, compared exactly."),
    "integration": Word(
        TEXT, "The event's `integrations` do not turn this name off (All, case; rule S1)."
    ),
}
"""Conditions that are not questions about one value."""
