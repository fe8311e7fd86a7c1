"""A job file: what it says, and what is said of its mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import UsageError
from pipeline.mapping.codes import CODES
from pipeline.mapping.plan import EventIs, Literally, Not, TypeIs
from pipeline.run.jobs.codes import JOB_CODES
from pipeline.run.jobs.description import describe_job
from pipeline.run.jobs.reader import is_job_file, read_job
from pipeline.run.mappings import DEFAULT_MAPPING, HOME

GOOD = """\
job: 1
name: customers
inputs: [events/*.jsonl, gs://bucket/more.jsonl]
max_event_bytes: 5000
dead_letters: dead
beam: [--runner=FnApiRunner]
destinations:
  eu:
    type: intercom
    when: {type: track}
    region: eu
    token: env:EU_TOKEN
    set: {nested: flatten, priority: [sku, plan], round: 2}
    state: sqlite:///state/eu.db
    rate: 600
    share: 0.25
  us: {when: {event: Signed Up}, max_outage: 2.5, concurrency: 4, insecure: true}
  all:
"""


def change(old: str, new: str, text: str = GOOD) -> str:
    assert text.count(old) == 1, old
    return text.replace(old, new)


def described(text: str, *, file: str = "jobs/job.yaml", flags=None, **more):
    """The job, and everything that is wrong with it."""
    written, found = read_job(text, file=file)
    if written is None:
        return None, found
    job, more_found = describe_job(written, flags or {}, **more)
    return job, (*found, *more_found)


@pytest.fixture
def good() -> str:
    # the settings of the shipped mapping are not these
    return change("set: {nested: flatten, priority: [sku, plan], round: 2}", "insecure: true")


def test_a_good_file_has_no_finding(good) -> None:
    job, found = described(good)
    assert found == ()
    assert (job.name, job.file) == ("customers", "jobs/job.yaml")
    assert [one.name for one in job.destinations] == ["eu", "us", "all"]


def test_paths_are_relative_to_the_file_and_urls_are_not(good) -> None:
    job, _ = described(good)
    assert job.config.inputs == ("jobs/events/*.jsonl", "gs://bucket/more.jsonl")
    assert job.config.dead_letters == "jobs/dead"
    assert job.destinations[0].config.state == "sqlite:///jobs/state/eu.db"


def test_a_destination_is_the_run_it_would_be_alone(good) -> None:
    eu, us, everything = described(good)[0].destinations
    assert (eu.config.region, eu.config.token, eu.config.rate) == ("eu", "env:EU_TOKEN", 600.0)
    assert (us.config.max_outage, us.config.concurrency, us.config.insecure) == (2.5, 4, True)
    assert everything.config.mapping == DEFAULT_MAPPING
    assert everything.config.schemas == HOME / "schemas"
    for one in (eu, us, everything):
        assert one.config.max_event_bytes == 5000
        assert one.config.beam_args == ("--runner=FnApiRunner",)


def test_each_destination_has_dead_letters_of_its_own_below_those_of_the_job(good) -> None:
    job, _ = described(good)
    places = [one.config.dead_letters for one in job.destinations]
    assert places == ["jobs/dead/eu", "jobs/dead/us", "jobs/dead/all"]


def test_a_destination_alone_keeps_its_dead_letters_with_the_job() -> None:
    job, _ = described("job: 1\ninputs: a\ndead_letters: dead\ndestinations: {eu: }\n")
    (one,) = job.destinations
    assert one.config.dead_letters == job.config.dead_letters == "jobs/dead"


def test_settings_are_read_as_they_are_typed() -> None:
    written, _ = read_job(GOOD, file="job.yaml")
    assert written.destinations[0].options["set"].value == {
        "nested": "flatten",
        "priority": "sku,plan",
        "round": "2",
    }


def test_when_comes_before_everything_else_in_the_mapping(good) -> None:
    eu, us, everything = described(good)[0].destinations
    assert eu.mapping.skips[0] == ("not_routed", Not(TypeIs(("track",))))
    assert us.mapping.skips[0] == ("not_routed", Not(EventIs(("Signed Up",))))
    assert eu.mapping.skips[1:] == everything.mapping.skips
    assert eu.mapping.fingerprint != everything.mapping.fingerprint


@pytest.mark.parametrize(("when", "added"), [("true", []), ("false", [Literally(value=True)])])
def test_a_condition_that_is_decided_is_no_question(when, added) -> None:
    text = "job: 1\ninputs: a\ndestinations: {one: {when: WHEN}, two: }\n"
    one, two = described(text.replace("WHEN", when))[0].destinations
    assert one.mapping.skips == (*(("not_routed", part) for part in added), *two.mapping.skips)


def test_a_flag_wins_over_the_file_for_every_destination(good) -> None:
    flags = {"inputs": ("x",), "rate": 10.0, "max_event_bytes": 7, "dead_letters": "elsewhere"}
    job, _ = described(good, flags=flags)
    assert job.config.inputs == ("x",)
    for one in job.destinations:
        assert (one.config.rate, one.config.max_event_bytes) == (10.0, 7)
        assert one.config.dead_letters == f"elsewhere/{one.name}"


def test_a_flag_wins_over_the_dead_letters_that_a_destination_names() -> None:
    text = "job: 1\ninputs: a\ndestinations: {eu: {dead_letters: mine}}\n"
    (one,) = described(text, flags={"dead_letters": "here"})[0].destinations
    assert one.config.dead_letters == "here"


def test_a_setting_on_the_command_line_joins_those_of_the_file() -> None:
    text = "job: 1\ninputs: a\ndestinations: {eu: {set: {nested: flatten}}}\n"
    flags = {"settings": {"archived": "skip"}}
    (one,) = described(text, flags=flags)[0].destinations
    assert one.config.settings == {"nested": "flatten", "archived": "skip"}
    assert one.mapping.setting("nested") == "flatten"


def test_options_for_beam_on_the_command_line_come_last(good) -> None:
    job, _ = described(good, beam_args=("--runner=Other",))
    assert job.config.beam_args == ("--runner=FnApiRunner", "--runner=Other")


def test_a_job_of_some_destinations_has_only_those(good) -> None:
    job, _ = described(good)
    assert [one.name for one in job.only(("us",)).destinations] == ["us"]
    assert job.only(()) is job
    with pytest.raises(UsageError, match=r"no destination 'usa'; did you mean 'us'\?"):
        job.only(("usa",))


@pytest.mark.parametrize(
    ("text", "is_one"),
    [(GOOD, True), ("destinations: {}\n", True), (DEFAULT_MAPPING.read_text("utf-8"), False)],
)
def test_a_glance_tells_a_job_file(text, is_one) -> None:
    assert is_job_file(text) is is_one


SMALL = "job: 1\ninputs: a\ndestinations:\n  eu: {}\n  us: {region: au}\n"
NAMED = change("{}", "{mapping: bad.yaml}", SMALL)
CASES = {
    "J101": (change("job: 1", "job: 2", SMALL), "1:6", "expected version 1, found 2", ""),
    "J102": (change("{}", "{share: 1.5}", SMALL), "4:15", "must be above 0 and at most 1", ""),
    "J103": (change("{}", "{token: hunter2}", SMALL), "4:15", "named, never written", "env:"),
    "J104": (change("  eu", "  e u", SMALL), "4:3", "cannot be called 'e u'", "letters"),
    "J105": (change("{}", "{mapping: no.yaml}", SMALL), "4:17", "no file", "relative to"),
    "J106": ("job: 1\ninputs: a\ndestinations: {}\n", "3:15", "no destination", ""),
    "J201": (change("{}", "{type: other}", SMALL), "4:14", "a mapping for 'intercom'", ""),
    "J202": (NAMED, "4:17", "bad.yaml cannot be used: 1 error", ""),
    "J203": (change("{}", "{dead_letters: dead-letters/us/}", SMALL), "5:3",
             "dead-letters/us is where the dead letters of 'eu' are kept", "leave"),
    "J204": (change("{region: au}", "{share: 0.6}", change("{}", "{share: 0.6}", SMALL)), "5:15",
             "'eu' and 'us' write to one workspace, and their shares are 0.6 + 0.6", "sum up to 1"),
    "J205": (change("{region: au}", "{state: 'sqlite:///a'}",
             change("{}", "{state: 'sqlite:///a'}", SMALL)), "5:15",
             "remember it in one state", "give each its own"),
}  # fmt: skip


@pytest.mark.parametrize("code", CASES)
def test_diagnostic(code, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.yaml").write_text("version: 1\ndestination: intercom\n")
    if code == "J201":
        known = {"intercom": {}, "other": {}}
        monkeypatch.setattr("pipeline.run.jobs.description.vocabulary", lambda: known)
    text, place, message, help_ = CASES[code]
    _, findings = described(text, file="job.yaml")
    (found,) = [item for item in findings if item.span.file == "job.yaml"]
    assert found.code == code
    assert f"{found.span.line}:{found.span.column}" == place
    assert message in found.message
    assert help_ in found.help
    assert "hunter2" not in found.message + found.help


def test_every_code_has_a_test() -> None:
    assert CASES.keys() == JOB_CODES.keys() <= CODES.keys()


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("inputs: a", "input: a", "M103+M102"),
        ("inputs: a", "inputs: []", "M101"),
        ("inputs: a", "inputs: [1]", "M101"),
        ("inputs: a", "inputs: ''", "M101"),
        ("job: 1\n", "", "M103"),
        ("{}", "{tokn: env:A}", "M102"),
        ("{}", "[a]", "M101"),
        ("{}", "{region: eq}", "M104"),
        ("{}", "{type: intercm}", "M104"),
        ("{}", "{rate: fast}", "M101"),
        ("{}", "{rate: true}", "M101"),
        ("{}", "{concurrency: 1.5}", "J102"),
        ("{}", "{insecure: 1}", "M101"),
        ("{}", "{when: {event: [a], type: track}}", "M207"),
        ("{}", "{when: {pick: trait.x, exists: true}}", "M203"),
        ("{}", "{when: {pick: $plan, exists: true}}", "M204"),
        ("{}", "{set: [a]}", "M101"),
        ("{}", "{set: {nestd: drop}}", "M301"),
        ("{}", "{set: {nested: flaten}}", "M302"),
        ("{}", "{schemas: here}", "M102"),
        ("{}", "{share: 1}", ""),
        ("{region: au}", "{region: us, share: 1}", "J204"),
        ("{}", "{dead_letters: dead-letters}", "J203"),
        ("inputs: a", "inputs: a\nschemas: nowhere", "J105"),
        ("destinations:\n  eu: {}\n  us: {region: au}\n", "destinations: [a]\n", "M101"),
    ],
)
def test_other_mistakes(old, new, code) -> None:
    _, found = described(change(old, new, SMALL), file="job.yaml")
    assert "+".join(item.code for item in found) == code


def test_a_mistake_in_a_setting_is_shown_where_the_job_file_has_it() -> None:
    _, (found,) = described(change("{}", "{set: {nested: flaten}}", SMALL))
    assert (found.span.file, found.span.line, found.span.column) == ("jobs/job.yaml", 4, 22)


def test_what_is_no_mapping_at_all_is_one_mistake() -> None:
    job, (found,) = described("- a\n")
    assert (job, found.code, found.message) == (
        None,
        "M101",
        "a job file is a mapping, found a list",
    )


def test_options_of_a_stream_stand_at_the_top() -> None:
    text = f"streaming: true\nhold_back: 2.5\nfrom: latest\n{SMALL}"
    job, found = described(text, flags={"hold_back": 1.0})
    assert found == ()
    assert job.stream == {"streaming": True, "hold_back": 1.0, "start": "latest"}


def test_every_directory_of_dead_letters_can_be_another() -> None:
    job, _ = described(change("{}", "{dead_letters: mine}", SMALL))
    moved = job.with_letters_in("{}/dry-run".format)
    assert moved.config.dead_letters == "dead-letters/dry-run"
    assert [one.config.dead_letters for one in moved.destinations] == [
        "jobs/mine/dry-run",
        "dead-letters/us/dry-run",
    ]


def test_receipts_of_several_destinations_are_apart() -> None:
    job, _ = described(f"receipts: kafka://b:9092/receipts\n{SMALL}")
    assert [one.config.receipts for one in job.destinations] == [
        "kafka://b:9092/receipts.eu",
        "kafka://b:9092/receipts.us",
    ]
