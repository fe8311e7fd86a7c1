"""The emulator stands alone: the standard library, and nothing of the client that it tests."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

PACKAGE = "destinations.intercom.emulator"
FOLDER = Path(__file__).parents[2] / "destinations" / "intercom" / "emulator"


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively"
            yield node.module


def test_it_imports_only_the_standard_library_and_itself():
    strangers = {
        f"{path.name}: {name}"
        for path in FOLDER.glob("*.py")
        for name in imported(path)
        if name.split(".")[0] not in sys.stdlib_module_names
        and not (name == PACKAGE or name.startswith(f"{PACKAGE}."))
    }
    assert strangers == set()
