"""A consumer of Kafka against a stand-in of the client: offsets, rebalances, errors in words."""

from types import SimpleNamespace

import pytest

pytest.importorskip("confluent_kafka")

from confluent_kafka import OFFSET_INVALID, KafkaError, KafkaException, TopicPartition

from pipeline.errors import SourceFailed, UsageError
from pipeline.sources.kafka import KafkaTopic
from pipeline.sources.kafka_settings import KafkaSettings, read_properties


class Message:
    """One message, or an error in place of one."""

    def __init__(self, offset=0, value=b"{}", *, partition=0, error=None):
        self._offset, self._value, self._partition, self._error = offset, value, partition, error

    def error(self):
        return self._error

    def topic(self):
        return "events"

    def partition(self):
        return self._partition

    def offset(self):
        return self._offset

    def value(self):
        return self._value

    def timestamp(self):
        return (1, 1_700_000_000_000)


def with_error(partition, error):
    """An answer about a partition that is an error; None without one."""
    if error is None:
        return None
    return SimpleNamespace(
        topic=partition.topic, partition=partition.partition, offset=OFFSET_INVALID, error=error
    )


class Broker:
    """What the consumer of the test finds, and what it did."""

    def __init__(self):
        self.script = []
        self.stored = {}
        self.ranges = {}
        self.assigned = {}
        self.commits = []
        self.sought = []
        self.topic_error = None
        self.list_error = None
        self.commit_error = None
        self.refused = {}
        self.troubles = []
        self.now = 0.0
        self.closed = False

    def make(self, configuration):
        self.configuration = configuration
        return self

    # --- the part of a Consumer that is used -------------------------------------------------

    def list_topics(self, topic=None, timeout=None):
        if self.list_error is not None:
            raise KafkaException(self.list_error)
        names = [topic] if topic else ["events", "others", "__consumer_offsets"]
        return SimpleNamespace(
            topics={name: SimpleNamespace(error=self.topic_error) for name in names}
        )

    def subscribe(self, topics, on_assign, on_revoke, on_lost):
        self.on_assign, self.on_revoke = on_assign, on_revoke

    def poll(self, timeout):
        if not self.script:
            return None
        step = self.script.pop(0)
        if callable(step):
            step()
            return None
        return step

    def committed(self, partitions, timeout):
        if self.troubles:
            raise KafkaException(KafkaError(self.troubles.pop(0)))
        return [
            with_error(each, self.refused.get(each.partition))
            or TopicPartition(
                "events", each.partition, self.stored.get(each.partition, OFFSET_INVALID)
            )
            for each in partitions
        ]

    def get_watermark_offsets(self, partition, timeout):
        return self.ranges.get(partition.partition, (0, 100))

    def incremental_assign(self, partitions):
        self.assigned.update({each.partition: each.offset for each in partitions})

    def seek(self, partition):
        self.sought.append((partition.partition, partition.offset))

    def commit(self, offsets, asynchronous):
        assert not asynchronous
        if self.commit_error is not None:
            raise KafkaException(self.commit_error)
        self.commits.append({each.partition: each.offset for each in offsets})
        return [with_error(each, self.refused.get(each.partition)) or each for each in offsets]

    def sleep(self, seconds):
        self.now += seconds

    def close(self):
        self.closed = True

    # --- what happens ------------------------------------------------------------------------

    def assign(self, *numbers):
        self.on_assign(self, [TopicPartition("events", number) for number in numbers])

    def revoke(self, *numbers):
        self.on_revoke(self, [TopicPartition("events", number) for number in numbers])


@pytest.fixture
def broker():
    return Broker()


@pytest.fixture
def opened(broker):
    def opened(*, commits=True, **settings):
        given = {"brokers": "k:9092", "topic": "events", "group": "g", **settings}
        return KafkaTopic(
            KafkaSettings(**given),
            make=broker.make,
            commits=commits,
            clock=lambda: broker.now,
            sleep=broker.sleep,
        )

    return opened


def assigned(broker, source, *numbers):
    """The source after a poll in which it was given partitions."""
    broker.script.append(lambda: broker.assign(*numbers))
    source.poll(10, 0)
    return source


def test_a_message_becomes_a_record_with_its_place_and_its_time(broker, opened):
    source = assigned(broker, opened(), 0)
    broker.script.append(Message(7, b"{}"))
    (record,) = source.poll(10, 0)
    assert (record.text, record.origin, record.partition) == (b"{}", "events/0@7", "events/0")
    assert (record.position, record.next) == (7, 8)
    assert record.arrived_at == 1_700_000_000_000_000


def test_a_message_without_a_value_is_a_record_without_a_text(broker, opened):
    source = assigned(broker, opened(), 0)
    broker.script.append(Message(7, None))
    assert source.poll(10, 0)[0].text is None


