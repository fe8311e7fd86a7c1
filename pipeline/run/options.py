"""The options of a run, listed once: flags of the command line and keys of a job file alike.

Those of the whole run stand at the top of a job file, those of a destination below its name. What
concerns one call of the command only, such as ``--summary``, is no part of this list.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Literal

from destinations.intercom.regions import REGIONS
from pipeline.model.decode import DEFAULT_MAX_BYTES
from pipeline.run.mappings import DEFAULT_MAPPING, HOME

Kind = Literal[
    "text", "inputs", "file", "directory", "place", "state", "table", "secret", "choice", "flag",
    "integer", "number",
]  # fmt: skip
"""What may stand behind an option. ``file``, ``directory``, ``place`` (a directory of any Beam file
system), ``inputs`` and ``state`` hold paths; in a job file these are relative to the file."""

SECRET = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)")
"""A reference to a secret: never the secret itself."""


DEFAULT_TOKEN = "env:INTERCOM_ACCESS_TOKEN"  # noqa: S105 - a reference, not a token


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option.

    Attributes:
        key: Its name in a job file.
        kind: What may stand behind it.
        about: What it means; for ``--help``, editors and documentation.
        example: A value, as a job file has it.
        field: Its name in ``RunConfig``, or among the options of a stream; the key by default.
        flag: Its name on the command line; made of the key by default.
        metavar: What ``--help`` shows in place of the value.
        default: Its value where nothing is said.
        shown: What ``--help`` says of the default; empty for the default itself.
        choices: The texts allowed.
        least: The smallest number allowed.
        above: Numbers must be greater than this one.
        most: The largest number allowed.
    """

    key: str
    kind: Kind
    about: str
    example: Any
    field: str = ""
    flag: str = ""
    metavar: str | None = None
    default: Any = None
    shown: str = ""
    choices: tuple[str, ...] = ()
    least: float | None = None
    above: float | None = None
    most: float | None = None

    @property
    def name(self) -> str:
        """The field of ``RunConfig``."""
        return self.field or self.key

    @property
    def word(self) -> str:
        """The flag: ``--max-outage``."""
        return self.flag or "--" + self.key.replace("_", "-")


def _by_key(*options: Option) -> Mapping[str, Option]:
    return MappingProxyType({option.key: option for option in options})


RUN = _by_key(
    Option(
        key="inputs", kind="inputs", flag="--input", metavar="GLOB", example=["events/*.jsonl.gz"],
        about="JSONL files, plain or compressed, on any Beam file system; - for standard input. "
              "May be repeated.",
    ),
    Option(
        key="schemas", kind="directory", default=HOME / "schemas", shown="the shipped ones",
        about="Directory of the event schemas.", example="schemas",
    ),
    Option(
        key="max_event_bytes", kind="integer", least=1, default=DEFAULT_MAX_BYTES,
        about="Longer lines are refused.", example=262144,
    ),
    Option(
        key="dead_letters", kind="place", metavar="DIR", default="dead-letters",
        about="Where refused events are kept, with their reasons: a directory, or "
              "kafka://BROKER:9092/TOPIC.",
        example="dead-letters",
    ),
    Option(
        key="receipts", kind="place", metavar="DIR", example="receipts", shown="none",
        about="Where to write a receipt of each event that is delivered or merged: a directory, "
              "or kafka://BROKER:9092/TOPIC.",
    ),
    Option(
        key="processes", kind="integer", least=1, most=64, metavar="N", default=1, example=2,
        about="So many processes of this machine share the work.",
    ),
)  # fmt: skip
"""Options of the whole run: the events are read, decoded and validated once."""

