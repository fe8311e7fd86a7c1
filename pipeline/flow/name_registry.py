"""Which event names a workspace has, remembered between runs and shared by all workers.

A name stands in one of the tables ``ACTIVE``, ``PINNED`` and ``ARCHIVED``, under its key. Names are
admitted with nobody else in between, so several processes never admit more than the limit, and
all of them agree which.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, Protocol, TypeAlias

from pipeline.errors import UsageError
from pipeline.flow.event_names import Admission, EventNames, FirstUse, name_key, newcomers
from pipeline.model.exchange import Memory
from pipeline.model.operation import Operation, Outcome

ACTIVE = "event_name"
PINNED = "event_name_pinned"
ARCHIVED = "event_name_archived"
REFUSED = "event_name_refused"
"""Names for which the destination had no room, when last tried; they hold no place."""
USED = "event_name_used"
"""Key -> day of the newest event that was delivered."""
KINDS = (ACTIVE, PINNED, ARCHIVED, REFUSED, USED)

_REFUSED_NOW = "run.event_name_refused"
State: TypeAlias = Literal["pinned", "active", "archived", "refused", "denied"]
_STATES: Mapping[str, State] = {
    PINNED: "pinned",
    ACTIVE: "active",
    ARCHIVED: "archived",
    REFUSED: "refused",
}
"""Where a name is in two of them, the first counts."""

Slot: TypeAlias = tuple[str, str]
Rows: TypeAlias = Mapping[Slot, str]
Changes: TypeAlias = dict[Slot, str | None]


class Store(Protocol):
    """The part of a state store that is needed here."""

    def entries(self, scope: str, kinds: Collection[str]) -> dict[Slot, str]:
        """Everything that is remembered of ``kinds``."""
        ...

    def update(
        self, scope: str, kinds: Collection[str], change: Callable[[dict[Slot, str]], Changes]
    ) -> None:
        """Let ``change`` decide with nobody else in between."""
        ...


@dataclass(frozen=True, slots=True)
class KnownName:
    """One name of the registry.

    Attributes:
        key: The name as names are compared.
        name: As it was first written.
        state: ``active`` and ``pinned`` names hold a place; ``refused`` by the destination;
            ``denied`` by the settings, whatever the registry says.
        first_seen: Event time of its first use, microseconds since 1970; None if none was seen.
        last_used: Day of the newest event that was delivered, such as ``2024-05-01``.
    """

    key: str
    name: str
    state: State
    first_seen: int | None
    last_used: str | None

    @property
    def holds_place(self) -> bool:
        """Whether it is one of the names that the registry gave a place."""
        return self.state in ("pinned", "active")


class NameRegistry:
    """The event names of one workspace. Safe to share among threads.

    Args:
        store: Where they are kept.
        scope: Keeps workspaces apart.
    """

    def __init__(self, store: Store, scope: str) -> None:
        self._store = store
        self._scope = scope

    def names(self) -> list[KnownName]:
        """Every name that is known, in alphabetical order."""
        rows = self._store.entries(self._scope, KINDS)
        known = []
        for key in sorted(_keys(rows, *_STATES)):
            kind = _kind(rows, key)
            time, name = _decode(rows[kind, key])
            known.append(KnownName(key, name, _STATES[kind], time, rows.get((USED, key))))
        return known

    def admit(self, seen: Mapping[str, FirstUse], names: EventNames) -> Admission:
        """Give the names of ``seen`` a place while there is room; those admitted are remembered.

        Admitting the same names again changes nothing.
        """
        admissions = []

        def change(rows: dict[Slot, str]) -> Changes:
            admission, changes = admitting(rows, seen, names)
            admissions.append(admission)
            return changes

        self._store.update(self._scope, KINDS, change)
        return admissions[-1]

    def pin(self, name: str, *, limit: int) -> None:
        """Keep a place for ``name``, whether it was seen or not.

        Raises:
            UsageError: There is no room.
        """
        key = name_key(name)

        def change(rows: dict[Slot, str]) -> Changes:
            taken = _keys(rows, ACTIVE, PINNED)
            if key not in taken and len(taken) >= limit:
                message = f"all {limit} places are taken; archive a name first"
                raise UsageError(message)
            kind = _kind(rows, key)
            known = rows[kind, key] if kind else _encode(None, name)
            return {**_without(key, ACTIVE, ARCHIVED, REFUSED), (PINNED, key): known}

        self._store.update(self._scope, KINDS, change)

    def archive(self, name: str) -> None:
        """Free the place of ``name``, which somebody archived in Intercom.

        Raises:
            UsageError: There is no such name.
        """
        key = name_key(name)

        def change(rows: dict[Slot, str]) -> Changes:
            known = _known(rows, key, name)
            return {**_without(key, ACTIVE, PINNED, REFUSED), (ARCHIVED, key): known}

        self._store.update(self._scope, KINDS, change)

    def forget(self, name: str) -> None:
        """Drop everything about ``name``: when it comes again, it is a new one.

        Raises:
            UsageError: There is no such name.
        """
        key = name_key(name)

        def change(rows: dict[Slot, str]) -> Changes:
            _known(rows, key, name)
            return _without(key, *KINDS)

        self._store.update(self._scope, KINDS, change)


def admitting(
    rows: Rows, seen: Mapping[str, FirstUse], names: EventNames
) -> tuple[Admission, Changes]:
    """Which names of ``seen`` have a place or get one, and what is to be remembered of that."""
    taken, archived = _keys(rows, ACTIVE, PINNED), _keys(rows, ARCHIVED)
    limit = names.policy.event_name_limit
    new = newcomers(seen, taken=taken, archived=archived, pinned=names.pinned, limit=limit)
    changes: Changes = {}
    for key in new:
        changes.update({slot: None for slot in _without(key, ARCHIVED, REFUSED) if slot in rows})
        changes[ACTIVE, key] = _encode(*seen[key])
    for key in seen:
        pinned = rows.get((PINNED, key))
        if pinned is not None and _decode(pinned)[0] is None:
            changes[PINNED, key] = _encode(*seen[key])
    admitted = frozenset(new) | (taken & seen.keys())
    out = archived & seen.keys() - admitted
    over = sorted(use for key, use in seen.items() if key not in admitted and key not in out)
    admission = Admission(
        admitted=admitted,
        archived=frozenset(out),
        over=tuple(name for _, name in over),
        taken=len(taken) + len(new),
        limit=limit,
    )
    return admission, changes


class NameKeeper:
    """A runner that remembers what the destination says of event names.

    A name for which it has no room is not tried again in this run, and gives up its place here.

    Args:
        runner: Carries out operations.
        names: Where operations carry names.
    """

    def __init__(self, runner: _Runner, names: EventNames) -> None:
        self._runner = runner
        self._names = names

    def run(self, operation: Operation, memory: Memory) -> Outcome:
        """Carry out ``operation``, unless its name was refused before."""
        name = self._names.of(operation)
        if name is None:
            return self._runner.run(operation, memory)
        key = name_key(name)
        refused = memory.get(_REFUSED_NOW, key)
        if refused is not None:
            message = f"not sent: earlier in this run the answer to this name was: {refused}"
            return Outcome("dead", "event_name_cap", message)
        outcome = self._runner.run(operation, memory)
        if outcome.reason == "event_name_cap":
            memory.put(_REFUSED_NOW, key, outcome.message)
            memory.forget(ACTIVE, key)
            memory.put(REFUSED, key, _encode(operation.time, name))
        elif outcome.status == "delivered":
            day = datetime.fromtimestamp(operation.time // 1_000_000, UTC).date().isoformat()
            if day > (memory.get(USED, key) or ""):
                memory.put(USED, key, day)
        return outcome


class _Runner(Protocol):
    def run(self, operation: Operation, memory: Memory) -> Outcome: ...


def _keys(rows: Rows, *kinds: str) -> set[str]:
    return {key for kind, key in rows if kind in kinds}


def _without(key: str, *kinds: str) -> Changes:
    return {(kind, key): None for kind in kinds}


def _kind(rows: Rows, key: str) -> str:
    """In which table a name is; empty for none."""
    return next((kind for kind in _STATES if (kind, key) in rows), "")


def _known(rows: Rows, key: str, name: str) -> str:
    kind = _kind(rows, key)
    if not kind:
        message = f"no event name {name!r} is known; `penstock event-names ls` shows all"
        raise UsageError(message)
    return rows[kind, key]


def _encode(time: int | None, name: str) -> str:
    """As text that any database takes: ASCII, whatever the name is made of."""
    return json.dumps([time, name[:255]])


def _decode(row: str) -> tuple[int | None, str]:
    time, name = json.loads(row)
    return time, name
