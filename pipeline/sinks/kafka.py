"""Writing records to a Kafka topic so that what was flushed is there, whatever happens."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pipeline.errors import SinkFailed, UsageError
from pipeline.sinks.topic import Topic
from pipeline.sources.kafka_settings import read_properties

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message

_LOG = logging.getLogger(__name__)
_SECONDS = 10.0
_DELIVERY_SECONDS = 120
_DEFAULTS: dict[str, str | int] = {
    "compression.type": "zstd",
    "linger.ms": 5,
    # As long as a broker needs to come back; an outage that is longer fails the run, in words.
    "delivery.timeout.ms": _DELIVERY_SECONDS * 1000,
    # A dead letter holds its event; the brokers say what they take.
    "message.max.bytes": 64 << 20,
    "log_level": 2,
}
"""Properties that a --kafka-config may change."""
_OURS: dict[str, str | int | bool] = {"acks": "all", "enable.idempotence": True}


class KafkaSink:
    """The producer of one topic. Safe among threads.

    Args:
        topic: Where records go.
        shorten: Makes a record smaller that the brokers take to be too large; without, that is
            a failure.

    Raises:
        UsageError: The client is not installed, a property is wrong, no broker can be reached,
            they refuse the credentials, or there is no such topic.
    """

    def __init__(self, topic: Topic, *, shorten: Callable[[bytes], bytes] | None = None) -> None:
        self._topic = topic
        self._shorten = shorten
        self._too_large: list[bytes] = []
        self._kafka = _client()
        self._lock = threading.Lock()
        self._failures: list[KafkaError] = []
        self._trouble: KafkaError | None = None
        own = read_properties(topic.properties) if topic.properties is not None else {}
        configuration: dict[str, Any] = {
            **_DEFAULTS,
            **own,
            **_OURS,
            "bootstrap.servers": topic.brokers,
            "error_cb": self._on_error,
        }
        try:
            self._producer = self._kafka.Producer(configuration)
        except self._kafka.KafkaException as error:
            message = f"--kafka-config {topic.properties}: {error.args[0].str()}"
            raise UsageError(message) from None
        self._look_for_topic()

    def _look_for_topic(self) -> None:
        codes = self._kafka.KafkaError
        topic = self._topic
        try:
            # Of all topics: to ask for one may make it, where brokers are set so.
            known = self._producer.list_topics(timeout=_SECONDS).topics
        except self._kafka.KafkaException as exception:
            self._producer.poll(0)  # to be told of what went wrong
            error = self._trouble or exception.args[0]
            if error.code() in (codes._AUTHENTICATION, codes.SASL_AUTHENTICATION_FAILED):
                given = topic.properties or "none: see --kafka-config"
                message = f"{topic}: Kafka refuses the credentials ({given}): {error.str()}"
            else:
                message = (
                    f"{topic}: cannot reach Kafka: {error.str()}; check the address, and whether "
                    "the brokers want TLS or SASL (--kafka-config)"
                )
            raise UsageError(message) from None
        if topic.name not in known:
            shown = ", ".join(sorted(name for name in known if not name.startswith("__"))[:10])
            message = f"{topic}: there is no such topic" + (f"; there are {shown}" if shown else "")
            raise UsageError(message)

    def write(self, value: bytes, *, key: str | None = None) -> None:
        """Take a record; it is there once ``flush`` has returned."""
        while True:
            try:
                self._producer.produce(
                    self._topic.name, value, key=key, on_delivery=self._on_delivery
                )
            except BufferError:
                self._producer.poll(0.1)
            except self._kafka.KafkaException as error:
                self._refused(error.args[0], value)
                return
            else:
                self._producer.poll(0)
                return

    def flush(self) -> None:
        """Return when the brokers have everything that was written.

        Raises:
            SinkFailed: They do not take it. What was written since the last flush may be there,
                or not.
        """
        while True:
            left = self._producer.flush(_DELIVERY_SECONDS + _SECONDS)
            with self._lock:
                failures, self._failures = self._failures, []
                too_large, self._too_large = self._too_large, []
            if failures:
                message = f"{self._topic}: cannot be written to: {failures[0].str()}"
                raise SinkFailed(message)
            if left:
                message = f"{self._topic}: {left:,} records could not be written in time"
                raise SinkFailed(message)
            if not too_large:
                return
            for value in too_large:
                self.write(value)

    def _refused(self, error: KafkaError, value: bytes) -> None:
        """Have a record that is too large written again, smaller; all else is a failure."""
        smaller = value
        if error.code() == self._kafka.KafkaError.MSG_SIZE_TOO_LARGE and self._shorten is not None:
            smaller = self._shorten(value)
        with self._lock:
            if len(smaller) < len(value):
                self._too_large.append(smaller)
            else:
                self._failures.append(error)

    def _on_delivery(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._refused(error, message.value() or b"")

    def _on_error(self, error: KafkaError) -> None:
        """Trouble of the connection; the client tries again by itself."""
        if self._trouble is None:
            _LOG.warning("%s: %s", self._topic, error.str())
        codes = self._kafka.KafkaError
        if self._trouble is None or self._trouble.code() != codes._AUTHENTICATION:
            self._trouble = error


def _client() -> Any:
    try:
        import confluent_kafka
    except ImportError:
        message = "to write to Kafka needs confluent-kafka: pip install 'penstock[kafka]'"
        raise UsageError(message) from None
    return confluent_kafka
