"""What Beam's own boot program does on a worker, for machines that do not have it.

Fetches what the job staged, installs it with pip as boot does (apache/beam 2.77,
sdks/python/container/boot.go and piputil.go), and becomes the worker. Offline: dependencies must be
there already.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import grpc
from apache_beam.portability.api import (
    beam_artifact_api_pb2,
    beam_artifact_api_pb2_grpc,
    beam_provision_api_pb2,
    beam_provision_api_pb2_grpc,
    beam_runner_api_pb2,
    endpoints_pb2,
)
from google.protobuf import json_format, text_format

PIP = (
    sys.executable, "-m", "pip", "install", "--no-cache-dir", "--disable-pip-version-check",
    "--no-build-isolation", "--no-index",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("id", "provision_endpoint"):
        parser.add_argument(f"--{name}", required=True)
    given, _ = parser.parse_known_args()
    with grpc.insecure_channel(given.provision_endpoint) as channel:
        provision = beam_provision_api_pb2_grpc.ProvisionServiceStub(channel)
        info = provision.GetProvisionInfo(
            beam_provision_api_pb2.GetProvisionInfoRequest(),
            metadata=[("worker_id", given.id)],
        ).info
    staged = Path(tempfile.mkdtemp(prefix="staged-"))
    names = fetch(info, staged)
    print("staged:", *names, flush=True)
    install(staged, names)
    descriptors = {
        "CONTROL": info.control_endpoint.url,
        "LOGGING": info.logging_endpoint.url,
    }
    environment = {
        f"{name}_API_SERVICE_DESCRIPTOR": text_format.MessageToString(
            endpoints_pb2.ApiServiceDescriptor(url=url)
        )
        for name, url in descriptors.items()
    }
    options = json_format.MessageToJson(info.pipeline_options)
    (staged / "options.json").write_text(options)
    os.execve(
        sys.executable,
        [sys.executable, "-m", "apache_beam.runners.worker.sdk_worker_main"],
        {
            **os.environ,
            **environment,
            "WORKER_ID": given.id,
            "SEMI_PERSISTENT_DIRECTORY": str(staged),
            "PIPELINE_OPTIONS": options,
            "RUNNER_CAPABILITIES": " ".join(info.runner_capabilities),
        },
    )


def fetch(info: beam_provision_api_pb2.ProvisionInfo, directory: Path) -> list[str]:
    """Writes every artifact of the job; their names."""
    names = []
    with grpc.insecure_channel(info.artifact_endpoint.url) as channel:
        service = beam_artifact_api_pb2_grpc.ArtifactRetrievalServiceStub(channel)
        for artifact in info.dependencies:
            role = beam_runner_api_pb2.ArtifactStagingToRolePayload.FromString(
                artifact.role_payload
            )
            request = beam_artifact_api_pb2.GetArtifactRequest(artifact=artifact)
            content = b"".join(part.data for part in service.GetArtifact(request))
            (directory / role.staged_name).write_bytes(content)
            names.append(role.staged_name)
    return names


def install(staged: Path, names: list[str]) -> None:
    """Extra packages by force and then with what they need; the workflow as it is."""
    if "extra_packages.txt" in names:
        for package in (staged / "extra_packages.txt").read_text().splitlines():
            path = str(staged / package)
            subprocess.run([*PIP, "--upgrade", "--force-reinstall", "--no-deps", path], check=True)
            subprocess.run([*PIP, path], check=True)
    if "workflow.tar.gz" in names:
        subprocess.run([*PIP, str(staged / "workflow.tar.gz")], check=True)


if __name__ == "__main__":
    main()
