"""What is remembered of contacts, and that nothing stays of one who is deleted."""

import hashlib

from destinations.conformance import DictMemory
from destinations.intercom.known import Known
from pipeline.flow.deliver import register_key
from pipeline.model.operation import Person, Response

ID = "5f0c1d2e3a4b5c6d7e8f9a0b"
ADA = Person("user-1", "ada@example.com")


def contacts(script):
    return [key for kind, key in script.memory.entries if kind == "contact"]


def test_o3_a_deletion_by_email_forgets_every_name(script, done):
    script.play("upsert_contact", ADA, {}, done())
    found = {"id": ID, "role": "user", "external_id": "user-1", "email": "ada@example.com"}
    answer = Response(200, {}, {"data": [found]})
    script.play("delete_contact", Person(email="ada@example.com"), {}, answer, done())
    assert contacts(script) == []


def test_o3_the_answer_to_a_deletion_names_the_user_too(script, done):
    script.play("upsert_contact", ADA, {}, done())
    nobody = Response(200, {}, {"data": []})
    gone = done(external_id="user-1", deleted=True)
    script.play("delete_contact", Person(email="ada@example.com"), {}, nobody, gone)
    assert contacts(script) == []


def test_o3_a_deletion_by_email_forgets_the_lead_of_the_device(script, done):
    script.knows(anonymous_id="string")
    script.play("upsert_contact", Person(anonymous_id="anon"), {"role": "lead"}, done())
    assert contacts(script) == ["a:anon"]
    found = {"id": ID, "role": "lead", "custom_attributes": {"anonymous_id": "anon"}}
    answer = Response(200, {}, {"data": [found]})
    script.play("delete_contact", Person(email="ada@example.com"), {}, answer, done())
    assert contacts(script) == []


def test_o3_another_contact_of_the_same_name_stays_remembered(script, done):
    script.play("upsert_contact", Person("user-1"), {}, done("a" * 24))
    found = {"id": ID, "role": "user", "external_id": "user-1"}
    answer = Response(200, {}, {"data": [found]})
    script.play("delete_contact", Person(email="ada@example.com"), {}, answer, done())
    assert contacts(script) == ["u:user-1"]


def test_an_anonymous_id_that_is_an_address_is_not_kept():
    memory = DictMemory()
    person = Person(anonymous_id="Ada@example.com")
    Known(memory).learn(person, ID)
    digest = hashlib.sha256(b"Ada@example.com").hexdigest()
    assert list(memory.entries) == [("contact", f"a:{digest}")]
    assert register_key(person.key) == f"a:{digest}"
    assert Known(memory).lead(person) == ID
    Known(memory).forget_lead(person, ID)
    assert not memory.entries


class Counting(DictMemory):
    """Counts what it is told to forget."""

    forgotten = 0

    def forget(self, kind, key):
        self.forgotten += 1
        super().forget(kind, key)


def test_nothing_is_forgotten_where_no_lead_is_remembered():
    memory = Counting()
    person = Person("user-1", None, "anon")
    Known(memory).learn(person, ID)
    assert memory.forgotten == 0
    Known(memory).learn(Person(anonymous_id="anon"), ID)
    Known(memory).learn(person, ID)
    assert (memory.forgotten, Known(memory).lead(person)) == (1, None)
