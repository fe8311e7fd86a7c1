"""Who may import whom."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = ("pipeline", "destinations")
HEAVY = "apache_beam"

ALLOWED = {
    "pipeline/model": ("pipeline.model",),
    "pipeline/errors.py": (),
    "pipeline/validation": ("pipeline.validation", "pipeline.model", "pipeline.errors"),
    "pipeline/mapping": ("pipeline.mapping", "pipeline.model", "pipeline.errors"),
    "pipeline/flow": ("pipeline.flow", "pipeline.model", "pipeline.errors"),
    "pipeline/sources": ("pipeline.sources", "pipeline.model", "pipeline.errors"),
    "pipeline/state": ("pipeline.state", "pipeline.model", "pipeline.errors"),
    "destinations": ("destinations", "pipeline.model", "pipeline.errors", "pipeline.__version__"),
}
"""A part of the house -> what of ours it may import."""


def sources(folder):
    path = ROOT / folder
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


def imports(path):
    """Every module that a file imports, wherever in the file; ``a.b`` for ``from a import b``."""
    package = ".".join(path.relative_to(ROOT).with_suffix("").parts[:-1])
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, base]).rstrip(".")
            yield from (f"{base}.{alias.name}" for alias in node.names)


def within(module, packages):
    return any(module == one or module.startswith(one + ".") for one in packages)


def ours(path):
    """What of ours a file imports; the bare package (its folder, its version) is everybody's."""
    names = [module for module in imports(path) if module.split(".")[0] in OURS]
    return [name for name in names if name not in OURS]


@pytest.mark.parametrize("part", ALLOWED)
def test_a_part_imports_only_what_it_may(part):
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in sources(part)
        for module in ours(path)
        if not within(module, ALLOWED[part])
    ]
    assert wrong == []


def test_only_transforms_and_run_import_beam():
    wrong = [
        str(path.relative_to(ROOT))
        for folder in OURS
        for path in sources(folder)
        if any(module.split(".")[0] == HEAVY for module in imports(path))
        and path.relative_to(ROOT).parts[:2]
        not in [("pipeline", "transforms"), ("pipeline", "run")]
    ]
    assert wrong == []


def test_transforms_know_no_single_destination():
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in sources("pipeline/transforms")
        for module in ours(path)
        if within(module, ["destinations.intercom"])
    ]
    assert wrong == []


def test_the_emulator_imports_nothing_of_ours_but_itself():
    emulator = "destinations.intercom.emulator"
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in sources("destinations/intercom/emulator")
        for module in ours(path)
        if not within(module, [emulator])
    ]
    assert wrong == []


def test_the_client_imports_nothing_of_the_emulator():
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in sources("destinations")
        if "emulator" not in path.relative_to(ROOT).parts
        for module in ours(path)
        if "emulator" in module.split(".")
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "module",
    [
        "pipeline",
        "pipeline.errors",
        "pipeline.flow.drive",
        "pipeline.state",
        "destinations.intercom",
    ],
)
def test_importing_it_loads_no_beam(module):
    code = f"import sys, {module}; sys.exit('{HEAVY}' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT).returncode == 0


def test_importing_pipeline_loads_nothing_else_of_ours():
    code = (
        "import sys, pipeline;"
        "sys.exit(any(name.startswith(('pipeline.', 'destinations')) for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT).returncode == 0
