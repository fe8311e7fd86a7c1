"""Fewest calls: one person's work with its writes merged, in an order that keeps every promise.

Within a stretch of work the company writes come first, then one write of the contact, then one
change for each membership (rule C6), then the events. A deletion ends a stretch, because nothing
may be carried across it; with ``between_tracks`` so does a track, so that every track finds the
contact as it was at its time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from msgspec.structs import replace

from pipeline.flow.shared import Cells, cells_of, fields_of, merge
from pipeline.flow.work import Task, Work
from pipeline.model.operation import Operation, Person

Mode = Literal["all", "between_tracks"]

CONTACT_WRITES = frozenset({"upsert_contact", "touch_contact"})
MEMBERSHIPS = frozenset({"attach_company", "detach_company"})
BARRIER = "delete_contact"


@dataclass(frozen=True, slots=True)
class Single:
    """What one event wanted of a write that several merged into.

    Attributes:
        task: The position of the event in the work.
        operation: Its own operation.
        cells: Its own fields, each with the time of its value.
    """

    task: int
    operation: Operation
    cells: Cells


@dataclass(frozen=True, slots=True)
class Step:
    """One operation to carry out, and the events whose share it carries.

    Attributes:
        operation: What to do.
        tasks: Positions in the work of the events that wanted it, oldest first.
        cells: For a write: each field with the time of its value.
        singles: For a write that several events merged into: what each of them wanted.
    """

    operation: Operation
    tasks: tuple[int, ...]
    cells: Cells = field(default_factory=dict)
    singles: tuple[Single, ...] = ()


@dataclass(slots=True)
class _Stretch:
    """Work between two barriers, being collected."""

    shared: dict[tuple[str, str], list[tuple[int, Task, Operation]]] = field(default_factory=dict)
    contact: list[tuple[int, Task, Operation]] = field(default_factory=list)
    memberships: dict[str, list[tuple[int, Task, Operation]]] = field(default_factory=dict)
    others: list[tuple[int, Task, Operation]] = field(default_factory=list)


def coalesce(work: Work, *, merge_by: Mapping[str, str], mode: Mode = "all") -> list[Step]:
    """The steps that carry out ``work``, as few as its promises allow.

    Of every field the value with the latest event time wins; null counts as a value.

    Args:
        work: One person's events, in order.
        merge_by: Operation kind -> the field that names the thing it writes (a company).
        mode: ``all`` sends what is known of the person before any of the tracks.
    """
    steps: list[Step] = []
    stretch = _Stretch()
    for position, task in enumerate(work.tasks):
        for operation in task.operations:
            piece = (position, task, operation)
            is_write = operation.kind in CONTACT_WRITES or operation.kind in MEMBERSHIPS
            is_write = is_write or operation.kind in merge_by
            if operation.kind == BARRIER or (
                mode == "between_tracks" and is_write and stretch.others
            ):
                steps.extend(_steps(stretch))
                stretch = _Stretch()
            if operation.kind in merge_by:
                thing = (operation.kind, str(operation.fields.get(merge_by[operation.kind])))
                stretch.shared.setdefault(thing, []).append(piece)
            elif operation.kind in CONTACT_WRITES:
                stretch.contact.append(piece)
            elif operation.kind in MEMBERSHIPS:
                company = str(operation.fields.get("company_id"))
                stretch.memberships.setdefault(company, []).append(piece)
            else:
                stretch.others.append(piece)
            if operation.kind == BARRIER:
                steps.extend(_steps(stretch))
                stretch = _Stretch()
    steps.extend(_steps(stretch))
    return steps


def _steps(stretch: _Stretch) -> Iterator[Step]:
    for pieces in stretch.shared.values():
        yield _write(pieces)
    if stretch.contact:
        yield _write(stretch.contact)
    for pieces in stretch.memberships.values():
        yield Step(pieces[-1][2], _positions(pieces))
    for position, _, operation in stretch.others:
        yield Step(operation, (position,))


def _write(pieces: list[tuple[int, Task, Operation]]) -> Step:
    """Several writes of one thing as one."""
    singles = tuple(
        Single(
            position,
            operation,
            cells_of(operation.fields, time=task.time, message_id=task.message_id),
        )
        for position, task, operation in pieces
    )
    cells: Cells = {}
    for single in singles:
        merge(cells, single.cells)
    operations = tuple(single.operation for single in singles)
    kind = next((op.kind for op in operations if op.kind != "touch_contact"), operations[0].kind)
    merged = replace(
        operations[-1],
        kind=kind,
        person=_person(operations),
        fields=fields_of(cells) if len(operations) > 1 else operations[0].fields,
    )
    return Step(merged, _positions(pieces), cells, singles if len(singles) > 1 else ())


def _positions(pieces: Iterable[tuple[int, Task, Operation]]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(position for position, _, _ in pieces))


def _person(operations: tuple[Operation, ...]) -> Person:
    """Everything that is known of who they are; the latest word wins."""
    known = Person()
    for operation in operations:
        person = operation.person
        known = Person(
            person.user_id if person.user_id is not None else known.user_id,
            person.email if person.email is not None else known.email,
            person.anonymous_id if person.anonymous_id is not None else known.anonymous_id,
        )
    return known
