"""The ledger of a run: what several processes need is written by one of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.flow.once import Ledger
from pipeline.model.operation import DELIVERED, Outcome

ROOT = Path(__file__).resolve().parents[3]
COMPANY = ("upsert_company", "7")


def nothing() -> None:
    """Nothing was learned."""


def refuse() -> Outcome:
    raise AssertionError("written twice")


@pytest.mark.parametrize(
    "outcome", [DELIVERED, Outcome("dead", "rejected", "400", 400, "x", ("w",), dropped=(("a",),))]
)
def test_what_one_ledger_wrote_another_one_knows(tmp_path: Path, outcome: Outcome) -> None:
    assert Ledger(tmp_path, nothing).once(COMPANY, lambda: outcome) == (outcome, True)
    assert Ledger(tmp_path, nothing).once(COMPANY, refuse) == (outcome, False)


def test_another_thing_is_written_as_well(tmp_path: Path) -> None:
    one, other = Ledger(tmp_path, nothing), Ledger(tmp_path, nothing)
    for number in range(3000):  # more than there are files
        thing = ("upsert_company", str(number))
        assert one.once(thing, lambda: DELIVERED) == (DELIVERED, True)
    for number in range(3000):
        assert other.once(("upsert_company", str(number)), refuse) == (DELIVERED, False)


def test_what_was_learned_is_stored_before_others_know_of_the_write(tmp_path: Path) -> None:
    order: list[str] = []

    def note(what: str) -> Callable[[], Outcome]:
        def write() -> Outcome:
            order.append(what)
            return DELIVERED

        return write

    Ledger(tmp_path, note("settled")).once(COMPANY, note("written"))
    assert order == ["written", "settled"]


def test_a_write_that_fails_leaves_it_to_the_next(tmp_path: Path) -> None:
    def fail() -> Outcome:
        raise RuntimeError("a bug")

    ledger = Ledger(tmp_path, nothing)
    with pytest.raises(RuntimeError):
        ledger.once(COMPANY, fail)
    assert ledger.once(COMPANY, lambda: DELIVERED) == (DELIVERED, True)


@pytest.mark.integration
def test_of_many_processes_one_writes(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from pipeline.flow.once import Ledger;"
        "from pipeline.model.operation import DELIVERED;"
        "ledger = Ledger(Path(sys.argv[1]), lambda: None);"
        "print(sum(ledger.once(('c', str(n)), lambda: DELIVERED)[1] for n in range(500)))"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE
        )
        for _ in range(3)
    ]
    assert sum(int(process.communicate(timeout=60)[0]) for process in started) == 500
