"""Whatever bytes a source sends, its dead letter gives them back."""

import json
from pathlib import Path

import jsonschema_rs
from hypothesis import given
from hypothesis import strategies as st

from pipeline.flow.dead_letters import STAGES, Answer, DeadLetter, Receipt, decode, encode
from pipeline.model.refusal import DEAD_REASONS, Detail

SCHEMA = Path(__file__).resolve().parents[2] / "schemas" / "dead-letter.schema.json"
VALIDATOR = jsonschema_rs.validator_for(json.loads(SCHEMA.read_text("utf-8")))

text = st.text(max_size=20)
maybe = st.none() | text
moments = st.integers(-62135596800000000, 253402300799999999)
receipts = st.builds(
    Receipt,
    raw=st.binary() | st.text().map(str.encode),
    origin=text,
    type=maybe,
    name=maybe,
    message_id=maybe,
    user_id=maybe,
    time=st.none() | moments,
    mapping=maybe,
    fingerprint=maybe,
)
letters = st.builds(
    DeadLetter,
    receipt=receipts,
    reason=st.sampled_from(sorted(DEAD_REASONS)),
    details=st.lists(st.builds(Detail, text, text), max_size=3).map(tuple),
    stage=st.sampled_from(STAGES),
    failed_at=moments,
    operation=maybe,
    response=st.none()
    | st.builds(Answer, status=st.none() | st.integers(100, 599), code=maybe, message=text),
)


@given(letters)
def test_a_dead_letter_comes_back_exactly(letter):
    assert decode(encode(letter)) == letter


@given(letters)
def test_a_dead_letter_is_one_line_that_fits_the_schema(letter):
    line = encode(letter)
    assert b"\n" not in line
    VALIDATOR.validate(json.loads(line))


@given(receipts)
def test_a_receipt_comes_back_exactly(receipt):
    assert Receipt.unpack(receipt.pack()) == receipt
