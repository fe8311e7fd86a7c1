"""The two halves of a run on one machine: lines to a spool, and from there to the destination."""

from __future__ import annotations

import pickle
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput

from pipeline.flow import event_names
from pipeline.flow.aliases import Link
from pipeline.flow.event_names import Admission, FirstUse
from pipeline.flow.packing import Packed
from pipeline.flow.shared import Cells, merge
from pipeline.flow.spool import SpoolError, SpoolReader, SpoolWriter, spool_error
from pipeline.flow.stopping import STOP
from pipeline.transforms import prepare as prep
from pipeline.transforms.aliases import BY_ALIAS, LINKS
from pipeline.transforms.deliver import Deliver, DeliverSettings
from pipeline.transforms.failures import note_failure
from pipeline.transforms.intake import Intake, IntakeSettings
from pipeline.transforms.prepare import Prepare, PrepareSettings
from pipeline.transforms.read import Line, Slice, Unreadable

Shared = dict[tuple[str, str], Cells]

_LINES_AT_ONCE = 200
_LINK_BYTES = 48
_HELD_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where one route's half-done work lies; a directory that nobody else can read.

    Attributes:
        root: The directory.
        partitions: So many partitions each spool has.
    """

    root: Path
    partitions: int

    @property
    def people(self) -> Path:
        """The spool of tasks by person."""
        return self.root / "people"

    @property
    def aliases(self) -> Path:
        """The spool of tasks of people without userId, by alias."""
        return self.root / "aliases"

    @property
    def links(self) -> Path:
        """The spool of whose an alias was stated to be, by alias."""
        return self.root / "links"

    @property
    def tables(self) -> Path:
        """The first uses of event names, and the fields of things that people share."""
        return self.root / "tables"

    @property
    def decided(self) -> Path:
        """What of both was decided over the whole input."""
        return self.root / "decided"


class ReadManyLines(beam.DoFn):
    """``Slice`` -> lists of ``Line`` and ``Unreadable``: an element costs as much as a line's work.

    Args:
        read: Makes lines of slices.
        to_the_end: Read on when the run is stopped; else the rest is left where it is.
    """

    def __init__(self, read: beam.DoFn, *, to_the_end: bool) -> None:
        self._read = read
        self._to_the_end = to_the_end

    def setup(self) -> None:
        """Set the step up, on the worker."""
        self._read.setup()

    def process(self, element: Slice) -> Iterator[list[Line | Unreadable]]:
        """The lines of a slice, in their order."""
        lines = iter(self._read.process(element))
        while some := list(islice(lines, _LINES_AT_ONCE)):
            if STOP.reason is not None and not self._to_the_end:
                return
            yield some

    def teardown(self) -> None:
        """Close what the step holds."""
        self._read.teardown()


class SpoolTasks(beam.DoFn):
    """Lists of ``Line`` -> nothing: tasks go to spools, of each route to its own.

    Outputs: ``refused_by(0)``, ``refused_by(1)``, ...: the dead letters of each route, as bytes;
    and those of no single one, as ``intake.REFUSED``.

    Args:
        routes: What is told to each, what stands before the names of its counts, and its place.
        intake: For what concerns all of several routes; None where there is one.
    """

    def __init__(
        self,
        routes: list[tuple[PrepareSettings, str, Place]],
        intake: IntakeSettings | None = None,
    ) -> None:
        self._routes = routes
        self._told = intake

    def setup(self) -> None:
        """Build validators and mappings, on the worker."""
        self._parts = [
            RoutePart(Prepare(settings, prefix=prefix), place, refused_by(number))
            for number, (settings, prefix, place) in enumerate(self._routes)
        ]

    def start_bundle(self) -> None:
        """Begin with nothing held."""
        for part in self._parts:
            part.start()
        self._intake = Intake(self._told, self._parts) if self._told is not None else None

    def process(self, element: Sequence[Line | Unreadable]) -> Sequence[TaggedOutput]:
        """Prepare every event of some lines."""
        outputs: list[TaggedOutput] = []
        try:
            if self._intake is not None:
                for line in element:
                    outputs += self._intake.take(line)
                return outputs
            (part,) = self._parts
            for line in element:
                outputs += part.take(part.prepare.process(line))
        except SpoolError as error:
            note_failure(error)
            raise
        return outputs

    def finish_bundle(self) -> None:
        """Write what is held."""
        try:
            for part in self._parts:
                part.finish()
            if self._intake is not None:
                self._intake.finish()
        except SpoolError as error:
            note_failure(error)
            raise


def refused_by(number: int) -> str:
    """The tag of the dead letters of the route of that number."""
    return f"refused{number}"


class RoutePart:
    """One route's share of the first half."""

    def __init__(self, prepare: Prepare, place: Place, tag: str) -> None:
        self.prepare = prepare
        self.tag = tag
        self._place = place
        self.prepare.setup()

    def start(self) -> None:
        """Begin with nothing held."""
        place, count = self._place, self._place.partitions
        self._people: SpoolWriter[Packed] = SpoolWriter(place.people, count)
        self._aliases: SpoolWriter[Packed] = SpoolWriter(place.aliases, count)
        self._links: SpoolWriter[Link] = SpoolWriter(place.links, count)
        self._rows: list[tuple[str, Any]] = []
        self._table = place.tables / uuid.uuid4().hex
        self._takers: Mapping[str, Callable[[Any], object]] = {
            BY_ALIAS: lambda task: self._aliases.add(task[0], task[1], _size(task[1])),
            LINKS: lambda link: self._links.add(link[0], link[1], _LINK_BYTES),
            prep.SHARED: lambda row: self._row(prep.SHARED, row),
            prep.NAMES: lambda row: self._row(prep.NAMES, row),
        }
        self.prepare.start_bundle()

    def take(self, outputs: Iterable[Any]) -> list[TaggedOutput]:
        """Spool what the step hands on; its dead letters come back, tagged as the route's."""
        refused = []
        for output in outputs:
            if type(output) is tuple:
                self._people.add(output[0], output[1], _size(output[1]))
            elif output.tag == prep.DEAD:
                refused.append(TaggedOutput(self.tag, output.value))
            else:
                self._takers[output.tag](output.value)
        return refused

    def finish(self) -> None:
        """Write what is held."""
        for output in self.prepare.finish_bundle():
            self._takers[output.tag](output.value.value)
        for writer in (self._people, self._aliases, self._links):
            writer.close()
        self._write_rows()

    def _row(self, tag: str, row: Any) -> None:
        self._rows.append((tag, row))
        if len(self._rows) >= _HELD_ROWS:
            self._write_rows()

    def _write_rows(self) -> None:
        if self._rows:
            append(self._table, self._rows)
            self._rows = []


