"""One run reports every mistake of a file, each once and where it is."""

from __future__ import annotations

import re
from pathlib import Path

from tests.unit.mapping.conftest import compiled

FILE = Path(__file__).with_name("mistakes.yaml")


def test_every_mistake_is_reported_once_at_its_place():
    text = FILE.read_text()
    expected = [
        (code, line, int(column))
        for line, content in enumerate(text.splitlines(), 1)
        for code, column in re.findall(r"# (M\d+) (\d+)$", content)
    ]
    found = [(item.code, item.span.line, item.span.column) for item in compiled(text).diagnostics]
    assert found == expected
    assert len({code for code, _, _ in expected}) >= 20


def test_mistakes_come_in_the_order_of_the_file():
    lines = [item.span.line for item in compiled(FILE.read_text()).diagnostics]
    assert lines == sorted(lines)
