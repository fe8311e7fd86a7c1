"""What every destination must keep to, as functions that its tests call.

A destination's own test hands over a factory, an operation of each kind, and the text of a secret;
``check_all`` does the rest. Nothing here makes a call: answers are scripted.
"""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from destinations.base import Destination, Memory, Verdict
from pipeline.model.operation import Call, Operation, Outcome, Response, Wait
from pipeline.model.refusal import DEAD_REASONS, MERGE_REASONS

MOST_STEPS = 200
"""An operation that wants more steps than this will never end."""

BODIES: tuple[tuple[Any, str], ...] = (
    (None, ""),
    (None, "<html><body>Bad gateway</body></html>"),
    ([], "[]"),
    ("text", '"text"'),
    (0, "0"),
    ({}, "{}"),
    ({"errors": None}, ""),
    ({"type": "error.list", "errors": []}, ""),
    ({"type": "error.list", "errors": [None, {}, {"code": 7, "message": None}]}, ""),
    ({"id": "../../other?x=1", "data": {"id": 3}}, ""),
    ({"id": None, "data": [None, 1, {"id": "a/b"}], "pages": {"next": 1}}, ""),
)
"""Bodies that an API should never send, and does."""

STATUSES = (200, 202, 204, 301, 400, 402, 404, 405, 406, 409, 410, 413, 415, 422, 501)
"""Statuses that reach a destination: none that should be retried or should stop the run."""


class ConformanceError(AssertionError):
    """A destination broke a rule; the text says which."""


class DictMemory:
    """A memory that is a dict; ``entries`` is open to tests."""

    def __init__(self, entries: Mapping[tuple[str, str], str] | None = None) -> None:
        self.entries = dict(entries or {})

    def get(self, kind: str, key: str) -> str | None:
        """The value, or None where nothing is remembered."""
        return self.entries.get((kind, key))

    def put(self, kind: str, key: str, value: str) -> None:
        """Remember ``value``, over what was there."""
        self.entries[kind, key] = value

    def forget(self, kind: str, key: str) -> None:
        """Drop what is remembered; no error where there was nothing."""
        self.entries.pop((kind, key), None)


@dataclass(slots=True)
class Transcript:
    """What one operation wanted and what came of it."""

    calls: list[Call] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    outcome: Outcome = field(default_factory=lambda: Outcome("delivered"))


def play(
    destination: Destination,
    operation: Operation,
    answers: Iterable[Response] | Callable[[Call], Response],
    memory: Memory | None = None,
) -> Transcript:
    """Run ``operation`` with scripted answers: one after the other, or by a function of the call.

    Raises:
        ConformanceError: The generator protocol is broken, or the answers do not suffice.
    """
    transcript = Transcript()
    script = None if callable(answers) else iter(answers)
    steps = destination.deliver(operation, memory if memory is not None else DictMemory())
    answer: Response | None = None
    try:
        for _ in range(MOST_STEPS):
            step = steps.send(answer)
            if isinstance(step, Wait):
                _require(step.seconds >= 0, f"waits {step.seconds} seconds")
                transcript.waits.append(step.seconds)
                answer = None
                continue
            _check_call(step)
            transcript.calls.append(step)
            if callable(answers):
                answer = answers(step)
            elif script is not None:
                answer = next(script, None)
                _require(answer is not None, f"wants one more call: {step}")
    except StopIteration as end:
        _check_outcome(end.value)
        transcript.outcome = end.value
        return transcript
    finally:
        steps.close()
    message = f"{operation.kind} does not end within {MOST_STEPS} steps"
    raise ConformanceError(message)


def check_all(
    make: Callable[[], Destination], operations: Sequence[Operation], *, secret: str
) -> None:
    """Every check there is.

    Args:
        make: Makes the destination with its default options.
        operations: At least one operation of each kind, with all its fields.
        secret: Something in the environment that must never show.
    """
    check_operations(make(), operations)
    check_answers(make(), operations)
    check_judgement(make())
    check_pickling(make(), operations)
    check_repeatable(make(), operations)
    check_templates(make(), operations)
    check_redaction(make(), secret)
    check_imports(type(make()).__module__)


def check_operations(destination: Destination, operations: Sequence[Operation]) -> None:
    """The table of operations is complete, and each kind in it can be delivered."""
    tried = {operation.kind for operation in operations}
    _require(tried == set(destination.operations), "operations must hold one of each kind")
    for kind, spec in destination.operations.items():
        _require(spec.required <= spec.fields.keys(), f"{kind} requires a field it does not have")
        _require(bool(spec.summary.endswith(".")), f"the summary of {kind} is no sentence")
    for operation in operations:
        spec = destination.operations[operation.kind]
        unknown = operation.fields.keys() - spec.fields.keys()
        _require(not unknown, f"{operation.kind} has no field {', '.join(unknown)}")
        play(destination, operation, _willing)


