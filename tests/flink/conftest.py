"""A real Flink cluster, one for all tests of this folder; only where it is asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services import flink, kafka
from tests.services.flink import FlinkCluster
from tests.services.kafka import KafkaBroker
from tests.services.process import Unavailable

HERE = Path(__file__).resolve().parent
ASKED = "PENSTOCK_TEST_FLINK"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip everything here unless it was asked for."""
    skip = pytest.mark.skip(reason="minutes, and hundreds of MB to fetch: make flink-test")
    for item in items:
        if HERE in item.path.parents and not os.environ.get(ASKED):
            item.add_marker(skip)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlinkCluster]:
    """Flink with two task managers, Beam's job server, and Python workers."""
    directory = tmp_path_factory.mktemp("flink")
    try:
        with flink.cluster(
            directory, expansion=True, environment={"INTERCOM_ACCESS_TOKEN": "t"}
        ) as made:
            yield made
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def broker() -> Iterator[KafkaBroker]:
    """A Kafka broker."""
    try:
        with kafka.kafka() as made:
            yield made
    except Unavailable as error:
        pytest.skip(str(error))
