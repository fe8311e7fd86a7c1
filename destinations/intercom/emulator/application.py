"""The road of one request: credentials, faults, budget, version, route, body, handler, log."""

from __future__ import annotations

import json
import logging
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from destinations.intercom.emulator import control, ratelimit, router
from destinations.intercom.emulator.call import Call
from destinations.intercom.emulator.errors import (
    ApiError,
    error_list,
    for_status,
    invalid,
    no_such_route,
)
from destinations.intercom.emulator.faults import PASSES_THROUGH, Fault, Faults
from destinations.intercom.emulator.messages import JsonText, Request, Response, encode_json
from destinations.intercom.emulator.request_log import RequestLog
from destinations.intercom.emulator.versions import VERSIONS
from destinations.intercom.emulator.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable

    from destinations.intercom.emulator.settings import EmulatorSettings

logger = logging.getLogger(__name__)

_BEARER = "bearer "
_HTML = "<html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"


class Application:
    """The emulator without its sockets; safe to call from many threads at once."""

    def __init__(self, settings: EmulatorSettings, *, clock: Callable[[], float]) -> None:
        self.lock = threading.Lock()
        self._clock = clock
        self._first_settings = settings
        self.clock_offset = 0.0
        self.reset(keep_settings=False)

    def reset(self, *, keep_settings: bool) -> None:
        """Forget everything: data, log, faults, clock offset; settings too unless kept."""
        if not keep_settings:
            self.settings = self._first_settings
        self.clock_offset = 0.0
        self.workspace = Workspace(id_seed=self.settings.id_seed, created_at=int(self.now()))
        self.limiter = ratelimit.RateLimiter()
        self.faults = Faults()
        self.statuses: dict[int, int] = {}
        self.log = RequestLog(
            limit=self.settings.log_limit, response_bytes=self.settings.log_response_bytes
        )

    def change_settings(self, settings: EmulatorSettings) -> None:
        """Go on with other settings; data and counters stay."""
        self.settings = settings
        self.log.resize(limit=settings.log_limit, response_bytes=settings.log_response_bytes)

    def now(self) -> float:
        """The emulator's time: the injected clock plus what was advanced."""
        return self._clock() + self.clock_offset

    def handle(self, request: Request) -> Response:
        """Answer one request; never raises."""
        path, _, query = request.target.partition("?")
        try:
            if path.startswith(control.PREFIX):
                return control.handle(self, request, path, query)
            with self.lock:
                return self._handle_api(request, path, query)
        except Exception:
            logger.exception("the emulator failed on %s", request.method)
            body = error_list("server_error", "The emulator failed; see its log", request_id=None)
            return _json_response(500, body, {})

    def _handle_api(self, request: Request, path: str, query: str) -> Response:
        now = self.now()
        request_id = self.workspace.ids.request_id()
        headers = {"X-Request-Id": request_id}
        matched = router.match(request.method, path)
        call = Call(self.workspace, self.settings, now, (0, 0), matched.params, {}, {})
        fault: Fault | None = None
        refusal: ApiError | None = None
        response: Response | None = None
        try:
            self._authenticate(request)
            if self.faults.ordered:
                fault = self.faults.struck(request, path)
            response = self._before(fault, headers, now)
            if response is None:
                response = self._carry_out(request, matched, query, call, headers)
        except ApiError as error:
            refusal = error
        if refusal is not None or response is None:
            refusal = refusal or for_status(500)
            body = error_list(refusal.code, refusal.message, request_id=request_id)
            response = _json_response(refusal.status, body, headers)
        if fault is not None:
            self._spoil(fault, response)
        response.delay_s += self.settings.latency_ms / 1000
        self._note(request, matched.route, response, call, fault, now)
        return response

    def _authenticate(self, request: Request) -> None:
        sent = request.headers.get("authorization", "")
        token = self.settings.token
        known = sent[: len(_BEARER)].lower() == _BEARER and (
            sent[len(_BEARER) :].strip() == token
            if token is not None
            else bool(sent[len(_BEARER) :].strip())
        )
        if not known:
            raise for_status(401)

    def _before(self, fault: Fault | None, headers: dict[str, str], now: float) -> Response | None:
        """What is decided before the request is looked at: faults and the rate limit."""
        if fault is not None:
            if fault.kind == "reset_before":
                return Response(0, headers, delivery="drop")
            if fault.kind == "timeout":
                return Response(0, headers, delivery="hold", delay_s=fault.seconds)
            if fault.kind == "rate_limited":
                headers |= self.limiter.peek(self.settings, now)
                raise ratelimit.exceeded(self.settings)
            if fault.kind == "status" and fault.status == 401:
                return _made_up(fault, headers)
        passes, budget = self.limiter.spend(self.settings, now)
        headers |= budget
        if not passes:
            raise ratelimit.exceeded(self.settings)
        if fault is not None and fault.kind not in PASSES_THROUGH:
            return _made_up(fault, headers)
        return None

    def _carry_out(
        self,
        request: Request,
        matched: router.Match,
        query: str,
        call: Call,
        headers: dict[str, str],
    ) -> Response:
        sent = request.headers
        version = sent.get("intercom-version") or self.settings.default_version
        known = VERSIONS.get(version)
        if known is None:
            message = f"The requested version '{version}' could not be found"
            raise ApiError(400, "intercom_version_invalid", message)
        headers["Intercom-Version"] = version
        call.version = known
        call.host = sent.get("host", call.host)
        accept = sent.get("accept")
        if not _accepts_json(accept, required=self.settings.require_accept):
            message = "The Accept header should send a media type of application/json"
            raise ApiError(406, "media_type_not_acceptable", message)
        if matched.handler is None:
            raise no_such_route()
        if query:
            call.query = dict(parse_qsl(query, keep_blank_values=True))
        if request.body and request.method != "GET":
            call.body = _parsed_body(request)
        status, body = matched.handler(call)
        if body is None:
            return Response(status, headers)
        return _json_response(status, body, headers)

    def _spoil(self, fault: Fault, response: Response) -> None:
        if fault.kind == "reset_after_commit":
            response.status = 0
            response.body = b""
            response.delivery = "drop"
        elif fault.kind == "half_body":
            response.delivery = "half"
        elif fault.kind == "latency":
            response.delay_s += fault.seconds

    def _note(
        self,
        request: Request,
        route: str,
        response: Response,
        call: Call,
        fault: Fault | None,
        now: float,
    ) -> None:
        status = response.status
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.log.add(
            now,
            (request.method, request.target, request.head, request.body),
            route,
            status,
            response.body,
            (call.contact_id, call.external_id),
            None if fault is None else (fault.id, fault.kind),
        )


