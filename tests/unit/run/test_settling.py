"""What becomes of the files of dead letters after a replay, also one that was killed."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pipeline.flow.dead_letters import DeadLetter, Receipt, encode
from pipeline.flow.replay import Done, Selection, encode_done
from pipeline.run.letters import Letters
from pipeline.run.settling import Journal, _keep_what_is_there, alone, settle

ROOT = Path(__file__).resolve().parents[3]
NOON = 1_700_000_000_000_000
REPLAY = "20231115T000000Z-replay"


def letter(name: str, *, reason: str = "rejected", at: int = NOON) -> DeadLetter:
    receipt = Receipt(raw=b'{"name": "%b"}' % name.encode(), origin=f"e.jsonl:{name}", name=name)
    return DeadLetter(receipt, reason, (), "deliver", at)


def write(path: Path, *letters: DeadLetter) -> None:
    path.write_bytes(b"".join(encode(each) + b"\n" for each in letters))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A replay has delivered a, failed again with b, and was stopped before c; d is no part."""
    (tmp_path / "done").mkdir()
    write(tmp_path / "first.jsonl", *map(letter, "abcd"))
    write(tmp_path / "second.jsonl", letter("a"))
    write(
        tmp_path / f"{REPLAY}-1.jsonl",
        letter("b", reason="contact_not_found", at=NOON + 9),
        letter("c", reason="undelivered", at=NOON + 9),
    )
    note = encode_done(Done(letter("a").id, NOON + 5, "delivered"))
    (tmp_path / "done" / f"{REPLAY}.journal").write_bytes(note + b"\n")
    return tmp_path


def content(directory: Path) -> dict[str, list[tuple[str, str]]]:
    return {
        str(path.relative_to(directory)): [
            (record["event"]["name"], record["reason"])
            for record in map(json.loads, path.read_text().splitlines())
        ]
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


SETTLED = {
    f"{REPLAY}-1.jsonl": [("b", "contact_not_found")],
    f"done/first.{REPLAY}.jsonl": [("a", "rejected")],
    f"done/second.{REPLAY}.jsonl": [("a", "rejected")],
    "first.jsonl": [("c", "rejected"), ("d", "rejected")],
}


def test_what_is_done_moves_what_failed_again_stays_once_what_was_not_tried_keeps_its_reason(
    directory: Path,
) -> None:
    settle(directory)
    assert content(directory) == SETTLED


def test_what_is_done_says_so_and_is_a_dead_letter_still(directory: Path) -> None:
    settle(directory)
    record = json.loads((directory / "done" / f"first.{REPLAY}.jsonl").read_text())
    assert record["done"]["outcome"] == "delivered"
    assert record["done"]["run_id"] == REPLAY
    schema = json.loads((ROOT / "schemas" / "dead-letter.schema.json").read_text())
    jsonschema.validate(record, schema)


@pytest.mark.parametrize("steps", range(12))
def test_killed_at_any_step_it_is_finished_by_the_next(
    directory: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    left = steps

    def until_killed(act: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            nonlocal left
            if left == 0:
                raise KeyboardInterrupt
            left -= 1
            return act(*args, **kwargs)

        return counted

    with monkeypatch.context() as patch:
        for name in ("replace", "unlink"):
            patch.setattr(Path, name, until_killed(getattr(Path, name)))
        try:
            settle(directory)
        except KeyboardInterrupt:
            names = [one.receipt.name for one in Letters(str(directory)).select(Selection())]
            assert sorted(filter(None, names)) == ["b", "c", "d"]
    with alone(directory):
        settle(directory)
    assert content(directory) == SETTLED


def test_a_letter_that_came_after_the_delivery_is_another_failure(directory: Path) -> None:
    write(directory / "third.jsonl", letter("a", at=NOON + 6))
    settle(directory)
    assert content(directory)["third.jsonl"] == [("a", "rejected")]


def test_a_file_that_is_written_to_is_left_and_the_journal_stays(
    directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fcntl = pytest.importorskip("fcntl")
    before = (directory / "first.jsonl").read_bytes()
    with (directory / "first.jsonl").open("rb") as writer, caplog.at_level(logging.WARNING):
        fcntl.flock(writer.fileno(), fcntl.LOCK_SH)
        settle(directory)
        assert (directory / "first.jsonl").read_bytes() == before
        assert "next replay" in caplog.text
    settle(directory)
    assert content(directory) == SETTLED


def test_notes_of_a_journal_are_read_back_by_id(tmp_path: Path) -> None:
    (tmp_path / "done").mkdir()
    write(tmp_path / "one.jsonl", letter("a"), letter("b"))
    Journal(str(tmp_path / "done" / "run.journal"))(letter("a").receipt, "merged/unchanged")
    assert [one.receipt.name for one in Letters(str(tmp_path)).select(Selection())] == ["b"]


def test_of_several_letters_of_one_event_the_latest_counts(tmp_path: Path) -> None:
    old, new = letter("a"), replace(letter("a", reason="undelivered"), failed_at=NOON + 1)
    write(tmp_path / "one.jsonl", new)
    write(tmp_path / "two.jsonl", old, new)
    assert list(Letters(str(tmp_path)).select(Selection())) == [new]


def test_what_was_moved_before_stays_when_more_is_moved_to_the_same_file(tmp_path):
    done, gone = tmp_path / "done.jsonl", tmp_path / "gone.jsonl"
    done.write_bytes(b"a\nb\n")
    gone.write_bytes(b"b\nc\n")
    _keep_what_is_there(done, gone)
    assert gone.read_bytes() == b"a\nb\nc\n"
