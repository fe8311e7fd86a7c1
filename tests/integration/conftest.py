"""A client with everything around it, on the clock of the emulator it speaks to."""

import pytest

from destinations.intercom import DESTINATION
from destinations.intercom.connection import endpoint
from destinations.intercom.emulator import Emulator, EmulatorSettings
from destinations.transport import Secret
from pipeline.flow.drive import Driver
from pipeline.flow.pacing import Pacer
from pipeline.model.operation import Operation, Person
from pipeline.state import RememberedState, StateStore

ADA = Person("user-1", "ada@example.com")


class Rig:
    """Carries out single operations against the emulator."""

    def __init__(self, emulator, transport, memory, settings=None):
        self.emulator = emulator
        self.memory = memory
        clock = emulator.application.now
        self.pacer = Pacer(clock=clock, sleep=emulator.advance, random=lambda: 0.5)
        self.driver = Driver(
            DESTINATION.from_settings(settings or {}),
            transport.send,
            self.pacer,
            sleep=emulator.advance,
            clock=clock,
            random=lambda: 0.5,
        )

    def do(self, kind, person=ADA, **fields):
        return self.driver.run(Operation(kind, person, 1, fields), self.memory)

    def upsert(self, person=ADA, **fields):
        return self.do("upsert_contact", person, **fields)

    def carry_out(self, work):
        operations = [operation for task in work.tasks for operation in task.operations]
        return [self.driver.run(operation, self.memory) for operation in operations]

    def contacts(self):
        return self.emulator.state["contacts"]

    def calls(self):
        return [f"{entry['method']} {entry['path']}" for entry in self.emulator.requests]


@pytest.fixture
def emulator():
    with Emulator(settings=EmulatorSettings(limit=None)) as running:
        yield running


@pytest.fixture
def memory():
    with StateStore.open("sqlite://") as store, RememberedState(store, "test") as remembered:
        yield remembered


@pytest.fixture
def transport(emulator, monkeypatch):
    monkeypatch.setenv("TEST_TOKEN", "test-token")
    with endpoint(base_url=emulator.url, token=Secret("TEST_TOKEN")).open() as opened:
        yield opened


@pytest.fixture
def make_rig(emulator, transport, memory):
    """Makes a rig with settings, or with another memory."""

    def make(*, remembered=memory, **settings):
        return Rig(emulator, transport, remembered, settings)

    return make


@pytest.fixture
def rig(make_rig):
    return make_rig()
