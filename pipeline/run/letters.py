"""A directory of dead letters, local or on any Beam file system, as it is read by people.

Beam is only loaded for a directory that has a scheme, such as ``gs://bucket/dead``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.flow.dead_letters import DeadLetter, UnreadableDeadLetterError, decode
from pipeline.flow.replay import Selection, decode_done
from pipeline.sinks.topic import is_topic

LETTERS = ".jsonl"
JOURNAL = ".journal"
DONE = "done"
_TOPIC = "kafka://"
DRY_RUN = "dry-run"
"""Below the directory of a run: what a dry run would have refused. Nobody replays it."""


class Letters:
    """The letters in a directory, every event once: of several letters the latest.

    Lines that hold no letter, such as one that was not written to its end, are passed over and
    counted.

    Args:
        directory: Path, or URL of a Beam file system.

    Raises:
        UsageError: There is no such directory.
    """

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.passed_over = 0
        self._files = files(directory, LETTERS)
        self._done = {
            done.id: done.at
            for journal in files(join(directory, DONE), JOURNAL, must_exist=False)
            for done in map(decode_done, lines(journal))
            if done is not None
        }

    def select(self, selection: Selection) -> Iterator[DeadLetter]:
        """The chosen letters, in the order in which they were written."""
        latest: dict[str, int] = {}
        self.passed_over = 0
        for letter in self._all():
            latest[letter.id] = max(letter.failed_at, latest.get(letter.id, letter.failed_at))
        self.passed_over = 0
        for letter in self._all():
            if latest.get(letter.id) != letter.failed_at:
                continue
            del latest[letter.id]  # a second letter of the same moment is a copy
            if selection.takes(letter):
                yield letter

    def _all(self) -> Iterator[DeadLetter]:
        for path in self._files:
            for line in lines(path):
                try:
                    letter = decode(line)
                except UnreadableDeadLetterError:
                    self.passed_over += 1
                    continue
                if letter.failed_at > self._done.get(letter.id, letter.failed_at - 1):
                    yield letter


def files(directory: str, ending: str, *, must_exist: bool = True) -> list[str]:
    """The files right below a directory, in the order of their names."""
    if is_topic(directory):
        message = (
            f"{directory} is a topic: bring its messages into a directory, one a line in a file "
            "*.jsonl, and name the directory"
        )
        raise UsageError(message)
    if is_remote(directory):
        return _remote_files(directory, ending)
    path = Path(directory)
    try:
        return sorted(
            str(file) for file in path.iterdir() if file.name.endswith(ending) and file.is_file()
        )
    except OSError as error:
        if not must_exist:
            return []
        told = "is no directory" if path.exists() else "does not exist"
        if isinstance(error, PermissionError):
            told = "cannot be read"
        message = f"{directory} {told}; name the directory that run got as --dead-letters"
        raise UsageError(message) from error


def lines(path: str) -> Iterator[bytes]:
    """The lines of a file, without their ends; blank ones are left out."""
    if is_remote(path):
        from apache_beam.io.filesystem import CompressionTypes
        from apache_beam.io.filesystems import FileSystems

        with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as stream:
            yield from (line.rstrip(b"\r\n") for line in stream if line.strip())
        return
    try:
        with Path(path).open("rb") as stream:
            yield from (line.rstrip(b"\r\n") for line in stream if line.strip())
    except OSError as error:
        message = f"cannot read the dead letters in {path}: {error.strerror or error}"
        raise UsageError(message) from error


def is_remote(path: str) -> bool:
    """Whether a path is of another file system than this machine's."""
    return "://" in path


def join(directory: str, name: str) -> str:
    """A path below a directory."""
    return f"{directory.rstrip('/')}/{name}" if is_remote(directory) else str(Path(directory, name))


def kept_in(directory: str, *, dry_run: bool) -> str:
    """Where a run writes its dead letters: a dry run apart, because its events were not lost.

    >>> kept_in("dead", dry_run=True), kept_in("kafka://b:9092/dead", dry_run=True)
    ('dead/dry-run', 'dead-letters/dry-run')
    """
    if not dry_run:
        return directory
    return join("dead-letters" if directory.startswith(_TOPIC) else directory, DRY_RUN)


def place_of(directory: str, name: str) -> str:
    """Where one destination of several keeps what belongs into a directory, or a topic.

    >>> place_of("dead", "eu"), place_of("kafka://b:9092/dead?config=x", "eu")
    ('dead/eu', 'kafka://b:9092/dead.eu?config=x')
    """
    if not directory.startswith(_TOPIC):
        return join(directory, name)
    topic, mark, rest = directory.partition("?")
    return f"{topic}.{name}{mark}{rest}"


def _remote_files(directory: str, ending: str) -> list[str]:
    from apache_beam.io.filesystem import BeamIOError
    from apache_beam.io.filesystems import FileSystems

    try:
        (match,) = FileSystems.match([join(directory, "*" + ending)])
    except (BeamIOError, ValueError, OSError) as error:
        message = f"cannot look for dead letters in {directory}: {error}"
        raise UsageError(message) from error
    return sorted(item.path for item in match.metadata_list)
