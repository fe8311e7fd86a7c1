"""Which custom attributes the workspace has: asked once, created once, however many are waiting.

What is known goes to the memory, so that a later run asks nothing about names it has met.
``attribute``: ``contact:plan`` -> its type, kept between runs. ``run.attribute``: of this run only,
``contact:plan`` -> ``known`` (seen or made in this run), ``archived`` or ``refused``; ``contact:``
-> ``listed``, or ``unlisted`` where the list cannot be read; ``:`` -> ``full``, no more can be
made; ``:scope`` where the token has no permission for attributes.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from destinations.base import Exchange, ask
from destinations.intercom import answers
from pipeline.model.operation import Call, Response

if TYPE_CHECKING:
    from destinations.base import Memory

Model = Literal["contact", "company"]

ABSENT = "absent"
"""The workspace has no such attribute."""
UNKNOWN = "unknown"
"""Nothing can be known of it before it is sent."""
ARCHIVED = "archived"
"""Nobody can write to it."""
REFUSED = "refused"
"""The API will not have it: its name, or there is no room."""

NOT_READABLE = "attributes_not_readable"
"""The warning where the token has no permission for attributes."""

_TYPES, _RUN = "attribute", "run.attribute"
_KNOWN, _LISTED, _UNLISTED, _FULL = "known", "listed", "unlisted", "full"
_WORKSPACE = ":"
_SCOPE = ":scope"
_FORBIDDEN = 403
_CAP = "custom_data_limit_reached"
_PATIENCE = 30.0
_LOCKS: dict[str, threading.Lock] = {}


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """Let one thread at a time go on; the others profit from what it learns.

    This saves calls and nothing else, so nobody waits for ever.
    """
    lock = _LOCKS.setdefault(name, threading.Lock())
    held = lock.acquire(timeout=_PATIENCE)
    try:
        yield
    finally:
        if held:
            lock.release()


class Catalogue:
    """The custom attributes of contacts or of companies."""

    def __init__(self, model: Model, memory: Memory) -> None:
        self._model = model
        self._memory = memory
        self.warnings: list[str] = []

    def find(self, name: str) -> Exchange[str]:
        """The attribute's type, or ABSENT, ARCHIVED, REFUSED or UNKNOWN."""
        known = self._remembered(name)
        if known is None:
            yield from self._read_list()
            known = self._remembered(name)
        if known is not None:
            return known
        return ABSENT if self._noted("") == _LISTED else UNKNOWN

    def create(self, name: str, data_type: str) -> Exchange[tuple[str, bool]]:
        """As ``find`` after having created it, and whether it was this call that did."""
        with _alone(self._key(name)):
            known = self._remembered(name)
            if known is not None:
                return known, False
            if self._memory.get(_RUN, _WORKSPACE) == _FULL:
                return REFUSED, False
            body = {"name": name, "model": self._model, "data_type": data_type}
            response = yield from ask(Call("POST", "/data_attributes", body, optional=True))
            if answers.ok(response):
                self._learn(name, data_type)
                return data_type, True
            if not self._is_there(response):
                self._warn_of(response)
                if answers.code(response) == _CAP or response.status == _FORBIDDEN:
                    self._memory.put(_RUN, _WORKSPACE, _FULL)
                self.refuse(name)
                return REFUSED, False
        # Somebody else has made it since the list was read.
        if self._noted("") == _LISTED:
            self._memory.forget(_RUN, self._key(""))
        found = yield from self.find(name)
        return (UNKNOWN if found == ABSENT else found), False

    def doubt(self, name: str) -> None:
        """Forget what an earlier run knew of it; what this run has seen stays."""
        if self._noted(name) is None:
            self._memory.forget(_TYPES, self._key(name))

    def refuse(self, name: str) -> None:
        """Leave the attribute out from the beginning for the rest of this run."""
        self._memory.forget(_TYPES, self._key(name))
        self._note(name, REFUSED)

    def _remembered(self, name: str) -> str | None:
        noted = self._noted(name)
        if noted in (ARCHIVED, REFUSED):
            return noted
        return self._memory.get(_TYPES, self._key(name))

    def _read_list(self) -> Exchange[None]:
        if self._noted("") is not None:
            return
        with _alone(self._key("")):
            if self._noted("") is not None:
                return
            path = f"/data_attributes?model={self._model}&include_archived=true"
            response = yield from ask(Call("GET", path, optional=True))
            self._warn_of(response)
            if not answers.ok(response) or not answers.has_list(response):
                self._note("", _UNLISTED)
                return
            for row in answers.listed(response):
                self._learn_row(row)
            self._note("", _LISTED)

    def _warn_of(self, response: Response) -> None:
        """Say once in a run that the token has no permission for attributes."""
        if response.status == _FORBIDDEN and self._memory.get(_RUN, _SCOPE) is None:
            self._memory.put(_RUN, _SCOPE, _UNLISTED)
            self.warnings.append(NOT_READABLE)

    def _learn_row(self, row: Mapping[str, Any]) -> None:
        name, data_type = row.get("name"), row.get("data_type")
        if row.get("custom") is not True or not isinstance(name, str):
            return
        if row.get("archived") is True:
            self._memory.forget(_TYPES, self._key(name))
            self._note(name, ARCHIVED)
        elif isinstance(data_type, str):
            self._learn(name, data_type)

    def _learn(self, name: str, data_type: str) -> None:
        self._memory.put(_TYPES, self._key(name), data_type)
        self._note(name, _KNOWN)

    def _is_there(self, response: Response) -> bool:
        """Whether creation was refused because there is one already, and of this model."""
        text = answers.explanation(response)
        own = "people" if self._model == "contact" else "company"
        return "already have" in text and f"in your {own} data" in text

    def _noted(self, name: str) -> str | None:
        return self._memory.get(_RUN, self._key(name))

    def _note(self, name: str, what: str) -> None:
        self._memory.put(_RUN, self._key(name), what)

    def _key(self, name: str) -> str:
        return f"{self._model}:{name}"
