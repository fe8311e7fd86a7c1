"""Running a destination's generators: every call paced, retried, counted, and stopped in time."""

from __future__ import annotations

import random as random_module
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import tenacity

from pipeline.flow.breaker import Breaker
from pipeline.flow.retrying import RetryBudget, RetryPolicy
from pipeline.model.exchange import Deliverer, Memory, Verdict
from pipeline.model.operation import Call, Operation, Outcome, Response, Wait

_LONGEST_SLEEP = 1.0
_FORBIDDEN = 403


class Pace(Protocol):
    """Something that says when a call may be made, such as a ``Pacer``."""

    def acquire(self) -> float:
        """Wait until one call may be made; the seconds that took."""
        ...

    def observe(self, headers: Mapping[str, str], status: int) -> None:
        """Learn from an answer."""
        ...


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call as it is counted; it names nobody.

    Attributes:
        method: HTTP method.
        template: Path with every id replaced by ``{id}``.
        status: HTTP status; 0 where no answer came.
        seconds: How long the call took.
        waited: How long it had to wait for the rate limit before.
    """

    method: str
    template: str
    status: int
    seconds: float
    waited: float


_Judged = tuple[Response, Verdict]
"""An answer, and what the destination makes of it."""


@dataclass(slots=True)
class _Attempts:
    """The attempts at one call so far."""

    made: int = 0
    spent: float = 0.0


class _HaltedError(Exception):
    """The driver was halted before the call could be made."""


class Driver:
    """Carries out operations, one call after the other. Safe to share among threads.

    Args:
        destination: Whose generators are run and whose judgement counts.
        send: Makes one call; returns status 0 where no answer came, and never raises for that.
        pacer: Says when a call may be made.
        policy: When to try again.
        budget: How many retries there may be among all calls.
        breaker: Waits out an outage: while it is open no call is given up. When it gives up, the
            driver halts.
        sleep: Waits for so many seconds.
        clock: Seconds, monotonic.
        random: A number from 0 to 1, for the jitter.
        on_call: Told of every call, retries included, from whichever thread made it.
    """

    def __init__(
        self,
        destination: Deliverer,
        send: Callable[[Call], Response],
        pacer: Pace,
        *,
        policy: RetryPolicy | None = None,
        budget: RetryBudget | None = None,
        breaker: Breaker | None = None,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = random_module.random,
        on_call: Callable[[CallRecord], object] | None = None,
    ) -> None:
        self._destination = destination
        self._send = send
        self._pacer = pacer
        self._policy = policy if policy is not None else RetryPolicy()
        self._budget = budget if budget is not None else RetryBudget(clock=clock)
        self._breaker = breaker if breaker is not None else Breaker(clock=clock, random=random)
        self._sleep = sleep
        self._clock = clock
        self._random = random
        self._on_call = on_call
        self._lock = threading.Lock()
        self._halted: str | None = None
        self._outage = False
        self._counts: Counter[tuple[str, str, int]] = Counter()

    @property
    def halted(self) -> str | None:
        """Why no more calls are made, or None."""
        return self._halted

    @property
    def outage(self) -> bool:
        """Whether no more calls are made because the destination was down for too long."""
        return self._outage

    def halt(self, reason: str, *, outage: bool = False) -> None:
        """Make no more calls; the first reason stays."""
        with self._lock:
            if self._halted is None:
                self._halted = reason
                self._outage = outage

    def calls(self) -> dict[tuple[str, str, int], int]:
        """Calls made so far by method, path template and status."""
        with self._lock:
            return dict(self._counts)

    def run(self, operation: Operation, memory: Memory) -> Outcome:
        """Carry out ``operation``; the outcome says what came of it, whatever happens.

        Exceptions of the destination itself are bugs and come through.
        """
        if self._halted is not None:
            return self._undelivered()
        steps = self._destination.deliver(operation, memory)
        answer: Response | None = None
        try:
            while True:
                step = steps.send(answer)
                if isinstance(step, Wait):
                    self._sleep(step.seconds)
                    answer = None
                    continue
                answer, outcome = self._call(step)
                if outcome is not None:
                    return outcome
        except StopIteration as end:
            return _outcome(end)
        except _HaltedError:
            return self._undelivered()
        finally:
            steps.close()

    def _call(self, call: Call) -> tuple[Response | None, Outcome | None]:
        """The answer for the destination, or the outcome where there is none for it."""
        attempts = _Attempts()
        response, verdict = self._attempt(call, attempts)
        if verdict is Verdict.RETRY:
            if not call.repeatable:
                return response, None
            response, verdict = self._try_again(call, attempts, (response, verdict))
        if verdict is Verdict.FATAL and not (call.optional and response.status == _FORBIDDEN):
            self.halt(f"HTTP {response.status} for {call.method} {self._template(call)}")
            return None, _refused(response, "credentials_refused")
        if verdict is Verdict.RETRY:
            return None, _exhausted(response, attempts.made)
        return response, None

    def _try_again(self, call: Call, attempts: _Attempts, first: _Judged) -> _Judged:
        """The answer of the last attempt, after as many more as the policy allows."""
        made = [first]

        def attempt() -> _Judged:
            return made.pop() if made else self._attempt(call, attempts)

        def pause(state: tenacity.RetryCallState) -> float:
            del state
            return self._policy.pause(attempts.made, self._random())

        def exhausted(state: tenacity.RetryCallState) -> bool:
            if self._breaker.is_open:  # that is not this call's fault
                attempts.made, attempts.spent = 0, 0.0
                return False
            late = attempts.spent + state.upcoming_sleep > self._policy.max_elapsed
            return late or attempts.made >= self._policy.max_attempts

        def back_off(seconds: float) -> None:
            attempts.spent += seconds
            self._sleep(seconds)
            while (delay := self._budget.take()) > 0:
                self._sleep(delay)

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_result(_is_passing),
            wait=pause,
            stop=exhausted,
            sleep=back_off,
            retry_error_callback=_last_result,
        )
        judged: _Judged = retrying(attempt)
        return judged

    def _attempt(self, call: Call, attempts: _Attempts) -> _Judged:
        """One attempt; being over the rate limit is none."""
        attempts.made += 1
        while True:
            response, verdict, seconds = self._make(call)
            if verdict is not Verdict.THROTTLED:
                attempts.spent += seconds
                return response, verdict

    def _make(self, call: Call) -> tuple[Response, Verdict, float]:
        self._wait_for_destination()
        try:
            response, seconds, waited = self._send_paced(call)
        except BaseException:
            self._breaker.withdrawn()
            raise
        verdict = self._destination.judge(response)
        if verdict is Verdict.RETRY:
            self._breaker.failed(answered=response.status != 0)
        else:
            self._breaker.succeeded()
        record = CallRecord(call.method, self._template(call), response.status, seconds, waited)
        with self._lock:
            self._counts[record.method, record.template, record.status] += 1
        if self._on_call is not None:
            self._on_call(record)
        return response, verdict, seconds

    def _wait_for_destination(self) -> None:
        """Return when a call may be made; in an outage that is as a probe."""
        while True:
            if self._halted is not None:
                raise _HaltedError
            if self._breaker.is_given_up:
                lasted = f"{self._breaker.max_outage:.0f} s"
                self.halt(f"the destination was down for {lasted}", outage=True)
            elif (delay := self._breaker.attempt()) > 0:
                self._sleep(min(delay, _LONGEST_SLEEP))
            else:
                return

    def _send_paced(self, call: Call) -> tuple[Response, float, float]:
        """The answer, the seconds that it took, and those that it had to wait before."""
        self._budget.attempted()
        waited = self._pacer.acquire()
        response = Response(0)
        began = self._clock()
        try:
            if self._halted is not None:  # somebody else met a refusal while this one waited
                raise _HaltedError
            response = self._send(call)
        finally:
            self._pacer.observe(response.headers, response.status)
        return response, self._clock() - began, waited

    def _template(self, call: Call) -> str:
        return self._destination.template(call)

    def _undelivered(self) -> Outcome:
        return Outcome("dead", "undelivered", f"not sent: the run was stopped ({self._halted})")


def _outcome(end: StopIteration) -> Outcome:
    if not isinstance(end.value, Outcome):
        message = f"a destination ended an operation with {end.value!r} instead of an Outcome"
        raise TypeError(message)
    return end.value


def _is_passing(judged: _Judged) -> bool:
    return judged[1] is Verdict.RETRY


def _last_result(state: tenacity.RetryCallState) -> _Judged:
    if state.outcome is None:
        message = "a call was given up before it was made"
        raise RuntimeError(message)
    judged: _Judged = state.outcome.result()
    return judged


def _refused(response: Response, reason: str) -> Outcome:
    return Outcome("dead", reason, _told(response), http_status=response.status)


def _exhausted(response: Response, attempts: int) -> Outcome:
    message = f"given up after {attempts} attempts; the last answer: {_told(response)}"
    status = response.status or None
    return Outcome("dead", "retries_exhausted", message, http_status=status)


def _told(response: Response) -> str:
    text = " ".join(response.text.split())[:200]
    if not response.status:
        return text or "none"
    return f"HTTP {response.status}: {text}" if text else f"HTTP {response.status}"
