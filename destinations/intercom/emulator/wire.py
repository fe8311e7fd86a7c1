"""Taking HTTP/1.1 requests out of a stream of bytes, and putting answers into one.

The header block is parsed by hand: the parser of the standard library is made for e-mail and
costs more than everything else that the emulator does for a request.
"""

from __future__ import annotations

from http import HTTPStatus

from destinations.intercom.emulator.messages import Request, Response

MAX_HEAD = 65_536
MAX_BODY = 67_108_864
"""Guard of this process only. The real service documents no limit, so none is imitated."""

_END = b"\r\n\r\n"
_REASONS = {status.value: status.phrase for status in HTTPStatus}


class WireError(Exception):
    """Bytes that are no request; the status says what to answer before closing."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Parser:
    """Is fed the bytes of one connection and gives back its requests, one after another."""

    __slots__ = ("_buffer", "_chunks", "_chunks_size", "_keep", "_pending", "_scanned", "_size")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._pending: Request | None = None
        self._keep = True
        self._size = 0
        self._chunks: list[bytes] | None = None
        self._chunks_size = 0
        self._scanned = 0

    def feed(self, data: bytes) -> None:
        """Add bytes that have come in."""
        self._buffer += data

    def next_request(self) -> tuple[Request, bool] | None:
        """The next whole request and whether the connection stays; None until more comes in."""
        if self._pending is None and not self._read_head():
            return None
        chunks = self._chunks
        body = self._whole_body() if chunks is None else self._chunked_body(chunks)
        request = self._pending
        if body is None or request is None:
            return None
        request.body = body
        self._pending = self._chunks = None
        return request, self._keep

    def wants_continue(self) -> bool:
        """Whether the peer waits for leave to send its body; true once for a request."""
        request = self._pending
        return request is not None and request.headers.pop("expect", "").lower() == "100-continue"

    def _read_head(self) -> bool:
        buffer = self._buffer
        while buffer[:2] == b"\r\n":
            del buffer[:2]
        end = buffer.find(_END, self._scanned)
        if end < 0:
            if len(buffer) > MAX_HEAD:
                raise WireError(431)
            self._scanned = max(0, len(buffer) - len(_END))
            return False
        line, _, block = buffer[:end].decode("latin-1").partition("\r\n")
        del buffer[: end + len(_END)]
        self._scanned = 0
        parts = line.split(" ")
        if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
            raise WireError(400)
        headers: dict[str, str] = {}
        for field in block.split("\r\n"):
            name, _, value = field.partition(":")
            headers[name.lower()] = value.strip()
        connection = headers.get("connection", "").lower()
        self._keep = connection == "keep-alive" if parts[2] == "HTTP/1.0" else connection != "close"
        target = parts[1]
        if not target.startswith("/"):
            target = "/" + target.partition("://")[2].partition("/")[2]
        if headers.get("transfer-encoding", "").lower() == "chunked":
            self._chunks, self._chunks_size = [], 0
        else:
            self._size = _length(headers.get("content-length", "0"))
        self._pending = Request(parts[0], target, headers, b"", block)
        return True

    def _whole_body(self) -> bytes | None:
        size = self._size
        if not size:
            return b""
        if len(self._buffer) < size:
            return None
        return self._take(size)

    def _chunked_body(self, chunks: list[bytes]) -> bytes | None:
        """Join the chunks; trailers are skipped."""
        buffer = self._buffer
        while True:
            end = buffer.find(b"\r\n")
            if end < 0:
                if len(buffer) > MAX_HEAD:
                    raise WireError(400)
                return None
            size = _chunk_size(bytes(buffer[:end]))
            if size == 0:
                return self._end_of_chunks(chunks)
            if self._chunks_size + size > MAX_BODY:
                raise WireError(413)
            if len(buffer) < end + 2 + size + 2:
                return None
            del buffer[: end + 2]
            chunks.append(self._take(size))
            self._chunks_size += size
            if self._take(2) != b"\r\n":
                raise WireError(400)

    def _end_of_chunks(self, chunks: list[bytes]) -> bytes | None:
        end = self._buffer.find(_END)
        if end < 0:
            if len(self._buffer) > MAX_HEAD:
                raise WireError(431)
            return None
        del self._buffer[: end + len(_END)]
        return b"".join(chunks)

    def _take(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken


def _length(value: str) -> int:
    if not (value.isascii() and value.isdigit()):
        raise WireError(400)
    if len(value) > len(str(MAX_BODY)) or int(value) > MAX_BODY:
        raise WireError(413)
    return int(value)


def _chunk_size(line: bytes) -> int:
    try:
        size = int(line.partition(b";")[0], 16)
    except ValueError:
        raise WireError(400) from None
    if size < 0:
        raise WireError(400)
    return size


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
