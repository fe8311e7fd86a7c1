"""Which dead letters are chosen, and what of their files stays."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.flow.dead_letters import DeadLetter, Receipt
from pipeline.flow.replay import (
    Done,
    Selection,
    Tried,
    apart,
    decode_done,
    encode_done,
    first_seen,
    is_replayable,
)

NOON = 1_700_000_000_000_000
BODY: dict[str, Any] = {
    "type": "track", "event": "Signed", "userId": "U-1", "anonymousId": 77,
    "properties": {"email": "Ada@Example.com"},
}  # fmt: skip


def letter(body: Any = BODY, **changes: Any) -> DeadLetter:
    receipt = Receipt(
        raw=json.dumps(body).encode(),
        origin="e.jsonl:1",
        type="track",
        name="Signed",
        user_id="U-1",
        time=changes.pop("time", NOON - 5),
    )
    given = {"reason": "rejected", "details": (), "stage": "deliver", "failed_at": NOON}
    return DeadLetter(receipt, **{**given, **changes})


@pytest.mark.parametrize(
    "selection",
    [
        Selection(),
        Selection(reasons=frozenset({"rejected", "undelivered"})),
        Selection(since=NOON, until=NOON + 1),
        Selection(event="Signed"),
        Selection(event="track"),
        Selection(person="u-1"),
        Selection(person="77"),
        Selection(person="ada@example.com"),
    ],
)
def test_a_selection_takes(selection: Selection) -> None:
    assert selection.takes(letter())


@pytest.mark.parametrize(
    "selection",
    [
        Selection(reasons=frozenset({"undelivered"})),
        Selection(since=NOON + 1),
        Selection(until=NOON),
        Selection(event="signed"),
        Selection(person="ada"),
        Selection(person="u-1", event="Left"),
    ],
)
def test_a_selection_leaves(selection: Selection) -> None:
    assert not selection.takes(letter())


def test_a_person_is_not_looked_for_in_bytes_that_hold_no_event() -> None:
    assert not Selection(person="7").takes(letter([7]))


def test_an_event_was_first_seen_at_its_time_else_when_it_was_refused() -> None:
    assert (first_seen(letter()), first_seen(letter(time=None))) == (NOON - 5, NOON)


def test_of_an_unreadable_file_there_is_nothing_to_try() -> None:
    nothing = DeadLetter(Receipt(b"", "e.gz:9"), "unreadable", (), "decode", NOON)
    assert (is_replayable(nothing), is_replayable(letter())) == (False, True)


def test_a_batch_that_was_refused_as_a_whole_comes_apart_into_its_events() -> None:
    whole = letter({"batch": [BODY, {**BODY, "event": "Left"}]}, stage="decode")
    parts = apart(whole)
    assert [part.receipt.name for part in parts] == ["Signed", "Left"]
    assert [part.receipt.origin for part in parts] == ["e.jsonl:1[0]", "e.jsonl:1[1]"]
    assert {(part.reason, part.failed_at) for part in parts} == {("rejected", NOON)}
    assert [apart(part) for part in parts] == [[part] for part in parts]


def test_a_batch_that_is_still_too_long_stays_whole() -> None:
    whole = letter({"batch": [BODY, BODY]}, stage="decode")
    assert apart(whole, max_bytes=20) == [whole]


def test_a_note_comes_back_and_half_a_note_is_none() -> None:
    done = Done("ab", NOON, "merged/unchanged")
    assert decode_done(encode_done(done)) == done
    assert decode_done(encode_done(done)[:-3]) is None
    assert decode_done(b"7") is None


def tried(**facts: Any) -> Tried:
    return Tried("run", **{"done": {}, "again": {}, **facts})


def test_a_letter_that_nobody_tried_is_kept() -> None:
    assert tried().fate(letter()) == "keep"


@pytest.mark.parametrize(("at", "fate"), [(0, "done"), (1, "done"), (-1, "keep")])
def test_a_delivery_settles_the_letters_before_it(at: int, fate: str) -> None:
    done = Done(letter().id, NOON + at, "delivered")
    assert tried(done={done.id: done}).fate(letter()) == fate


@pytest.mark.parametrize(("at", "fate"), [(1, "superseded"), (0, "keep"), (-1, "keep")])
def test_another_failure_settles_the_letters_before_it(at: int, fate: str) -> None:
    assert tried(again={letter().id: NOON + at}).fate(letter()) == fate
