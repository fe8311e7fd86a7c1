"""Dead letters on the road once more: today's mapping, the same graph, and nothing sent twice."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.flow.dead_letters import encode
from pipeline.flow.replay import Selection, apart, is_replayable
from pipeline.run import batch
from pipeline.run.beam_options import is_local
from pipeline.run.job import Job
from pipeline.run.letters import Letters, is_remote
from pipeline.run.settling import alone, open_journal, settle, take_apart
from pipeline.run.summary import Summary
from pipeline.run.wiring import Edges
from pipeline.transforms.letters import ReadLetters


def replay(job: Job, selection: Selection) -> Summary:
    """Deliver the chosen letters of ``job.config.dead_letters``; what succeeds moves to ``done/``.

    May be killed at any moment and called again.

    Raises:
        UsageError: The directory cannot be used, or the destination cannot be reached.
        CredentialsRefused: The token was refused before anything was sent.
    """
    config = job.config
    if is_remote(config.dead_letters) or not is_local(job.options):
        message = (
            "replay works on this machine: copy the dead letters to a local directory, "
            "and leave --runner away"
        )
        raise UsageError(message)
    letters = Letters(config.dead_letters)
    with tempfile.TemporaryDirectory(prefix="penstock-") as temporary:
        spool = Path(temporary, "letters.jsonl")
        job = replace(job, config=replace(config, inputs=(str(spool),)))
        if config.dry_run:
            fill(spool, letters, selection, max_bytes=config.max_event_bytes)
            refused = str(Path(temporary, "refused"))
            job = replace(job, config=replace(job.config, dead_letters=refused))
            return batch.run(job, Edges(read=ReadLetters()))
        directory = Path(config.dead_letters)
        with alone(directory), settled(directory):
            take_apart(directory, selection, max_bytes=config.max_event_bytes)
            fill(spool, Letters(str(directory)), selection, max_bytes=config.max_event_bytes)
            run_id = batch.new_run_id()
            journal = open_journal(directory, run_id)
            return batch.run(job, Edges(read=ReadLetters(), note=journal, run_id=run_id))


@contextmanager
def settled(directory: Path) -> Iterator[None]:
    """Tidy the directory before, and after whatever happens."""
    settle(directory)
    try:
        yield
    finally:
        settle(directory)


def fill(spool: Path, letters: Letters, selection: Selection, *, max_bytes: int) -> None:
    """Write the chosen letters to a file of their own, one for each event."""
    with spool.open("wb") as file:
        for letter in letters.select(selection):
            if is_replayable(letter):
                file.writelines(encode(one) + b"\n" for one in apart(letter, max_bytes=max_bytes))
