"""The emulator over real connections: delivery, keep-alive, and peers that misbehave."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time

import pytest
import requests

from destinations.intercom.emulator import Emulator, EmulatorSettings

HEAD = b"Host: x\r\nAuthorization: Bearer test-token\r\n"


@contextlib.contextmanager
def connected(live):
    host, port = live.emulator.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        yield connection


def read_answer(connection, data=b""):
    """One answer: status, headers, body, and the bytes that follow it."""
    while b"\r\n\r\n" not in data:
        data += received(connection)
    head, _, rest = data.partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    headers = dict(field.split(": ", 1) for field in fields)
    length = int(headers.get("Content-Length", 0))
    while len(rest) < length:
        rest += received(connection)
    return int(line.split()[1]), headers, rest[:length], rest[length:]


def received(connection):
    data = connection.recv(65_536)
    assert data, "the connection was closed"
    return data


def exchange(live, raw):
    with connected(live) as connection:
        connection.sendall(raw)
        return read_answer(connection)


def until(condition):
    """Wait for another thread, without sleeping, and not for ever."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline


def still_fine(live):
    assert live.call("GET", "/me").status_code == 200


def test_a_client_library_gets_along_with_it(live):
    made = live.call("POST", "/contacts", json={"external_id": "u", "name": "Zoë"})
    assert made.status_code == 200
    assert made.headers["X-Request-Id"]
    assert made.json()["name"] == "Zoë"
    event = {"event_name": "ordered", "created_at": 5, "id": made.json()["id"]}
    answer = live.call("POST", "/events", json=event)
    assert (answer.status_code, answer.content) == (202, b"")
    assert answer.headers["Content-Length"] == "0"


def test_a61_the_empty_answer_has_no_content_type(live):
    live.emulator.seed(contacts=[{"external_id": "u"}])
    event = {"event_name": "ordered", "created_at": 5, "user_id": "u"}
    assert "Content-Type" not in live.call("POST", "/events", json=event).headers


def test_a_connection_is_used_again(live):
    with connected(live) as connection:
        for _ in range(3):
            connection.sendall(b"GET /me HTTP/1.1\r\n" + HEAD + b"\r\n")
            assert read_answer(connection)[0] == 200


def test_requests_may_be_pipelined(live):
    with connected(live) as connection:
        connection.sendall((b"GET /me HTTP/1.1\r\n" + HEAD + b"\r\n") * 3)
        rest, statuses = b"", []
        for _ in range(3):
            status, _, _, rest = read_answer(connection, rest)
            statuses.append(status)
    assert statuses == [200, 200, 200]


def test_a_request_may_come_in_single_bytes(live):
    body = b'{"external_id":"u"}'
    raw = b"POST /contacts HTTP/1.1\r\n" + HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    with connected(live) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for position in range(len(raw)):
            connection.sendall(raw[position : position + 1])
        assert read_answer(connection)[0] == 200


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /me HTTP/1.1\r\n" + HEAD + b"Connection: close\r\n\r\n",
        b"GET /me HTTP/1.0\r\n" + HEAD + b"\r\n",
    ],
)
def test_a_connection_ends_when_the_client_wants_it(live, raw):
    with connected(live) as connection:
        connection.sendall(raw)
        _, headers, _, rest = read_answer(connection)
        assert headers["Connection"] == "close"
        assert (rest, connection.recv(1)) == (b"", b"")


def test_a_chunked_body_is_read(live):
    raw = (
        b"POST /contacts HTTP/1.1\r\n"
        + HEAD
        + b"Transfer-Encoding: chunked\r\n\r\n"
        + b'8\r\n{"extern\r\nb;x=y\r\nal_id":"u"}\r\n0\r\nTrailer: x\r\n\r\n'
    )
    status, _, body, _ = exchange(live, raw)
    assert (status, json.loads(body)["external_id"]) == (200, "u")


