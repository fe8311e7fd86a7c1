"""How fast events are read, validated, mapped and made ready to send: ratios within one run.

    python tests/benchmarks/bench_throughput.py --events 40000

Two yardsticks are timed over the same lines in the same run: ``orjson.dumps(orjson.loads(line))``
for what happens in process, and a loop of ``json.loads`` and ``json.dumps`` for what happens
through Beam. Rounds of all stages alternate and the best round of each counts, so that what else
the machine does falls on all of them alike.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import orjson

from pipeline.flow.dead_letters import Receipt
from pipeline.flow.packing import pack
from pipeline.flow.work import Task
from pipeline.mapping.codegen import Mapper
from pipeline.mapping.interpreter import Interpreter, Mapped
from pipeline.model.decode import decode_line
from pipeline.model.event import Event
from pipeline.preparation import Preparer, Refused
from pipeline.run.mappings import DEFAULT_MAPPING, HOME, compile_mapping_file
from pipeline.validation.registry import SchemaSet
from pipeline.validation.validator import Validator
from tests.benchmarks.bench_calls import generated

EVENT = HOME / "schemas" / "events" / "examples" / "valid" / "identify-full.json"
ROUNDS = 5
TARGETS = {
    "decode + validate + map + serialise": ("orjson round trip", "at most", 2.5),
    "ready to send": ("orjson round trip", "at most", 3.3),
    "unwanted event": ("wanted event", "at most", 0.5),
    "Beam: whole graph, dry run": ("json loop", "at least", 0.8),
}
START_UP = {"penstock validate": 0.3, "penstock explain": 0.3}
"""Commands for analysts, and the seconds in which they must answer."""

Lines = Sequence[bytes]


def best(stages: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Seconds of the best round of each stage."""
    seconds = dict.fromkeys(stages, float("inf"))
    for _ in range(ROUNDS):
        for name, stage in stages.items():
            gc.collect()
            began = time.perf_counter()
            stage()
            seconds[name] = min(seconds[name], time.perf_counter() - began)
    return seconds


def in_process(lines: Lines) -> dict[str, float]:
    """Seconds for each stage over all lines, one core, no engine."""
    plan = compile_mapping_file(DEFAULT_MAPPING, {}).plan
    assert plan is not None
    schemas = SchemaSet.load(HOME / "schemas")
    validator, mapper, interpreter = Validator(schemas), Mapper(plan), Interpreter(plan)
    preparer = Preparer(plan, schemas, now=0)
    events = [
        found
        for line in lines
        for found in decode_line(line, origin="bench", now=0)
        if isinstance(found, Event)
    ]
    encode = msgspec.json.Encoder(decimal_format="number").encode

    def serialised() -> None:
        for line in lines:
            for found in decode_line(line, origin="bench", now=0):
                if isinstance(found, Event) and not validator.check(found):
                    result = mapper(found)
                    if isinstance(result, Mapped):
                        for operation in result.operations:
                            encode(operation.fields)

    return best(
        {
            "orjson round trip": lambda: [orjson.dumps(orjson.loads(line)) for line in lines],
            "json loop": lambda: [json.dumps(json.loads(line)) for line in lines],
            "decode": lambda: [decode_line(line, origin="bench", now=0) for line in lines],
            "validate": lambda: [validator.check(event) for event in events],
            "map": lambda: [mapper(event) for event in events],
            "map, interpreted": lambda: [interpreter.map(event) for event in events],
            "decode + validate + map + serialise": serialised,
            "ready to send": lambda: [ready(preparer, line) for line in lines],
        }
    )


def ready(preparer: Preparer, line: bytes) -> int:
    """Everything up to the packed task that goes to the shuffle."""
    made = 0
    for prepared in preparer.prepare(line, "bench"):
        if isinstance(prepared, Refused) or not isinstance(prepared[1], Mapped):
            continue
        event, mapped = prepared
        receipt = Receipt.of(event).pack()
        task = Task(event.message_id, event.time, event.type, mapped.operations, 0, receipt)
        made += len(pack(task))
    return made


