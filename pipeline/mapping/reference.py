"""The reference pages of the mapping language, made from its specification."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.mapping import language
from pipeline.mapping.codes import CODES
from pipeline.mapping.settings import Setting
from pipeline.mapping.spec import Arg, Table, Word
from pipeline.model.refusal import DEAD_REASONS, SKIP_REASONS

GENERATED = "<!-- Made by `python -m pipeline.mapping.generate`. Do not edit. -->\n"

_KINDS = {
    "anything": "anything",
    "boolean": "true or false",
    "condition": "a condition",
    "conditions": "a list of conditions",
    "event_types": "a type, or a list",
    "fields": "fields and values",
    "flag": "true",
    "integer": "a whole number",
    "literal": "any plain value",
    "literals": "a list of plain values",
    "members": "names and values",
    "names": "a name, or a list",
    "number": "a number",
    "pairs": "old: new",
    "path": "a path",
    "pattern": "a regular expression",
    "rest_keys": "keys, or {key, when}",
    "secret": "env:NAME",
    "setting": "a setting's name",
    "table": "key: value",
    "template": "a text with {paths}",
    "text": "a text",
    "types": "a type, or a list",
    "value": "a value",
    "values": "a list of values",
}


def language_page() -> str:
    """Every key, word, test and warning."""
    parts = [
        GENERATED,
        "# The mapping language\n",
        "A mapping is one YAML file. [The tutorial](../mapping.md) explains it from the start; "
        "this page lists every word. A test runs each example, so it does what it says.\n",
        "## The parts of a mapping\n",
        *(_table(table) for table in language.TABLES),
        "## Values\n",
        "A value is a path (`traits.plan`), or a mapping with exactly one **source** and any "
        "number of **steps**, which run in the order written. What is *absent* passes no step but "
        "`default`; an explicit *null* is there, and conversions make it absent without a "
        "warning; an *empty* text, list or object is a value like any other.\n",
        "### Paths\n",
        _PATHS,
        _words("### Sources", language.SOURCES, "What a value starts from."),
        _words("### Modifiers", language.MODIFIERS, "What may stand beside any source."),
        _words("### Steps", language.STEPS, "What is done to a value, in the order written."),
        "### Types\n\nAs `only`, `must_be` and `is` take them.\n",
        _rows(("type", "meaning"), language.VALUE_TYPES.items()),
        "## Conditions\n",
        "A condition is `true`, `false`, one of the words below, or a question: a value and one or "
        "more tests, all of which must hold.\n",
        _words("### Tests", language.TESTS, "Behind a value that is no question, a test keeps the "
               "value only if it holds."),
        _words("### Combining", language.CONDITIONS, "Each stands alone in its mapping."),
        "## Warnings\n\nWhat a mapping loses or changes on the way is counted by these names.\n",
        _rows(("warning", "meaning"), language.WARNINGS.items()),
        "## Reasons\n\nWhy an event is skipped (`skip`):\n",
        _rows(("reason", "meaning"), SKIP_REASONS.items()),
        "Why an event becomes a dead letter (`require`, and other parts of the program):\n",
        _rows(("reason", "meaning"), DEAD_REASONS.items()),
    ]  # fmt: skip
    return "\n".join(parts)


_PATHS = """\
| path | finds |
| --- | --- |
| `traits.plan` | a member, exactly so or in other case and separators: `PLAN`, `Plan` |
| `traits."last.login"` | a member of exactly this name |
| `traits.tags[0]`, `traits.tags[-1]` | an element, counted from the front or the end |
| `properties.products.*.sku` | of all elements of a list, or members of an object; a list |
| `$name`, `$name.city` | a variable of `let`, or something in it; `$time` is the event's time |
| `item.id` | the element that `for_each` is at |
| `"my member"` | a member of your own at the top of the event |
"""


def _table(table: Table) -> str:
    title = table.what.removeprefix("a ").removeprefix("an ").strip("`")
    rows = (
        (f"`{name}`", "yes" if name in table.needed else "", word.about, _code(word.example))
        for name, word in table.keys.items()
    )
    return f"### {title.capitalize()}\n\n{table.about}\n\n" + _rows(
        ("key", "needed", "meaning", "example"), rows, quote=False
    )


def _words(title: str, words: Mapping[str, Word], about: str) -> str:
    parts = [f"{title}\n\n{about}\n"]
    parts += (_entry(name, word) for name, word in words.items())
    return "\n".join(parts)


def _entry(name: str, word: Word) -> str:
    lines = [f"#### `{name}`: {_kind(word.arg)}\n", word.about, ""]
    members = {**word.arg.members, **word.modifiers}
    for key, arg in members.items():
        needed = ", needed" if key in word.arg.needed else ""
        about = f": {arg.about}" if arg.about else ""
        lines.append(f"- `{key}` ({_kind(arg)}{needed}){about}")
    if members:
        lines.append("")
    if word.warnings:
        lines += ["Counts " + ", ".join(f"`{kind}`" for kind in word.warnings) + ".", ""]
    text, given, result = word.example
    lines += ["```yaml", text, "```", f"`{_json(given)}` → {_result(result)}\n"]
    return "\n".join(lines)


def _kind(arg: Arg) -> str:
    if arg.kind == "choices":
        return "one or more of " + ", ".join(arg.choices)
    if arg.choices and arg.kind == "choice":
        return ", ".join(arg.choices)
    if arg.kind == "record":
        keys = "{" + ", ".join(arg.members) + "}"
        return f"{_kind(arg.members[arg.shorthand])}, or {keys}" if arg.shorthand else keys
    return _KINDS[arg.kind]


def _result(value: Any) -> str:
    return "absent" if value is None else f"`{_json(value)}`"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _code(example: tuple[Any, ...]) -> str:
    return f"`{example[0]}`" if example else ""


def _rows(head: tuple[str, ...], rows: Iterable[tuple[str, ...]], *, quote: bool = True) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for first, *others in rows:
        cells = [f"`{first}`" if quote else first, *others]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def diagnostics_page(shown: Mapping[str, str]) -> str:
    """One section for each code; ``shown`` holds, by code, what the example prints."""
    parts = [
        GENERATED,
        "# Diagnostics of mappings, schemas and job files\n",
        "A code, once released, keeps its meaning for ever. `penstock validate` prints it with the "
        "file, the line and the column.\n",
    ]
    for name in sorted(CODES, key=lambda name: (name[0] != "M", name)):
        code = CODES[name]
        parts.append(f'<a id="{name.lower()}"></a>\n\n## {name}: {code.title}\n')
        parts.append(f"**Why it matters.** {code.rationale}\n")
        parts.append(f"**How to fix it.** {code.fix}\n")
        if code.example:
            parts.append(f"```yaml\n{code.example.rstrip()}\n```\n")
            if name in shown:
                parts.append(f"```text\n{shown[name]}\n```\n")
    return "\n".join(parts)


def settings_page(settings: Mapping[str, Setting], secrets: Iterable[str]) -> str:
    """The settings of the shipped mapping."""
    rows = (
        (
            setting.name,
            f"`{_json(setting.default)}`",
            ", ".join(f"`{_json(one)}`" for one in setting.one_of or ()),
            setting.about.strip(),
        )
        for setting in settings.values()
    )
    names = ", ".join(f"`{secret.removeprefix('env:')}`" for secret in secrets)
    return "\n".join(
        [
            GENERATED,
            "# Settings of `mappings/intercom.yaml`\n",
            "Change a default in the file, or override it on any command: "
            "`--set nested=flatten --set priority=sku,plan`. The letters and numbers name "
            "[rules](../rules.md).\n",
            _rows(("setting", "default", "may be", "meaning"), rows),
            f"With `identity_verification`, the secret is read from {names}.\n",
        ]
    )
