"""Reading points in time: one integer of microseconds since 1970 UTC, whatever the shape.

Nothing here asks the machine for its locale or its time zone, so a file reads the same everywhere.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_FLOOR, Context, Decimal

SECOND = 1_000_000
"""Microseconds of one second."""

MILLISECONDS_FROM = 31_557_600_000
"""A number from here on counts milliseconds, a smaller one seconds (rule I3)."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)
_FIRST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _TICK
_LAST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _TICK
_LONGEST_TEXT = 100
_LENGTH_IN_SCRIPTS = len("2024-01-02T03:04:05.678Z")
_LARGEST_EXPONENT = 15

_EXACT = Context(prec=60, rounding=ROUND_FLOOR)
_MICRO = Decimal("0.000001")
_MILLI = Decimal("0.001")

_ISO = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[Tt ](?:[01][0-9]|2[0-3]):[0-5][0-9]"
    r"(?::(?P<second>[0-5][0-9]|60)(?P<fraction>\.[0-9]{1,9})?)?"
    r"(?P<zone>[Zz]|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)?)?"
)
_DIGITS = re.compile(r"[0-9]{1,16}(?:\.[0-9]{1,20})?")
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_ZONES = {
    **dict.fromkeys(("ut", "utc", "gmt", "z"), 0),
    **{"est": -300, "edt": -240, "cst": -360, "cdt": -300},
    **{"mst": -420, "mdt": -360, "pst": -480, "pdt": -420},
}
_CLOCK = r"(?P<hour>[01]?[0-9]|2[0-3]):(?P<minute>[0-5][0-9])(?::(?P<second>[0-5][0-9]|60))?"
_OFFSET = r"(?P<sign>[+-])(?P<zone_hours>[01][0-9]|2[0-3]):?(?P<zone_minutes>[0-5][0-9])"
_ZONE = rf"(?:\ ?(?:(?:UTC|GMT)?{_OFFSET}|(?P<zone_name>[A-Z]{{1,3}})))?(?:\ \(.*\))?"
_MAIL = re.compile(
    r"(?:[A-Z][a-z]{2},?\ )?(?P<day>[0-9]{1,2})[ -](?P<month>[A-Z]{3})[ -](?P<year>[0-9]{4})"
    rf"\ {_CLOCK}{_ZONE}",
    re.IGNORECASE | re.ASCII,
)
_SCRIPT = re.compile(
    r"[A-Z][a-z]{2}\ (?P<month>[A-Z]{3})\ (?P<day>[0-9]{1,2})\ (?P<year>[0-9]{4})"
    rf"\ {_CLOCK}{_ZONE}",
    re.IGNORECASE | re.ASCII,
)


def parse_time(value: object) -> int | None:
    """Microseconds since 1970 UTC of a JSON value, or None if it is no time in years 1 to 9999.

    Read are (rule I3): numbers and digits as text, which below 31,557,600,000 count seconds and
    from there on milliseconds; ISO 8601 dates, with or without a time and an offset (without:
    UTC); dates of e-mail headers (RFC 2822); what ``Date.toString()`` and ``toUTCString()`` of
    JavaScript write. Digits beyond microseconds are cut off; a leap second is the last
    microsecond of its minute.

    >>> parse_time("2018-03-26T17:44:51Z") == parse_time(1522086291) == 1522086291 * SECOND
    True
    >>> parse_time("yesterday") is None
    True
    """
    if type(value) is str:
        # The signs of toISOString() in their places, the usual shape; they imply the other signs.
        if (
            len(value) == _LENGTH_IN_SCRIPTS
            and value[23] == "Z"
            and value[19] == "."
            and value[10] == "T"
            and value[7] == "-"
        ):
            try:
                return (datetime.fromisoformat(value) - _EPOCH) // _TICK
            except ValueError:
                return _parse_iso(value)
        return _parse_text(value)
    if type(value) is int:
        ticks = value * SECOND if value < MILLISECONDS_FROM else value * 1000
        return ticks if _FIRST <= ticks <= _LAST else None
    if isinstance(value, Decimal):
        return _parse_decimal(value)
    if isinstance(value, float):
        return _parse_decimal(Decimal(repr(value)))
    return None


def seconds(ticks: int) -> int:
    """Whole seconds since 1970 of a time in microseconds, floored before 1970 as well.

    >>> seconds(1_999_999), seconds(-1)
    (1, -1)
    """
    return ticks // SECOND


def is_iso_date_text(text: str) -> bool:
    """Whether a text is an ISO 8601 date, with or without a time (rule I7).

    Not a bare year, not slashes, not digits only, and only a day that the calendar has.

    >>> is_iso_date_text("2024-02-29"), is_iso_date_text("2024"), is_iso_date_text("2023-02-29")
    (True, False, False)
    """
    return text[4:5] == "-" and _parse_iso(text) is not None


def _parse_decimal(number: Decimal) -> int | None:
    if not number.is_finite() or number.adjusted() > _LARGEST_EXPONENT:
        return None
    if number < MILLISECONDS_FROM:
        ticks = int(_EXACT.quantize(number, _MICRO).scaleb(6, _EXACT))
    else:
        ticks = int(_EXACT.quantize(number, _MILLI).scaleb(3, _EXACT))
    return ticks if _FIRST <= ticks <= _LAST else None


def _parse_text(text: str) -> int | None:
    if len(text) > _LONGEST_TEXT:
        return None
    text = text.strip()
    if text[4:5] == "-":
        return _parse_iso(text)
    if _DIGITS.fullmatch(text):
        return parse_time(int(text)) if text.isdigit() else _parse_decimal(Decimal(text))
    match = _MAIL.fullmatch(text) or _SCRIPT.fullmatch(text)
    return _from_parts(match) if match else None


def _parse_iso(text: str) -> int | None:
    match = _ISO.fullmatch(text)
    if match is None:
        return None
    second, fraction, zone = match.group("second", "fraction", "zone")
    if zone is not None:
        body = text[: match.start("zone")]
        offset = "+00:00" if zone in "Zz" else zone
    else:
        body, offset = text, "+00:00"
    if fraction is not None:
        body = body[: -len(fraction)] + fraction[:7]
    if second == "60":
        body = body[:17] + "59.999999"
    if len(body) == len("2024-01-02"):
        body += "T00:00"
    try:
        moment = datetime.fromisoformat(body + offset)
    except ValueError:  # no such day
        return None
    return _ticks(moment)


def _from_parts(match: re.Match[str]) -> int | None:
    name = match["zone_name"]
    if match["sign"]:
        minutes = int(match["zone_hours"]) * 60 + int(match["zone_minutes"])
        minutes = -minutes if match["sign"] == "-" else minutes
    elif name is not None and name.lower() not in _ZONES:
        return None
    else:
        minutes = _ZONES[name.lower()] if name else 0
    month = _MONTHS.get(match["month"].lower())
    if month is None:
        return None
    second = int(match["second"] or 0)
    try:
        moment = datetime(
            int(match["year"]),
            month,
            int(match["day"]),
            int(match["hour"]),
            int(match["minute"]),
            min(second, 59),
            999_999 if second == 60 else 0,
            timezone(timedelta(minutes=minutes)),
        )
    except ValueError:  # no such day
        return None
    return _ticks(moment)


def _ticks(moment: datetime) -> int | None:
    ticks = (moment - _EPOCH) // _TICK
    return ticks if _FIRST <= ticks <= _LAST else None
