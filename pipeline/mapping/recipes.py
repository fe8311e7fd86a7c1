"""Several steps on an object in one go: what they make of it is learnt once for each shape.

The shape of an object is its keys and the types of its values. What a step does depends on little
else, so that a recipe can say which members stay, under which names, and what is warned of. It
is made by the very functions that define the steps, run on the object's members without their
values. Where values decide (a long text, a nested value that may stay), the steps run one by one.

Keys come from events; a recipe is therefore data, never code.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Any, Final

from pipeline.mapping import plan
from pipeline.mapping.functions import STEP_FUNCTIONS
from pipeline.mapping.objects import OBJECT_STEPS, date_key, is_kept, renamed, seconds_of_date
from pipeline.mapping.paths import ABSENT
from pipeline.mapping.shapes import KeptKeys

MOST_RECIPES = 4096
"""So many shapes are remembered by each place of a mapping; then all are learnt anew."""

MERGE: Final = "merge"
"""Among the steps: here further members come in."""

Part = plan.Step | KeptKeys | str
"""A step; which members ``rest`` keeps; or MERGE."""

_LONGEST_BOOLEAN = len("false")


_SHORTER_THAN_DATES = len("2024-01-02") - 1

_boolean_text = {True: "true", False: "false"}.__getitem__


@dataclass(frozen=True, slots=True)
class _Slot:
    """A member without its value: where it comes from, its type, and how it is changed."""

    source: Any
    type: type
    change: Callable[[Any], Any] | None = None


@dataclass(slots=True)
class _Recipe:
    """What to do with objects of one shape."""

    names: tuple[str, ...] = ()
    take: Callable[[Any], tuple[Any, ...]] | None = None
    changes: tuple[tuple[str, Callable[[Any], Any]], ...] = ()
    absent: bool = False
    before: tuple[str, ...] = ()  # warnings of the steps in front of MERGE, or of all
    behind: tuple[str, ...] = ()
    texts: tuple[Any, ...] = ()  # members that must be looked at
    longest: int = sys.maxsize  # of these texts
    short: int = _SHORTER_THAN_DATES  # up to here there is nothing to look at
    may_be_dates: tuple[Any, ...] = ()
    may_be_kept: tuple[Any, ...] = ()
    dated: dict[tuple[Any, ...], _Recipe | None] = field(default_factory=dict)


class Reshape(dict[tuple[Any, ...], _Recipe | None]):
    """Steps on objects, as a function that remembers a recipe for each shape.

    Args:
        parts: The steps, of those that ``is_learnable`` accepts, in their order.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        super().__init__()
        self._parts = tuple(parts)

    def __call__(
        self,
        members: dict[str, Any],
        keys: tuple[str, ...],
        flags: tuple[bool, ...],
        warnings: list[str],
        extra: Any = ABSENT,
        mark: int | None = None,
    ) -> Any:
        """What the steps make of an object.

        Args:
            members: The object.
            keys: Its keys.
            flags: Which of the conditional members ``rest`` leaves out.
            warnings: Get what is lost or changed.
            extra: An object that comes in at MERGE, or ABSENT.
            mark: Where in ``warnings`` those of the steps in front of MERGE belong.
        """
        source: dict[Any, Any]
        if extra:
            values = extra.values()
            shape: tuple[Any, ...] = (
                keys, tuple(map(type, members.values())), flags,
                tuple(extra), tuple(map(type, values)),
            )  # fmt: skip
            source = {**members, **dict(enumerate(values))}
        else:
            shape = (keys, tuple(map(type, members.values())), flags)
            source = members
        recipe = self[shape]
        if recipe is None:
            return self.one_by_one(members, flags, warnings, extra, mark)
        if recipe.texts:
            short, dates = recipe.short, None
            for key in recipe.texts:
                text = source[key]
                if len(text) > short:
                    if len(text) > recipe.longest:
                        return self.one_by_one(members, flags, warnings, extra, mark)
                    if text[4:5] == "-" and key in recipe.may_be_dates:
                        seconds = seconds_of_date(text)
                        if seconds is not None:
                            dates = {key: seconds} if dates is None else {**dates, key: seconds}
            if dates is not None:
                recipe = self._with_dates(recipe, shape, tuple(dates))
                source = {**source, **dates}
        if recipe is None or (recipe.may_be_kept and _one_is_kept(recipe, source)):
            return self.one_by_one(members, flags, warnings, extra, mark)
        if recipe.before:
            at = len(warnings) if mark is None else mark
            warnings[at:at] = recipe.before
        if recipe.behind:
            warnings += recipe.behind
        if recipe.take is None:
            return ABSENT if recipe.absent else {}
        made = dict(zip(recipe.names, recipe.take(source)))  # noqa: B905 - see _taker
        for name, change in recipe.changes:
            made[name] = change(made[name])
        return made

    def of(self, value: Any, warnings: list[str]) -> Any:
        """What the steps make of any value."""
        if type(value) is dict:
            return self(value, tuple(value), (), warnings)
        return self.one_by_one(value, (), warnings)

    def one_by_one(
        self,
        value: Any,
        flags: tuple[bool, ...],
        warnings: list[str],
        extra: Any = ABSENT,
        mark: int | None = None,
    ) -> Any:
        """The same, step by step; ``value`` may be anything, ABSENT too."""
        said: list[str] = []
        for part in self._parts:
            if part is MERGE:
                at = len(warnings) if mark is None else mark
                warnings[at:at] = said
                said = []
                if extra is not ABSENT:
                    value = {**({} if value is ABSENT else value), **extra}
            elif value is not ABSENT:
                value = _done(part, value, flags, said.append)
        warnings += said
        return value

    def __missing__(self, shape: tuple[Any, ...]) -> _Recipe | None:
        """Learn a shape; None where values decide."""
        if len(self) >= MOST_RECIPES:
            self.clear()
        self[shape] = recipe = _learnt(self._parts, shape, frozenset())
        return recipe

    def _with_dates(
        self, recipe: _Recipe, shape: tuple[Any, ...], dates: tuple[Any, ...]
    ) -> _Recipe | None:
        """The recipe for objects of a shape in which these members are dates."""
        if dates not in recipe.dated:
            if len(recipe.dated) >= _MOST_DATED:
                recipe.dated.clear()
            recipe.dated[dates] = _learnt(self._parts, shape, frozenset(dates))
        return recipe.dated[dates]


