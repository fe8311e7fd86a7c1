"""A Kafka topic that is written to: ``kafka://BROKER:9092/TOPIC``. Holds no secret."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, quote

from pipeline.errors import UsageError
from pipeline.sources.addresses import KafkaAddress, address

_CONFIG = "config"


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic.

    Attributes:
        brokers: ``host:port``, with commas between several.
        name: The topic's name.
        properties: A file of librdkafka's properties (SASL, TLS), or None. Read where it is
            needed, because it may hold secrets.
    """

    brokers: str
    name: str
    properties: Path | None = None

    def __str__(self) -> str:
        """Its address, for people."""
        return f"kafka://{self.brokers}/{self.name}"


def is_topic(text: str) -> bool:
    """Whether a place is a topic, and no directory."""
    return text.startswith("kafka:")


def with_properties(text: str, properties: Path | None) -> str:
    """The address of a topic with the file of its properties; a directory stays as it is."""
    if properties is None or not is_topic(text) or "?" in text:
        return text
    return f"{text}?{_CONFIG}={quote(str(properties))}"


def topic_of(text: str) -> Topic:
    """The topic that ``kafka://BROKER:9092/TOPIC[?config=FILE]`` names.

    Raises:
        UsageError: It names none.
    """
    base, _, query = text.partition("?")
    given = parse_qs(query, keep_blank_values=True)
    if given.keys() - {_CONFIG}:
        message = f"{base}?: only {_CONFIG}=FILE may follow the topic, no {min(given)!r}"
        raise UsageError(message)
    try:
        found = address(base)
    except UsageError as error:
        raise UsageError(str(error).removeprefix("--input ")) from None
    assert isinstance(found, KafkaAddress)  # noqa: S101 - who calls this has asked is_topic
    files = given.get(_CONFIG, [])
    return Topic(found.brokers, found.topic, Path(files[-1]) if files else None)
