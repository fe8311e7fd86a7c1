from __future__ import annotations

from decimal import Decimal

import pytest

from pipeline.model.text import (
    cut,
    looks_like_email,
    looks_like_url,
    normal_key,
    string_hash,
    text_of_id,
)


@pytest.mark.parametrize(
    ("name", "number"),
    [("Segment", "2017828326"), ("Acme", "2087422127"), ("Initech", "721719249"), ("", "5381")],
)
def test_c2_string_hash(name: str, number: str) -> None:
    assert string_hash(name) == number


def test_c2_string_hash_counts_utf_16_units() -> None:
    value = 5381
    for unit in (0xDE00, 0xD83D):  # of U+1F600, from the last to the first
        value = (value * 33 ^ unit) % 2**32
    assert string_hash("\U0001f600") == str(value)


def test_c2_string_hash_takes_half_a_pair() -> None:
    assert string_hash("\ud800").isdigit()


def test_i9_short_text_is_kept() -> None:
    assert cut("x" * 255, 255) == "x" * 255


def test_i9_long_text_is_cut_to_the_limit() -> None:
    assert cut("x" * 256, 255) == "x" * 255


@pytest.mark.parametrize(
    ("text", "limit", "kept"),
    [
        ("cafe\u0301", 4, "caf"),
        ("ab\U0001f44d\U0001f3fd", 3, "ab"),  # thumb with a skin tone
        ("a\U0001f468\u200d\U0001f469\u200d\U0001f467", 3, "a"),  # family
        ("a\U0001f468\u200d\U0001f469\u200d\U0001f467", 5, "a"),
        ("\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7", 3, "\U0001f1e9\U0001f1ea"),  # two flags
        ("a\u2764\ufe0f", 2, "a"),  # heart with a variation selector
        ("a\r\nb", 2, "a"),
        ("ab\U0001f600c", 3, "ab\U0001f600"),
        ("\u1100\u1161\u11a8x", 2, "\u1100\u1161"),  # one syllable fills the limit
    ],
)
def test_i9_never_in_the_middle_of_a_character(text: str, limit: int, kept: str) -> None:
    assert cut(text, limit) == kept


def test_a_single_character_longer_than_the_limit_is_cut_all_the_same() -> None:
    assert cut("e" + "\u0301" * 300, 255) == "e" + "\u0301" * 254


@pytest.mark.parametrize(
    "key", ["createdAt", "created_at", "Created At", "created-at", "CREATEDAT"]
)
def test_spellings_of_one_key(key: str) -> None:
    assert normal_key(key) == "createdat"


def test_dots_of_a_key_stay() -> None:
    assert normal_key("Billing.Plan_Name") == "billing.planname"


@pytest.mark.parametrize(
    "text",
    ["ada@example.com", "a.b+c@mail.example.co.uk", "o'hara@example.ie", "用户@例子.中国", "a@b.c"],
)
def test_p1_email(text: str) -> None:
    assert looks_like_email(text)


@pytest.mark.parametrize(
    "text",
    ["", "ada", "@example.com", "ada@", "ada@localhost", "ada@.com", "ada@example.", "ada@a..b",
     "a@b@example.com", "ada @example.com", "ada@exam\tple.com", "ada@example.com\n", "a@-b.com",
     "Ada <ada@example.com>", "<ada@example.com>", "a@b.com,c@d.com", "a@\u200bexample.com",
     "a" * 250 + "@b.com"],
)  # fmt: skip
def test_p3_malformed_email(text: str) -> None:
    assert not looks_like_email(text)


@pytest.mark.parametrize(
    "text",
    ["https://example.com", "HTTP://example.com/a?b#c", "https://u:p@example.com:8443/",
     "http://[::1]/x", "https://xn--e1aybc.example"],
)  # fmt: skip
def test_i2_url(text: str) -> None:
    assert looks_like_url(text)


@pytest.mark.parametrize(
    "text",
    ["", "example.com", "/a.png", "ftp://example.com", "https://", "https:///path", "https://?q",
     "https://exa mple.com", "https://example.com/a\nb", "javascript:alert(1)", "https://[::1"],
)  # fmt: skip
def test_i2_not_a_url(text: str) -> None:
    assert not looks_like_url(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("abc", "abc"),
        (" abc ", " abc "),
        (42, "42"),
        (-1, "-1"),
        (0, "0"),
        (123456789012345678901234567890, "123456789012345678901234567890"),
        (Decimal("42.0"), "42"),
        (Decimal("1E+3"), "1000"),
        (Decimal("12345678901234567890123456789012.0"), "12345678901234567890123456789012"),
    ],
)
def test_p1_ids_are_exact_text(value: object, text: str) -> None:
    assert text_of_id(value) == text


@pytest.mark.parametrize(
    "value",
    [None, True, False, "", "  ", "\t\n", Decimal("1.5"), Decimal("NaN"), Decimal("1e999999"),
     10**5000, 1.0, [], {}, ["a"]],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_p1_not_an_id(value: object) -> None:
    assert text_of_id(value) is None
