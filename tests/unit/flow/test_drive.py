"""Running a destination's generators."""

import threading

import pytest

from destinations.base import Verdict
from pipeline.flow.drive import CallRecord, Driver
from pipeline.flow.retrying import RetryPolicy
from pipeline.model.operation import DELIVERED, Call, Operation, Outcome, Person, Response, Wait

OPERATION = Operation("do", Person("u"), 1, {})
OK = Response(200)
VERDICTS = {503: Verdict.RETRY, 0: Verdict.RETRY, 429: Verdict.THROTTLED, 401: Verdict.FATAL}


class Destination:
    """Does what it is told, step by step, and remembers what it was answered."""

    def __init__(self, *steps, result=DELIVERED):
        self.steps = steps
        self.result = result
        self.answers = []
        self.closed = 0

    def deliver(self, operation, memory):
        try:
            for step in self.steps:
                self.answers.append((yield step))
        finally:
            self.closed += 1
        return self.result

    def judge(self, response):
        return VERDICTS.get(response.status, Verdict.ANSWER)

    def template(self, call):
        return "/things/{id}"


class Pace:
    def __init__(self):
        self.acquired = 0
        self.observed = []

    def acquire(self):
        self.acquired += 1
        return 0.25

    def observe(self, headers, status):
        self.observed.append(status)


CALL = Call("GET", "/things/7")


@pytest.fixture
def drive(clock):
    def make(destination, *responses, **options):
        script = iter(responses)
        options.setdefault("pacer", Pace())
        pacer = options.pop("pacer")
        return Driver(
            destination,
            options.pop("send", lambda call: next(script)),
            pacer,
            sleep=clock.sleep,
            clock=clock,
            random=lambda: 1.0,
            **options,
        )

    return make


def test_answers_go_back_to_the_destination_in_order(drive):
    destination = Destination(CALL, CALL)
    outcome = drive(destination, Response(200), Response(404)).run(OPERATION, None)
    assert outcome is DELIVERED
    assert [answer.status for answer in destination.answers] == [200, 404]


def test_a_wait_sleeps_and_is_no_call(drive, clock):
    destination = Destination(Wait(1.5), CALL)
    driver = drive(destination, OK)
    driver.run(OPERATION, None)
    assert clock.slept == [1.5]
    assert sum(driver.calls().values()) == 1


def test_every_call_is_paced_and_its_answer_observed(drive):
    pacer = Pace()
    drive(Destination(CALL), Response(503), OK, pacer=pacer).run(OPERATION, None)
    assert (pacer.acquired, pacer.observed) == (2, [503, 200])


def test_e2_passing_trouble_is_retried_with_back_off(drive, clock):
    destination = Destination(CALL)
    drive(destination, *[Response(503), Response(0), Response(503)], OK).run(OPERATION, None)
    assert clock.slept == [0.5, 1.0, 2.0]
    assert [answer.status for answer in destination.answers] == [200]


def test_e2_retries_end_after_so_many_attempts(drive, clock):
    driver = drive(Destination(CALL), *[Response(503, text="<b>Bad\n gateway</b>")] * 8)
    outcome = driver.run(OPERATION, None)
    assert (outcome.status, outcome.reason, outcome.http_status) == (
        "dead",
        "retries_exhausted",
        503,
    )
    assert outcome.message == (
        "given up after 8 attempts; the last answer: HTTP 503: <b>Bad gateway</b>"
    )
    assert clock.slept == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0]


def test_e2_retries_end_after_so_much_time(drive):
    policy = RetryPolicy(max_elapsed=4.0)
    driver = drive(Destination(CALL), *[Response(0, text="reset")] * 9, policy=policy)
    outcome = driver.run(OPERATION, None)
    assert outcome.reason == "retries_exhausted"
    assert outcome.http_status is None
    assert sum(driver.calls().values()) == 4


