"""Compiles values and conditions: YAML nodes in, plan nodes and findings out."""

from __future__ import annotations

from pipeline.mapping import language, plan
from pipeline.mapping.arguments import NOTHING, ArgumentReader, describe, spelled
from pipeline.mapping.diagnostics import Span, did_you_mean
from pipeline.mapping.functions import TEST_FUNCTIONS
from pipeline.mapping.source import Entry, Map, Node, Scalar, Sequence
from pipeline.mapping.spec import FLAG
from pipeline.model.text import normal_key

_WORDS_OF_A_VALUE = {**language.SOURCES, **language.MODIFIERS, **language.STEPS, **language.TESTS}


def place(span: Span) -> plan.Place:
    """The start of a span, as plans remember it."""
    return plan.Place(span.line, span.column)


class ValueCompiler(ArgumentReader):
    """Compiles the values and conditions of one mapping."""

    # --- values ------------------------------------------------------------------------------

    def value(self, node: Node, *, tests_allowed: bool = True) -> plan.Expr:
        """A value: a path as plain text, or a mapping with one source and its steps."""
        if isinstance(node, Scalar):
            if isinstance(node.value, str):
                return plan.Expr(plan.Pick(self.path(node)), place=place(node.span))
            return self._fail(
                "M101",
                node.span,
                f"expected a value, found {describe(node)}",
                f"write {{const: {spelled(node.value)}}} for a constant",
            )
        if isinstance(node, Sequence):
            return self._fail(
                "M101",
                node.span,
                "expected a value, found a list",
                "write {first: [...]}, {list: [...]} or {merge: [...]}",
            )
        unknown = self._unknown(node)
        for entry in unknown:
            known = did_you_mean(entry.key, _WORDS_OF_A_VALUE)
            self.findings.error(
                "M102", entry.key_span, f"unknown key {entry.key!r} in a value", help=known
            )
        sources = [entry for entry in node.entries if entry.key in language.SOURCES]
        if not sources and unknown:
            return NOTHING  # most likely it is the source that is misspelled
        if len(sources) != 1:
            found = " and ".join(entry.key for entry in sources) or "none"
            return self._fail(
                "M201",
                sources[1].key_span if sources else node.span,
                f"a value needs exactly one source, found {found}",
                "sources: " + ", ".join(language.SOURCES),
            )
        source = self._source(node, sources[0].key)
        modifiers = language.SOURCES[sources[0].key].modifiers
        steps = []
        for entry in node.entries:
            if entry.key in modifiers:
                continue
            word = language.STEPS.get(entry.key) or language.TESTS.get(entry.key)
            if word is not None:
                if entry.key in language.TESTS and not tests_allowed:
                    continue
                if entry.key == "exists" and tests_allowed:
                    self.findings.error(
                        "M207", entry.key_span, "`exists` asks, it does not change a value"
                    )
                args = self.arg(entry.value, word.arg)
                if word.arg == FLAG and args is False:
                    continue
                steps.append(plan.Step(entry.key, args, place(entry.key_span)))
        when = node.get("when")
        return plan.Expr(
            source,
            tuple(steps),
            when=self.condition(when.value) if when else None,
            required=self._flag(node, "required"),
            nullable=self._flag(node, "nullable"),
            place=place(node.span),
        )

    def _unknown(self, node: Map) -> list[Entry]:
        """The keys of a value that are no words, nor modifiers of its source."""
        known = set(_WORDS_OF_A_VALUE)
        for entry in node.entries:
            if entry.key in language.SOURCES:
                known |= language.SOURCES[entry.key].modifiers.keys()
        return [entry for entry in node.entries if entry.key not in known]

    def _source(self, node: Map, name: str) -> plan.Source:
        word = language.SOURCES[name]
        main = node.get(name)
        assert main is not None  # noqa: S101
        argument = self.arg(main.value, word.arg)
        extra = {
            key: self.arg(entry.value, arg)
            for key, arg in word.modifiers.items()
            if (entry := node.get(key)) is not None
        }
        match name:
            case "pick":
                return plan.Pick(argument)
            case "first":
                return plan.First(argument)
            case "join":
                return plan.Join(argument, extra.get("with", " "))
            case "object":
                return plan.Object(argument, extra.get("needs", ()))
            case "merge":
                return plan.Merge(argument)
            case "list":
                return plan.ListOf(argument)
            case "rest":
                keep = frozenset(normal_key(key) for key in extra.get("keep", ()))
                return plan.Rest(argument, keep, extra.get("except", ()))
            case "template":
                return plan.Template(argument)
            case _:
                return plan.Const(argument)

    # --- conditions --------------------------------------------------------------------------

    def condition(self, node: Node) -> plan.Condition:
        """A condition; one that only asks settings is decided here and now."""
        if isinstance(node, Scalar) and isinstance(node.value, bool):
            return plan.Literally(node.value)
        if not isinstance(node, Map) or not node.entries:
            self._fail(
                "M207",
                node.span,
                f"expected a condition, found {describe(node)}",
                "for example {type: track} or {pick: traits.plan, equals: pro}",
            )
            return plan.Literally(value=False)
        first = node.entries[0]
        if first.key in language.CONDITIONS:
            for entry in node.entries[1:]:
                self.findings.error(
                    "M207",
                    entry.key_span,
                    f"{entry.key!r} cannot stand beside {first.key!r}",
                    help="combine conditions with `all: [...]` or `any: [...]`",
                )
            return self._combined(first.key, first.value)
        return self._question(node)

    def _combined(self, name: str, node: Node) -> plan.Condition:
        argument = self.arg(node, language.CONDITIONS[name].arg)
        match name:
            case "all":
                return _all(argument)
            case "any":
                return _any(argument)
            case "not":
                if isinstance(argument, plan.Literally):
                    return plan.Literally(not argument.value)
                return plan.Not(argument)
            case "type":
                return plan.TypeIs(argument)
            case "event":
                return plan.EventIs(argument)
            case _:
                return plan.IntegrationOn(argument)

    def _question(self, node: Map) -> plan.Condition:
        if not any(entry.key in language.TESTS for entry in node.entries):
            unknown = self._unknown(node)
            words = {**language.TESTS, **language.CONDITIONS}
            self.findings.error(
                "M207",
                unknown[0].key_span if unknown else node.span,
                "a condition needs a test" + (f", {unknown[0].key!r} is none" if unknown else ""),
                help=did_you_mean(unknown[0].key, words)
                if unknown
                else "tests: " + ", ".join(language.TESTS),
            )
            return plan.Literally(value=False)
        mistakes = len(self.findings.items)
        value = self.value(node, tests_allowed=False)
        tests = tuple(
            plan.Step(
                entry.key,
                self.arg(entry.value, language.TESTS[entry.key].arg),
                place(entry.key_span),
            )
            for entry in node.entries
            if entry.key in language.TESTS
        )
        ask = plan.Ask(value, tests)
        if len(self.findings.items) > mistakes:
            return ask
        if isinstance(value.source, plan.Const) and not value.steps and value.when is None:
            decided = all(
                TEST_FUNCTIONS[test.name](value.source.value, test.args) for test in tests
            )
            return plan.Literally(decided)
        return ask


def _all(conditions: tuple[plan.Condition, ...]) -> plan.Condition:
    open_ones = tuple(part for part in conditions if not isinstance(part, plan.Literally))
    if any(isinstance(part, plan.Literally) and not part.value for part in conditions):
        return plan.Literally(value=False)
    if not open_ones:
        return plan.Literally(value=True)
    return open_ones[0] if len(open_ones) == 1 else plan.All(open_ones)


def _any(conditions: tuple[plan.Condition, ...]) -> plan.Condition:
    open_ones = tuple(part for part in conditions if not isinstance(part, plan.Literally))
    if any(isinstance(part, plan.Literally) and part.value for part in conditions):
        return plan.Literally(value=True)
    if not open_ones:
        return plan.Literally(value=False)
    return open_ones[0] if len(open_ones) == 1 else plan.AnyOf(open_ones)
