"""Scripted answers of Intercom."""

import pytest

from destinations.conformance import DictMemory, play
from destinations.intercom import Intercom
from pipeline.model.operation import Operation, Response

ID = "5f0c1d2e3a4b5c6d7e8f9a0b"


class Script:
    """Plays one operation after another against scripted answers, with one memory."""

    def __init__(self):
        self.memory = DictMemory()
        self.destination = Intercom()
        self.transcript = None

    def settings(self, **settings):
        self.destination = Intercom.from_settings(settings)
        return self

    def knows(self, **attributes):
        """Remember types of contacts' custom attributes."""
        for name, kind in attributes.items():
            self.memory.put("attribute", f"contact:{name}", kind)
        return self

    def play(self, kind, person, fields, *answers):
        operation = Operation(kind, person, 1, fields)
        self.transcript = play(self.destination, operation, answers, self.memory)
        return self.transcript.outcome

    @property
    def lines(self):
        """What was called, in short."""
        return [f"{call.method} {call.path}" for call in self.transcript.calls]

    @property
    def bodies(self):
        return [call.body for call in self.transcript.calls]

    @property
    def waits(self):
        return self.transcript.waits


@pytest.fixture
def script():
    return Script()


@pytest.fixture
def done():
    """A successful answer."""

    def make(contact_id=ID, **more):
        return Response(200, {}, {"id": contact_id, **more})

    return make


@pytest.fixture
def error():
    """An error.list."""

    def make(status, code="parameter_invalid", message="no", field=None):
        fault = {"code": code, "message": message}
        if field is not None:
            fault["field"] = field
        return Response(status, {}, {"type": "error.list", "errors": [fault]}, message)

    return make
