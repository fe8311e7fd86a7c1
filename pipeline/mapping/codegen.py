"""Compiles a plan to Python functions: what the interpreter means, faster.

The code is made from the plan alone, never from an event. ``Mapper.source`` is meant to be read
(``penstock explain --code``). A property test holds it to the interpreter's results.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from pipeline.mapping import plan
from pipeline.mapping.interpreter import Result
from pipeline.mapping.operations import Mapping, Sieve
from pipeline.mapping.specialise import OTHER, names_in, specialised
from pipeline.model.event import EVENT_TYPES, Event
from pipeline.model.refusal import Skip


class Mapper:
    """Maps events by one plan, as ``Interpreter`` does. Safe to share among threads.

    Code is made for each event type, and for each event name that the mapping writes, when the
    first such event comes.

    Attributes:
        map: ``map(event)`` is what becomes of the event.
        wants: ``wants(event)`` is why the mapping surely does not want the event, or None where it
            may want it. Cheap, and safe to ask before the event is validated: decided by its
            type, its name and the conditions under ``skip``, without looking at what a rule asks
            for. Where this answers with a ``Skip``, mapping the event answers with the same.
    """

    def __init__(self, mapping: plan.MappingPlan) -> None:
        self._plan = mapping
        self._names = names_in(mapping)
        self.map: Callable[[Event], Result] = self._dispatch(Mapping)
        self.wants: Callable[[Event], Skip | None] = self._dispatch(Sieve)

    def __call__(self, event: Event) -> Result:
        """What becomes of ``event``."""
        return self.map(event)

    @property
    def source(self) -> str:
        """All the code there may be, to be read."""
        return "\n\n".join(code.source for code in listing(self._plan, units(self._plan)))

    def _dispatch(self, kind: type[Sieve | Mapping]) -> Callable[[Event], Any]:
        """A function of events that finds, or makes, the one for an event's type and name."""
        by_type: dict[str, Callable[[Event], Any]] = {}
        by_name: dict[str | None, Callable[[Event], Any] | None]
        by_name = dict.fromkeys([OTHER, *self._names])

        def named(event: Event) -> Any:
            name = event.body.get("event")
            name = name if type(name) is str and name in by_name else OTHER
            known = by_name[name]
            if known is None:
                known = by_name[name] = self._compiled(kind, "track", name)
            return known(event)

        def function(event: Event) -> Any:
            known = by_type.get(event.type)
            if known is None:
                known = by_type[event.type] = self._compiled(kind, event.type, OTHER)
            return known(event)

        if self._names:
            by_type["track"] = named
        return function

    def _compiled(
        self, kind: type[Sieve | Mapping], type_: str, name: str | None
    ) -> Callable[[Event], Any]:
        code = _code(self._plan, kind, type_, name)
        file = f"<mapping {self._plan.name!a}, {code.function}>"
        exec(compile(code.source, file, "exec"), code.constants)  # noqa: S102
        made: Callable[[Event], Any] = code.constants[code.function]
        return made


@dataclass(frozen=True, slots=True)
class Code:
    """One function.

    Attributes:
        function: Its name.
        type: Of the events that it is for.
        event: Their name, or None for any that the mapping does not write.
        source: Python.
        constants: What the names in it stand for.
    """

    function: str
    type: str
    event: str | None
    source: str
    constants: dict[str, Any]


Unit = tuple[str, str | None]
"""An event type, and an event name that the mapping writes, or OTHER: what code is made for."""


def units(mapping: plan.MappingPlan) -> list[Unit]:
    """Everything that code may be made for."""
    named = [("track", name) for name in sorted(names_in(mapping))]
    return [*((type_, OTHER) for type_ in EVENT_TYPES), *named]


def listing(mapping: plan.MappingPlan, wanted: Iterable[Unit]) -> list[Code]:
    """The functions that map such events, to be read."""
    return [_code(mapping, Mapping, *unit) for unit in wanted]


def of_rule(mapping: plan.MappingPlan, name: str) -> plan.MappingPlan:
    """The plan with one rule alone; KeyError where it has none of that name."""
    rules = {rule.name: rule for rule in mapping.rules}
    return replace(mapping, skips=(), rules=(rules[name],))


def may_fire(mapping: plan.MappingPlan, unit: Unit) -> bool:
    """Whether some rule may fire for such an event."""
    return bool(specialised(mapping, *unit).rules)


def _code(
    mapping: plan.MappingPlan, kind: type[Sieve | Mapping], type_: str, name: str | None
) -> Code:
    function = f"{kind.prefix}_{type_ if type_ in EVENT_TYPES else 'other'}"
    writer = kind(specialised(mapping, type_, name), function)
    return Code(function, type_, name, writer.write(), writer.constants)
