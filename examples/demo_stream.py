"""The streaming demo: events trickle in, and are seen arriving in an emulated Intercom.

Run by ``make demo-stream``. 100 events a second are written to a watched directory for 20 seconds,
then to a Kafka topic where Java, Maven and confluent-kafka are there. Says how long an event takes
from being written until its call comes in. Everything stays on this machine, under .demo/stream/.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
WORK = HERE.parent / ".demo" / "stream"
HOLD_BACK = 5.0
ALLOWED = HOLD_BACK + 2.0
"""Within so many seconds 95 of 100 events must have arrived."""
PEOPLE = 200

Write = Callable[[bytes], object]


def main() -> int:
    """Run the demo; 1 if events were lost, doubled, out of order or too late."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rate", type=float, default=100.0, help="events a second")
    parser.add_argument("--no-kafka", action="store_true")
    chosen = parser.parse_args()
    shutil.rmtree(WORK, ignore_errors=True)
    inbox = WORK / "inbox"
    inbox.mkdir(parents=True)
    with emulator() as url:
        print(f"An emulated Intercom listens on {url}\n")
        with (
            (inbox / "events.jsonl").open("ab", buffering=0) as file,
            stream(url, "watch", f"watch:{inbox}"),
        ):
            written = feed(lambda line: file.write(line + b"\n"), chosen.seconds, chosen.rate)
            wait_for(url, written)
        code = look(url, "watched directory", written)
    if chosen.no_kafka:
        return code
    missing = what_kafka_lacks()
    if missing:
        print(f"\nNot tried with Kafka: there is no {missing}.")
        return code
    with (
        emulator() as url,
        kafka() as (broker, write),
        stream(url, "kafka", f"kafka://{broker}/events"),
    ):
        written = feed(write, chosen.seconds, chosen.rate)
        wait_for(url, written)
        return look(url, "Kafka topic", written) or code


@contextmanager
def emulator() -> Iterator[str]:
    """An emulated Intercom in a process of its own; its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "emulate", "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
    finally:
        process.terminate()
        process.wait(timeout=10)


@contextmanager
def stream(url: str, name: str, source: str) -> Iterator[None]:
    """``penstock run --streaming`` in a process of its own; drained at the end."""
    command = [
        "run", "--streaming", "--input", source, "--endpoint", url,
        "--hold-back", f"{HOLD_BACK:g}", "--state", f"sqlite:///{WORK / name}.db",
        "--dead-letters", str(WORK / f"{name}-dead-letters"),
        "--summary", str(WORK / f"{name}.json"), "--quiet",
    ]  # fmt: skip
    print("penstock " + " ".join(command), "\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", *command],
        env={"INTERCOM_ACCESS_TOKEN": "demo", **os.environ},
    )
    try:
        deadline = time.monotonic() + 60
        while not requests(url) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)  # its first call says that it is there
        yield
        process.send_signal(signal.SIGTERM)
        if process.wait(timeout=60):
            print(f"the stream ended with exit code {process.returncode}")
    finally:
        process.kill()


def feed(write: Write, seconds: float, rate: float) -> list[tuple[str, float]]:
    """Write events at an even rate, some of them a little out of order; whose, and when."""
    dice = random.Random(7)
    written: list[tuple[str, float]] = []
    began = time.monotonic()
    print(f"{rate:g} events a second for {seconds:g} seconds ...")
    for number in range(int(seconds * rate)):
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
        who = f"user-{dice.randrange(PEOPLE)}"
        now = time.time()
        event = {
            "userId": who,
            "messageId": f"demo-{number}",
            "timestamp": int((now - dice.random() * HOLD_BACK / 2) * 1000),
        }
        if number < PEOPLE:
            who = event["userId"] = f"user-{number}"
            event |= {"type": "identify", "traits": {"name": f"User {number}"}}
        else:
            event |= {"type": "track", "event": "Demo Event", "properties": {"n": number}}
        written.append((who, now))
        write(json.dumps(event).encode())
    return written


def requests(url: str) -> list[dict[str, Any]]:
    """What the emulator has received."""
    with urllib.request.urlopen(f"{url}/_emulator/requests") as answer:
        found: list[dict[str, Any]] = json.load(answer)["requests"]
    return found


def arrivals(url: str) -> list[tuple[int, float, str, int]]:
    """(number, when it came, whose it is, when it happened) of every event that came in."""
    return [
        (entry["body"]["metadata"]["n"], entry["time"], entry["contact_id"],
         entry["body"]["created_at"])
        for entry in requests(url)
        if (entry["path"], entry["status"]) == ("/events", 202)
    ]  # fmt: skip


def wait_for(url: str, written: list[tuple[str, float]]) -> None:
    """Wait until everything has come in, for half a minute at most."""
    deadline = time.monotonic() + 30
    while len(arrivals(url)) < len(written) - PEOPLE and time.monotonic() < deadline:
        time.sleep(0.5)


def look(url: str, name: str, written: list[tuple[str, float]]) -> int:
    """Compare what was written with what the emulator's log says; 1 if anything is wrong."""
    came = arrivals(url)
    numbers = [number for number, *_ in came]
    lost = set(range(PEOPLE, len(written))) - set(numbers)
    doubled = len(numbers) - len(set(numbers))
    seconds = sorted(at - written[number][1] for number, at, *_ in came)
    latest: dict[str, int] = {}
    disordered = 0
    for _, _, who, created in came:
        disordered += created < latest.get(who, created)
        latest[who] = max(created, latest.get(who, created))
    if not seconds:
        return 1
    p50, p95, p99 = (seconds[int(len(seconds) * part)] for part in (0.5, 0.95, 0.99))
    print(f"{name}: {len(came):,} events came in, {len(lost)} are lost, {doubled} came twice, ")
    print(f"{disordered} out of a person's order.")
    print("From written to received, in seconds:")
    print(f"  p50 {p50:.2f}   p95 {p95:.2f}   p99 {p99:.2f}   (p95 allowed: {ALLOWED:g})")
    return 1 if lost or doubled or disordered or p95 > ALLOWED else 0


def what_kafka_lacks() -> str:
    """What is missing to try Kafka; empty if all is there."""
    if importlib.util.find_spec("confluent_kafka") is None:
        return "confluent-kafka (pip install 'penstock[kafka]')"
    return next((tool for tool in ("java", "mvn") if shutil.which(tool) is None), "")


@contextmanager
def kafka() -> Iterator[tuple[str, Write]]:
    """A Kafka broker of our own; its address, and what writes to its topic."""
    from confluent_kafka import Producer

    print("\nStarting a Kafka broker (its jars are fetched by Maven the first time) ...")
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.services.kafka", "--topic", "events:3"],
        cwd=HERE.parent,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        broker = process.stdout.readline().strip()
        producer = Producer({"bootstrap.servers": broker, "linger.ms": 5, "log_level": 0})

        def write(line: bytes) -> None:
            producer.produce("events", line, key=json.loads(line)["userId"])
            producer.poll(0)

        yield broker, write
        producer.flush(10)
    finally:
        process.terminate()
        process.wait(timeout=30)


if __name__ == "__main__":
    sys.exit(main())
