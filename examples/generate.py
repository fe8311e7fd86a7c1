"""Write events of an invented shop and its customers, the same ones for the same seed everywhere.

    python examples/generate.py --events 5000 --people 400 --seed 7 > examples/events.jsonl

About one line in a hundred is broken on purpose, each in one of the ways that real sources know.
Only the standard library is used, and of ``random`` only what never changes between versions.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, NamedTuple, TypeVar

START = 1_709_251_200  # 2024-03-01T00:00:00Z
DAYS = 14
OVERSIZE = 1_200_000

T = TypeVar("T")
Object = dict[str, Any]

# (first name, last name, their ASCII form for the e-mail)
NAMES = (
    ("Ada", "Obi", "ada.obi"),
    ("Zoë", "Brontë", "zoe.bronte"),
    ("Jürgen", "Weiß", "juergen.weiss"),
    ("María", "Núñez", "maria.nunez"),
    ("李", "小龍", "li.xiaolong"),
    ("Олена", "Коваль", "olena.koval"),
    ("Noor", "Haddad", "noor.haddad"),
    ("Sean", "O'Hara", "sean.ohara"),
    ("Anaïs", "Lefèvre", "anais.lefevre"),
    ("Priya", "Raman", "priya.raman"),
    ("Kofi", "Mensah", "kofi.mensah"),
    ("Yuki", "Tanaka", "yuki.tanaka"),
    ("Łukasz", "Żak", "lukasz.zak"),
    ("Grace", "Miller", "grace.miller"),
    ("Tom", "Lee", "tom.lee"),
    ("Ingrid", "Sørensen", "ingrid.sorensen"),
)
MAIL_HOSTS = ("example.com", "example.org", "mail.example.net", "example.co.uk")
COMPANY_NAMES = (
    "Initech", "Globex", "Acme", "Umbrella Süd", "Hooli", "Stark & Söhne", "Wayne Trading",
    "Vandelay", "Soylent Foods", "Tyrell Optics", "Cyberdyne Tools", "Wonka 工業", "Duff Drinks",
    "Gringotts Pay", "Aperture Doors", "Oscorp Labs", "Massive Data", "Nakatomi Trade",
    "Pied Piper", "Sirius Cargo",
)  # fmt: skip
INDUSTRIES = ("software", "retail", "logistics", "health", "education", "finance")
PLANS = ("free", "starter", "team", "business", "enterprise")
CITIES = (("Berlin", "DE"), ("São Paulo", "BR"), ("Austin", "US"), ("Osaka", "JP"), ("Leeds", "GB"))
CURRENCIES = ("USD", "EUR", "GBP", "usd", "JPY", "CHF")
AGENTS = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/122.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:123.0) Gecko/20100101 Firefox/123.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_3 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "okhttp/4.12.0",
)
LIBRARIES = (
    ("analytics.js", "2.1.9"),
    ("analytics-node", "2.0.0"),
    ("analytics-python", "2.3.0"),
    ("analytics-ios", "4.1.8"),
    ("analytics-android", "4.11.3"),
)
DEVICES = (
    ("ios", "Apple", "iPhone15,2", "iOS", "17.3"),
    ("android", "Google", "Pixel 8", "Android", "14"),
    ("android", "Samsung", "SM-S921B", "Android", "14"),
)
PAGES = (
    ("Home", "/"),
    ("Pricing", "/pricing"),
    ("Docs", "/docs/start"),
    ("Blog", "/blog/über-uns"),
    ("Cart", "/cart"),
    ("Settings", "/settings/billing"),
)

# Event name -> its properties, the most telling first. Those with "revenue" may carry money.
EVENTS: dict[str, tuple[str, ...]] = {
    "Signed In": ("method", "remember", "device_count", "plan"),
    "Signed Out": ("method", "session_minutes", "reason"),
    "Signed Up": ("method", "plan", "referrer", "invited_by", "trial_ends_at"),
    "Trial Started": ("plan", "trial_ends_at", "source", "seats"),
    "Trial Ended": ("plan", "converted", "seats", "reason"),
    "Plan Changed": ("plan", "previous_plan", "seats", "revenue", "effective_at"),
    "Subscription Renewed": ("plan", "revenue", "seats", "renews_at", "invoice_id"),
    "Subscription Cancelled": ("plan", "reason", "comment", "ends_at"),
    "Invoice Paid": ("invoice_id", "revenue", "method", "paid_at", "seats"),
    "Invoice Failed": ("invoice_id", "method", "reason", "attempt"),
    "Product Viewed": ("product_id", "name", "price", "category", "url"),
    "Product Added": ("product_id", "name", "price", "quantity", "category", "cart_id"),
    "Product Removed": ("product_id", "name", "quantity", "cart_id"),
    "Cart Viewed": ("cart_id", "quantity", "total", "products"),
    "Checkout Started": ("order_id", "total", "quantity", "coupon", "products", "revenue"),
    "Order Completed": (
        "order_id", "total", "revenue", "shipping", "tax", "coupon", "quantity", "products", "gift",
    ),
    "Order Refunded": ("order_id", "total", "reason", "comment"),
    "Coupon Applied": ("coupon", "order_id", "discount", "cart_id"),
    "Report Created": ("report_id", "name", "rows", "shared", "filters"),
    "Report Exported": ("report_id", "format", "rows", "seconds"),
    "File Uploaded": ("name", "format", "bytes", "folder"),
    "Project Created": ("project_id", "name", "template", "members", "due_at"),
    "Project Archived": ("project_id", "members", "reason"),
    "Member Invited": ("invited_by", "role", "seats", "project_id"),
    "Member Removed": ("role", "seats", "reason"),
    "Comment Added": ("comment", "project_id", "mentions", "edited"),
    "Search Performed": ("query", "results", "filters", "seconds"),
    "Feature Used": ("name", "attempt", "beta", "seconds", "plan"),
    "Support Requested": ("subject", "comment", "priority", "channel"),
    "Überweisung bestätigt": ("invoice_id", "revenue", "method", "paid_at"),
}  # fmt: skip
EVENT_NAMES = tuple(EVENTS)
LONG = (
    "The export stops at row 4,096 and never says why; we tried it on two machines. "
    "Café and naïve users see the same. 👩‍👩‍👧‍👦 "
)


class Plan(NamedTuple):
    """What one line will be about; times are milliseconds since 1970."""

    arrival: int
    time: int
    kind: str
    person: int
    number: int


class Dice:
    """Chance, drawn from ``random()`` alone, whose numbers are the same in every Python."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed).random

    def below(self, limit: int) -> int:
        """A number from 0, smaller than the limit."""
        return int(self._random() * limit)

    def between(self, low: int, high: int) -> int:
        """A number from low to high."""
        return low + self.below(high - low + 1)

    def happens(self, percent: float) -> bool:
        """Yes, in so many of a hundred cases."""
        return self._random() * 100 < percent

    def pick(self, choices: tuple[T, ...]) -> T:
        """One of the choices."""
        return choices[self.below(len(choices))]

    def hexadecimal(self, digits: int) -> str:
        """So many digits."""
        return "".join("0123456789abcdef"[self.below(16)] for _ in range(digits))


