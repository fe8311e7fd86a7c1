"""A job with several destinations, carried out on this machine."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import apache_beam as beam

from pipeline.errors import CredentialsRefused, PenstockError, StateDown, UsageError
from pipeline.run import inputs, local
from pipeline.run.batch import new_run_id
from pipeline.run.beam_options import is_cut
from pipeline.run.job import Job, check, greet, remembered_scope
from pipeline.run.jobs.description import JobFile
from pipeline.run.jobs.outcome import JobSummary, job_summary
from pipeline.run.outputs import usable_directory, with_usable_outputs
from pipeline.run.places import run_place
from pipeline.run.routes import INTAKE, Intake, Route, route_of
from pipeline.run.summary import of_counts
from pipeline.run.wiring import Edges
from pipeline.sinks.topic import with_properties
from pipeline.transforms.counting import LIVE
from pipeline.transforms.dead_letters import DeadLetterFormat
from pipeline.transforms.deliver import Halted


@dataclass(frozen=True, slots=True)
class CheckedJob:
    """A job that can start: what its file says, and the checked run of each destination."""

    file: JobFile
    runs: Mapping[str, Job]


def check_job(file: JobFile) -> CheckedJob:
    """Everything that can be known to be wrong before the first event is read.

    Raises:
        UsageError: An option, a file, a token or a state cannot be used; names the destination.
    """
    runs = {}
    properties = file.stream.get("kafka_config")
    for one in file.destinations:
        try:
            checked = check(one.config, one.mapping)
            runs[one.name] = with_usable_outputs(checked, properties)
        except UsageError as error:
            message = f"destination {one.name!r}: {error}"
            raise UsageError(message) from error
    if not all(is_cut(job.options) for job in runs.values()):
        message = (
            "several destinations are for this machine's own runner; leave --runner away, or run "
            "one of them with --destination NAME"
        )
        raise UsageError(message)
    file = file.with_letters_in(lambda place: with_properties(place, properties))
    usable_directory(file.config.dead_letters)
    return CheckedJob(file, runs)


def run_job(
    job: CheckedJob, *, run_id: str | None = None, read: beam.DoFn | None = None
) -> JobSummary:
    """Read the input once, and deliver it to every destination, each on its own.

    A destination that cannot be reached or refuses its token when the run starts gets nothing:
    its events become its dead letters, and the others go on.

    Args:
        job: What to do.
        run_id: The name of the run; a new one by default.
        read: Makes lines of the input, where it does not hold lines of events.

    Raises:
        UsageError: The input cannot be read.
    """
    logging.getLogger("apache_beam").setLevel(logging.WARNING)
    started, began = time.time_ns() // 1000, time.monotonic()
    run_id, config = run_id or new_run_id(), job.file.config
    LIVE.clear()
    with inputs.slices(config.inputs, processes=config.processes) as slices, run_place() as place:
        first = next(iter(job.runs.values()))
        with ThreadPoolExecutor(len(job.runs)) as asking:
            meet = partial(_meet, place=place, now=started)
            met = list(asking.map(meet, job.runs.keys(), job.runs.values()))
        intake = Intake(config.dead_letters, DeadLetterFormat(job.file.name, job.file.fingerprint))
        ends = local.run(
            [route for route, _ in met],
            slices,
            place=place,
            options=first.options,
            run_id=run_id,
            processes=config.processes,
            read=read,
            intake=intake,
        )
    asked = {route.name: counts for route, counts in met}
    own = ends.pop(INTAKE)
    accounts = {
        name: of_counts(
            asked[name] + end.counts,
            run_id=run_id,
            mapping=_mapping(job.runs[name]),
            seconds=end.at - began,
            started_at=started,
            dry_run=config.dry_run,
        )
        for name, end in ends.items()
    }
    whole = of_counts(
        own.counts,
        run_id=run_id,
        mapping={
            "name": job.file.name,
            "file": job.file.file,
            "fingerprint": job.file.fingerprint,
        },
        seconds=time.monotonic() - began,
        started_at=started,
        dry_run=config.dry_run,
    )
    failures = {name: end.failure for name, end in ends.items() if end.failure is not None}
    return job_summary(whole, accounts, failures)


def _meet(name: str, job: Job, *, place: Path, now: int) -> tuple[Route, Counter[str]]:
    """The route to a destination that was asked who it is, and what was counted of that."""
    counts: Counter[str] = Counter()
    try:
        scope = remembered_scope(job, greet(job, counts))
    except PenstockError as error:
        route = route_of(job, Edges(), name=name, place=place, now=now, scope="")
        outage = not isinstance(error, CredentialsRefused | StateDown)
        counts += Counter(halted=1, outage=int(outage), state_down=int(type(error) is StateDown))
        return route.halted(Halted(str(error), outage=outage)), counts
    return route_of(job, Edges(), name=name, place=place, now=now, scope=scope), counts


def _mapping(job: Job) -> dict[str, str]:
    return {
        "name": job.mapping.name,
        "file": job.mapping.file,
        "fingerprint": job.mapping.fingerprint,
    }


def of_all(counts: Mapping[str, int]) -> Counter[str]:
    """What was counted for single destinations, as counts of the whole."""
    total: Counter[str] = Counter()
    for name, count in counts.items():
        whose, colon, rest = name.partition(":")
        if not colon or "/" in whose:
            total[name] += count
        elif whose != INTAKE or rest != "received":  # what it reads is received by the others
            total[rest] += count
    return total
