"""The HTTP shell: a thread for each connection, and an orderly end."""

from __future__ import annotations

import contextlib
import email.utils
import logging
import socket
import socketserver
import struct
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from destinations.intercom.emulator.errors import error_list
from destinations.intercom.emulator.messages import Response, encode_json
from destinations.intercom.emulator.wire import Reader, WireError, written

if TYPE_CHECKING:
    from destinations.intercom.emulator.application import Application
    from destinations.intercom.emulator.messages import Request

logger = logging.getLogger(__name__)

_POLL_S = 0.02
_JOIN_S = 5.0
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Server(socketserver.ThreadingTCPServer):
    """Listens, and keeps count of its connections so that it can end them all."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], application: Application) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        self.application = application
        self.stopping = threading.Event()
        self._open: dict[socket.socket, threading.Thread] = {}
        self._open_lock = threading.Lock()
        self._date = (0, "")
        super().__init__(address, Connection)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a new connection in a thread of its own."""
        thread = threading.Thread(
            target=self.process_request_thread, args=(request, client_address), daemon=True
        )
        with self._open_lock:
            self._open[request] = thread
        thread.start()

    def shutdown_request(self, request: Any) -> None:
        """Close a connection that is done with."""
        with self._open_lock:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log a failure of the emulator itself; what a peer does never comes here."""
        logger.error("a connection failed: %r", sys.exception())

    def serve(self) -> None:
        """Accept connections until ``stop``."""
        self.serve_forever(poll_interval=_POLL_S)

    def stop(self) -> None:
        """Stop accepting, end every connection, and wait for their threads."""
        self.stopping.set()
        self.shutdown()
        with self._open_lock:
            connections = dict(self._open)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        deadline = time.monotonic() + _JOIN_S
        for thread in connections.values():
            thread.join(max(0.0, deadline - time.monotonic()))
        self.server_close()

    def date(self) -> str:
        """The Date header, made once a second."""
        now = int(self.application.now())
        if now != self._date[0]:
            self._date = (now, email.utils.formatdate(now, usegmt=True))
        return self._date[1]


class Connection(socketserver.BaseRequestHandler):
    """One connection: requests in, answers out, until either side ends it."""

    server: Server
    request: socket.socket

    def handle(self) -> None:
        """Serve the requests of this connection in turn; never raises for what a peer does."""
        # An answer is one packet that must not wait for the acknowledgement of the one before.
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader = Reader(self.request)
        try:
            while not self.server.stopping.is_set():
                got = reader.next_request()
                if got is None or not self._answer(*got):
                    return
        except WireError as error:
            with contextlib.suppress(OSError):
                self._refuse(error.status)
        except OSError:
            return

    def _answer(self, request: Request, keep: bool) -> bool:
        response = self.server.application.handle(request)
        if response.delay_s:
            self.server.stopping.wait(response.delay_s)
        if response.delivery == "hold":
            return False
        if response.delivery == "drop":
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self.request.close()
            return False
        date = self.server.date()
        data = written(response, date=date, keep=keep, with_body=request.method != "HEAD")
        if response.delivery == "half":
            self.request.sendall(data[: len(data) - (len(response.body) + 1) // 2])
            return False
        self.request.sendall(data)
        return keep

    def _refuse(self, status: int) -> None:
        body = error_list("bad_request", "The request could not be read", request_id=None)
        headers = {"Content-Type": "application/json; charset=utf-8"}
        response = Response(status, headers, encode_json(body).encode())
        date = self.server.date()
        self.request.sendall(written(response, date=date, keep=False, with_body=True))