_MOST_DATED = 64


def is_learnable(step: plan.Step) -> bool:
    """Whether what a step makes of an object depends on its shape, but for a few values."""
    if step.name == "nested":
        return {step.args["policy"], *step.args.get("keys", {}).values()} == {"drop"}
    return step.name in _BY_SHAPE or step.name in _BY_KEYS


def is_for_objects(step: plan.Step) -> bool:
    """Whether a step is about the members of objects."""
    return step.name in OBJECT_STEPS


class _Learner:
    """A recipe while it is made."""

    def __init__(self, dates: frozenset[Any]) -> None:
        self.dates = dates
        self.said: list[str] = []
        self.texts: dict[Any, None] = {}
        self.longest = sys.maxsize
        self.may_be_dates: dict[Any, None] = {}
        self.may_be_kept: dict[Any, None] = {}


class _ValuesDecide(Exception):
    """The shape alone does not say what becomes of an object."""


_Slots = dict[str, _Slot]


def _learnt(parts: Iterable[Part], shape: tuple[Any, ...], dates: frozenset[Any]) -> _Recipe | None:
    keys, types, flags, *more = shape
    slots: Any = {key: _Slot(key, type_) for key, type_ in zip(keys, types, strict=True)}
    learner = _Learner(dates)
    before: tuple[str, ...] = ()
    try:
        for part in parts:
            if part is MERGE:
                before, learner.said = tuple(learner.said), []
                if more:
                    extra = enumerate(zip(*more, strict=True))
                    came = {name: _Slot(at, type_) for at, (name, type_) in extra}
                    slots = came if slots is ABSENT else {**slots, **came}
            elif slots is not ABSENT:
                by_shape = _BY_SHAPE.get(part.name) if isinstance(part, plan.Step) else None
                if by_shape is not None and isinstance(part, plan.Step):
                    slots = by_shape(slots, part.args, learner)
                else:
                    slots = _done(part, slots, flags, learner.said.append)
    except _ValuesDecide:
        return None
    recipe = _Recipe(absent=slots is ABSENT)
    if MERGE in parts:
        recipe.before, recipe.behind = before, tuple(learner.said)
    else:
        recipe.before = tuple(learner.said)
    if slots:
        recipe.names = tuple(slots)
        recipe.take = _taker([slot.source for slot in slots.values()])
        recipe.changes = tuple(
            (name, slot.change) for name, slot in slots.items() if slot.change is not None
        )
    recipe.texts, recipe.longest = tuple(learner.texts), learner.longest
    recipe.short = min(_SHORTER_THAN_DATES, learner.longest)
    recipe.may_be_dates = tuple(learner.may_be_dates)
    recipe.may_be_kept = tuple(learner.may_be_kept)
    return recipe


