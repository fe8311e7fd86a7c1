"""A compiled mapping as frozen data: it pickles, has a fingerprint, and needs no YAML to run."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pipeline.mapping.paths import Every, Index, Key, Path

LANGUAGE_VERSION = 1


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the YAML a part was written: line and column, from 1."""

    line: int
    column: int


# --- sources ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pick:
    """The value at a path."""

    path: Path


@dataclass(frozen=True, slots=True)
class First:
    """The first of several values that is there."""

    values: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Join:
    """Texts joined; what is absent, null or empty is left out; absent if nothing is left."""

    values: tuple[Expr, ...]
    separator: str


@dataclass(frozen=True, slots=True)
class Const:
    """A value written in the mapping (or taken from a setting)."""

    value: Any


@dataclass(frozen=True, slots=True)
class Object:
    """An object; absent members are left out; absent itself when one of ``needs`` is."""

    members: tuple[tuple[str, Expr], ...]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Merge:
    """Several objects as one; of equal keys the later value wins, at the earlier place."""

    values: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of those values that are there."""

    values: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Without:
    """A key that ``rest`` leaves out, always or under a condition. ``key`` is normalised."""

    key: str
    when: Condition | None = None


@dataclass(frozen=True, slots=True)
class Rest:
    """The members of an object that the rule does not read elsewhere.

    ``keep`` names those that stay although they are read; ``without`` those that go although
    they are not; ``used`` is what the compiler found to be read. All normalised.
    """

    path: Path
    keep: frozenset[str] = frozenset()
    without: tuple[Without, ...] = ()
    used: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Template:
    """A text with values filled in; absent if one of them is absent or null."""

    parts: tuple[str | Path, ...]


Source = Pick | First | Join | Const | Object | Merge | ListOf | Rest | Template


# --- values and conditions -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Step:
    """One thing done to a value; ``args`` hold plain data and, where allowed, values."""

    name: str
    args: Any
    place: Place = field(compare=False)


@dataclass(frozen=True, slots=True)
class Expr:
    """A source and the steps that its value goes through, in the order written."""

    source: Source
    steps: tuple[Step, ...] = ()
    when: Condition | None = None
    required: bool = False
    nullable: bool = False
    place: Place = field(default=Place(1, 1), compare=False)


@dataclass(frozen=True, slots=True)
class Ask:
    """A condition on a value: every test must hold."""

    value: Expr
    tests: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class All:
    """Every condition holds."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one condition holds."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The condition does not hold."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class TypeIs:
    """The event's type is one of these."""

    types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EventIs:
    """The event is a track of one of these names."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IntegrationOn:
    """The event's ``integrations`` do not turn this destination off (rule S1)."""

    name: str


@dataclass(frozen=True, slots=True)
class Literally:
    """A condition that settings decided at compile time."""

    value: bool


Condition = Ask | All | AnyOf | Not | TypeIs | EventIs | IntegrationOn | Literally


# --- rules -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OperationPlan:
    """One operation of a rule, made once, or once for each item of ``for_each``."""

    kind: str
    fields: tuple[tuple[str, Expr], ...]
    when: Condition | None = None
    for_each: Expr | None = None
    needs: tuple[str, ...] = ()
    place: Place = field(default=Place(1, 1), compare=False)


@dataclass(frozen=True, slots=True)
class PersonPlan:
    """Where the person's ids come from."""

    user_id: Expr | None = None
    email: Expr | None = None
    anonymous_id: Expr | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """What becomes of the events that ``when`` describes; the first rule that holds fires."""

    name: str
    when: Condition
    person: PersonPlan
    require: tuple[tuple[str, Condition], ...] = ()
    operations: tuple[OperationPlan, ...] = ()
    skip: str | None = None
    place: Place = field(default=Place(1, 1), compare=False)


@dataclass(frozen=True, slots=True)
class MappingPlan:
    """A whole mapping, ready to run on workers.

    Attributes:
        name: For reports.
        destination: The entry-point name of the destination it shapes for.
        settings: Every setting with the value in force.
        lets: Named values, computed at most once an event.
        skips: (skip reason, condition), asked in order before any rule.
        rules: In order.
        file: The file it was read from, for people.
    """

    name: str
    destination: str
    settings: tuple[tuple[str, Any], ...]
    lets: tuple[tuple[str, Expr], ...]
    skips: tuple[tuple[str, Condition], ...]
    rules: tuple[Rule, ...]
    file: str = field(default="", compare=False)

    @property
    def fingerprint(self) -> str:
        """16 hex digits that change when the meaning does, and not with comments or layout."""
        canonical = json.dumps(_canonical(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    @property
    def secrets(self) -> tuple[str, ...]:
        """References to the secrets that must be there where the plan runs, as ``env:NAME``."""
        steps = (node for node in walk((self.lets, self.skips, self.rules)) if type(node) is Step)
        found = {
            step.args["secret"]
            for step in steps
            if isinstance(step.args, dict) and "secret" in step.args
        }
        return tuple(sorted(found))

    def setting(self, name: str) -> Any:
        """The value in force; KeyError for a setting the mapping does not declare."""
        return dict(self.settings)[name]


def _canonical(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        members = {
            part.name: _canonical(getattr(value, part.name))
            for part in dataclasses.fields(value)
            if part.compare
        }
        return {"": type(value).__name__, **members}
    if isinstance(value, dict):
        return {str(key): _canonical(member) for key, member in value.items()}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, list | tuple):
        return [_canonical(member) for member in value]
    return {"": "Decimal", "value": str(value)} if isinstance(value, Decimal) else value


def rewrite(node: Any, change: Callable[[Any], Any]) -> Any:
    """A copy of a part of a plan in which ``change`` was applied to every node, leaves first."""
    kind = type(node)
    if kind is tuple:
        return tuple([rewrite(member, change) for member in node])
    if kind is dict:
        return {key: rewrite(member, change) for key, member in node.items()}
    if kind not in _WHOLE and hasattr(kind, "__dataclass_fields__"):
        return change(kind(*[rewrite(getattr(node, name), change) for name in kind.__slots__]))
    return node


_WHOLE = frozenset([Place, Path, Key, Index, Every])
"""Parts of a plan that are not rewritten."""


def walk(node: Any, *, conditions: bool = True) -> Iterator[Any]:
    """Every node of a part of a plan, parents first; optionally without what conditions read."""
    todo = [node]
    while todo:
        node = todo.pop()
        kind = type(node)
        if kind is tuple or kind is list:
            todo += node[::-1]
        elif kind is dict:
            todo += reversed(node.values())
        elif hasattr(kind, "__dataclass_fields__") and (
            conditions or not isinstance(node, CONDITIONS)
        ):
            yield node
            todo += [getattr(node, name) for name in reversed(kind.__slots__)]


CONDITIONS = (Ask, All, AnyOf, Not, TypeIs, EventIs, IntegrationOn, Literally)
