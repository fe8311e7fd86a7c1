from __future__ import annotations

import math
import time
from decimal import Decimal

import pytest

from pipeline.model.times import SECOND, is_iso_date_text, parse_time, seconds

MOMENT = 1522086291 * SECOND  # 2018-03-26T17:44:51Z


@pytest.mark.parametrize(
    "value",
    [
        1522086291,
        1522086291000,
        1522086291.0,
        Decimal("1522086291"),
        Decimal("1.522086291E+12"),
        "1522086291",
        "1522086291000",
        "2018-03-26T17:44:51Z",
        "2018-03-26T17:44:51",
        "2018-03-26t17:44:51z",
        "2018-03-26 17:44:51",
        "2018-03-26T17:44:51.000Z",
        "2018-03-26T19:44:51+02:00",
        "2018-03-26T10:44:51-0700",
        "2018-03-26T19:44:51+02",
        "Mon, 26 Mar 2018 17:44:51 GMT",
        "Mon, 26 Mar 2018 17:44:51 +0000",
        "26 Mar 2018 13:44:51 EDT",
        "Mon Mar 26 2018 17:44:51 GMT+0000 (UTC)",
        "Mon Mar 26 2018 19:44:51 GMT+0200 (Mitteleuropäische Sommerzeit)",
        " 2018-03-26T17:44:51Z ",
    ],
)
def test_i3_shapes_of_one_moment(value: object) -> None:
    assert parse_time(value) == MOMENT


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        "",
        "yesterday",
        "2018/03/26",
        "03-26-2018",
        "2018-3-26",
        "2018-02-29",
        "2018-13-01",
        "2018-W13-1",
        "20180326T174451Z",
        "2018-03-26T24:00:00Z",
        "2018-03-26T17:44:51,5Z",
        "2018-W13-1T10:11:12.3456Z",
        "2018-03-26T17:44:51.5X5Z",
        "2018-03-26T17:44:51.0000000001Z",
        "\uff12018-03-26",
        "-1522086291",
        "+1522086291",
        "Mon, 31 Feb 2018 17:44:51 GMT",
        "Mon, 26 Foo 2018 17:44:51 GMT",
        "Mon, 26 Mar 2018 17:44:51 XYZ",
        "0000-01-01",
        "0001-01-01T00:00:00+05:00",
        "9999-12-31T23:59:59-01:00",
        "9" * 5000,
        10**400,
        -(10**400),
        Decimal("1e400"),
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("Infinity"),
        math.nan,
        math.inf,
        [],
        {},
        ["2018-03-26"],
    ],
    ids=lambda value: repr(value)[:40],
)
def test_i3_unreadable_is_none(value: object) -> None:
    assert parse_time(value) is None


def test_i3_numbers_are_seconds_below_31557600000_and_milliseconds_from_there() -> None:
    assert parse_time(31_557_599_999) == 31_557_599_999 * SECOND
    assert parse_time(31_557_600_000) == 31_557_600 * SECOND
    assert parse_time(Decimal("31557599999.5")) == 31_557_599_999_500_000
    assert parse_time(Decimal("31557600000.5")) == 31_557_600_000_500


def test_i3_a_date_alone_is_midnight_utc() -> None:
    assert parse_time("2024-01-02") == parse_time("2024-01-02T00:00:00Z") == 1704153600 * SECOND


def test_i3_a_time_without_seconds() -> None:
    assert parse_time("2024-01-02T00:01Z") == (1704153600 + 60) * SECOND


def test_nine_fraction_digits_are_cut_to_microseconds() -> None:
    assert parse_time("2024-01-02T00:00:00.123456999Z") == 1704153600_123456


def test_one_fraction_digit_is_a_tenth() -> None:
    assert parse_time("2024-01-02T00:00:00.1Z") == 1704153600_100000


def test_a_float_is_read_as_it_is_written() -> None:
    assert parse_time(1522086291.123) == 1522086291_123000


def test_decimals_before_1970_are_floored() -> None:
    assert parse_time(Decimal("-0.0000001")) == -1


def test_a_tiny_exponent_is_harmless() -> None:
    assert parse_time(Decimal("1E-999999")) == 0


def test_a_leap_second_is_the_last_microsecond_of_its_minute() -> None:
    assert parse_time("2016-12-31T23:59:60Z") == 1483228799_999999
    assert parse_time("Sat, 31 Dec 2016 23:59:60 GMT") == 1483228799_999999


def test_the_first_and_the_last_moment() -> None:
    assert parse_time("0001-01-01T00:00:00Z") == -62135596800 * SECOND
    assert parse_time("9999-12-31T23:59:59.999999Z") == 253402300799_999999


def test_seconds_are_floored_before_1970_too() -> None:
    assert [seconds(ticks) for ticks in (1_999_999, 0, -1, -SECOND, -SECOND - 1)] == [
        1,
        0,
        -1,
        -1,
        -2,
    ]


@pytest.mark.parametrize(
    "text",
    ["2024-01-02", "2024-01-02T03:04:05Z", "2024-02-29 03:04", "2024-01-02T03:04:05.5+02:00"],
)
def test_i7_iso_date_text(text: str) -> None:
    assert is_iso_date_text(text)


@pytest.mark.parametrize(
    "text",
    ["2024", "2024-01", "2024/01/02", "20240102", "1704153600", "2023-02-29", " 2024-01-02", "",
     "2024-01-02 and more", "Mon, 26 Mar 2018 17:44:51 GMT", "1234-56-7890"],
)  # fmt: skip
def test_i7_not_iso_date_text(text: str) -> None:
    assert not is_iso_date_text(text)


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the platform cannot change its zone")
@pytest.mark.parametrize("zone", ["America/St_Johns", "XXX-14", "UTC"])
def test_the_zone_of_the_machine_does_not_matter(
    zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        found = [parse_time("2018-03-26T17:44:51"), parse_time("Mon, 26 Mar 2018 17:44:51")]
    time.tzset()
    assert found == [MOMENT, MOMENT]