class Person:
    """One customer, who is the same in every event."""

    def __init__(self, dice: Dice, number: int, companies: int, start: int) -> None:
        self.first, self.last, mail = NAMES[number % len(NAMES)]
        self.email = f"{mail}.{number}@{dice.pick(MAIL_HOSTS)}"
        self.email_only = number % 37 == 36
        self.user_id: str | int = f"u_{10_000 + number}"
        if number % 29 == 28:
            self.user_id = 9_000_000_000_000_000_000_000 + number  # longer than 64 bits
        elif number % 23 == 22:
            self.user_id = number
        self.anonymous_id = dice.hexadecimal(16)
        self.created = start - dice.between(1, 900 * 86_400)
        self.company = min(dice.below(companies), dice.below(companies))
        self.city, self.country = dice.pick(CITIES)
        self.ip = f"203.0.113.{dice.between(1, 254)}"
        self.agent = dice.pick(AGENTS)
        self.library = dice.pick(LIBRARIES)
        self.device = dice.pick(DEVICES)
        self.created_shape = dice.below(len(DATE_SHAPES))
        self.created_key = dice.pick(("createdAt", "created_at", "createdAt", "Created At"))

    def identity(self) -> Object:
        """What names the person in an event."""
        return {} if self.email_only else {"userId": self.user_id}


