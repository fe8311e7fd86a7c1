"""HTTP: one call in, one answer out. No retries, no redirects, no pacing: others decide those."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import msgspec
import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies

from destinations.secret import Secret
from pipeline import __version__
from pipeline.errors import ConfigurationError
from pipeline.model.operation import Call, Response

__all__ = ["Endpoint", "Secret", "Transport"]

USER_AGENT = f"penstock/{__version__}"
_TEXT_LIMIT = 500
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_UNSENT = 400
"""The status of a call whose body no server could be asked to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where an API is and how to speak to it; picklable, and it holds no secret.

    Attributes:
        base_url: The root of the API. Plain http is for this machine only, unless ``insecure``.
        token: The bearer token.
        headers: What every call carries besides the usual ones.
        concurrency: How many calls may be under way at once.
        connect_timeout: Seconds until a connection must stand.
        read_timeout: Seconds of silence after which a call has failed.
        insecure: Allow plain http to other machines; the token is then readable on the way.
    """

    base_url: str
    token: Secret
    headers: Mapping[str, str] = field(default_factory=dict)
    concurrency: int = 16
    connect_timeout: float = 5.0
    read_timeout: float = 30.0
    insecure: bool = False

    def __post_init__(self) -> None:
        """Refuse an address that is no root of an API."""
        try:
            parts = urlsplit(self.base_url)
            host = parts.hostname
        except ValueError:
            parts, host = urlsplit(""), None
        if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment:
            message = f"{self.base_url!r} is no API address; it must look like https://host"
            raise ConfigurationError(message)
        if parts.username or parts.password:
            message = f"the API address of {host} holds credentials; they belong in a variable"
            raise ConfigurationError(message)
        if parts.scheme == "http" and host not in _LOOPBACK and not self.insecure:
            message = f"{self.base_url!r} would send the token unencrypted; use https"
            raise ConfigurationError(message)

    @property
    def is_local(self) -> bool:
        """Whether the API is on this machine (an emulator, a test)."""
        return urlsplit(self.base_url).hostname in _LOOPBACK

    def open(self) -> Transport:
        """A transport to this endpoint; it reads the token now.

        Raises:
            ConfigurationError: The token's environment variable is not set here.
        """
        return Transport(self)


class Transport:
    """A pool of connections to one endpoint, safe to share among threads."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._root = endpoint.base_url.rstrip("/")
        self._timeout = (endpoint.connect_timeout, endpoint.read_timeout)
        self._session = requests.Session()
        # The environment may name a proxy, but a ~/.netrc must never replace our credentials.
        self._session.trust_env = False
        if not endpoint.is_local:
            self._session.proxies.update(get_environ_proxies(self._root))
            self._session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = HTTPAdapter(
            pool_connections=2, pool_maxsize=max(1, endpoint.concurrency), max_retries=0
        )
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)
        self._session.headers.update(
            {
                **endpoint.headers,
                "Accept": "application/json",
                "User-Agent": USER_AGENT,
                "Authorization": "Bearer " + endpoint.token.reveal(),
            }
        )

    def __repr__(self) -> str:
        return f"Transport({self.endpoint!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the endpoint only; the connections and the token are made anew."""
        return (Transport, (self.endpoint,))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection."""
        self._session.close()

    def send(self, call: Call) -> Response:
        """Make the call; whatever goes wrong on the way is an answer with status 0."""
        data: bytes | None = None
        headers: dict[str, str] = {}
        if call.body is not None:
            try:
                data = _ENCODER.encode(call.body)
            except (TypeError, ValueError, OverflowError, msgspec.MsgspecError) as error:
                return Response(_UNSENT, text=f"the body cannot be written as JSON: {error}")
            headers["Content-Type"] = "application/json"
        try:
            answer = self._session.request(
                call.method,
                self._root + call.path,
                data=data,
                headers=headers,
                timeout=self._timeout,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            return Response(0, text=f"{type(error).__name__}: {error}"[:_TEXT_LIMIT])
        return Response(
            answer.status_code,
            {name.lower(): value for name, value in answer.headers.items()},
            _decode(answer.content),
            answer.content[: 4 * _TEXT_LIMIT].decode("utf-8", "replace")[:_TEXT_LIMIT],
        )


def _decode(content: bytes) -> Any:
    try:
        return msgspec.json.decode(content) if content else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
