"""The HTTP transport, against a server on the loopback interface."""

import http.server
import json
import logging
import pickle
import socket
import threading
from decimal import Decimal

import pytest

from destinations.intercom.connection import REGIONS, endpoint
from destinations.transport import USER_AGENT, Endpoint, Secret
from pipeline.errors import ConfigurationError
from pipeline.model.operation import Call

TOKEN = "tok-very-secret"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        self.server.seen.append((self.command, self.path, dict(self.headers), body))
        status, headers, data = self.server.answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.daemon_threads = True
        running.seen = []
        running.answer = (200, {"X-RateLimit-Limit": "167"}, b'{"id":"1"}')
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def transport(server, monkeypatch):
    monkeypatch.setenv("TEST_TOKEN", TOKEN)
    where = endpoint(
        base_url=f"http://127.0.0.1:{server.server_port}",
        token=Secret("TEST_TOKEN"),
        read_timeout=2,
    )
    with where.open() as opened:
        yield opened


def test_a_call_carries_token_version_and_agent(server, transport):
    transport.send(Call("POST", "/contacts", {"a": 1}))
    method, path, headers, body = server.seen[0]
    assert (method, path, json.loads(body)) == ("POST", "/contacts", {"a": 1})
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert headers["Intercom-Version"] == "2.11"
    assert headers["Accept"] == headers["Content-Type"] == "application/json"
    assert headers["User-Agent"] == USER_AGENT


def test_a_call_without_body_sends_none(server, transport):
    transport.send(Call("DELETE", "/contacts/1"))
    assert server.seen[0][3] == b""
    assert "Content-Type" not in server.seen[0][2]


def test_numbers_are_written_exactly(server, transport):
    transport.send(Call("POST", "/x", {"a": Decimal("19.990"), "b": 10**30}))
    assert server.seen[0][3] == b'{"a":19.990,"b":1000000000000000000000000000000}'


def test_encoded_paths_arrive_as_they_were_encoded(server, transport):
    transport.send(Call("GET", "/companies?company_id=..%2Fa%3Fb%3D%C3%BC"))
    assert server.seen[0][1] == "/companies?company_id=..%2Fa%3Fb%3D%C3%BC"


def test_an_answer_has_status_headers_in_lower_case_and_json(transport):
    response = transport.send(Call("GET", "/me"))
    assert (response.status, response.body) == (200, {"id": "1"})
    assert response.headers["x-ratelimit-limit"] == "167"


@pytest.mark.parametrize("data", [b"", b"<html>no</html>", b"\xff\xfe", b"{", b"[" * 100_000])
def test_a_body_that_is_no_json_is_none(server, transport, data):
    server.answer = (502, {}, data)
    response = transport.send(Call("GET", "/me"))
    assert (response.status, response.body) == (502, None)
    assert len(response.text) <= 500


def test_redirects_are_not_followed(server, transport):
    server.answer = (302, {"Location": "http://127.0.0.1:9/elsewhere"}, b"")
    assert transport.send(Call("GET", "/me")).status == 302
    assert len(server.seen) == 1


def test_cookies_are_not_kept(server, transport):
    server.answer = (200, {"Set-Cookie": "a=b"}, b"{}")
    transport.send(Call("GET", "/me"))
    transport.send(Call("GET", "/me"))
    assert "Cookie" not in server.seen[1][2]


def test_a_netrc_never_replaces_the_token(server, transport, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b")
    monkeypatch.setenv("NETRC", str(netrc))
    transport.send(Call("GET", "/me"))
    assert server.seen[0][2]["Authorization"] == f"Bearer {TOKEN}"


def test_e2_a_refused_connection_is_status_0(monkeypatch):
    monkeypatch.setenv("TEST_TOKEN", TOKEN)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    where = endpoint(base_url=f"http://127.0.0.1:{port}", token=Secret("TEST_TOKEN"))
    with where.open() as transport:
        response = transport.send(Call("GET", "/me"))
    assert response.status == 0
    assert "ConnectionError" in response.text
    assert TOKEN not in response.text


def test_e2_silence_is_status_0(monkeypatch):
    monkeypatch.setenv("TEST_TOKEN", TOKEN)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        where = endpoint(
            base_url=f"http://127.0.0.1:{silent.getsockname()[1]}",
            token=Secret("TEST_TOKEN"),
            read_timeout=0.05,
        )
        with where.open() as transport:
            assert transport.send(Call("GET", "/me")).status == 0


def test_a_body_that_cannot_be_written_is_refused_without_a_call(server, transport):
    response = transport.send(Call("POST", "/x", {"a": "\ud800"}))
    assert response.status == 400
    assert server.seen == []


def test_the_token_shows_nowhere(transport, caplog):
    with caplog.at_level(logging.DEBUG):
        transport.send(Call("GET", "/me"))
    endpoint_text = repr(transport.endpoint)
    for text in (
        repr(transport),
        endpoint_text,
        caplog.text,
        str(vars(transport.endpoint.token.__class__)),
    ):
        assert TOKEN not in text
    assert TOKEN.encode() not in pickle.dumps(transport)


def test_a_transport_is_made_anew_where_it_is_unpickled(server, transport, monkeypatch):
    monkeypatch.setenv("TEST_TOKEN", "tok-of-the-worker")
    with pickle.loads(pickle.dumps(transport)) as again:
        again.send(Call("GET", "/me"))
    assert server.seen[0][2]["Authorization"] == "Bearer tok-of-the-worker"


@pytest.mark.parametrize("value", ["", "  ", "a b", "a\nb", "tökén"])
def test_a_token_that_is_none_is_a_configuration_error_that_does_not_show_it(monkeypatch, value):
    monkeypatch.setenv("TEST_TOKEN", value)
    with pytest.raises(ConfigurationError, match="TEST_TOKEN") as caught:
        Secret.from_env("TEST_TOKEN")
    assert not value.strip() or value not in str(caught.value)


def test_a_token_that_is_not_set_is_a_configuration_error(monkeypatch):
    monkeypatch.delenv("TEST_TOKEN", raising=False)
    with pytest.raises(ConfigurationError, match="TEST_TOKEN is not set"):
        Secret.from_env("TEST_TOKEN")


@pytest.mark.parametrize(
    "url",
    [
        "api.intercom.io",
        "ftp://api.intercom.io",
        "https://",
        "https://api.intercom.io?x=1",
        "https://user:pass@api.intercom.io",
        "http://api.intercom.io",
        "http://[",
    ],
)
def test_an_address_that_is_none_is_a_configuration_error(url):
    with pytest.raises(ConfigurationError):
        Endpoint(base_url=url, token=Secret("TEST_TOKEN"))


def test_plain_http_to_another_machine_must_be_asked_for():
    assert Endpoint(base_url="http://emulator:8411", token=Secret("TEST_TOKEN"), insecure=True)


@pytest.mark.parametrize("region", REGIONS)
def test_every_region_has_its_own_https_address(region):
    assert endpoint(region, token=Secret("T")).base_url == REGIONS[region]


def test_a_region_that_is_none_says_which_there_are():
    with pytest.raises(ConfigurationError, match="us, eu, au"):
        endpoint("mars", token=Secret("T"))
