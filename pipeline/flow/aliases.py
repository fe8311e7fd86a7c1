"""Whose an e-mail address or an anonymousId is: identifies state it along with a userId.

A user claims an alias at every time that an identify states both. What happened under the alias
alone belongs to the latest claim until then, or to the first one if it happened before all of
them: a visitor becomes the first user who signs in on the device, not the last. Of claims by one
user in a row only the first and the last are kept, since those between change nothing; what an
alias's claims say does not depend on the order in which events are read.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, TypeAlias

import msgspec

if TYPE_CHECKING:
    from pipeline.flow.deliver import Remembering
    from pipeline.flow.packing import Packed
    from pipeline.model.operation import Person

Link: TypeAlias = tuple[int, str]
"""(microseconds since 1970, the userId that was stated with the alias then)."""
Claims: TypeAlias = tuple[Link, ...]
"""When the alias was stated to be whose, in order."""

KIND = "link"
"""Under which claims are remembered, by ``digest`` of the alias."""

_MOST = 16
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
    """The claims with what identifies stated, in whatever order.

    >>> learn((), [(30, "ada"), (10, "ada"), (20, "ada"), (40, "eve")])
    ((10, 'ada'), (30, 'ada'), (40, 'eve'))
    """
    return tuple(_changes(sorted({*claims, *links})))


def _changes(links: list[Link]) -> Iterator[Link]:
    """The first and the last of the claims that one user makes in a row."""
    for _, group in groupby(links, key=itemgetter(1)):
        stretch = list(group)
        yield stretch[0]
        if len(stretch) > 1:
            yield stretch[-1]


def owner(claims: Claims, time: int) -> str | None:
    """The userId to which something belongs that happened under the alias at ``time``.

    >>> claims = ((10, "ada"), (20, "eve"), (30, "ada"))
    >>> owner(claims, 5), owner(claims, 15), owner(claims, 25), owner(claims, 35), owner((), 5)
    ('ada', 'ada', 'eve', 'ada', None)
    """
    if not claims:
        return None
    until_then = bisect_right(claims, time, key=itemgetter(0))
    return claims[max(until_then - 1, 0)][1]


def resolve(
    memory: Remembering, held: Iterable[tuple[str, list[Link], list[Packed]]]
) -> Iterator[tuple[str, Packed]]:
    """The tasks of some aliases under the keys of those whose they are, and learn the links.

    Args:
        memory: What earlier runs have linked; asked once for all of ``held``.
        held: Aliases, each with the links that were stated and the tasks that came in.
    """
    found = list(held)
    slots = {alias: digest(alias) for alias, _, _ in found}
    remembered = memory.get_many(KIND, slots.values())
    for alias, links, tasks in found:
        known = remembered.get(slots[alias])
        claims = learn(read(known), links)
        text = write(claims)
        if text is not None and text != known:
            memory.put(KIND, slots[alias], text)
        for task in tasks:
            user_id = owner(claims, task[0])
            yield (alias if user_id is None else "u:" + user_id, task)


def digest(alias: str) -> str:
    """What stands for the alias in the state; nothing that could be read back."""
    return hashlib.sha256(alias.encode("utf-8", "surrogatepass")).hexdigest()


def read(text: str | None) -> Claims:
    """Claims from their text; none where the text is none."""
    try:
        return learn((), _LISTS.decode(text)) if text else ()
    except msgspec.DecodeError:
        return ()


def write(claims: Claims) -> str | None:
    """The newest claims as text; None where there is nothing that may be kept.

    A userId that is an e-mail address is not kept: the state holds no addresses.
    """
    kept = list(_changes([link for link in claims if "@" not in link[1]]))
    return msgspec.json.encode(kept[-_MOST:]).decode() if kept else None
