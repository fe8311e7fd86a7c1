"""The benchmarks still run, and say what they found. Nothing here looks at a time."""

from __future__ import annotations

import json
import sys

import pytest

from tests.benchmarks import bench_memory, bench_scaling, bench_startup, bench_throughput, generated
from tests.benchmarks.events import events
from tests.benchmarks.measure import Verdict, keep, kept
from tests.benchmarks.suite import BENCHMARKS, TINY, ran


def test_every_stage_in_process_is_timed():
    seconds = bench_throughput.in_process(list(events(20)), rounds=1)
    assert set(seconds) >= {"orjson round trip", "decode", "ready to send", "unwanted event"}
    assert all(0 < spent < float("inf") for spent in seconds.values())


def test_mapping_alone_is_told_by_type():
    found = bench_throughput.mapping_alone(list(events(60)), rounds=1)
    assert set(found) == {"identify", "track", "page", "group", "mix"}


def test_each_target_in_process_gets_a_verdict():
    seconds = dict.fromkeys(
        ["orjson round trip", "json loop", bench_throughput.SERIALISED, "ready to send"], 1e-6
    )
    verdicts = bench_throughput.report(seconds)
    assert [(each.found, each.target) for each in verdicts] == [(1.0, 2.5), (1.0, 3.3)]


@pytest.mark.parametrize(
    ("text", "spread"),
    [
        (generated.rules_for_names, generated.spread_over_names),
        (generated.rules_for_one_name, generated.spread_over_variants),
    ],
)
def test_every_event_is_wanted_by_a_generated_rule(text, spread):
    table = bench_scaling.by_rules([4, 2], text, spread, 12)
    assert list(table) == [2, 4]
    assert set(table[2]) == {"us/event", "ms to compile", "ms of the first events"}


def test_every_event_fits_a_generated_tracking_plan():
    assert list(bench_scaling.by_schemas([1, 3], 12)) == [1, 3]


def test_a_generated_event_that_no_rule_wants_stops_the_benchmark():
    with pytest.raises(SystemExit, match="an event became"):
        bench_scaling.by_rules([4], generated.rules_for_one_name, generated.spread_over_names, 12)


def test_ratios_are_to_the_smallest_size(capsys):
    bench_scaling.show("events", {10: {"us/event": 2.0}, 100: {"us/event": 5.0}})
    assert capsys.readouterr().out.splitlines()[-1].split() == ["100", "5.00", "2.50"]


def test_generated_events_are_spread_evenly():
    lines = generated.spread_over_names(generated.tracks(12), 4)
    names = sorted(json.loads(line)["event"] for line in lines)
    assert names == sorted(f"Name {number}" for number in range(4) for _ in range(3))


def test_starting_a_command_is_timed():
    found = bench_startup.measured({"python": [sys.executable, "-S", "-c", "pass"]}, 1)
    assert 0 < found["python"][1] < float("inf")


def test_every_command_and_every_action_of_analysts_is_started():
    named = bench_startup.commands()
    assert {"penstock run --help", "penstock explain an event", "penstock test one"} <= set(named)


@pytest.mark.parametrize(
    ("verdict", "met"),
    [
        (Verdict("a", 2.5, "at most", 2.5), True),
        (Verdict("a", 2.6, "at most", 2.5), False),
        (Verdict("a", 0.8, "at least", 0.8), True),
        (Verdict("a", 0.7, "at least", 0.8), False),
    ],
)
def test_a_verdict_says_met_or_missed(verdict, met):
    assert str(verdict).startswith("met" if met else "MISSED")


def test_verdicts_are_read_back_as_they_were_kept(tmp_path):
    verdicts = [Verdict("a", 2.6, "at most", 2.5)]
    keep(tmp_path / "new" / "a.json", {"events": 1}, verdicts)
    assert kept(tmp_path / "new" / "a.json") == verdicts
    written = json.loads((tmp_path / "new" / "a.json").read_text())
    assert set(written["machine"]) == {"cpu", "cores", "python", "load"}


def test_a_benchmark_that_does_not_run_has_no_verdicts_of_an_earlier_one(tmp_path):
    (tmp_path / "startup.json").write_text('{"verdicts": []}')
    assert ran("startup", ["--no-such-option"], tmp_path) is None


def test_the_tiny_suite_is_the_whole_suite():
    assert list(TINY) == list(BENCHMARKS)


@pytest.mark.integration
def test_a_run_to_the_null_destination_is_watched(tmp_path):
    source = tmp_path / "events.jsonl"
    bench_memory.write(source, 20)
    run = bench_memory.null_run(source, tmp_path)
    assert (run.received, run.memory > 0, run.cpu > 0) == (20, True, True)
