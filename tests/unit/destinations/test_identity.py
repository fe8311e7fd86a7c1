"""user_hash (rule H1) against the standard library."""

import hashlib
import hmac
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from destinations.intercom.identity import UserHash


def expected(key, text):
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("secret", "user-1"),
        ("secret", "Ada@Example.com"),
        ("secret", " not trimmed "),
        ("secret", "ü" * 300),
        ("secret", ""),
        ("k" * 64, "user-1"),
        ("k" * 65, "user-1"),
    ],
)
def test_h1_user_hash_is_hmac_sha256_in_lower_case_hex(key, text):
    assert UserHash(key).of(text) == expected(key, text)


@given(st.text(min_size=1), st.lists(st.text(), max_size=5))
def test_h1_one_hasher_serves_many(key, texts):
    hasher = UserHash(key)
    assert [hasher.of(text) for text in texts] == [expected(key, text) for text in texts]


def test_h1_verify_accepts_the_hash_only():
    hasher = UserHash("secret")
    good = expected("secret", "user-1")
    assert hasher.verify("user-1", good)
    for bad in ("", good.upper(), good + "0", expected("secret", "user-2"), "é", "\ud800"):
        assert not hasher.verify("user-1", bad)


def test_h1_the_secret_does_not_show():
    assert "secret-key" not in repr(UserHash("secret-key"))


def test_h1_the_secret_does_not_travel():
    with pytest.raises(TypeError, match="must not be pickled"):
        pickle.dumps(UserHash("secret-key"))


def test_h1_an_empty_secret_is_refused():
    with pytest.raises(ValueError, match="empty"):
        UserHash("")