def test_a_generator_body_is_read(live):
    chunks = (part for part in (b'{"external_', b'id":"u"}'))
    headers = {"Content-Type": "application/json"}
    assert live.call("POST", "/contacts", data=chunks, headers=headers).status_code == 200


def test_a_client_that_waits_for_leave_gets_it(live):
    head = (
        b"POST /contacts HTTP/1.1\r\n"
        + HEAD
        + b"Expect: 100-continue\r\nContent-Length: 19\r\n\r\n"
    )
    with connected(live) as connection:
        connection.sendall(head)
        assert received(connection).startswith(b"HTTP/1.1 100")
        connection.sendall(b'{"external_id":"u"}')
        assert read_answer(connection)[0] == 200


def test_an_answer_to_head_has_no_body(live):
    with connected(live) as connection:
        connection.sendall(b"HEAD /me HTTP/1.1\r\n" + HEAD + b"\r\n")
        data = received(connection)
        connection.sendall(b"GET /me HTTP/1.1\r\n" + HEAD + b"\r\n")
        assert data.endswith(b"\r\n\r\n")
        assert read_answer(connection)[0] == 200


def test_an_absolute_target_is_understood(live):
    raw = b"GET http://api.intercom.io/me HTTP/1.1\r\n" + HEAD + b"\r\n"
    assert exchange(live, raw)[0] == 200


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET /me\r\n\r\n", 400),
        (b"GET /me HTTP/2.0\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\r\n\r\n", 400),
        (b"POST /contacts HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST /contacts HTTP/1.1\r\nContent-Length: -5\r\n\r\n", 400),
        (b"POST /contacts HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", 413),
        (b"POST /contacts HTTP/1.1\r\nContent-Length: 67108865\r\n\r\n", 413),
        (b"POST /contacts HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"POST /contacts HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", 400),
        (b"POST /contacts HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n", 413),
        (b"POST /contacts HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabcd", 400),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000, 431),
    ],
)
def test_bytes_that_are_no_request_are_refused_and_the_connection_ends(live, raw, status):
    with connected(live) as connection:
        connection.sendall(raw)
        got, headers, body, _ = read_answer(connection)
    assert (got, headers["Connection"]) == (status, "close")
    assert json.loads(body)["type"] == "error.list"
    still_fine(live)


def test_a_request_without_a_length_has_no_body(live):
    assert exchange(live, b"POST /contacts HTTP/1.1\r\n" + HEAD + b"\r\n")[0] == 400
    still_fine(live)


def test_a_large_body_is_read(live):
    text = json.dumps({"external_id": "u", "custom_attributes": {"x": "y" * 5_000_000}})
    assert live.call("POST", "/contacts", data=text).status_code == 400
    still_fine(live)


def test_a_large_answer_is_written(live):
    live.emulator.seed(generate={"contacts": 20_000})
    state = live.control("GET", "/state").json()
    assert len(state["contacts"]) == 20_000


def test_a_client_that_leaves_in_the_middle_does_no_harm(live):
    for raw in (b"POST /contac", b"POST /contacts HTTP/1.1\r\nContent-Length: 100\r\n\r\n{"):
        with connected(live) as connection:
            connection.sendall(raw)
    still_fine(live)


def test_invalid_utf8_answers_400(live):
    assert live.call("POST", "/contacts", data=b'{"name":"\xff"}').status_code == 400
    still_fine(live)


def test_a_reset_before_breaks_the_connection(live):
    live.emulator.add_fault("reset_before")
    with pytest.raises(requests.ConnectionError):
        live.call("GET", "/me")
    still_fine(live)


def test_a_reset_is_a_reset_and_not_an_orderly_end(live):
    live.emulator.add_fault("reset_before")
    with connected(live) as connection:
        connection.sendall(b"GET /me HTTP/1.1\r\n" + HEAD + b"\r\n")
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


