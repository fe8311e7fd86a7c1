"""Whose an e-mail address or an anonymousId is: identifies state it along with a userId.

A user claims an alias from the first time that an identify stated both. What happened under the
alias alone belongs to the latest claim until then, or to the first one if it happened before all
of them: a visitor becomes the first user who signs in on the device, not the last. First times do
not depend on the order in which events are read, so neither does the answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeAlias

import msgspec

if TYPE_CHECKING:
    from pipeline.model.operation import Person

Link: TypeAlias = tuple[int, str]
"""(microseconds since 1970, the userId that was stated with the alias then)."""
Claims: TypeAlias = dict[str, int]
"""userId -> since when the alias is this user's."""

KIND = "link"
"""Under which claims are remembered, by ``digest`` of the alias."""

_MOST = 8
_LISTS = msgspec.json.Decoder(list[tuple[int, str]])


def stated(person: Person, *, anonymous: bool) -> list[str]:
    """The aliases that an identify of ``person`` gives to its userId, as keys of people.

    >>> from pipeline.model.operation import Person
    >>> stated(Person("7", "Ada@Example.com", "x"), anonymous=True)
    ['e:ada@example.com', 'a:x']
    """
    if person.user_id is None:
        return []
    aliases = []
    if person.email is not None:
        aliases.append("e:" + person.email.lower())
    if anonymous and person.anonymous_id is not None:
        aliases.append("a:" + person.anonymous_id)
    return aliases


def learn(claims: Claims, links: Iterable[Link]) -> Claims:
    """Add what identifies stated. Commutes: the order does not matter."""
    for time, user_id in links:
        claims[user_id] = min(time, claims.get(user_id, time))
    return claims


def owner(claims: Claims, time: int) -> str | None:
    """The userId to which something belongs that happened under the alias at ``time``.

    >>> claims = {"ada": 10, "eve": 20}
    >>> owner(claims, 5), owner(claims, 15), owner(claims, 25), owner({}, 5)
    ('ada', 'ada', 'eve', None)
    """
    if not claims:
        return None
    until_then = [(since, user_id) for user_id, since in claims.items() if since <= time]
    if until_then:
        return max(until_then)[1]
    return min((since, user_id) for user_id, since in claims.items())[1]


def digest(alias: str) -> str:
    """What stands for the alias in the state; nothing that could be read back."""
    return hashlib.sha256(alias.encode("utf-8", "surrogatepass")).hexdigest()


def read(text: str | None) -> Claims:
    """Claims from their text; none where the text is none."""
    try:
        return learn({}, _LISTS.decode(text)) if text else {}
    except msgspec.DecodeError:
        return {}


def write(claims: Claims) -> str | None:
    """The newest claims as text; None where there is nothing that may be kept.

    A userId that is an e-mail address is not kept: the state holds no addresses.
    """
    kept = sorted((since, user_id) for user_id, since in claims.items() if "@" not in user_id)
    return msgspec.json.encode(kept[-_MOST:]).decode() if kept else None