def unwanted(lines: Lines) -> dict[str, float]:
    """The same events, once wanted and once turned off by ``integrations``."""
    plan = compile_mapping_file(DEFAULT_MAPPING, {}).plan
    assert plan is not None
    preparer = Preparer(plan, SchemaSet.load(HOME / "schemas"), now=0)
    on, off = [], []
    for line in lines:
        event = orjson.loads(line)
        if event["type"] != "page":
            on.append(orjson.dumps({**event, "integrations": {}}))
            off.append(orjson.dumps({**event, "integrations": {"All": False}}))
    return best(
        {
            "wanted event": lambda: [ready(preparer, line) for line in on],
            "unwanted event": lambda: [ready(preparer, line) for line in off],
        }
    )


def through_beam(lines: Lines, folder: Path) -> dict[str, float]:
    """Seconds of the whole graph with a destination that only answers; start-up taken off."""
    whole, one = folder / "events.jsonl", folder / "one.jsonl"
    whole.write_bytes(b"\n".join(lines))
    one.write_bytes(lines[0])
    return {
        "Beam: whole graph, dry run": _beam(whole, folder) - _beam(one, folder),
    }


def _beam(source: Path, folder: Path) -> float:
    summary = folder / "summary.json"
    command = [
        sys.executable, "-m", "pipeline", "run", "--input", str(source), "--dry-run", "--quiet",
        "--dead-letters", str(folder / "dead"), "--summary", str(summary),
    ]  # fmt: skip
    subprocess.run(command, check=True)
    seconds: float = json.loads(summary.read_text())["seconds"]
    return seconds


def start_up() -> dict[str, float]:
    """Seconds that each command takes to say something, the best of three."""
    commands = {
        "penstock --version": ["--version"],
        "penstock validate": ["validate", str(DEFAULT_MAPPING)],
        "penstock explain": ["explain", "--event", str(EVENT)],
        "penstock run --help": ["run", "--help"],
    }
    found = {}
    for name, args in commands.items():
        times = []
        for _ in range(3):
            began = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "pipeline", *args], capture_output=True, check=False
            )
            times.append(time.perf_counter() - began)
        found[name] = min(times)
    return found


def report(seconds: dict[str, float], count: int) -> list[dict[str, Any]]:
    """Prints the table; the verdicts on the targets."""
    print(f"{'stage':38} {'us/event':>9} {'events/s':>10} {'x orjson':>9} {'x json':>7}")
    for name, spent in seconds.items():
        print(
            f"{name:38} {spent / count * 1e6:9.2f} {count / spent:10,.0f} "
            f"{spent / seconds['orjson round trip']:9.2f} {spent / seconds['json loop']:7.2f}"
        )
    verdicts = []
    for name, (yardstick, bound, target) in TARGETS.items():
        cost = seconds[name] / seconds[yardstick]
        ratio = cost if bound == "at most" else 1 / cost
        met = ratio <= target if bound == "at most" else ratio >= target
        verdicts.append({"stage": name, "ratio": round(ratio, 3), "target": target, "met": met})
        print(
            f"{'met   ' if met else 'MISSED'} {name}: {ratio:.2f} of the {yardstick}, "
            f"{bound} {target}"
        )
    return verdicts


def main() -> int:
    """Run everything; write JSON beside the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=40_000)
    parser.add_argument("--out", type=Path, default=Path("build/bench/throughput.json"))
    options = parser.parse_args()
    lines = [
        line
        for line in generated(options.events, options.events // 10, 11)
        if line.startswith(b"{") and _is_sound(line)
    ]
    size = sum(map(len, lines)) // len(lines)
    print(f"{len(lines):,} events of {size} bytes, Python {platform.python_version()}, ", end="")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    seconds = {**in_process(lines), **unwanted(lines)}
    with tempfile.TemporaryDirectory() as folder:
        seconds |= through_beam(lines, Path(folder))
    verdicts = report(seconds, len(lines))
    starts = start_up()
    for name, spent in starts.items():
        bound = START_UP.get(name)
        verdict = (
            "" if bound is None else f"  {'met' if spent < bound else 'MISSED'}: under {bound} s"
        )
        print(f"{name:38} {spent:9.2f} s{verdict}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    print(f"peak memory of a run                   {peak:9,} MiB")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(
        json.dumps(
            {"events": len(lines), "seconds": seconds, "verdicts": verdicts, "start_up": starts},
            indent=2,
        )
    )
    return 0


def _is_sound(line: bytes) -> bool:
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False


if __name__ == "__main__":
    sys.exit(main())
