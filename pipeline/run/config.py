"""What a run is told: one frozen record, from the command line, a job file or a program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.model.decode import DEFAULT_MAX_BYTES
from pipeline.run.mappings import DEFAULT_MAPPING, HOME
from pipeline.run.options import DEFAULT_TOKEN


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """The options of ``penstock run``.

    Attributes:
        inputs: File patterns of any Beam file system; ``-`` for standard input.
        mapping: The mapping file.
        schemas: The directory with the event schemas.
        settings: Overrides of the mapping's settings, as typed.
        region: Of the destination, where no endpoint is given.
        endpoint: Root of the API; wins over ``region``.
        insecure: Allow plain http to another machine.
        token: Names the environment variable that holds the access token, as ``env:NAME``.
        state: URL of the state store.
        dead_letters: Directory of any Beam file system, or a Kafka topic.
        receipts: The same for receipts of what is delivered; None for none.
        dry_run: Do everything but send, and leave the state as it is.
        discards: Take every event as delivered and do nothing; a dry run, for measuring.
        processes: So many processes of this machine share the work.
        concurrency: So many people are delivered at the same time.
        rate: Own ceiling in calls a minute, or None.
        share: The part of each of the API's windows that may be used, above 0 up to 1.
        max_outage: Minutes for which a destination that is down is waited for.
        max_event_bytes: Longer lines are refused.
        beam_args: Options for Beam, as typed.
    """

    inputs: tuple[str, ...]
    mapping: Path = DEFAULT_MAPPING
    schemas: Path = HOME / "schemas"
    settings: Mapping[str, str] = field(default_factory=dict)
    region: str = "us"
    endpoint: str | None = None
    insecure: bool = False
    token: str = DEFAULT_TOKEN
    state: str = "sqlite://"
    dead_letters: str = "dead-letters"
    receipts: str | None = None
    dry_run: bool = False
    discards: bool = False
    processes: int = 1
    concurrency: int = 24
    rate: float | None = None
    share: float = 1.0
    max_outage: float = 15.0
    max_event_bytes: int = DEFAULT_MAX_BYTES
    beam_args: tuple[str, ...] = ()
