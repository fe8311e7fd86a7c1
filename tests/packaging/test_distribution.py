"""What is shipped: the sdist builds a wheel that holds everything and runs anywhere."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the sdist as Beam and pip would."""
    target = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(target), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return next(target.glob("*.whl"))


def test_the_wheel_holds_mappings_and_schemas_and_no_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "mappings/intercom.yaml" in names
    assert "schemas/events/track.schema.json" in names
    assert "pipeline/py.typed" in names
    assert {name.split("/")[0] for name in names if not name.startswith("penstock-")} == {
        "pipeline", "destinations", "mappings", "schemas"
    }  # fmt: skip


def test_the_wheel_and_the_sdist_hold_every_module_mapping_and_schema(wheel: Path) -> None:
    [archive] = wheel.parent.glob("*.tar.gz")
    with tarfile.open(archive) as sdist:
        packed = {name.partition("/")[2] for name in sdist.getnames()}
    tracked = subprocess.run(
        ["git", "ls-files", "pipeline", "destinations", "mappings", "schemas"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    shipped = {name for name in tracked if name.endswith((".py", ".yaml", ".json", "py.typed"))}
    assert shipped - set(zipfile.ZipFile(wheel).namelist()) == set()
    assert shipped | {"setup.py", "pyproject.toml", "README.md"} <= packed


def test_the_wheel_runs_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    (tmp_path / "e.jsonl").write_text('{"type": "identify", "userId": "u1", "traits": {}}\n')
    code = (
        f"import sys; sys.path.insert(0, {str(site)!r}); import pipeline; "
        f"assert pipeline.__file__.startswith({str(site)!r}); "
        "from pipeline.cli.main import main; main(['run', '--input', 'e.jsonl', '--dry-run'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "1 received = 1 accounted for" in done.stdout


def test_nobody_else_installs_our_top_level_packages() -> None:
    owners = importlib.metadata.packages_distributions()
    for name in ("pipeline", "destinations"):
        assert set(owners.get(name, ["penstock"])) == {"penstock"}


def test_importing_pipeline_loads_no_beam() -> None:
    code = "import sys, pipeline; sys.exit('apache_beam' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
