"""Shows the code that a mapping compiles to: ``penstock explain --code``."""

from __future__ import annotations

from collections.abc import Iterable

import click

from pipeline.cli.formats.code import to_text
from pipeline.errors import UsageError
from pipeline.mapping.codegen import Unit, listing, may_fire, of_rule, units
from pipeline.mapping.plan import MappingPlan
from pipeline.model.event import Event, Rejected


def show(
    mapping: MappingPlan,
    events: Iterable[Event | Rejected] | None,
    type_: str | None,
    rule: str | None,
) -> None:
    """Print the functions for these events, or all; of one type, or with one rule alone."""
    wanted = units(mapping) if events is None else _units_of(events, units(mapping))
    if type_ is not None:
        wanted = [unit for unit in wanted if unit[0] == type_]
    if rule is not None:
        names = [known.name for known in mapping.rules]
        if rule not in names:
            message = f"no rule is called {rule!r}; there are {', '.join(map(repr, names))}"
            raise UsageError(message)
        mapping = of_rule(mapping, rule)
        wanted = [unit for unit in wanted if may_fire(mapping, unit)]
    if not wanted:
        message = "there is no such code: the rule takes no events of that type, or is switched off"
        raise UsageError(message if rule is not None else "there is no code for such events")
    click.echo(to_text(listing(mapping, wanted)), nl=False)


def _units_of(events: Iterable[Event | Rejected], known: list[Unit]) -> list[Unit]:
    """What the code for these events is made for."""
    found: dict[Unit, None] = {}
    for event in events:
        if isinstance(event, Event):
            unit = (event.type, event.name if event.type == "track" else None)
            found[unit if unit in known else (event.type, None)] = None
    return list(found)
