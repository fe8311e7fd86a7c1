"""People who asked to be deleted: what comes in about them afterwards goes nowhere.

A deletion counts from the moment it was asked for, whatever came of it. A deletion by userId
spares other users who share the e-mail address; one by e-mail alone spares nobody who has it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from pipeline.flow.coalesce import BARRIER

if TYPE_CHECKING:
    from pipeline.flow.work import Task
    from pipeline.model.operation import Person

KIND = "suppressed"
"""Under which the digests of ids are remembered."""

_ANYBODY = "*"


def marks(person: Person) -> dict[str, str]:
    """What to remember of someone who was deleted: digest of an id -> whom it concerns.

    An e-mail address concerns the digest of the userId that was named with it, or ``*``.
    """
    found = {}
    user = _digest("u:" + person.user_id) if person.user_id is not None else None
    if user is not None:
        found[user] = _ANYBODY
    if person.email is not None:
        found[_digest("e:" + person.email.lower())] = user or _ANYBODY
    return found


def is_suppressed(person: Person, known: Mapping[str, str]) -> bool:
    """Whether what is remembered concerns this person."""
    for mark, whom in marks(person).items():
        if mark in known and (known[mark] in (_ANYBODY, whom) or whom == _ANYBODY):
            return True
    return False


def asked_about(tasks: Iterable[Task]) -> set[str]:
    """Every digest that says something about these events."""
    return {mark for task in tasks for mark in marks(_person(task))}


def suppress(tasks: Iterable[Task], known: Mapping[str, str]) -> tuple[set[int], dict[str, str]]:
    """The positions of events to be refused, and what is to be remembered from now on.

    Args:
        tasks: One person's events, in order.
        known: What is remembered of earlier deletions.
    """
    refused: set[int] = set()
    learned: dict[str, str] = {}
    for place, task in enumerate(tasks):
        if any(operation.kind == BARRIER for operation in task.operations):
            learned |= marks(_person(task))
        elif is_suppressed(_person(task), {**known, **learned}):
            refused.add(place)
    return refused, learned


def _person(task: Task) -> Person:
    return task.operations[0].person


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
