"""A Flink cluster of one's own: ``python -m tests.services.flink``.

A job manager, two task managers, Beam's job server and a pool of Python workers, all on 127.0.0.1.
Flink itself is what the Python package apache-flink-libraries holds; Beam's runner for it comes
from Maven Central. Both are fetched once, to ``~/.cache/penstock`` or PENSTOCK_CACHE.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.services.process import ServerProcess, Unavailable, free_port, wait_for_the_end

FLINK = "1.19.3"
"""As the Python package numbers it; its minor version is that of the runner."""
BEAM = os.environ.get("PENSTOCK_BEAM_JAVA", "2.70.0")
"""Of the runner and of Kafka's connector. The SDK's own is best where a registry has it."""
JOB_SERVICE = os.environ.get("PENSTOCK_BEAM_JOB_SERVICE", "2.65.0")
"""Of the one part of the runner that was not published under ``BEAM`` where this was written."""
KAFKA_CLIENTS = "3.9.0"
SLOTS = 4
"""Of each task manager: one alone can carry on when the other is gone."""

ROOT = Path(__file__).resolve().parents[2]
_RUNNER = "org.apache.beam.runners.flink.FlinkJobServerDriver"
_MANAGER = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
_WORKER = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
_POOL = "apache_beam.runners.worker.worker_pool_main"
_OPENED = ("java.lang", "java.net", "java.io", "java.nio", "java.text", "java.time", "java.util",
           "java.util.concurrent", "java.util.concurrent.atomic", "java.util.concurrent.locks",
           "sun.net.util", "sun.nio.ch")  # fmt: skip
_JAVA = (
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED),
)
_LOG4J = """status = error
appender.out.type = Console
appender.out.name = OUT
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %m (%c{1})%n%throwable{30}
rootLogger.level = info
rootLogger.appenderRef.out.ref = OUT
"""
_POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>penstock</groupId>
  <artifactId>beam-on-flink</artifactId>
  <version>1</version>
  <dependencyManagement><dependencies>
    <dependency><groupId>org.apache.beam</groupId>
      <artifactId>beam-runners-java-job-service</artifactId>
      <version>{JOB_SERVICE}</version></dependency>
  </dependencies></dependencyManagement>
  <dependencies>
    <dependency><groupId>org.apache.beam</groupId>
      <artifactId>beam-runners-flink-1.19</artifactId><version>{BEAM}</version></dependency>
    <dependency><groupId>org.apache.beam</groupId>
      <artifactId>beam-sdks-java-harness</artifactId><version>{BEAM}</version></dependency>
    <dependency><groupId>org.apache.beam</groupId>
      <artifactId>beam-sdks-java-expansion-service</artifactId><version>{BEAM}</version></dependency>
    <dependency><groupId>org.apache.beam</groupId>
      <artifactId>beam-sdks-java-io-kafka</artifactId><version>{BEAM}</version>
      <exclusions><exclusion><!-- not in Maven Central, and needed for Avro only -->
        <groupId>io.confluent</groupId><artifactId>*</artifactId></exclusion></exclusions>
    </dependency>
    <dependency><groupId>org.apache.kafka</groupId>
      <artifactId>kafka-clients</artifactId><version>{KAFKA_CLIENTS}</version></dependency>
    <dependency><!-- of the harness, which does not say so -->
      <groupId>com.github.jbellis</groupId>
      <artifactId>jamm</artifactId><version>0.4.0</version></dependency>
    <dependency><groupId>org.slf4j</groupId>
      <artifactId>slf4j-jdk14</artifactId><version>2.0.16</version></dependency>
  </dependencies>
</project>
"""


def flink_jars() -> Path:
    """The folder with Flink's own jars, fetched where it is not there yet.

    Raises:
        Unavailable: There is no Java, or the package cannot be fetched.
    """
    if shutil.which("java") is None:
        message = "there is no Java 17 on this machine: apt-get install -y openjdk-17-jre-headless"
        raise Unavailable(message)

    def fetch(work: Path) -> None:
        package = f"apache-flink-libraries=={FLINK}"
        _run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", package], work)
        (archive,) = work.glob("*.tar.gz")
        with tarfile.open(archive) as packed:
            wanted = [one for one in packed.getmembers() if "/deps/lib/" in one.name]
            for member in wanted:
                member.name = f"jars/{Path(member.name).name}"
                if not member.name.startswith("jars/flink-table"):
                    packed.extract(member, work, filter="data")

    return _cached(f"flink-{FLINK}", fetch)


