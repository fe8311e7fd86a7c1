"""A Kafka broker of one's own: ``python -m tests.services.kafka [--topic NAME:PARTITIONS]``.

One node (KRaft: broker and controller at once) from the jars of Maven Central. They are fetched
once, to ``~/.cache/penstock`` or PENSTOCK_CACHE.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from tests.services.process import ServerProcess, Unavailable, free_port, wait_for_the_end

VERSION = "4.1.2"
USER, PASSWORD = "penstock", "correct-horse"
"""Whom the SASL listener knows."""
_STORE_PASSWORD = "changeit"
_POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>penstock</groupId>
  <artifactId>kafka-broker</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>{VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId>
      <artifactId>log4j-slf4j-impl</artifactId>
      <version>2.25.2</version>
    </dependency>
  </dependencies>
</project>
"""
_LOG4J = """status = error
appender.out.type = Console
appender.out.name = OUT
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %m (%c{1})%n%throwable{5}
rootLogger.level = warn
rootLogger.appenderRef.out.ref = OUT
"""
# Starts in four seconds in place of seven: the broker lives too briefly to be worth more.
_JAVA = ("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


def jars() -> Path:
    """The folder with the broker's jars, fetched where it is not there yet.

    Raises:
        Unavailable: There is no Java, or no Maven to fetch them with, or they cannot be fetched.
    """
    if shutil.which("java") is None:
        message = "there is no Java 17 on this machine: apt-get install -y openjdk-17-jre-headless"
        raise Unavailable(message)
    cache = Path(os.environ.get("PENSTOCK_CACHE", Path.home() / ".cache" / "penstock"))
    folder = cache / f"kafka-{VERSION}"
    if folder.is_dir():
        return folder
    if shutil.which("mvn") is None:
        message = "there is no Maven to fetch Kafka with: apt-get install -y maven"
        raise Unavailable(message)
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as work:
        (Path(work) / "pom.xml").write_text(_POM)
        done = subprocess.run(
            ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime",
             "-DoutputDirectory=jars"],
            cwd=work, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            message = f"Maven cannot fetch Kafka:\n{(done.stdout + done.stderr)[-1000:]}"
            raise Unavailable(message)
        with contextlib.suppress(OSError):  # somebody else was quicker
            (Path(work) / "jars").rename(folder)
    return folder


class KafkaBroker:
    """A broker on 127.0.0.1.

    Args:
        directory: Where everything is.
        secured: Have a SASL/PLAIN and a TLS listener as well.
        settings: Of server.properties.
    """

    def __init__(
        self, directory: Path, *, secured: bool = False, settings: Mapping[str, Any] | None = None
    ) -> None:
        self._directory = directory
        self._java = ["java", *_JAVA, "-cp", f"{directory}:{jars()}/*"]
        self.bootstrap = _address()
        """The listener without any security."""
        self.sasl_bootstrap = _address() if secured else ""
        """SASL/PLAIN in plain text, for USER with PASSWORD."""
        self.tls_bootstrap = _address() if secured else ""
        """TLS; who trusts ``certificate`` trusts it."""
        self.certificate = directory / "certificate.pem"
        controller = _address()
        listeners = {"PLAINTEXT": self.bootstrap, "CONTROLLER": controller}
        if secured:
            listeners |= {"SASL_PLAINTEXT": self.sasl_bootstrap, "SSL": self.tls_bootstrap}
        properties: dict[str, Any] = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@{controller}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": (
                "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL"
            ),
            # One that was killed is taken back as soon as its old session is over.
            "broker.session.timeout.ms": 2000,
            "broker.heartbeat.interval.ms": 500,
            "listeners": ",".join(f"{name}://{address}" for name, address in listeners.items()),
            "log.dirs": directory / "data",
            "auto.create.topics.enable": "false",
            "offsets.topic.num.partitions": 1,
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.num.partitions": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            "log.cleaner.dedupe.buffer.size": 8 << 20,
            "message.max.bytes": 20 << 20,
            **(self._security() if secured else {}),
            **(settings or {}),
        }
        (directory / "log4j2.properties").write_text(_LOG4J)
        file = directory / "server.properties"
        file.write_text("".join(f"{name}={value}\n" for name, value in properties.items()))
        self._run("kafka.tools.StorageTool", "format", "-t", _cluster_id(), "-c", str(file))
        self._process = ServerProcess(
            [*self._java, "kafka.Kafka", str(file)], directory / "log", self._answers
        )

    def _security(self) -> dict[str, str]:
        """What the listeners with credentials need; makes a certificate."""
        store = self._directory / "broker.p12"
        common = ["-keystore", str(store), "-storepass", _STORE_PASSWORD, "-alias", "broker"]
        for arguments in (
            ["-genkeypair", "-keyalg", "EC", "-dname", "CN=localhost", "-validity", "2",
             "-ext", "SAN=IP:127.0.0.1,DNS:localhost", "-storetype", "PKCS12"],
            ["-exportcert", "-rfc", "-file", str(self.certificate)],
        ):  # fmt: skip
            subprocess.run(["keytool", *arguments, *common], check=True, capture_output=True)
        module = "org.apache.kafka.common.security.plain.PlainLoginModule required"
        return {
            "sasl.enabled.mechanisms": "PLAIN",
            "listener.name.sasl_plaintext.plain.sasl.jaas.config": (
                f'{module} user_{USER}="{PASSWORD}";'
            ),
            "ssl.keystore.type": "PKCS12",
            "ssl.keystore.location": str(store),
            "ssl.keystore.password": _STORE_PASSWORD,
        }

    def _run(self, main: str, *arguments: str) -> None:
        done = subprocess.run(
            [*self._java, main, *arguments], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)

    def start(self) -> None:
        """Start it, also after ``kill`` or ``stop``: same ports, same data."""
        self._process.start()

    def stop(self) -> None:
        """End it in order."""
        self._process.stop()

    def kill(self) -> None:
        """``kill -9``."""
        self._process.kill()

    def admin(self) -> AdminClient:
        """A client for everything else."""
        return AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})

    def create_topic(self, name: str = "", *, partitions: int = 1, **config: str | int) -> str:
        """Make a topic and wait for it; ``retention_ms`` stands for ``retention.ms``."""
        name = name or f"topic-{uuid.uuid4().hex[:8]}"
        settings = {key.replace("_", "."): str(value) for key, value in config.items()}
        topic = NewTopic(name, partitions, 1, config=settings)
        admin = self.admin()
        for made in admin.create_topics([topic]).values():
            made.result(30)
        return name

    def _answers(self) -> bool:
        try:
            return bool(self.admin().list_topics(timeout=1).brokers)
        except KafkaException:
            return False


def _address() -> str:
    return f"127.0.0.1:{free_port()}"


def _cluster_id() -> str:
    return "cGVuc3RvY2stdGVzdC0wMA"  # 16 bytes in base64, the same in every test


@contextlib.contextmanager
def kafka(
    *, secured: bool = False, settings: Mapping[str, Any] | None = None
) -> Iterator[KafkaBroker]:
    """A running broker, gone afterwards with everything in it.

    Raises:
        Unavailable: There is no Java or no Maven on this machine.
    """
    jars()
    with tempfile.TemporaryDirectory(prefix="penstock-kafka-") as directory:
        broker = KafkaBroker(Path(directory), secured=secured, settings=settings)
        try:
            broker.start()
            yield broker
        finally:
            broker.kill()


def _main() -> None:
    parser = argparse.ArgumentParser(description="Start a Kafka broker; print its address.")
    parser.add_argument("--topic", action="append", default=[], metavar="NAME:PARTITIONS")
    chosen = parser.parse_args()
    with kafka() as running:
        for topic in chosen.topic:
            name, _, partitions = topic.partition(":")
            running.create_topic(name, partitions=int(partitions or 1))
        print(running.bootstrap, flush=True)
        wait_for_the_end()


if __name__ == "__main__":
    _main()
