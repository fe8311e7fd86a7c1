"""The example job, against emulators."""

from __future__ import annotations

import json
import shutil
from contextlib import ExitStack
from pathlib import Path

import jsonschema
import pytest
import yaml

from destinations.intercom.emulator import Emulator, EmulatorSettings
from pipeline.cli.main import exit_code_of
from pipeline.run.mappings import HOME

JOB = HOME / "examples" / "job.yaml"


def test_it_has_no_finding_and_fits_its_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(["validate", "--strict", str(JOB)]) == 0
    schema = json.loads((HOME / "schemas" / "job.schema.json").read_text())
    jsonschema.Draft7Validator(schema).validate(yaml.safe_load(JOB.read_text()))


@pytest.mark.integration
def test_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(HOME / "examples" / "events.jsonl", tmp_path)
    job = yaml.safe_load(JOB.read_text())
    with ExitStack() as stack:
        emulators = {}
        for name, destination in job["destinations"].items():
            secret = f"secret-of-{name}"
            monkeypatch.setenv(destination["token"].removeprefix("env:"), secret)
            settings = EmulatorSettings(token=secret, limit=None)
            emulators[name] = stack.enter_context(Emulator(settings=settings))
            destination["endpoint"] = emulators[name].url
            del destination["about" if name == "messenger" else "region"]
            if "rate" in destination:
                destination["rate"] = 1_000_000  # a test does not wait
        (tmp_path / "job.yaml").write_text(yaml.safe_dump(job))
        summary_file = tmp_path / "summary.json"
        arguments = ["run", "--job", str(tmp_path / "job.yaml"), "--quiet"]
        assert exit_code_of([*arguments, "--summary", str(summary_file)]) == 0
        summary = json.loads(summary_file.read_text())
        names = {name: event_names(emulator) for name, emulator in emulators.items()}
    assert summary["input"]["received"] == 3000
    for account in summary["destinations"].values():
        assert account["received"] == 3000 - sum(summary["input"]["dead"].values())
        assert account["delivered"] > 0
        parts = [sum(account[group].values()) for group in ("skipped", "merged", "dead")]
        assert account["received"] == account["delivered"] + sum(parts)
    assert names["messenger"] == {"Signed Up", "Trial Started", "Checkout Started"}
    assert names["eu"] > names["messenger"]
    for name in ("eu", "us", "messenger"):
        assert (tmp_path / f"{name}.db").exists()
        assert (tmp_path / "dead-letters" / name).is_dir()


def event_names(emulator: Emulator) -> set[str]:
    contacts = emulator.canonical_state["contacts"].values()
    return {name for contact in contacts for name, _, _ in contact["events"]}