def test_e2_being_throttled_is_no_attempt(drive):
    destination = Destination(CALL)
    policy = RetryPolicy(max_attempts=1)
    driver = drive(destination, *[Response(429)] * 50, OK, policy=policy)
    assert driver.run(OPERATION, None) is DELIVERED
    assert [answer.status for answer in destination.answers] == [200]


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_jitter_halves_a_pause_at_most(chance):
    policy = RetryPolicy()
    assert policy.pause(1, chance) == 0.5 * (0.5 + chance / 2)
    assert policy.pause(10_000, chance) <= 30.0


def test_e4_refused_credentials_halt_the_driver(drive):
    driver = drive(Destination(CALL, CALL), Response(401, text="Access Token Invalid"))
    outcome = driver.run(OPERATION, None)
    assert (outcome.reason, outcome.http_status) == ("credentials_refused", 401)
    assert driver.halted == "HTTP 401 for GET /things/{id}"


def test_e4_a_halted_driver_makes_no_more_calls(drive):
    driver = drive(Destination(CALL), Response(401))
    driver.run(OPERATION, None)
    outcome = driver.run(OPERATION, None)
    assert (outcome.status, outcome.reason) == ("dead", "undelivered")
    assert sum(driver.calls().values()) == 1


def test_e4_an_operation_under_way_stops_before_its_next_call(drive):
    destination = Destination(CALL, CALL)
    driver = drive(destination, send=lambda call: (driver.halt("stop"), OK)[1])
    assert driver.run(OPERATION, None).reason == "undelivered"
    assert len(destination.answers) == 1
    assert destination.closed == 1


def test_e4_the_first_reason_stays(drive):
    driver = drive(Destination())
    driver.halt("first")
    driver.halt("second")
    assert driver.halted == "first"


def test_calls_are_counted_by_method_template_and_status(drive):
    driver = drive(Destination(CALL, CALL), Response(503), OK, OK)
    driver.run(OPERATION, None)
    assert driver.calls() == {
        ("GET", "/things/{id}", 503): 1,
        ("GET", "/things/{id}", 200): 2,
    }


def test_every_call_is_told_of(drive):
    told = []
    drive(Destination(CALL), OK, on_call=told.append).run(OPERATION, None)
    assert told == [CallRecord("GET", "/things/{id}", 200, 0.0, 0.25)]


def test_generators_are_closed_when_an_operation_is_given_up(drive):
    destination = Destination(CALL)
    drive(destination, Response(401)).run(OPERATION, None)
    assert destination.closed == 1


def test_a_bug_in_the_destination_comes_through(drive):
    class Broken(Destination):
        def deliver(self, operation, memory):
            yield CALL
            raise KeyError("bug")

    with pytest.raises(KeyError, match="bug"):
        drive(Broken(), OK).run(OPERATION, None)


def test_a_bug_in_the_transport_comes_through_and_leaks_no_slot(drive):
    pacer = Pace()

    def send(call):
        raise RuntimeError("bug")

    with pytest.raises(RuntimeError, match="bug"):
        drive(Destination(CALL), send=send, pacer=pacer).run(OPERATION, None)
    assert pacer.observed == [0]


def test_a_destination_that_returns_no_outcome_is_a_bug(drive):
    with pytest.raises(TypeError, match="instead of an Outcome"):
        drive(Destination(result=None)).run(OPERATION, None)


def test_threads_share_a_driver(drive):
    driver = drive(Destination(CALL), send=lambda call: OK)
    outcomes = []
    threads = [
        threading.Thread(target=lambda: outcomes.append(driver.run(OPERATION, None)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [DELIVERED] * 8
    assert sum(driver.calls().values()) == 8


def test_the_outcome_of_the_destination_is_the_outcome(drive):
    result = Outcome("dead", "rejected", "parameter_invalid: no")
    assert drive(Destination(CALL, result=result), Response(400)).run(OPERATION, None) is result
