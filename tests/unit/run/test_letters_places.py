"""Where the dead letters of a run, and of one destination of several, are kept."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from pipeline.run import letters
from pipeline.run.jobs import paths
from pipeline.run.jobs.paths import beside, state_beside


@pytest.mark.parametrize("module", [letters, paths])
def test_the_examples_are_so(module) -> None:
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0


@pytest.mark.parametrize(
    ("path", "seen"),
    [("x", "jobs/x"), ("../x", "jobs/../x"), ("/x", "/x"), ("kafka://b:9092/t", None), ("-", None)],
)
def test_a_path_is_relative_to_the_file_of_the_job(path, seen) -> None:
    assert beside(Path("jobs"), path) == (seen or path)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:////var/x.db", "postgresql://h/penstock"])
def test_a_state_that_is_no_relative_file_stays_where_it_is(url) -> None:
    assert state_beside(Path("jobs"), url) == url