class Company:
    """One company; some change their plan during the days that are told."""

    def __init__(self, dice: Dice, number: int, start: int) -> None:
        serial = number // len(COMPANY_NAMES)
        self.name = COMPANY_NAMES[number % len(COMPANY_NAMES)] + (
            f" {serial + 1}" if serial else ""
        )
        self.id: str | int = 500 + number if number % 4 == 0 else f"acct_{500 + number}"
        self._plan = dice.below(len(PLANS) - 1)
        self._changes_at = (start + dice.below(4 * DAYS * 86_400)) * 1000
        self._employees = dice.between(3, 900)
        self._spend = dice.between(0, 4_000_000)
        self._industry = dice.pick(INDUSTRIES)
        self._created = start - dice.between(30, 3000) * 86_400
        self.id_known = number % 5 != 4

    def traits(self, time: int) -> Object:
        """What is known at a time in milliseconds."""
        changed = time >= self._changes_at
        spend = self._spend * (2 if changed else 1)
        return {
            "name": self.name,
            "plan": PLANS[self._plan + changed],
            "monthlySpend": spend / 100
            if self._employees % 3
            else f"{spend // 100:,}.{spend % 100:02}",
            "employees": self._employees + 5 * changed,
            "industry": self._industry,
            "createdAt": iso(self._created * 1000)[:10],
        }


def moment(time: int, minutes: int = 0) -> datetime:
    """A time in milliseconds since 1970 in a zone that many minutes east of Greenwich."""
    zone = timezone(timedelta(minutes=minutes))
    return datetime(1970, 1, 1, tzinfo=UTC).astimezone(zone) + timedelta(milliseconds=time)


def iso(time: int) -> str:
    """ISO 8601 with milliseconds, as JavaScript writes it."""
    return moment(time).strftime("%Y-%m-%dT%H:%M:%S.") + f"{time % 1000:03}Z"


def iso_with_offset(time: int) -> str:
    """ISO 8601 with the offset of India."""
    return moment(time, 330).strftime("%Y-%m-%dT%H:%M:%S+05:30")


def script_text(time: int) -> str:
    """What ``Date.toString()`` says."""
    return _named(time, "{day} {month} {at:%d %Y %H:%M:%S} GMT+0000 (Coordinated Universal Time)")


def mail_text(time: int) -> str:
    """A date as in the header of an e-mail."""
    return _named(time, "{day}, {at:%d} {month} {at:%Y %H:%M:%S} +0000")


def _named(time: int, shape: str) -> str:
    at = moment(time)
    day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[at.weekday()]
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return shape.format(day=day, month=months[at.month - 1], at=at)


