"""Writes a plan as straight-line Python and compiles it: what the interpreter means, faster.

The code is made from the plan alone, never from an event: names are numbered, and every text of
the mapping stands in it as a Python literal. ``Mapper.source`` is meant to be read
(``penstock explain --code``). A property test holds it to the interpreter's results.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from pipeline.mapping import plan
from pipeline.mapping.functions import STEP_FUNCTIONS, TEST_FUNCTIONS
from pipeline.mapping.interpreter import Mapped, Result, integration_on
from pipeline.mapping.language import TESTS
from pipeline.mapping.paths import ABSENT, Key, Path, lookup
from pipeline.mapping.runtime import EMPTY, UNSET, KeptKeys, ignore, join, template
from pipeline.mapping.shapes import SHAPES
from pipeline.mapping.specialise import OTHER, names_in, specialised
from pipeline.model.event import EVENT_TYPES, Event
from pipeline.model.operation import Operation, Person
from pipeline.model.refusal import Refusal, Skip
from pipeline.model.text import normal_key
from pipeline.model.times import seconds

_LITERALS = (str, int, bool, type(None))


class Mapper:
    """Maps events by one plan, as ``Interpreter`` does. Safe to share among threads.

    Code is made for each event type, and for each event name that the mapping writes, when the
    first such event comes.
    """

    def __init__(self, mapping: plan.MappingPlan) -> None:
        self._plan = mapping
        self._names = names_in(mapping)
        self._made: dict[tuple[str, str | None], _Functions] = {}

    def __call__(self, event: Event) -> Result:
        """What becomes of ``event``."""
        result: Result = self._functions(event).map(event)
        return result

    map = __call__

    def wants(self, event: Event) -> Skip | None:
        """Why the mapping surely does not want ``event``, or None where it may want it.

        Cheap, and safe to ask before the event is validated: decided by its type, its name and
        the conditions under ``skip``, without looking at what a rule asks for. Where this answers
        with a ``Skip``, mapping the event answers with the same.
        """
        skip: Skip | None = self._functions(event).wants(event)
        return skip

    @property
    def source(self) -> str:
        """All the code there may be, to be read."""
        names: list[tuple[str, str | None]] = [(type_, OTHER) for type_ in EVENT_TYPES]
        names += [("track", name) for name in sorted(self._names)]
        return "\n\n".join(_Functions(self._plan, *unit).source for unit in names)

    def _functions(self, event: Event) -> _Functions:
        name = event.body.get("event") if event.type == "track" else OTHER
        unit = (event.type, name if type(name) is str and name in self._names else OTHER)
        made = self._made.get(unit)
        if made is None:
            made = self._made[unit] = _Functions(self._plan, *unit)
        return made


class _Functions:
    """The code for events of one type and name."""

    def __init__(self, mapping: plan.MappingPlan, type_: str, name: str | None) -> None:
        known = specialised(mapping, type_, name)
        self.source = ""
        self.map: Any = self._compiled(_Writer(known), "map_event", f"<mapping {mapping.name}>")
        self.wants: Any = self._compiled(_Sieve(known), "wants_event", f"<mapping {mapping.name}>")

    def _compiled(self, writer: _Writer, function: str, file: str) -> Any:
        source = writer.write()
        self.source += source
        namespace = dict(writer.constants)
        exec(compile(source, file, "exec"), namespace)  # noqa: S102
        return namespace[function]


class _Writer:
    """Writes one function, ``map_event(event)``.

    What several places need (a variable, an object that is looked into) is a *slot*: computed at
    the first place that certainly needs it, and behind an ``is UNSET`` where that is not certain.
    """

    counting = "note"

    def __init__(self, mapping: plan.MappingPlan) -> None:
        self.mapping = mapping
        self.lets = dict(mapping.lets)
        self.lines: list[str] = []
        self.depth = 1
        self.number = 0
        self.constants: dict[str, Any] = {
            "ABSENT": ABSENT, "UNSET": UNSET, "EMPTY": EMPTY, "SHAPES": SHAPES,
            "Mapped": Mapped, "Skip": Skip, "Refusal": Refusal, "Operation": Operation,
            "Person": Person, "seconds": seconds, "integration_on": integration_on,
            "lookup": lookup, "ignore": ignore, "join": join, "template": template,
        }  # fmt: skip
        self.literals: set[str] = set()
        self.done: set[str] = set()
        self.begun: set[str] = set()
        self.guarded: set[str] = set()
        self.slots: dict[str, str] = {}
        self.in_loop = False
        self.note = self.counting

    # --- writing -----------------------------------------------------------------------------

    def emit(self, line: str) -> None:
        """One line at the current depth."""
        self.lines.append("    " * self.depth + line)

    def fresh(self) -> str:
        """A new name."""
        self.number += 1
        return f"v{self.number}"

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """An indented block; what is computed in it is not certain behind it."""
        self.emit(head)
        self.depth += 1
        done = set(self.done)
        before = len(self.lines)
        yield
        if len(self.lines) == before:
            self.emit("pass")
        self.done = done
        self.depth -= 1

    def present(self, value: str) -> str:
        """The head of a block for a value that is there; one written in the mapping always is."""
        known = value in self.literals
        return "if True:" if known else f"if {value} is not ABSENT:"

    def constant(self, value: Any) -> str:
        """An expression for data of the mapping: a literal, or the name of a constant."""
        if type(value) in _LITERALS:
            self.literals.add(repr(value))
            return repr(value)
        if value is ABSENT:
            return "ABSENT"
        name = f"K{len(self.constants)}"
        self.constants[name] = value
        return name

    def function(self, prefix: str, name: str, function: Any) -> str:
        """The name under which a function of the language is known to the code."""
        known = f"{prefix}_{name}"
        self.constants[known] = function
        return known

    def write(self) -> str:
        """The whole source."""
        for reason, condition in self.mapping.skips:
            with self.when(condition):
                self.emit(f"return Skip({reason!r})")
        for rule in self.mapping.rules:
            self.emit("")
            self.emit(f"# rule {rule.name!r}, line {rule.place.line}")
            with self.when(rule.when):
                begun = set(self.begun)
                self.rule(rule)
                self.begun = begun  # a rule always returns: nothing it began is seen behind it
        self.emit("return Skip('not_mapped')")
        head = [
            "def map_event(event):",
            "    body = event.body",
            "    type_ = event.type",
            "    warnings = list(event.warnings)",
            "    note = warnings.append",
            "    time = event.time",
        ]
        slots = sorted(self.guarded)
        if slots:
            head.append("    " + " = ".join(slots) + " = UNSET")
        return "\n".join([*head, *self.lines, ""])

    # --- rules -------------------------------------------------------------------------------

    def rule(self, rule: plan.Rule) -> None:
        """What happens once a rule's condition holds; every way ends in a return."""
        if rule.skip is not None:
            self.emit(f"return Skip({rule.skip!r})")
            return
        for reason, condition in rule.require:
            with self.unless(condition):
                self.refuse(reason, f"rule {rule.name!r} requires it")
        ids = [
            self.identifier(expr)
            for expr in (rule.person.user_id, rule.person.email, rule.person.anonymous_id)
        ]
        self.emit(f"person = Person({', '.join(ids)})")
        self.emit("operations = []")
        for made in rule.operations:
            self.operation(made)
        with self.block("if not operations:"):
            self.emit("return Skip('not_mapped')")
        name = self.constant(rule.name)
        self.emit(f"return Mapped({name}, person, tuple(operations), tuple(warnings))")

    def identifier(self, expr: plan.Expr | None) -> str:
        """A value that counts only if it is a text."""
        if expr is None:
            return "None"
        value = self.value(expr)
        return f"({value} if type({value}) is str else None)"

    def operation(self, made: plan.OperationPlan) -> None:
        """One operation, or one for each item."""
        self.emit(f"# {made.kind}, line {made.place.line}")
        if made.for_each is None:
            self.one_operation(made)
            return
        found = self.value(made.for_each)
        items = self.fresh()
        self.emit(f"{items} = {found} if type({found}) is list else ")
        self.lines[-1] += f"() if {found} is ABSENT else ({found},)"
        outer, self.in_loop = self.in_loop, True
        self.forget_item()
        with self.block(f"for item in {items}:"):
            mark = len(self.lines)
            self.one_operation(made)
            resets = [slot for slot in self.slots.values() if slot.startswith("i")]
            resets = [slot for slot in resets if slot in self.guarded]
            if resets:
                indent = "    " * self.depth
                self.lines.insert(mark, indent + " = ".join(sorted(resets)) + " = UNSET")
        self.in_loop = outer
        self.forget_item()

    def forget_item(self) -> None:
        """What was computed of one item is of no use for the next loop."""
        for key in [key for key, slot in self.slots.items() if slot.startswith("i")]:
            slot = self.slots.pop(key)
            self.done.discard(slot)

    def one_operation(self, made: plan.OperationPlan) -> None:
        """The operation for the current item, if there is one to make."""
        with self.when(made.when):
            fields = self.fresh()
            self.emit(f"{fields} = {{}}")
            for name, expr in made.fields:
                self.emit(f"# {made.kind}.{name}, line {expr.place.line}")
                value = self.value(expr, name)
                with self.block(self.present(value)):
                    self.emit(f"{fields}[{name!r}] = {value}")
            operation = f"operations.append(Operation({made.kind!r}, person, time, {fields}))"
            if made.needs:
                needed = " and ".join(f"{name!r} in {fields}" for name in made.needs)
                with self.block(f"if {needed}:"):
                    self.emit(operation)
            else:
                self.emit(operation)

    # --- values ------------------------------------------------------------------------------

    def value(self, expr: plan.Expr, name: str = "") -> str:
        """Code that computes an expression; the name that holds it."""
        source = expr.source
        plain = not expr.steps and expr.when is None and not expr.required
        if plain and isinstance(source, plan.Const):
            return self.constant(source.value)
        if plain and isinstance(source, plan.Pick):
            return self.read(source.path)
        target = self.fresh()
        if expr.when is None:
            self.computed(expr, target)
        else:
            self.emit(f"{target} = ABSENT")
            with self.when(expr.when):
                self.computed(expr, target)
        if expr.required:
            where = f" (line {expr.place.line} of the mapping)"
            message = f"the field {name or 'marked required'!r} has no value{where}"
            with self.block(f"if {target} is ABSENT:"):
                self.refuse("mapping_error", message)
        return target

    def refuse(self, reason: str, message: str) -> None:
        """The end of an event that lacks something."""
        self.emit(f"return Refusal.because({reason!r}, {self.constant(message)})")

    def computed(self, expr: plan.Expr, target: str) -> None:
        """The source and the steps of an expression."""
        self.emit(f"{target} = {self.source_of(expr.source)}")
        if not expr.steps:
            return
        if expr.nullable:
            with self.block(f"if {target} is not None:"):
                self.steps(expr.steps, target)
        else:
            self.steps(expr.steps, target)

    def steps(self, steps: tuple[plan.Step, ...], target: str) -> None:
        """One step after the other; what is absent passes them by, but for ``default``."""
        for step in steps:
            if step.name == "default":
                with self.block(f"if {target} is ABSENT:"):
                    self.emit(f"{target} = {self.constant(step.args)}")
                continue
            with self.block(f"if {target} is not ABSENT:"):
                self.step(step, target)

    def step(self, step: plan.Step, target: str) -> None:
        """One step on a value that is there."""
        test = TEST_FUNCTIONS.get(step.name)
        if test is not None:
            with self.block(f"if not {self.test(step, target)}:"):
                for kind in TESTS[step.name].warnings:
                    self.emit(f"{self.note}({kind!r})")
                self.emit(f"{target} = ABSENT")
            return
        shortcut = _SHORTCUTS.get((step.name, step.args if type(step.args) is tuple else None))
        if shortcut is not None:
            with self.block(f"if {shortcut.format(target)}:"):
                self.emit(f"{target} = ABSENT")
            return
        function = self.function("step", step.name, STEP_FUNCTIONS[step.name])
        args = self.arguments(step.args)
        self.emit(f"{target} = {function}({target}, {args}, {self.note})")

    def arguments(self, args: Any) -> str:
        """The arguments of a step, with the values among them computed."""
        if not isinstance(args, dict) or not any(
            isinstance(part, plan.Expr) for part in args.values()
        ):
            return self.constant(args)
        parts = [
            f"{key!r}: "
            + (self.value(part) if isinstance(part, plan.Expr) else self.constant(part))
            for key, part in args.items()
        ]
        return "{" + ", ".join(parts) + "}"

    def source_of(self, source: plan.Source) -> str:
        """Code for a source; an expression for its value."""
        match source:
            case plan.Pick(path):
                return self.read(path)
            case plan.Const(value):
                return self.constant(value)
            case plan.First(values):
                return self.first(values)
            case plan.Join(values, separator):
                parts = ", ".join([self.value(expr) for expr in values])
                return f"join(({parts},), {separator!r})"
            case plan.Object():
                return self.object(source)
            case plan.Merge(values):
                return self.merge(values)
            case plan.ListOf(values):
                parts = ", ".join([self.value(expr) for expr in values])
                return f"[each for each in ({parts},) if each is not ABSENT]"
            case plan.Rest():
                return self.rest(source)
            case plan.Template(parts):
                return self.template(parts)

    def first(self, values: tuple[plan.Expr, ...]) -> str:
        """The alternatives, each in a block of its own behind the one before."""
        if not values:
            return "ABSENT"
        target = self.fresh()
        self.emit(f"{target} = {self.value(values[0])}")
        for expr in values[1:]:
            with self.block(f"if {target} is ABSENT:"):
                self.emit(f"{target} = {self.value(expr)}")
        return target

    def object(self, source: plan.Object) -> str:
        """An object, without the members that are absent."""
        target = self.fresh()
        self.emit(f"{target} = {{}}")
        for name, expr in source.members:
            value = self.value(expr, name)
            with self.block(self.present(value)):
                self.emit(f"{target}[{name!r}] = {value}")
        if source.needs:
            missing = " or ".join(f"{name!r} not in {target}" for name in source.needs)
            with self.block(f"if {missing}:"):
                self.emit(f"{target} = ABSENT")
        return target

    def merge(self, values: tuple[plan.Expr, ...]) -> str:
        """Several objects in one."""
        found = [self.value(expr) for expr in values]
        target = self.fresh()
        self.emit(f"{target} = ABSENT")
        for place, value in enumerate(found):
            with self.block(f"if type({value}) is dict:"):
                if place == 0:
                    self.emit(f"{target} = dict({value})")
                else:
                    self.emit(f"if {target} is ABSENT: {target} = {{}}")
                    self.emit(f"{target}.update({value})")
        return target

    def rest(self, source: plan.Rest) -> str:
        """The members that nobody reads; which keys those are is remembered for each shape."""
        value = self.read(source.path)
        target = self.fresh()
        always = frozenset(part.key for part in source.without if part.when is None)
        conditional = [part for part in source.without if part.when is not None]
        kept = self.constant(
            KeptKeys(source.used | always, tuple(part.key for part in conditional))
        )
        self.emit(f"{target} = ABSENT")
        with self.block(f"if type({value}) is dict:"):
            flags = []
            for part in conditional:
                flag = self.fresh()
                self.emit(f"{flag} = False")
                with self.when(part.when):
                    self.emit(f"{flag} = True")
                flags.append(flag)
            shape = f"(tuple({value}), {''.join(flag + ', ' for flag in flags)})"
            self.emit(f"{target} = {{key: {value}[key] for key in {kept}[{shape}]}}")
        return target

    def template(self, parts: tuple[str | Path, ...]) -> str:
        """A text with values in it; what comes behind an absent one is not read."""
        target = self.fresh()
        self.emit(f"{target} = ''")
        for place, part in enumerate(parts):
            with self.block(f"if {target} is not ABSENT:") if place else nullcontext():
                text = repr(part) if isinstance(part, str) else self.read(part)
                self.emit(f"{target} = template({target}, {text})")
        return target

    # --- reading -----------------------------------------------------------------------------

    def read(self, path: Path) -> str:
        """Code that follows a path; the name that holds what it leads to."""
        if not path.segments:
            return self.root(path)
        *above, last = path.segments
        if not isinstance(last, Key) or not all(isinstance(part, Key) for part in above):
            root = self.root(Path(path.root, (), path.quoted_root))
            target = self.fresh()
            segments = self.constant(path.segments)
            self.emit(f"{target} = {root} if {root} is ABSENT else lookup({root}, {segments})")
            return target
        holder, shape = self.container(Path(path.root, tuple(above), path.quoted_root))
        target = self.fresh()
        self.emit(f"{target} = {holder}.get({last.name!r}, ABSENT)")
        if not last.exact:
            normal = normal_key(last.name)
            with self.block(f"if {target} is ABSENT and {normal!r} in {shape}:"):
                self.emit(f"{target} = {holder}[{shape}[{normal!r}]]")
        return target

    def container(self, path: Path) -> tuple[str, str]:
        """Slots with the object at a path (an empty one if there is none) and its shape."""
        name = self.slot(("object", str(path)), "i" if path.root == "item" else "o")
        shape = name + "s"

        def compute() -> None:
            value = self.read(path)
            self.emit(f"{name} = {value} if type({value}) is dict else EMPTY")
            self.emit(f"{shape} = SHAPES[tuple({name})]")

        self.need(name, compute)
        return name, shape

    def root(self, path: Path) -> str:
        """The beginning of a path."""
        if path.root == "item" and not path.quoted_root:
            return "item"
        if path.root.startswith("$") and not path.quoted_root:
            return self.variable(path.root[1:])
        name = self.slot(("root", path.root), "r")

        def compute() -> None:
            self.emit(f"{name} = body.get({path.root!r}, ABSENT)")

        self.need(name, compute)
        return name

    def variable(self, name: str) -> str:
        """A variable: computed where it is first read; what it loses is always counted."""
        slot = self.slot(("variable", name), "l")

        def compute() -> None:
            outer, self.note = self.note, self.counting
            if name == "time":
                self.emit(f"{slot} = seconds(event.time)")
            else:
                self.emit(f"{slot} = {self.value(self.lets[name], name)}  # ${name}")
            self.note = outer

        self.need(slot, compute)
        return slot

    def slot(self, key: tuple[str, str], prefix: str) -> str:
        """The name of a slot."""
        name = self.slots.get(repr(key))
        if name is None:
            self.number += 1
            name = self.slots[repr(key)] = f"{prefix}{self.number}"
        return name

    def need(self, slot: str, compute: Any) -> None:
        """See to it that a slot is computed before what is written next."""
        if slot in self.done:
            return
        if slot in self.begun or (self.in_loop and not slot.startswith("i")):
            self.guarded.add(slot)
            with self.block(f"if {slot} is UNSET:"):
                compute()
        else:
            compute()
        self.begun.add(slot)
        self.done.add(slot)

    # --- conditions --------------------------------------------------------------------------

    @contextmanager
    def when(self, condition: plan.Condition | None) -> Iterator[None]:
        """A block that runs if the condition holds."""
        if condition is None or condition == plan.Literally(value=True):
            yield
            return
        with self.block(f"if {self.condition(condition)}:"):
            yield

    @contextmanager
    def unless(self, condition: plan.Condition) -> Iterator[None]:
        """A block that runs if the condition does not hold."""
        with self.block(f"if not {self.condition(condition)}:"):
            yield

    def condition(self, condition: plan.Condition) -> str:
        """Code for a condition; a Python expression that is true if it holds."""
        match condition:
            case plan.Literally(value):
                return repr(value)
            case plan.TypeIs(types):
                return f"type_ == {types[0]!r}" if len(types) == 1 else f"type_ in {types!r}"
            case plan.EventIs(names):
                return f"(type_ == 'track' and body.get('event') in {names!r})"
            case plan.IntegrationOn(name):
                integrations = self.root(Path("integrations"))
                return (
                    f"({integrations} is ABSENT or {integrations} == EMPTY or "
                    f"integration_on({integrations}, {name!r}))"
                )
            case plan.Not(negated):
                return f"(not {self.condition(negated)})"
            case plan.All(conditions):
                return self.chain(conditions, stop_at=False)
            case plan.AnyOf(conditions):
                return self.chain(conditions, stop_at=True)
            case plan.Ask(value, tests):
                return self.question(value, tests)

    def chain(self, conditions: tuple[plan.Condition, ...], *, stop_at: bool) -> str:
        """Conditions one after the other, as far as it takes to know."""
        target = self.fresh()
        head = f"if not {target}:" if stop_at else f"if {target}:"
        for place, condition in enumerate(conditions):
            with self.block(head) if place else nullcontext():
                self.emit(f"{target} = {self.condition(condition)}")
        return target

    def question(self, value: plan.Expr, tests: tuple[plan.Step, ...]) -> str:
        """Tests on a value that is only asked about."""
        outer, self.note = self.note, "ignore"
        found = self.value(value)
        if len(tests) == 1:
            answer = self.test(tests[0], found)
        else:
            answer = self.fresh()
            for place, test in enumerate(tests):
                with self.block(f"if {answer}:") if place else nullcontext():
                    self.emit(f"{answer} = {self.test(test, found)}")
        self.note = outer
        return answer

    def test(self, test: plan.Step, value: str) -> str:
        """One test as an expression."""
        match test.name, test.args:
            case "exists", bool(wanted):
                return f"({value} is not ABSENT)" if wanted else f"({value} is ABSENT)"
            case "equals", bool(wanted):
                return f"({value} is {wanted!r})"
            case "equals", str(wanted):
                return f"({value} == {wanted!r})"
        function = self.function("test", test.name, TEST_FUNCTIONS[test.name])
        return f"{function}({value}, {self.arguments(test.args)})"


class _Sieve(_Writer):
    """Writes ``wants_event(event)``: only what can be told before any rule looks at the event."""

    counting = "ignore"

    def write(self) -> str:
        """The whole source."""
        for reason, condition in self.mapping.skips:
            with self.when(condition):
                self.emit(f"return Skip({reason!r})")
        rules = self.mapping.rules
        if not rules:
            self.emit("return Skip('not_mapped')")
        elif rules[0].skip is not None and rules[0].when == plan.Literally(value=True):
            self.emit(f"return Skip({rules[0].skip!r})")
        else:
            self.emit("return None")
        head = ["def wants_event(event):", "    body = event.body"]
        head += [f"    {slot} = UNSET" for slot in sorted(self.guarded)]
        return "\n".join([*head, *self.lines, ""])

    def refuse(self, reason: str, message: str) -> None:
        """A refusal is for the mapping to tell."""
        self.emit("return None")


_SHORTCUTS: dict[tuple[str, Any], str] = {
    ("only", ("text",)): "type({0}) is not str",
    ("only", ("object",)): "type({0}) is not dict",
    ("only", ("list",)): "type({0}) is not list",
    ("only", ("boolean",)): "type({0}) is not bool",
}
"""Steps that only take a value away, with the condition under which they do."""
