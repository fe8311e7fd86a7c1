from __future__ import annotations

import math
from decimal import Decimal, localcontext

import pytest

from pipeline.model.money import currencies, exponent_of, parse_amount, to_minor_units


def cents(value: object) -> int:
    amount = parse_amount(value)
    assert amount is not None
    return to_minor_units(amount)


def test_t6_19_99_is_1999_cents() -> None:
    assert cents(Decimal("19.99")) == cents(19.99) == cents("19.99") == 1999


def test_t6_4_35_is_435_cents() -> None:
    assert cents(Decimal("4.35")) == cents(4.35) == 435


def test_t6_text_with_a_sign_is_read() -> None:
    assert cents("$30.45") == 3045


def test_t6_text_with_groups_is_read() -> None:
    assert cents("1,234.50") == 123450


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("€ 12", "12"),
        ("12 €", "12"),
        ("USD 5", "5"),
        ("usd5", "5"),
        ("12.50 USD", "12.50"),
        ("$12.50 USD", "12.50"),
        ("US$12", "12"),
        ("R$ 1.234,56", "1234.56"),
        ("CHF 1'234.50", "1234.50"),
        ("1\u202f234,50 zł", "1234.50"),
        ("₹1,23,456.78", "123456.78"),
        ("Rs.500", "500"),
        ("kr 5", "5"),
        ("  7 ", "7"),
        (".5", "0.5"),
        ("1e3", "1000"),
        ("0", "0"),
        ("+5", "5"),
    ],
)
def test_marks_and_groups(text: str, amount: str) -> None:
    assert parse_amount(text) == Decimal(amount)


@pytest.mark.parametrize(
    "text", ["-5", "- 5", "5-", "(5)", "-$5", "$-5", "($5)", "\u22125", "USD-5"]
)
def test_negative_shapes(text: str) -> None:
    assert parse_amount(text) == -5


def test_european_text_is_read_where_only_one_reading_exists() -> None:
    assert parse_amount("1.234,50") == Decimal("1234.50")
    assert parse_amount("1.234.567,50") == Decimal("1234567.50")
    assert parse_amount("12,50") == Decimal("12.50")


def test_one_dot_is_the_decimal_point_and_one_comma_before_three_digits_a_group() -> None:
    assert parse_amount("1.234") == Decimal("1.234")
    assert parse_amount("1,234") == 1234


@pytest.mark.parametrize(
    "value",
    ["", " ", "free", "-", "$", "5%", "1,5", "1.234,5", "1.234.567", "1,234,50", "12,34,56", "5 5",
     "5 dollars", "--5", "(-5)", "-5-", "0x10", "1_000", "5.", "NaN", "Infinity", "٣", "1e99",
     "9" * 65, True, False, None, [], {}, math.nan, math.inf, Decimal("NaN"), Decimal("sNaN"),
     Decimal("-Infinity"), Decimal("1e400"), 10**40],
    ids=lambda value: repr(value)[:30],
)  # fmt: skip
def test_t8_no_amount(value: object) -> None:
    assert parse_amount(value) is None


def test_a_number_keeps_its_digits() -> None:
    assert parse_amount(Decimal("1.10")) is not None
    assert str(parse_amount(Decimal("1.10"))) == "1.10"
    assert parse_amount(123456789012345678901) == 123456789012345678901


@pytest.mark.parametrize(
    ("amount", "units"),
    [("0.005", 1), ("0.0049", 0), ("1.235", 124), ("2.345", 235), ("-0.005", -1), ("1e3", 100000),
     ("0.00499999999999999999999999999999999999999", 0)],
)  # fmt: skip
def test_a_half_is_rounded_up(amount: str, units: int) -> None:
    assert to_minor_units(Decimal(amount)) == units


def test_the_precision_of_the_caller_does_not_matter() -> None:
    with localcontext(prec=3):
        assert to_minor_units(Decimal("123456789.994")) == 12345678999


@pytest.mark.parametrize(("exponent", "units"), [(0, 1235), (3, 1234500), (4, 12345000)])
def test_other_exponents(exponent: int, units: int) -> None:
    assert to_minor_units(Decimal("1234.5"), exponent=exponent) == units


@pytest.mark.parametrize(
    ("currency", "exponent"),
    [("usd", 2), ("EUR", 2), ("JPY", 0), ("krw", 0), ("ISK", 0), ("KWD", 3), ("IQD", 3), ("CLF", 4),
     ("UYW", 4), ("HUF", 2), ("MGA", 2), ("XXX", None), ("XAU", None), ("DEM", None), ("", None),
     ("points", None)],
)  # fmt: skip
def test_iso_4217_exponents(currency: str, exponent: int | None) -> None:
    assert exponent_of(currency) == exponent


def test_every_currency_has_an_exponent_and_three_capitals() -> None:
    assert len(currencies()) > 150
    for code in currencies():
        assert exponent_of(code) in (0, 2, 3, 4)
        assert len(code) == 3
        assert code.isascii()
        assert code.isupper()