DATE_SHAPES: tuple[Callable[[int], Any], ...] = (
    iso,
    iso,
    lambda time: iso(time)[:10],
    lambda time: time // 1000,
    lambda time: time,
    lambda time: str(time // 1000),
    iso_with_offset,
    mail_text,
    script_text,
)


def events(
    seed: int, count: int, people: int, *, start: int = START, oversize: bool = False
) -> Iterator[bytes]:
    """Yield ``count`` lines without their line ends; ``oversize`` adds one that is far too long."""
    world = World(seed, count, people, start)
    yield from world.lines()
    if oversize:
        yield world.oversize()


class World:
    """All people and companies, and what happens to them."""

    def __init__(self, seed: int, count: int, people: int, start: int) -> None:
        self._dice = Dice(seed)
        self._count = count
        self._start = start
        self._broken_count, self._again_count = count // 100, count * 3 // 1000
        self._sound_count = count - self._broken_count - self._again_count
        self._identify_count = max(min(count, 1), self._sound_count * 20 // 100)
        known = max(1, min(people, self._identify_count))
        size = max(1, known // 9)
        self._companies = [Company(self._dice, each, start) for each in range(size)]
        self._people = [Person(self._dice, each, size, start) for each in range(known)]
        total, self._popularity = 0.0, [0.0]
        for rank in range(1, known + 1):
            total += 1 / rank
            self._popularity.append(total)

    def lines(self) -> Iterator[bytes]:
        """Yield every line, in the order of arrival."""
        last = b""
        for index, plan in enumerate(self._plans()):
            if plan.kind == "broken":
                yield self._broken(plan)
            elif plan.kind == "again" and last:
                yield last
            else:
                kind = "page" if plan.kind == "again" else plan.kind
                line = self._written(self._event(kind, plan))
                last = line if index % 5 == 0 else last
                yield line

    def oversize(self) -> bytes:
        """A valid event that is longer than a line may be."""
        body = self._event("track", Plan(0, self._start * 1000, "track", 0, self._count))
        body["properties"]["attachment"] = "x" * OVERSIZE
        return self._written(body)

    def _plans(self) -> list[Plan]:
        dice = self._dice
        rest, identify = self._sound_count, self._identify_count
        page, group = rest * 15 // 100, rest * 5 // 100
        others = ["page"] * page + ["group"] * group
        others += ["track"] * (rest - identify - page - group)
        plans: list[tuple[int, str, int]] = []
        first: dict[int, int] = {}
        for kind in others:
            person, time = self._somebody(), self._some_time()
            plans.append((time, kind, person))
            first[person] = min(time, first.get(person, time))
        for number in range(identify):
            if number >= len(self._people):
                plans.append((self._some_time(), "identify", self._somebody()))
                continue
            time = first.get(number) or self._some_time()
            late = dice.happens(4)
            plans.append(
                (time + dice.between(1000, 7_200_000) * (1 if late else -1), "identify", number)
            )
        plans += [
            (self._some_time(), "broken", self._somebody()) for _ in range(self._broken_count)
        ]
        plans += [(self._some_time(), "again", self._somebody()) for _ in range(self._again_count)]
        return sorted(
            Plan(time + self._delay(), time, kind, person, number)
            for number, (time, kind, person) in enumerate(plans)
        )

    def _delay(self) -> int:
        if self._dice.happens(4):
            return self._dice.between(60_000, 20_000_000)
        return self._dice.between(20, 1500)

    def _some_time(self) -> int:
        return self._start * 1000 + 10_000_000 + self._dice.below(DAYS * 86_400_000)

    def _somebody(self) -> int:
        """Pick a person after Zipf: the first does most, the second half of it, and so on."""
        mark = (self._dice.below(1 << 30) / (1 << 30)) * self._popularity[-1]
        low, high = 0, len(self._people) - 1
        while low < high:
            middle = (low + high) // 2
            if self._popularity[middle + 1] > mark:
                high = middle
            else:
                low = middle + 1
        return low

    def _event(self, kind: str, plan: Plan) -> Object:
        dice, person = self._dice, self._people[plan.person]
        body: Object = {"type": kind}
        body.update(self._message_id(plan))
        body.update(person.identity())
        if dice.happens(25):
            body["anonymousId"] = person.anonymous_id if dice.happens(80) else None
        body.update(getattr(self, f"_{kind}")(plan, person))
        if dice.happens(75):
            body["context"] = self._context(person)
        elif dice.happens(8):
            body["context"] = None
        if person.email_only and kind != "identify":
            context = body.get("context") or {}
            body["context"] = {**context, "traits": {"email": person.email}}
        if dice.happens(10):
            body["integrations"] = self._integrations()
        body.update(self._times(plan))
        return body

    def _message_id(self, plan: Plan) -> Object:
        if self._dice.happens(2):
            return {}
        if self._dice.happens(1):
            return {"messageId": 7_000_000_000 + plan.number}
        return {"messageId": f"m-{plan.number:06}-{self._dice.hexadecimal(8)}"}

    def _times(self, plan: Plan) -> Object:
        dice, time = self._dice, plan.time
        key = "originalTimestamp" if dice.happens(5) else "timestamp"
        if dice.happens(85):
            told: Any = iso(time)
        else:
            told = dice.pick((iso_with_offset(time), time, time / 1000))
        times = {key: told}
        if dice.happens(70):
            times["sentAt"] = iso(plan.arrival)
        if dice.happens(60):
            times["receivedAt"] = iso(plan.arrival + dice.between(5, 300))
        return times

    def _identify(self, plan: Plan, person: Person) -> Object:
        dice = self._dice
        traits: Object = {}
        if not dice.happens(3) or person.email_only:
            traits["email"] = person.email
        if dice.happens(60):
            traits["name"] = f"{person.first} {person.last}"
        else:
            traits["firstName"], traits["lastName"] = person.first, person.last
        traits[person.created_key] = DATE_SHAPES[person.created_shape](person.created * 1000)
        for percent, key, make in (
            (35, "phone", lambda: f"+49 30 {dice.between(100_000, 999_999)}"),
            (20, "avatar", lambda: f"https://img.example.com/{person.anonymous_id}.png"),
            (40, "plan", lambda: dice.pick(PLANS)),
            (40, "logins", lambda: dice.between(0, 500)),
            (25, "score", lambda: dice.between(0, 1000) / 10),
            (20, "newsletter", lambda: dice.happens(50)),
            (12, "last_invoice_on", lambda: iso(plan.time)[:10]),
            (10, "nickname", lambda: None),
            (20, "address", lambda: {"city": person.city, "country": person.country}),
            (10, "tags", lambda: ["beta", "vip"][: dice.between(0, 2)]),
            (2, "about", lambda: LONG * dice.between(2, 4)),
        ):
            if dice.happens(percent):
                traits[key] = make()
        traits.update(self._company_trait(plan.time, person))
        return {"traits": traits}

    def _company_trait(self, time: int, person: Person) -> Object:
        dice, company = self._dice, self._companies[person.company]
        ids: Object = {"id": company.id} if company.id_known else {}
        whole = {**ids, **company.traits(time)}
        share = dice.below(100)
        if share < 45:
            return {"company": whole}
        if share < 55:
            return {"company": company.name}
        if share < 65:
            other = self._companies[dice.below(len(self._companies))]
            return {"companies": [whole, {"id": other.id, "name": other.name}]}
        if share < 68:
            return {"company": {**ids, "name": company.name, "remove": True}}
        return {"company": None} if share < 70 else {}

    def _track(self, plan: Plan, person: Person) -> Object:
        dice = self._dice
        name = EVENT_NAMES[min(dice.below(len(EVENT_NAMES)), dice.below(len(EVENT_NAMES) + 9))]
        keys = EVENTS[name]
        properties = {}
        for key in keys[: max(4, dice.between(4, 9))]:
            if key != "revenue":
                properties[key] = self._property(key, plan, person)
        if ("revenue" in keys and dice.happens(70)) or dice.happens(4):
            properties.update(self._money())
        if dice.happens(4):
            properties["account.region"] = person.country
        return {"event": name, "properties": properties}

    def _money(self) -> Object:
        dice = self._dice
        cents = dice.between(99, 250_000)
        exact = f"{cents // 100}.{cents % 100:02}"
        grouped = f"{cents // 100:,}.{cents % 100:02}"
        share = dice.below(100)
        if share < 55:
            revenue: Any = cents / 100
        elif share < 68:
            revenue = cents // 100
        elif share < 90:
            revenue = dice.pick((exact, grouped, f"${grouped}", f"€ {exact}", f"{exact} USD"))
        else:
            revenue = dice.pick((0, None, -5, "free", 4.35, "1.234,50", 19.999))
        return {"revenue": revenue, **({"currency": dice.pick(CURRENCIES)} if share % 3 else {})}

    def _property(self, key: str, plan: Plan, person: Person) -> Any:
        dice = self._dice
        if key.endswith("_at"):
            return DATE_SHAPES[dice.below(4)](plan.time + dice.between(-30, 30) * 86_400_000)
        if key.endswith("_id"):
            return f"{key[:2]}-{dice.between(1000, 99_999)}"
        if key in ("price", "total", "shipping", "tax", "discount"):
            return dice.between(0, 90_000) / 100
        if key in ("remember", "converted", "gift", "shared", "edited", "beta"):
            return dice.happens(50)
        if key == "plan":
            return dice.pick(PLANS)
        if key == "comment":
            text = dice.pick(("Great, thanks! 🎉", "", "Zu teuer für uns", LONG * 2))
            return LONG * 4 if dice.happens(10) else text
        if key == "products":
            return [
                {"product_id": f"p-{dice.between(1, 900)}", "price": dice.between(100, 9000) / 100}
                for _ in range(dice.between(1, 3))
            ]
        if key == "filters":
            return {"from": iso(plan.time)[:10], "country": person.country}
        if key == "mentions":
            return [person.email]
        if key == "url":
            return {"url": "https://shop.example.com/p/7", "value": "Teapot"}
        if key in ("reason", "coupon", "referrer", "invited_by"):
            return dice.pick((None, "", "spring", "other", "a colleague"))
        if key in ("name", "query", "subject", "template", "folder", "category"):
            return dice.pick(("Teapot", "Größe 42", "月報", "Q1 report", "a:b", "x"))
        if key in ("method", "source", "format", "role", "priority", "channel", "previous_plan"):
            return dice.pick(("card", "mail", "csv", "admin", "high", "web"))
        return dice.between(0, 500)

    def _group(self, plan: Plan, person: Person) -> Object:
        company = self._companies[person.company]
        traits: Object | None = company.traits(plan.time)
        if self._dice.happens(10):
            traits = None
        return {"groupId": company.id, "traits": traits}

    def _page(self, plan: Plan, person: Person) -> Object:
        dice = self._dice
        name, path = dice.pick(PAGES)
        properties = {"url": f"https://shop.example.com{path}", "path": path, "title": name}
        if dice.happens(30):
            properties["referrer"] = dice.pick(("", "https://search.example.com/"))
        return {"name": name if dice.happens(95) else None, "properties": properties}

    def _context(self, person: Person) -> Object:
        dice = self._dice
        name, version = person.library
        context: Object = {"library": {"name": name, "version": version}, "ip": person.ip}
        if name in ("analytics-ios", "analytics-android"):
            kind, maker, model, system, release = person.device
            context["device"] = {"type": kind, "manufacturer": maker, "model": model}
            context["os"] = {"name": system, "version": release}
            context["app"] = {"name": "Shop", "version": "4.2.1"}
        elif dice.happens(80):
            context["userAgent"] = person.agent
        if name == "analytics.js":
            title, path = dice.pick(PAGES)
            context["page"] = {
                "path": path,
                "title": title,
                "url": f"https://shop.example.com{path}",
            }
        if dice.happens(50):
            context["timezone"] = "Europe/Berlin"
        if dice.happens(10):
            context["campaign"] = {"source": "newsletter", "medium": "email", "name": "spring"}
        if dice.happens(50):
            context["locale"] = f"en-{person.country}"
        if dice.happens(2):
            context["active"] = False
        return context

    def _integrations(self) -> Object:
        share = self._dice.below(10)
        if share < 4:
            return {"All": True}
        if share == 4:
            return {"All": False}
        if share < 6:
            return {"Intercom": False}
        if share < 7:
            return {"All": False, "Intercom": True}
        if share < 8:
            return {"All": True, "Mixpanel": False}
        options = {"unsubscribedFromEmails": self._dice.happens(50), "languageOverride": "de"}
        return {"Intercom": options}

    def _written(self, body: Object) -> bytes:
        plain = self._dice.happens(20)
        return json.dumps(body, ensure_ascii=plain, separators=(",", ":")).encode()

    def _broken(self, plan: Plan) -> bytes:
        """One of the ways to be wrong, each in its turn."""
        body = self._event("track", plan)
        ways = (
            self._cut_off, self._no_object, self._other_type, self._no_event, self._nobody,
            self._bad_time, self._twice, self._constant, self._bad_utf8, self._deep, self._half,
            self._huge, self._bad_shapes,
        )  # fmt: skip
        return ways[plan.number % len(ways)](body)

    def _cut_off(self, body: Object) -> bytes:
        line = self._written(body)
        return self._dice.pick((line[: len(line) // 2], b"502 Bad Gateway", line[:-1] + b",}"))

    def _no_object(self, body: Object) -> bytes:
        return self._dice.pick((b"[%b]" % self._written(body), b"null", b"42"))

    def _other_type(self, body: Object) -> bytes:
        kind = self._dice.pick(("trak", "Track", "purchase", None))
        return self._written({**body, "type": kind})

    def _no_event(self, body: Object) -> bytes:
        return self._written({**body, "event": self._dice.pick(("", None))})

    def _nobody(self, body: Object) -> bytes:
        lonely = {**body, "anonymousId": self._dice.hexadecimal(16), "context": None}
        lonely.pop("userId", None)
        return self._written(lonely)

    def _bad_time(self, body: Object) -> bytes:
        return self._written(
            {**body, "timestamp": self._dice.pick(("yesterday", "2024-02-30", True))}
        )

    def _twice(self, body: Object) -> bytes:
        return self._written(body)[:-1] + b',"userId":"u_1","userId":"u_2"}'

    def _constant(self, body: Object) -> bytes:
        word = self._dice.pick((b"NaN", b"Infinity", b"-Infinity"))
        return self._written(body)[:-1] + b',"score":%b}' % word

    def _bad_utf8(self, body: Object) -> bytes:
        return self._written(body)[:-1] + b',"city":"K\xf6ln"}'

    def _deep(self, body: Object) -> bytes:
        return self._written(body)[:-1] + b',"tree":' + b"[" * 90 + b"]" * 90 + b"}"

    def _half(self, body: Object) -> bytes:
        return self._written(body)[:-1] + b',"emoji":"\\ud83d"}'

    def _huge(self, body: Object) -> bytes:
        return self._written(body)[:-1] + b',"score":1e999999999}'

    def _bad_shapes(self, body: Object) -> bytes:
        return self._written({**body, "userId": True, "context": "web", "properties": ["a"]})


def main() -> int:
    """Write the events to the standard output."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--events", type=int, default=3000, help="how many lines (3000)")
    parser.add_argument("--people", type=int, default=400, help="how many people at most (400)")
    parser.add_argument("--seed", type=int, default=7, help="another seed, other events (7)")
    parser.add_argument("--start", type=int, default=START, help="first second, since 1970")
    parser.add_argument("--oversize", action="store_true", help="add a line of over a megabyte")
    options = parser.parse_args()
    lines = events(
        options.seed, options.events, options.people, start=options.start, oversize=options.oversize
    )
    for line in lines:
        sys.stdout.buffer.write(line + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
