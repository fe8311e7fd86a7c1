"""Several steps on an object in one go: what they make of it is learnt once for each shape.

The shape of an object is its keys and the types of its values. What a step does depends on little
else, so that a recipe can say which members stay, under which names, and what is warned of. It
is made by the very functions that define the steps, run on the object's members without their
values. Where values decide (a long text, a nested value that may stay), the steps run one by one.

Keys come from events; a recipe is therefore data, never code.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Any, Final

from pipeline.mapping import plan
from pipeline.mapping.functions import STEP_FUNCTIONS
from pipeline.mapping.objects import OBJECT_STEPS, date_key, is_kept, renamed, seconds_of_date
from pipeline.mapping.paths import ABSENT
from pipeline.mapping.shapes import KeptKeys, Remembered

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
    """A member without its value: which of the values it is, its type, and how it is changed."""

    source: int
    type: type
    change: Callable[[Any], Any] | None = None


@dataclass(slots=True)
class _Recipe:
    """What to do with objects of one shape; members are positions among the values."""

    names: tuple[str, ...] = ()
    take: Callable[[Sequence[Any]], Sequence[Any]] | None = None  # None: all, in their order
    plain: bool = False  # there is nothing else to do
    changes: tuple[tuple[str, Callable[[Any], Any]], ...] = ()
    absent: bool = False
    before: tuple[str, ...] = ()  # warnings of the steps in front of MERGE, or of all
    behind: tuple[str, ...] = ()
    texts: tuple[int, ...] = ()  # members that must be looked at
    longest: int = sys.maxsize  # of these texts
    short: int = _SHORTER_THAN_DATES  # up to here there is nothing to look at
    may_be_dates: tuple[int, ...] = ()
    may_be_kept: tuple[int, ...] = ()
    dated: dict[tuple[int, ...], _Recipe | None] = field(default_factory=dict)


class _Keys:
    """What is known of objects with the same keys."""

    __slots__ = ("kept", "recipes", "values")

    def __init__(self, kept: tuple[str, ...]) -> None:
        self.kept = kept
        self.values = _taker(kept)
        self.recipes: dict[Any, _Recipe | None] = {}


class Reshape(Remembered[Any, _Keys]):
    """Steps on objects, as a function that remembers a recipe for each shape.

    Args:
        parts: The steps, of those that ``is_learnable`` accepts, in their order; the first may
            say which members ``rest`` keeps.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        super().__init__()
        self._parts = tuple(parts)
        self._kept = parts[0] if isinstance(parts[0], KeptKeys) else None
        self._steps = self._parts if self._kept is None else self._parts[1:]
        self._learnt = 0

    def __repr__(self) -> str:
        """The steps, for people who read the code."""
        names = [part if isinstance(part, str) else _said(part) for part in self._parts]
        return f"Reshape({', '.join(names)})"

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
        known = self[(keys, flags) if flags else keys]
        values: Sequence[Any] = known.values(members)
        shape: Any = tuple(map(type, values))
        if extra:
            added: tuple[Any, ...] = tuple(extra.values())
            shape = (shape, tuple(extra), tuple(map(type, added)))
            values += added  # type: ignore[operator]
        try:
            recipe = known.recipes[shape]
        except KeyError:
            recipe = self._learn(known, shape)
        if recipe is None:
            return self.one_by_one(members, flags, warnings, extra, mark)
        if recipe.texts:
            short, dates = recipe.short, None
            for at in recipe.texts:
                text = values[at]
                if len(text) > short:
                    if len(text) > recipe.longest:
                        return self.one_by_one(members, flags, warnings, extra, mark)
                    if text[4:5] == "-" and at in recipe.may_be_dates:
                        seconds = seconds_of_date(text)
                        if seconds is not None:
                            dates = {at: seconds} if dates is None else {**dates, at: seconds}
            if dates is not None:
                recipe = self._with_dates(recipe, known, shape, tuple(dates))
                values = list(values)
                for at, seconds in dates.items():
                    values[at] = seconds
        if recipe is not None and recipe.plain:
            taken = values if recipe.take is None else recipe.take(values)
            return dict(zip(recipe.names, taken))  # noqa: B905 - see _taker
        if recipe is None or (recipe.may_be_kept and _one_is_kept(recipe, values)):
            return self.one_by_one(members, flags, warnings, extra, mark)
        if recipe.before:
            if mark is None or mark == len(warnings):
                warnings += recipe.before
            else:
                warnings[mark:mark] = recipe.before
        if recipe.behind:
            warnings += recipe.behind
        if recipe.absent:
            return ABSENT
        taken = values if recipe.take is None else recipe.take(values)
        made = dict(zip(recipe.names, taken))  # noqa: B905 - see _taker
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

    def __missing__(self, shape: Any) -> _Keys:
        """Which of these keys are kept."""
        if len(self) >= MOST_RECIPES:
            self.clear()
        keys, flags = shape if shape and type(shape[0]) is tuple else (shape, ())
        self.make_room(keys)
        self[shape] = known = _Keys(keys if self._kept is None else self._kept[(keys, *flags)])
        return known

    def _learn(self, known: _Keys, shape: Any) -> _Recipe | None:
        """The recipe for a shape; None where values decide."""
        if self._learnt >= MOST_RECIPES:
            self.clear()
            self._learnt = 0
        self._learnt += 1
        self.make_room(known.kept)
        known.recipes[shape] = recipe = _learnt(self._steps, known.kept, shape, frozenset())
        return recipe

    def _with_dates(
        self, recipe: _Recipe, known: _Keys, shape: Any, dates: tuple[int, ...]
    ) -> _Recipe | None:
        """The recipe for objects of a shape in which these members are dates."""
        if dates not in recipe.dated:
            if len(recipe.dated) >= _MOST_DATED:
                recipe.dated.clear()
            self.make_room(known.kept)
            recipe.dated[dates] = _learnt(self._steps, known.kept, shape, frozenset(dates))
        return recipe.dated[dates]


