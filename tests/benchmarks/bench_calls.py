"""How many calls a run makes, against the floor that the input itself sets.

    python tests/benchmarks/bench_calls.py --events 200000 --people 20000

The floor is computed from what the mapping wants and from nothing of the delivery: one call for
each event admitted, each person written, each company written, each membership that stands at
the end, each custom attribute to be created. The emulator starts empty and is not limited; what
counts is the number of calls. Prints a table; exits 1 if the ratio is above --most.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipeline.mapping.interpreter import Mapped
from pipeline.preparation import Preparer, Refused
from pipeline.run.mappings import DEFAULT_MAPPING, HOME, compile_mapping_file
from pipeline.validation.registry import SchemaSet
from tests.benchmarks.measure import BUILD, ROOT, Verdict, keep

NAMES_PER_WORKSPACE = 120
STANDING = ("upsert_contact", "touch_contact")


def generated(count: int, people: int, seed: int) -> Iterable[bytes]:
    """The lines of examples/generate.py."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "examples" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    lines: Iterable[bytes] = module.events(seed, count, people)
    return lines


def floor(lines: Iterable[bytes]) -> Counter[str]:
    """The calls that no delivery could do without, by what they are for."""
    plan = compile_mapping_file(DEFAULT_MAPPING, {}).plan
    assert plan is not None
    preparer = Preparer(plan, SchemaSet.load(HOME / "schemas"), now=0)
    user_of: dict[str, tuple[int, str]] = {}
    wanted: list[tuple[int, str, Mapped]] = []
    seen: set[str] = set()
    for line in lines:
        for prepared in preparer.prepare(line, "bench"):
            if isinstance(prepared, Refused):
                continue
            event, mapped = prepared
            if not isinstance(mapped, Mapped):
                continue
            if event.message_id in seen:
                continue  # the same event again is no new work
            seen.add(event.message_id)
            wanted.append((event.time, event.message_id, mapped))
            person = mapped.person
            if event.type == "identify" and person.user_id and person.email:
                email = person.email.lower()
                user_of[email] = max(user_of.get(email, (0, "")), (event.time, person.user_id))
    wanted.sort(key=lambda item: item[:2])
    return _floor(wanted, {email: user for email, (_, user) in user_of.items()})


def _floor(wanted: list[tuple[int, str, Mapped]], user_of: dict[str, str]) -> Counter[str]:
    calls: Counter[str] = Counter()
    people, companies = set(), set()
    members: dict[tuple[str, str], bool] = {}
    attributes = set()
    for _, _, mapped in wanted:
        email = (mapped.person.email or "").lower()
        who = mapped.person.user_id or user_of.get(email) or email
        for operation in mapped.operations:
            fields = operation.fields
            model = "company" if operation.kind == "upsert_company" else "contact"
            for name, value in fields.get("custom_attributes", {}).items():
                if value is not None:
                    attributes.add((model, name))
            if operation.kind == "submit_event":
                calls["events"] += 1
            elif operation.kind in STANDING:
                people.add(who)
            elif operation.kind == "upsert_company":
                companies.add(fields["company_id"])
            elif operation.kind in ("attach_company", "detach_company"):
                members[who, fields["company_id"]] = operation.kind == "attach_company"
    calls["people"] = len(people)
    calls["companies"] = len(companies)
    calls["memberships"] = sum(members.values())
    calls["attributes"] = len(attributes)
    return calls


def run(source: Path, work: Path, url: str, *, name: str) -> dict[str, Any]:
    """One run of the command; its summary."""
    summary = work / f"{name}.json"
    command = [
        sys.executable, "-m", "pipeline", "run", "--input", str(source), "--endpoint", url,
        "--state", f"sqlite:///{work / 'state.db'}", "--dead-letters", str(work / "dead"),
        "--summary", str(summary), "--quiet",
    ]  # fmt: skip
    environment = {**os.environ, "INTERCOM_ACCESS_TOKEN": "bench"}
    subprocess.run(command, check=True, env=environment, cwd=ROOT)
    result: dict[str, Any] = json.loads(summary.read_text())
    return result


def calls_of(summary: dict[str, Any]) -> Counter[str]:
    """Calls by endpoint, whatever the answer; the greeting does not count."""
    return Counter(
        {
            call: sum(statuses.values())
            for call, statuses in summary["calls"].items()
            if call != "GET /me"
        }
    )


def writes(summary: dict[str, Any]) -> int:
    """The calls that changed something: neither searches nor what was refused again."""
    return sum(
        count
        for call, statuses in summary["calls"].items()
        for status, count in statuses.items()
        if not call.startswith("GET ") and "search" not in call and status.startswith("2")
    )


def main() -> int:
    """Generate, compute the floor, run twice, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--most", type=float, default=1.02, help="the ratio that is allowed")
    parser.add_argument("--out", type=Path, default=BUILD / "calls.json")
    options = parser.parse_args()
    lines = list(generated(options.events, options.people, options.seed))
    lowest = floor(lines)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "events.jsonl").write_bytes(b"".join(line.rstrip(b"\n") + b"\n" for line in lines))
        emulator = subprocess.Popen(
            [sys.executable, "-m", "pipeline", "emulate", "--port", "0", "--limit", "0"],
            stdout=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip
        try:
            assert emulator.stdout is not None
            url = emulator.stdout.readline().split()[-1]
            names = urllib.request.Request(
                f"{url}/_emulator/settings", b'{"log_limit": 1000}', method="PATCH"
            )
            urllib.request.urlopen(names).close()
            first = run(work / "events.jsonl", work, url, name="first")
            second = run(work / "events.jsonl", work, url, name="second")
        finally:
            emulator.terminate()
            emulator.wait()
    made = calls_of(first)
    total, least = sum(made.values()), sum(lowest.values())
    for what, count in lowest.items():
        print(f"floor  {what:14} {count:>9,}")
    for call, count in sorted(made.items()):
        print(f"made   {call:42} {count:>9,}")
    for call, statuses in sorted(second["calls"].items()):
        print(f"again  {call:42} {statuses}")
    print(f"{total:,} calls, floor {least:,}")
    print(f"seconds: {first['seconds']:.0f} and {second['seconds']:.0f}")
    verdicts = [
        Verdict("calls, to the floor of the input", total / least, "at most", options.most),
        Verdict("writes of a second run", writes(second), "at most", 0),
    ]
    record = {"events": len(lines), "floor": lowest, "made": made, "again": second["calls"]}
    keep(options.out, record, verdicts)
    return 0 if all(verdict.met for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
