"""Workers without Penstock get it: by --setup_file as sdist, by --extra_package as wheel.

The workers run in a virtual environment that has Penstock's dependencies and not Penstock. They are
started by Beam's boot program where PENSTOCK_BEAM_BOOT names one, and else by ``boot.py``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from destinations.intercom.emulator import Emulator, EmulatorSettings
from tests.portable import portable_engine

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ("pipeline", "destinations", "mappings", "schemas")
BOOT = os.environ.get("PENSTOCK_BEAM_BOOT", str(Path(__file__).with_name("boot.py")))

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of its own, so that building writes nothing into this one."""
    directory = tmp_path_factory.mktemp("source")
    for name in SHIPPED:
        shutil.copytree(
            ROOT / name, directory / name, ignore=shutil.ignore_patterns("__pycache__", ".*")
        )
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, directory)
    return directory


@pytest.fixture
def worker(tmp_path: Path) -> Path:
    """The Python of an environment that has everything Penstock needs, and not Penstock."""
    home = tmp_path / "worker"
    venv.create(home, with_pip=True, symlinks=True)
    dependencies = tmp_path / "dependencies"
    dependencies.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        ours = entry.name.lower().removeprefix("__editable__").strip("_.")
        # pip's own copy stays the environment's
        if not ours.startswith(("penstock", "pip-", "easy-install")) and ours != "pip":
            (dependencies / entry.name).symlink_to(entry)
    site = home / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    for bundled in site.glob("setuptools*"):
        shutil.rmtree(bundled)
    (site / "dependencies.pth").write_text(f"{dependencies}\n")
    python = home / "bin" / "python"
    found = subprocess.run([python, "-c", "import pipeline"], cwd=tmp_path, capture_output=True)
    assert b"No module named 'pipeline'" in found.stderr
    return python


@pytest.fixture
def engine(worker: Path, tmp_path: Path) -> Iterator[list[str]]:
    """An engine whose workers are started by the boot program of that environment."""
    program = tmp_path / "boot"
    start = f"{worker} {BOOT}" if BOOT.endswith(".py") else BOOT
    program.write_text(f'#!/bin/sh\nexec {start} "$@" --semi_persist_dir={tmp_path}\n')
    program.chmod(0o755)
    with portable_engine(
        tmp_path,
        workers=worker,
        options=["--container_executable", str(program)],
        environment={"RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT": "1"},
    ) as options:
        yield options


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the sdist."""
    target = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(target), str(source)]
    subprocess.run(build, check=True, capture_output=True)
    return next(target.glob("*.whl"))


def delivered(source: Path, tmp_path: Path, *options: str, cwd: Path) -> tuple[dict, dict]:
    """What a run of the first example events says, and what the API then holds."""
    lines = (ROOT / "examples" / "events.jsonl").read_bytes().splitlines(keepends=True)
    events = tmp_path / "events.jsonl"
    events.write_bytes(b"".join(lines[:200]))
    summary = tmp_path / "summary.json"
    with Emulator(settings=EmulatorSettings(token=None, limit=None)) as emulator:
        done = subprocess.run(
            [
                sys.executable, "-m", "pipeline", "run", "--input", str(events), "--quiet",
                "--endpoint", emulator.url, "--summary", str(summary),
                "--dead-letters", str(tmp_path / "dead"), *options,
            ],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(source), "INTERCOM_ACCESS_TOKEN": "t"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        log = tmp_path / "engine.log"
        worker_said = log.read_text()[-3000:] if log.exists() else ""
        assert done.returncode == 0, done.stderr[-3000:] + worker_said
        return json.loads(summary.read_text()), emulator.canonical_state


def test_a_setup_file_named_from_its_own_directory_reaches_the_workers(
    source: Path, worker: Path, engine: list[str], tmp_path: Path
) -> None:
    local, expected = delivered(source, tmp_path, cwd=tmp_path)
    account, state = delivered(source, tmp_path, *engine, "--setup_file", "setup.py", cwd=source)
    assert (account["delivered"], state) == (local["delivered"], expected)
    assert_installed(worker)


def test_a_setup_file_named_from_elsewhere_reaches_the_workers(
    source: Path, worker: Path, engine: list[str], tmp_path: Path
) -> None:
    path = os.path.relpath(source / "setup.py", tmp_path)
    account, _ = delivered(source, tmp_path, *engine, "--setup_file", path, cwd=tmp_path)
    assert account["delivered"] > 0
    assert_installed(worker)


def test_a_wheel_as_extra_package_reaches_the_workers(
    source: Path, wheel: Path, worker: Path, engine: list[str], tmp_path: Path
) -> None:
    account, _ = delivered(source, tmp_path, *engine, "--extra_package", str(wheel), cwd=tmp_path)
    assert account["delivered"] > 0
    assert_installed(worker)


def assert_installed(worker: Path) -> None:
    """The worker has Penstock from what was staged, with its mappings and schemas."""
    code = (
        "import pipeline; from pipeline.run.mappings import DEFAULT_MAPPING, HOME;"
        "print(pipeline.__file__);"
        "assert DEFAULT_MAPPING.is_file() and (HOME / 'schemas/events/track.schema.json').is_file()"
    )
    found = subprocess.run(
        [worker, "-c", code], cwd=worker.parent, capture_output=True, text=True, check=True
    )
    assert found.stdout.startswith(str(worker.parent.parent))
