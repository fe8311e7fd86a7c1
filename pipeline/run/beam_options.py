"""Options for Beam behind our own: checked, so that a mistyped flag is not silently ignored."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Sequence
from pathlib import Path

from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.runner import create_runner

from pipeline.errors import UsageError
from pipeline.run.options import DESTINATION, RUN, STREAM

DEFAULT_RUNNER = "FnApiRunner"
"""Named on purpose: `DirectRunner` is another engine on another machine."""

_OF_THE_CALL = ("--summary", "--dry-run", "--quiet", "--plan", "--job", "--destination")

_JOB_SERVERS = frozenset({"FlinkRunner", "PortableRunner"})
_OF_FLINK = (
    "allow_non_restored_state", "auto_watermark_interval", "checkpoint_timeout_millis",
    "checkpointing_interval", "checkpointing_mode", "disable_metrics", "enable_stable_input_drain",
    "execution_mode_for_batch", "execution_retry_delay", "externalized_checkpoints_enabled",
    "fail_on_checkpointing_errors", "faster_copy", "file_input_split_max_size_mb",
    "finish_bundle_before_checkpointing", "flink_conf_dir", "latency_tracking_interval",
    "max_bundle_size", "max_bundle_time_mills", "max_parallelism",
    "min_pause_between_checkpoints", "num_concurrent_checkpoints", "number_of_execution_retries",
    "object_reuse", "operator_chaining", "parallelism",
    "retain_externalized_checkpoints_on_cancellation", "savepoint_path",
    "shutdown_sources_after_idle_ms", "state_backend", "state_backend_factory",
    "state_backend_storage_path", "unaligned_checkpoint_enabled",
)  # fmt: skip
"""Flink's job server says what it knows only once it is asked; Beam's Python does not know them."""

LOCAL_RUNNERS = frozenset({"FnApiRunner", "DirectRunner", "SwitchingDirectRunner"})


def pipeline_options(args: Sequence[str]) -> PipelineOptions:
    """Beam's options from the words behind our own.

    Raises:
        UsageError: A word is no option of Beam.
    """
    unknown, known = _unknown(args)
    if unknown:
        word = unknown[0].partition("=")[0]
        close = difflib.get_close_matches(word, known, n=1)
        hint = f"; did you mean {close[0]}?" if close else "; see penstock run --help"
        message = f"neither penstock nor Beam has an option {word}{hint}"
        raise UsageError(message)
    flags = list(args)
    if not any(word == "--runner" or word.startswith("--runner=") for word in flags):
        flags.append(f"--runner={DEFAULT_RUNNER}")
    options = PipelineOptions(flags)
    runner = str(options.get_all_options()["runner"])
    try:
        create_runner(runner)
    except (ValueError, ImportError, AttributeError) as error:
        message = f"Beam cannot use the runner {runner!r}: {str(error).splitlines()[0]}"
        raise UsageError(message) from error
    setup = options.view_as(_setup_options())
    if setup.setup_file is not None:
        # Beam changes to the directory of the file, and a bare name has none.
        setup.setup_file = str(Path(setup.setup_file).resolve())
    return options


def is_local(options: PipelineOptions) -> bool:
    """Whether the run stays in this process, so that live counts can be shown."""
    return str(options.get_all_options()["runner"]) in LOCAL_RUNNERS


def is_cut(options: PipelineOptions) -> bool:
    """Whether a run is done in two halves (``run.local``), and not as one graph."""
    return str(options.get_all_options()["runner"]) == DEFAULT_RUNNER


def _setup_options() -> type[PipelineOptions]:
    from apache_beam.options.pipeline_options import SetupOptions

    found: type[PipelineOptions] = SetupOptions
    return found


def _unknown(args: Sequence[str]) -> tuple[list[str], list[str]]:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, conflict_handler="resolve")
    for options in PipelineOptions.__subclasses__():
        options._add_argparse_args(parser)
    if _JOB_SERVERS & {word.removeprefix("--runner=") for word in args}:
        for name in _OF_FLINK:
            parser.add_argument(f"--{name}", nargs="?")
    try:
        _, unknown = parser.parse_known_args(list(args))
    except SystemExit as error:
        message = f"a Beam option is not complete: {' '.join(args)}"
        raise UsageError(message) from error
    ours = [option.word for option in (*RUN.values(), *DESTINATION.values(), *STREAM.values())]
    known = [option for action in parser._actions for option in action.option_strings]
    return unknown, [*ours, *_OF_THE_CALL, *known]