def _taker(keys: list[Any]) -> Callable[[Any], tuple[Any, ...]]:
    """The values of these keys as a tuple; a single one twice, as one alone would be no tuple."""
    return itemgetter(*keys) if len(keys) > 1 else itemgetter(keys[0], keys[0])


def _done(part: Any, value: Any, flags: tuple[bool, ...], note: Callable[[str], None]) -> Any:
    if isinstance(part, KeptKeys):
        return {key: value[key] for key in part[(tuple(value), *flags)]}
    return STEP_FUNCTIONS[part.name](value, part.args, note)


def _one_is_kept(recipe: _Recipe, source: dict[Any, Any]) -> bool:
    for key in recipe.may_be_kept:  # noqa: SIM110 - any() with a generator costs three times as much
        if is_kept(source[key], ("link", "money")):
            return True
    return False


# --- steps that look at values, by the shape alone -------------------------------------------


def _nested(slots: _Slots, args: dict[str, Any], learner: _Learner) -> _Slots:
    kept = {}
    for name, slot in slots.items():
        if slot.type is not dict and slot.type is not list:
            kept[name] = slot
            continue
        if slot.type is dict and args.get("keep"):
            learner.may_be_kept[slot.source] = None
        learner.said.append("nested_dropped")
    return kept


def _drop_nulls(slots: _Slots, args: Any, learner: _Learner) -> _Slots:
    return {name: slot for name, slot in slots.items() if slot.type is not type(None)}


def _booleans(slots: _Slots, args: Any, learner: _Learner) -> _Slots:
    return {
        name: replace(slot, type=str, change=_boolean_text) if slot.type is bool else slot
        for name, slot in slots.items()
    }


def _dates(slots: _Slots, args: dict[str, Any], learner: _Learner) -> _Slots:
    members = []
    for name, slot in slots.items():
        if slot.type is not str or slot.change is not None:
            members.append((name, name, slot))
        elif slot.source in learner.dates:
            to = date_key(name, args["suffix"], args.get("unless", ()))
            members.append((name, to, replace(slot, type=int)))
        else:
            members.append((name, name, slot))
            learner.texts[slot.source] = learner.may_be_dates[slot.source] = None
    return renamed(members, learner.said.append)


def _cut(slots: _Slots, limit: int, learner: _Learner) -> _Slots:
    for slot in slots.values():
        if slot.type is not str:
            continue
        if slot.change is None:
            learner.texts[slot.source] = None
        elif limit < _LONGEST_BOOLEAN:
            raise _ValuesDecide
    learner.longest = min(learner.longest, limit)
    return slots


_BY_SHAPE: dict[str, Callable[[_Slots, Any, _Learner], _Slots]] = {
    "nested": _nested,
    "drop_nulls": _drop_nulls,
    "booleans": _booleans,
    "dates": _dates,
    "cut": _cut,
}
"""Steps that look at values."""

_BY_KEYS = frozenset(
    ["keep_keys", "rename_keys", "key_case", "clean_keys", "limit_keys", "drop_empty"]
)
"""Steps that do not look at values: they run on the members without them."""
