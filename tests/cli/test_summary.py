"""The account of a run, for people."""

from __future__ import annotations

from pipeline.cli.summary import render
from pipeline.run.summary import of_counts

FACTS = {
    "run_id": "r1", "mapping": {"name": "intercom", "file": "m.yaml", "fingerprint": "f" * 16},
    "seconds": 1.5, "started_at": 0,
}  # fmt: skip
COUNTS = {"received": 5, "delivered": 2, "dead/rejected": 1, "dead/invalid_json": 2,
          "calls/POST /events/202": 2, "calls/POST /events/0": 1}  # fmt: skip


def test_reasons_come_with_their_meaning_and_the_largest_first() -> None:
    text = render(of_counts(COUNTS, **FACTS))
    assert "5 received = 5 accounted for" in text
    assert text.index("invalid_json") < text.index("rejected")
    assert "the destination refused it for good" in text


def test_a_call_without_an_answer_says_so() -> None:
    assert "no answer: 1, 202: 2" in render(of_counts(COUNTS, **FACTS))


def test_what_does_not_balance_is_not_hidden() -> None:
    text = render(of_counts({**COUNTS, "received": 6}, **FACTS))
    assert "6 received DIFFERS FROM 5 accounted for" in text
