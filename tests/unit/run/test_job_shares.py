"""Destinations of one workspace divide its rate."""

from __future__ import annotations

import pytest

from tests.unit.run.test_job_file import described


def shares(*destinations: str, flags=None) -> list[float]:
    lines = "".join(f"  d{number}: {one}\n" for number, one in enumerate(destinations))
    job, _ = described(f"job: 1\ninputs: a\ndestinations:\n{lines}", flags=flags)
    assert job is not None
    return [round(one.config.share, 6) for one in job.destinations]


def test_one_alone_has_the_whole_rate() -> None:
    assert shares("{}") == [1.0]


def test_those_of_one_workspace_divide_its_rate_equally() -> None:
    assert shares("{}", "{}", "{region: us}", "{region: us}") == [0.25] * 4


def test_what_states_no_share_gets_an_equal_part_of_the_rest() -> None:
    assert shares("{share: 0.5}", "{}", "{}") == [0.5, 0.25, 0.25]


def test_another_region_or_token_is_another_rate() -> None:
    assert shares("{}", "{region: eu}", "{token: env:OTHER}") == [1.0, 1.0, 1.0]


def test_a_region_and_its_address_are_the_same() -> None:
    assert shares("{}", "{endpoint: 'https://api.intercom.io/'}") == [0.5, 0.5]


def test_destinations_that_share_a_state_lease_from_what_they_have_together() -> None:
    one_state = "{state: 'sqlite:///s.db', share: 0.3}"
    assert shares(one_state, one_state, "{}") == [0.6, 0.6, 0.4]


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_a_share_on_the_command_line_is_that_of_each(share) -> None:
    assert shares("{share: 0.9}", "{}", flags={"share": share}) == [share, share]