def test_no_more_is_taken_than_was_asked_for(broker, opened):
    source = assigned(broker, opened(), 0)
    broker.script += [Message(n) for n in range(5)]
    assert len(source.poll(3, 0)) == 3


def test_of_large_messages_fewer_are_taken_at_once(broker, opened):
    source = assigned(broker, opened(), 0)
    broker.script += [Message(n, b"x" * (10 << 20)) for n in range(9)]
    assert len(source.poll(9, 0)) == 4


def test_the_client_commits_nothing_by_itself(broker, opened):
    opened()
    assert broker.configuration["enable.auto.commit"] is False
    assert broker.configuration["auto.offset.reset"] == "error"


@pytest.mark.parametrize(("start", "offset"), [(None, 3), ("earliest", 3), ("latest", 100)])
def test_a_group_without_a_position_begins_where_it_is_told_and_has_one_from_then_on(
    broker, opened, start, offset
):
    broker.ranges = {0: (3, 100)}
    assigned(broker, opened(start=start), 0)
    assert broker.assigned == {0: offset}
    assert broker.commits == [{0: offset}]


def test_a_group_goes_on_where_it_was(broker, opened):
    broker.stored = {0: 42}
    assigned(broker, opened(start="latest"), 0)
    assert broker.assigned == {0: 42}
    assert broker.commits == []


def test_a_position_that_is_gone_is_an_error_that_says_how_much_is_lost(broker, opened):
    broker.stored, broker.ranges = {0: 5}, {0: (30, 100)}
    source = opened()
    broker.script.append(lambda: broker.assign(0))
    with pytest.raises(SourceFailed, match=r"25 messages are gone .* --from earliest"):
        source.poll(10, 0)
    assert broker.assigned == {}


@pytest.mark.parametrize(("start", "offset"), [("earliest", 30), ("latest", 100)])
def test_with_from_it_goes_on_behind_what_is_gone_and_counts_a_warning(
    broker, opened, start, offset, caplog
):
    broker.stored, broker.ranges = {0: 5}, {0: (30, 100)}
    source = assigned(broker, opened(start=start), 0)
    assert broker.assigned == {0: offset}
    assert source.noticed() == {"offset_expired": 1}
    assert "25 messages are gone" in caplog.text


def test_a_position_behind_the_end_of_a_topic_made_anew_is_gone_too(broker, opened):
    broker.stored = {0: 500}
    source = opened()
    broker.script.append(lambda: broker.assign(0))
    with pytest.raises(SourceFailed, match="does not hold the position"):
        source.poll(10, 0)


def test_a_position_that_goes_while_it_is_read_is_sought_anew_with_from(broker, opened):
    source = assigned(broker, opened(start="earliest"), 0)
    broker.ranges = {0: (60, 100)}
    broker.script += [Message(error=KafkaError(KafkaError._AUTO_OFFSET_RESET)), Message(60)]
    assert [record.position for record in source.poll(10, 0)] == [60]
    assert broker.sought == [(0, 60)]
    assert source.noticed() == {"offset_expired": 1}


def test_without_from_it_is_an_error(broker, opened):
    source = assigned(broker, opened(), 0)
    broker.script.append(Message(error=KafkaError(KafkaError._AUTO_OFFSET_RESET)))
    with pytest.raises(SourceFailed, match="--from earliest"):
        source.poll(10, 0)


def test_what_was_gathered_of_a_partition_that_is_taken_away_is_dropped(broker, opened):
    source = assigned(broker, opened(), 0, 1)
    broker.script += [Message(1), Message(2, partition=1), lambda: broker.revoke(0)]
    assert [record.partition for record in source.poll(10, 0)] == ["events/1"]
    assert source.revoked() == {"events/0"}
    assert source.revoked() == frozenset()


def test_positions_of_partitions_that_were_taken_away_are_not_committed(broker, opened):
    source = assigned(broker, opened(), 0, 1)
    broker.commits.clear()
    broker.revoke(0)
    source.commit({"events/0": 5, "events/1": 6})
    assert broker.commits == [{1: 6}]


def test_a_commit_that_failed_is_made_good_by_the_next(broker, opened, caplog):
    source = assigned(broker, opened(), 0, 1)
    broker.commits.clear()
    broker.commit_error = KafkaError(KafkaError._TRANSPORT)
    source.commit({"events/0": 5})
    assert "positions could not be committed" in caplog.text
    broker.commit_error = None
    source.commit({"events/1": 6})
    assert broker.commits == [{0: 5, 1: 6}]


def test_an_error_in_place_of_a_position_is_no_missing_position(broker, opened):
    broker.refused = {0: KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED)}
    source = opened(start="latest")
    broker.script.append(lambda: broker.assign(0, 1))
    with pytest.raises(SourceFailed, match="does not tell where group g is"):
        source.poll(10, 0)
    assert (broker.assigned, broker.commits) == ({}, [])


