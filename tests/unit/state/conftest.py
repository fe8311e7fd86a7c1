"""Every kind of state store: what holds for one holds for all."""

import pytest

from pipeline.state.store import StateStore

LASTING = ["file", pytest.param("postgresql", marks=pytest.mark.integration)]


def address(kind, request):
    if kind == "memory":
        return "sqlite://"
    if kind == "file":
        return f"sqlite:///{request.getfixturevalue('tmp_path') / 'state.db'}"
    return request.getfixturevalue("postgres_server").database()


@pytest.fixture(params=["memory", *LASTING])
def url(request):
    """A new, empty store of any kind."""
    return address(request.param, request)


@pytest.fixture(params=LASTING)
def lasting_url(request):
    """A new, empty store that others may open too."""
    return address(request.param, request)


@pytest.fixture
def store(url):
    with StateStore.open(url) as opened:
        yield opened


@pytest.fixture
def lasting_store(lasting_url):
    with StateStore.open(lasting_url) as opened:
        yield opened
