"""Compiles a mapping file into a ``MappingPlan``, and reports every mistake in it at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path as FilePath

from pipeline.mapping import language, plan
from pipeline.mapping.arguments import describe
from pipeline.mapping.diagnostics import Diagnostic, Findings, did_you_mean
from pipeline.mapping.rules import OperationShape, RuleCompiler
from pipeline.mapping.settings import Setting, declared, in_force
from pipeline.mapping.source import Entry, Map, Node, plain, read_yaml
from pipeline.mapping.usage import circle, with_used_keys
from pipeline.mapping.values import ValueCompiler
from pipeline.model.refusal import SKIP_REASONS

__all__ = ["Compiled", "OperationShape", "Vocabulary", "compile_file", "compile_mapping"]

Vocabulary = Mapping[str, Mapping[str, OperationShape]]
"""Destination name -> operation kind -> its shape."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """The result: ``plan`` is None when a diagnostic is an error, ``root`` when it is no YAML."""

    plan: plan.MappingPlan | None
    diagnostics: tuple[Diagnostic, ...]
    settings: Mapping[str, Setting]
    root: Map | None = None


def compile_file(
    path: FilePath, *, vocabulary: Vocabulary, overrides: Mapping[str, str] | None = None
) -> Compiled:
    """Compile the mapping in a file. Raises OSError when it cannot be read."""
    return compile_mapping(
        path.read_bytes(), file=str(path), vocabulary=vocabulary, overrides=overrides
    )


def compile_mapping(
    text: str | bytes,
    *,
    file: str,
    vocabulary: Vocabulary,
    overrides: Mapping[str, str] | None = None,
) -> Compiled:
    """Compile the mapping in ``text``; ``overrides`` are settings as typed behind ``--set``."""
    root, faults = _read(text, file)
    findings = Findings()
    findings.items.extend(faults)
    if root is None:
        return Compiled(None, findings.sorted(), {})
    if not isinstance(root, Map):
        findings.error("M101", root.span, f"a mapping file is a mapping, found {describe(root)}")
        return Compiled(None, findings.sorted(), {})
    compiler = _Compiler(root, findings, vocabulary, overrides or {})
    compiled = compiler.mapping(file)
    result = None if findings.has_errors else compiled
    return Compiled(result, findings.sorted(), compiler.declared, root)


@lru_cache(maxsize=4)
def _read(text: str | bytes, file: str) -> tuple[Node | None, tuple[Diagnostic, ...]]:
    """The tree of a file and what is wrong with its YAML; tests compile one file many times."""
    findings = Findings()
    return read_yaml(text, file=file, findings=findings), tuple(findings.items)


class _Compiler:
    """Compiles the top of a mapping; what stands in its rules is ``RuleCompiler``'s."""

    def __init__(
        self,
        root: Map,
        findings: Findings,
        vocabulary: Vocabulary,
        overrides: Mapping[str, str],
    ) -> None:
        self.root = root
        self.findings = findings
        self.vocabulary = vocabulary
        settings = root.get("settings")
        self.declared = declared(settings.value if settings else None, findings)
        self.settings = in_force(self.declared, overrides, findings)
        self.values = ValueCompiler(
            findings,
            settings=self.settings,
            variables=frozenset(entry.key for entry in self._entries("let")),
        )

    def mapping(self, file: str) -> plan.MappingPlan:
        """The whole mapping; what could not be read is left out or stands for nothing."""
        self.values.known_keys(self.root, language.MAPPING.keys, language.MAPPING.what)
        self._version()
        destination = self._destination()
        lets = self._lets()
        blocks = {entry.key: entry.value for entry in self._entries("blocks")}
        rules = RuleCompiler(self.values, blocks, self.vocabulary.get(destination))
        person = rules.person(self.root.get("person"), plan.PersonPlan())
        skips = tuple(
            (rules.reason(entry, SKIP_REASONS), self.values.condition(entry.value))
            for entry in self._entries("skip")
        )
        require = rules.requirements(self.root.get("require"))
        entry = self.values.needed(self.root, "rules")
        compiled = rules.rules(entry.value, person, require) if entry else []
        rules.unused_blocks()
        name = self.root.get("name")
        return plan.MappingPlan(
            name=(self.values.text(name.value) if name else None) or destination,
            destination=destination,
            settings=tuple(sorted(self.settings.items())),
            lets=tuple(lets.items()),
            skips=skips,
            rules=tuple(with_used_keys(rule, lets) for rule in compiled),
            file=file,
        )

    def _version(self) -> None:
        entry = self.values.needed(self.root, "version")
        if entry is not None and plain(entry.value) is not plan.LANGUAGE_VERSION:
            self.findings.error(
                "M105",
                entry.value.span,
                f"expected version {plan.LANGUAGE_VERSION}, found {describe(entry.value)}",
            )

    def _destination(self) -> str:
        entry = self.values.needed(self.root, "destination")
        name = self.values.text(entry.value) if entry else None
        if entry is None or name is None:
            return ""
        if name not in self.vocabulary:
            self.findings.error(
                "M104",
                entry.value.span,
                f"no destination is called {name!r}",
                help=did_you_mean(name, self.vocabulary),
            )
        return name

    def _lets(self) -> dict[str, plan.Expr]:
        entries = self._entries("let")
        lets = {entry.key: self.values.value(entry.value) for entry in entries}
        reported: set[str] = set()
        for entry in entries:
            names = circle(entry.key, lets)
            if names and not reported & set(names):
                reported |= set(names)
                shown = " -> ".join("$" + name for name in names)
                self.findings.error("M205", entry.key_span, f"variables need each other: {shown}")
        return lets

    def _entries(self, key: str) -> tuple[Entry, ...]:
        entry = self.root.get(key)
        if entry is None:
            return ()
        if isinstance(entry.value, Map):
            return entry.value.entries
        self.findings.error(
            "M101", entry.value.span, f"`{key}` takes names, found {describe(entry.value)}"
        )
        return ()
