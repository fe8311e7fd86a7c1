"""Every word of the language does what its own example says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.mapping import language
from pipeline.mapping.functions import STEP_FUNCTIONS, TEST_FUNCTIONS, TYPE_CHECKS
from tests.unit.mapping.conftest import ABSENT, evaluate, holds

VALUES = {**language.SOURCES, **language.MODIFIERS, **language.STEPS}
CONDITIONS = {**language.TESTS, **language.CONDITIONS}


@pytest.mark.parametrize("name", VALUES)
def test_example_of_a_word(name):
    text, event, expected = VALUES[name].example
    assert re.search(rf"\b{name}\b", text)
    value = evaluate(text, event).value
    if expected is None:
        assert value == ABSENT
    elif expected == "null":
        assert value is None
    else:
        assert value == expected
        assert type(value) is type(expected)


@pytest.mark.parametrize("name", CONDITIONS)
def test_example_of_a_condition(name):
    text, event, expected = CONDITIONS[name].example
    assert re.search(rf"\b{name}\b", text)
    assert holds(text, event) is expected


@pytest.mark.parametrize("name", language.TESTS)
def test_a_test_behind_a_value_keeps_it_only_if_it_holds(name):
    text, event, expected = language.TESTS[name].example
    if name == "exists":
        return  # it asks, it does not change a value
    found = evaluate(text, event)
    if expected and name != "not_equals":
        assert found.value != ABSENT
        assert found.warnings == []
    else:
        assert found.value == ABSENT
        assert set(found.warnings) <= set(language.TESTS[name].warnings)


def test_every_word_has_a_function_and_every_function_a_word():
    assert STEP_FUNCTIONS.keys() == language.STEPS.keys()
    assert TEST_FUNCTIONS.keys() == language.TESTS.keys()
    assert TYPE_CHECKS.keys() == language.VALUE_TYPES.keys()


def test_no_word_means_two_things_in_one_place():
    words = [*language.SOURCES, *language.MODIFIERS, *language.STEPS, *language.TESTS]
    words += language.CONDITIONS
    assert len(words) == len(set(words))


def test_every_warning_is_documented():
    known = language.WARNINGS.keys()
    for word in (*VALUES.values(), *CONDITIONS.values()):
        assert set(word.warnings) <= known
    sources = Path(language.__file__).parent.glob("*.py")
    noted = {
        kind for source in sources for kind in re.findall(r'note\("(\w+)"\)', source.read_text())
    }
    assert noted <= known


@pytest.mark.parametrize("table", language.TABLES, ids=lambda table: table.what)
def test_every_key_says_what_it_means(table):
    assert table.about.endswith(".")
    assert set(table.needed) <= table.keys.keys()
    for word in table.keys.values():
        assert word.about.endswith(".")
