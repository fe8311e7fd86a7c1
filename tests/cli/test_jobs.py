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
