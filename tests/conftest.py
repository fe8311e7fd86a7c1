"""What holds for every test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from tests.services.kafka import KafkaBroker
    from tests.services.postgres import PostgresServer

# CI must give the same verdict on the same commit; everywhere else new examples are tried.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("dev", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server for the whole session; who stops it starts it again."""
    from tests.services.postgres import postgres
    from tests.services.process import Unavailable

    try:
        with postgres() as server:
            yield server
    except Unavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def kafka_broker() -> Iterator[KafkaBroker]:
    """A Kafka broker for the whole session, with credentials; who stops it starts it again."""
    from tests.services.kafka import kafka
    from tests.services.process import Unavailable

    try:
        with kafka(secured=True) as broker:
            yield broker
    except Unavailable as reason:
        pytest.skip(str(reason))
