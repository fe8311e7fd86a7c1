"""Code that reads an event: its members, the objects in it that are looked into, the variables.

What several places need is a *slot*: computed at the first place that certainly needs it, and
behind an ``is UNSET`` where that is not certain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from pipeline.mapping import plan
from pipeline.mapping.paths import Key, Path, lookup
from pipeline.mapping.shapes import FoundKeys
from pipeline.mapping.writing import Writer
from pipeline.model.times import SECOND


@dataclass(slots=True)
class Container:
    """An object of the event that members are read of.

    Attributes:
        name: Of the local variable that holds it, whatever it is.
        found: Learns which keys of it the names mean.
        constant: The name under which ``found`` is known to the code.
        keys: Name wanted -> local variable that holds the key it means, or None.
    """

    name: str
    found: FoundKeys
    constant: str
    keys: dict[Key, str] = field(default_factory=dict)

    @property
    def all_keys(self) -> str:
        """The local variable that holds all keys, where it is an object."""
        return f"{self.name}_keys"


class Reader(Writer):
    """Writes code that reads.

    Args:
        lets: The variables.
        counting: The function that counts what variables lose.
    """

    def __init__(self, lets: dict[str, plan.Expr], *, counting: str) -> None:
        super().__init__()
        self.lets = lets
        self.counting = self.note = counting
        self.begun: set[str] = set()
        self.guarded: set[str] = set()
        self.slots: dict[Path, str] = {}
        self.containers: dict[Path, Container] = {}
        self.in_loop = False
        self.constants["SECOND"] = SECOND

    def value(self, expr: plan.Expr, name: str = "") -> str:
        """Code for an expression; an expression without effects for its value."""
        raise NotImplementedError

    def into(self, target: str, expr: plan.Expr, name: str = "") -> None:
        """Code that computes an expression into a local variable."""
        raise NotImplementedError

    # --- paths -------------------------------------------------------------------------------

    def read(self, path: Path) -> str:
        """Code that follows a path; an expression for what it leads to."""
        member = self.member(path)
        if member is not None:
            holder, key = member
            return f"(ABSENT if {key} is None else {holder}[{key}])"
        root = self.root(path)
        if not path.segments:
            return root
        self.constants["lookup"] = lookup
        segments = self.constant(path.segments)
        return f"(ABSENT if {root} is ABSENT else lookup({root}, {segments}))"

    def member(self, path: Path) -> tuple[str, str] | None:
        """The object and the key that a path of names ends with; the key is None if absent."""
        if not path.segments or not all(isinstance(part, Key) for part in path.segments):
            return None
        *above, last = path.segments
        holder = self.container(Path(path.root, tuple(above), path.quoted_root))
        assert isinstance(last, Key)  # noqa: S101
        if last not in holder.keys:
            holder.keys[last] = self.fresh(f"{last.name}_key")
            holder.found.wanted.append(last)
        return holder.name, holder.keys[last]

    def is_at_hand(self, path: Path) -> bool:
        """Whether the object that a path looks into is computed wherever the code comes now."""
        holder = self.containers.get(Path(path.root, path.segments[:-1], path.quoted_root))
        return bool(path.segments) and holder is not None and holder.name in self.done

    def container(self, path: Path) -> Container:
        """The object at a path, with the keys that are looked for in it."""
        holder = self.containers.get(path)
        if holder is None:
            name, found = self.fresh(path.root if not path.segments else str(path)), FoundKeys()
            holder = Container(name, found, self.constant(found, "FOUND"))
            self.containers[path] = holder
        self.need(holder.name, path, partial(self.contain, holder, path))
        return holder

    def contain(self, holder: Container, path: Path) -> None:
        """Code that gets the object and finds all keys that are looked for in it, at once."""
        self.emit(f"{holder.name} = {self.read(path)}")
        self.emit_later(partial(_finding, holder))

    def root(self, path: Path) -> str:
        """The beginning of a path."""
        if path.root == "item" and not path.quoted_root:
            return "item"
        if path.root.startswith("$") and not path.quoted_root:
            return self.variable(path.root[1:])
        root = Path(path.root, (), quoted_root=True)
        name = self.slot(root, path.root)
        self.need(
            name,
            root,
            lambda: self.emit(f"{name} = body.get({self.constant(path.root)}, ABSENT)"),
        )
        return name

    def variable(self, name: str) -> str:
        """A variable: computed where it is first read; what it loses is always counted."""
        path = Path(f"${name}")
        slot = self.slot(path, f"the_{name}")

        def compute() -> None:
            outer, self.note = self.note, self.counting
            if name == "time":
                self.emit(f"{slot} = event.time // SECOND")
            else:
                self.comment(f"${name}")
                self.into(slot, self.lets[name], name)
            self.note = outer

        self.need(slot, path, compute)
        if name == "time":
            self.certain.add(slot)
        return slot

    # --- slots -------------------------------------------------------------------------------

    def slot(self, path: Path, hint: str) -> str:
        """The name of the slot for what is at a path."""
        if path not in self.slots:
            self.slots[path] = self.fresh(hint)
        return self.slots[path]

    def need(self, slot: str, path: Path, compute: Callable[[], None]) -> None:
        """See to it that a slot is computed before what is written next."""
        if slot in self.done:
            return
        if slot in self.begun or (self.in_loop and not _is_of_item(path)):
            self.guarded.add(slot)
            with self.block(f"if {slot} is UNSET:"):
                compute()
        else:
            compute()
        self.begun.add(slot)
        self.done.add(slot)

    def forget_item(self) -> None:
        """What was computed of one item is of no use for the next loop."""
        for path in [path for path in self.containers if _is_of_item(path)]:
            self.done.discard(self.containers.pop(path).name)

    def slots_of_item(self) -> list[str]:
        """The slots that must be unset for each item."""
        names = [holder.name for path, holder in self.containers.items() if _is_of_item(path)]
        return [name for name in names if name in self.guarded]


def _is_of_item(path: Path) -> bool:
    return path.root == "item" and not path.quoted_root


def _finding(holder: Container) -> list[str]:
    name, keys = holder.name, list(holder.keys.values())
    lines = [f"if type({name}) is dict:", f"    {holder.all_keys} = tuple({name})"]
    if keys:
        lines += [
            f"    {', '.join(keys)}, = {holder.constant}[{holder.all_keys}]",
            "else:",
            f"    {' = '.join(keys)} = None",
        ]
    return lines
