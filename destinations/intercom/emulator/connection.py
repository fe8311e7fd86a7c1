"""One connection: requests in, answers out, in turn, until either side ends it."""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
from typing import TYPE_CHECKING, Protocol

from destinations.intercom.emulator.errors import error_list
from destinations.intercom.emulator.messages import Response, encode_json
from destinations.intercom.emulator.wire import Parser, WireError, written

if TYPE_CHECKING:
    from collections.abc import Callable

    from destinations.intercom.emulator.messages import Request

_READ = 65_536
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Host(Protocol):
    """What a connection needs of the server that it belongs to."""

    def answer(self, request: Request) -> Response:
        """Answer a request."""
        ...

    def date(self) -> str:
        """The value of the Date header."""
        ...

    def listen(self, connection: Connection, events: int) -> None:
        """Call ``connection.ready`` on these events from now on; 0: on none."""
        ...

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something later."""
        ...

    def forget(self, connection: Connection) -> None:
        """The connection has ended."""
        ...


class Connection:
    """Reads, answers and writes without ever waiting; a delayed answer pauses the reading."""

    __slots__ = ("_closing", "_host", "_out", "_parser", "_paused", "closed", "socket")

    def __init__(self, host: Host, peer: socket.socket) -> None:
        self.socket = peer
        self.closed = False
        self._host = host
        self._parser = Parser()
        self._out = memoryview(b"")
        self._paused = False
        self._closing = False
        peer.setblocking(False)
        # An answer is one packet that must not wait for the acknowledgement of the one before.
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        host.listen(self, selectors.EVENT_READ)

    def ready(self, events: int) -> None:
        """Go on; whatever the peer does, the worst that happens is that this connection ends."""
        try:
            if events & selectors.EVENT_WRITE:
                self._flush()
                if not (self._out or self.closed):
                    self._host.listen(self, selectors.EVENT_READ)
                    self._proceed()
            if events & selectors.EVENT_READ and not self.closed:
                self._read()
        except OSError:
            self.close()

    def close(self) -> None:
        """End the connection; twice is once."""
        if not self.closed:
            self.closed = True
            self._host.forget(self)
            self.socket.close()

    def _read(self) -> None:
        try:
            data = self.socket.recv(_READ)
        except BlockingIOError:
            return
        if not data:
            self.close()
            return
        self._parser.feed(data)
        self._proceed()

    def _proceed(self) -> None:
        try:
            while not (self._paused or self._out or self._closing or self.closed):
                got = self._parser.next_request()
                if got is None:
                    if self._parser.wants_continue():
                        self._send(b"HTTP/1.1 100 Continue\r\n\r\n")
                    return
                request, keep = got
                response = self._host.answer(request)
                if response.delay_s:
                    self._pause(response, request.method, keep=keep)
                else:
                    self._deliver(response, request.method, keep=keep)
        except WireError as error:
            self._refuse(error.status)

    def _pause(self, response: Response, method: str, *, keep: bool) -> None:
        self._paused = True
        self._host.listen(self, 0)

        def resume() -> None:
            if self.closed:
                return
            self._paused = False
            self._host.listen(self, selectors.EVENT_READ)
            with contextlib.suppress(OSError):
                self._deliver(response, method, keep=keep)
                self._proceed()
                return
            self.close()

        self._host.after(response.delay_s, resume)

    def _deliver(self, response: Response, method: str, *, keep: bool) -> None:
        if response.delivery == "hold":
            self.close()
            return
        if response.delivery == "drop":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self.close()
            return
        date = self._host.date()
        data = written(response, date=date, keep=keep, with_body=method != "HEAD")
        if response.delivery == "half":
            data = data[: len(data) - (len(response.body) + 1) // 2]
            keep = False
        self._closing = not keep
        self._send(data)

    def _refuse(self, status: int) -> None:
        body = error_list("bad_request", "The request could not be read", request_id=None)
        headers = {"Content-Type": "application/json; charset=utf-8"}
        response = Response(status, headers, encode_json(body).encode())
        self._deliver(response, "GET", keep=False)

    def _send(self, data: bytes) -> None:
        self._out = memoryview(data)
        self._flush()
        if self._out and not self.closed:
            self._host.listen(self, selectors.EVENT_WRITE)

    def _flush(self) -> None:
        try:
            sent = self.socket.send(self._out)
        except BlockingIOError:
            return
        self._out = self._out[sent:]
        if self._out:
            return
        if self._closing:
            self.close()
