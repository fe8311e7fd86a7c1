"""What ``--input`` says of a stream: a topic, a directory, standard input, a subscription."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import UsageError

_MAGIC = re.compile(r"[*?\[]")
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_BROKER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
_PORT = re.compile(r":[0-9]{1,5}$")
_SUBSCRIPTION = re.compile(r"([a-z][a-z0-9.:-]{4,})/([A-Za-z][A-Za-z0-9._~+%-]{2,254})")


@dataclass(frozen=True, slots=True)
class KafkaAddress:
    """``kafka://BROKER:PORT[,BROKER:PORT]/TOPIC``."""

    brokers: str
    topic: str


@dataclass(frozen=True, slots=True)
class WatchAddress:
    """``watch:DIRECTORY`` or ``watch:PATTERN``."""

    pattern: str


@dataclass(frozen=True, slots=True)
class StandardInputAddress:
    """``-``."""


@dataclass(frozen=True, slots=True)
class PubSubAddress:
    """``pubsub://PROJECT/SUBSCRIPTION``."""

    project: str
    subscription: str


Address = KafkaAddress | WatchAddress | StandardInputAddress | PubSubAddress


def address(text: str) -> Address | None:
    """The stream that ``text`` names; None for files, which end.

    Raises:
        UsageError: It begins like one and is none.
    """
    scheme, _, rest = text.partition(":")
    if text == "-":
        return StandardInputAddress()
    if scheme == "watch":
        return _watched(rest)
    if scheme == "kafka":
        return _kafka(text, rest)
    if scheme == "pubsub":
        found = _SUBSCRIPTION.fullmatch(rest.removeprefix("//"))
        if found is None:
            message = f"--input {text!r} is no subscription: write pubsub://PROJECT/SUBSCRIPTION"
            raise UsageError(message)
        return PubSubAddress(found[1], found[2])
    return None


def _watched(pattern: str) -> WatchAddress:
    if not pattern:
        message = "--input watch: names no directory: write watch:DIR or watch:DIR/*.jsonl"
        raise UsageError(message)
    fixed = _MAGIC.split(pattern)[0]
    directory = Path(fixed) if fixed.endswith("/") or Path(fixed).is_dir() else Path(fixed).parent
    if not directory.is_dir():
        message = f"--input watch:{pattern}: there is no directory {directory}; make it first"
        raise UsageError(message)
    return WatchAddress(pattern)


def _kafka(text: str, rest: str) -> KafkaAddress:
    brokers, slash, topic = rest.removeprefix("//").partition("/")
    if "@" in brokers:
        message = "--input kafka://: credentials stand in no address; write them to --kafka-config"
        raise UsageError(message)
    hosts = [broker.strip() for broker in brokers.split(",")]
    if not slash or not _TOPIC.fullmatch(topic) or not all(map(_BROKER.fullmatch, hosts)):
        message = (
            f"--input {text!r} is no topic: write kafka://BROKER:9092/TOPIC, "
            "with commas between several brokers"
        )
        raise UsageError(message)
    with_ports = [host if _PORT.search(host) else host + ":9092" for host in hosts]
    return KafkaAddress(",".join(with_ports), topic)


def refuse_streams(inputs: Iterable[str]) -> None:
    """Raise UsageError where an input never ends, and the run is to read it to its end."""
    for text in inputs:
        found = address(text)
        if found is not None and not isinstance(found, StandardInputAddress):
            message = (
                f"--input {text} has no end: add --streaming, and --until-idle 10 to stop once "
                "nothing has come for ten seconds"
            )
            raise UsageError(message)
