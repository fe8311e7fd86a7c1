"""Identity verification: the ``user_hash`` that Intercom's messenger asks for (rule H1)."""

from __future__ import annotations

import hashlib
import hmac
from typing import NoReturn

_BLOCK = 64
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


class UserHash:
    """HMAC-SHA256 under one key, which is hashed once and not kept.

    Args:
        key: The identity verification secret of the workspace.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: str | bytes) -> None:
        raw = key.encode() if isinstance(key, str) else key
        if not raw:
            message = "the identity verification secret is empty"
            raise ValueError(message)
        if len(raw) > _BLOCK:
            raw = hashlib.sha256(raw).digest()
        padded = raw.ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha256(padded.translate(_INNER))
        self._outer = hashlib.sha256(padded.translate(_OUTER))

    def of(self, identity: str) -> str:
        """The hash of a userId (or, without one, an e-mail) exactly as it is sent.

        >>> UserHash("secret").of("user-1")
        '1d16fd7e96e8a9681f283b8a251822ffdc71e2a5bda0c5267a044874fa21b82b'
        """
        inner = self._inner.copy()
        inner.update(identity.encode("utf-8", "surrogatepass"))
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.hexdigest()

    def verify(self, identity: str, claimed: str) -> bool:
        """Whether ``claimed`` is the hash of ``identity``; takes the same time for any claim."""
        return hmac.compare_digest(
            self.of(identity).encode(), claimed.encode("utf-8", "surrogatepass")
        )

    def __repr__(self) -> str:
        return "UserHash(***)"

    def __reduce__(self) -> NoReturn:
        """Never travels: make it anew from the secret, where it is needed."""
        message = "a UserHash must not be pickled: it would carry the secret"
        raise TypeError(message)
