from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from email.utils import format_datetime

from hypothesis import given
from hypothesis import strategies as st

from pipeline.model.money import parse_amount, to_minor_units
from pipeline.model.text import cut, looks_like_email, looks_like_url, normal_key, string_hash
from pipeline.model.times import SECOND, is_iso_date_text, parse_time, seconds

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
zones = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(
    datetime(1, 1, 3),  # noqa: DTZ001 (hypothesis adds the zone)
    datetime(9999, 12, 29),  # noqa: DTZ001
    timezones=zones,
)
any_text = st.text(st.characters())
graphemes = st.text(
    st.sampled_from("ae\u0301\u200d\U0001f468\U0001f3fd\U0001f1e9\U0001f1ea\ufe0f\r\n"), max_size=30
)


def ticks(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


@given(moments, st.sampled_from("T t"))
def test_every_iso_time_is_read(moment: datetime, separator: str) -> None:
    text = moment.isoformat(sep=separator)
    assert parse_time(text) == ticks(moment)
    assert is_iso_date_text(text)


@given(moments)
def test_every_mail_time_is_read(moment: datetime) -> None:
    moment = moment.replace(microsecond=0)
    assert parse_time(format_datetime(moment)) == ticks(moment)


@given(moments)
def test_what_scripts_write_is_read(moment: datetime) -> None:
    text = moment.astimezone(UTC).strftime("%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"
    whole = f"{moment.astimezone(UTC).year:04}-{text}"
    assert parse_time(whole) == ticks(moment) // 1000 * 1000


@given(st.integers(1, 31_557_599_999))
def test_numbers_and_their_text_are_the_same_time(number: int) -> None:
    assert parse_time(number) == parse_time(str(number)) == parse_time(Decimal(number))
    assert parse_time(number) == number * SECOND


@given(any_text | st.integers() | st.floats() | st.decimals() | st.none() | st.booleans())
def test_no_value_raises(value: object) -> None:
    parse_time(value)
    parse_amount(value)
    if isinstance(value, str):
        is_iso_date_text(value)
        looks_like_email(value)
        looks_like_url(value)
        string_hash(value)


@given(st.text("0123456789-+:.TZtz W/", max_size=30))
def test_iso_date_text_can_always_be_read(text: str) -> None:
    assert not is_iso_date_text(text) or parse_time(text) is not None


@given(st.integers(-(10**18), 10**18))
def test_seconds_floor(time: int) -> None:
    assert 0 <= time - seconds(time) * SECOND < SECOND


@given(st.integers(0, 10**12), st.sampled_from(["{}", "${}", "€ {}", "{} EUR", "USD {}", "CA${}"]))
def test_cents_come_back_exactly(cents: int, shape: str) -> None:
    for number in (f"{cents // 100}.{cents % 100:02}", f"{cents // 100:,}.{cents % 100:02}"):
        amount = parse_amount(shape.format(number))
        assert amount is not None
        assert to_minor_units(amount) == cents


@given(st.integers(0, 10**12))
def test_european_cents_come_back_exactly(cents: int) -> None:
    text = f"{cents // 100:,}".replace(",", ".") + f",{cents % 100:02}"
    amount = parse_amount(text)
    assert amount is not None
    assert to_minor_units(amount) == cents


@given(st.floats(0, 10**12))
def test_floats_are_taken_as_they_are_written(number: float) -> None:
    assert parse_amount(number) == Decimal(repr(number))


@given(st.decimals(-(10**9), 10**9, allow_nan=False), st.integers(0, 4))
def test_rounding_is_off_by_half_a_unit_at_most(amount: Decimal, exponent: int) -> None:
    units = to_minor_units(amount, exponent=exponent)
    assert abs(Decimal(units) - amount * 10**exponent) <= Decimal("0.5")


@given(any_text | graphemes, st.integers(1, 20))
def test_i9_cut_is_a_beginning_within_the_limit(text: str, limit: int) -> None:
    kept = cut(text, limit)
    assert text.startswith(kept)
    assert len(kept) <= limit
    assert bool(kept) == bool(text)


@given(any_text | graphemes, st.integers(1, 20))
def test_i9_cutting_twice_is_cutting_once(text: str, limit: int) -> None:
    assert cut(cut(text, limit), limit) == cut(text, limit)


@given(any_text)
def test_normal_key_is_stable(key: str) -> None:
    assert normal_key(normal_key(key)) == normal_key(key)
