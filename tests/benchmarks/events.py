"""The events of the benchmarks: the same ones for the same seed, about 650 bytes each.

20 % identify, 60 % track, 15 % page and 5 % group, of people by Zipf's law; traits with nested
objects and companies, three to nine properties, a revenue on a fifth of the tracks, a context with
ip, agent and device, and destination options on a tenth. Every event is valid: what broken
lines cost is no matter of speed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

import orjson

PEOPLE = 20_000
MIX = {"identify": 20, "track": 60, "page": 15, "group": 5}

_START = datetime(2024, 3, 1, tzinfo=UTC)
_DAYS = 14
_FIRST = ("Ada", "Zoë", "Jürgen", "María", "Olena", "Noor", "Sean", "Priya", "Kofi", "Yuki")
_LAST = ("Obi", "Brontë", "Weiß", "Núñez", "Koval", "Haddad", "O'Hara", "Raman", "Mensah", "Lee")
_PLANS = ("free", "starter", "team", "business", "enterprise")
_INDUSTRIES = ("software", "retail", "logistics", "health", "education", "finance")
_AGENTS = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/122.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:123.0) Gecko/20100101 Firefox/123.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_3 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
)
_DEVICES = (
    {"type": "ios", "manufacturer": "Apple", "model": "iPhone15,2"},
    {"type": "android", "manufacturer": "Google", "model": "Pixel 8"},
    {"type": "android", "manufacturer": "Samsung", "model": "SM-S921B"},
)
_PAGES = (("Home", "/"), ("Pricing", "/pricing"), ("Docs", "/docs/start"), ("Cart", "/cart"))
_NAMES = tuple(
    f"{thing} {what}"
    for thing in ("Order", "Cart", "Report", "Project", "Invoice", "Trial", "File", "Member")
    for what in ("Created", "Viewed", "Changed", "Completed", "Removed")
)

Draw = Callable[[random.Random, str], Any]
_PROPERTIES: dict[str, Draw] = {
    "plan": lambda dice, _: dice.choice(_PLANS),
    "quantity": lambda dice, _: dice.randint(1, 40),
    "price": lambda dice, _: dice.randint(100, 99_999) / 100,
    "coupon": lambda dice, _: f"SPRING{dice.randint(10, 99)}",
    "order_id": lambda dice, _: f"ord_{dice.randrange(10**9):09d}",
    "gift": lambda dice, _: dice.random() < 0.5,
    "category": lambda dice, _: dice.choice(_INDUSTRIES),
    "seconds": lambda dice, _: dice.randrange(10_000) / 10,
    "comment": lambda dice, _: "the export stops at row " + str(dice.randrange(10_000)),
    "due_at": lambda dice, when: when,
    "products": lambda dice, _: [
        {"id": f"p{dice.randrange(5000)}", "price": dice.randint(100, 9999) / 100, "quantity": 1}
        for _ in range(dice.randint(1, 2))
    ],
    "shipping": lambda dice, _: {"city": "Leeds", "country": "GB", "days": dice.randint(1, 9)},
    "referrer": lambda dice, _: "https://www.example.com/search?q=" + dice.choice(_PLANS),
}

_KEYS = {
    name: random.Random(name).sample(list(_PROPERTIES), 3 + place % 7)
    for place, name in enumerate(_NAMES)
}
"""An event comes from one place in a source's code, which sends the same properties each time."""


def events(count: int, *, people: int = PEOPLE, seed: int = 11) -> Iterator[bytes]:
    """``count`` lines, in the order of their times."""
    dice = random.Random(seed)
    ranks = list(accumulate(1 / rank for rank in range(1, people + 1)))
    kinds = dice.choices(list(MIX), list(MIX.values()), k=count)
    persons = dice.choices(range(people), cum_weights=ranks, k=count)
    step = timedelta(days=_DAYS) / max(count, 1)
    for number, (kind, person) in enumerate(zip(kinds, persons, strict=True)):
        moment = _START + number * step
        when = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        yield orjson.dumps(_event(dice, kind, person, number, when))


def _event(dice: random.Random, kind: str, person: int, number: int, when: str) -> dict[str, Any]:
    event: dict[str, Any] = {
        "type": kind,
        "messageId": f"ajs-next-{number:012x}{dice.getrandbits(64):016x}",
        "timestamp": when,
        "anonymousId": f"{dice.getrandbits(64):016x}-{person:08x}",
        "userId": f"user-{person:06d}",
        "context": _context(dice),
        **_BODIES[kind](dice, person, when),
    }
    if dice.random() < 0.1:
        event["integrations"] = {
            "All": True,
            "Intercom": {"unsubscribedFromEmails": dice.random() < 0.5},
        }
    event["sentAt"] = when
    return event


def _context(dice: random.Random) -> dict[str, Any]:
    return {
        "ip": f"203.0.{dice.randrange(256)}.{dice.randrange(256)}",
        "userAgent": dice.choice(_AGENTS),
        "device": dice.choice(_DEVICES),
    }


def _identify(dice: random.Random, person: int, when: str) -> dict[str, Any]:
    first, last = _FIRST[person % 10], _LAST[person // 10 % 10]
    traits: dict[str, Any] = {
        "email": f"person.{person}@example.com",
        "firstName": first,
        "lastName": last,
        "phone": f"+44 20 7946 {person % 10_000:04d}",
        "plan": dice.choice(_PLANS),
        "createdAt": when,
        "logins": dice.randrange(1000),
        "address": {"city": "Leeds", "postalCode": "LS1 4AP", "country": "GB"},
    }
    if dice.random() < 0.4:
        traits["company"] = _company(dice, person, when)
    return {"traits": traits}


def _company(dice: random.Random, person: int, when: str) -> dict[str, Any]:
    number = person % 2000
    return {
        "id": f"c{number}",
        "name": f"Company {number}",
        "plan": dice.choice(_PLANS),
        "employees": dice.randint(1, 5000),
        "industry": dice.choice(_INDUSTRIES),
        "createdAt": when,
    }


def _track(dice: random.Random, person: int, when: str) -> dict[str, Any]:
    name = dice.choice(_NAMES)
    properties = {key: _PROPERTIES[key](dice, when) for key in _KEYS[name]}
    if len(properties) > 3 and dice.random() < 0.1:  # what is optional
        del properties[dice.choice(list(properties))]
    if dice.random() < 0.2:
        properties["revenue"] = dice.randint(100, 99_999) / 100
        properties["currency"] = dice.choice(("USD", "EUR", "GBP"))
    return {"event": name, "properties": properties}


def _page(dice: random.Random, person: int, when: str) -> dict[str, Any]:
    name, path = dice.choice(_PAGES)
    properties = {
        "path": path,
        "url": f"https://shop.example.com{path}",
        "title": f"{name} - the shop of examples",
        "referrer": "https://www.example.com/",
        "search": "",
    }
    return {"name": name, "properties": properties}


def _group(dice: random.Random, person: int, when: str) -> dict[str, Any]:
    company = _company(dice, person, when)
    return {"groupId": company.pop("id"), "traits": company}


_BODIES: dict[str, Callable[[random.Random, int, str], dict[str, Any]]] = {
    "identify": _identify,
    "track": _track,
    "page": _page,
    "group": _group,
}
