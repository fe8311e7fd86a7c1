"""The examples of docs/library.md do what the page says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from destinations.intercom.emulator import Emulator, EmulatorSettings
from pipeline.flow.dead_letters import decode
from pipeline.run.beam_yaml import PenstockIntercom

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "library.md"


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(settings=EmulatorSettings(token=None, limit=None)) as emulator:
        yield emulator


def run(*command: str) -> None:
    environment = {**os.environ, "INTERCOM_ACCESS_TOKEN": "t", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]


def lines_of(directory: Path, pattern: str) -> list[bytes]:
    return [line for file in directory.glob(pattern) for line in file.read_bytes().splitlines()]


@pytest.mark.parametrize("example", ["library.py", "beam-yaml/events.yaml"])
def test_the_page_shows_the_example_that_is_tested(example: str) -> None:
    assert (ROOT / "examples" / example).read_text().rstrip() in PAGE.read_text()


@pytest.mark.integration
def test_the_example_in_python_accounts_for_every_event(emulator: Emulator, tmp_path: Path) -> None:
    events = ROOT / "examples" / "events.jsonl"
    run("examples/library.py", f"--endpoint={emulator.url}", f"--output={tmp_path}")
    account = dict(line.split(b": ") for line in lines_of(tmp_path, "account*"))
    dead = [decode(line) for line in lines_of(tmp_path, "dead*")]
    received = sum(map(int, account.values())) + len(dead)
    assert received >= len(events.read_bytes().splitlines())
    assert {letter.receipt.origin for letter in dead} == {"examples/events.jsonl"}
    assert emulator.state["contacts"]


@pytest.mark.integration
def test_the_example_in_yaml_delivers_and_keeps_what_was_refused(
    emulator: Emulator, tmp_path: Path
) -> None:
    variables = {
        "input": "examples/beam-yaml/events.jsonl",
        "endpoint": emulator.url,
        "output": str(tmp_path),
    }
    run(
        "-m", "apache_beam.yaml.main", "--runner=FnApiRunner",
        "--yaml_pipeline_file=examples/beam-yaml/events.yaml",
        f"--jinja_variables={json.dumps(variables)}",
    )  # fmt: skip
    delivered = [json.loads(line) for line in lines_of(tmp_path, "delivered*")]
    dead = [json.loads(line) for line in lines_of(tmp_path, "dead*")]
    assert {row["status"] for row in delivered} <= {"delivered", "merged"}
    assert {row["type"] for row in delivered} >= {"identify", "track"}
    assert dead
    assert all(decode(row["letter"]).reason == row["reason"] for row in dead)
    assert emulator.state["events"]


def test_an_unknown_option_of_the_yaml_step_is_named() -> None:
    with pytest.raises(Exception, match="'retries'"):
        PenstockIntercom(retries=3, dry_run=True)