def test_brokers_that_start_anew_while_partitions_are_shared_out_are_waited_for(
    broker, opened, caplog
):
    broker.stored = {0: 42}
    broker.troubles = [KafkaError._TIMED_OUT, KafkaError.COORDINATOR_LOAD_IN_PROGRESS] * 5
    assigned(broker, opened(), 0)
    assert broker.assigned == {0: 42}
    assert "does not tell where group g is" in caplog.text


def test_brokers_that_never_tell_a_position_end_the_stream(broker, opened):
    broker.troubles = [KafkaError._TIMED_OUT] * 10_000
    source = opened()
    broker.script.append(lambda: broker.assign(0))
    with pytest.raises(SourceFailed, match="does not tell where group g is"):
        source.poll(10, 0)


def test_a_position_that_alone_was_refused_is_made_good_by_the_next(broker, opened, caplog):
    source = assigned(broker, opened(), 0, 1)
    broker.commits.clear()
    broker.refused = {0: KafkaError(KafkaError.REQUEST_TIMED_OUT)}
    source.commit({"events/0": 5, "events/1": 6})
    assert "positions could not be committed" in caplog.text
    broker.refused = {}
    source.commit({"events/1": 7})
    assert broker.commits[-1] == {0: 5, 1: 7}


def test_a_topic_is_ready_once_the_group_has_told_what_is_ours_even_if_that_is_nothing(
    broker, opened
):
    source = opened()
    source.poll(10, 0)
    assert not source.ready
    assert assigned(broker, source).ready


def test_a_dry_run_commits_nothing(broker, opened):
    source = assigned(broker, opened(commits=False), 0)
    source.commit({"events/0": 5})
    assert broker.commits == []


def test_a_broker_that_cannot_be_reached_is_told(broker, opened):
    broker.list_error = KafkaError(KafkaError._TRANSPORT)
    with pytest.raises(UsageError, match="cannot reach Kafka at k:9092"):
        opened()
    assert broker.closed


def test_wrong_credentials_are_told_though_the_client_only_says_that_it_timed_out(broker, opened):
    broker.list_error = KafkaError(KafkaError._TRANSPORT)
    listed = broker.list_topics

    def refuse(*arguments, **named):
        broker.configuration["error_cb"](KafkaError(KafkaError._AUTHENTICATION))
        return listed(*arguments, **named)

    broker.list_topics = refuse
    with pytest.raises(UsageError, match="refuses the credentials"):
        opened()


def test_a_missing_topic_is_told_with_those_that_there_are(broker, opened):
    broker.topic_error = KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)
    with pytest.raises(UsageError, match=r"no topic 'events' at k:9092; there are events, others"):
        opened()


def test_a_topic_that_is_deleted_meanwhile_stops_the_stream(broker, opened):
    source = assigned(broker, opened(), 0)
    broker.script.append(Message(error=KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)))
    with pytest.raises(SourceFailed, match="cannot be read any more"):
        source.poll(10, 0)


def test_a_broker_that_is_away_is_waited_for_and_told_of_once(broker, opened, caplog):
    source = assigned(broker, opened(), 0)
    broker.script += [Message(error=KafkaError(KafkaError._TRANSPORT)) for _ in range(3)]
    broker.script.append(Message(1))
    assert len(source.poll(10, 0)) == 1
    assert source.noticed() == {"kafka_trouble": 1}


def test_properties_are_read_and_variables_put_in(tmp_path):
    file = tmp_path / "kafka.properties"
    file.write_text("# who\nsasl.username = me\n\nsasl.password=${SECRET}x\n")
    found = read_properties(file, {"SECRET": "s"})
    assert found == {"sasl.username": "me", "sasl.password": "sx"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("sasl.password=${NOT_THERE}", "variable NOT_THERE is not set"),
        ("hunter2", "a line is name=value"),
        ("group.id=hunter2", "use --group"),
        ("sasl.jaas.config=hunter2", "is a property of Java"),
    ],
)
def test_what_is_wrong_with_a_property_is_told_without_its_value(tmp_path, text, told):
    file = tmp_path / "kafka.properties"
    file.write_text(text)
    with pytest.raises(UsageError, match=told) as error:
        read_properties(file, {})
    assert "hunter2" not in str(error.value)


def test_a_property_that_the_client_does_not_know_is_told(tmp_path):
    file = tmp_path / "kafka.properties"
    file.write_text("sasl.usrname=hunter2\n")
    settings = KafkaSettings(brokers="k:1", topic="t", group="g", properties=file)
    with pytest.raises(
        UsageError, match=r'No such configuration property: "sasl.usrname"'
    ) as error:
        KafkaTopic(settings)
    assert "hunter2" not in str(error.value)
