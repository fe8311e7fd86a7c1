from __future__ import annotations

import hashlib
import json
import pickle
from decimal import Decimal
from typing import Any

import pytest

from pipeline.model.decode import decode_line
from pipeline.model.event import Event, Rejected

NOW = 1_700_000_000_000_000
NOON = 1_704_196_800_000_000
TRACK = b'{"type":"track","event":"Paid","messageId":"m1","timestamp":"2024-01-02T12:00Z"}'


def decode(line: bytes, **options: Any) -> list[Event | Rejected]:
    return decode_line(line, origin="in.jsonl:3", now=NOW, **options)


def event(line: bytes) -> Event:
    (found,) = decode(line)
    assert isinstance(found, Event), found
    return found


def rejected(line: bytes, **options: Any) -> Rejected:
    (found,) = decode(line, **options)
    assert isinstance(found, Rejected), found
    return found


def reason(line: bytes) -> str:
    return rejected(line).refusal.reason


def message(line: bytes) -> str:
    return rejected(line).refusal.details[0].message


def test_one_event() -> None:
    assert event(TRACK) == Event(
        type="track",
        message_id="m1",
        time=NOON,
        body=json.loads(TRACK),
        raw=TRACK,
        origin="in.jsonl:3",
    )


def test_numbers_lose_no_digit() -> None:
    body = event(b'{"type":"page","n":123456789012345678901,"p":19.990,"e":1e2}').body
    assert (body["n"], str(body["p"]), body["e"]) == (123456789012345678901, "19.990", Decimal(100))


@pytest.mark.parametrize("line", [b"", b"\n", b"  \r\n", b"\xef\xbb\xbf\n", b"\t"])
def test_a_blank_line_holds_no_event(line: bytes) -> None:
    assert decode(line) == []


def test_byte_order_mark_and_line_end_are_not_part_of_the_event() -> None:
    assert event(b"\xef\xbb\xbf" + TRACK + b"\r\n") == event(TRACK)


def test_time_falls_to_the_next_candidate() -> None:
    line = b'{"type":"page","timestamp":"soon","originalTimestamp":null,"sentAt":1704196800}'
    assert (event(line).time, event(line).warnings) == (NOON, ())


def test_time_prefers_timestamp() -> None:
    line = b'{"type":"page","receivedAt":1,"sentAt":2,"originalTimestamp":3,"timestamp":4}'
    assert event(line).time == 4_000_000


def test_no_time_at_all_is_the_time_of_the_run_with_a_warning() -> None:
    found = event(b'{"type":"page","timestamp":"soon"}')
    assert (found.time, found.warnings) == (NOW, ("timestamp_missing",))


def test_an_integer_message_id_is_text() -> None:
    assert event(b'{"type":"page","messageId":123456789012345678901}').message_id == (
        "123456789012345678901"
    )


@pytest.mark.parametrize("value", [b"null", b'""', b"true", b"[1]"])
def test_without_a_message_id_the_bytes_name_the_event(value: bytes) -> None:
    raw = b'{"type":"page","messageId":%b}' % value
    assert event(raw).message_id == "sha256:" + hashlib.sha256(raw).hexdigest()


