"""Reading HTTP/1.1 requests from a socket and writing answers to it.

The header block is parsed by hand: the parser of the standard library is made for e-mail and
costs more than everything else that the emulator does for a request.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from destinations.intercom.emulator.messages import Request, Response

if TYPE_CHECKING:
    import socket

MAX_HEAD = 65_536
MAX_BODY = 67_108_864
"""Guard of this process only. The real service documents no limit, so none is imitated."""
_READ = 65_536


class WireError(Exception):
    """Bytes that are no request; the status says what to answer before closing."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Reader:
    """Takes requests off one connection, one after another."""

    __slots__ = ("_buffer", "_socket")

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._buffer = b""

    def next_request(self) -> tuple[Request, bool] | None:
        """The next request and whether to keep the connection; None at the end of the stream."""
        head = self._read_head()
        if head is None:
            return None
        line, _, block = head.partition("\r\n")
        parts = line.split(" ")
        if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
            raise WireError(400)
        headers: dict[str, str] = {}
        for field in block.split("\r\n"):
            name, colon, value = field.partition(":")
            if colon:
                headers[name.lower()] = value.strip()
        connection = headers.get("connection", "").lower()
        keep = connection == "keep-alive" if parts[2] == "HTTP/1.0" else connection != "close"
        if headers.get("expect", "").lower() == "100-continue":
            self._socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        target = parts[1]
        if not target.startswith("/"):
            target = "/" + target.partition("://")[2].partition("/")[2]
        return Request(parts[0], target, headers, self._read_body(headers), block), keep

    def _read_head(self) -> str | None:
        while True:
            self._buffer = (
                self._buffer.lstrip(b"\r\n") if self._buffer[:1] in b"\r\n" else self._buffer
            )
            end = self._buffer.find(b"\r\n\r\n")
            if end >= 0:
                head = self._buffer[:end]
                self._buffer = self._buffer[end + 4 :]
                return head.decode("latin-1")
            if len(self._buffer) > MAX_HEAD:
                raise WireError(431)
            data = self._socket.recv(_READ)
            if not data:
                return None
            self._buffer += data

    def _read_body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self._read_chunks()
        length = headers.get("content-length")
        if length is None:
            return b""
        if not (length.isascii() and length.isdigit()):
            raise WireError(400)
        return self._take(int(length[:20]))

    def _read_chunks(self) -> bytes:
        chunks: list[bytes] = []
        total = 0
        while True:
            try:
                size = int(self._take_line().partition(b";")[0], 16)
            except ValueError:
                raise WireError(400) from None
            if size <= 0:
                break
            total += size
            if total > MAX_BODY:
                raise WireError(413)
            chunks.append(self._take(size))
            self._take_line()
        while self._take_line():
            pass
        return b"".join(chunks)

    def _take(self, size: int) -> bytes:
        if size > MAX_BODY:
            raise WireError(413)
        buffer = self._buffer
        if len(buffer) >= size:
            self._buffer = buffer[size:]
            return buffer[:size]
        parts = [buffer]
        have = len(buffer)
        while have < size:
            data = self._socket.recv(min(1_048_576, max(_READ, size - have)))
            if not data:
                raise ConnectionError
            parts.append(data)
            have += len(data)
        whole = b"".join(parts)
        self._buffer = whole[size:]
        return whole[:size]

    def _take_line(self) -> bytes:
        while True:
            line, found, rest = self._buffer.partition(b"\r\n")
            if found:
                self._buffer = rest
                return line
            if len(self._buffer) > MAX_HEAD:
                raise WireError(400)
            data = self._socket.recv(_READ)
            if not data:
                raise ConnectionError
            self._buffer += data


_REASONS = {status.value: status.phrase for status in HTTPStatus}


def written(response: Response, *, date: str, keep: bool, with_body: bool) -> bytes:
    """The bytes of an answer, in one piece so that it leaves in one packet."""
    status = response.status
    head = "".join([f"{name}: {value}\r\n" for name, value in response.headers.items()])
    closing = "" if keep else "Connection: close\r\n"
    lines = (
        f"HTTP/1.1 {status} {_REASONS.get(status, '')}\r\nDate: {date}\r\n{head}"
        f"Content-Length: {len(response.body)}\r\n{closing}\r\n"
    )
    data = lines.encode("latin-1", errors="replace")
    return data + response.body if with_body else data
