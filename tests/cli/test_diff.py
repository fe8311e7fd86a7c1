"""``penstock diff`` says what changed by meaning."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest


@pytest.fixture
def changed(mapping: Path):
    """A copy of the small mapping with a replacement."""

    def change(old: str, new: str) -> Path:
        text = mapping.read_text("utf-8")
        assert old in text
        path = mapping.parent / "new.yaml"
        path.write_text(text.replace(old, new), "utf-8")
        return path

    return change


def test_comments_and_layout_do_not_count(penstock, mapping, changed) -> None:
    new = changed("rules:", "# more\n\nrules:")
    ran = penstock("diff", mapping, new)
    assert (ran.code, ran.out) == (0, "both mappings mean the same\n")


@pytest.mark.parametrize(
    ("old", "new", "kind", "what", "was", "now"),
    [
        ("{default: 2}", "{default: 3}", "changed", "setting limit", "2", "3"),
        (
            "pick: traits.email, must",
            "pick: traits.mail, must",
            "changed",
            "variable $email",
            "traits.email",
            "traits.mail",
        ),
        (
            "          external_id: userId\n",
            "",
            "removed",
            "rule identify: upsert_contact.external_id",
            "userId",
            "",
        ),
        (
            "          external_id: userId\n",
            "          external_id: userId\n          phone: traits.phone\n",
            "added",
            "rule identify: upsert_contact.phone",
            "",
            "traits.phone",
        ),
        (
            "nested: drop",
            "nested: flatten",
            "changed",
            "rule identify: upsert_contact.custom_attributes: nested",
            "nested: drop",
            "nested: flatten",
        ),
        (
            "{pick: event, required: true}",
            "event",
            "changed",
            "rule track: submit_event.event_name: required",
            "true",
            "false",
        ),
        (
            "{pick: properties.test, exists: false}",
            "{pick: properties.test, exists: true}",
            "changed",
            "rule track: submit_event: when",
            "properties.test is not there",
            "properties.test is there",
        ),
        (
            "when: {type: track}",
            "when: {type: page}",
            "changed",
            "rule track: when",
            "type is track",
            "type is page",
        ),
        (
            "name: track",
            "name: events",
            "added",
            "rule events",
            "",
            "type is track",
        ),
        (
            "missing_identity: {pick: userId, to: id, exists: true}",
            "mapping_error: {pick: userId, to: id, exists: true}",
            "removed",
            "rule identify: require missing_identity",
            "userId | to: id is there",
            "",
        ),
        (
            "  user_id: userId\n",
            "  user_id: anonymousId\n",
            "changed",
            "rule track: person.user_id",
            "userId",
            "anonymousId",
        ),
        (
            "{not: {integration: Intercom}}",
            "{not: {integration: Other}}",
            "changed",
            "skip integrations_off",
            "not integrations allow Intercom",
            "not integrations allow Other",
        ),
    ],
)
def test_a_change_is_named(penstock, mapping, changed, old, new, kind, what, was, now) -> None:
    ran = penstock("diff", mapping, changed(old, new), "--format", "json")
    changes = json.loads(ran.out)["changes"]
    assert (kind, what, was, now) in [
        (change["kind"], change["what"], change["old"], change["new"]) for change in changes
    ]


def test_the_order_of_rules_counts(penstock, mapping) -> None:
    text = mapping.read_text("utf-8")
    head, _, rules = text.partition("rules:\n")
    first, _, second = rules.partition("  - name: track")
    new = mapping.parent / "new.yaml"
    new.write_text(f"{head}rules:\n  - name: track{second}{first}", "utf-8")
    out = penstock("diff", mapping, new).out
    assert out == "~ order of rules\n    - identify, track\n    + track, identify\n"


def test_outputs_over_sample_events(penstock, mapping, changed) -> None:
    events = mapping.parent / "events.jsonl"
    event = {"type": "identify", "userId": "u1", "traits": {"a": 1, "b": 2, "c": 3}}
    other = {"type": "track", "event": "A", "userId": "u1"}
    events.write_text("\n".join(map(json.dumps, [event, other, event])), "utf-8")
    new = changed("{default: 2}", "{default: 3}")
    ran = penstock("diff", mapping, new, "--events", events, "--examples", 1, "--format", "json")
    outputs = json.loads(ran.out)["outputs"]
    assert outputs == {
        "events": 3,
        "changed": 2,
        "fields": {"upsert_contact.custom_attributes.c": 2},
        "examples": [
            {
                "origin": f"{events}:1",
                "changes": [{"path": "upsert_contact.custom_attributes.c", "new": 3}],
            }
        ],
    }


def test_exit_code_on_demand(penstock, mapping, changed) -> None:
    new = changed("{default: 2}", "{default: 3}")
    assert penstock("diff", mapping, new).code == 0
    assert penstock("diff", mapping, new, "--exit-code").code == 1
    assert penstock("diff", mapping, mapping, "--exit-code").code == 0


def test_a_file_as_it_is_in_a_commit(penstock, mapping, changed, monkeypatch) -> None:
    monkeypatch.chdir(mapping.parent)
    name = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    for args in (["init", "-q"], ["add", mapping.name], [*name, "commit", "-qm", "first"]):
        subprocess.run(["git", *args], check=True)
    mapping.write_text(mapping.read_text("utf-8").replace("{default: 2}", "{default: 3}"), "utf-8")
    ran = penstock("diff", f"git:HEAD:{mapping.name}", mapping.name)
    assert ran.out == "~ setting limit\n    - 2\n    + 3\n"


@pytest.mark.parametrize(
    ("old", "told"),
    [
        ("none.yaml", "cannot read the mapping none.yaml"),
        ("git:HEAD", "write git:REF:PATH"),
        ("git:no-such-ref:mappings/intercom.yaml", "no-such-ref"),
    ],
)
def test_wrong_use_is_exit_code_2(penstock, mapping, old, told) -> None:
    ran = penstock("diff", old, mapping)
    assert ran.code == 2
    assert told in ran.err
