"""The conformance suite finds what it is there to find."""

from types import MappingProxyType

import pytest

from destinations import conformance
from destinations.base import OperationSpec, RateHeaders, ask
from destinations.intercom import Intercom
from pipeline.model.operation import DELIVERED, Call, Operation, Outcome, Person, Response, Wait

OPERATION = Operation("do", Person("u"), 1, {})


class Fake:
    """A destination that does as it is told."""

    name = "fake"
    operations = MappingProxyType({"do": OperationSpec("Do it.", {})})
    rate_headers = RateHeaders()

    def __init__(self, *steps, result=DELIVERED):
        self.steps = steps
        self.result = result

    def deliver(self, operation, memory):
        for step in self.steps:  # noqa: UP028 - a tuple cannot be sent answers
            yield step
        return self.result

    def judge(self, response):
        return Intercom().judge(response)

    def template(self, call):
        return call.path


GOOD = Call("GET", "/things?name=a%2Fb")


def test_a_good_destination_passes():
    conformance.check_operations(Fake(GOOD), [OPERATION])
    conformance.check_answers(Fake(GOOD, Wait(1)), [OPERATION])
    conformance.check_judgement(Fake())


@pytest.mark.parametrize(
    "bad",
    [
        Fake("junk"),
        Fake(Call("GET", "no slash")),
        Fake(Call("GET", "/things/../admins")),
        Fake(Call("GET", "/things/é")),
        Fake(Call("GET", "/things?a=b c")),
        Fake(Call("FETCH", "/things")),
        Fake(Wait(-1)),
        Fake(result=None),
        Fake(result=Outcome("dead", "whim")),
        Fake(result=Outcome("delivered", "rejected")),
        Fake(*[GOOD] * 1000),
    ],
)
def test_a_broken_protocol_is_found(bad):
    with pytest.raises(conformance.ConformanceError):
        conformance.check_operations(bad, [OPERATION])


def test_a_kind_that_was_not_tried_is_found():
    with pytest.raises(conformance.ConformanceError, match="one of each kind"):
        conformance.check_operations(Fake(), [])


def test_an_id_that_is_counted_by_is_found():
    class Loose(Fake):
        def deliver(self, operation, memory):
            made = yield from ask(Call("POST", "/things"))
            yield from ask(Call("PUT", f"/things/{made.body['id']}"))
            return DELIVERED

    with pytest.raises(conformance.ConformanceError, match="has an id"):
        conformance.check_templates(Loose(), [OPERATION])


def test_a_verdict_that_would_lose_data_is_found():
    class Careless(Fake):
        def judge(self, response):
            return Intercom().judge(Response(200))

    with pytest.raises(conformance.ConformanceError, match="judges"):
        conformance.check_judgement(Careless())


def test_a_secret_that_shows_is_found():
    class Loud(Fake):
        def __repr__(self):
            return "Loud(token='tok-1')"

    with pytest.raises(conformance.ConformanceError, match="secret"):
        conformance.check_redaction(Loud(), "tok-1")


def test_a_call_that_is_not_answered_is_a_clear_error():
    steps = ask(GOOD)
    next(steps)
    with pytest.raises(TypeError, match="must be sent its Response"):
        steps.send(None)
