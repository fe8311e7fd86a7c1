"""The parts of a mapping file: which keys each may have, and what they mean."""

from __future__ import annotations

from pipeline.mapping.spec import TEXT, Arg, Table, Word

_REASONS = "`penstock` counts events by reason; the reasons are a fixed list."

MAPPING = Table(
    "a mapping",
    "One YAML file: how events become operations of one destination.",
    {
        "version": Word(Arg("version"), "The version of the language: 1.", ("version: 1",)),
        "name": Word(
            TEXT, "A name for reports; the destination's by default.", ("name: intercom",)
        ),
        "about": Word(TEXT, "A note for people.", ("about: Our web shop.",)),
        "destination": Word(
            Arg("destination"),
            "The destination whose operations the rules use.",
            ("destination: intercom",),
        ),
        "settings": Word(
            Arg("settings"),
            "Choices with a default, read with `{setting: name}` and overridden with `--set`.",
            ("settings: {limit: {default: 5, about: Keys to keep.}}",),
        ),
        "let": Word(
            Arg("lets"),
            "Named values, read as `$name`. Each is computed at most once for an event, when it is "
            "first needed; what it loses is counted once.",
            ("let: {plan: {pick: traits.plan, lower: true}}",),
        ),
        "blocks": Word(
            Arg("blocks"),
            "Named groups of fields, for `include`.",
            ("blocks: {who: {name: traits.name, email: traits.email}}",),
        ),
        "person": Word(
            Arg("person"),
            "Whom an event is about, unless a rule says otherwise.",
            ("person: {user_id: {pick: userId, to: id}}",),
        ),
        "skip": Word(
            Arg("skips"),
            "Reason -> condition: an event for which one holds is skipped. " + _REASONS,
            ("skip: {filtered: {pick: context.ip, starts_with: '10.'}}",),
        ),
        "require": Word(
            Arg("requirements"),
            "Reason -> condition: an event that a rule wants and for which one does not hold "
            "becomes a dead letter. Asked before the rule's own `require`. " + _REASONS,
            ("require: {missing_identity: {pick: userId, exists: true}}",),
        ),
        "rules": Word(
            Arg("rules"),
            "The rules, in order: the first whose `when` holds decides. An event that none wants "
            "is skipped as `not_mapped`.",
            ("rules: [{name: all, when: {type: page}, skip: filtered}]",),
        ),
        "tests": Word(
            Arg("anything"),
            "Tests of the mapping, run by `penstock test`.",
            ("tests: [{name: nobody, event: {type: identify}, expect: {dead: missing_identity}}]",),
        ),
    },
    needed=("version", "destination", "rules"),
)

SETTING = Table(
    "a setting",
    "A choice with a default. A bare value is short for `{default: value}`.",
    {
        "default": Word(
            Arg("anything"), "Its value unless `--set` gives another.", ("{default: 5}",)
        ),
        "one_of": Word(
            Arg("literals"), "The values it may have.", ("{default: a, one_of: [a, b]}",)
        ),
        "about": Word(TEXT, "What it changes.", ("{default: 5, about: Keys to keep.}",)),
    },
    needed=("default",),
)

PERSON = Table(
    "`person`",
    "Where the person's ids come from. A value that is no text counts as absent.",
    {
        "user_id": Word(Arg("value"), "Your own id of the person.", ("{user_id: userId}",)),
        "email": Word(Arg("value"), "The e-mail address.", ("{email: traits.email}",)),
        "anonymous_id": Word(
            Arg("value"), "The id of a visitor nobody knows yet.", ("{anonymous_id: anonymousId}",)
        ),
    },
)

RULE = Table(
    "a rule",
    "What becomes of the events that `when` describes.",
    {
        "name": Word(TEXT, "For reports and traces; no two rules share one.", ("name: identify",)),
        "about": Word(TEXT, "A note for people.", ("about: Only paying customers.",)),
        "when": Word(Arg("condition"), "Which events it is for.", ("when: {type: track}",)),
        "person": Word(
            Arg("person"),
            "Replaces parts of the mapping's own `person`; null takes one away.",
            ("person: {email: context.traits.email}",),
        ),
        "require": Word(
            Arg("requirements"),
            "Reason -> condition, asked in order, after those of the whole mapping.",
            ("require: {mapping_error: {pick: groupId, exists: true}}",),
        ),
        "skip": Word(Arg("skip_reason"), "Skips the event for this reason.", ("skip: filtered",)),
        "do": Word(
            Arg("operations"),
            "The operations to make, in this order. If none comes of it, the event is skipped as "
            "`not_mapped`.",
            ("do: [{operation: delete_contact}]",),
        ),
    },
    needed=("name", "when"),
)

OPERATION = Table(
    "an operation",
    "One thing wanted of the destination.",
    {
        "operation": Word(
            Arg("operation"),
            "One of the destination's operations.",
            ("operation: upsert_contact",),
        ),
        "about": Word(TEXT, "A note for people.", ("about: The company first.",)),
        "when": Word(
            Arg("condition"),
            "It is made only if this holds (for the item).",
            ("when: {pick: item.remove, equals: true}",),
        ),
        "for_each": Word(
            Arg("value"),
            "Makes it once for each element of a list, which is `item` in its fields; anything "
            "but a list is one element, and what is absent is none.",
            ("for_each: traits.companies",),
        ),
        "needs": Word(
            Arg("names"), "Fields without which it is not made.", ("needs: [company_id]",)
        ),
        "fields": Word(
            Arg("fields"),
            "Field -> value; absent values are left out. `include` puts in the fields of a block, "
            "or of several; what is written here wins.",
            ("fields: {include: who, role: {const: user}}",),
        ),
    },
    needed=("operation",),
)

TABLES = (MAPPING, SETTING, PERSON, RULE, OPERATION)
"""Every part of a mapping that has keys of its own."""
