"""The steps of the language: what may be done to a value."""

from __future__ import annotations

from pipeline.mapping.spec import FLAG, TEXT, TYPES, Arg, Word, record

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
"""Type name -> what it means, as `only`, `must_be` and `is` take them."""

STEPS: dict[str, Word] = {
    "only": Word(
        TYPES,
        "Keeps the value if it is of the type, else it is absent, silently.",
        ("{pick: traits.x, only: text}", {"traits": {"x": 1}}, None),
    ),
    "must_be": Word(
        TYPES,
        "Like `only`, but a value of another type counts a warning.",
        ("{pick: traits.x, must_be: email}", {"traits": {"x": "a@b.co"}}, "a@b.co"),
        tuple(f"not_{name}" for name in VALUE_TYPES),
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
        Arg("pairs"),
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
        record(
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
        record(
            ("secret",),
            "secret",
            secret=Arg("secret", about="a reference such as env:NAME, never the secret itself"),
        ),
        "Lower-case hex HMAC-SHA256 of a text with a secret from the environment.",
        (
            "{pick: userId, hmac: env:EXAMPLE_SECRET}",
            {"userId": "user-1"},
            "1d16fd7e96e8a9681f283b8a251822ffdc71e2a5bda0c5267a044874fa21b82b",
        ),
        ("secret_missing",),
    ),
    "nested": Word(
        record(
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
        record(
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
        record(
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
        record(("most",), "most", most=Arg("integer"), first=Arg("names"), priority=Arg("names")),
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
