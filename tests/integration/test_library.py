"""``Penstock`` in somebody else's pipeline, against the emulator."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from inspect import signature
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.test_stream import TestStream as Stream
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.transforms.window import FixedWindows, TimestampedValue

from destinations.intercom.emulator import Emulator, EmulatorSettings
from pipeline import Penstock
from pipeline.errors import CredentialsRefused, UsageError
from pipeline.flow.accounts import Account
from pipeline.flow.dead_letters import decode
from pipeline.run.config import RunConfig
from pipeline.run.library import MappingRefused
from tests.portable import portable_engine

ROOT = Path(__file__).resolve().parents[2]
IDENTIFY = {
    "type": "identify",
    "userId": "u1",
    "messageId": "m1",
    "timestamp": "2024-01-01T00:00:00Z",
    "traits": {"email": "ada@example.com", "name": "Ada"},
}
TRACK = {
    "type": "track",
    "userId": "u1",
    "messageId": "m2",
    "event": "Order Completed",
    "timestamp": "2024-01-02T00:00:00Z",
    "properties": {"revenue": "$30.45"},
}
NOTHING = dict.fromkeys([*IDENTIFY, *TRACK])
UNWANTED = {**TRACK, "messageId": "m3", "integrations": {"Intercom": False}}

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    monkeypatch.setenv("INTERCOM_ACCESS_TOKEN", "t")
    with Emulator(settings=EmulatorSettings(token=None, limit=None)) as emulator:
        yield emulator


def deliver(*events: Any, check: Callable[[Any], object] | None = None, **options: Any) -> Any:
    """Runs a pipeline of the events and ``Penstock``; returns what Beam counted."""
    p = beam.Pipeline(runner="FnApiRunner")
    made = p | beam.Create(list(events), reshuffle=False) | Penstock(**options)
    if check is not None:
        check(made)
    result = p.run()
    result.wait_until_finish()
    return {
        counter.key.metric.name: counter.result
        for counter in result.metrics().query()["counters"]
        if counter.key.metric.namespace == "penstock"
    }


def holds(read: Callable[[Any], Any], expected: list[Any]) -> Callable[[list[Any]], None]:
    def compare(elements: list[Any]) -> None:
        equal_to(expected)([read(element) for element in elements])

    return compare


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(lambda event: event, id="mapping"),
        pytest.param(json.dumps, id="text"),
        pytest.param(lambda event: json.dumps(event).encode(), id="bytes"),
        pytest.param(lambda event: beam.Row(**{**NOTHING, **event}), id="row"),
    ],
)
def test_an_event_arrives_in_whatever_form_it_comes(
    form: Callable[[Any], Any], emulator: Emulator
) -> None:
    deliver(form(IDENTIFY), form(TRACK), endpoint=emulator.url)
    [contact] = emulator.state["contacts"]
    assert (contact["external_id"], contact["name"]) == ("u1", "Ada")
    [event] = emulator.state["events"]
    assert event["metadata"]["price"] == {"amount": 3045, "currency": "usd"}


def test_every_event_comes_out_once_with_what_became_of_it(emulator: Emulator) -> None:
    def check(made: Any) -> None:
        ends = holds(lambda done: (done.message_id, done.status, done.reason), DONE)
        assert_that(made.delivered, ends, label="delivered")
        skips = holds(lambda done: (done.message_id, done.reason), [("m3", "integrations_off")])
        assert_that(made.skipped, skips, label="skipped")
        letters = holds(lambda letter: (decode(letter).reason, decode(letter).receipt.raw), [DEAD])
        assert_that(made.dead, letters, label="dead")

    DONE = [("m1", "delivered", None), ("m2", "delivered", None), ("m2", "merged", MERGED)]
    DEAD = ("invalid_json", b"{nope")
    counts = deliver(IDENTIFY, TRACK, TRACK, UNWANTED, b"{nope", endpoint=emulator.url, check=check)
    assert counts["received"] == 5


MERGED = "already_delivered"


def test_accounts_are_rows_with_a_schema(emulator: Emulator) -> None:
    p = beam.Pipeline(runner="FnApiRunner")
    made = p | beam.Create([IDENTIFY], reshuffle=False) | Penstock(endpoint=emulator.url)
    assert made.delivered.element_type is Account
    assert made.skipped.element_type is Account
    assert made.dead.element_type is bytes


def test_an_empty_element_is_a_dead_letter(emulator: Emulator) -> None:
    counts = deliver(b"", endpoint=emulator.url)
    assert counts == {"received": 1, "dead/unreadable": 1}


def test_what_is_no_event_at_all_is_a_dead_letter(emulator: Emulator) -> None:
    counts = deliver({1, 2}, 7, None, endpoint=emulator.url)
    assert counts["received"] == 3
    assert sum(count for name, count in counts.items() if name.startswith("dead/")) == 3


def test_an_event_without_a_time_has_that_of_its_element(emulator: Emulator) -> None:
    untimed = {key: value for key, value in TRACK.items() if key != "timestamp"}
    deliver(IDENTIFY, TimestampedValue(untimed, 1_700_000_000), endpoint=emulator.url)
    [event] = emulator.state["events"]
    assert event["created_at"] == 1_700_000_000


def test_windows_of_the_pipeline_do_not_part_what_a_person_did(emulator: Emulator) -> None:
    with beam.Pipeline(runner="FnApiRunner") as p:
        (
            p
            | beam.Create([TimestampedValue(TRACK, 1000), TimestampedValue(IDENTIFY, 10)])
            | beam.WindowInto(FixedWindows(60))
            | Penstock(endpoint=emulator.url)
        )
    calls = [entry["path"] for entry in emulator.requests]
    assert calls == ["/contacts", "/events"]


def test_a_dry_run_sends_nothing_and_needs_no_token(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INTERCOM_ACCESS_TOKEN")
    counts = deliver(IDENTIFY, TRACK, endpoint=emulator.url, dry_run=True)
    assert counts["delivered"] == 2
    assert emulator.requests == []


def test_settings_override_those_of_the_mapping(emulator: Emulator) -> None:
    deliver(
        IDENTIFY, TRACK, endpoint=emulator.url, settings={"deny_event_names": "[Order Completed]"}
    )
    assert emulator.state["events"] == []


def test_a_state_is_kept_for_the_workspace_that_answers(emulator: Emulator, tmp_path: Path) -> None:
    state = f"sqlite:///{tmp_path / 'state.db'}"
    deliver(IDENTIFY, endpoint=emulator.url, state=state)
    again = deliver({**IDENTIFY, "messageId": "m9"}, endpoint=emulator.url, state=state)
    assert again["merged/unchanged"] == 1


def test_a_named_workspace_is_not_asked_for(emulator: Emulator, tmp_path: Path) -> None:
    state = f"sqlite:///{tmp_path / 'state.db'}"
    deliver(IDENTIFY, endpoint=emulator.url, state=state, workspace="w1")
    assert "/me" not in [entry["path"] for entry in emulator.requests]


def test_a_bad_mapping_says_every_mistake_and_its_place(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    text = (ROOT / "mappings" / "intercom.yaml").read_text().replace("to: unix_seconds", "to: unx")
    bad.write_text(text)
    with pytest.raises(MappingRefused) as caught:
        Penstock(mapping=bad, dry_run=True)
    said = str(caught.value)
    assert said.count("error[") == text.count("to: unx") > 1
    assert f"{bad}:" in said
    assert "unix_seconds" in said
    assert caught.value.diagnostics


def test_a_missing_token_is_told_where_the_transform_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("INTERCOM_ACCESS_TOKEN", raising=False)
    with pytest.raises(UsageError, match="INTERCOM_ACCESS_TOKEN"):
        Penstock()


def test_a_refused_token_is_told_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTERCOM_ACCESS_TOKEN", "wrong")
    with Emulator(settings=EmulatorSettings(token="right")) as strict:
        p = beam.Pipeline(runner="FnApiRunner")
        state = f"sqlite:///{tmp_path / 'state.db'}"
        with pytest.raises(CredentialsRefused):
            p | beam.Create([IDENTIFY]) | Penstock(endpoint=strict.url, state=state)


def test_a_stream_needs_a_state_that_its_workers_share(emulator: Emulator) -> None:
    p = beam.Pipeline(runner="BundleBasedDirectRunner")
    with pytest.raises(UsageError, match="postgresql"):
        p | Stream() | Penstock(endpoint=emulator.url)


def noted(element: Any, path: Path) -> None:
    with path.open("a") as file:
        file.write(f"{element}\n")


def test_a_stream_that_ends_has_delivered_everything_in_order(
    emulator: Emulator, tmp_path: Path
) -> None:
    options = PipelineOptions(["--streaming", "--runner=BundleBasedDirectRunner"])
    stream = Stream().add_elements([json.dumps(TRACK), json.dumps(UNWANTED), "{nope"])
    stream = stream.add_elements([json.dumps(IDENTIFY)]).advance_watermark_to_infinity()
    with beam.Pipeline(options=options) as p:
        state = f"sqlite:///{tmp_path / 'state.db'}"
        made = p | stream | Penstock(endpoint=emulator.url, state=state)
        made.delivered | "Delivered" >> beam.Map(noted, tmp_path / "delivered")
        made.skipped | "Skipped" >> beam.Map(noted, tmp_path / "skipped")
        made.dead | "Dead" >> beam.Map(noted, tmp_path / "dead")
    assert "message_id='m1'" in (tmp_path / "delivered").read_text()
    assert "message_id='m2'" in (tmp_path / "delivered").read_text()
    assert "integrations_off" in (tmp_path / "skipped").read_text()
    assert "invalid_json" in (tmp_path / "dead").read_text()
    calls = [entry["path"] for entry in emulator.requests if entry["method"] == "POST"]
    assert calls == ["/contacts", "/events"]


def test_it_takes_the_options_of_a_run_with_the_same_defaults() -> None:
    of_the_pipeline = {"inputs", "dead_letters", "receipts", "discards", "beam_args", "processes"}
    of_run = {
        option.name: option.default
        for option in fields(RunConfig)
        if option.name not in of_the_pipeline
    }
    given = signature(Penstock.__init__).parameters
    assert of_run.keys() <= given.keys()
    for name in of_run.keys() - {"settings"}:
        assert given[name].default == of_run[name], name


def test_what_an_engine_shows_of_it_names_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERCOM_ACCESS_TOKEN", "hunter2")
    assert "hunter2" not in str(Penstock().display_data())


@pytest.mark.integration
def test_the_token_is_in_no_part_of_the_job(emulator: Emulator, monkeypatch: Any) -> None:
    monkeypatch.setenv("INTERCOM_ACCESS_TOKEN", "hunter2")
    p = beam.Pipeline(runner="FnApiRunner")
    p | beam.Create([IDENTIFY]) | Penstock(endpoint=emulator.url)
    assert b"hunter2" not in p.to_runner_api().SerializeToString()


@pytest.mark.integration
def test_workers_in_other_processes_deliver_the_same(emulator: Emulator, tmp_path: Path) -> None:
    lines = (ROOT / "examples" / "events.jsonl").read_bytes().splitlines()[:300]
    deliver(*lines, endpoint=emulator.url)
    local = emulator.canonical_state
    emulator.reset(keep_settings=True)
    with portable_engine(tmp_path) as options:
        p = beam.Pipeline(options=PipelineOptions(options))
        p | beam.Create(lines) | Penstock(endpoint=emulator.url)
        p.run().wait_until_finish()
    assert emulator.canonical_state == local


def test_importing_the_package_loads_no_beam_until_it_is_asked_for() -> None:
    code = (
        "import sys, pipeline; early = 'apache_beam' in sys.modules;"
        "from pipeline import Penstock;"
        "sys.exit(early or 'apache_beam' not in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
