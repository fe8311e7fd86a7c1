"""Commands that look into the state of earlier runs make none."""

from __future__ import annotations

import pytest

LOOKING = [
    ["event-names", "ls"],
    ["event-names", "archive", "Signed Up"],
    ["event-names", "forget", "Signed Up"],
    ["suppressions", "check", "--user-id", "u1"],
    ["suppressions", "remove", "--user-id", "u1"],
]
WRITING = [
    ["event-names", "pin", "Signed Up"],
    ["suppressions", "add", "--user-id", "u1"],
]


@pytest.mark.parametrize("command", LOOKING)
def test_a_mistyped_state_is_said_and_not_made(penstock, tmp_path, command) -> None:
    path = tmp_path / "stat.db"
    ran = penstock(*command, "--state", f"sqlite:///{path}")
    assert (ran.code, ran.out) == (2, "")
    assert f"there is no state {path}" in ran.err
    assert not path.exists()


@pytest.mark.parametrize("command", WRITING)
def test_what_prepares_a_first_run_makes_the_state_and_says_so(penstock, tmp_path, command) -> None:
    path = tmp_path / "state.db"
    first = penstock(*command, "--state", f"sqlite:///{path}")
    assert (first.code, first.err) == (0, f"{path} is a new state: there was none\n")
    again = penstock(*command, "--state", f"sqlite:///{path}")
    assert (again.code, again.err) == (0, "")


@pytest.mark.parametrize("command", [*LOOKING, *WRITING])
def test_the_state_in_memory_remembers_nothing(penstock, command) -> None:
    ran = penstock(*command, "--state", "sqlite://")
    assert ran.code == 2
    assert "nothing is remembered in memory" in ran.err
