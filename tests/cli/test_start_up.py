"""Commands for analysts answer at once, because they load little."""

from __future__ import annotations

import os
import subprocess
import sys
import time

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


@pytest.mark.integration
@pytest.mark.parametrize("command", [COMMANDS["validate"], COMMANDS["explain"]])
def test_the_answer_comes_within_0_3_seconds(command, tmp_path) -> None:
    """Compared with what starting Python costs here, because machines under test are shared."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(tmp_path)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def best(args: list[str]) -> float:
        times = []
        for _ in range(8):
            start = time.perf_counter()
            subprocess.run(
                args, cwd=HOME, env=environment, input=EVENT, capture_output=True, check=True
            )
            times.append(time.perf_counter() - start)
        return min(times)

    python = best([sys.executable, "-c", "pass"])
    taken = best([sys.executable, "-m", "pipeline", *command])
    assert taken < max(0.3, 15 * python)
