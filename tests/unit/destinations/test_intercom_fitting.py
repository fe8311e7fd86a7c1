"""Rule E3: a value is made what its attribute's type takes, or is left out."""

from decimal import Decimal

import pytest

from destinations.intercom.fitting import Misfit, data_type, fit


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("plan", "pro", "string"),
        ("active", True, "boolean"),
        ("seats", 3, "integer"),
        ("signup_at", 1700000000, "date"),
        ("signupAt", 1700000000, "date"),
        ("cat", 3, "integer"),
        ("signup_at", "soon", "string"),
        ("score", Decimal("1.5"), "float"),
        ("score", 1.5, "float"),
        ("tags", ["a"], None),
    ],
)
def test_e3_an_attribute_is_created_with_the_type_of_its_value(name, value, expected):
    assert data_type(name, value) == expected


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("pro", "string", "pro"),
        (7, "string", "7"),
        (True, "string", "true"),
        (Decimal("1.50"), "string", "1.50"),
        (Decimal("1E+3"), "string", "1000"),
        (7, "integer", 7),
        ("42", "integer", 42),
        ("-7 ", "integer", -7),
        (Decimal("3.0"), "integer", 3),
        (7, "float", 7),
        ("7.50", "float", Decimal("7.50")),
        (Decimal("7.5"), "float", Decimal("7.5")),
        (False, "boolean", False),
        ("TRUE", "boolean", True),
        ("false", "boolean", False),
        (1704153600, "date", 1704153600),
        (1704153600000, "date", 1704153600),
        ("2024-01-02", "date", 1704153600),
        ("1704153600", "datetime", 1704153600),
        ("anything", "options", "anything"),
        (None, "integer", None),
    ],
)
def test_e3_a_value_is_made_what_the_type_takes(value, kind, expected):
    fitted = fit(value, kind)
    assert (fitted, type(fitted)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (["a"], "string"),
        ({"a": 1}, "options"),
        ("many", "integer"),
        ("3.5", "integer"),
        (Decimal("3.5"), "integer"),
        (Decimal("1E+99"), "integer"),
        (float("inf"), "integer"),
        (float("nan"), "integer"),
        (True, "integer"),
        ("1e3", "float"),
        ("", "float"),
        (True, "float"),
        ("yes", "boolean"),
        (1, "boolean"),
        ("soon", "date"),
        (True, "date"),
        (Decimal("1E+300"), "string"),
    ],
)
def test_e3_a_value_that_means_nothing_in_the_type_does_not_fit(value, kind):
    with pytest.raises(Misfit):
        fit(value, kind)
