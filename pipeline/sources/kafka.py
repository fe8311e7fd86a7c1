"""A Kafka topic, read by a plain consumer in a consumer group; positions are committed by us."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pipeline.errors import SourceFailed, UsageError
from pipeline.sources.kafka_settings import KafkaSettings, read_properties
from pipeline.sources.record import Record

if TYPE_CHECKING:
    from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

_LOG = logging.getLogger(__name__)
_SECONDS = 10.0
_MOST_BYTES = 32 << 20
_TOLD_EVERY = 60.0
_PATIENCE = 120.0
_ASK_AGAIN = 1.0

DEFAULTS: Mapping[str, str | int] = {
    # Only what moves is taken away in a rebalance.
    "partition.assignment.strategy": "cooperative-sticky",
    # A micro-batch may have to wait for the API, and for an outage of it, before the next poll.
    "max.poll.interval.ms": 3_600_000,
    # What waits in the client while nothing is polled, kB.
    "queued.max.messages.kbytes": 32_768,
    "log_level": 2,
}
"""Properties that a --kafka-config may change."""


class KafkaTopic:
    """A ``Source`` of the messages of one topic.

    Args:
        settings: What to read.
        make: Makes the consumer; ``confluent_kafka.Consumer`` by default.
        commits: False to leave the group's positions as they are.
        clock: Seconds, monotonic.
        sleep: Waits for so many seconds.

    Raises:
        UsageError: The client is not installed, a property is wrong, no broker can be reached,
            they refuse the credentials, or there is no such topic.
    """

    rereads = True
    finished = False

    def __init__(
        self,
        settings: KafkaSettings,
        *,
        make: Callable[[dict[str, Any]], Consumer] | None = None,
        commits: bool = True,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._settings = settings
        self._commits = commits
        self._clock = clock
        self._sleep = sleep
        self._kafka = _client()
        self._gathered: list[Record] = []
        self._starts: dict[str, int] = {}
        self._uncommitted: dict[str, int] = {}
        self._assigned: set[str] = set()
        self._revoked: set[str] = set()
        self._noticed: Counter[str] = Counter()
        self._failure: SourceFailed | None = None
        self._trouble: KafkaError | None = None
        self._told: dict[int, float] = {}
        self._is_open = False
        self.ready = False
        configuration = self._configuration()
        self._incremental = (
            "cooperative" in str(configuration["partition.assignment.strategy"])
            or configuration.get("group.protocol") == "consumer"
        )
        try:
            self._consumer = (make or self._kafka.Consumer)(configuration)
        except self._kafka.KafkaException as error:
            message = f"--kafka-config {settings.properties}: {error.args[0].str()}"
            raise UsageError(message) from None
        try:
            self._look_for_topic()
        except BaseException:
            self._consumer.close()
            raise
        self._consumer.subscribe(
            [settings.topic],
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_revoke,
        )
        self._is_open = True

    def _configuration(self) -> dict[str, Any]:
        settings = self._settings
        own = read_properties(settings.properties) if settings.properties else {}
        return {
            **DEFAULTS,
            **own,
            "bootstrap.servers": settings.brokers,
            "group.id": settings.group,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            # What is not there any more is never passed over silently.
            "auto.offset.reset": "error",
            "enable.partition.eof": False,
            "error_cb": self._on_error,
        }

    def _look_for_topic(self) -> None:
        """See that the brokers answer and know the topic."""
        settings = self._settings
        codes = self._kafka.KafkaError
        try:
            found = self._consumer.list_topics(settings.topic, timeout=_SECONDS)
            error = found.topics[settings.topic].error
        except self._kafka.KafkaException as exception:
            self._consumer.poll(0.1)  # only now the client says why
            error = exception.args[0] if self._trouble is None else self._trouble
            raise UsageError(self._cannot_reach(error)) from None
        if error is None:
            return
        if error.code() in (codes.UNKNOWN_TOPIC_OR_PART, codes._UNKNOWN_TOPIC):
            known = self._consumer.list_topics(timeout=_SECONDS).topics
            shown = ", ".join(sorted(name for name in known if not name.startswith("__"))[:10])
            message = f"there is no topic {settings.topic!r} at {settings.brokers}"
            raise UsageError(message + (f"; there are {shown}" if shown else ""))
        message = f"the topic {settings.topic!r} cannot be read: {error.str()}"
        raise UsageError(message)

    def _cannot_reach(self, error: KafkaError) -> str:
        codes = self._kafka.KafkaError
        brokers = self._settings.brokers
        if error.code() in (codes._AUTHENTICATION, codes.SASL_AUTHENTICATION_FAILED):
            given = self._settings.properties or "none: see --kafka-config"
            return f"Kafka at {brokers} refuses the credentials ({given}): {error.str()}"
        if error.code() == codes._SSL:
            return f"no secure connection to Kafka at {brokers}: {error.str()}"
        return (
            f"cannot reach Kafka at {brokers}: {error.str()}; check the address, and whether "
            "the brokers want TLS or SASL (--kafka-config)"
        )

    # --- reading -------------------------------------------------------------------------------

    def poll(self, limit: int, wait: float) -> list[Record]:
        """At most ``limit`` messages; rebalances happen in here and nowhere else."""
        self._gathered = []
        size = 0
        while len(self._gathered) < limit and size < _MOST_BYTES:
            message = self._consumer.poll(0 if self._gathered else wait)
            if self._failure is not None:
                raise self._failure
            if message is None:
                break
            error = message.error()
            if error is not None:
                self._on_message_error(error, message)
                continue
            record = self._record(message)
            size += len(record.text or b"")
            self._gathered.append(record)
        self._commit_starts()
        return self._gathered

    def _record(self, message: Any) -> Record:
        topic, number, offset = message.topic(), message.partition(), message.offset()
        kind, moment = message.timestamp()
        known = kind != self._kafka.TIMESTAMP_NOT_AVAILABLE
        return Record(
            message.value(),
            f"{topic}/{number}@{offset}",
            f"{topic}/{number}",
            offset,
            offset + 1,
            moment * 1000 if known else time.time_ns() // 1000,
        )

    def _on_error(self, error: KafkaError) -> None:
        """Trouble of the connection; the client tries again by itself."""
        if error.code() != self._kafka.KafkaError._ALL_BROKERS_DOWN:
            self._trouble = error  # that all are down does not say why
        if self._is_open:
            self._tell(error.code(), f"Kafka at {self._settings.brokers}: {error.str()}")

    def _tell(self, code: int, message: str) -> None:
        """Warn, but not of the same thing all the time."""
        now = self._clock()
        if now >= self._told.get(code, -_TOLD_EVERY) + _TOLD_EVERY:
            self._told[code] = now
            self._noticed["kafka_trouble"] += 1
            _LOG.warning("%s", message)

    def _on_message_error(self, error: KafkaError, message: Message) -> None:
        codes = self._kafka.KafkaError
        if error.code() == codes._AUTO_OFFSET_RESET:
            there = self._kafka.TopicPartition(message.topic(), message.partition())
            self._expired(there, self._range(there)[0])
            if self._failure is not None:
                raise self._failure
            self._consumer.seek(there)
        elif self._is_refusal(error):
            told = f"the topic {self._settings.topic!r} cannot be read any more: {error.str()}"
            raise SourceFailed(told)
        else:
            self._on_error(error)

    def _is_refusal(self, error: KafkaError) -> bool:
        """Whether it is of no use to try again."""
        codes = self._kafka.KafkaError
        return error.fatal() or error.code() in (
            codes.UNKNOWN_TOPIC_OR_PART,
            codes._UNKNOWN_TOPIC,
            codes._UNKNOWN_PARTITION,
            codes.TOPIC_AUTHORIZATION_FAILED,
            codes.GROUP_AUTHORIZATION_FAILED,
        )

    # --- rebalances ----------------------------------------------------------------------------

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Partitions are ours: decide where each begins, before anything of them is read."""
        placed = self._all_placed(consumer, partitions)
        if self._failure is not None:
            return
        self.ready = True
        self._assigned.update(map(_name, placed))
        if self._incremental:
            consumer.incremental_assign(placed)
        else:
            consumer.assign(placed)

    def _all_placed(
        self, consumer: Consumer, partitions: list[TopicPartition]
    ) -> list[TopicPartition]:
        """The partitions with their offsets; brokers that are just starting are waited for."""
        until = self._clock() + _PATIENCE
        while self._failure is None:
            try:
                return [self._placed(each) for each in consumer.committed(partitions, _SECONDS)]
            except self._kafka.KafkaException as exception:
                error = exception.args[0]
            told = f"Kafka does not tell where group {self._settings.group} is: {error.str()}"
            if self._is_refusal(error) or self._clock() >= until:
                self._failure = SourceFailed(told)
            else:
                self._tell(error.code(), told)
                self._sleep(_ASK_AGAIN)
        return []

    def _placed(self, found: TopicPartition) -> TopicPartition:
        """The partition with the offset at which to begin."""
        if found.error is not None:  # that is not to have none
            raise self._kafka.KafkaException(found.error)
        first, end = self._range(found)
        if found.offset < 0:
            found.offset = end if self._settings.start == "latest" else first
            # From now on the group has a position: what comes before our first commit is not lost.
            self._starts[_name(found)] = found.offset
        elif not first <= found.offset <= end:
            self._expired(found, first, end=end)
        return found

    def _range(self, partition: TopicPartition) -> tuple[int, int]:
        first, end = self._consumer.get_watermark_offsets(partition, timeout=_SECONDS)
        return first, end

    def _expired(self, there: TopicPartition, first: int, *, end: int | None = None) -> None:
        """The position is not there any more: go on as --from says, or stop with an error."""
        settings = self._settings
        lost = f"{first - there.offset:,} messages" if 0 <= there.offset < first else "messages"
        what = (
            f"{settings.topic}/{there.partition}: the topic does not hold the position of group "
            f"{settings.group} any more; {lost} are gone that were not read"
        )
        if settings.start is None:
            advice = "; say --from earliest to go on with what is there, or --from latest"
            self._failure = SourceFailed(what + advice)
            return
        if settings.start == "latest":
            first = self._range(there)[1] if end is None else end
        self._noticed["offset_expired"] += 1
        _LOG.warning("%s; going on at %d (--from %s)", what, first, settings.start)
        there.offset = first
        self._starts[_name(there)] = first

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Partitions are somebody else's now: nothing that is held of them may be delivered."""
        gone = set(map(_name, partitions))
        self._revoked |= gone
        self._assigned -= gone
        for name in gone:
            self._starts.pop(name, None)
            self._uncommitted.pop(name, None)
        self._gathered[:] = [each for each in self._gathered if each.partition not in gone]

    def left(self) -> list[Record]:
        """Nothing: whatever was not given is read again."""
        return []

    def revoked(self) -> frozenset[str]:
        """Partitions that were taken away since this was last asked."""
        revoked, self._revoked = frozenset(self._revoked), set()
        return revoked

    def noticed(self) -> Counter[str]:
        """``kafka_trouble`` and ``offset_expired``."""
        noticed, self._noticed = self._noticed, Counter()
        return noticed

    # --- positions -----------------------------------------------------------------------------

    def commit(self, positions: Mapping[str, int]) -> None:
        """Store the group's offsets and wait until they are."""
        if not self._commits:
            return
        mine = {name: at for name, at in positions.items() if name in self._assigned}
        self._uncommitted.update(mine)
        if not self._uncommitted:
            return
        offsets = [
            self._kafka.TopicPartition(self._settings.topic, int(name.rpartition("/")[2]), at)
            for name, at in self._uncommitted.items()
        ]
        try:
            answers = self._consumer.commit(offsets=offsets, asynchronous=False)
        except self._kafka.KafkaException as error:
            self._not_committed(error.args[0])
            return
        for answer in answers:
            if answer.error is None:
                self._uncommitted.pop(_name(answer), None)
            else:
                self._not_committed(answer.error)

    def _not_committed(self, error: KafkaError) -> None:
        self._tell(-1, f"positions could not be committed to Kafka: {error.str()}")

    def _commit_starts(self) -> None:
        if self._starts:
            starts, self._starts = self._starts, {}
            self.commit(starts)

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()


def _name(partition: TopicPartition) -> str:
    return f"{partition.topic}/{partition.partition}"


def _client() -> Any:
    try:
        import confluent_kafka
    except ImportError:
        message = "reading Kafka needs the package confluent-kafka: pip install 'penstock[kafka]'"
        raise UsageError(message) from None
    return confluent_kafka
