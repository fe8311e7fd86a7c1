"""How fast events are read, validated, mapped and made ready to send: ratios within one run.

    python -m tests.benchmarks.bench_throughput --events 40000

Two yardsticks are timed over the same lines in the same run: ``orjson.dumps(orjson.loads(line))``
for what happens in process, and a loop of ``json.loads`` and ``json.dumps`` for what happens
through Beam. What counts in process is CPU time, with the garbage collector as Python sets it.
Rounds of all stages alternate and the best round of each counts, so that what else the machine
does falls on all of them alike. Every stage does what the stages before it do, on fresh lines:
a stage alone, on events that are there already, would flatter itself.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import orjson

from pipeline.flow.packing import pack_event
from pipeline.mapping.codegen import Mapper
from pipeline.mapping.interpreter import Interpreter, Mapped
from pipeline.model.decode import decode_line
from pipeline.model.event import Event
from pipeline.preparation import Preparer, Refused
from pipeline.run.mappings import DEFAULT_MAPPING, HOME, compile_mapping_file
from pipeline.validation.registry import SchemaSet
from pipeline.validation.validator import Validator
from tests.benchmarks.events import events
from tests.benchmarks.measure import BUILD, Lines, Verdict, best, keep, machine, on_this_machine

ROUNDS = 5
MAPPED_ALONE = 5000
"""Decoded events are held in memory, so they are not more than these."""
SERIALISED = "decode + validate + map + serialise"
TARGETS = {
    SERIALISED: ("orjson round trip", "at most", 2.5),
    "ready to send": ("orjson round trip", "at most", 3.3),
    "unwanted event": ("wanted event", "at most", 0.5),
    "Beam: source to operations": ("Beam: json loop", "at least", 1.2),
}


class Steps:
    """Each as far along the road as its name says."""

    def __init__(self) -> None:
        plan = compile_mapping_file(DEFAULT_MAPPING, {}).plan
        assert plan is not None
        schemas = SchemaSet.load(HOME / "schemas")
        self.validator, self.mapper = Validator(schemas), Mapper(plan)
        self.interpreter = Interpreter(plan)
        self.preparer = Preparer(plan, schemas, now=0)
        self.encode = msgspec.json.Encoder(decimal_format="number").encode

    def decode(self, line: bytes) -> list[Event]:
        """The events of a line."""
        found = decode_line(line, origin="bench", now=0)
        return [event for event in found if isinstance(event, Event)]

    def select(self, line: bytes) -> list[Event]:
        """Those that the mapping may want."""
        return [event for event in self.decode(line) if self.mapper.wants(event) is None]

    def validate(self, line: bytes) -> list[Event]:
        """Those that fit their schemas."""
        return [event for event in self.select(line) if not self.validator.check(event)]

    def map(self, line: bytes) -> list[Mapped]:
        """What is to be done about them."""
        made = [self.mapper(event) for event in self.validate(line)]
        return [each for each in made if isinstance(each, Mapped)]

    def interpret(self, line: bytes) -> None:
        """The same, by the interpreter."""
        for event in self.validate(line):
            self.interpreter.map(event)

    def serialise(self, line: bytes) -> None:
        """The fields of every operation as JSON."""
        for event in decode_line(line, origin="bench", now=0):
            if isinstance(event, Event) and not self.validator.check(event):
                mapped = self.mapper(event)
                if isinstance(mapped, Mapped):
                    for operation in mapped.operations:
                        self.encode(operation.fields)

    def ready(self, line: bytes) -> None:
        """Everything up to the packed task that goes to the shuffle."""
        for prepared in self.preparer.prepare(line, "bench"):
            if not isinstance(prepared, Refused) and isinstance(prepared[1], Mapped):
                pack_event(prepared[0], prepared[1].operations, 0)


def in_process(lines: Lines, rounds: int = ROUNDS) -> dict[str, float]:
    """Seconds an event for each stage, one core, no engine."""
    steps = Steps()
    on, off = _turned_on_and_off(lines)
    return best(
        {
            "orjson round trip": (lambda line: orjson.dumps(orjson.loads(line)), lines),
            "json loop": (lambda line: json.dumps(json.loads(line)), lines),
            "decode": (steps.decode, lines),
            "decode + select": (steps.select, lines),
            "decode + validate": (steps.validate, lines),
            "decode + validate + map": (steps.map, lines),
            "the same, interpreted": (steps.interpret, lines[: len(lines) // 8 + 1]),
            SERIALISED: (steps.serialise, lines),
            "ready to send": (steps.ready, lines),
            "wanted event": (steps.ready, on),
            "unwanted event": (steps.ready, off),
        },
        rounds,
    )


def _turned_on_and_off(lines: Lines) -> tuple[list[bytes], list[bytes]]:
    """The same events, once wanted and once turned off by ``integrations``."""
    on, off = [], []
    for line in lines:
        event = orjson.loads(line)
        if event["type"] != "page":
            on.append(orjson.dumps({**event, "integrations": {"All": True}}))
            off.append(orjson.dumps({**event, "integrations": {"All": False}}))
    return on, off


def mapping_alone(lines: Lines, rounds: int = ROUNDS) -> dict[str, float]:
    """Mapping events that are decoded already, by type, as ratios to ``orjson`` over their lines.

    For those who work on the mapper: after decoding everything is at hand, so that this is less
    than what mapping adds to the road.
    """
    steps = Steps()
    of_type: dict[str, list[bytes]] = {}
    for line in lines:
        of_type.setdefault(orjson.loads(line)["type"], []).append(line)
    stages: dict[str, tuple[Callable[[Any], object], Sequence[Any]]] = {}
    for type_, theirs in {**of_type, "mix": lines}.items():
        decoded = [event for line in theirs for event in steps.decode(line)]
        stages[f"orjson {type_}"] = (lambda line: orjson.dumps(orjson.loads(line)), theirs)
        stages[type_] = (steps.mapper, decoded)
    seconds = best(stages, rounds)
    return {type_: seconds[type_] / seconds[f"orjson {type_}"] for type_ in [*of_type, "mix"]}


def to_operations(count: int) -> dict[str, float]:
    """Seconds an event through Beam with nothing behind the mapping, and its own yardstick."""
    command = [sys.executable, "-m", "tests.benchmarks.beam_stage", "--events", str(count)]
    ran = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    found = json.loads(ran.stdout)
    return {
        "Beam: json loop": found["json loop"] / count,
        "Beam: source to operations": found["Beam: source to operations"] / count,
    }


def report(seconds: dict[str, float]) -> list[Verdict]:
    """Prints the table; the verdicts on the targets."""
    print(f"{'stage':38} {'us/event':>9} {'events/s':>10} {'x orjson':>9} {'x json':>7}")
    for name, spent in seconds.items():
        print(
            f"{name:38} {spent * 1e6:9.2f} {1 / spent:10,.0f} "
            f"{spent / seconds['orjson round trip']:9.2f} {spent / seconds['json loop']:7.2f}"
        )
    verdicts = []
    for name, (yardstick, bound, target) in TARGETS.items():
        if name in seconds:
            cost = seconds[name] / seconds[yardstick]
            ratio = cost if bound == "at most" else 1 / cost
            verdicts.append(Verdict(f"{name}, to the {yardstick}", ratio, bound, target))
    return verdicts


def main() -> None:
    """Run everything; write JSON beside the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=40_000)
    parser.add_argument("--quick", action="store_true", help="only what happens in process")
    parser.add_argument("--out", type=Path, default=BUILD / "throughput.json")
    options = parser.parse_args()
    lines = list(events(options.events))
    size = sum(map(len, lines)) // len(lines)
    print(on_this_machine(machine()))
    print(f"{len(lines):,} events of {size} bytes")
    seconds = in_process(lines)
    alone = mapping_alone(lines[:MAPPED_ALONE])
    if not options.quick:
        seconds |= to_operations(len(lines))
    verdicts = report(seconds)
    for type_, ratio in alone.items():
        print(f"map alone, decoded already: {type_:10} {ratio:19.2f} x orjson of the same events")
    record = {
        "events": len(lines),
        "bytes": size,
        "seconds_an_event": seconds,
        "mapping_alone": alone,
    }
    keep(options.out, record, verdicts)


if __name__ == "__main__":
    main()