def test_a_reset_after_commit_leaves_the_contact(live):
    live.emulator.add_fault("reset_after_commit")
    with pytest.raises(requests.ConnectionError):
        live.call("POST", "/contacts", json={"external_id": "u"})
    assert live.call("POST", "/contacts", json={"external_id": "u"}).status_code == 409


def test_half_a_body_ends_the_connection_early(live):
    live.emulator.add_fault("half_body")
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        live.call("GET", "/me")
    still_fine(live)


def test_a_timeout_outlasts_the_client(live):
    live.emulator.add_fault("timeout", seconds=30)
    with pytest.raises(requests.ReadTimeout):
        live.call("GET", "/me", timeout=0.05)
    still_fine(live)


def test_a_timeout_ends_without_an_answer(live):
    live.emulator.add_fault("timeout", seconds=0.01)
    with pytest.raises(requests.ConnectionError):
        live.call("GET", "/me")


def test_latency_delays_one_connection_and_no_other(live):
    live.emulator.add_fault("latency", seconds=0.3, match={"path": "/contacts"})
    answers = []

    def slow():
        answers.append(("slow", live.call("GET", "/contacts").status_code))

    thread = threading.Thread(target=slow)
    with connected(live) as connection:
        thread.start()
        until(lambda: live.emulator.control("GET", "/faults")["faults"][0]["hits"])
        connection.sendall(b"GET /me HTTP/1.1\r\n" + HEAD + b"\r\n")
        answers.append(("fast", read_answer(connection)[0]))
    thread.join()
    assert answers == [("fast", 200), ("slow", 200)]


def test_a_delayed_connection_goes_on_afterwards(live):
    live.emulator.add_fault("latency", seconds=0.01)
    with connected(live) as connection:
        connection.sendall((b"GET /me HTTP/1.1\r\n" + HEAD + b"\r\n") * 2)
        _, _, _, rest = read_answer(connection)
        assert read_answer(connection, rest)[0] == 200


def test_the_control_api_is_reached_without_a_token(live):
    assert live.control("GET", "/health").json()["status"] == "ok"
    live.control("POST", "/seed", {"contacts": [{"external_id": "u"}]})
    assert "u" in live.control("GET", "/state?canonical=1").json()["contacts"]


def test_many_clients_create_one_contact_once(live):
    statuses = []

    def create():
        with requests.Session() as session:
            session.headers.update(live.session.headers)
            url = f"{live.emulator.url}/contacts"
            statuses.append(session.post(url, json={"external_id": "u"}, timeout=10).status_code)

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, *[409] * 7]


def test_it_stops_while_clients_are_connected_and_waiting():
    with Emulator(settings=EmulatorSettings(latency_ms=60_000)) as emulator:
        host, port = emulator.url.removeprefix("http://").split(":")
        idle = socket.create_connection((host, int(port)), timeout=10)
        waiting = socket.create_connection((host, int(port)), timeout=10)
        waiting.sendall(b"GET /me HTTP/1.1\r\n" + HEAD + b"\r\n")
        until(lambda: emulator.requests)
    with idle, waiting:
        assert (idle.recv(1), waiting.recv(1)) == (b"", b"")


def test_its_port_is_free_again_after_it_stopped():
    with Emulator() as first:
        port = int(first.url.rpartition(":")[2])
        requests.get(f"{first.url}/_emulator/health", timeout=10)
    with Emulator(port=port) as second:
        assert requests.get(f"{second.url}/_emulator/health", timeout=10).ok


def test_it_can_be_started_again():
    emulator = Emulator()
    for _ in range(2):
        with emulator:
            assert requests.get(f"{emulator.url}/_emulator/health", timeout=10).ok


def test_it_listens_on_ipv6_where_there_is_one():
    try:
        emulator = Emulator(host="::1")
        emulator.start()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with contextlib.closing(contextlib.ExitStack()) as stack:
        stack.callback(emulator.stop)
        assert emulator.url.startswith("http://[::1]:")
        assert requests.get(f"{emulator.url}/_emulator/health", timeout=10).ok
