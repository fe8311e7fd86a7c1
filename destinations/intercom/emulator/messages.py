"""HTTP requests and answers as values, so that the emulator can be driven without a socket."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal

Delivery = Literal["send", "drop", "half", "hold"]
"""``send`` it, ``drop`` the connection instead, send ``half`` of the body, or ``hold`` for ever."""

encode_json = json.JSONEncoder(separators=(",", ":")).encode


class JsonText(str):
    """A body that is JSON already."""

    __slots__ = ()


@dataclass(slots=True)
class Request:
    """One request. ``head`` is the header block as it came; header names are in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""
    head: str = ""


@dataclass(slots=True)
class Response:
    """One answer, and what the connection must do with it; ``delay_s`` comes before it."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    delivery: Delivery = "send"
    delay_s: float = 0.0

    def json(self) -> Any:
        """The body, parsed; None where there is none."""
        return json.loads(self.body) if self.body else None


def request(
    method: str, target: str, *, body: Any = None, headers: dict[str, str] | None = None
) -> Request:
    """A request made in the same process: ``body`` is sent as JSON, or as it is if it is bytes."""
    sent = {"accept": "application/json"}
    data = b""
    if isinstance(body, bytes):
        data = body
    elif body is not None:
        data = encode_json(body).encode()
    if data:
        sent["content-type"] = "application/json"
    sent |= {name.lower(): value for name, value in (headers or {}).items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    return Request(method, target, sent, data, head)
