"""The dead-letter record."""

import json
from pathlib import Path

import jsonschema
import pytest

from pipeline.flow.dead_letters import (
    STAGES,
    DeadLetter,
    Receipt,
    UnreadableDeadLetterError,
    decode,
    encode,
    iso,
    micros,
)
from pipeline.model.event import Event
from pipeline.model.operation import Outcome
from pipeline.model.refusal import DEAD_REASONS, Detail, Refusal

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = json.loads((ROOT / "schemas" / "dead-letter.schema.json").read_text("utf-8"))
EVENT = Event(
    type="track",
    message_id="m-1",
    time=1_700_000_000_123_456,
    body={"event": "Ordered", "userId": "user-1"},
    raw='{"event":"Ordered","x":"é\\u2028"}'.encode(),
    origin="events.jsonl:7",
)
RECEIPT = Receipt.of(EVENT, mapping="intercom", fingerprint="sha256:abc")
REFUSED = DeadLetter.of_refusal(
    RECEIPT,
    Refusal("schema_violation", (Detail("$.a", "is no number"), Detail("$.b", "is missing"))),
    stage="validate",
    failed_at=1_700_000_001_000_000,
)
OUTCOME = Outcome(
    "dead",
    "rejected",
    "upsert_contact: parameter_invalid: no",
    http_status=400,
    api_code="parameter_invalid",
    operation="upsert_contact",
)
DIED = DeadLetter.of_outcome(RECEIPT, OUTCOME, failed_at=1_700_000_001_000_000)
UNREAD = DeadLetter.of_refusal(
    Receipt(raw=b"\xff{not json", origin="events.jsonl:8"),
    Refusal.because("invalid_json", "no JSON"),
    stage="decode",
    failed_at=0,
)


@pytest.fixture(scope="module")
def validator():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    return jsonschema.Draft202012Validator(SCHEMA)


@pytest.mark.parametrize("letter", [REFUSED, DIED, UNREAD], ids=["refused", "died", "unread"])
def test_every_record_fits_the_schema(validator, letter):
    validator.validate(json.loads(encode(letter)))


def test_the_schema_knows_every_reason_and_stage():
    assert SCHEMA["properties"]["reason"]["enum"] == list(DEAD_REASONS)
    assert SCHEMA["properties"]["stage"]["enum"] == list(STAGES)


@pytest.mark.parametrize("letter", [REFUSED, DIED, UNREAD], ids=["refused", "died", "unread"])
def test_a_record_comes_back_as_it_was(letter):
    assert decode(encode(letter)) == letter


def test_a_record_says_all_there_is_to_know():
    record = json.loads(encode(DIED))
    assert record == {
        "version": 1,
        "id": DIED.id,
        "reason": "rejected",
        "details": [{"path": "$", "message": "upsert_contact: parameter_invalid: no"}],
        "event": {
            "type": "track",
            "name": "Ordered",
            "message_id": "m-1",
            "user_id": "user-1",
            "time": "2023-11-14T22:13:20.123456Z",
        },
        "raw": EVENT.raw.decode(),
        "origin": "events.jsonl:7",
        "stage": "deliver",
        "operation": "upsert_contact",
        "response": {
            "status": 400,
            "code": "parameter_invalid",
            "message": "upsert_contact: parameter_invalid: no",
        },
        "mapping": {"name": "intercom", "fingerprint": "sha256:abc"},
        "failed_at": "2023-11-14T22:13:21.000000Z",
    }


def test_bytes_that_are_no_text_are_kept_in_base64():
    record = json.loads(encode(UNREAD))
    assert record["raw_base64"] == "/3tub3QganNvbg=="
    assert "raw" not in record


def test_a_record_is_one_line():
    letter = DeadLetter.of_refusal(
        Receipt(raw=b'{"a":\r\n1}\n', origin="x"),
        Refusal.because("rejected", "two\nlines"),
        stage="map",
        failed_at=0,
    )
    assert b"\n" not in encode(letter)
    assert b"\r" not in encode(letter)


def test_the_id_is_the_same_for_every_failure_of_a_line_and_differs_between_lines():
    assert REFUSED.id == DIED.id
    assert REFUSED.id != UNREAD.id


def test_credentials_that_a_server_echoes_are_not_written_down():
    outcome = Outcome("dead", "rejected", "bad header Authorization: Bearer dG9rOmFiYw==", 400)
    line = encode(DeadLetter.of_outcome(RECEIPT, outcome, failed_at=0))
    assert b"dG9rOmFiYw" not in line


def test_only_dead_outcomes_become_dead_letters():
    with pytest.raises(ValueError, match="no dead letter"):
        DeadLetter.of_outcome(RECEIPT, Outcome("delivered"), failed_at=0)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"{}",
        b"not json",
        b"\xff",
        b'{"version":2}',
        b'{"version":1}',
        encode(UNREAD).replace(b"/3tub3QganNvbg==", b"###"),
        encode(REFUSED).replace(b"schema_violation", b"whim"),
        encode(REFUSED).replace(b"2023-11", b"2023-31"),
    ],
)
def test_a_line_that_is_no_dead_letter_says_so(line):
    with pytest.raises(UnreadableDeadLetterError, match="not a dead letter"):
        decode(line)


@pytest.mark.parametrize("moment", [0, -1, 1, 253402300799999999, -62135596800000000])
def test_times_come_back_to_the_microsecond(moment):
    assert micros(iso(moment)) == moment


def test_times_beyond_the_calendar_are_cut_to_it():
    assert iso(10**18 * 9).startswith("9999-")
    assert iso(-(10**18) * 9).startswith("0001-")