def _accepts_json(accept: str | None, *, required: bool) -> bool:
    if not accept:
        return not required
    return any(kind in accept.lower() for kind in ("application/json", "*/*", "application/*"))


def _parsed_body(request: Request) -> dict[str, Any]:
    kind = request.headers.get("content-type")
    if kind and "json" not in kind.lower():
        raise ApiError(415, "unsupported_media_type", "Content-Type must be application/json")
    try:
        body = _DECODER.decode(request.body.decode())
    except (ValueError, RecursionError):
        raise invalid(text="The request body is not valid JSON") from None
    if not isinstance(body, dict):
        raise invalid(text="The request body must be a JSON object")
    return body


def _no_constants(name: str) -> Any:
    message = f"{name} is not JSON"
    raise ValueError(message)


_DECODER = json.JSONDecoder(parse_constant=_no_constants)


def _json_response(status: int, body: Any, headers: dict[str, str]) -> Response:
    headers["Content-Type"] = "application/json; charset=utf-8"
    text = body if isinstance(body, JsonText) else encode_json(body)
    return Response(status, headers, text.encode())


def _made_up(fault: Fault, headers: dict[str, str]) -> Response:
    """The answer that a fault puts in the place of the real one."""
    headers |= fault.headers
    if fault.kind == "html":
        text = fault.body if isinstance(fault.body, str) else _HTML.format(fault.status)
        headers.setdefault("Content-Type", "text/html; charset=utf-8")
        return Response(fault.status, headers, text.encode())
    if isinstance(fault.body, str):
        headers.setdefault("Content-Type", "text/plain; charset=utf-8")
        return Response(fault.status, headers, fault.body.encode())
    body = fault.body
    if body is None:
        usual = for_status(fault.status)
        body = error_list(usual.code, usual.message, request_id=headers["X-Request-Id"])
    return _json_response(fault.status, body, headers)
