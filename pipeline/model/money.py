"""Reading amounts of money, exactly: no step goes through binary fractions."""

from __future__ import annotations

import re
import unicodedata
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, ROUND_HALF_UP, Context, Decimal

_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN, rounding=ROUND_HALF_UP)
_LONGEST_TEXT = 64
_LARGEST_EXPONENT = 30

_PLAIN = re.compile(r"[0-9]+(?:\.[0-9]+)?|\.[0-9]+|[0-9]+(?:\.[0-9]+)?[eE][+-]?[0-9]{1,2}")
_COMMA_GROUPS = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")
_LAKH_GROUPS = re.compile(r"[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}(?:\.[0-9]+)?")
_SPACE_GROUPS = re.compile(r"[0-9]{1,3}(?:[ '][0-9]{3})+(?:\.[0-9]+|,[0-9]{2})?")
_COMMA_CENTS = re.compile(r"(?:[0-9]+|[0-9]{1,3}(?:\.[0-9]{3})+),[0-9]{2}")
_NUMBER = re.compile(r"(?:(?<![^\W\d_])\.)?[0-9](?:.*[0-9])?")
_MARKS = frozenset({"kr", "kr.", "zł", "kč", "ft", "lei", "rs", "rs.", "fr", "fr."})

_NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"
_FOUR_DECIMALS = "CLF UYW"
_IN_USE = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN
BZD CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR
FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY
KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU
MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON
RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP
TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAD XAF XCD XCG XOF XPF
YER ZAR ZMW ZWG
"""
_CURRENCIES = frozenset(_IN_USE.split())
_DECIMALS = {
    **dict.fromkeys(_CURRENCIES, 2),
    **dict.fromkeys(_NO_DECIMALS.split(), 0),
    **dict.fromkeys(_THREE_DECIMALS.split(), 3),
    **dict.fromkeys(_FOUR_DECIMALS.split(), 4),
}


def parse_amount(value: object) -> Decimal | None:
    """The amount that a JSON value states, or None where it states none or could be read twice.

    Numbers are taken digit for digit. In text, a currency sign or code before or after, groups
    of thousands, a minus and accounting parentheses are understood. A comma stands for the
    decimal point only before exactly two last digits (``1.234,50``, ``12,50``); ``1.234`` is a
    bit more than one.

    >>> parse_amount("$30.45"), parse_amount("1.234,50"), parse_amount("(12)")
    (Decimal('30.45'), Decimal('1234.50'), Decimal('-12'))
    >>> parse_amount("12 or so"), parse_amount(True)
    (None, None)
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return _parse_text(value)
    if isinstance(value, int):
        number = Decimal(value)
    elif isinstance(value, float):
        number = Decimal(repr(value))
    elif isinstance(value, Decimal):
        number = value
    else:
        return None
    return number if number.is_finite() and number.adjusted() <= _LARGEST_EXPONENT else None


def to_minor_units(amount: Decimal, *, exponent: int = 2) -> int:
    """The amount times ten to the ``exponent``, exactly; a half is rounded away from zero.

    >>> to_minor_units(Decimal("4.35")), to_minor_units(Decimal("0.005"))
    (435, 1)
    >>> to_minor_units(Decimal("1500"), exponent=0)
    1500
    """
    return int(amount.scaleb(exponent, _EXACT).to_integral_value(ROUND_HALF_UP, _EXACT))


def exponent_of(currency: str) -> int | None:
    """Decimals of a currency after ISO 4217, or None if it is no code in use.

    >>> exponent_of("usd"), exponent_of("JPY"), exponent_of("KWD"), exponent_of("points")
    (2, 0, 3, None)
    """
    return _DECIMALS.get(currency.upper())


def currencies() -> frozenset[str]:
    """Every ISO 4217 code in use that has an exponent."""
    return _CURRENCIES


def _parse_text(text: str) -> Decimal | None:
    if len(text) > _LONGEST_TEXT:
        return None
    text = _plain_marks(text).strip()
    minuses = 0
    if text.startswith("(") and text.endswith(")"):
        minuses, text = 1, text[1:-1]
    match = _NUMBER.search(text)
    if match is None:
        return None
    before, after = text[: match.start()].strip(), text[match.end() :].strip()
    minuses += before.startswith("-") + before.endswith("-") * (before != "-")
    minuses += after.endswith("-")
    before, after = before.strip("-").strip(), after.removesuffix("-").strip()
    if minuses > 1 or not (_is_currency(before.removeprefix("+")) and _is_currency(after)):
        return None
    amount = _parse_number(match[0])
    if amount is None or amount.adjusted() > _LARGEST_EXPONENT:
        return None
    return amount.copy_negate() if minuses else amount


def _plain_marks(text: str) -> str:
    if text.isascii():
        return text
    spaced = "".join(
        " " if unicodedata.category(character) == "Zs" else character for character in text
    )
    return spaced.replace("\u2212", "-").replace("\u2019", "'")


def _is_currency(mark: str) -> bool:
    if not mark:
        return True
    if unicodedata.category(mark[-1]) == "Sc":
        return len(mark) == 1 or (mark[:-1].isascii() and mark[:-1].isalpha())
    return exponent_of(mark) is not None or mark.lower() in _MARKS


def _parse_number(text: str) -> Decimal | None:
    if _PLAIN.fullmatch(text):
        return Decimal(text)
    if _COMMA_GROUPS.fullmatch(text) or _LAKH_GROUPS.fullmatch(text):
        return Decimal(text.replace(",", ""))
    if _SPACE_GROUPS.fullmatch(text):
        return Decimal(text.replace(" ", "").replace("'", "").replace(",", "."))
    if _COMMA_CENTS.fullmatch(text):
        return Decimal(text.replace(".", "").replace(",", "."))
    return None
