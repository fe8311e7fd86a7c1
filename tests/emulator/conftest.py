"""Shared fixtures: an emulator without sockets on a clock that only tests move, and a real one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import requests

from destinations.intercom.emulator import Emulator, EmulatorSettings, Response, request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TOKEN = "test-token"
START = 1_700_000_000.0


class Clock:
    """Time that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class Api:
    """Calls an emulator in the same process, with good credentials unless told otherwise."""

    def __init__(self, emulator: Emulator, clock: Clock) -> None:
        self.emulator = emulator
        self.clock = clock

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        version: str | None = "2.11",
        token: str | None = TOKEN,
        headers: dict[str, str] | None = None,
    ) -> Response:
        sent = dict(headers or {})
        if version is not None:
            sent.setdefault("Intercom-Version", version)
        if token is not None:
            sent.setdefault("Authorization", f"Bearer {token}")
        return self.emulator.handle(request(method, path, body=body, headers=sent))

    def get(self, path: str, **options: Any) -> Response:
        return self.call("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Response:
        return self.call("POST", path, body, **options)

    def put(self, path: str, body: Any = None, **options: Any) -> Response:
        return self.call("PUT", path, body, **options)

    def delete(self, path: str, **options: Any) -> Response:
        return self.call("DELETE", path, **options)

    def ok(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """The parsed answer of a call that must succeed."""
        response = self.call(method, path, body, **options)
        assert 200 <= response.status < 300, response.body
        return response.json()

    def user(self, **fields: Any) -> dict[str, Any]:
        """A new user, created through the API; with an external id unless fields name one."""
        if not {"external_id", "email"} & fields.keys():
            fields["external_id"] = f"user-{len(self.emulator.application.workspace.contacts)}"
        made: dict[str, Any] = self.ok("POST", "/contacts", {"role": "user", **fields})
        return made

    def lead(self, **fields: Any) -> dict[str, Any]:
        made: dict[str, Any] = self.ok("POST", "/contacts", {"role": "lead", **fields})
        return made

    def company(self, company_id: str = "acme", **fields: Any) -> dict[str, Any]:
        made: dict[str, Any] = self.ok("POST", "/companies", {"company_id": company_id, **fields})
        return made

    def declare(self, name: str, *, data_type: str = "string", model: str = "contact") -> Any:
        body = {"name": name, "model": model, "data_type": data_type}
        return self.ok("POST", "/data_attributes", body)

    def contact(self, contact_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ok("GET", f"/contacts/{contact_id}")
        return found

    def attach(self, contact: dict[str, Any], company: dict[str, Any]) -> Any:
        return self.ok("POST", f"/contacts/{contact['id']}/companies", {"id": company["id"]})

    def event(self, **fields: Any) -> Response:
        """Submit an event with plausible defaults."""
        return self.post("/events", {"event_name": "ordered", "created_at": int(START), **fields})

    def stored_events(self) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = self.emulator.state["events"]
        return events

    def stored_metadata(self, metadata: Any) -> dict[str, Any]:
        """What is kept of the metadata of an accepted event."""
        user = self.user()
        assert self.event(id=user["id"], metadata=metadata).status == 202
        kept: dict[str, Any] = self.stored_events()[-1]["metadata"]
        return kept

    def search(self, query: Any, **pagination: Any) -> Response:
        body = {"query": query, **({"pagination": pagination} if pagination else {})}
        return self.post("/contacts/search", body)

    def found(self, field: str, operator: str, value: Any) -> list[str | None]:
        """External ids of the contacts that one filter finds."""
        response = self.search({"field": field, "operator": operator, "value": value})
        assert response.status == 200, response.body
        return [contact["external_id"] for contact in response.json()["data"]]


def assert_error(
    response: Response, status: int, code: str | None = None, text: str | None = None
) -> None:
    """The answer is a refusal in the one shape of all refusals."""
    body = response.json()
    assert response.status == status, body
    assert body["type"] == "error.list"
    assert body["request_id"] == response.headers["X-Request-Id"]
    if code is not None:
        assert body["errors"][0]["code"] == code
    if text is not None:
        assert text in body["errors"][0]["message"]


@pytest.fixture(name="assert_error")
def assert_error_fixture() -> Callable[..., None]:
    return assert_error


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_api(clock: Clock) -> Callable[..., Api]:
    """An emulator under other settings than the defaults."""

    def make(**settings: Any) -> Api:
        return Api(Emulator(settings=EmulatorSettings(**settings), clock=clock), clock)

    return make


@pytest.fixture
def api(make_api: Callable[..., Api]) -> Api:
    """An emulator with the default settings, called without sockets."""
    return make_api()


class Live:
    """A running emulator, and a session that knows its token."""

    def __init__(self, emulator: Emulator, session: requests.Session) -> None:
        self.emulator = emulator
        self.session = session

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        options.setdefault("timeout", 10)
        return self.session.request(method, self.emulator.url + path, **options)

    def control(self, method: str, path: str, body: Any = None) -> requests.Response:
        data = None if body is None else json.dumps(body)
        return requests.request(
            method, f"{self.emulator.url}/_emulator{path}", data=data, timeout=10
        )


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def live(running: Emulator) -> Iterator[Live]:
    """A running emulator, reset for each test."""
    running.reset()
    with requests.Session() as session:
        session.headers.update({"Authorization": f"Bearer {TOKEN}", "Intercom-Version": "2.11"})
        yield Live(running, session)
