"""Commands for analysts answer at once, because they load little."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pipeline.run.mappings import HOME

HEAVY = ("apache_beam", "requests", "sqlalchemy", "jsonschema", "rich", "importlib.metadata")
EVENT = b'{"type": "identify", "userId": "u1", "traits": {"plan": "pro"}}'
COMMANDS = {
    "validate": ["validate"],
    "explain": ["explain", "-"],
    "test": ["test", "mappings/tests/intercom.yaml::I1*"],
    "diff": ["diff", "mappings/intercom.yaml", "mappings/intercom.yaml"],
    "schema check": ["schema", "check"],
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_nothing_heavy_is_loaded(command) -> None:
    program = (
        "import sys; from pipeline.cli.main import exit_code_of\n"
        f"code = exit_code_of({command!r})\n"
        f"print(code, [name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=HOME, input=EVENT, capture_output=True, check=True
    )
    assert ran.stderr.decode().splitlines()[-1] == "0 []"
