"""Job files on the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BAD = """\
job: 1
inputs: [events/*.jsonl]
destinations:
  eu:
    regon: eu
    when: {pick: context.region, equal: eu}
"""
SHOWN = """\
job.yaml:5:5: error[M102]: unknown key 'regon' in a destination
    5 |     regon: eu
      |     ^^^^^
      = help: did you mean 'region'?
job.yaml:6:34: error[M207]: a condition needs a test, 'equal' is none
    6 |     when: {pick: context.region, equal: eu}
      |                                  ^^^^^
      = help: did you mean 'equals'?
"""


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "job.yaml").write_text(BAD, "utf-8")
    return Path("job.yaml")


def test_validate_shows_every_mistake_of_a_job_file_with_its_line(penstock, job) -> None:
    ran = penstock("validate", job)
    assert (ran.code, ran.out) == (1, SHOWN)
    assert ran.err == "1 file checked: 2 errors, 0 warnings\n"


def test_validate_takes_a_good_job_file(penstock, job) -> None:
    job.write_text("job: 1\ninputs: a\ndestinations: {eu: }\n")
    assert penstock("validate", "--strict", job).code == 0


def test_mistakes_of_a_mapping_that_a_job_names_are_shown_once(penstock, job) -> None:
    Path("bad.yaml").write_text("version: 1\ndestination: intercom\n")
    job.write_text("job: 1\ninputs: a\ndestinations: {eu: {mapping: bad.yaml}, us: {region: us}}\n")
    ran = penstock("validate", "--format", "json", ".")
    assert [(line["file"], line["code"]) for line in ran.lines] == [
        ("bad.yaml", "M103"),
        ("job.yaml", "J202"),
    ]


def test_checking_a_job_file_loads_nothing_heavy(job) -> None:
    program = (
        "import sys; from pipeline.cli.main import exit_code_of\n"
        "exit_code_of(['validate', 'job.yaml'])\n"
        "heavy = ('apache_beam', 'requests', 'sqlalchemy', 'jsonschema')\n"
        "sys.exit(sum(name in sys.modules for name in heavy))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_an_option_of_a_stream_without_one_is_a_mistake_in_a_job_file_as_well(
    penstock, job
) -> None:
    job.write_text("job: 1\ninputs: a\nhold_back: 2\ndestinations: {eu: }\n")
    ran = penstock("run", "--job", job)
    assert ran.code == 2
    assert "--hold-back is an option of a stream: add --streaming" in ran.err


@pytest.mark.parametrize("command", ["run", "plan", "replay"])
def test_a_job_file_with_mistakes_starts_nothing(penstock, job, command) -> None:
    ran = penstock(command, "--job", job)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == SHOWN + "penstock: job.yaml cannot be used: 2 errors, 0 warnings\n"


def test_a_job_file_that_is_not_there_is_said(penstock, job) -> None:
    ran = penstock("run", "--job", "no.yaml")
    assert (ran.code, ran.err.startswith("penstock: cannot read the job file no.yaml")) == (2, True)


@pytest.mark.parametrize("command", ["run", "plan", "replay"])
def test_names_of_destinations_need_a_job_file(penstock, command) -> None:
    ran = penstock(command, "--destination", "eu")
    assert ran.code == 2
    assert "--destination eu: only a job file has destinations by name; add --job" in ran.err


def test_a_plan_is_of_one_destination(penstock, job) -> None:
    job.write_text("job: 1\ninputs: a\ndestinations: {eu: , us: }\n")
    ran = penstock("plan", "--job", job)
    assert (ran.code, ran.err) == (2, "penstock: say which one: --destination NAME, of eu, us\n")