def check_answers(destination: Destination, operations: Sequence[Operation]) -> None:
    """Whatever an API answers, an operation ends, with an outcome, and without an exception.

    Ids out of answers never reach a path unless they are plain.
    """
    for operation in operations:
        for status in STATUSES:
            for body, text in BODIES:
                answer = Response(status, {}, body, text)
                for good in (0, 1, 2, 3):  # what comes before goes well
                    play(destination, operation, _willing_then(good, answer))


def check_judgement(destination: Destination) -> None:
    """Rules E1-E4: what is retried, what pauses everybody, what stops the run."""
    expected = {
        Verdict.RETRY: (0, 408, 423, 500, 502, 503, 504, 599),
        Verdict.THROTTLED: (429,),
        Verdict.FATAL: (401, 403),
        Verdict.ANSWER: STATUSES,
    }
    for verdict, statuses in expected.items():
        for status in statuses:
            for body, text in BODIES:
                judged = destination.judge(Response(status, {}, body, text))
                wanted = verdict
                if 200 <= status < 300 and body is None and text.strip():
                    wanted = Verdict.RETRY  # a page of somebody in between is no answer
                _require(judged is wanted, f"judges {status} to be {judged}, not {wanted}")


def check_pickling(destination: Destination, operations: Sequence[Operation]) -> None:
    """A destination that has travelled does what it did before."""
    again: Destination = pickle.loads(pickle.dumps(destination))  # noqa: S301 - our own bytes
    for operation in operations:
        before = play(destination, operation, _willing).calls
        _require(play(again, operation, _willing).calls == before, "changed by pickling")


def check_repeatable(destination: Destination, operations: Sequence[Operation]) -> None:
    """The same operation with the same answers makes the same calls, and changes no input."""
    for operation in operations:
        before = repr(operation)
        first = play(destination, operation, _willing)
        second = play(destination, operation, _willing)
        _require(first.calls == second.calls, f"{operation.kind} differs from one time to the next")
        _require(repr(operation) == before, f"{operation.kind} changes its own fields")


def check_templates(destination: Destination, operations: Sequence[Operation]) -> None:
    """What calls are counted by holds no id and no query."""
    for operation in operations:
        for call in play(destination, operation, _willing).calls:
            template = destination.template(call)
            _require("?" not in template, f"{template} has a query")
            _require(_ID not in template, f"{template} has an id")


def check_redaction(destination: Destination, secret: str) -> None:
    """The destination holds no secret that could be printed or pickled."""
    _require(secret not in repr(destination), "repr shows a secret")
    _require(secret.encode() not in pickle.dumps(destination), "pickle carries a secret")


def check_imports(module: str) -> None:
    """Importing a destination never loads Beam; tried in a process of its own."""
    code = f"import sys, {module}; sys.exit('apache_beam' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=False)  # noqa: S603 - our own code
    _require(done.returncode == 0, f"importing {module} loads apache_beam, or fails")


_ID = "5f0c1d2e3a4b5c6d7e8f9a0b"


def _willing(call: Call) -> Response:
    """An API that finds, makes and does everything."""
    found = {"id": _ID, "external_id": "x", "role": "user", "company_id": "x"}
    if call.path.endswith("/search"):
        return Response(200, {}, {"type": "list", "data": [found]})
    return Response(200, {}, found)


def _willing_then(good: int, answer: Response) -> Callable[[Call], Response]:
    left = [good]

    def respond(call: Call) -> Response:
        left[0] -= 1
        return _willing(call) if left[0] >= 0 else answer

    return respond


def _check_call(step: object) -> None:
    _require(isinstance(step, Call), f"yields {step!r} instead of a Call or a Wait")
    if isinstance(step, Call):
        _require(step.method in ("GET", "POST", "PUT", "DELETE", "PATCH"), f"method of {step}")
        _require(
            re.fullmatch(r"(/[A-Za-z0-9_.~%-]+)+(\?[A-Za-z0-9_.~%&=+-]*)?", step.path) is not None
            and "/.." not in step.path,
            f"path {step.path!r} is not encoded",
        )


def _check_outcome(outcome: object) -> None:
    _require(isinstance(outcome, Outcome), f"returns {outcome!r} instead of an Outcome")
    if isinstance(outcome, Outcome):
        reasons: dict[str, Collection[str | None]] = {
            "dead": DEAD_REASONS,
            "merged": MERGE_REASONS,
            "delivered": [None],
        }
        known = reasons[outcome.status]
        _require(outcome.reason in known, f"{outcome.status} because {outcome.reason!r}")


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise ConformanceError(message)
