"""What is in deploy/: linted, and in step with the program that it deploys."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

import pipeline
from destinations.intercom.emulator import Emulator, EmulatorSettings
from pipeline.cli.run import command as run_command
from pipeline.errors import UsageError
from pipeline.run.beam_options import pipeline_options
from pipeline.run.template import PARAMETERS, config_of

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
METADATA = json.loads((DEPLOY / "dataflow" / "metadata.json").read_text())
UNITS = sorted((DEPLOY / "systemd").iterdir())
MANIFESTS = sorted((DEPLOY / "kubernetes").iterdir())


def tool(name: str) -> str:
    """A linter of the extra ``dev``."""
    return str(Path(sys.executable).with_name(name))


def complaints(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


# --- linters -----------------------------------------------------------------------------------


def test_hadolint_has_nothing_to_say_of_the_dockerfile() -> None:
    assert complaints(tool("hadolint"), "deploy/Dockerfile") == ""


def test_shellcheck_has_nothing_to_say_of_the_scripts() -> None:
    scripts = [str(path) for path in DEPLOY.rglob("*.sh")]
    assert scripts
    assert complaints(tool("shellcheck"), *scripts) == ""


def test_yamllint_has_nothing_to_say_of_the_yaml() -> None:
    places = ("deploy", "examples/beam-yaml")
    assert complaints(tool("yamllint"), "-s", "-c", "deploy/.yamllint", *places) == ""


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda path: path.name)
def test_manifests_are_what_kubernetes_takes(manifest: Path) -> None:
    assert complaints(tool("kubernetes-validate"), "--strict", str(manifest)) == ""


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
class TestSystemd:
    """The units, by systemd's own judgement."""

    def test_the_units_are_what_systemd_takes(self, tmp_path: Path) -> None:
        for unit in UNITS:
            text = unit.read_text().replace("/opt/penstock/bin/penstock", sys.executable)
            (tmp_path / unit.name).write_text(text)
        for unit in UNITS:
            done = subprocess.run(
                ["systemd-analyze", "verify", tmp_path / unit.name],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert (done.returncode, done.stderr) == (0, "")

    def test_the_service_is_hardly_exposed(self) -> None:
        unit = str(DEPLOY / "systemd" / "penstock.service")
        told = complaints("systemd-analyze", "security", "--offline=true", "--threshold=20", unit)
        assert told == ""


# --- in step with the program --------------------------------------------------------------------


def command_lines() -> Mapping[str, list[str]]:
    batch = list(yaml.safe_load_all((DEPLOY / "kubernetes" / "batch.yaml").read_text()))
    pod = batch[1]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    unit = (DEPLOY / "systemd" / "penstock.service").read_text().replace("\\\n", " ")
    started = re.search(r"^ExecStart=(.*)$", unit, re.M)
    assert started is not None
    return {
        "kubernetes": [*container["command"], *container["args"]],
        "systemd": shlex.split(started[1]),
    }


@pytest.mark.parametrize("where", ["kubernetes", "systemd"])
def test_the_command_that_is_deployed_has_only_options_there_are(where: str) -> None:
    program, subcommand, *options = command_lines()[where]
    assert (Path(program).name, subcommand) == ("penstock", "run")
    strict = {"ignore_unknown_options": False, "allow_extra_args": False}
    context = run_command.make_context("run", options, **strict)
    assert context.params["inputs"]


def test_what_a_flink_session_is_told_are_options_of_beam(tmp_path: Path) -> None:
    (tmp_path / "penstock").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (tmp_path / "penstock").chmod(0o755)
    done = subprocess.run(
        [DEPLOY / "flink" / "run.sh", "--input", "gs://bucket/a b.jsonl"],
        env={
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "FLINK_MASTER": "jobmanager:8081",
            "FLINK_JOB_SERVER_JAR": "/jars/server.jar",
        },
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    subcommand, option, source, *beams = done.stdout.splitlines()
    assert (subcommand, option, source) == ("run", "--input", "gs://bucket/a b.jsonl")
    told = pipeline_options(beams).get_all_options(drop_default=True)
    assert told["runner"] == "FlinkRunner"
    assert told["environment_config"] == "localhost:50000"
    assert told["flink_job_server_jar"] == "/jars/server.jar"


def test_a_flink_session_without_an_address_is_refused_in_words() -> None:
    done = subprocess.run(
        [DEPLOY / "flink" / "run.sh"], env={"PATH": os.environ["PATH"]},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "jobmanager:8081" in done.stderr


def test_the_image_has_the_beam_that_is_tested_here() -> None:
    assert f"ARG BEAM_VERSION={version('apache-beam')}\n" in DOCKERFILE
    assert f"ARG PYTHON_VERSION={sys.version_info[0]}.{sys.version_info[1]}\n" in DOCKERFILE


def test_what_the_image_copies_is_there_and_not_ignored() -> None:
    allowed = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.M)
    sources = [source for line in copied for source in line.split()]
    assert sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert f"!{source}" in allowed, source


def test_the_image_installs_extras_that_there_are() -> None:
    extras = re.search(r"^ARG EXTRAS=(.+)$", DOCKERFILE, re.M)
    assert extras is not None
    declared = re.search(r"extras_require=\{(.+)\}", (ROOT / "setup.py").read_text())
    assert declared is not None
    for extra in extras[1].split(","):
        assert f'"{extra}":' in declared[1]


def test_the_image_that_runs_as_nobody_special_is_the_one_built_by_default() -> None:
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert last.startswith("base AS penstock")
    assert re.search(r"^USER 10001$", last, re.M)


def containers(found: Any) -> list[dict[str, Any]]:
    if isinstance(found, list):
        return [each for item in found for each in containers(item)]
    if not isinstance(found, dict):
        return []
    own = found.get("containers", [])
    return own + [each for value in found.values() for each in containers(value)]


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda path: path.name)
def test_containers_are_of_this_version_and_may_do_little(manifest: Path) -> None:
    for container in containers(list(yaml.safe_load_all(manifest.read_text()))):
        name, _, tag = container["image"].partition(":")
        assert name != "penstock" or tag == pipeline.__version__
        security = container["securityContext"]
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"]["memory"]


def pods(found: Any) -> list[dict[str, Any]]:
    if isinstance(found, list):
        return [each for item in found for each in pods(item)]
    if not isinstance(found, dict):
        return []
    nested = [each for value in found.values() for each in pods(value)]
    return [found, *nested] if "containers" in found else nested


def test_penstock_runs_as_the_user_that_the_image_has() -> None:
    """Beam's boot panics as a user without a name."""
    users = []
    for manifest in MANIFESTS:
        for pod in pods(list(yaml.safe_load_all(manifest.read_text()))):
            for container in pod["containers"]:
                if container["image"].startswith("penstock:"):
                    security = {**pod["securityContext"], **container["securityContext"]}
                    users.append(security["runAsUser"])
    assert users == [10001, 10001]
    assert re.search(r"useradd --uid 10001 ", DOCKERFILE)


# --- the flex template ---------------------------------------------------------------------------

ACCEPTED = {
    "input": ["gs://bucket/events/*.jsonl.gz", "gs://a-b/1.jsonl;gs://a-b/2.jsonl"],
    "dead_letters": ["gs://bucket/dead-letters", "kafka://broker:9092/dead-letters"],
    "receipts": ["gs://bucket/receipts", "kafka://broker:9092/receipts"],
    "mapping": ["gs://bucket/mappings/intercom.yaml", "/opt/mappings/eu.yml"],
    "set": ["nested=flatten", "nested=flatten;currency=EUR"],
    "workspace_region": ["us", "eu", "au"],
    "endpoint": ["https://proxy.example.com/intercom"],
    "token": ["env:INTERCOM_EU_TOKEN"],
    "state": ["postgresql+psycopg://penstock@10.0.0.5/penstock"],
    "concurrency": ["1", "24", "256"],
    "rate": ["5000", "166.7"],
    "share": ["1", "1.0", "0.5", ".25", "0.05"],
    "max_outage": ["0", "15", "0.5"],
    "max_event_bytes": ["262144"],
}
REFUSED = {
    "input": ["", "/local/file", "gs://", "gs://a b"],
    "dead_letters": ["dead-letters", "gs://bucket", "kafka://broker:9092"],
    "receipts": ["receipts", "gs://bucket", "kafka://user:secret@broker:9092/topic"],
    "mapping": ["gs://bucket/mapping.json", "mapping.yaml"],
    "set": ["nested", "=flatten", "nested=a;"],
    "workspace_region": ["europe-west1", "EU", ""],
    "endpoint": ["http://proxy.example.com", "https://user:secret@proxy"],
    "token": ["dG9rOmFiY2Q=", "env:", "env:A B"],
    "state": ["sqlite:///state.db", "postgresql+psycopg://penstock:secret@host/db"],
    "concurrency": ["0", "257", "2.5", "999"],
    "rate": ["-1", "fast"],
    "share": ["0", "0.0", "1.5", "2", "-0.5"],
    "max_outage": ["-1", "forever"],
    "max_event_bytes": ["0", "-5", "1e6"],
}
ELSEWHERE = {"schemas", "insecure", "processes"}
"""Options that make no sense for a template: of one machine, or plain http."""


def parameter(name: str) -> dict[str, Any]:
    [found] = [each for each in METADATA["parameters"] if each["name"] == name]
    return dict(found)


def matches(name: str, text: str) -> bool:
    return all(re.fullmatch(regex, text) for regex in parameter(name)["regexes"])


def test_the_template_has_every_option_of_a_run() -> None:
    names = [each["name"] for each in METADATA["parameters"]]
    assert len(names) == len(set(names))
    assert set(names) | ELSEWHERE == set(PARAMETERS)


def test_no_parameter_has_the_name_of_an_option_of_beam() -> None:
    with pytest.raises(UsageError):
        pipeline_options(["--dead_letters=x"])
    for name in PARAMETERS:
        with pytest.raises(UsageError, match=f"--{name}"):
            pipeline_options([f"--{name}=x"])


def test_every_parameter_is_explained() -> None:
    for each in METADATA["parameters"]:
        assert each["label"]
        assert len(each["helpText"]) > len(each["label"])


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_the_template_takes_a_run_takes(name: str) -> None:
    for text in ACCEPTED[name]:
        assert matches(name, text), text
        if not text.endswith("mappings/intercom.yaml"):
            config_of({"input": "gs://bucket/a.jsonl", name: text}, [])


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_run_cannot_take_the_template_refuses(name: str) -> None:
    for text in REFUSED[name]:
        assert not matches(name, text), text


def test_every_parameter_has_examples() -> None:
    names = {each["name"] for each in METADATA["parameters"]}
    assert names == set(ACCEPTED) == set(REFUSED)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "input is needed"),
        ({"concurrency": "many"}, "concurrency takes a number, received 'many'"),
        ({"share": "1.5"}, "share must be .*, received '1.5'"),
        ({"workspace_region": "mars"}, "workspace_region takes us or eu or au, received 'mars'"),
        ({"set": "nested"}, "set takes KEY=VALUE"),
        ({"insecure": "yes"}, "insecure takes true or false"),
    ],
)
def test_a_wrong_parameter_is_refused_in_words(given: dict[str, str], said: str) -> None:
    given = {"input": "a.jsonl", **given} if given else given
    with pytest.raises(UsageError, match=said):
        config_of(given, [])


