"""The pages about commands and CI say what is so."""

from __future__ import annotations

import re
import shlex

import click
import pytest
import yaml

from pipeline.cli.main import COMMANDS, penstock
from pipeline.mapping.cases import read_cases
from pipeline.run.mappings import HOME

PAGE = (HOME / "docs" / "commands.md").read_text("utf-8")
CI = (HOME / "docs" / "ci.md").read_text("utf-8")
HOOKS = yaml.safe_load((HOME / ".pre-commit-hooks.yaml").read_text("utf-8"))
LINES = [
    line.strip().removeprefix("$ ").removeprefix("- run: ")
    for line in (PAGE + CI).replace("\\\n", " ").splitlines()
    if re.match(r"\s*(\$ |- run: )?penstock ", line)
] + [" ".join([hook["entry"], *hook.get("args", [])]) for hook in HOOKS]


def test_every_command_has_a_section_with_an_example() -> None:
    sections = dict(re.findall(r"^## penstock (\S+)\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S))
    assert sections.keys() == COMMANDS.keys()
    for name, text in sections.items():
        assert f"penstock {name}" in text, name


@pytest.mark.parametrize("line", LINES)
def test_every_example_has_commands_and_options_that_exist(line) -> None:
    words = shlex.split(re.split(r" (>|>>|\|\|) ", line)[0])[1:]
    found = penstock
    context = None

    while isinstance(found, click.Group):
        name = words.pop(0)
        context = click.Context(found)
        inner = found.get_command(context, name)
        assert inner is not None, name
        found = inner
    known = {name for option in found.params for name in option.opts}
    assert {word for word in words if word.startswith("--")} <= known


def test_the_example_of_a_test_is_one() -> None:
    [example] = [text for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.S) if "tests:" in text]
    found = read_cases(example, file="example.yaml")
    assert found.diagnostics == ()
    assert len(found.cases) == 1


def test_the_workflow_is_yaml() -> None:
    [workflow] = [text for text in re.findall(r"```yaml\n(.*?)```", CI, re.S) if "jobs:" in text]
    assert yaml.safe_load(workflow)["jobs"]["check"]["steps"]


def test_the_hooks_of_the_page_exist() -> None:
    named = set(re.findall(r"- id: (\S+)", CI))
    assert named == {hook["id"] for hook in HOOKS}
