"""Refusals as values, and the bodies that carry them."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """A refusal of the API: an HTTP status, a code and a text, as the real service words them."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(status, code, message)
        self.status = status
        self.code = code
        self.message = message


def error_list(code: str, message: str | None, *, request_id: str | None) -> dict[str, Any]:
    """The one shape that every refusal has."""
    return {
        "type": "error.list",
        "request_id": request_id,
        "errors": [{"code": code, "message": message}],
    }


def invalid(*, text: str) -> ApiError:
    """400 parameter_invalid: a value that the API does not take."""
    return ApiError(400, "parameter_invalid", text)


def missing(*, text: str) -> ApiError:
    """400 parameter_not_found: something required was not sent."""
    return ApiError(400, "parameter_not_found", text)


def bad_request(*, text: str) -> ApiError:
    """400 bad_request."""
    return ApiError(400, "bad_request", text)


def not_found(*, text: str) -> ApiError:
    """404 not_found."""
    return ApiError(404, "not_found", text)


def company_not_found() -> ApiError:
    """404 for a company id or company_id that nobody has."""
    return ApiError(404, "company_not_found", "Company Not Found")


def no_such_route() -> ApiError:
    """404 for a path or a method that this version does not have."""
    return not_found(text="The requested resource does not exist in this API version")


_STATUS_DEFAULTS = {
    400: ("bad_request", "Bad request"),
    401: ("unauthorized", "Access Token Invalid"),
    403: ("forbidden", "Forbidden"),
    404: ("not_found", "User Not Found"),
    408: ("request_timeout", "Request timed out"),
    409: ("conflict", "Resource conflict"),
    422: ("unprocessable_entity", "Unprocessable entity"),
    429: ("rate_limit_exceeded", "The rate limit for the App has been exceeded"),
    502: ("bad_gateway", "Bad gateway"),
    503: ("service_unavailable", "Service unavailable"),
    504: ("server_timeout", "Server timeout"),
}


def for_status(status: int) -> ApiError:
    """What an answer of this status usually says; used by faults that name no body."""
    code, message = _STATUS_DEFAULTS.get(status, ("server_error", "Server error"))
    return ApiError(status, code, message)
