"""Which topic is read, as whom, and from where; for every engine. Holds no secret."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.errors import UsageError

Start = Literal["earliest", "latest"]

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_OURS = {
    "bootstrap.servers": "the brokers stand in --input kafka://BROKER:PORT/TOPIC",
    "group.id": "use --group",
    "enable.auto.commit": "positions are committed once events are delivered",
    "enable.auto.offset.store": "positions are committed once events are delivered",
    "auto.offset.reset": "use --from",
}
_OF_JAVA = {
    "sasl.jaas.config": "sasl.username and sasl.password",
    "sasl.client.callback.handler.class": "sasl.oauthbearer.method",
    "ssl.truststore.location": "ssl.ca.location (a PEM file)",
    "ssl.truststore.password": "ssl.ca.location (a PEM file)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSettings:
    """One topic and how it is read.

    Attributes:
        brokers: ``host:port``, with commas between several.
        topic: Its name.
        group: The consumer group under whose name positions are kept.
        start: Where to begin where the group has no position, and where to go on where the
            position it has is not there any more; None begins with the earliest message, and
            stops with an error in the second case.
        properties: A file of librdkafka's properties (SASL, TLS), or None. Read where it is
            needed, because it may hold secrets.
    """

    brokers: str
    topic: str
    group: str
    start: Start | None = None
    properties: Path | None = None


def read_properties(path: Path, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The properties in a file of librdkafka's own form.

    A line is ``name=value`` or a ``#`` comment; ``${NAME}`` stands for an environment variable.

    Raises:
        UsageError: The file cannot be read, a line is none, a variable is not set, or a property
            is decided elsewhere. Values are never repeated.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        message = f"cannot read --kafka-config {path}: {getattr(error, 'strerror', error)}"
        raise UsageError(message) from None
    properties: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        place = f"{path}:{number}"
        text = line.strip()
        if not text or text[0] in "#!":
            continue
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not name:
            message = f"{place}: a line is name=value, a comment begins with #"
            raise UsageError(message)
        if name in _OURS:
            message = f"{place}: {name} cannot be set here: {_OURS[name]}"
            raise UsageError(message)
        if name in _OF_JAVA:
            message = f"{place}: {name} is a property of Java; use {_OF_JAVA[name]}"
            raise UsageError(message)
        properties[name] = _resolved(value, environment, place)
    return properties


def _resolved(value: str, environment: Mapping[str, str], place: str) -> str:
    for name in _REFERENCE.findall(value):
        if name not in environment:
            message = f"{place}: the environment variable {name} is not set"
            raise UsageError(message)
    return _REFERENCE.sub(lambda found: environment[found[1]], value)
