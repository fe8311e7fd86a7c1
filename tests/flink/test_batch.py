"""The batch run of the examples on a real Flink: the same final state as on this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from destinations.intercom.emulator import Emulator, EmulatorSettings
from pipeline.cli.main import exit_code_of
from tests.flink.streams import EXAMPLES
from tests.services.flink import FlinkCluster

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def test_a_batch_on_flink_leaves_the_state_and_the_account_of_a_local_one(
    cluster: FlinkCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTERCOM_ACCESS_TOKEN", "t")
    found: list[tuple[Any, Any]] = []
    for name, options in (("local", []), ("flink", [*cluster.options, "--parallelism=2"])):
        with Emulator(settings=EmulatorSettings(token=None, limit=None)) as emulator:
            summary = tmp_path / f"{name}.json"
            args = ["run", "--input", str(EXAMPLES), "--endpoint", emulator.url, "--quiet",
                    "--state", f"sqlite:///{tmp_path / name}.db", "--summary", str(summary),
                    "--dead-letters", str(tmp_path / name)]  # fmt: skip
            assert exit_code_of([*args, *options]) == 0
            account = json.loads(summary.read_text())
            parts = {key: account[key] for key in ("received", "delivered", "skipped", "dead")}
            found.append((emulator.canonical_state, parts))
    assert found[0] == found[1]
