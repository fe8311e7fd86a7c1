"""What a long run shows while it goes on."""

from __future__ import annotations

import io
import threading
from collections import Counter

import pytest

from pipeline.cli import progress as shown

COUNTS = Counter({"received": 1200, "delivered": 900, "dead/invalid_json": 7, "dead/rejected": 1,
                  "skipped/not_mapped": 200, "calls/POST /events/202": 900})  # fmt: skip


def test_reasons_are_summed_by_group() -> None:
    assert shown.totals(COUNTS) == {
        "received": 1200, "delivered": 900, "skipped": 200, "merged": 0, "dead": 8, "calls": 900
    }  # fmt: skip


def test_a_line_has_the_seconds_and_every_group() -> None:
    assert shown.line(COUNTS, 20.4) == (
        "   20 s  received 1,200  delivered 900  skipped 200  merged 0  dead 8  calls 900"
    )


def test_elsewhere_than_on_a_terminal_there_is_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shown, "LINE_EVERY_SECONDS", 0.001)
    stream, asked = io.StringIO(), threading.Event()

    def snapshot() -> Counter[str]:
        asked.set()
        return COUNTS

    with shown.progress(snapshot, stream=stream):
        assert asked.wait(10)
    assert stream.getvalue().startswith("    0 s  received 1,200  delivered 900")


def test_on_a_terminal_there_is_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shown, "TABLE_EVERY_SECONDS", 0.001)
    monkeypatch.setenv("TERM", "xterm")
    asked = threading.Event()

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def snapshot() -> Counter[str]:
        asked.set()
        return COUNTS

    stream = Terminal()
    with shown.progress(snapshot, stream=stream):
        assert asked.wait(10)
    assert "1,200" in stream.getvalue()


def test_quiet_shows_nothing() -> None:
    stream = io.StringIO()
    with shown.progress(lambda: COUNTS, stream=stream, quiet=True):
        pass
    assert stream.getvalue() == ""
