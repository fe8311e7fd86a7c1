"""``penstock dead-letters``: ls, show and stats."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.flow.dead_letters import Answer, DeadLetter, Receipt, encode
from pipeline.model.refusal import Detail

NOON = 1_700_000_000_000_000
ROOT = Path(__file__).resolve().parents[2]


def letter(number: int, *, reason: str = "rejected", raw: bytes = b"") -> DeadLetter:
    receipt = Receipt(
        raw=raw or b'{"type": "track", "userId": "u%d"}' % number,
        origin=f"events.jsonl:{number}",
        type="track",
        name=f"e{number}",
        user_id=f"u{number}",
        time=NOON,
        mapping="intercom",
        fingerprint="abc",
    )
    return DeadLetter(
        receipt,
        reason,
        (Detail("$", "said no"),),
        "deliver",
        NOON + number,
        "submit_event",
        Answer(400, "bad", "no"),
    )


LETTERS = [letter(1), letter(2, reason="contact_not_found"), letter(3, raw=b'{"x": "\xff"}')]


@pytest.fixture
def dead(tmp_path: Path) -> Path:
    """Three letters, a foreign line, one that was not written to its end, and a foreign file."""
    directory = tmp_path / "dead"
    directory.mkdir()
    lines = [*map(encode, LETTERS), b'{"foreign": 1}', encode(letter(4))[:50]]
    (directory / "a.jsonl").write_bytes(b"\n".join(lines))
    (directory / "notes.txt").write_text("nothing")
    (directory / "folder.jsonl").mkdir()
    return directory


def test_ls_lists_each_letter_with_its_reason(penstock: Any, dead: Path) -> None:
    ran = penstock("dead-letters", "ls", "--dead-letters", dead)
    assert ran.code == 0
    assert [line.split()[2] for line in ran.out.splitlines()] == [
        "rejected", "contact_not_found", "rejected"
    ]  # fmt: skip
    assert "passed over 2 lines" in ran.err


def test_ls_as_json_gives_the_records_back(penstock: Any, dead: Path) -> None:
    ran = penstock("dead-letters", "ls", "--dead-letters", dead, "--format", "json")
    assert ran.lines == [json.loads(encode(each)) for each in LETTERS]


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        (("--reason", "rejected"), [1, 3]),
        (("--reason", "rejected", "--reason", "contact_not_found"), [1, 2, 3]),
        (("--event", "e2"), [2]),
        (("--person", "u1"), [1]),
        (("--since", "2023-11-14T22:13:20.000002Z"), [2, 3]),
        (("--until", "2023-11-14T22:13:20.000002Z"), [1]),
        (("--until", "1999-01-01"), []),
    ],
)
def test_filters(penstock: Any, dead: Path, options: tuple[str, ...], numbers: list[int]) -> None:
    ran = penstock("dead-letters", "ls", "--dead-letters", dead, "--format", "json", *options)
    assert [record["event"]["user_id"] for record in ran.lines] == [f"u{n}" for n in numbers]


def test_show_prints_the_original_bytes_and_the_details(
    dead: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    from pipeline.cli.main import exit_code_of

    command = ["dead-letters", "show", LETTERS[2].id[:8], "--dead-letters", str(dead)]
    assert exit_code_of(command) == 0
    out = capfdbinary.readouterr().out
    assert out.endswith(b'{"x": "\xff"}\n')
    for words in (b"HTTP 400 bad no", b"$: said no", b"events.jsonl:3", b"submit_event"):
        assert words in out


def test_show_as_json_gives_the_record_back(penstock: Any, dead: Path) -> None:
    ran = penstock(
        "dead-letters", "show", LETTERS[0].id, "--dead-letters", dead, "--format", "json"
    )
    assert ran.lines == [json.loads(encode(LETTERS[0]))]


@pytest.mark.parametrize(("beginning", "words"), [("zz", "no dead letter has"), ("", "3 dead")])
def test_show_wants_one_letter(penstock: Any, dead: Path, beginning: str, words: str) -> None:
    ran = penstock("dead-letters", "show", beginning, "--dead-letters", dead)
    assert (ran.code, words in ran.err) == (2, True)


def test_stats_count_by_reason_event_day_and_mapping(penstock: Any, dead: Path) -> None:
    ran = penstock("dead-letters", "stats", "--dead-letters", dead, "--format", "json")
    (counts,) = ran.lines
    assert counts["reasons"] == {"contact_not_found": 1, "rejected": 2}
    assert counts["events"] == {"e1": 1, "e2": 1, "e3": 1}
    assert (counts["days"], counts["mappings"]) == ({"2023-11-14": 3}, {"intercom abc": 3})
    assert (counts["total"], counts["people"], counts["passed_over"]) == (3, 3, 2)


def test_stats_as_text_say_what_a_reason_means(penstock: Any, dead: Path) -> None:
    out = penstock("dead-letters", "stats", "--dead-letters", dead).out
    assert "the destination refused it for good" in out


@pytest.mark.parametrize("command", [("ls",), ("stats",), ("show", "a")])
def test_a_missing_directory_is_one_sentence(
    penstock: Any, tmp_path: Path, command: tuple[str, ...]
) -> None:
    ran = penstock("dead-letters", *command, "--dead-letters", tmp_path / "nowhere")
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert "nowhere does not exist" in ran.err


def test_a_file_in_place_of_the_directory_is_one_sentence(penstock: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ran = penstock("dead-letters", "ls", "--dead-letters", tmp_path / "file")
    assert (ran.code, "is no directory" in ran.err) == (2, True)


def test_a_time_that_is_none_is_one_sentence(penstock: Any, dead: Path) -> None:
    ran = penstock("dead-letters", "ls", "--dead-letters", dead, "--since", "yesterday")
    assert (ran.code, "'yesterday'" in ran.err) == (2, True)


def test_a_local_directory_loads_no_beam(dead: Path) -> None:
    code = (
        "import sys; from pipeline.cli.main import exit_code_of;"
        f"exit_code_of(['dead-letters', 'stats', '--dead-letters', {str(dead)!r}]);"
        "sys.exit('apache_beam' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT, capture_output=True)
    assert done.returncode == 0
