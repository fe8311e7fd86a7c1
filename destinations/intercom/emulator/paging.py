"""Cutting lists into pages: by cursor for contacts, by page number for companies."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any, TypeVar

from destinations.intercom.emulator.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from destinations.intercom.emulator.model import Company, Contact, JsonObject

T = TypeVar("T")
C = TypeVar("C", "Contact", "Company")


def positive(value: Any, name: str, *, default: int, at_most: int | None = None) -> int:
    """A page size or number from a query or a body: 1 or more, and no more than ``at_most``."""
    if value is None or value == "":
        return default
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < len("1e9__"):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise invalid(text=f"{name} must be a positive integer")
    if at_most is not None and value > at_most:
        raise invalid(text=f"{name} must be at most {at_most}")
    return value


def by_cursor(items: Sequence[C], *, per_page: int, cursor: Any) -> tuple[list[C], JsonObject]:
    """One page of items that are in order of ``seq``, and the ``pages`` object that describes it.

    ``next`` is there only if more follows; its ``starting_after`` fetches that.
    """
    after, page = _read_cursor(cursor)
    start = 0 if after is None else _first_after(items, after)
    shown = list(items[start : start + per_page])
    pages = _pages(page, per_page, len(items))
    if start + per_page < len(items):
        pages["next"] = {
            "page": page + 1,
            "per_page": per_page,
            "starting_after": _write_cursor(shown[-1].seq, page + 1),
        }
    return shown, pages


def by_number(items: Sequence[T], *, per_page: int, page: int) -> tuple[list[T], JsonObject]:
    """One page by its number, and the ``pages`` object; ``next`` is null on the last one."""
    start = (page - 1) * per_page
    pages = _pages(page, per_page, len(items))
    pages["next"] = None
    if start + per_page < len(items):
        pages["next"] = {"page": page + 1, "per_page": per_page}
    return list(items[start : start + per_page]), pages


def _pages(page: int, per_page: int, total: int) -> JsonObject:
    return {
        "type": "pages",
        "page": page,
        "per_page": per_page,
        "total_pages": -(-total // per_page),
    }


def _first_after(items: Sequence[C], seq: int) -> int:
    low, high = 0, len(items)
    while low < high:
        middle = (low + high) // 2
        if items[middle].seq <= seq:
            low = middle + 1
        else:
            high = middle
    return low


def _write_cursor(seq: int, page: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([seq, page]).encode()).decode()


def _read_cursor(cursor: Any) -> tuple[int | None, int]:
    if cursor is None or cursor == "":
        return None, 1
    try:
        seq, page = json.loads(base64.urlsafe_b64decode(cursor))
        return int(seq), int(page)
    except (binascii.Error, ValueError, TypeError):
        raise invalid(text="starting_after is not a cursor of this list") from None
