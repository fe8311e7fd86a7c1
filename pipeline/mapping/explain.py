"""Says of every output field where its value comes from, or why it is absent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from pipeline.mapping import plan
from pipeline.mapping.functions import STEP_FUNCTIONS, same
from pipeline.mapping.paths import ABSENT, Path
from pipeline.mapping.tracing import Effect, Made, Node
from pipeline.mapping.wording import line_of, say_condition, say_step, shown

NOT_OF_TYPE = {
    "text": "is no text",
    "number": "is no number",
    "integer": "is no whole number",
    "boolean": "is neither true nor false",
    "scalar": "is a list or an object",
    "object": "is no object",
    "list": "is no list",
    "email": "is no e-mail address",
    "url": "is no http or https address",
}
NOT_CONVERTED = {
    "unix_seconds": "cannot be read as a time",
    "cents": "cannot be read as an amount of money",
    "integer": "cannot be read as a whole number",
    "number": "cannot be read as a number",
    "boolean": "cannot be read as true or false",
    "text": "cannot be read as a text",
    "id": "cannot be an id",
    "json_text": "cannot be written as JSON",
}
_BUILDERS = (plan.Merge, plan.Rest)
_NOT_THERE = (" is not in the event", " is not in the item")


@dataclass(frozen=True, slots=True)
class Field:
    """One output field, or one member of it: ``custom_attributes.plan``.

    Attributes:
        name: The field, with the members that lead to it.
        value: ABSENT where it has none.
        sources: (path, what was found there) of everything the value was made from.
        effects: The steps that changed it, in order.
        line: Where in the mapping it is written.
        why: Why it is absent; empty where it is not.
        node: How it was computed, where one expression says so.
    """

    name: str
    value: Any
    sources: tuple[tuple[str, Any], ...] = ()
    effects: tuple[Effect, ...] = ()
    line: int = 0
    why: str = ""
    node: Node | None = None


def fields_of(made: Made) -> list[Field]:
    """Every field of an operation, present or absent, in the order of the mapping."""
    return [field for node in made.fields for field in _spread(node.name, _field(node))]


def why_not_made(made: Made) -> str:
    """Why an operation was not made; empty where it was."""
    if made.operation is not None:
        return ""
    if made.items is not None and made.item is ABSENT:
        missing = made.items.value is ABSENT
        return f"no items: {why_absent(made.items)}" if missing else "the list of items is empty"
    for node in made.fields:
        needed = node.name in made.plan.needs or (node.expr is not None and node.expr.required)
        if node.value is ABSENT and needed:
            return f"it needs {node.name}: {why_absent(node)}"
    if made.plan.when is not None:
        return does_not_hold(made.plan.when)
    return "a required value is absent"


def does_not_hold(condition: plan.Condition) -> str:
    """A sentence about a condition that failed."""
    if isinstance(condition, plan.Literally):
        return "switched off by a setting"
    line = line_of(condition)
    place = f" of line {line}" if line else ""
    return f"the condition{place} does not hold: {say_condition(condition)}"


# --- where a value comes from ----------------------------------------------------------------


def _spread(name: str, field: Field) -> Iterator[Field]:
    """The field itself, or its members where it is an object."""
    members = _members(field) if field.node is not None else []
    if not members:
        yield replace(field, name=name)
        return
    if field.value is ABSENT:
        yield replace(field, name=name)
    for member in members:
        yield from _spread(_joined(name, member.name), member)


def _field(node: Node) -> Field:
    """A whole value: what it was read from and the steps it went through."""
    assert node.expr is not None  # noqa: S101
    line = node.expr.place.line
    if node.value is ABSENT:
        return Field(node.name, ABSENT, line=line, why=why_absent(node), node=node)
    sources, effects = _origin(node)
    return Field(node.name, node.value, sources, effects, line, node=node)


def _origin(node: Node) -> tuple[tuple[tuple[str, Any], ...], tuple[Effect, ...]]:
    inner = [part for part in node.parts if part.value is not ABSENT]
    if node.expr is not None and isinstance(node.expr.source, plan.First):
        inner = inner[-1:]
    found = [(str(path), value) for path, value in node.reads if not _is_let(path)]
    effects: list[Effect] = []
    for part in inner:
        sources, before = _origin(part)
        tail = _below_variable(node)
        found += [(path + tail, value) for path, value in sources]
        effects += before
    return tuple(dict(found).items()), (*effects, *node.effects)


def _is_let(path: Path) -> bool:
    return path.root.startswith("$") and not path.quoted_root and path.root != "$time"


def _below_variable(node: Node) -> str:
    """What follows the variable's name in a path such as ``$options.unsubscribed``."""
    for path, _ in node.reads:
        if _is_let(path):
            return str(path).removeprefix(path.root)
    return ""


