"""Options behind our own: Beam's, and those that only a job server in Java knows."""

from __future__ import annotations

import pytest

from pipeline.errors import UsageError
from pipeline.run.beam_options import pipeline_options

FLINK = ("--runner", "FlinkRunner")


@pytest.mark.parametrize(
    "words", [("--checkpointing_interval", "10000"), ("--max_parallelism=64",), ("--object_reuse",)]
)
def test_an_option_of_flinks_job_server_is_let_through(words: tuple[str, ...]) -> None:
    pipeline_options([*FLINK, *words])


def test_on_this_machine_it_is_a_mistake() -> None:
    with pytest.raises(UsageError, match="--checkpointing_interval"):
        pipeline_options(["--checkpointing_interval", "10000"])


def test_a_mistyped_one_is_told_with_the_one_that_was_meant() -> None:
    with pytest.raises(UsageError, match=r"did you mean --checkpointing_interval\?"):
        pipeline_options([*FLINK, "--checkpoint_interval", "10000"])
