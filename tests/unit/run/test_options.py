"""The options of a run are one list: the flags, the keys of a job file, the fields of a run."""

from __future__ import annotations

from dataclasses import MISSING, fields
from inspect import signature

import pytest

from pipeline.cli import plan, replay, run, warm
from pipeline.cli.streaming import of_stream, stream_config
from pipeline.run.config import RunConfig
from pipeline.run.options import DESTINATION, RUN, STREAM, problem_with

OPTIONS = (*RUN.values(), *DESTINATION.values())
OF_THE_CALL = {"--summary", "--quiet", "--dry-run", "--plan", "--job", "--destination"}
"""Flags about one call of ``run``, which a job file therefore has no key for."""


def words(command) -> set[str]:
    return {word for param in command.params for word in param.opts}


def test_every_flag_of_run_is_an_option_of_the_list_or_about_the_call() -> None:
    listed = {option.word for option in (*OPTIONS, *STREAM.values())}
    assert words(run.command) == listed | OF_THE_CALL


def test_every_option_is_a_field_of_a_run_and_every_other_field_is_about_the_call() -> None:
    assert {option.name for option in OPTIONS} | {"dry_run", "discards", "beam_args"} == {
        field.name for field in fields(RunConfig)
    }


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.key)
def test_the_default_of_an_option_is_that_of_the_field(option) -> None:
    (field,) = [field for field in fields(RunConfig) if field.name == option.name]
    if field.default is not MISSING:
        assert option.default == field.default


@pytest.mark.parametrize("command", [plan.command, replay.command, warm.command])
def test_other_commands_have_the_flags_as_they_are_in_run(command) -> None:
    of_run = {word: param for param in run.command.params for word in param.opts}
    for param in command.params:
        for word in param.opts:
            if word in of_run and word not in ("--state", "--dead-letters", "--dry-run", "--job"):
                assert param.to_info_dict() == of_run[word].to_info_dict(), word


def test_every_option_of_a_stream_is_taken_from_what_is_given() -> None:
    given = {option.name: None for option in STREAM.values()} | {"streaming": True, "inputs": ()}
    taken = of_stream(dict(given), plan_file=None)
    assert taken.keys() == {option.name for option in STREAM.values()} - {"streaming"}
    assert taken.keys() == set(signature(stream_config).parameters)


@pytest.mark.parametrize(
    ("key", "number", "problem"),
    [
        ("rate", 0, "must be above 0"),
        ("rate", float("nan"), "must be a finite number"),
        ("rate", float("inf"), "must be a finite number"),
        ("rate", 0.5, ""),
        ("share", 1.5, "must be above 0 and at most 1"),
        ("share", 1, ""),
        ("max_outage", 0, ""),
        ("max_outage", -1, "must be at least 0"),
        ("concurrency", 1.5, "must be a whole number"),
        ("concurrency", 257, "must be at least 1 and at most 256"),
        ("max_event_bytes", 0, "must be at least 1"),
    ],
)
def test_a_number_out_of_bounds_is_refused(key, number, problem) -> None:
    option = {**RUN, **DESTINATION}[key]
    assert problem_with(option, number) == problem
