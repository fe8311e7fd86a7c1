"""Every diagnostic code of mappings: released codes are never used again for something else."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of mistake: ``title``, why it is one, how to fix it, and a mapping that has it."""

    title: str
    rationale: str
    fix: str
    example: str = ""


CODES: dict[str, Code] = {
    "M001": Code(
        "not readable as YAML",
        "The file could not be parsed, so nothing in it can be trusted.",
        "Correct the place that is named; usually an indentation, a quote or a bracket.",
        "let:\n  name: {pick: traits.name\n",
    ),
    "M002": Code(
        "duplicate key",
        "YAML keeps the last of two equal keys and forgets the first without a word.",
        "Remove or rename one of the two.",
        "let:\n  plan: traits.plan\n  plan: traits.tier\n",
    ),
    "M003": Code(
        "a word that YAML 1.1 reads as true or false",
        "on, off, yes and no are booleans to some tools and text to others (the country NO).",
        "Write true or false, or put the word in quotes.",
        "let:\n  country: {const: NO}\n",
    ),
    "M004": Code(
        "a number that is not written as one",
        "0123 is octal to some tools, 1_000 and 12:30:00 are numbers to others.",
        "Write the plain number, or put the text in quotes.",
        "let:\n  zip: {const: 0123}\n",
    ),
    "M005": Code(
        "a bare date",
        "2024-01-02 without quotes is a date object to some tools and text to others.",
        "Put it in quotes.",
        "let:\n  since: {const: 2024-01-02}\n",
    ),
    "M006": Code(
        "anchor, alias, merge key or tag",
        "Aliases can blow a small file up to gigabytes, and they hide where a value comes from.",
        "Use `blocks:` with `include:` for fields, and `let:` for values.",
        "let:\n  one: &base {pick: traits.plan}\n  two: *base\n",
    ),
    "M007": Code(
        "file too large",
        "A mapping is read by people; more than a megabyte, or a hundred levels deep, is an "
        "accident or an attack.",
        "Split the mapping, or look for generated or pasted data in it.",
    ),
    "M008": Code(
        "empty file or several documents",
        "A mapping is exactly one YAML document.",
        "Keep one document; remove the `---` between two.",
        "version: 1\n---\nversion: 1\n",
    ),
    "M101": Code(
        "wrong kind of value",
        "The place wants something else: a mapping, a list, a text, a number.",
        "Write what the message asks for.",
        "let: [plan]\n",
    ),
    "M102": Code(
        "unknown key",
        "A key that nobody reads would silently do nothing.",
        "Correct the spelling, or remove the key.",
        "let:\n  plan: {pick: traits.plan, uper: true}\n",
    ),
    "M103": Code(
        "missing key",
        "Without it the part has no meaning.",
        "Add the key that is named.",
        "name: shop\n",
    ),
    "M104": Code(
        "not one of the allowed values",
        "The place takes one of a few words.",
        "Use one of the words the message lists.",
        "let:\n  plan: {pick: traits.plan, to: integr}\n",
    ),
    "M105": Code(
        "unsupported version",
        "This release reads version 1 of the mapping language.",
        "Write `version: 1`, or install the release the mapping was written for.",
        "version: 2\n",
    ),
    "M201": Code(
        "a value without a source, or with two",
        "A value starts from exactly one source (pick, first, join, const, ...); steps follow.",
        "Keep one source; use `first` or `merge` to combine several.",
        "let:\n  plan: {upper: true}\n",
    ),
    "M202": Code(
        "unreadable path",
        "A path is names joined by dots, with [n], quoted names and * where needed.",
        'For a name with dots or spaces use quotes: traits."last.login".',
        "let:\n  plan: traits.my plan\n",
    ),
    "M203": Code(
        "unknown root of a path",
        "Events have a fixed set of top-level members; a typing mistake would always be absent.",
        'Correct it; to read a member of your own on purpose, put its name in quotes: "my_member".',
        "let:\n  plan: trait.plan\n",
    ),
    "M204": Code(
        "unknown variable",
        "A name after $ must be defined under `let:` (or be $time).",
        "Define it under `let:` or correct the name.",
        "let:\n  plan: traits.plan\n  shown: {first: [$plam, traits.tier]}\n",
    ),
    "M205": Code(
        "variables that need each other",
        "A value under `let:` that needs itself can never be computed.",
        "Break the circle.",
        "let:\n  one: {first: [$two, traits.one]}\n  two: {first: [$one, traits.two]}\n",
    ),
    "M206": Code(
        "`item` outside of for_each",
        "`item` is the element of the list that `for_each` goes through.",
        "Add `for_each`, or read from the event itself.",
        "let:\n  plan: item.plan\n",
    ),
    "M207": Code(
        "a condition without a test, or a test where it has no meaning",
        "A condition asks something of a value: exists, equals, in, matches, ...",
        "Add a test, or remove it.",
        "skip:\n  filtered: {pick: traits.robot, equal: true}\n",
    ),
    "M208": Code(
        "pattern not accepted",
        "Patterns run in linear time: no back-references and no look-around.",
        "Write the pattern without them; `all`, `any` and `not` can combine simple patterns.",
        "skip:\n  filtered: {pick: traits.name, matches: '(?=test)'}\n",
    ),
    "M209": Code(
        "unknown block, or a block that includes itself",
        "`include` takes the name of something under `blocks:`.",
        "Define the block, or correct the name.",
        "rules:\n"
        "- name: identify\n"
        "  when: {type: identify}\n"
        "  do:\n"
        "  - operation: upsert_contact\n"
        "    fields: {include: basics}\n",
    ),
    "M210": Code(
        "unknown placeholder in a template",
        "Templates read the event and variables, nothing else: no environment, no code.",
        "Use {path} or {$variable}; write {{ for a brace.",
        'let:\n  plan: {template: "{env HOME}"}\n',
    ),
    "M211": Code(
        "a secret written into the mapping",
        "Mappings are committed, printed and sent to workers; a secret in one is known to all.",
        "Put the secret into an environment variable and name it: env:NAME.",
        "let:\n  plan: {pick: userId, hmac: my-secret}\n",
    ),
    "M301": Code(
        "unknown setting",
        "A setting must be declared under `settings:` before it is used or overridden.",
        "Correct the name, or declare it.",
        "let:\n  plan: {setting: plan}\n",
    ),
    "M302": Code(
        "wrong value for a setting",
        "The value has another type than the default, or is not among `one_of`.",
        "Use a value that the message allows.",
        "settings:\n  nested: {default: flaten, one_of: [drop, flatten]}\n",
    ),
    "M401": Code(
        "unknown operation",
        "The destination offers a fixed list of operations.",
        "Use one that the message lists.",
        "destination: intercom\n"
        "rules:\n"
        "- name: identify\n"
        "  when: {type: identify}\n"
        "  do:\n"
        "  - operation: upsert_contct\n",
    ),
    "M402": Code(
        "unknown field of an operation",
        "The destination would ignore or refuse the field.",
        "Correct the name; attributes of your own belong under custom_attributes.",
        "destination: intercom\n"
        "rules:\n"
        "- name: identify\n"
        "  when: {type: identify}\n"
        "  do:\n"
        "  - operation: upsert_contact\n"
        "    fields: {plan: traits.plan}\n",
    ),
    "M403": Code(
        "missing field of an operation",
        "The destination cannot carry out the operation without it.",
        "Add the field.",
        "destination: intercom\n"
        "rules:\n"
        "- name: track\n"
        "  when: {type: track}\n"
        "  do:\n"
        "  - operation: submit_event\n"
        "    fields: {event_name: event}\n",
    ),
    "M404": Code(
        "unknown reason",
        "Reasons are a documented list, so that reports can be compared.",
        "Use one that the message lists.",
        "skip:\n  robots: {pick: traits.robot, equals: true}\n",
    ),
    "M405": Code(
        "a rule that can never fire",
        "An earlier rule takes every event that this one wants.",
        "Move it up, or make the earlier condition narrower.",
        "destination: intercom\n"
        "rules:\n"
        "- name: all tracks\n"
        "  when: {type: track}\n"
        "  skip: filtered\n"
        "- name: signed up\n"
        "  when: {type: track}\n"
        "  skip: filtered\n",
    ),
    "M406": Code(
        "two rules of the same name",
        "Reports and traces name the rule that fired.",
        "Give each rule its own name.",
        "destination: intercom\n"
        "rules:\n"
        "- name: track\n"
        "  when: {type: track}\n"
        "  skip: filtered\n"
        "- name: track\n"
        "  when: {type: page}\n"
        "  skip: filtered\n",
    ),
}
