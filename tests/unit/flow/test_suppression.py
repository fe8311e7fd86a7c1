"""Rule O3: what comes in about someone after their deletion is refused."""

from pipeline.flow.suppression import asked_about, marks, suppress
from pipeline.flow.work import Task
from pipeline.model.operation import Operation, Person

ADA = Person("u1", "ada@example.com")


def task(time, person=ADA, kind="submit_event"):
    event_type = "delete" if kind == "delete_contact" else "track"
    return Task(f"m{time}", time, event_type, (Operation(kind, person, time, {}),))


def delete(time, person=ADA):
    return task(time, person, "delete_contact")


def test_o3_events_before_the_deletion_go_and_later_ones_do_not():
    refused, learned = suppress([task(1), delete(2), task(3), task(4)], {})
    assert refused == {2, 3}
    assert learned == marks(ADA)


def test_o3_a_later_run_refuses_everything_but_another_deletion():
    refused, _ = suppress([task(1), delete(2)], marks(ADA))
    assert refused == {0}


def test_o3_someone_else_is_not_concerned():
    assert suppress([task(1, Person("u2", "eve@example.com"))], marks(ADA)) == (set(), {})


def test_o3_a_deletion_by_user_id_spares_a_user_with_the_same_email():
    assert suppress([task(1, Person("u2", "ADA@example.com"))], marks(ADA))[0] == set()
    assert suppress([task(1, Person(None, "ADA@example.com"))], marks(ADA))[0] == {0}


def test_o3_a_deletion_by_email_concerns_everybody_who_has_it():
    known = marks(Person(email="ada@example.com"))
    assert suppress([task(1), task(2, Person("u2", "ada@example.com"))], known)[0] == {0, 1}


def test_o3_what_is_remembered_says_nothing_about_the_person():
    text = repr(marks(ADA)) + repr(asked_about([task(1)]))
    assert "u1" not in text
    assert "ada" not in text