def beam_jars() -> Path:
    """The folder with Beam's runner for Flink, its Kafka connector and what they need.

    Raises:
        Unavailable: There is no Maven, or they cannot be fetched.
    """
    if shutil.which("mvn") is None:
        message = "there is no Maven to fetch Beam's runner with: apt-get install -y maven"
        raise Unavailable(message)

    def fetch(work: Path) -> None:
        (work / "pom.xml").write_text(_POM)
        _run(["mvn", "-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime",
              "-DoutputDirectory=jars"], work)  # fmt: skip

    return _cached(f"beam-{BEAM}-flink", fetch)


def _cached(name: str, fetch: Callable[[Path], None]) -> Path:
    cache = Path(os.environ.get("PENSTOCK_CACHE", Path.home() / ".cache" / "penstock"))
    folder = cache / name
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as work:
            fetch(Path(work))
            with contextlib.suppress(OSError):  # somebody else was quicker
                (Path(work) / "jars").rename(folder)
    return folder


def _run(command: list[str], directory: Path) -> None:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stdout + done.stderr)[-1000:]
        message = f"{command[0]} cannot fetch what Flink needs:\n{said}"
        raise Unavailable(message)


class FlinkCluster:
    """A cluster and everything a Python pipeline needs to run on it.

    Args:
        directory: For configuration, logs and checkpoints.
        environment: Of the Python workers, in addition to our own.
        heap_mb: Of each task manager.
    """

    def __init__(
        self, directory: Path, *, environment: Mapping[str, str] | None = None, heap_mb: int = 640
    ) -> None:
        self.directory = directory
        self._flink, self._beam = flink_jars(), beam_jars()
        self._heap = heap_mb
        self.rest = free_port()
        self.job_endpoint = f"localhost:{free_port()}"
        self.expansion = f"localhost:{free_port()}"
        pool = free_port()
        self._pool_address = f"localhost:{pool}"
        self._configure(directory)
        classpath = f"{directory}:{self._flink}/*"
        self._manager = ServerProcess(
            ["java", "-Xmx512m", *_JAVA, "-cp", classpath, _MANAGER, "--configDir", str(directory)],
            directory / "jobmanager.log",
            lambda: self.overview() is not None,
        )
        # Heap: the task's, and 128 MB for Flink itself.
        self.task_managers = [
            ServerProcess(
                ["java", f"-Xmx{heap_mb + 128}m", "-XX:MaxDirectMemorySize=512m", *_JAVA,
                 "-cp", classpath, _WORKER, "--configDir", str(directory),
                 f"-Dtaskmanager.resource-id={number}"],
                directory / f"taskmanager-{number}.log",
                lambda number=number: self._managers() > number,  # type: ignore[misc]
            )
            for number in range(2)
        ]  # fmt: skip
        job_port = self.job_endpoint.rpartition(":")[2]
        self._server = ServerProcess(
            ["java", "-Xmx512m", *_JAVA, "-cp", f"{self._beam}/*",
             _RUNNER, f"--flink-master=127.0.0.1:{self.rest}", "--job-host=localhost",
             f"--job-port={job_port}", "--artifact-port=0", "--expansion-port=0",
             f"--artifacts-dir={directory / 'artifacts'}",
             f"--flink-conf-dir={directory}", "--clean-artifacts-per-job"],
            directory / "jobserver.log",
            lambda: _listens(self.job_endpoint),
        )  # fmt: skip
        self._expander = ServerProcess(
            ["java", "-Xmx256m", *_JAVA, "-cp", f"{self._beam}/*",
             "org.apache.beam.sdk.expansion.service.ExpansionService",
             self.expansion.rpartition(":")[2],
             "--experiments=use_deprecated_read", "--defaultEnvironmentType=EMBEDDED",
             "--defaultEnvironmentConfig="],
            directory / "expansion.log",
            lambda: _listens(self.expansion),
        )  # fmt: skip
        self.workers = ServerProcess(
            [sys.executable, "-m", _POOL, "--service_port", str(pool)],
            directory / "workers.log",
            lambda: _listens(self._pool_address),
            environment={
                "PYTHONPATH": str(ROOT),
                "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
                **(environment or {}),
            },
        )

    @property
    def options(self) -> list[str]:
        """What leads a pipeline to the cluster."""
        return [
            "--runner=PortableRunner",
            f"--job_endpoint={self.job_endpoint}",
            "--environment_type=EXTERNAL",
            f"--environment_config={self._pool_address}",
        ]

    def start(self, *, expansion: bool = False) -> None:
        """Start everything and wait until it answers; with Kafka's expansion service if asked."""
        self._manager.start()
        for each in self.task_managers:
            each.start()
        self.workers.start()
        self._server.start()
        if expansion:
            self._expander.start()

    def stop(self) -> None:
        """End everything."""
        for each in (self._server, self._expander, *self.task_managers, self._manager):
            each.kill()
        self.workers.kill()

    def __enter__(self) -> FlinkCluster:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def overview(self) -> dict[str, Any] | None:
        """What the job manager says of the cluster, or None while it says nothing."""
        found: dict[str, Any] | None = self.ask("/overview")
        return found

    def ask(self, path: str) -> Any:
        """What the job manager answers to a GET, or None."""
        with contextlib.suppress(OSError, ValueError):
            url = f"http://127.0.0.1:{self.rest}{path}"
            with urllib.request.urlopen(url, timeout=5) as answer:
                return json.load(answer)
        return None

    def post(self, path: str, body: Any) -> Any:
        """What the job manager answers to a POST."""
        return self._change("POST", path, body)

    def cancel(self, job: str) -> None:
        """End a job at once."""
        self._change("PATCH", f"/jobs/{job}?mode=cancel", {})

    def _change(self, method: str, path: str, body: Any) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.rest}{path}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def _managers(self) -> int:
        return int((self.overview() or {}).get("taskmanagers", 0))

    def _configure(self, directory: Path) -> None:
        settings = {
            "jobmanager.rpc.address": "127.0.0.1",
            "jobmanager.bind-host": "127.0.0.1",
            "jobmanager.rpc.port": free_port(),
            "jobmanager.memory.heap.size": "384m",
            "rest.address": "127.0.0.1",
            "rest.bind-address": "127.0.0.1",
            "rest.port": self.rest,
            "taskmanager.host": "127.0.0.1",
            "taskmanager.bind-host": "127.0.0.1",
            "taskmanager.numberOfTaskSlots": SLOTS,
            "taskmanager.cpu.cores": 1,
            "taskmanager.memory.task.heap.size": f"{self._heap}m",
            "taskmanager.memory.task.off-heap.size": "64m",
            "taskmanager.memory.framework.heap.size": "128m",
            "taskmanager.memory.framework.off-heap.size": "128m",
            "taskmanager.memory.jvm-metaspace.size": "256m",
            "taskmanager.memory.jvm-overhead.min": "128m",
            "taskmanager.memory.jvm-overhead.max": "128m",
            "taskmanager.memory.network.min": "192m",
            "taskmanager.memory.network.max": "192m",
            "taskmanager.memory.managed.size": "128m",
            "taskmanager.load-balance.mode": "SLOTS",  # both have work
            # A task manager that is gone is missed after seconds.
            "heartbeat.interval": 1000,
            "heartbeat.timeout": 10000,
            "restart-strategy": "fixed-delay",
            "restart-strategy.fixed-delay.attempts": 20,
            "restart-strategy.fixed-delay.delay": "1 s",
            "state.checkpoints.dir": f"file://{directory / 'checkpoints'}",
            "state.savepoints.dir": f"file://{directory / 'savepoints'}",
            "execution.checkpointing.tolerable-failed-checkpoints": 100,
            "io.tmp.dirs": str(directory / "tmp"),
        }
        (directory / "tmp").mkdir()
        text = "".join(f"{name}: {value}\n" for name, value in settings.items())
        (directory / "flink-conf.yaml").write_text(text)
        (directory / "log4j2.properties").write_text(_LOG4J)


def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
        return True
    return False


@contextlib.contextmanager
def cluster(directory: Path, *, expansion: bool = False, **given: Any) -> Iterator[FlinkCluster]:
    """A running cluster."""
    made = FlinkCluster(directory, **given)
    try:
        made.start(expansion=expansion)
        yield made
    finally:
        made.stop()


def main() -> None:
    """Run a cluster until somebody interrupts it; the options for ``penstock run`` are printed."""
    with (
        tempfile.TemporaryDirectory(prefix="penstock-flink-") as directory,
        cluster(Path(directory), expansion=True) as made,
    ):
        print(*made.options)
        print(f"dashboard http://127.0.0.1:{made.rest}  expansion service {made.expansion}")
        print(f"logs {directory}", flush=True)
        wait_for_the_end()


if __name__ == "__main__":
    main()
