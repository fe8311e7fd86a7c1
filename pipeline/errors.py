"""The exceptions of Penstock, sorted by what a caller can do about them.

::

    PenstockError
    |-- UsageError            the command was used wrongly: tell the user, exit 2
    |   `-- ConfigurationError  a file or a setting is wrong: tell the user, exit 2
    |-- CredentialsRefused    the destination answered 401 or 403: stop, exit 5
    |-- DestinationDown       the destination was down for too long: stop, exit 6
    |-- StateDown             the state store was away for too long: stop, exit 6
    |-- SourceFailed          a stream's source cannot be read any more: stop, exit 7
    |-- SinkFailed            dead letters or receipts cannot be written: stop, exit 7
    |-- Interrupted           somebody stopped the run: what is not sent is kept, exit 130
    |-- ProcessFailed         one of several processes of a run ended early, exit 70
    `-- AccountingError       events went in that did not come out: a bug, fail loudly

What is wrong with one *event* is never an exception but a value (``pipeline.model.refusal``).
"""

from __future__ import annotations

from typing import Any


class PenstockError(Exception):
    """Root of our exceptions. Every one survives pickling, because Beam moves them about."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Rebuild from state, not from ``args``, so keyword-built subclasses unpickle."""
        return (_rebuild, (type(self), self.args, self.__dict__))


def _rebuild(cls: type[PenstockError], args: tuple[Any, ...], state: dict[str, Any]) -> Any:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class UsageError(PenstockError):
    """The user asked for something that cannot be done; the text says what to do instead."""

    exit_code = 2


class ConfigurationError(UsageError):
    """A file, a setting or an environment variable is missing or wrong."""


class CredentialsRefused(PenstockError):
    """The destination refused the credentials (rule E4); nothing more may be sent."""

    exit_code = 5


class DestinationDown(PenstockError):
    """The destination did not answer, or failed most calls, for longer than is waited for."""

    exit_code = 6


class StateDown(PenstockError):
    """The state store could not be reached for longer than is waited for."""

    exit_code = 6


class SourceFailed(PenstockError):
    """The source of a stream cannot be read any more; nothing is lost, it is read again."""

    exit_code = 7


class SinkFailed(PenstockError):
    """Dead letters or receipts cannot be written any more; what is missing is done again."""

    exit_code = 7


class Interrupted(PenstockError):
    """The run was stopped from outside; what was not sent is in the dead letters."""

    exit_code = 130


class ProcessFailed(PenstockError):
    """One of several processes of a run was killed, or met a bug."""

    exit_code = 70


class AccountingError(PenstockError):
    """received differs from delivered + skipped + merged + dead."""

    exit_code = 70
