"""The address of a topic that is written to."""

from pathlib import Path

import pytest

from pipeline.errors import UsageError
from pipeline.sinks.topic import Topic, is_topic, topic_of, with_properties


def test_an_address_names_brokers_topic_and_properties():
    assert topic_of("kafka://a:1,b/dead?config=/etc/my%20kafka") == Topic(
        "a:1,b:9092", "dead", Path("/etc/my kafka")
    )
    assert topic_of("kafka://a/dead") == Topic("a:9092", "dead")


def test_properties_are_put_behind_a_topic_that_has_none():
    properties = Path("/etc/my kafka?x")
    assert topic_of(with_properties("kafka://a/dead", properties)).properties == properties
    own = "kafka://a/dead?config=own"
    assert with_properties(own, properties) == own
    assert with_properties("dead-letters", properties) == "dead-letters"
    assert with_properties("kafka://a/dead", None) == "kafka://a/dead"


def test_a_topic_is_shown_without_its_properties():
    assert str(topic_of("kafka://a/dead?config=x")) == "kafka://a:9092/dead"


@pytest.mark.parametrize("text", ["kafka:", "kafka://", "kafka://a", "kafka://a/", "kafka://a/b/c"])
def test_what_names_no_topic_is_refused(text):
    assert is_topic(text)
    with pytest.raises(UsageError, match="BROKER:9092/TOPIC"):
        topic_of(text)


def test_credentials_in_an_address_are_refused_and_not_shown():
    with pytest.raises(UsageError, match="credentials") as caught:
        topic_of("kafka://me:hunter2@a/dead")
    assert "hunter2" not in str(caught.value)


def test_another_option_behind_a_topic_is_refused():
    with pytest.raises(UsageError, match="'acks'"):
        topic_of("kafka://a/dead?acks=0")


@pytest.mark.parametrize("text", ["dead-letters", "gs://bucket/dead", "/kafka"])
def test_a_directory_is_no_topic(text):
    assert not is_topic(text)
