"""Bringing together what one person did under several names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import apache_beam as beam
from apache_beam.transforms.window import GlobalWindows

from pipeline.flow import aliases
from pipeline.flow.aliases import Link
from pipeline.flow.deliver import Remembering
from pipeline.flow.packing import Packed
from pipeline.transforms.settling import settle

BY_ALIAS = "by_alias"
LINKS = "links"

_HELD = 500
"""So many aliases are looked up in the state with one question."""


class ResolveAliases(beam.DoFn):
    """(e-mail or anonymousId, its packed tasks and links) -> (person key, packed task).

    What identifies of this run or an earlier one have linked decides whose a task is (design
    decision 6).
    """

    def __init__(self, open_memory: Callable[[ExitStack], Remembering]) -> None:
        self._open_memory = open_memory

    def setup(self) -> None:
        """Open the state, on the worker."""
        self._stack = ExitStack()
        self._memory = self._open_memory(self._stack)

    def start_bundle(self) -> None:
        """Begin with nothing held."""
        self._held: list[tuple[str, list[Link], list[Packed]]] = []

    def process(
        self, element: tuple[str, Mapping[str, Iterable[Any]]]
    ) -> Iterator[tuple[str, Packed]]:
        """Give every task of an alias its person's key."""
        alias, grouped = element
        self._held.append((alias, list(grouped[LINKS]), list(grouped[BY_ALIAS])))
        if len(self._held) >= _HELD:
            yield from self._resolve()

    def finish_bundle(self) -> Iterator[Any]:
        """Resolve what is held, and store what was learned."""
        for output in self._resolve():
            yield GlobalWindows.windowed_value(output)
        settle(self._memory)

    def teardown(self) -> None:
        """Close the state."""
        self._stack.close()

    def _resolve(self) -> Iterator[tuple[str, Packed]]:
        held, self._held = self._held, []
        yield from aliases.resolve(self._memory, held)
