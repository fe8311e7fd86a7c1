"""The stream from a real broker to the emulator: order, offsets, bad input, kills."""

import json
import random
import threading
import time

import pytest
from confluent_kafka import Consumer, TopicPartition

from tests.kafka.conftest import drain, event, long, sent, stored, tracked, wait_for

pytestmark = pytest.mark.integration


def everything(people, numbers):
    """Events of all people, mixed; each person's in order."""
    return [event(person, number) for number in range(numbers) for person in range(people)]


# --- what goes right ----------------------------------------------------------------------------


def test_every_event_arrives_once_in_each_persons_order_and_offsets_follow(
    make_topic, streams, emulator
):
    topic = make_topic(partitions=3)
    topic.send_events(everything(8, 6))
    code, summary, said = streams.run(topic.url)
    assert (code, said) == (0, "")
    assert summary["received"] == summary["delivered"] == 48
    assert stored(emulator) == sent(emulator) == tracked(8, 6)
    assert topic.committed() == 48


# --- bad input ----------------------------------------------------------------------------------


def test_poisoned_messages_are_dead_letters_and_the_rest_is_delivered(
    make_topic, streams, emulator
):
    topic = make_topic(max_message_bytes=16 << 20)
    large = json.dumps({"type": "track", "event": "A", "userId": "u0", "pad": "x" * 10_000_000})
    topic.send_events([event(0, 0)])
    topic.send([(None, b"{"), (None, b"\x00\xff"), (None, b"[]"), (None, b'"x"'),
                ("k", None), (None, large.encode())])  # fmt: skip
    topic.send_events([event(0, 1)])
    code, summary, said = streams.run(topic.url)
    assert (code, "Traceback" in said) == (0, False)
    assert summary["received"] == 8
    assert summary["delivered"] == 2
    assert summary["skipped"] == {"tombstone": 1}
    assert summary["dead"]["too_large"] == 1
    assert sum(summary["dead"].values()) == len(streams.letters()) == 5
    assert stored(emulator) == tracked(1, 2)
    assert topic.committed() == 8


@long
def test_a_compacted_topic_with_tombstones_is_read_to_its_end(make_topic, streams, emulator):
    topic = make_topic(
        cleanup_policy="compact",
        segment_ms=100,
        min_cleanable_dirty_ratio="0.01",
        delete_retention_ms=0,
    )
    for _ in range(3):
        topic.send([(str(n), json.dumps(event(n, 0)).encode()) for n in range(5)])
        topic.send([("0", None)])
        time.sleep(0.3)  # a new segment begins
    code, summary, _ = streams.run(topic.url)
    assert code == 0
    assert set(stored(emulator)) >= {"u1", "u2", "u3", "u4"}
    assert summary["received"] == summary["delivered"] + sum(summary["merged"].values()) + sum(
        summary["skipped"].values()
    )


@long
@pytest.mark.parametrize("choice", [None, "earliest", "latest"])
def test_a_position_that_has_expired_is_an_error_or_told(
    make_topic, kafka_broker, streams, emulator, choice
):
    topic = make_topic()
    topic.send_events(everything(1, 10))
    mine = Consumer({"bootstrap.servers": kafka_broker.bootstrap, "group.id": topic.name})
    mine.commit(offsets=[TopicPartition(topic.name, 0, 2)], asynchronous=False)
    mine.close()
    admin = kafka_broker.admin()
    for gone in admin.delete_records([TopicPartition(topic.name, 0, 5)]).values():
        gone.result(60)
    code, summary, said = streams.run(topic.url, *(["--from", choice] if choice else []))
    assert "3 messages are gone that were not read" in said
    assert "Traceback" not in said
    if choice is None:
        assert code == 7
        assert "say --from earliest" in said
        assert stored(emulator) == {}
    else:
        assert code == 0
        assert summary["warnings"]["offset_expired"] == 1
        assert summary["received"] == (5 if choice == "earliest" else 0)


@long
def test_a_topic_that_is_not_there_is_told(make_topic, kafka_broker, streams):
    there = make_topic()
    code, _, said = streams.run(f"kafka://{kafka_broker.bootstrap}/nowhere")
    assert code == 2
    assert "there is no topic 'nowhere'" in said
    assert there.name in said


@long
def test_a_broker_that_does_not_answer_is_told(streams):
    code, _, said = streams.run("kafka://127.0.0.1:1/topic")
    assert code == 2
    assert "cannot reach Kafka at 127.0.0.1:1" in said


@long
@pytest.mark.parametrize("password", ["hunter2", None])
def test_credentials_that_are_refused_are_told_and_not_shown(
    make_topic, kafka_broker, streams, password
):
    topic = make_topic()
    options = []
    if password is not None:
        wrong = streams.summary.with_name("wrong.properties")
        wrong.write_text(
            "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\n"
            f"sasl.username=penstock\nsasl.password={password}\n"
        )
        options = ["--kafka-config", str(wrong)]
    code, _, said = streams.run(f"kafka://{kafka_broker.sasl_bootstrap}/{topic.name}", *options)
    assert code == 2
    assert ("refuses the credentials" if password else "cannot reach Kafka") in said
    assert "hunter2" not in said


