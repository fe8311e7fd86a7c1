"""How many requests a second the emulator answers. Run it as a script; it prints one line each.

    python tests/benchmarks/bench_emulator.py --seconds 5 --connections 16

The clients are raw keep-alive sockets in a process of their own, one thread a connection, so
that they cost as little as a Python client can.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import socket
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

_HEADERS = (
    "Host: 127.0.0.1\r\nAuthorization: Bearer test-token\r\nAccept: application/json\r\n"
    "Content-Type: application/json\r\nIntercom-Version: 2.11\r\nUser-Agent: bench\r\n"
)


def _event(worker: int, number: int, ids: list[str]) -> bytes:
    key = ids[(worker * 31 + number) % len(ids)]
    body = (
        f'{{"event_name":"order-completed","created_at":{1_700_000_000 + number},"id":"{key}",'
        f'"metadata":{{"order_id":"o-{number}","price":{{"amount":1999,"currency":"eur"}},'
        f'"items":3,"coupon":"none"}}}}'
    )
    return _packed("POST /events", body)


def _contact(worker: int, number: int, ids: list[str]) -> bytes:
    key = ids[(worker * 31 + number) % len(ids)]
    body = f'{{"name":"Person {number}","custom_attributes":{{"plan":"pro","visits":{number}}}}}'
    return _packed(f"PUT /contacts/{key}", body)


def _packed(line: str, body: str) -> bytes:
    head = f"{line} HTTP/1.1\r\n{_HEADERS}Content-Length: {len(body)}\r\n\r\n"
    return (head + body).encode()


def _client(
    address: tuple[str, int],
    make: Callable[[int, int, list[str]], bytes],
    ids: list[str],
    expected: bytes,
    worker: int,
    until: float,
    counts: list[int],
) -> None:
    with socket.create_connection(address) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        number = 0
        while time.monotonic() < until:
            connection.sendall(make(worker, number, ids))
            data = connection.recv(65_536)
            head, _, rest = data.partition(b"\r\n\r\n")
            length = int(head.partition(b"Content-Length: ")[2].split(b"\r\n")[0])
            while len(rest) < length:
                rest += connection.recv(65_536)
            if not head.startswith(expected):
                raise SystemExit(head.decode())
            number += 1
        counts[worker] = number


def _clients(
    pipe: Connection,
    address: tuple[str, int],
    kind: str,
    ids: list[str],
    options: tuple[int, float],
) -> None:
    connections, seconds = options
    make, expected = {
        "events": (_event, b"HTTP/1.1 202"),
        "contacts": (_contact, b"HTTP/1.1 200"),
    }[kind]
    counts = [0] * connections
    start = time.monotonic()
    threads = [
        threading.Thread(
            target=_client,
            args=(address, make, ids, expected, worker, start + seconds, counts),
        )
        for worker in range(connections)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pipe.send((sum(counts), time.monotonic() - start))
    pipe.close()


def main() -> int:
    """Measure both calls and print requests a second."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--connections", type=int, default=16)
    options = parser.parse_args()
    from destinations.intercom.emulator import Emulator, EmulatorSettings

    context = multiprocessing.get_context("spawn")
    with Emulator(settings=EmulatorSettings(limit=None)) as emulator:
        declared = [
            {"name": "plan", "model": "contact", "data_type": "string"},
            {"name": "visits", "model": "contact", "data_type": "integer"},
        ]
        made = emulator.seed(data_attributes=declared, generate={"contacts": 5000})
        ids = made["generated"]["contacts"]
        host, port = emulator.url.removeprefix("http://").split(":")
        for kind, title in (("events", "POST /events"), ("contacts", "PUT /contacts/{id}")):
            ours, theirs = context.Pipe(duplex=False)
            chosen = (options.connections, options.seconds)
            process = context.Process(
                target=_clients, args=(theirs, (host, int(port)), kind, ids, chosen)
            )
            cpu = time.process_time()
            process.start()
            requests, took = ours.recv()
            process.join()
            used = time.process_time() - cpu
            print(
                f"{title}: {requests / took:,.0f} requests/s "
                f"({options.connections} connections, {took:.1f} s, "
                f"{used / requests * 1e6:.0f} us of emulator CPU each, "
                f"load {os.getloadavg()[0]:.1f})"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
