"""The HTTP shell: one thread that serves every connection as it becomes ready.

A thread for each connection was measured at half the speed: with sixteen of them the interpreter
lock changes hands twice a request.
"""

from __future__ import annotations

import contextlib
import email.utils
import heapq
import itertools
import logging
import selectors
import socket
import time
from typing import TYPE_CHECKING

from destinations.intercom.emulator.connection import Connection

if TYPE_CHECKING:
    from collections.abc import Callable

    from destinations.intercom.emulator.application import Application
    from destinations.intercom.emulator.messages import Request, Response

logger = logging.getLogger(__name__)

_BACKLOG = 512


class Server:
    """Listens from its construction on; ``serve`` answers until ``stop`` is called."""

    def __init__(self, address: tuple[str, int], application: Application) -> None:
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._application = application
        self._listener = socket.create_server(address, family=family, backlog=_BACKLOG)
        self._listener.setblocking(False)
        self.address: tuple[str, int] = self._listener.getsockname()[:2]
        self._wake, self._waker = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._wake, selectors.EVENT_READ, lambda _: None)
        self._connections: set[Connection] = set()
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._timer_numbers = itertools.count()
        self._stopping = False
        self._date = (0, "")

    def serve(self) -> None:
        """Answer requests until ``stop``, then end every connection and close the port."""
        try:
            while not self._stopping:
                for key, events in self._selector.select(self._patience()):
                    self._guarded(key.data, events)
                self._run_timers()
        finally:
            for connection in list(self._connections):
                connection.close()
            self._selector.close()
            for one in (self._listener, self._wake, self._waker):
                one.close()

    def stop(self) -> None:
        """Make ``serve`` return soon; may be called from any thread."""
        self._stopping = True
        with contextlib.suppress(OSError):
            self._waker.send(b".")

    def answer(self, request: Request) -> Response:
        """Answer a request."""
        return self._application.handle(request)

    def date(self) -> str:
        """The Date header, made once a second."""
        now = int(self._application.now())
        if now != self._date[0]:
            self._date = (now, email.utils.formatdate(now, usegmt=True))
        return self._date[1]

    def listen(self, connection: Connection, events: int) -> None:
        """Watch a connection for these events; 0: leave it alone."""
        watched = connection.socket in self._selector.get_map()
        if not events:
            if watched:
                self._selector.unregister(connection.socket)
        elif watched:
            self._selector.modify(connection.socket, events, connection.ready)
        else:
            self._selector.register(connection.socket, events, connection.ready)

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something later, in real time."""
        entry = (time.monotonic() + seconds, next(self._timer_numbers), action)
        heapq.heappush(self._timers, entry)

    def forget(self, connection: Connection) -> None:
        """Watch a connection no more."""
        self.listen(connection, 0)
        self._connections.discard(connection)

    def _accept(self, _: int) -> None:
        with contextlib.suppress(OSError):
            peer, _address = self._listener.accept()
            self._connections.add(Connection(self, peer))

    def _guarded(self, action: Callable[[int], None], events: int) -> None:
        """No failure of one connection may end them all."""
        try:
            action(events)
        except Exception:
            logger.exception("a connection failed")

    def _patience(self) -> float | None:
        if not self._timers:
            return None
        return max(0.0, self._timers[0][0] - time.monotonic())

    def _run_timers(self) -> None:
        while self._timers and self._timers[0][0] <= time.monotonic():
            action = heapq.heappop(self._timers)[2]
            self._guarded(lambda _: action(), 0)  # noqa: B023 - called before the next round
