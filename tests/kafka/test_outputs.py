"""Dead letters and receipts in topics of a real broker."""

import json
import secrets

import jsonschema
import pytest

from pipeline.cli.main import exit_code_of
from tests.chaos.conftest import ROOT
from tests.kafka.conftest import event, long, stored, tracked, wait_for

pytestmark = pytest.mark.integration

RECEIPT = json.loads((ROOT / "schemas" / "receipt.schema.json").read_text("utf-8"))
LETTER = json.loads((ROOT / "schemas" / "dead-letter.schema.json").read_text("utf-8"))


def test_letters_and_receipts_of_a_stream_are_in_their_topics(make_topic, streams, emulator):
    events, dead, receipts = make_topic(partitions=2), make_topic(), make_topic()
    events.send_events(event(person, number) for person in range(3) for number in range(4))
    events.send([(None, b"not json"), ("k", None), (None, b"\xff\xfe")])
    code, summary, said = streams.run(
        events.url, "--dead-letters", dead.url, "--receipts", receipts.url
    )
    assert (code, said) == (0, "")
    assert (summary["received"], summary["delivered"]) == (15, 12)
    assert summary["skipped"] == {"tombstone": 1}
    letters = dead.records()
    assert sorted(letter["reason"] for letter in letters) == ["invalid_json"] * 2
    for letter in letters:
        jsonschema.validate(letter, LETTER)
    found = receipts.records()
    for receipt in found:
        jsonschema.validate(receipt, RECEIPT)
    wanted = {f"m-{person}-{number}" for person in range(3) for number in range(4)}
    assert sorted(receipt["message_id"] for receipt in found) == sorted(wanted)
    assert {receipt["outcome"] for receipt in found} == {"delivered"}
    assert {receipt["destination"] for receipt in found} == {"intercom"}
    assert stored(emulator) == tracked(3, 4)


@long
def test_a_batch_run_writes_to_topics_as_well(make_topic, emulator, tmp_path, monkeypatch, capfd):
    dead, receipts = make_topic(), make_topic()
    source = tmp_path / "events.jsonl"
    source.write_text(json.dumps(event(1, 0)) + "\nnot json\n")
    monkeypatch.setenv("INTERCOM_ACCESS_TOKEN", "kafka")
    code = exit_code_of(
        ["run", "--input", str(source), "--endpoint", emulator.url, "--dead-letters", dead.url,
         "--receipts", receipts.url]
    )  # fmt: skip
    assert code == 0
    assert dead.url in capfd.readouterr().out, "where the dead letters are is said"
    assert [letter["raw"] for letter in dead.records()] == ["not json"]
    (receipt,) = receipts.records()
    assert receipt["message_id"] == "m-1-0"


@long
def test_a_letter_that_is_too_large_for_its_topic_is_cut(make_topic, streams):
    events, dead = make_topic(max_message_bytes=16 << 20), make_topic(max_message_bytes=100_000)
    large = json.dumps(
        {"type": "track", "event": "A", "pad": secrets.token_hex(5_000_000)}
    ).encode()
    events.send([(None, large)])
    events.send_events([event(1, 0)])
    code, summary, said = streams.run(
        events.url, "--dead-letters", dead.url, "--kafka-config", str(_larger(streams))
    )
    assert code == 0, said
    assert (summary["delivered"], summary["dead"]) == (1, {"too_large": 1})
    (letter,) = dead.records()
    assert letter["origin"] == f"{events.name}/0@0", "the original is still there"
    assert "only the beginning is kept here" in letter["details"][-1]["message"]


def _larger(streams):
    path = streams.summary.with_name("kafka.properties")
    path.write_text("fetch.message.max.bytes=16777216\nlinger.ms=1\n")
    return path


@long
@pytest.mark.parametrize("option", ["--dead-letters", "--receipts"])
def test_a_topic_that_is_not_there_is_told_before_anything_is_sent(
    make_topic, kafka_broker, streams, emulator, option
):
    events = make_topic()
    events.send_events([event(1, 0)])
    code, _, said = streams.run(events.url, option, f"kafka://{kafka_broker.bootstrap}/nowhere")
    assert code == 2
    assert "there is no such topic; there are" in said
    assert "Traceback" not in said
    assert stored(emulator) == {}
    assert events.committed() == 0


@long
def test_brokers_that_do_not_answer_are_told(streams, make_topic):
    code, _, said = streams.run(make_topic().url, "--receipts", "kafka://127.0.0.1:1/topic")
    assert code == 2
    assert "receipts cannot be kept there: kafka://127.0.0.1:1/topic: cannot reach Kafka" in said


@long
def test_a_password_that_is_refused_is_told_and_not_shown(make_topic, kafka_broker, streams):
    events = make_topic()
    wrong = streams.summary.with_name("wrong.properties")
    wrong.write_text(
        "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\n"
        "sasl.username=penstock\nsasl.password=hunter2\n"
    )
    place = f"kafka://{kafka_broker.sasl_bootstrap}/{events.name}?config={wrong}"
    code, _, said = streams.run(events.url, "--dead-letters", place)
    assert code == 2
    assert "Kafka refuses the credentials" in said
    assert "hunter2" not in said


@pytest.mark.parametrize("command", [["dead-letters", "ls"], ["replay"]])
def test_a_topic_is_no_directory_to_read_letters_from(command, capfd, monkeypatch):
    monkeypatch.setenv("INTERCOM_ACCESS_TOKEN", "kafka")
    code = exit_code_of([*command, "--dead-letters", "kafka://127.0.0.1:1/topic"])
    assert code == 2
    assert "directory" in capfd.readouterr().err


@long
def test_a_topic_that_goes_away_ends_the_stream_and_loses_nothing(
    make_topic, kafka_broker, streams, emulator
):
    events, dead = make_topic(), make_topic()
    process = streams.start(events.url, "--dead-letters", dead.url)
    events.send_events([event(1, 0)])
    wait_for(lambda: "u1" in stored(emulator))
    admin = kafka_broker.admin()
    for gone in admin.delete_topics([dead.name]).values():
        gone.result(60)
    events.send([(None, b"not json")])
    _, said = process.communicate(timeout=400)
    assert process.returncode == 7
    assert said.startswith(f"penstock: {dead.url}: ")
    assert "Traceback" not in said
    there = make_topic()
    code, summary, _ = streams.run(events.url, "--dead-letters", there.url)
    assert (code, summary["dead"]) == (0, {"invalid_json": 1})
    assert len(there.records()) == 1
