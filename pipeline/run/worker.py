"""What workers open for themselves: connections and the state. Picklable, and holds no secret."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from destinations.intercom.rehearsal import rehearse
from destinations.transport import Endpoint
from pipeline.errors import StateDown
from pipeline.flow.deliver import Remembering
from pipeline.flow.name_registry import NameRegistry
from pipeline.flow.stopping import STOP
from pipeline.state.memory import RememberedState
from pipeline.state.patience import Patience
from pipeline.state.store import StateStore
from pipeline.state.unshared import UnsharedState
from pipeline.state.windows import SharedWindows

if TYPE_CHECKING:  # the rest of this module needs no Beam
    from pipeline.transforms.deliver import Send

IN_MEMORY = "sqlite://"
"""The state that is gone with the process."""
MAX_OUTAGE = 900.0
"""Seconds for which a state store that is away is waited for."""
_WINDOWS_PATIENCE = 2.0  # the headers do without it


def patience(max_outage: float) -> Patience:
    """Waits for a state store, and stops the run when it was away for too long."""
    return Patience(
        max_outage,
        given_up=lambda message: STOP.stop(message, StateDown),
        stopped=lambda: STOP.reason is not None,
    )


@dataclass(frozen=True, slots=True)
class SendTo:
    """Opens a transport to an endpoint; the token is read on the worker."""

    endpoint: Endpoint

    def __call__(self, stack: ExitStack) -> Send:
        """A function that makes calls until the stack is closed."""
        return stack.enter_context(self.endpoint.open()).send


@dataclass(frozen=True, slots=True)
class Rehearse:
    """Opens nothing: every call is answered as a willing API would."""

    def __call__(self, stack: ExitStack) -> Send:
        """A function that answers calls."""
        return rehearse


@dataclass(frozen=True, slots=True)
class OpenState:
    """Opens the state store and the memory of one workspace in it."""

    url: str
    scope: str
    max_outage: float = MAX_OUTAGE

    def __call__(self, stack: ExitStack) -> Remembering:
        """The memory; it is stored and closed with the stack."""
        if self.url == IN_MEMORY:
            return UnsharedState()
        store = stack.enter_context(StateStore.open(self.url, patience=patience(self.max_outage)))
        return stack.enter_context(RememberedState(store, self.scope))


@dataclass(frozen=True, slots=True)
class OpenNames:
    """Opens the state store and the registry of event names of one workspace in it."""

    url: str
    scope: str
    max_outage: float = MAX_OUTAGE

    def __call__(self, stack: ExitStack) -> NameRegistry:
        """The registry; closed with the stack."""
        store = StateStore.open(self.url, patience=patience(self.max_outage))
        return NameRegistry(stack.enter_context(store), self.scope)


@dataclass(frozen=True, slots=True)
class OpenWindows:
    """Opens the state store and the accounts of the API's windows in it, where it is shared."""

    url: str
    scope: str

    def __call__(self, stack: ExitStack) -> SharedWindows | None:
        """The accounts, closed with the stack; None where no other process could see them."""
        if self.url == IN_MEMORY:
            return None
        store = StateStore.open(self.url, patience=Patience(_WINDOWS_PATIENCE))
        return SharedWindows(stack.enter_context(store), self.scope)


def scope_of(destination: str, base_url: str, workspace: str = "") -> str:
    """Keeps what is remembered of different workspaces apart: 16 hex digits.

    ``workspace`` is the id that the destination tells; empty where it tells none.
    """
    named = f"{destination} {base_url.rstrip('/')} {workspace}".rstrip()
    return hashlib.sha256(named.encode()).hexdigest()[:16]
