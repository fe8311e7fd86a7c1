"""Dead letters that are nobody's, such as events that did not fit an old schema, once more."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.flow.replay import Selection, is_replayable
from pipeline.run.batch import new_run_id
from pipeline.run.jobs.execution import CheckedJob, run_job
from pipeline.run.jobs.outcome import JobSummary
from pipeline.run.letters import Letters, is_remote
from pipeline.run.replay import fill, settled
from pipeline.run.settling import alone, open_journal, take_apart
from pipeline.transforms.letters import ReadLetters


def replay_job(job: CheckedJob, selection: Selection) -> JobSummary:
    """Give the chosen letters of the job itself to every destination.

    What is not refused again is then the destinations' own, delivered or a dead letter there, and
    moves to ``done/``; only after all of them have ended, so that nothing is lost on the way.

    Raises:
        UsageError: The directory cannot be used.
    """
    config = job.file.config
    if is_remote(config.dead_letters):
        message = "replay works on this machine: copy the dead letters to a local directory"
        raise UsageError(message)
    letters = Letters(config.dead_letters)
    most = config.max_event_bytes
    with tempfile.TemporaryDirectory(prefix="penstock-") as temporary:
        spool = Path(temporary, "letters.jsonl")
        file = replace(job.file, config=replace(config, inputs=(str(spool),)))
        if config.dry_run:
            fill(spool, letters, selection, max_bytes=most)
            return run_job(_apart(CheckedJob(file, job.runs), temporary), read=ReadLetters())
        directory = Path(config.dead_letters)
        with alone(directory), settled(directory):
            take_apart(directory, selection, max_bytes=most)
            fill(spool, Letters(str(directory)), selection, max_bytes=most)
            tried = list(filter(is_replayable, Letters(str(directory)).select(selection)))
            run_id = new_run_id()
            journal = open_journal(directory, run_id)
            summary = run_job(CheckedJob(file, job.runs), read=ReadLetters(), run_id=run_id)
            if not summary.failures:
                now = Letters(str(directory)).select(Selection())
                latest = {letter.id: letter.failed_at for letter in now}
                for letter in tried:
                    if latest.get(letter.id) == letter.failed_at:  # not refused once more
                        journal(letter.receipt, "routed")
            return summary


def _apart(job: CheckedJob, directory: str) -> CheckedJob:
    """The job with every dead letter in a directory that is thrown away."""
    refused = str(Path(directory, "refused"))
    runs = {
        name: replace(run, config=replace(run.config, dead_letters=refused))
        for name, run in job.runs.items()
    }
    return CheckedJob(job.file.with_letters_in(lambda _: refused), runs)
