"""The event-name budget: which names a workspace has room for, and which events must stay out.

A destination takes only so many different names. Of the names of a batch those get a place that
were used first, by event time; so the same names are admitted on every run, however the work is
split. Names that have a place keep it.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, TypeAlias

from pipeline.errors import ConfigurationError
from pipeline.flow.work import Task, Work
from pipeline.model.operation import Operation, Outcome

Account: TypeAlias = list[tuple[Task, Outcome]]
"""What came of every event."""
FirstUse: TypeAlias = tuple[int, str]
"""Event time, microseconds since 1970; the name as it was written then."""

_LONGEST_KEY = 255
_NEAR = 0.9
_KNOWN_NAMES = 10_000
_AS_COMPARED = str.maketrans({".": "-", "$": "-", "\0": "\N{REPLACEMENT CHARACTER}"})


@functools.lru_cache(maxsize=4096)
def name_key(name: str) -> str:
    """The name as names are compared: in lower case, and ``.`` and ``$`` are ``-``.

    Very long names end in a digest, so that any name can be the key of a table.

    >>> name_key("Order.Completed")
    'order-completed'
    """
    key = name.translate(_AS_COMPARED).lower()
    if len(key) <= _LONGEST_KEY:
        return key
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    return key[: _LONGEST_KEY - len(digest)] + digest


def note(seen: dict[str, FirstUse], name: str, time: int) -> None:
    """Note that ``name`` was used. Commutes: the order of the notes does not matter."""
    key, use = name_key(name), (time, name)
    known = seen.get(key)
    if known is None or use < known:
        seen[key] = use


@dataclass(frozen=True, slots=True, kw_only=True)
class NamePolicy:
    """What a user may choose, as settings of the mapping.

    Attributes:
        event_name_limit: So many active names the workspace takes.
        pin_event_names: Names for which a place is kept free.
        deny_event_names: Names whose events are skipped.
        event_name_overflow: Whether an event whose name has no place is kept as a dead letter,
            or dropped.
    """

    event_name_limit: int = 120
    pin_event_names: tuple[str, ...] = ()
    deny_event_names: tuple[str, ...] = ()
    event_name_overflow: Literal["dead_letter", "drop"] = "dead_letter"

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> NamePolicy:
        """The policy that the ``settings`` of a mapping state; other settings are not looked at.

        Raises:
            ConfigurationError: A setting has a value that it may not have.
        """
        chosen = {one.name: settings[one.name] for one in fields(cls) if one.name in settings}
        for name in ("pin_event_names", "deny_event_names"):
            if name in chosen:
                chosen[name] = _texts(name, chosen[name])
        policy = cls(**chosen)
        policy.check()
        return policy

    def check(self) -> None:
        """Raise ConfigurationError where the settings cannot be right."""
        limit = self.event_name_limit
        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
            message = f"setting 'event_name_limit' is {limit}; it must be a whole number above 0"
            raise ConfigurationError(message)
        if self.event_name_overflow not in ("dead_letter", "drop"):
            message = f"setting 'event_name_overflow' is {self.event_name_overflow!r}; it must be "
            raise ConfigurationError(message + "dead_letter or drop")
        pinned = {name_key(name): name for name in self.pin_event_names}
        both = pinned.keys() & {name_key(name) for name in self.deny_event_names}
        if both:
            message = f"the event name {pinned[min(both)]!r} is both pinned and denied"
            raise ConfigurationError(message)
        if len(pinned) > limit:
            message = f"{len(pinned)} event names are pinned, but the limit is {limit}"
            raise ConfigurationError(message)


def _texts(name: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, list | tuple) and all(isinstance(each, str) for each in value):
        return tuple(value)
    message = f"setting {name!r} is {value!r}; it must be a list of names"
    raise ConfigurationError(message)


@dataclass(frozen=True, slots=True)
class EventNames:
    """The policy, and where a destination's operations carry an event's name.

    Attributes:
        fields: Operation kind -> the field that holds the name.
        policy: What the user chose.
        pinned: Keys of the pinned names.
        denied: Keys of the denied names.
    """

    fields: Mapping[str, str]
    policy: NamePolicy
    pinned: frozenset[str] = field(init=False)
    denied: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        """Compute the keys once."""
        object.__setattr__(self, "pinned", frozenset(map(name_key, self.policy.pin_event_names)))
        object.__setattr__(self, "denied", frozenset(map(name_key, self.policy.deny_event_names)))

    def of(self, operation: Operation) -> str | None:
        """The event name that ``operation`` would submit, or None."""
        name = self.fields.get(operation.kind)
        value = operation.fields.get(name) if name is not None else None
        return value if isinstance(value, str) else None

    def among(self, operations: Iterable[Operation]) -> Iterator[str]:
        """The event names that ``operations`` would submit."""
        for operation in operations:
            name = self.of(operation)
            if name is not None:
                yield name

    def denies(self, operations: Iterable[Operation]) -> bool:
        """Whether one of ``operations`` would submit a denied name."""
        if not self.denied:
            return False
        return any(name_key(name) in self.denied for name in self.among(operations))


def newcomers(
    seen: Mapping[str, FirstUse],
    *,
    taken: Collection[str],
    archived: Collection[str],
    pinned: Collection[str],
    limit: int,
) -> list[str]:
    """The keys of the names of ``seen`` that get a place now.

    Pinned names get theirs before all others, and keep a place free while nobody uses them. Among
    equals the earlier use decides, then the name.

    Args:
        seen: Key -> first use, of every name that somebody wants to use.
        taken: Keys that have a place.
        archived: Keys that gave their place up; they get none unless they are pinned.
        pinned: Keys that the mapping pins.
        limit: So many places there are.
    """
    order = sorted((time, key) for key, (time, _) in seen.items() if key not in taken)
    first = [key for _, key in order if key in pinned]
    others = [key for _, key in order if key not in pinned and key not in archived]
    room = max(0, limit - len(taken))
    reserved = sum(key not in taken for key in pinned)
    return first[:room] + others[: max(0, room - reserved)]


@dataclass(frozen=True, slots=True)
class Admission:
    """Which names of a batch may be used.

    Attributes:
        admitted: Keys of the names of the batch that have a place.
        archived: Keys of those that have none because somebody archived them.
        over: The other names that have none, as written, by the time of their first use.
        taken: So many places are taken, by names of this batch and others.
        limit: So many places there are.
    """

    admitted: frozenset[str] = frozenset()
    archived: frozenset[str] = frozenset()
    over: tuple[str, ...] = ()
    taken: int = 0
    limit: int = 0

    @property
    def is_near_limit(self) -> bool:
        """Whether it is time to warn: nine of ten places are taken."""
        return self.taken >= _NEAR * self.limit

    def refusal(self, names: Iterable[str]) -> Outcome | None:
        """What becomes of an event with these names if it must not be submitted, else None."""
        for name in names:
            key = name_key(name)
            if key not in self.admitted:
                message = self._archived(name) if key in self.archived else self._over(name)
                return Outcome("dead", "event_name_cap", message, stage="admit")
        return None

    def _over(self, name: str) -> str:
        return (
            f"no room for the event name {shown(name)}: the workspace takes {self.limit} active "
            "names (setting event_name_limit); archive one in Intercom, say so with `penstock "
            "event-names archive NAME`, and replay, or deny this one (deny_event_names)"
        )

    def _archived(self, name: str) -> str:
        return (
            f"the event name {shown(name)} was archived and has no place; to use it again, "
            "`penstock event-names forget NAME` and replay"
        )


class Admitting:
    """Delivers the events whose names have a place; the others are refused as a whole.

    Args:
        deliver: Delivers the work of one person.
        names: Where operations carry names, and what becomes of refused events.
        admission: Which names have a place.
    """

    def __init__(
        self, deliver: Callable[[Work], Account], names: EventNames, admission: Admission
    ) -> None:
        self._deliver = deliver
        self._names = names
        self._admission = admission
        self._known: set[str] = set()  # names as written that are known to have a place

    def deliver(self, work: Work) -> Account:
        """What came of every event of ``work``."""
        refused: Account = []
        admitted: list[Task] = []
        for task in work.tasks:
            outcome = self._refusal(task)
            if outcome is None:
                admitted.append(task)
            else:
                refused.append((task, outcome))
        account = refused
        if not refused:
            account = self._deliver(work)
        elif admitted:
            account = refused + self._deliver(replace(work, tasks=tuple(admitted)))
        if self._names.policy.event_name_overflow == "drop":
            return [(task, _dropped(outcome)) for task, outcome in account]
        return account

    def _refusal(self, task: Task) -> Outcome | None:
        """What becomes of an event that must not be submitted, else None."""
        for operation in task.operations:
            name = self._names.of(operation)
            if name is None or name in self._known:
                continue
            outcome = self._admission.refusal((name,))
            if outcome is not None:
                return outcome
            if len(self._known) < _KNOWN_NAMES:
                self._known.add(name)
        return None


def _dropped(outcome: Outcome) -> Outcome:
    if outcome.reason != "event_name_cap":
        return outcome
    return Outcome("skipped", outcome.reason, warnings=outcome.warnings)


def shown(name: str) -> str:
    """A name for people, in quotes and not too long."""
    return repr(name if len(name) <= 100 else name[:99] + "\N{HORIZONTAL ELLIPSIS}")
