"""What a job file asks for, once defaults and the command line are filled in."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pipeline.errors import UsageError
from pipeline.mapping.diagnostics import Diagnostic, Findings, did_you_mean
from pipeline.mapping.plan import Condition, Literally, MappingPlan, Not
from pipeline.run.config import RunConfig
from pipeline.run.jobs import conflicts
from pipeline.run.jobs.written import WrittenDestination, WrittenJob
from pipeline.run.letters import place_of
from pipeline.run.mappings import compile_mapping_file, vocabulary
from pipeline.run.options import DESTINATION, RUN, STREAM

NOT_ROUTED = "not_routed"


@dataclass(frozen=True, slots=True)
class Destination:
    """One destination of a job: the run it would be if it were the only one."""

    name: str
    mapping: MappingPlan
    config: RunConfig


@dataclass(frozen=True, slots=True)
class JobFile:
    """A job.

    Attributes:
        name: For reports.
        file: Where it was read from.
        config: What the destinations have in common; its dead letters are those of events that
            nobody could read.
        stream: The options of a stream, by name; those that are stated.
        destinations: At least one, in the order of the file.
    """

    name: str
    file: str
    config: RunConfig
    stream: Mapping[str, Any]
    destinations: tuple[Destination, ...]

    @property
    def fingerprint(self) -> str:
        """16 hex digits that change when the meaning of a mapping or a condition does."""
        parts = (f"{one.name} {one.mapping.fingerprint}" for one in self.destinations)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]

    def with_letters_in(self, place: Callable[[str], str]) -> JobFile:
        """The job with other directories of dead letters."""

        def moved(config: RunConfig) -> RunConfig:
            return replace(config, dead_letters=place(config.dead_letters))

        changed = tuple(replace(one, config=moved(one.config)) for one in self.destinations)
        return replace(self, config=moved(self.config), destinations=changed)

    def only(self, names: Collection[str]) -> JobFile:
        """The job with some of its destinations; all of them where none is named.

        Raises:
            UsageError: A destination has no such name.
        """
        known = [one.name for one in self.destinations]
        for name in names:
            if name not in known:
                message = f"{self.file} has no destination {name!r}; {did_you_mean(name, known)}"
                raise UsageError(message)
        chosen = tuple(one for one in self.destinations if one.name in names)
        return replace(self, destinations=chosen) if names else self


def describe_job(
    written: WrittenJob, overrides: Mapping[str, Any], **more: Any
) -> tuple[JobFile | None, tuple[Diagnostic, ...]]:
    """The job that a file describes, and everything wrong with it; None where that is an error.

    Args:
        written: The file.
        overrides: Field of ``RunConfig`` -> value, for every flag on the command line. Such a flag
            counts for every destination.
        more: Other fields of ``RunConfig``.
    """
    findings = Findings()
    common = _values(written, RUN, overrides)
    beam = (*written.beam, *more.pop("beam_args", ()))
    config = RunConfig(**{"inputs": (), **common}, beam_args=beam, **more)
    places = conflicts.places(written, config.dead_letters, chosen="dead_letters" in overrides)
    shares = conflicts.shares(written, overrides, findings)
    conflicts.check_places(written, places, config.dead_letters, findings)
    made = []
    for one in written.destinations:
        own = _values(one, DESTINATION, overrides)
        own |= {"dead_letters": places[one.name], "share": shares[one.name]}
        if config.receipts is not None and len(written.destinations) > 1:
            own["receipts"] = place_of(config.receipts, one.name)
        own["settings"] = {**_settings(one), **overrides.get("settings", {})}
        mine = replace(config, **own)
        plan = _mapping(one, mine, findings)
        if plan is not None:
            made.append(Destination(one.name, plan, mine))
    found = findings.sorted()
    if not made or findings.has_errors:
        return None, found
    stream = _values(written, STREAM, overrides)
    return JobFile(written.name, written.file, config, stream, tuple(made)), found


def _values(
    part: WrittenJob | WrittenDestination, options: Mapping[str, Any], overrides: Mapping[str, Any]
) -> dict[str, Any]:
    """Field -> value, of those options that the file or the command line states."""
    given = {
        options[key].name: one.value
        for key, one in part.options.items()
        if key in options and one.value is not None
    }
    names = {option.name for option in options.values()}
    return {**given, **{name: value for name, value in overrides.items() if name in names}}


def _settings(one: WrittenDestination) -> Mapping[str, str]:
    settings = one.options.get("set")
    return (settings.value if settings else None) or {}


def _mapping(one: WrittenDestination, config: RunConfig, findings: Findings) -> MappingPlan | None:
    """The destination's mapping, in which ``when`` comes before everything else."""
    compiled = compile_mapping_file(config.mapping, config.settings)
    placed = [_placed(item, one) for item in compiled.diagnostics]
    findings.items.extend(placed)
    span = one.options["mapping"].span if "mapping" in one.options else one.span
    if compiled.plan is None:
        errors = sum(item.severity == "error" for item in compiled.diagnostics)
        if placed == list(compiled.diagnostics):
            shown = f"{errors} error{'' if errors == 1 else 's'}"
            findings.error("J202", span, f"{config.mapping} cannot be used: {shown}")
        return None
    if one.type is not None and one.type.value != compiled.plan.destination:
        known = vocabulary()
        there = one.type.value in known
        findings.error(
            "J201" if there else "M104",
            one.type.span,
            f"{config.mapping} is a mapping for {compiled.plan.destination!r}"
            if there
            else f"no destination is called {one.type.value!r}",
            help="" if there else did_you_mean(one.type.value, known),
        )
    return routed(compiled.plan, one.when)


def routed(plan: MappingPlan, when: Condition | None) -> MappingPlan:
    """The mapping, for those events only for which a condition holds."""
    if when is None or when == Literally(value=True):
        return plan
    away = Literally(value=True) if isinstance(when, Literally) else Not(when)
    return replace(plan, skips=((NOT_ROUTED, away), *plan.skips))


def _placed(item: Diagnostic, one: WrittenDestination) -> Diagnostic:
    """A finding about an override, where that stands in the job file."""
    for name, span in one.settings.items():
        if item.span.file.startswith(f"--set {name}="):
            return replace(item, span=span)
    return item