# --- the members of an object ----------------------------------------------------------------


def _members(field: Field) -> list[Field]:
    """The members of an object, and those that a step took away or that never came to be."""
    node = field.node
    if node is None or node.expr is None:
        return []
    if node.value is ABSENT and not isinstance(node.expr.source, _BUILDERS):
        return []
    start, lost = _built(node)
    for effect in node.effects:
        if not isinstance(effect.before, dict):
            break
        start, gone = _after(start, effect)
        lost += gone
    present = {member.name for member in start}
    return start + [member for member in lost if member.name not in present]


def _built(node: Node) -> tuple[list[Field], list[Field]]:
    """The members as the source made them, and the absent ones."""
    assert node.expr is not None  # noqa: S101
    match node.expr.source:
        case plan.Object():
            fields = [_field(part) for part in node.parts]
            there = [field for field in fields if field.value is not ABSENT]
            return there, [field for field in fields if field.value is ABSENT]
        case plan.Merge():
            merged: dict[str, Field] = {}
            lost: list[Field] = []
            for part in node.parts:
                members, gone = _all_members(part)
                merged.update({member.name: member for member in members})
                lost += gone
            return list(merged.values()), lost
        case plan.First():
            return _all_members(node.parts[-1]) if node.parts else ([], [])
        case plan.Pick(path) if _is_let(path) and not path.segments and node.parts:
            return _all_members(node.parts[-1])
        case plan.Pick(path) | plan.Rest(path=path):
            made = node.effects[0].before if node.effects else node.value
            line = node.expr.place.line
            if not isinstance(made, dict):
                return [], []
            return [
                Field(key, value, ((_joined(str(path), key), value),), (), line)
                for key, value in made.items()
            ], []
        case _:
            return [], []


def _all_members(node: Node) -> tuple[list[Field], list[Field]]:
    members = _members(_field(node)) if node.held else []
    return (
        [member for member in members if member.value is not ABSENT],
        [member for member in members if member.value is ABSENT],
    )


def _joined(path: str, key: str) -> str:
    return f"{path}.{key}" if key.isidentifier() else f'{path}."{key}"'


def _after(fields: list[Field], effect: Effect) -> tuple[list[Field], list[Field]]:
    """What a step on the object made of each member: tried on the object of that member alone."""
    kept: dict[str, Field] = {}
    lost: list[Field] = []
    result = effect.after if isinstance(effect.after, dict) else {}
    for field in fields:
        alone = _step_on({field.name: field.value}, effect)
        names = [name for name in alone if name in result and name not in kept]
        for name in names:
            value = result[name]
            same_thing = name == field.name and same(value, field.value)
            effects = field.effects if same_thing else (*field.effects, effect)
            node = field.node if same_thing else None
            kept[name] = Field(name, value, field.sources, effects, field.line, node=node)
        if not names:
            reason = _taken_by(effect, alone)
            lost.append(replace(field, value=ABSENT, why=reason, node=None))
    ordered = [kept[name] for name in result if name in kept]
    return ordered, lost


