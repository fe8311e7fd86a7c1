"""Running a destination's generators."""

import itertools
import threading
import time

import pytest

from destinations.base import Verdict
from pipeline.flow.breaker import Breaker, OutagePolicy
from pipeline.flow.drive import CallRecord, Driver
from pipeline.flow.retrying import RetryBudget, RetryPolicy
from pipeline.model.operation import DELIVERED, Call, Operation, Outcome, Person, Response, Wait

OPERATION = Operation("do", Person("u"), 1, {})
OK = Response(200)
VERDICTS = {
    503: Verdict.RETRY,
    0: Verdict.RETRY,
    429: Verdict.THROTTLED,
    401: Verdict.FATAL,
    403: Verdict.FATAL,
}


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


def test_e2_an_outage_of_five_minutes_fails_nothing(drive, clock):
    """One thread; the destination is down from the first call on."""
    back = clock.now + 300
    made = []

    def send(call):
        made.append(clock.now)
        return OK if clock.now >= back else Response(0)

    destination = Destination(CALL)
    assert drive(destination, send=send).run(OPERATION, None) is DELIVERED
    assert back <= clock.now < back + 30
    assert len(made) < 25
    pauses = [later - earlier for earlier, later in itertools.pairwise(made)]
    assert pauses[-1] == 30


def test_e2_attempts_in_an_outage_are_not_held_against_a_call(drive, clock):
    """It fails while the API is down, and then some more: that begins from one again."""
    answers = [Response(0)] * 20 + [Response(200)] + [Response(503)] * 7
    driver = drive(Destination(CALL, CALL), *answers, OK)
    assert driver.run(OPERATION, None) is DELIVERED


def test_e2_an_outage_that_is_too_long_halts_the_driver_and_loses_nothing(drive, clock):
    began = clock.now
    driver = drive(
        Destination(CALL),
        send=lambda call: Response(0),
        breaker=Breaker(OutagePolicy(max_outage=900), clock=clock),
    )
    outcome = driver.run(OPERATION, None)
    assert (outcome.status, outcome.reason) == ("dead", "undelivered")
    assert outcome.message == "not sent: the run was stopped (the destination was down for 900 s)"
    assert driver.outage
    assert 900 <= clock.now - began < 960
    assert driver.run(OPERATION, None).reason == "undelivered"


def test_e2_many_threads_wait_out_an_outage_with_one_probe_at_a_time(clock):
    """The clock goes on by itself; what was sent before the outage showed is all that fails."""
    down = threading.Event()
    down.set()
    lock, under_way, probes = threading.Lock(), [], []

    def send(call):
        with lock:
            under_way.append(1)
            if driver._breaker.is_open:
                probes.append(len(under_way))
        answer = Response(503) if down.is_set() else OK
        with lock:
            under_way.pop()
            if len(probes) >= 4:
                down.clear()
        return answer

    def sleep(seconds):
        with lock:
            clock.now += max(seconds / 8, 0.001)
        time.sleep(0.0001)

    driver = Driver(Destination(CALL), send, Pace(), sleep=sleep, clock=clock, random=lambda: 1.0)
    outcomes = []

    def work():
        outcomes.extend(driver.run(OPERATION, None) for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [DELIVERED] * 80
    assert driver.calls()["GET", "/things/{id}", 503] <= 12 + 16 + 16


def test_e2_retries_wait_for_their_budget(drive, clock):
    budget = RetryBudget(reserve=2, share=0.0, per_second=0.5, clock=clock)
    policy = RetryPolicy(first=0.0)
    driver = drive(Destination(CALL), *[Response(503)] * 4, OK, budget=budget, policy=policy)
    began = clock.now
    assert driver.run(OPERATION, None) is DELIVERED
    assert clock.now - began == pytest.approx(4)


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


def test_e2_what_the_token_may_not_do_is_an_answer_where_it_is_optional(drive):
    destination = Destination(Call("GET", "/things", optional=True), CALL)
    driver = drive(destination, Response(403), OK)
    assert driver.run(OPERATION, None) is DELIVERED
    assert (driver.halted, [one.status for one in destination.answers]) == (None, [403, 200])


@pytest.mark.parametrize(("status", "optional"), [(401, True), (403, False)])
def test_e2_any_other_refusal_of_the_token_stops_the_run(drive, status, optional):
    driver = drive(Destination(Call("GET", "/things", optional=optional)), Response(status))
    assert driver.run(OPERATION, None).reason == "credentials_refused"
    assert driver.halted is not None
