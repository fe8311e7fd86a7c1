"""The control API under /_emulator: no credentials, no rate limit, not in the request log.

``docs/emulator.md`` describes it; scripts depend on it, so it only ever grows.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from destinations.intercom.emulator.faults import FaultError
from destinations.intercom.emulator.messages import Response, encode_json
from destinations.intercom.emulator.metrics import metrics_text
from destinations.intercom.emulator.request_log import Filter, entry_view
from destinations.intercom.emulator.seeding import Seeder, SeedError
from destinations.intercom.emulator.settings import SettingsError, setting_names
from destinations.intercom.emulator.snapshots import canonical_state, full_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from destinations.intercom.emulator.application import Application
    from destinations.intercom.emulator.messages import Request
    from destinations.intercom.emulator.model import JsonObject

PREFIX = "/_emulator"
VERSION = 1
"""Version of this interface; it goes up only if something that scripts rely on changes."""


class ControlError(Exception):
    """A control request that cannot be done: a status, a text, and more keys for the body."""

    def __init__(self, status: int, message: str, **more: Any) -> None:
        super().__init__(status, message)
        self.status = status
        self.body = {"error": message, **more}


@dataclass(slots=True)
class Order:
    """One control request, parsed."""

    app: Application
    query: dict[str, str]
    body: JsonObject
    key: str | None = None


def handle(app: Application, request: Request, path: str, query: str) -> Response:
    """Answer one control request."""
    name, _, key = path.removeprefix(PREFIX).strip("/").partition("/")
    handler = _HANDLERS.get((request.method, name))
    if handler is None:
        known = sorted(f"{method} {PREFIX}/{one}" for method, one in _HANDLERS)
        return _response(404, {"error": f"there is no {request.method} {path}", "known": known})
    try:
        order = Order(app, dict(parse_qsl(query)), _body(request), key or None)
        answer = handler(order)
    except ControlError as error:
        return _response(error.status, error.body)
    except (FaultError, SeedError, TypeError, AttributeError) as error:
        return _response(400, {"error": str(error)})
    if isinstance(answer, str):
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        return Response(200, headers, answer.encode())
    return _response(200, answer)


def _body(request: Request) -> JsonObject:
    if not request.body:
        return {}
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        raise ControlError(400, "the body is not JSON") from None
    if not isinstance(body, dict):
        raise ControlError(400, "the body must be a JSON object")
    return body


def _response(status: int, body: Any) -> Response:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    return Response(status, headers, encode_json(body).encode())


def _health(_: Order) -> JsonObject:
    return {"status": "ok", "version": VERSION}


def _reset(order: Order) -> JsonObject:
    keep = order.body.get("keep_settings", False)
    with order.app.lock:
        order.app.reset(keep_settings=bool(keep))
    return {"reset": True}


def _seed(order: Order) -> JsonObject:
    app = order.app
    with app.lock:
        return Seeder(app.workspace, now=app.now()).seed(order.body)


def _settings(order: Order) -> JsonObject:
    return order.app.settings.as_dict()


def _patch_settings(order: Order) -> JsonObject:
    app = order.app
    with app.lock:
        try:
            app.change_settings(app.settings.patched(order.body))
        except SettingsError as error:
            more: JsonObject = {"allowed": setting_names()}
            if error.suggestion is not None:
                more["did_you_mean"] = error.suggestion
            raise ControlError(400, str(error), **more) from None
        return app.settings.as_dict()


def _clock(order: Order) -> JsonObject:
    return {"now": order.app.now(), "offset": order.app.clock_offset}


def _advance(order: Order) -> JsonObject:
    seconds = order.body.get("advance")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds >= 0:
        raise ControlError(400, "advance must be a number of seconds, 0 or more")
    with order.app.lock:
        order.app.clock_offset += seconds
    return _clock(order)


def _faults(order: Order) -> JsonObject:
    with order.app.lock:
        return {"faults": [fault.view() for fault in order.app.faults.ordered.values()]}


def _add_fault(order: Order) -> JsonObject:
    with order.app.lock:
        return order.app.faults.add(order.body).view()


def _drop_faults(order: Order) -> JsonObject:
    ordered = order.app.faults.ordered
    with order.app.lock:
        if order.key is None:
            count = len(ordered)
            ordered.clear()
            return {"deleted": count}
        if ordered.pop(order.key, None) is None:
            raise ControlError(404, f"there is no fault '{order.key}'")
        return {"deleted": 1}


def _requests(order: Order) -> JsonObject:
    query, app = order.query, order.app
    outcome = query.get("outcome")
    if outcome not in (None, "bad", "good"):
        raise ControlError(400, "outcome must be bad or good")
    wanted = Filter(
        method=query.get("method"),
        path=query.get("path"),
        status=_number(query, "status"),
        outcome=outcome,
        since=_number(query, "since") or 0,
        limit=_number(query, "limit"),
    )
    with app.lock:
        log = app.log
        if query.get("summary") in ("1", "true"):
            return log.summary(wanted)
        entries = list(log.entries(wanted))
        counts = {
            "last_seq": log.seq,
            "dropped": log.dropped,
            "responses_omitted": log.responses_omitted,
        }
    return {"requests": [entry_view(entry) for entry in entries], **counts}


def _number(query: dict[str, str], name: str) -> int | None:
    value = query.get(name)
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and len(value) < len("10000000000000000")):
        raise ControlError(400, f"{name} must be a whole number")
    return int(value)


def _clear_requests(order: Order) -> JsonObject:
    with order.app.lock:
        count = len(order.app.log)
        order.app.log.clear()
    return {"deleted": count}


def _state(order: Order) -> JsonObject:
    with order.app.lock:
        if order.query.get("canonical") in ("1", "true"):
            return canonical_state(order.app.workspace)
        return full_state(order.app.workspace)


def _metrics(order: Order) -> str:
    app = order.app
    with app.lock:
        return metrics_text(app.workspace, app.log, app.statuses)


_HANDLERS: dict[tuple[str, str], Callable[[Order], JsonObject | str]] = {
    ("GET", "health"): _health,
    ("POST", "reset"): _reset,
    ("POST", "seed"): _seed,
    ("GET", "settings"): _settings,
    ("PATCH", "settings"): _patch_settings,
    ("GET", "clock"): _clock,
    ("POST", "clock"): _advance,
    ("GET", "faults"): _faults,
    ("POST", "faults"): _add_fault,
    ("DELETE", "faults"): _drop_faults,
    ("GET", "requests"): _requests,
    ("DELETE", "requests"): _clear_requests,
    ("GET", "state"): _state,
    ("GET", "metrics"): _metrics,
}