def _size(packed: Packed) -> int:
    return len(packed[4]) + len(packed[5])


def append(path: Path, rows: object) -> None:
    """Add to a file that ``rows_of`` reads.

    Raises:
        SpoolError: The disk is full.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("ab") as file:
            pickle.dump(rows, file, pickle.HIGHEST_PROTOCOL)
    except OSError as error:
        raise spool_error(error, path.parent, what="write") from error


def rows_of(path: Path) -> Iterator[Any]:
    """What was added to a file of this run, which nobody else can write."""
    with path.open("rb") as file:
        while True:
            try:
                yield pickle.load(file)  # noqa: S301
            except EOFError:
                return


def merged(place: Place) -> tuple[dict[str, FirstUse], Shared]:
    """The first use of every event name, and the newest fields of everything shared."""
    names: dict[str, FirstUse] = {}
    shared: Shared = {}
    for path in sorted(place.tables.glob("*")):
        for rows in rows_of(path):
            for tag, row in rows:
                if tag == prep.NAMES:
                    time, name = row[1]
                    event_names.note(names, name, time)
                else:
                    thing, cells = row
                    merge(shared.setdefault(thing, {}), cells)
    return names, shared


class DeliverSpooled(beam.DoFn):
    """Number of a partition -> dead letters; everybody in the partition is delivered."""

    def __init__(self, settings: DeliverSettings, place: Place) -> None:
        self._settings = settings
        self._place = place

    def setup(self) -> None:
        """Open connections and the state, and read what was decided, on the worker."""
        self._deliver = Deliver(self._settings)
        self._deliver.setup()
        self._spool: SpoolReader[Packed] = SpoolReader(self._place.people, Packed)
        self._shared: Shared
        self._admission: Admission
        ((self._shared, self._admission),) = rows_of(self._place.decided)

    def start_bundle(self) -> None:
        """Begin with an idle pool."""
        self._deliver.start_bundle()

    def process(self, element: int) -> Iterator[bytes]:
        """Deliver a partition; nobody is in two of them."""
        try:
            groups = self._spool.groups(element)
        except SpoolError as error:
            note_failure(error)
            raise
        self._spool.drop(element)
        for key in list(groups):
            work = (key, groups.pop(key))
            yield from self._deliver.process(work, self._shared, self._admission)

    def finish_bundle(self) -> Iterator[Any]:
        """Wait for everything under way."""
        yield from self._deliver.finish_bundle()

    def teardown(self) -> None:
        """Close connections and the state."""
        self._deliver.teardown()
