"""Every numbered assertion of the API contract has a test that carries its number."""

from __future__ import annotations

import re
from pathlib import Path

NUMBERS = [*(f"{number:02}" for number in range(1, 83)), "24a", "33a"]


def test_every_assertion_has_a_test():
    sources = [path.read_text() for path in Path(__file__).parent.glob("test_*.py")]
    named = set(re.findall(r"def test_a(\d+a?)_", "\n".join(sources)))
    assert [number for number in NUMBERS if number not in named] == []
