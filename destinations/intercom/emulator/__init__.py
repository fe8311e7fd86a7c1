"""A stand-in for the Intercom REST API 2.11, for tests and load runs.

It needs nothing but the standard library and shares no code with the client it tests.

    with Emulator(settings=EmulatorSettings(limit=None)) as emulator:
        call(emulator.url)
        print(emulator.state["contacts"])
"""

from __future__ import annotations

from destinations.intercom.emulator.emulator import Emulator, serve
from destinations.intercom.emulator.messages import Request, Response, request
from destinations.intercom.emulator.settings import EmulatorSettings, SettingsError

__all__ = [
    "Emulator",
    "EmulatorSettings",
    "Request",
    "Response",
    "SettingsError",
    "request",
    "serve",
]
