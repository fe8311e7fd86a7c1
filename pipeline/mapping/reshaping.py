"""Code for steps on whole objects, several of them in one go (see ``recipes``)."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.mapping import plan
from pipeline.mapping.conditions import Conditions
from pipeline.mapping.paths import Key, Path
from pipeline.mapping.recipes import MERGE, Part, Reshape, is_for_objects, is_learnable
from pipeline.mapping.shapes import KeptKeys

Steps = tuple[plan.Step, ...]


class Objects(Conditions):
    """Writes code that reshapes objects."""

    @property
    def sink(self) -> str:
        """The list that gets what is lost or changed; one that nobody reads where it is ignored."""
        return "warnings" if self.note == "note" else "[]"

    def rest(self, target: str, source: plan.Rest, steps: Steps = ()) -> None:
        """The members that nobody reads, and what the steps make of them."""
        holder, keys = self.object_at(source.path)
        reshape = self.reshape([_kept(source), *steps])
        self.emit(f"{target} = ABSENT")
        with self.block(f"if type({holder}) is dict:"):
            flags = self.flags(source)
            self.emit(f"{target} = {reshape}({holder}, {keys}, {flags}, {self.sink})")

    def merged(self, target: str, source: plan.Merge, steps: Steps) -> Steps:
        """Several objects in one, and what the steps make of it; the steps that are left."""
        count = together(steps)
        first, *others = source.values
        if isinstance(first.source, plan.Rest) and _all_can_be_learnt(first):
            count = can_be_learnt(steps)
            if not others:
                self.rest(target, first.source, first.steps + steps[:count])
                return steps[count:]
            holder, keys = self.object_at(first.source.path)
            flags = self.flags_if_object(holder, first.source)
            parts: list[Part] = [_kept(first.source), *first.steps]
        elif count:
            holder = self.value(first)
            keys, flags, parts = f"tuple({holder})", "()", []
        else:
            self.merge(target, [self.value(expr) for expr in source.values])
            return steps
        mark = "None"
        if len(parts) > 1 and self.note == "note":
            mark = self.fresh("mark")
            self.emit(f"{mark} = len(warnings)")
        extra = self.fresh("extra")
        if len(others) == 1 and isinstance(others[0].source, plan.Object) and not others[0].steps:
            self.into(extra, others[0])
        else:
            self.merge(extra, [self.value(expr) for expr in others])
        reshape = self.reshape([*parts, MERGE, *steps[:count]])
        with self.block(f"if type({holder}) is dict:"):
            given = f"{holder}, {keys}, {flags}, {self.sink}, {extra}, {mark}"
            self.emit(f"{target} = {reshape}({given})")
        with self.block("else:"):
            self.emit(f"{target} = {reshape}.one_by_one(ABSENT, (), {self.sink}, {extra})")
        return steps[count:]

    def merge(self, target: str, found: list[str]) -> None:
        """Several objects in one, without steps."""
        if not found:
            self.emit(f"{target} = ABSENT")
            return
        first, *others = found
        self.emit(f"{target} = dict({first}) if type({first}) is dict else ABSENT")
        for value in others:
            with self.block(f"if type({value}) is dict:"):
                before = f"({{}} if {target} is ABSENT else {target})"
                self.emit(f"{target} = {{**{before}, **{value}}}")

    def together(self, target: str, steps: Steps) -> None:
        """Several steps on a value that is there, in one go if it is an object."""
        self.emit(f"{target} = {self.reshape(list(steps))}.of({target}, {self.sink})")

    # --- parts -------------------------------------------------------------------------------

    def reshape(self, parts: Sequence[Part]) -> str:
        """The name of the function that does these steps."""
        return self.constant(Reshape(parts), "RESHAPE")

    def object_at(self, path: Path) -> tuple[str, str]:
        """What is at a path, and its keys if it is an object."""
        if all(isinstance(part, Key) for part in path.segments):
            holder = self.container(path)
            return holder.name, holder.all_keys
        name = self.fresh(path.root)
        self.emit(f"{name} = {self.read(path)}")
        return name, f"tuple({name})"

    def flags(self, source: plan.Rest) -> str:
        """A tuple that says which of the conditional members are left out."""
        flags = []
        for part in _conditional(source):
            flag = self.fresh(f"no_{part.key}")
            assert part.when is not None  # noqa: S101 - it is conditional
            self.emit(f"{flag} = {self.condition(part.when)}")
            flags.append(flag + ", ")
        return f"({''.join(flags).rstrip() if len(flags) == 1 else ''.join(flags)[:-2]})"

    def flags_if_object(self, holder: str, source: plan.Rest) -> str:
        """The same as a local variable, computed only if there is an object."""
        if not _conditional(source):
            return "()"
        name = self.fresh("flags")
        self.emit(f"{name} = ()")
        with self.block(f"if type({holder}) is dict:"):
            self.emit(f"{name} = {self.flags(source)}")
        return name


def together(steps: Sequence[plan.Step]) -> int:
    """So many steps at the front are worth doing in one go."""
    count = can_be_learnt(steps)
    return count if count > 1 and any(is_for_objects(step) for step in steps[:count]) else 0


def can_be_learnt(steps: Sequence[plan.Step]) -> int:
    """So many steps at the front may be done in one go."""
    for count, step in enumerate(steps):
        if not is_learnable(step):
            return count
    return len(steps)


def _all_can_be_learnt(expr: plan.Expr) -> bool:
    return expr.when is None and not expr.required and can_be_learnt(expr.steps) == len(expr.steps)


def _conditional(source: plan.Rest) -> list[plan.Without]:
    return [part for part in source.without if not _is_certain(part)]


def _is_certain(part: plan.Without) -> bool:
    return part.when is None or isinstance(part.when, plan.Literally)


def _kept(source: plan.Rest) -> KeptKeys:
    always = {
        part.key
        for part in source.without
        if _is_certain(part) and part.when != plan.Literally(value=False)
    }
    return KeptKeys(source.used | always, tuple(part.key for part in _conditional(source)))
