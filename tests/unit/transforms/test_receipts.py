"""Receipts of what is delivered."""

import json
from pathlib import Path

import jsonschema

from pipeline.flow.accounts import account_of
from pipeline.flow.dead_letters import DeadLetter, Receipt, encode
from pipeline.transforms.dead_letters import shortened
from pipeline.transforms.receipts import ReceiptsTo

SCHEMAS = Path(__file__).resolve().parents[3] / "schemas"
EVENT = Receipt(b'{"type":"track"}', "events/0@17", "track", "A", "m1", "u1", 1_700_000_000_000_000)


def written(folder):
    return [
        json.loads(line)
        for file in sorted(folder.iterdir())
        for line in file.read_text().splitlines()
    ]


def test_a_receipt_says_what_was_delivered_where_and_when(tmp_path):
    to = ReceiptsTo(str(tmp_path), "intercom", "run", clock=lambda: 1_700_000_001_000_000)
    receipts = to.open()
    receipts.write(account_of(EVENT, "delivered", None))
    receipts.write(account_of(EVENT, "merged", "unchanged"))
    receipts.end_bundle()
    one, other = written(tmp_path)
    assert one == {
        "version": 1,
        "id": EVENT.id,
        "message_id": "m1",
        "destination": "intercom",
        "outcome": "delivered",
        "reason": None,
        "done_at": "2023-11-14T22:13:21.000000Z",
        "event": {
            "type": "track",
            "name": "A",
            "user_id": "u1",
            "time": "2023-11-14T22:13:20.000000Z",
        },
        "origin": "events/0@17",
    }
    assert (other["outcome"], other["reason"]) == ("merged", "unchanged")
    schema = json.loads((SCHEMAS / "receipt.schema.json").read_text("utf-8"))
    for receipt in (one, other):
        jsonschema.validate(receipt, schema)


def test_an_event_that_nobody_wanted_has_no_receipt(tmp_path):
    receipts = ReceiptsTo(str(tmp_path), "intercom").open()
    receipts.write(account_of(EVENT, "skipped", "suppressed"))
    receipts.end_bundle()
    assert written(tmp_path) == []


def test_bundles_of_one_worker_share_a_file_and_each_is_on_disk_when_it_ends(tmp_path):
    receipts = ReceiptsTo(str(tmp_path), "intercom").open()
    for bundle in (1, 2):
        receipts.write(account_of(EVENT, "delivered", None))
        receipts.end_bundle()
        (file,) = tmp_path.iterdir()
        assert len(file.read_text("utf-8").splitlines()) == bundle


def test_workers_have_files_of_their_own(tmp_path):
    for _ in range(2):
        receipts = ReceiptsTo(str(tmp_path), "intercom").open()
        receipts.write(account_of(EVENT, "delivered", None))
        receipts.end_bundle()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_letter_is_cut_and_says_so():
    for raw in (b"x" * 100_000, b"\xff" * 100_000):
        letter = DeadLetter(Receipt(raw, "events/0@17"), "invalid_json", (), "decode", 0)
        cut = json.loads(shortened(encode(letter)))
        schema = json.loads((SCHEMAS / "dead-letter.schema.json").read_text("utf-8"))
        jsonschema.validate(cut, schema)
        assert len(cut["raw"]) == 10_000
        assert (cut["id"], cut["origin"]) == (letter.id, "events/0@17")
        assert "only the beginning is kept here" in cut["details"][-1]["message"]
