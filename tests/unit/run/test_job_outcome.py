"""The account of a job: sums that balance, and what it ends with."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.cli.job_summary import ends_of, gravest
from pipeline.errors import (
    AccountingError,
    CredentialsRefused,
    DestinationDown,
    Interrupted,
    PenstockError,
    ProcessFailed,
)
from pipeline.run.jobs.execution import of_all
from pipeline.run.jobs.outcome import JobSummary, job_summary
from pipeline.run.summary import Summary, of_counts

FACTS: dict[str, Any] = {
    "run_id": "r",
    "mapping": {"name": "m", "file": "f", "fingerprint": "p"},
    "seconds": 1.0,
    "started_at": 0,
}


def counted(**counts: int) -> Summary:
    """An account; ``skipped_x`` stands for ``skipped/x``."""
    return of_counts({name.replace("__", "/"): n for name, n in counts.items()}, **FACTS)


def job(failures: dict[str, PenstockError] | None = None, **destinations: Summary) -> JobSummary:
    intake = counted(received=7, dead__invalid_json=2)
    return job_summary(intake, destinations, failures or {})


EU = counted(received=5, delivered=3, skipped__not_routed=2, **{"calls/POST /x/200": 3})
US = counted(received=5, delivered=4, dead__rejected=1, **{"calls/POST /x/200": 4})


def test_the_whole_is_the_sum_of_the_destinations_and_of_what_nobody_got() -> None:
    summary = job(eu=EU, us=US)
    summary.check()
    whole = summary.as_json()
    assert whole["received"] == 2 + 5 + 5
    assert whole["delivered"] == 7
    assert whole["dead"] == {"invalid_json": 2, "rejected": 1}
    assert whole["calls"] == {"POST /x": {"200": 7}}
    assert whole["input"] == {"received": 7, "dead": {"invalid_json": 2}}
    assert whole["destinations"]["eu"]["skipped"] == {"not_routed": 2}


def test_a_destination_that_does_not_balance_is_a_bug() -> None:
    with pytest.raises(AccountingError):
        job(eu=EU, us=counted(received=5, delivered=4)).check()


def test_one_that_ended_early_is_no_part_of_the_sums_and_says_why() -> None:
    lost = ProcessFailed("a process of the run ended with signal SIGKILL")
    summary = job({"us": lost}, eu=EU, us=counted(received=5, delivered=1))
    summary.check()
    assert summary.whole.received == 2 + 5
    assert summary.as_json()["destinations"]["us"]["failure"] == str(lost)
    assert "failure" not in summary.as_json()["destinations"]["eu"]
    assert ends_of(summary) == {"us": lost}


def test_each_destination_that_could_not_take_everything_says_why() -> None:
    down = counted(received=5, dead__undelivered=5, halted=1, outage=1)
    refused = counted(received=5, dead__undelivered=5, halted=1)
    ends = ends_of(job(eu=EU, down=down, refused=refused))
    assert {name: type(error) for name, error in ends.items()} == {
        "down": DestinationDown,
        "refused": CredentialsRefused,
    }


@pytest.mark.parametrize(
    ("errors", "code"),
    [
        ([], 0),
        ([DestinationDown("")], 6),
        ([DestinationDown(""), CredentialsRefused("")], 5),
        ([CredentialsRefused(""), Interrupted("")], 130),
        ([ProcessFailed(""), Interrupted(""), DestinationDown("")], 70),
    ],
)
def test_the_exit_code_is_that_of_the_gravest(errors, code) -> None:
    assert gravest(errors) == code


def test_what_is_counted_live_is_shown_for_all_together() -> None:
    live = {":received": 7, ":dead/invalid_json": 2, "eu:received": 5, "us:received": 5,
            "delivered": 3, "calls/GET /a:b/200": 1}  # fmt: skip
    assert of_all(live) == {
        "received": 10, "dead/invalid_json": 2, "delivered": 3, "calls/GET /a:b/200": 1
    }  # fmt: skip