def _step_on(value: dict[str, Any], effect: Effect) -> dict[str, Any]:
    made = STEP_FUNCTIONS[effect.step.name](value, effect.args, lambda kind: None)
    return made if isinstance(made, dict) else {}


def _taken_by(effect: Effect, alone: dict[str, Any]) -> str:
    where = f"`{effect.step.name}` in line {effect.step.place.line}"
    if effect.step.name == "limit_keys":
        return f"over the limit of {effect.args['most']} keys ({where})"
    if effect.step.name == "nested":
        return f"a list or an object, dropped by {where}"
    return f"another member has the same name after {where}" if alone else f"dropped by {where}"


# --- why a value is absent -------------------------------------------------------------------


def why_absent(node: Node) -> str:
    """Why the value is not there, as a sentence without a full stop."""
    expr = node.expr
    if expr is None:
        return ""
    if not node.held and expr.when is not None:
        return does_not_hold(expr.when)
    for effect in node.effects:
        if effect.after is ABSENT and effect.before is not ABSENT:
            return _lost(node, effect)
    match expr.source:
        case plan.Pick(path):
            return _not_found(node, path)
        case plan.Object(needs=needs):
            missing = [part for part in node.parts if part.name in needs and part.value is ABSENT]
            return "; ".join(f"no {part.name}: {why_absent(part)}" for part in missing)
        case plan.Rest(path):
            found = node.reads[-1][1] if node.reads else ABSENT
            return _missing(path) if found is ABSENT else f"{path} {NOT_OF_TYPE['object']}"
        case plan.Template():
            return "; ".join(_missing(path) for path, found in node.reads[-1:])
        case _:
            return _together(dict.fromkeys(filter(None, map(why_absent, node.parts))))


def _together(reasons: Iterable[str]) -> str:
    """Several reasons as one; of what is simply not there, one list."""
    said: list[str] = []
    missing: dict[str, list[str]] = {}
    for reason in reasons:
        ending = next((end for end in _NOT_THERE if reason.endswith(end)), None)
        if ending is None or ";" in reason or "," in reason:
            said.append(reason)
        else:
            missing.setdefault(ending, []).append(reason.removesuffix(ending))
    for ending, names in missing.items():
        many = ending.replace(" is ", " are ") if len(names) > 1 else ending
        said.append(", ".join(names) + many)
    return "; ".join(said)


def _not_found(node: Node, path: Path) -> str:
    if not _is_let(path):
        return _missing(path)
    variable = node.parts[-1] if node.parts else None
    if variable is not None and variable.value is ABSENT:
        return why_absent(variable)
    return f"{path} is not there"


def _missing(path: Path) -> str:
    return f"{path} is not in the {'item' if path.root == 'item' else 'event'}"


def _lost(node: Node, effect: Effect) -> str:
    sources, _ = _origin(node)
    subject = ", ".join(path for path, _ in sources)
    if node.expr is not None and isinstance(node.expr.source, plan.Rest):
        subject = f"the rest of {node.expr.source.path}"
    value = f"{subject} is {shown(effect.before)}" if subject else shown(effect.before)
    return f"{value}, which {_fault(effect)} (line {effect.step.place.line})"


def _fault(effect: Effect) -> str:
    step, value = effect.step, effect.before
    if value is None and step.name in ("to", "must_be", "money", "map_only"):
        return "is nothing to convert"
    match step.name:
        case "must_be" | "only":
            return " and ".join(NOT_OF_TYPE[name] for name in effect.args)
        case "drop_empty":
            return "is empty"
        case "to":
            return NOT_CONVERTED[effect.args]
        case "money":
            return NOT_CONVERTED["cents"]
        case "map_only":
            return "is not in the table"
        case "hmac":
            return f"cannot be signed: {effect.args['secret']} is not set"
        case "hash":
            return NOT_OF_TYPE["text"]
        case _:
            return f"`{say_step(step)}` does not accept"
