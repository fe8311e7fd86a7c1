"""What the benchmarks share: the machine, processor time, verdicts on targets, and the JSON."""

from __future__ import annotations

import gc
import json
import os
import platform
import resource
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "bench"

Step = Callable[[bytes], object]
Lines = Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found, and what was to be reached.

    Attributes:
        what: Of what.
        found: The ratio, or the seconds.
        bound: ``at most`` or ``at least``.
        target: How much.
    """

    what: str
    found: float
    bound: str
    target: float

    @property
    def met(self) -> bool:
        """Whether the target is reached."""
        if self.bound == "at most":
            return self.found <= self.target
        return self.found >= self.target

    def __str__(self) -> str:
        word = "met" if self.met else "MISSED"
        return f"{word:6} {self.what:56} {self.found:8.3f}  {self.bound} {self.target}"


def machine() -> dict[str, Any]:
    """What the figures were taken on, and how busy it is."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
    }


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor() or platform.machine())


def on_this_machine(found: Mapping[str, Any]) -> str:
    """The machine in a line."""
    return f"{found['cpu']}, {found['cores']} cores, Python {found['python']}, load {found['load']}"


def best(
    stages: Mapping[str, tuple[Callable[[Any], object], Sequence[Any]]], rounds: int
) -> dict[str, float]:
    """Processor seconds an item of the best round of each stage; the rounds of all alternate."""
    seconds = dict.fromkeys(stages, float("inf"))
    for _ in range(rounds):
        for name, (step, items) in stages.items():
            gc.collect()
            began = time.process_time()
            for item in items:
                step(item)
            seconds[name] = min(seconds[name], (time.process_time() - began) / len(items))
    return seconds


def children() -> float:
    """Processor seconds of all processes that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def command(arguments: Sequence[str], *, quiet: bool = False) -> tuple[float, float]:
    """Processor seconds and clock seconds of a command and all that it starts.

    Raises:
        subprocess.CalledProcessError: It failed.
    """
    silence = subprocess.DEVNULL if quiet else None
    before, began = children(), time.perf_counter()
    subprocess.run(arguments, check=True, cwd=ROOT, stdout=silence, stderr=silence)
    return children() - before, time.perf_counter() - began


def keep(out: Path, record: Mapping[str, Any], verdicts: Iterable[Verdict] = ()) -> None:
    """Print the verdicts; write them with the record and the machine as JSON."""
    held = list(verdicts)
    for verdict in held:
        print(verdict)
    whole = {
        "machine": machine(),
        **record,
        "verdicts": [{**asdict(each), "met": each.met} for each in held],
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(whole, indent=2) + "\n")


def kept(path: Path) -> list[Verdict]:
    """The verdicts of a file that ``keep`` wrote; none of another one's."""
    found = json.loads(path.read_text()).get("verdicts", [])
    return [Verdict(each["what"], each["found"], each["bound"], each["target"]) for each in found]
