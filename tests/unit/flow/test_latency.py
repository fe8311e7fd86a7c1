"""Percentiles of how long events took."""

from pipeline.flow.latency import Latencies


def test_percentiles_are_right_within_five_percent():
    latencies = Latencies()
    for number in range(1, 1001):
        latencies.add(number / 100)
    for part in (0.5, 0.95, 0.99):
        assert part * 10 <= latencies.percentile(part) <= part * 10 * 1.05
    assert latencies.as_json()["max"] == 10.0


def test_of_no_events_everything_is_nothing():
    assert Latencies().as_json() == {"p50": 0, "p95": 0, "p99": 0, "max": 0}


def test_however_many_there_are_it_stays_small():
    latencies = Latencies()
    for number in range(20_000):
        latencies.add(number * number / 1000)
    assert len(latencies._classes) < 500
