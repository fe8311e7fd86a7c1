"""Filling the state with what the destination holds, before the first event is sent."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from destinations.intercom import Intercom
from destinations.intercom.connection import endpoint
from destinations.intercom.warm import LISTS, Fields, Warming
from destinations.secret import Secret
from destinations.transport import Endpoint
from pipeline.errors import CredentialsRefused, PenstockError, UsageError
from pipeline.flow.drive import Driver
from pipeline.flow.pacing import Pacer
from pipeline.flow.registers import Registers
from pipeline.flow.shared import Cell
from pipeline.model.operation import Operation, Person
from pipeline.run import workspaces
from pipeline.run.options import DEFAULT_TOKEN
from pipeline.run.worker import IN_MEMORY, OpenWindows
from pipeline.state.memory import RememberedState
from pipeline.state.store import StateStore

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmConfig:
    """The options of ``penstock warm``; they mean what they mean to ``run``."""

    state: str
    region: str = "us"
    endpoint: str | None = None
    insecure: bool = False
    token: str = DEFAULT_TOKEN
    rate: float | None = None
    share: float = 1.0


def warm(
    config: WarmConfig,
    *,
    progress: Callable[[Counter[str]], object] = lambda found: None,
    sleep: Callable[[float], object] = time.sleep,
) -> dict[str, Any]:
    """List contacts and companies, and remember them; taken up again where it was stopped.

    Args:
        config: From where, and into what.
        progress: Told after each page what was found so far.
        sleep: Waits for so many seconds.

    Raises:
        UsageError: The state or the destination cannot be used.
        CredentialsRefused: The token is refused.
    """
    if config.state == IN_MEMORY:
        message = "warm fills a state that is kept: give --state sqlite:///FILE, and run the same"
        raise UsageError(message)
    target = endpoint(
        config.region,
        base_url=config.endpoint,
        token=Secret.from_reference(config.token),
        insecure=config.insecure,
    )
    destination, began = Intercom(), time.monotonic()
    with ExitStack() as stack:
        store = stack.enter_context(StateStore.open(config.state))
        send = stack.enter_context(target.open()).send
        answer = workspaces.ask_who(send, target, Counter(), sleep=sleep)
        workspaces.refuse_unless_answered(target, answer)
        workspace = workspaces.told(answer)
        scope = workspaces.learn(store, destination.name, target.base_url, workspace)
        memory = RememberedState(store, scope)
        registers = Registers(memory)

        def learn(kind: str, key: str, fields: Fields) -> None:
            cells = {path: Cell(moment, "", value) for path, (moment, value) in fields.items()}
            registers.told(kind, key, cells)

        def turned() -> None:
            _flush(memory)
            progress(warming.found)

        warming = Warming(destination, learn, turned=turned)
        pacer = Pacer(
            destination.rate_headers,
            per_minute=config.rate,
            share=config.share,
            windows=OpenWindows(config.state, scope)(stack),
            sleep=sleep,
        )
        driver = Driver(warming, send, pacer, sleep=sleep)
        for kind in LISTS:
            outcome = driver.run(Operation(kind, Person(), 0, {}), memory)
            if outcome.status == "dead":
                raise _stopped(outcome.reason, outcome.message, target)
        for kind in LISTS:
            memory.forget("warm", kind)
        _flush(memory)
    calls: dict[str, dict[str, int]] = {}
    for (method, template, status), count in sorted(driver.calls().items()):
        calls.setdefault(f"{method} {template}", {})[str(status)] = count
    return {
        "version": VERSION,
        "found": {name: warming.found[name] for name in _FOUND},
        "calls": calls,
        "seconds": round(time.monotonic() - began, 3),
    }


_FOUND = ("contacts", "companies", "memberships", "leads_left_out", "nameless_left_out",
          "duplicate_emails")  # fmt: skip


def _flush(memory: RememberedState) -> None:
    try:
        memory.flush()
    except SQLAlchemyError as error:
        message = f"cannot write the state: {getattr(error, 'orig', None) or type(error).__name__}"
        raise UsageError(message) from error


def _stopped(reason: str | None, message: str, target: Endpoint) -> PenstockError:
    if reason == "credentials_refused":
        text = f"{target.base_url} refuses the access token; check {target.token.name}"
        return CredentialsRefused(text)
    return UsageError(
        f"{target.base_url}: {message}; what was read is kept, `penstock warm` goes on from there"
    )
