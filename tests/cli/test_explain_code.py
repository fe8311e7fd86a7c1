"""``penstock explain --code`` shows what a mapping compiles to."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest


def names(source: str) -> list[str]:
    """The functions in what was printed, which must be Python."""
    return [node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]


def test_without_an_event_every_type_has_a_function(penstock, mapping) -> None:
    ran = penstock("explain", "--code", "--mapping", mapping)
    assert ran.code == 0, ran.err
    assert names(ran.out) == [
        "map_identify", "map_track", "map_group", "map_page", "map_screen", "map_alias",
        "map_delete",
    ]  # fmt: skip


def test_each_rule_and_field_says_where_it_is_written(penstock, mapping) -> None:
    ran = penstock("explain", "--code", "--type", "identify", "--mapping", mapping)
    assert f"# rule 'identify', {mapping.name}:14" in ran.out
    assert f"# upsert_contact.name, {mapping.name}:24" in ran.out


def test_names_of_the_mappings_data_are_told(penstock, mapping) -> None:
    ran = penstock("explain", "--code", "--type", "identify", "--mapping", mapping)
    assert "= Skip(reason='integrations_off')" in ran.out


def test_the_code_for_the_events_of_a_file(penstock, mapping, tmp_path) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"type": "track", "event": "A", "userId": "u"}), "utf-8")
    ran = penstock("explain", "--code", "--event", event, "--mapping", mapping)
    assert names(ran.out) == ["map_track"]


def test_a_name_that_the_mapping_writes_has_code_of_its_own(penstock, tmp_path) -> None:
    event = tmp_path / "event.json"
    event.write_text(
        json.dumps({"type": "track", "event": "Order Completed", "userId": "u"}), "utf-8"
    )
    ran = penstock("explain", "--code", "--event", event)
    assert ran.out.startswith("# track events of the name 'Order Completed'\n")
    assert "the_amount" in ran.out


def test_one_rule_alone(penstock) -> None:
    ran = penstock("explain", "--code", "--rule", "page as touch", "--set", "page=touch")
    assert names(ran.out) == ["map_page"]
    assert "touch_contact" in ran.out
    assert "rule 'identify'" not in ran.out


def test_a_rule_that_is_not_there_is_told_with_those_that_are(penstock) -> None:
    ran = penstock("explain", "--code", "--rule", "nope")
    assert ran.code == 2
    assert "no rule is called 'nope'; there are 'identify', 'track'" in ran.err


def test_a_rule_that_a_setting_switched_off_has_no_code(penstock) -> None:
    ran = penstock("explain", "--code", "--rule", "page as touch")
    assert ran.code == 2
    assert "switched off" in ran.err


@pytest.mark.parametrize("option", [["--type", "track"], ["--rule", "track"]])
def test_type_and_rule_need_code(penstock, option, tmp_path: Path) -> None:
    ran = penstock("explain", *option, tmp_path / "event.json")
    assert ran.code == 2
    assert "add --code" in ran.err