DESTINATION = _by_key(
    Option(
        key="mapping", kind="file", default=DEFAULT_MAPPING, example="mappings/intercom.yaml",
        shown="the shipped mappings/intercom.yaml", about="The mapping file.",
    ),
    Option(
        key="set", kind="table", field="settings", metavar="KEY=VALUE",
        about="Override a setting of the mapping; may be repeated.",
        example={"nested": "flatten"},
    ),
    Option(
        key="endpoint", kind="text", metavar="URL",
        about="Root of the API, for an emulator or a proxy.", example="http://127.0.0.1:8000",
    ),
    Option(
        key="region", kind="choice", choices=tuple(REGIONS), default="us",
        about="The workspace's region, where no --endpoint is given.", example="eu",
    ),
    Option(
        key="insecure", kind="flag", default=False, example=True,
        about="Allow plain http to another machine.",
    ),
    Option(
        key="token", kind="secret", metavar="env:NAME", default=DEFAULT_TOKEN,
        about="The environment variable that holds the access token; never the token itself.",
        example="env:INTERCOM_EU_TOKEN",
    ),
    Option(
        key="state", kind="state", metavar="URL", default="sqlite://", shown="none",
        about="What to remember between runs: sqlite:///FILE.", example="sqlite:///state/eu.db",
    ),
    Option(
        key="concurrency", kind="integer", least=1, most=256, default=24,
        about="So many people are delivered at the same time.", example=24,
    ),
    Option(
        key="rate", kind="number", above=0, metavar="N", example=5000,
        about="At most so many calls a minute, below what the API allows.",
    ),
    Option(
        key="share", kind="number", above=0, most=1, metavar="PART", default=1.0, example=0.5,
        about="Use at most this part of the API's rate; 0.5 leaves half to other apps.",
    ),
    Option(
        key="max_outage", kind="number", least=0, metavar="MINUTES", default=15.0, example=30,
        about="Wait so long for a destination that is down, then stop with exit code 6.",
    ),
)  # fmt: skip
"""Options of one destination."""


STREAM = _by_key(
    Option(
        key="streaming", kind="flag", default=False, example=True,
        about="Go on with what comes: --input kafka://BROKER:9092/TOPIC, watch:DIR or -.",
    ),
    Option(
        key="hold_back", kind="number", least=0, metavar="SECONDS", shown="5", example=5,
        about="Streaming: wait so long for what a person did before.",
    ),
    Option(
        key="batch_events", kind="integer", least=1, metavar="N", shown="2000", example=2000,
        about="Streaming: at most so many events are delivered together.",
    ),
    Option(
        key="linger", kind="number", least=0, metavar="SECONDS", shown="0.5", example=0.5,
        about="Streaming: let so much time pass to deliver more together.",
    ),
    Option(
        key="group", kind="text", metavar="NAME", shown="penstock-MAPPING", example="penstock-eu",
        about="Streaming: whose positions to go on from.",
    ),
    Option(
        key="from", kind="choice", field="start", choices=("earliest", "latest"),
        shown="earliest, and an error", example="latest",
        about="Streaming: where to begin in a topic without a position, and to go on where it is "
              "gone.",
    ),
    Option(
        key="kafka_config", kind="file", metavar="FILE", example="kafka.properties",
        about="Streaming: librdkafka's properties for SASL and TLS; ${NAME} for secrets.",
    ),
    Option(
        key="max_events", kind="integer", least=1, metavar="N", example=1000,
        about="Streaming: end after so many lines or messages.",
    ),
    Option(
        key="until_idle", kind="number", least=0, metavar="SECONDS", example=60,
        about="Streaming: end when nothing has come for so long.",
    ),
)  # fmt: skip
"""Options of a stream; they stand at the top of a job file."""


def problem_with(option: Option, number: Any) -> str:
    """Why a number cannot be the option's value, as ``must be ...``; empty where it can."""
    if not isinstance(number, int) and not math.isfinite(number):
        return "must be a finite number"
    if option.kind == "integer" and not isinstance(number, int):
        return "must be a whole number"
    bounds = []
    if option.above is not None:
        bounds.append((number > option.above, f"above {option.above:g}"))
    if option.least is not None:
        bounds.append((number >= option.least, f"at least {option.least:g}"))
    if option.most is not None:
        bounds.append((number <= option.most, f"at most {option.most:g}"))
    if all(holds for holds, _ in bounds):
        return ""
    return "must be " + " and ".join(words for _, words in bounds)


def number_of(option: Option, number: int | float | Decimal) -> int | float:
    """The number as the option keeps it."""
    return int(number) if option.kind == "integer" else float(number)
