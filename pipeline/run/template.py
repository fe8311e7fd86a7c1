"""A run that is handed to an engine and not waited for: what a flex template's launcher does."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems

from pipeline.errors import PenstockError, UsageError
from pipeline.run import graph, inputs
from pipeline.run.batch import new_run_id
from pipeline.run.config import RunConfig
from pipeline.run.job import check, greet, remembered_scope
from pipeline.run.library import plan_of
from pipeline.run.options import DESTINATION, RUN, Option, number_of, problem_with
from pipeline.run.outputs import with_usable_outputs
from pipeline.run.wiring import Edges, settings

_RENAMED = {"region": "workspace_region"}
"""Dataflow has a --region of its own."""

PARAMETERS: Mapping[str, Option] = {
    _RENAMED.get(name, name): option
    for option in (*RUN.values(), *DESTINATION.values())
    for name in [option.word.removeprefix("--").replace("-", "_")]
}
"""Name of a template's parameter -> the option of a run that it is."""


def main(words: Sequence[str] | None = None) -> None:
    """Build the job of the parameters (``--name=value``) and hand it over.

    A parameter that may be given several times takes its values separated by ``;``. Everything
    that is no parameter goes to Beam.
    """
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name in PARAMETERS:
        parser.add_argument(f"--{name}")
    given, beam_args = parser.parse_known_args(words)
    chosen = {name: text for name, text in vars(given).items() if text not in (None, "")}
    try:
        launch(config_of(chosen, beam_args))
    except PenstockError as error:
        sys.exit(f"penstock: {error}")


def config_of(given: Mapping[str, str], beam_args: Iterable[str]) -> RunConfig:
    """The run that the parameters describe.

    Raises:
        UsageError: A value is not what the parameter takes, or nothing is to be read.
    """
    values = {PARAMETERS[name].name: _value(name, text) for name, text in given.items()}
    if "inputs" not in values:
        message = "the parameter input is needed: the files to read, such as gs://bucket/*.jsonl"
        raise UsageError(message)
    return RunConfig(beam_args=tuple(beam_args), **values)


def launch(config: RunConfig) -> Any:
    """Check the run, build its graph and start it.

    Returns:
        What Beam returns; a runner that stays in this process has finished by then.

    Raises:
        UsageError: An option, a file, the token or the state cannot be used.
        CredentialsRefused: The destination refuses the token.
    """
    job = with_usable_outputs(check(config, plan_of(config)), None)
    with inputs.slices(config.inputs) as slices:
        scope = remembered_scope(job, greet(job, Counter()))
        now = time.time_ns() // 1000
        prepare, admit, deliver = settings(job, Edges(), now=now, scope=scope)
        p = beam.Pipeline(options=job.options)
        graph.build(
            p,
            slices,
            prepare=prepare,
            admit=admit,
            deliver=deliver,
            dead_letters=job.config.dead_letters,
            run_id=new_run_id(),
        )
        return p.run()


def _value(name: str, text: str) -> Any:
    option = PARAMETERS[name]
    if option.kind == "inputs":
        return tuple(text.split(";"))
    if option.kind == "table":
        pairs = [pair.partition("=") for pair in text.split(";")]
        if not all(key and equals for key, equals, _ in pairs):
            message = f"{name} takes KEY=VALUE, several separated by ;, received {text!r}"
            raise UsageError(message)
        return {key.strip(): value for key, _, value in pairs}
    if option.kind == "file":
        return _local(name, text)
    if option.kind == "directory":
        return Path(text)
    if option.kind == "flag":
        return _one_of(name, text, {"true": True, "false": False})
    if option.kind == "choice":
        return _one_of(name, text, {choice: choice for choice in option.choices})
    if option.kind in ("integer", "number"):
        try:
            number = int(text) if option.kind == "integer" else float(text)
        except ValueError:
            message = f"{name} takes a number, received {text!r}"
            raise UsageError(message) from None
        problem = problem_with(option, number)
        if problem:
            message = f"{name} {problem}, received {text!r}"
            raise UsageError(message)
        return number_of(option, number)
    return text


def _local(name: str, text: str) -> Path:
    """The file; a copy on this machine where it lies in another file system of Beam."""
    if "://" not in text:
        return Path(text)
    copy = Path(tempfile.mkdtemp(prefix="penstock-"), FileSystems.split(text)[1])
    try:
        with FileSystems.open(text) as remote:
            copy.write_bytes(remote.read())
    except (OSError, ValueError) as error:
        message = f"cannot read {name} {text!r}: {error}"
        raise UsageError(message) from error
    return copy


def _one_of(name: str, text: str, known: Mapping[str, Any]) -> Any:
    if text not in known:
        message = f"{name} takes {' or '.join(known)}, received {text!r}"
        raise UsageError(message)
    return known[text]
