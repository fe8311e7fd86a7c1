"""What --input says of a stream, and several sources as one."""

from collections import Counter

import pytest

from pipeline.errors import UsageError
from pipeline.sources.addresses import (
    KafkaAddress,
    PubSubAddress,
    StandardInputAddress,
    WatchAddress,
    address,
    refuse_streams,
)
from pipeline.sources.record import Record
from pipeline.sources.several import Several


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("kafka://k:9092/events", KafkaAddress("k:9092", "events")),
        ("kafka://a,b:9093/my.topic-1", KafkaAddress("a:9092,b:9093", "my.topic-1")),
        ("kafka://[::1]:9092/t", KafkaAddress("[::1]:9092", "t")),
        ("pubsub://my-project/my-subscription", PubSubAddress("my-project", "my-subscription")),
        ("-", StandardInputAddress()),
        ("events/*.jsonl", None),
        ("gs://bucket/events.jsonl", None),
    ],
)
def test_an_input_names_a_stream_or_files(text, found):
    assert address(text) == found


@pytest.mark.parametrize("name", ["", "/", "/*.jsonl", "/in-*", "/**/*.jsonl"])
def test_a_directory_or_a_pattern_in_it_is_watched(tmp_path, name):
    assert address(f"watch:{tmp_path}{name}") == WatchAddress(f"{tmp_path}{name}")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("kafka://k:9092", "no topic: write kafka://BROKER:9092/TOPIC"),
        ("kafka://k:9092/a/b", "no topic"),
        ("kafka:///t", "no topic"),
        ("pubsub://p", "write pubsub://PROJECT/SUBSCRIPTION"),
        ("watch:", "names no directory"),
        ("watch:/not/there", "there is no directory"),
        ("watch:/not/there/*.jsonl", "there is no directory"),
    ],
)
def test_what_only_begins_like_a_stream_is_refused_with_what_to_write(text, told):
    with pytest.raises(UsageError, match=told):
        address(text)


def test_credentials_in_an_address_are_refused_and_not_repeated():
    with pytest.raises(UsageError, match="--kafka-config") as error:
        address("kafka://me:hunter2@k:9092/t")
    assert "hunter2" not in str(error.value)


def test_a_run_that_ends_refuses_what_does_not(tmp_path):
    refuse_streams(["-", "events/*.jsonl"])
    with pytest.raises(UsageError, match="add --streaming, and --until-idle 10"):
        refuse_streams([f"watch:{tmp_path}"])


class Given:
    """A source that gives what it is told to."""

    def __init__(self, *texts, rereads=True, finished=False, ready=True):
        self.texts = list(texts)
        self.rereads, self.finished, self.ready = rereads, finished, ready
        self.committed = {}
        self.waits = []

    def poll(self, limit, wait):
        self.waits.append(wait)
        taken, self.texts = self.texts[:limit], self.texts[limit:]
        return [Record(text, "", "p", n, n + 1, 0) for n, text in enumerate(taken)]

    def left(self):
        return self.poll(9, 0.0)

    def revoked(self):
        return frozenset({"p"})

    def noticed(self):
        return Counter(trouble=1)

    def commit(self, positions):
        self.committed.update(positions)


def test_records_of_several_sources_are_kept_apart_and_committed_to_their_own():
    first, second = Given(b"a", b"b"), Given(b"c")
    several = Several([first, second])
    records = several.poll(9, 1.0)
    assert [record.text for record in records] == [b"a", b"b", b"c"]
    several.commit({record.partition: record.next for record in records})
    assert (first.committed, second.committed) == ({"p": 2}, {"p": 1})


def test_every_source_has_its_turn():
    several = Several([Given(*[b"a"] * 9), Given(*[b"b"] * 9)])
    assert {several.poll(3, 0)[0].text for _ in range(2)} == {b"a", b"b"}


def test_nobody_waits_where_there_is_something_already():
    first, second = Given(b"a"), Given()
    Several([first, second]).poll(9, 1.0)
    assert (first.waits, second.waits) == ([0.5], [0.0])


def test_several_are_finished_when_all_are_and_reread_when_all_do():
    assert Several([Given(finished=True), Given(finished=True)]).finished
    assert not Several([Given(finished=True), Given()]).finished
    assert not Several([Given(rereads=False), Given()]).rereads


def test_what_is_left_of_several_is_left_of_any():
    several = Several([Given(b"a"), Given(b"b")])
    assert [(one.text, one.partition) for one in several.left()] == [(b"a", "0 p"), (b"b", "1 p")]


def test_several_are_ready_when_all_are():
    assert Several([Given(), Given()]).ready
    assert not Several([Given(), Given(ready=False)]).ready


def test_what_is_taken_away_and_noticed_of_any_is_told():
    several = Several([Given(), Given()])
    assert several.revoked() == {"0 p", "1 p"}
    assert several.noticed() == {"trouble": 2}