_MOST_DATED = 64


def _said(part: plan.Step | KeptKeys) -> str:
    return f"{part.name}: {part.args!r}" if isinstance(part, plan.Step) else repr(part)


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

    def __init__(self, dates: frozenset[int]) -> None:
        self.dates = dates
        self.said: list[str] = []
        self.texts: dict[int, None] = {}
        self.longest = sys.maxsize
        self.may_be_dates: dict[int, None] = {}
        self.may_be_kept: dict[int, None] = {}
        self.values_decide = False


_Slots = dict[str, _Slot]


def _learnt(
    parts: Sequence[Part], keys: tuple[str, ...], shape: Any, dates: frozenset[int]
) -> _Recipe | None:
    types: tuple[type, ...] = shape
    extra: tuple[str, ...] = ()
    more: tuple[type, ...] = ()
    if shape and type(shape[0]) is tuple:
        types, extra, more = shape
    slots: Any = {
        key: _Slot(at, type_) for at, (key, type_) in enumerate(zip(keys, types, strict=False))
    }
    learner = _Learner(dates)
    before: tuple[str, ...] = ()
    for part in parts:
        if part is MERGE:
            before, learner.said = tuple(learner.said), []
            came = {
                name: _Slot(at, type_)
                for at, (name, type_) in enumerate(zip(extra, more, strict=True), len(types))
            }
            # nothing, or an empty object that came in
            learner.values_decide |= slots is ABSENT and not came
            slots = came if slots is ABSENT else {**slots, **came}
        elif slots is not ABSENT:
            by_shape = _BY_SHAPE.get(part.name) if isinstance(part, plan.Step) else None
            if by_shape is not None and isinstance(part, plan.Step):
                slots = by_shape(slots, part.args, learner)
            else:
                slots = _done(part, slots, (), learner.said.append)
    if learner.values_decide:
        return None
    recipe = _Recipe(absent=slots is ABSENT)
    if MERGE in parts:
        recipe.before, recipe.behind = before, tuple(learner.said)
    else:
        recipe.before = tuple(learner.said)
    if slots:
        recipe.names = tuple(slots)
        sources = tuple(slot.source for slot in slots.values())
        recipe.take = None if sources == tuple(range(len(sources))) else _taker(sources)
        recipe.changes = tuple(
            (name, slot.change) for name, slot in slots.items() if slot.change is not None
        )
    recipe.texts, recipe.longest = tuple(learner.texts), learner.longest
    recipe.short = min(_SHORTER_THAN_DATES, learner.longest)
    recipe.may_be_dates = tuple(learner.may_be_dates)
    recipe.may_be_kept = tuple(learner.may_be_kept)
    more_to_do = (recipe.absent, recipe.before, recipe.behind, recipe.changes, recipe.may_be_kept)
    recipe.plain = not any(more_to_do)
    return recipe


def _taker(keys: tuple[Any, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """The values of these keys as a tuple; a single one twice, as one alone would be no tuple."""
    if not keys:
        return lambda values: ()
    return itemgetter(*keys) if len(keys) > 1 else itemgetter(keys[0], keys[0])


def _done(part: Any, value: Any, flags: tuple[bool, ...], note: Callable[[str], None]) -> Any:
    if isinstance(part, KeptKeys):
        return {key: value[key] for key in part[(tuple(value), *flags)]}
    return STEP_FUNCTIONS[part.name](value, part.args, note)


def _one_is_kept(recipe: _Recipe, values: Sequence[Any]) -> bool:
    for at in recipe.may_be_kept:  # noqa: SIM110 - any() with a generator costs three times as much
        if is_kept(values[at], ("link", "money")):
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
        else:
            learner.values_decide |= limit < _LONGEST_BOOLEAN
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
