"""The page about the emulator is complete."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from destinations.intercom.emulator import EmulatorSettings
from destinations.intercom.emulator.control import _HANDLERS, PREFIX
from destinations.intercom.emulator.faults import KINDS

PAGE = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text()


def test_the_table_of_settings_has_each_setting_with_its_default():
    rows = dict(re.findall(r"^\| `(\w+)` \| `([^`]*)` \|", PAGE, flags=re.MULTILINE))
    told = {name: json.loads(rows[name]) for name in EmulatorSettings().as_dict() if name in rows}
    assert told == EmulatorSettings().as_dict()


@pytest.mark.parametrize("name", sorted({name for _, name in _HANDLERS}))
def test_each_path_of_the_control_api_is_described(name):
    assert re.search(rf"^### .*{PREFIX}/{name}", PAGE, flags=re.MULTILINE)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_fault_is_described(kind):
    assert f"| `{kind}` |" in PAGE
