"""A job file with one destination is the same run as the flags that say the same."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from unittest import mock

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.cli import run as command
from pipeline.cli.running import job_of
from pipeline.run.jobs.description import describe_job
from pipeline.run.jobs.reader import read_job
from pipeline.run.mappings import DEFAULT_MAPPING, HOME
from pipeline.run.options import DESTINATION, RUN, Option

TEXTS = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
SETTINGS = st.fixed_dictionaries({}, optional={"nested": st.sampled_from(["drop", "flatten"])})


def values(option: Option) -> st.SearchStrategy[Any]:
    """What may stand behind an option, as a job file has it."""
    match option.kind:
        case "inputs":
            return st.lists(TEXTS, min_size=1, max_size=3)
        case "file":
            return st.just(str(DEFAULT_MAPPING))
        case "directory":
            return st.just(str(HOME / "schemas"))
        case "state":
            return TEXTS.map("sqlite:///{}.db".format)
        case "table":
            return SETTINGS
        case "secret":
            return TEXTS.map("env:{}".format)
        case "choice":
            return st.sampled_from(option.choices)
        case "flag":
            return st.booleans()
        case "integer":
            return st.integers(1, int(option.most or 10**6))
        case "number":
            return st.integers(1, int(1000 * (option.most or 10**6))).map(lambda n: n / 1000)
        case _:
            return TEXTS


def any_of(options) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {}, optional={key: values(option) for key, option in options.items()}
    )


def words(option: Option, value: Any) -> list[str]:
    """The option on the command line."""
    if option.kind == "flag":
        return [option.word] if value else []
    if option.kind == "inputs":
        return [word for one in value for word in (option.word, one)]
    if option.kind == "table":
        return [word for key, text in value.items() for word in (option.word, f"{key}={text}")]
    return [option.word, repr(value) if isinstance(value, float) else str(value)]


def of_flags(arguments: list[str]) -> Any:
    with (
        mock.patch("pipeline.run.job.check", lambda config, plan: SimpleNamespace(config=config)),
        command.command.make_context("run", arguments) as ctx,
    ):
        of_a_run = {option.name for option in (*RUN.values(), *DESTINATION.values())}
        given_ = {key: value for key, value in ctx.params.items() if key in of_a_run}
        return job_of(ctx, **given_).config


def of_file(common: dict[str, Any], own: dict[str, Any], flags: dict[str, Any]) -> Any:
    text = yaml.safe_dump({"job": 1, **common, "destinations": {"only": own}})
    written, found = read_job(text, file="job.yaml")
    job, more = describe_job(written, flags)
    assert (*found, *more) == ()
    (one,) = job.destinations
    return one.config


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_one_destination_is_the_run_that_the_flags_describe(data: st.DataObject) -> None:
    common = data.draw(any_of(RUN)) | {"inputs": data.draw(values(RUN["inputs"]))}
    own = data.draw(any_of(DESTINATION))
    given_ = [words({**RUN, **DESTINATION}[key], value) for key, value in (common | own).items()]
    assert of_file(common, own, {}) == of_flags([word for part in given_ for word in part])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_flag_beside_a_job_file_wins_as_if_the_file_did_not_state_it(
    data: st.DataObject,
) -> None:
    common = data.draw(any_of(RUN)) | {"inputs": data.draw(values(RUN["inputs"]))}
    own = data.draw(any_of(DESTINATION))
    option = data.draw(st.sampled_from([*RUN.values(), *DESTINATION.values()]))
    chosen = data.draw(values(option))
    place = common if option.key in RUN else own
    as_flag = of_flags(["--input", "x", *words(option, chosen)])
    typed = {option.name: getattr(as_flag, option.name)}
    if option.kind == "inputs":
        typed = {"inputs": tuple(chosen)}
    if option.kind == "table":
        chosen = {**own.get("set", {}), **chosen}
    assert of_file(common, own, typed) == of_file(
        {**common, **({option.key: chosen} if place is common else {})},
        {**own, **({option.key: chosen} if place is own else {})},
        {},
    )