@long
@pytest.mark.parametrize("security", ["sasl", "tls"])
def test_a_stream_reads_with_credentials(
    make_topic, kafka_broker, streams, emulator, security, monkeypatch
):
    from tests.services.kafka import PASSWORD

    topic = make_topic()
    topic.send_events(everything(1, 3))
    monkeypatch.setenv("KAFKA_PASSWORD", PASSWORD)
    properties = streams.summary.with_name("kafka.properties")
    if security == "sasl":
        properties.write_text(
            "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\n"
            "sasl.username=penstock\nsasl.password=${KAFKA_PASSWORD}\n"
        )
        bootstrap = kafka_broker.sasl_bootstrap
    else:
        properties.write_text(
            f"security.protocol=SSL\nssl.ca.location={kafka_broker.certificate}\n"
        )
        bootstrap = kafka_broker.tls_bootstrap
    code, _, said = streams.run(
        f"kafka://{bootstrap}/{topic.name}", "--kafka-config", str(properties)
    )
    assert (code, said) == (0, "")
    assert stored(emulator) == tracked(1, 3)


# --- kills --------------------------------------------------------------------------------------

PEOPLE, NUMBERS = 20, 40


def feed(topic, done, seed=1):
    """Write everything in small portions, for some seconds."""
    choose = random.Random(seed)
    events = everything(PEOPLE, NUMBERS)
    while events:
        size = choose.randrange(5, 40)
        topic.send_events(events[:size])
        del events[:size]
        time.sleep(0.2)
    done.append(True)


@pytest.fixture
def quick(tmp_path):
    """Options of a group that gives a dead member's partitions away soon, in small batches."""
    properties = tmp_path / "quick.properties"
    properties.write_text("session.timeout.ms=6000\nheartbeat.interval.ms=1000\n")
    return ["--batch-events", "50", "--kafka-config", str(properties)]


def requests(emulator):
    """How many calls came so far."""
    return len(emulator.control("GET", "/requests")["requests"])


def in_order(times):
    """Whether each event came after the one before, those that were sent again aside."""
    first = list(dict.fromkeys(times))
    return first == sorted(first)


@long
def test_a_stream_that_is_killed_again_and_again_loses_nothing_and_stores_nothing_twice(
    make_topic, streams, emulator, quick
):
    topic = make_topic(partitions=4)
    topic.send_events(everything(PEOPLE, NUMBERS))
    for _ in range(5):
        wanted = requests(emulator) + 40
        process = streams.start(topic.url, *quick)
        wait_for(lambda wanted=wanted: requests(emulator) > wanted)
        process.kill()
        process.communicate()
    # The brokers wait for the dead member of the group before they give its partitions away.
    code, _, said = streams.run(topic.url, *quick, idle=15)
    assert code == 0, said
    assert stored(emulator) == tracked(PEOPLE, NUMBERS)
    assert all(in_order(times) for times in sent(emulator).values())
    assert topic.committed() == PEOPLE * NUMBERS
    assert streams.letters() == []


@long
def test_a_broker_that_is_killed_loses_nothing(make_topic, kafka_broker, streams, emulator, quick):
    topic = make_topic(partitions=4)
    process = streams.start(topic.url, *quick)
    events = everything(PEOPLE, NUMBERS)
    for third in range(3):
        topic.send_events(events[third * 300 : third * 300 + 300])
        wait_for(lambda: requests(emulator) > 20)
        if third < 2:
            kafka_broker.kill()
            time.sleep(1)
            kafka_broker.start()
    wait_for(lambda: stored(emulator) == tracked(PEOPLE, NUMBERS))
    assert drain(process) == 0
    assert all(in_order(times) for times in sent(emulator).values())
    assert topic.committed() == PEOPLE * NUMBERS


@long
def test_two_members_of_a_group_share_the_partitions_and_one_takes_over(
    make_topic, streams, emulator, postgres_server, quick
):
    topic, state, done = make_topic(partitions=4), postgres_server.database(), []
    one = streams.start(topic.url, *quick, state=state)
    feeding = threading.Thread(target=feed, args=(topic, done))
    feeding.start()
    wait_for(lambda: stored(emulator))
    other = streams.start(topic.url, *quick, state=state)
    time.sleep(6)
    one.kill()
    one.communicate()
    feeding.join()
    wait_for(lambda: stored(emulator) == tracked(PEOPLE, NUMBERS))
    wait_for(lambda: topic.committed() == PEOPLE * NUMBERS)
    assert drain(other) == 0
    assert streams.letters() == []
