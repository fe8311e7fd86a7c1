"""Steps that outlive a run: set up once, used by every micro-batch of a stream in this process."""

from __future__ import annotations

import itertools
from types import TracebackType
from typing import Any, Self

import apache_beam as beam

_KEPT: dict[str, Lasting] = {}
_NUMBERS = itertools.count()


class Keeper:
    """Keeps steps set up until it is closed; for runners that work in this process."""

    def __init__(self) -> None:
        self._names: list[str] = []

    def keep(self, step: beam.DoFn) -> beam.DoFn:
        """A step that does the same, and whose ``setup`` is carried out only once."""
        name = f"kept-{next(_NUMBERS)}"
        _KEPT[name] = lasting = Lasting(name, step)
        self._names.append(name)
        return lasting

    def close(self) -> None:
        """Tear the steps down, the last one first."""
        while self._names:
            _KEPT.pop(self._names.pop()).end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Lasting(beam.DoFn):
    """A step that is pickled by name, so that every run finds this very object.

    A runner makes a new copy of each step for each run. To compile the mapping, to build the
    validators and to connect again costs more than a small run does.
    """

    def __init__(self, name: str, step: beam.DoFn) -> None:
        self._name = name
        self._step = step
        self._ready = False
        # Beam looks at the arguments of these, so they are the step's own.
        self.process = step.process
        self.start_bundle = step.start_bundle
        self.finish_bundle = step.finish_bundle

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the name only."""
        return (_kept, (self._name,))

    def default_label(self) -> str:
        """The step's own name, so that the graph has the same names as without."""
        label: str = self._step.default_label()
        return label

    def setup(self) -> None:
        """Set the step up, if that was not done yet."""
        if not self._ready:
            self._step.setup()
            self._ready = True

    def end(self) -> None:
        """Tear the step down, if it was ever set up; called once, by the keeper."""
        if self._ready:
            self._step.teardown()


def _kept(name: str) -> Lasting:
    return _KEPT[name]