@pytest.mark.integration
def test_the_launcher_hands_a_job_over_with_secrets_from_files(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret-token\n")
    lines = (ROOT / "examples" / "events.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "events.jsonl").write_bytes(b"".join(lines[:100]))
    with Emulator(settings=EmulatorSettings(token="secret-token", limit=None)) as emulator:
        done = subprocess.run(
            [
                sys.executable, "deploy/dataflow/launch.py",
                f"--input={tmp_path / 'events.jsonl'}", f"--dead_letters={tmp_path / 'dead'}",
                f"--endpoint={emulator.url}", "--set=nested=flatten", "--runner=FnApiRunner",
            ],
            cwd=ROOT,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": f"{ROOT}:{DEPLOY}",
                "PENSTOCK_SECRETS": f"INTERCOM_ACCESS_TOKEN=file:{tmp_path / 'token'}",
            },
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        assert emulator.state["contacts"]
        assert "secret-token" not in done.stdout + done.stderr


@pytest.mark.integration
def test_the_launcher_says_what_is_wrong_without_a_traceback() -> None:
    done = subprocess.run(
        [sys.executable, "deploy/dataflow/launch.py", "--dead_letters=x"], cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{DEPLOY}"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("penstock: the parameter input is needed")
    assert "Traceback" not in done.stderr


# --- secrets -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def with_secrets() -> ModuleType:
    spec = importlib.util.spec_from_file_location("with_secrets", DEPLOY / "with_secrets.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_secrets_come_from_where_they_are_said_to_be(with_secrets: Any, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one\n")
    found = with_secrets.resolve(
        f"A=file:{tmp_path / 'a'}  B=gcp:projects/p/secrets/s/versions/latest",
        {**with_secrets.STORES, "gcp": {"projects/p/secrets/s/versions/latest": "two"}.__getitem__},
    )
    assert found == {"A": "one", "B": "two"}


@pytest.mark.parametrize("reference", ["dG9rOnNlY3JldHNlY3JldHNlY3JldHNlY3JldHNlY3JldA", "A=b:c"])
def test_a_secret_in_place_of_its_reference_is_not_repeated(
    with_secrets: Any, reference: str
) -> None:
    with pytest.raises(SystemExit) as stopped:
        with_secrets.resolve(reference)
    assert reference not in str(stopped.value)


def test_a_secret_that_cannot_be_had_stops_the_start(with_secrets: Any, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"for A cannot be read from file:.*FileNotFoundError"):
        with_secrets.resolve(f"A=file:{tmp_path / 'none'}")


def test_the_program_that_follows_has_the_secrets_and_its_own_arguments(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one")
    program = "import os, sys; print(os.environ['A'], sys.argv[1:])"
    done = subprocess.run(
        [
            sys.executable, DEPLOY / "with_secrets.py",
            sys.executable, "-c", program, "--id=1", "x y",
        ],
        env={"PENSTOCK_SECRETS": f"A=file:{tmp_path / 'a'}"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "one ['--id=1', 'x y']\n"