@pytest.mark.parametrize(
    ("line", "part"),
    [
        (b"hello", "invalid character at byte 0"),
        (b'{"type":"page"', "ends too early at byte 14"),
        (b'{"type":"page",}', "trailing comma"),
        (b"{'type':'page'}", "double quotes at byte 1"),
        (b'{"type":"page"} {}', "trailing characters"),
        (b'{"a":01}', "invalid number"),
        (b'{"a":NaN}', "NaN is no JSON value at byte 5"),
        (b'{"a":Infinity}', "Infinity is no JSON value at byte 5"),
        (b'{"a":-Infinity}', "-Infinity is no JSON value at byte 5"),
        (b'{"a":True}', "True is no JSON value at byte 5"),
        (b"[]", "the line is an array"),
        (b"5", "the line is a number"),
        (b'"x"', "the line is text"),
        (b"null", "the line is null"),
        (b"true", "the line is a boolean"),
        (b'{"a":"b\xff"}', "byte 0xff at byte 7"),
        (b'{"\xed\xa0\x80":1}', "not UTF-8"),
        (b'{"a":"\\ud800"}', "\\ud800 is half of a character without the other half at byte 6"),
        (b'{"a":"\\ud800x\\udc00"}', "half of a character"),
        (b'{"a":%b}' % (b"9" * 5000), "more than 4300 digits at byte 5"),
        (b'{"a":0.%b}' % (b"9" * 5000), "more than 4300 digits"),
        (b'{"a":1e999999999}', "1e999999999 has an exponent beyond 400 at byte 5"),
        (b'{"a":1e-401}', "exponent beyond 400"),
        (b'{"a":1e99999999999999999999999}', "exponent beyond 400"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "nested deeper than 64 levels"),
        (b"[" * 100_000, "nested deeper than 64 levels"),
        (b'{"a":' * 100_000, "nested deeper than 64 levels"),
        (b"[" * 100_000 + b"]" * 100_000, "nested deeper than 64 levels"),
        (b'{"a":1,"b":2,"a":1}', 'the key "a" occurs more than once in $'),
        (b'{"p":{"x y":[0,{"c":1,"c":2}]}}', 'the key "c" occurs more than once in $.p["x y"][1]'),
        (b'{"p":{"a":"\\u003a","a":":"}}', 'the key "a" occurs more than once in $.p'),
        (b'{"p":{"\\u0061":1,"a":1}}', 'the key "a" occurs more than once in $.p'),
        (b'{"batch":[],"batch":[]}', 'the key "batch" occurs more than once in $'),
        (b'{"a":"\x01"}', "invalid character"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_invalid_json(line: bytes, part: str) -> None:
    assert reason(line) == "invalid_json"
    assert part in message(line)


def test_64_levels_are_allowed() -> None:
    line = b'{"type":"page","p":' + b"[" * 63 + b"]" * 63 + b"}"
    assert event(line).type == "page"


def test_brackets_in_text_are_no_levels() -> None:
    line = json.dumps({"type": "page", "p": ['[{"' * 100, "\\", "[" * 100]}).encode()
    assert event(line).type == "page"


def test_many_shallow_objects_are_no_levels() -> None:
    line = json.dumps({"type": "page", "p": [{"a": []}] * 200}).encode()
    assert event(line).type == "page"


def test_colons_in_text_are_no_duplicates() -> None:
    assert event(b'{"type":"page","a:":"::","b":"\\u003a \\u003A"}').body["b"] == ": :"


def test_a_line_over_the_limit_is_too_large() -> None:
    found = rejected(TRACK, max_bytes=len(TRACK) - 1)
    assert found.refusal.reason == "too_large"
    assert f"{len(TRACK)} bytes, {len(TRACK) - 1} are allowed" in found.refusal.details[0].message


def test_a_line_at_the_limit_is_read() -> None:
    assert decode(TRACK + b"\r\n", max_bytes=len(TRACK)) == [event(TRACK)]


@pytest.mark.parametrize(
    ("line", "part"),
    [
        (b"{}", 'no "type"; allowed are identify, track'),
        (b'{"type":null}', "the type is null"),
        (b'{"type":5}', "the type is 5"),
        (b'{"type":["track"]}', 'the type is ["track"]'),
        (b'{"type":"trak"}', 'did you mean "track"?'),
        (b'{"type":"Track"}', 'types are in lower case: "track"'),
        (b'{"type":" track"}', 'did you mean "track"?'),
        (b'{"type":"purchase"}', "allowed are identify, track"),
        (b'{"batch":{}}', '"batch" is an object, not an array'),
    ],
)
def test_unknown_type(line: bytes, part: str) -> None:
    assert reason(line) == "unknown_type"
    assert part in message(line)


def test_a_rejected_event_keeps_what_could_be_read() -> None:
    line = b'{"type":"track","messageId":"m7","timestamp":"2024-01-02T12:00Z","a":NaN}'
    found = rejected(line)
    assert (found.type, found.message_id, found.time, found.raw) == ("track", "m7", NOON, line)


def test_a_rejected_event_of_which_nothing_could_be_read() -> None:
    found = rejected(b"\xff")
    digest = hashlib.sha256(b"\xff").hexdigest()
    assert (found.type, found.message_id, found.time) == (None, f"sha256:{digest}", None)


def test_half_characters_never_reach_a_dead_letter() -> None:
    found = rejected(b'{"type":"\\ud800","messageId":"\\ud800"}')
    assert found.type is None
    assert found.message_id.startswith("sha256:")


def test_rejected_survives_pickling() -> None:
    assert pickle.loads(pickle.dumps(rejected(b"[]"))) == rejected(b"[]")


def test_a_batch_is_its_members() -> None:
    found = decode(b'{"batch": [ %b ,\t{"type":"page"}]}' % TRACK)
    assert [(type(each), each.origin, each.raw) for each in found] == [
        (Event, "in.jsonl:3[0]", TRACK),
        (Event, "in.jsonl:3[1]", b'{"type":"page"}'),
    ]


def test_an_empty_batch_holds_no_event() -> None:
    assert decode(b'{"batch":[],"sentAt":1}') == []


def test_keys_of_the_envelope_are_defaults() -> None:
    line = (
        b'{"batch":[{"type":"page","context":{"ip":"1"}}],"context":{"ip":"2"},"sentAt":1704196800}'
    )
    found = event(line)
    assert (found.body["context"], found.body["sentAt"], found.time) == (
        {"ip": "1"},
        1704196800,
        NOON,
    )


def test_null_in_a_member_is_not_lacking() -> None:
    assert event(b'{"batch":[{"type":"page","context":null}],"context":{}}').body["context"] is None


def test_raw_of_a_member_with_defaults_is_a_batch_of_one() -> None:
    line = b'{"sentAt" : 1.50, "batch":[{"type":"page", "n": 1.0},{"type":"page","sentAt":2}]}'
    first, second = decode(line)
    assert first.raw == b'{"batch":[{"type":"page", "n": 1.0}],"sentAt":1.50}'
    assert second.raw == b'{"type":"page","sentAt":2}'


def test_a_batch_may_name_itself_last_or_with_escapes() -> None:
    late = b'{"x":"%b","batch":[5,%b]}' % (b"y" * 300, TRACK)
    assert [type(each) for each in decode(late)] == [Rejected, Event]
    assert event(b'{"b\\u0061tch":[%b]}' % TRACK) == event(b'{"batch":[%b]}' % TRACK)


def test_a_bad_member_is_refused_alone() -> None:
    found = decode(b'{"batch":[5,%b,{"a":1,"a":2},{"type":"x"}]}' % TRACK)
    assert [each.refusal.reason if isinstance(each, Rejected) else each.type for each in found] == [
        "invalid_json",
        "track",
        "invalid_json",
        "unknown_type",
    ]


def test_a_bad_member_in_a_late_batch_is_refused_alone() -> None:
    line = b'{"x":"%b","batch":[{"a":1,"a":2},%b]}' % (b"y" * 300, TRACK)
    assert [type(each) for each in decode(line)] == [Rejected, Event]


def test_positions_in_a_member_count_from_the_start_of_its_raw() -> None:
    (found,) = decode(b'{"context":{},"batch":[{"a":1e999}]}')
    assert isinstance(found, Rejected)
    assert found.refusal.details[0].message.endswith("at byte 15")
    assert found.raw[15:20] == b"1e999"


def test_a_bad_envelope_refuses_the_line() -> None:
    line = b'{"batch":[%b],"context":{"a":1,"a":2}}' % TRACK
    assert 'in "context" of the batch: the key "a"' in message(line)
    assert rejected(line).raw == line


def test_a_member_that_holds_a_batch_is_read_again_as_a_member() -> None:
    line = b'{"batch":[{"type":"track","batch":[1]}]}'
    assert event(line).raw == line


def test_nested_batches_are_no_events() -> None:
    (found,) = decode(b'{"batch":[{"batch":[%b]}]}' % TRACK)
    assert isinstance(found, Rejected)
    assert found.refusal.reason == "unknown_type"


@pytest.mark.parametrize("count", [40, 4000, 100_000])
def test_deeply_nested_batches_are_refused(count: int) -> None:
    (found,) = decode(b'{"batch":[' * count + b"]}" * count, max_bytes=10**7)
    assert isinstance(found, Rejected)
    assert found.refusal.reason == "invalid_json"
