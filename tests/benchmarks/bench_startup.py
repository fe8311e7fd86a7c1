"""How long each command takes to say something: what an analyst waits for.

    python -m tests.benchmarks.bench_startup

Every command says its help, and those of analysts do something small besides. The best of three
rounds counts, as time by the clock, which is what is waited for, and as processor time, which
says more on a machine that does other things. Commands for analysts have a target.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.cli.main import COMMANDS
from pipeline.run.mappings import DEFAULT_MAPPING, HOME
from tests.benchmarks.measure import BUILD, Verdict, command, keep, machine, on_this_machine

EVENT = HOME / "schemas" / "events" / "examples" / "valid" / "identify-full.json"
TESTS = DEFAULT_MAPPING.parent / "tests" / DEFAULT_MAPPING.name
ANALYSTS: Mapping[str, Sequence[str]] = {
    "validate a mapping": ["validate", str(DEFAULT_MAPPING)],
    "test one": ["test", f"{TESTS}::P1 a userId becomes*"],
    "explain an event": ["explain", "--event", str(EVENT)],
    "schema check of one file": ["schema", "check", str(HOME / "schemas/events/track.schema.json")],
}
"""What is held to the target."""
LARGER: Mapping[str, Sequence[str]] = {
    "validate everything": ["validate"],
    "test all of the mapping's": ["test", str(TESTS)],
}
SECONDS = 0.3

Took = tuple[float, float]
"""Processor seconds and clock seconds."""


def commands() -> dict[str, list[str]]:
    """What is run, by name; first Python alone, which nobody can undercut."""
    ours = [sys.executable, "-m", "pipeline"]
    return {
        "python alone": [sys.executable, "-c", "pass"],
        "penstock --version": [*ours, "--version"],
        **{f"penstock {name} --help": [*ours, name, "--help"] for name in COMMANDS},
        **{
            f"penstock {name}": [*ours, *arguments]
            for name, arguments in {**ANALYSTS, **LARGER}.items()
        },
    }


def measured(chosen: Mapping[str, Sequence[str]], rounds: int) -> dict[str, Took]:
    """The least of each, of rounds that alternate."""
    found = dict.fromkeys(chosen, (float("inf"), float("inf")))
    for _ in range(rounds):
        for name, arguments in chosen.items():
            cpu, clock = command(arguments, quiet=True)
            found[name] = min(found[name][0], cpu), min(found[name][1], clock)
    return found


def main() -> None:
    """Measure, print a table and the verdicts, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="commands with this in their name")
    parser.add_argument("--out", type=Path, default=BUILD / "startup.json")
    options = parser.parse_args()
    print(on_this_machine(machine()))
    chosen = {name: args for name, args in commands().items() if options.only in name}
    found = measured(chosen, options.rounds)
    print(f"{'seconds':40} {'by the clock':>12} {'processor':>10}")
    for name, (cpu, clock) in found.items():
        print(f"{name:40} {clock:12.2f} {cpu:10.2f}")
    verdicts = [
        Verdict(f"seconds of {name}", found[name][1], "at most", SECONDS)
        for name in (f"penstock {each}" for each in ANALYSTS)
        if name in found
    ]
    seconds = {name: {"cpu": cpu, "clock": clock} for name, (cpu, clock) in found.items()}
    keep(options.out, {"seconds": seconds}, verdicts)


if __name__ == "__main__":
    main()
