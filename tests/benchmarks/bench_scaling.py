"""How the cost grows with events, with rules of a mapping, and with schemas of events.

    python -m tests.benchmarks.bench_scaling --events 10000 100000 1000000

Events: a whole run on this machine to the null destination, in processor time less that of a run of
one event, and the most memory of all its processes. Rules and schemas: an event made ready to send,
in this process, with generated mappings and tracking plans; and what it costs once to have them
ready. Ratios to the smallest size of the same run are the result.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.mapping.compiler import compile_mapping
from pipeline.mapping.interpreter import Mapped
from pipeline.mapping.plan import MappingPlan
from pipeline.preparation import Preparer, Refused
from pipeline.run.mappings import DEFAULT_MAPPING, HOME, compile_mapping_file, vocabulary
from pipeline.validation.registry import SchemaSet
from pipeline.validation.tracking import Policy, TrackingPlan
from tests.benchmarks import generated
from tests.benchmarks.bench_memory import Watched, null_run, write
from tests.benchmarks.measure import BUILD, Step, best, keep, machine, on_this_machine

ROUNDS = 3
LONG = 500_000
"""A run of so many events is its own mean, and takes place once."""
Row = dict[str, float]
Table = dict[int, Row]
"""Size -> column -> figure."""


def by_events(sizes: Sequence[int], rounds: int) -> Table:
    """Whole runs: microseconds an event, and megabytes. The rounds of all sizes alternate."""
    runs: dict[int, list[Watched]] = {size: [] for size in sorted({1, *sizes})}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size in runs:
            write(folder / f"{size}.jsonl", size)
        for number in range(rounds):
            for size, seen in runs.items():
                if number == 0 or size < LONG:
                    seen.append(null_run(folder / f"{size}.jsonl", folder))
    start = min(run.cpu for run in runs.pop(1))
    return {
        size: {
            "us/event": (min(run.cpu for run in seen) - start) / size * 1e6,
            "peak MB": max(run.memory for run in seen) / 1e6,
        }
        for size, seen in runs.items()
    }


@dataclass(frozen=True, slots=True)
class Prepared:
    """One size of what grows: the step and its lines, and what it cost before the first line."""

    step: Step
    lines: Sequence[bytes]
    once: Row


def by_rules(
    sizes: Sequence[int],
    text: Callable[[int], str],
    spread: Callable[[Sequence[dict[str, Any]], int], list[bytes]],
    count: int,
) -> Table:
    """Mappings of so many rules: microseconds an event, and what compiling takes."""
    schemas, found = SchemaSet.load(HOME / "schemas"), generated.tracks(count)
    ready = {}
    for size in sorted(sizes):
        source, lines = text(size), spread(found, size)
        plan, compiling = _timed(_compiled, source)
        step, first = _timed(_warm, plan, schemas, TrackingPlan(), lines[:size])
        once = {"ms to compile": compiling * 1e3, "ms of the first events": first * 1e3}
        ready[size] = Prepared(step, lines, once)
    return _measured(ready)


def by_schemas(sizes: Sequence[int], count: int) -> Table:
    """Tracking plans of so many events: microseconds an event, and what loading takes."""
    schemas, found = SchemaSet.load(HOME / "schemas"), generated.tracks(count)
    plan = compile_mapping_file(DEFAULT_MAPPING, {}).plan
    assert plan is not None
    ready = {}
    with tempfile.TemporaryDirectory() as name:
        for size in sorted(sizes):
            folder = Path(name) / str(size)
            generated.write_event_schemas(folder, size)
            lines = generated.spread_over_names(found, size)
            policy = Policy(unplanned="dead_letter", violations="dead_letter")
            tracking, loading = _timed(TrackingPlan.load, folder, policy)
            step, first = _timed(_warm, plan, schemas, tracking, lines[:size])
            once = {"ms to load": loading * 1e3, "ms of the first events": first * 1e3}
            ready[size] = Prepared(step, lines, once)
    return _measured(ready)


def _compiled(source: str) -> MappingPlan:
    compiled = compile_mapping(source, file="generated.yaml", vocabulary=vocabulary())
    assert compiled.plan is not None, compiled.diagnostics[:3]
    return compiled.plan


def _warm(
    plan: MappingPlan, schemas: SchemaSet, tracking: TrackingPlan, lines: Sequence[bytes]
) -> Step:
    """A step that has seen events of every kind already; all of them must be wanted."""
    preparer = Preparer(plan, schemas, tracking=tracking, now=0)

    def step(line: bytes) -> object:
        return preparer.prepare(line, "bench")

    for line in lines:
        for made in preparer.prepare(line, "bench"):
            if isinstance(made, Refused) or not isinstance(made[1], Mapped):
                message = f"the benchmark is wrong: an event became {made}"
                raise SystemExit(message)
    return step


def _timed(work: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    began = time.process_time()
    made = work(*arguments)
    return made, time.process_time() - began


def _measured(ready: dict[int, Prepared]) -> Table:
    stages = {str(size): (each.step, each.lines) for size, each in ready.items()}
    seconds = best(stages, ROUNDS)
    return {
        size: {"us/event": seconds[str(size)] * 1e6, **each.once} for size, each in ready.items()
    }


def show(title: str, table: Table) -> None:
    """Print a table with the ratio of each figure to that of the smallest size."""
    columns = list(next(iter(table.values())))
    print(f"\n{title:20}" + "".join(f"{name:>24} {'ratio':>7}" for name in columns))
    least = table[min(table)]
    for size, row in table.items():
        cells = "".join(f"{row[name]:24.2f} {row[name] / least[name]:7.2f}" for name in columns)
        print(f"{size:20,}{cells}")


def main() -> None:
    """Measure, print the tables, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    sizes: dict[str, Any] = {"type": int, "nargs": "*"}
    parser.add_argument("--events", **sizes, default=[10_000, 100_000], help="of a whole run")
    parser.add_argument("--rules", **sizes, default=[10, 100, 1000])
    parser.add_argument("--schemas", **sizes, default=[1, 100, 1000])
    parser.add_argument("--lines", type=int, default=10_000, help="events for rules and schemas")
    parser.add_argument("--rounds", type=int, default=4, help="whole runs of each size")
    parser.add_argument("--out", type=Path, default=BUILD / "scaling.json")
    options = parser.parse_args()
    print(on_this_machine(machine()))
    found: dict[str, Table] = {}
    if options.rules:
        names = generated.rules_for_names, generated.spread_over_names
        variants = generated.rules_for_one_name, generated.spread_over_variants
        found["rules, a name each"] = by_rules(options.rules, *names, options.lines)
        found["rules for one name"] = by_rules(options.rules, *variants, options.lines)
    if options.schemas:
        found["schemas of events"] = by_schemas(options.schemas, options.lines)
    if options.events:
        found["events"] = by_events(options.events, options.rounds)
    for title, table in found.items():
        show(title, table)
    keep(options.out, {"tables": found})


if __name__ == "__main__":
    main()
