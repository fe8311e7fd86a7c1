"""Dead letters tried again: which are chosen, and what of their files stays afterwards.

Pure. One letter is one event, named by its id. While a replay runs, it notes every event that is
done with in a journal, and writes a letter with the same id for every one that failed again. From
these two alone follows what becomes of the letters that were there before, so a replay that was
killed can be tidied up after by the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import msgspec

from pipeline.flow.dead_letters import DeadLetter, Receipt, iso, micros
from pipeline.model.decode import DEFAULT_MAX_BYTES, decode_line
from pipeline.model.event import Event
from pipeline.model.text import text_of_id

NOT_TRIED = frozenset({"undelivered", "credentials_refused"})
"""Reasons that say nothing about the event: the run was stopped. The earlier reason stays."""

Fate = Literal["keep", "done", "superseded"]

_IDS = ("userId", "anonymousId", "previousId")
_EMAILS = ((), ("traits",), ("properties",), ("context", "traits"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which dead letters are meant; None and the empty set mean all.

    Attributes:
        reasons: Why they were refused.
        since: They were refused then or later, microseconds since 1970.
        until: They were refused before then.
        event: Name of the event, or its type.
        person: userId, anonymousId or e-mail address of whom the event is about.
    """

    reasons: frozenset[str] = frozenset()
    since: int | None = None
    until: int | None = None
    event: str | None = None
    person: str | None = None

    def takes(self, letter: DeadLetter) -> bool:
        """Whether the letter is one of them."""
        receipt = letter.receipt
        return (
            (not self.reasons or letter.reason in self.reasons)
            and (self.since is None or letter.failed_at >= self.since)
            and (self.until is None or letter.failed_at < self.until)
            and (self.event is None or self.event in (receipt.name, receipt.type))
            and (self.person is None or self.person.lower() in set(_names(letter)))
        )


def _names(letter: DeadLetter) -> Iterator[str]:
    """Everything by which the event may name whom it is about, in lower case."""
    if letter.receipt.user_id is not None:
        yield letter.receipt.user_id.lower()
    for event in decode_line(letter.receipt.raw, origin="", now=0):
        if isinstance(event, Event):
            found: list[Any] = [event.body.get(key) for key in _IDS]
            found += [_at(event.body, (*path, "email")) for path in _EMAILS]
            yield from (name.lower() for name in map(text_of_id, found) if name)


def _at(body: Any, path: Iterable[str]) -> Any:
    for key in path:
        body = body.get(key) if isinstance(body, dict) else None
    return body


def is_replayable(letter: DeadLetter) -> bool:
    """Whether there is anything to try: of what could not be read there are no bytes."""
    return bool(letter.receipt.raw.strip())


def first_seen(letter: DeadLetter) -> int:
    """The time of an event that states none, as it was when the event was first read."""
    return letter.failed_at if letter.receipt.time is None else letter.receipt.time


def apart(letter: DeadLetter, *, max_bytes: int = DEFAULT_MAX_BYTES) -> list[DeadLetter]:
    """The letter, or one for each event where its line turns out to hold several.

    That is so for a batch that was refused as a whole, for its length say, and is not any more.
    """
    receipt = letter.receipt
    if letter.stage != "decode":
        return [letter]
    found = decode_line(
        receipt.raw, origin=receipt.origin, now=first_seen(letter), max_bytes=max_bytes
    )
    if len(found) < 2:
        return [letter]
    return [
        replace(
            letter,
            receipt=Receipt.of(each, mapping=receipt.mapping, fingerprint=receipt.fingerprint),
        )
        for each in found
    ]


# --- the journal -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Done:
    """An event that is done with: delivered, or found to need no delivery.

    Attributes:
        id: Of its dead letter.
        at: When, microseconds since 1970.
        outcome: ``delivered``, or ``merged`` or ``skipped`` with the reason behind a slash.
    """

    id: str
    at: int
    outcome: str


def encode_done(done: Done) -> bytes:
    """One line of a journal, without the line end."""
    return msgspec.json.encode({"id": done.id, "at": iso(done.at), "outcome": done.outcome})


def decode_done(line: bytes) -> Done | None:
    """What a line of a journal says; None for a line that was not written to its end."""
    try:
        record = msgspec.json.decode(line)
        return Done(record["id"], micros(record["at"]), record["outcome"])
    except (msgspec.DecodeError, KeyError, TypeError, ValueError):
        return None


# --- what becomes of the letters that were there before ----------------------------------------


@dataclass(frozen=True, slots=True)
class Tried:
    """What a replay has achieved.

    Attributes:
        run_id: Its name.
        done: Letter id -> what became of the event.
        again: Letter id -> when it failed once more, microseconds since 1970.
    """

    run_id: str
    done: Mapping[str, Done]
    again: Mapping[str, int]

    def fate(self, letter: DeadLetter) -> Fate:
        """What becomes of a letter that was there before the replay, or has come since."""
        done = self.done.get(letter.id)
        if done is not None and letter.failed_at <= done.at:
            return "done"
        if letter.failed_at < self.again.get(letter.id, letter.failed_at):
            return "superseded"
        return "keep"

    def stamped(self, line: bytes, letter: DeadLetter) -> bytes:
        """The line of a letter that is done with, saying what became of the event."""
        done = self.done[letter.id]
        record = msgspec.json.decode(line)
        stamp = {"at": iso(done.at), "outcome": done.outcome, "run_id": self.run_id}
        return msgspec.json.encode({**record, "done": stamp})
