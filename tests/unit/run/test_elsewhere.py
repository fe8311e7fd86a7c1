"""Workers in other processes find the files that were named relative to where a run was begun."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.run.config import RunConfig
from pipeline.run.elsewhere import for_workers


def test_relative_paths_are_written_in_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = for_workers(
        RunConfig(inputs=("in/*.jsonl", "/a.jsonl"), state="sqlite:///s.db", dead_letters="dead")
    )
    assert config.inputs == (f"{tmp_path}/in/*.jsonl", "/a.jsonl")
    assert config.state == f"sqlite:///{tmp_path}/s.db"
    assert config.dead_letters == f"{tmp_path}/dead"


@pytest.mark.parametrize(
    "text", ["gs://b/x.jsonl", "kafka://b:9092/t", "watch:in", "pubsub://project/s", "-"]
)
def test_addresses_stay_as_they_are(text: str) -> None:
    config = for_workers(RunConfig(inputs=(text,), dead_letters="s3://b/dead"))
    assert (config.inputs, config.dead_letters) == ((text,), "s3://b/dead")


@pytest.mark.parametrize("state", ["sqlite://", "postgresql+psycopg://u@h/d", "sqlite:////s.db"])
def test_a_state_that_is_no_relative_file_stays_as_it_is(state: str) -> None:
    assert for_workers(RunConfig(inputs=(), state=state)).state == state
