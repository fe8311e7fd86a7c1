"""The flags of a run refuse what cannot be meant, before anything is read."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("command", ["run", "plan", "replay", "warm"])
@pytest.mark.parametrize("rate", ["nan", "inf", "0", "-5", "fast"])
def test_a_rate_that_is_no_number_above_zero_is_refused(penstock, command, rate) -> None:
    ran = penstock(command, "--rate", rate)
    assert ran.code == 2
    assert "Invalid value for '--rate'" in ran.err


def test_a_token_itself_is_refused_and_not_repeated(penstock) -> None:
    ran = penstock("run", "--input", "x", "--token", "dG9rOmh1bnRlcjI")
    assert ran.code == 2
    assert "a secret is named, never written" in ran.err
    assert "dG9rOmh1bnRlcjI" not in ran.out + ran.err


@pytest.mark.parametrize("command", ["run", "plan"])
def test_without_input_there_is_nothing_to_read(penstock, command) -> None:
    ran = penstock(command)
    assert ran.code == 2
    assert "--input" in ran.err
