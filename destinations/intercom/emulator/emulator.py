"""The emulator as an object of the program that uses it, and as a process of its own."""

from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING, Any, Self

from destinations.intercom.emulator.application import Application
from destinations.intercom.emulator.messages import Request, Response, request
from destinations.intercom.emulator.server import Server
from destinations.intercom.emulator.settings import EmulatorSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType

    from destinations.intercom.emulator.model import JsonObject


class Emulator:
    """An Intercom workspace on a loopback port, served by threads of this process.

    Use it as a context manager; ``url`` is the base of the API. Everything the control API does
    is also a method here and needs no socket, so an emulator that was never entered can be driven
    through ``handle``.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        settings: EmulatorSettings | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.application = Application(settings or EmulatorSettings(), clock=clock)
        self._host = host
        self._port = port
        self._server: Server | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listen; the port is bound when this returns."""
        self._server = Server((self._host, self._port), self.application)
        self._thread = threading.Thread(
            target=self._server.serve, name="intercom-emulator", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End every connection and close the port; no error where it is not running."""
        if self._server is not None and self._thread is not None:
            self._server.stop()
            self._thread.join()
        self._server = self._thread = None

    @property
    def url(self) -> str:
        """The base URL, without a slash at the end."""
        if self._server is None:
            message = "the emulator is not running"
            raise RuntimeError(message)
        host, port = self._server.address
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def settings(self) -> EmulatorSettings:
        """The present settings."""
        return self.application.settings

    @property
    def state(self) -> JsonObject:
        """Everything that is stored; see GET /_emulator/state."""
        return self.control("GET", "/state")

    @property
    def canonical_state(self) -> JsonObject:
        """The state in the form that two equal runs share."""
        return self.control("GET", "/state?canonical=1")

    @property
    def requests(self) -> list[JsonObject]:
        """The request log, oldest first."""
        entries: list[JsonObject] = self.control("GET", "/requests")["requests"]
        return entries

    @property
    def request_summary(self) -> dict[str, dict[str, int]]:
        """Method and route -> status -> number of requests."""
        return self.control("GET", "/requests?summary=1")

    def handle(self, request: Request) -> Response:
        """Answer one request without a socket."""
        return self.application.handle(request)

    def control(self, method: str, path: str, body: JsonObject | None = None) -> JsonObject:
        """Call the control API; raises ValueError with its text where it refuses."""
        response = self.handle(request(method, f"/_emulator{path}", body=body))
        answer: JsonObject = response.json()
        if response.status != 200:
            raise ValueError(answer.get("error", answer))
        return answer

    def reset(self, *, keep_settings: bool = False) -> None:
        """Forget data, log, faults and clock; settings too unless kept."""
        self.control("POST", "/reset", {"keep_settings": keep_settings})

    def seed(self, **parts: Any) -> JsonObject:
        """Store records without asking the rules; answers their ids."""
        return self.control("POST", "/seed", parts)

    def change_settings(self, **changes: Any) -> None:
        """Change some settings."""
        self.control("PATCH", "/settings", changes)

    def advance(self, seconds: float) -> None:
        """Move the emulator's clock forward."""
        self.control("POST", "/clock", {"advance": seconds})

    def add_fault(self, kind: str, **order: Any) -> JsonObject:
        """Order a fault; ``match``, ``times`` and so on as in the control API."""
        return self.control("POST", "/faults", {"kind": kind, **order})

    def clear_faults(self) -> None:
        """Cancel all faults."""
        self.control("DELETE", "/faults")


def serve(
    host: str, port: int, settings: EmulatorSettings, *, ready: Callable[[str], None]
) -> None:
    """Run until SIGINT or SIGTERM; ``ready`` is called with the URL once the port is open."""
    done = threading.Event()

    def finish(_number: int, _frame: FrameType | None) -> None:
        done.set()

    with Emulator(host=host, port=port, settings=settings) as emulator:
        before = {
            number: signal.signal(number, finish) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            ready(emulator.url)
            done.wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
