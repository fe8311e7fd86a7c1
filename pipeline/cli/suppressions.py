"""``penstock suppressions``: people about whom nothing may be delivered any more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pipeline.cli.options import workspace_option
from pipeline.cli.states import known_state
from pipeline.errors import UsageError
from pipeline.model.operation import Person

if TYPE_CHECKING:
    from pipeline.state.memory import RememberedState

F = TypeVar("F", bound=Callable[..., Any])


def _options(function: F) -> F:
    for option in (
        click.option("--user-id", metavar="ID", help="The person's userId."),
        click.option("--email", metavar="ADDRESS", help="The person's e-mail address."),
        click.option("--region", type=click.Choice(["us", "eu", "au"]), default="us",
                     show_default=True, help="The workspace's region, without --endpoint."),
        workspace_option,
        click.option("--endpoint", metavar="URL", help="Root of the API, as given to run."),
        click.option("--state", metavar="URL", required=True,
                     help="What is remembered between runs: sqlite:///FILE."),
    ):  # fmt: skip
        function = option(function)
    return function


@click.group(name="suppressions")
def command() -> None:
    """People who were deleted, and about whom nothing is delivered with suppress_deleted.

    The state keeps digests of their ids, so they can be asked for but not listed.
    """


@command.command(name="check")
@_options
def check(**given: str | None) -> int:
    """Tell whether the person is suppressed; exit code 1 if not."""
    from pipeline.flow import suppression

    person = _person(given)
    with _memory(given) as memory:
        known = memory.get_many(suppression.KIND, suppression.marks(person))
    suppressed = suppression.is_suppressed(person, known)
    click.echo("suppressed" if suppressed else "not suppressed")
    return 0 if suppressed else 1


@command.command(name="add")
@_options
def add(**given: str | None) -> int:
    """Suppress the person from now on, without deleting anything."""
    from pipeline.flow import suppression

    person = _person(given)
    with _memory(given, may_be_new=True) as memory:
        for mark, whom in suppression.marks(person).items():
            memory.put(suppression.KIND, mark, whom)
    click.echo("suppressed")
    return 0


@command.command(name="remove")
@_options
def remove(**given: str | None) -> int:
    """Deliver again what comes in about the person."""
    from pipeline.flow import suppression

    person = _person(given)
    with _memory(given) as memory:
        for mark in suppression.marks(person):
            memory.forget(suppression.KIND, mark)
    click.echo("not suppressed")
    return 0


def _person(given: dict[str, str | None]) -> Person:
    person = Person(given["user_id"], given["email"])
    if person.key is None:
        message = "say who: --user-id, --email, or both"
        raise UsageError(message)
    return person


@contextmanager
def _memory(given: dict[str, str | None], *, may_be_new: bool = False) -> Iterator[RememberedState]:
    """What is remembered of the workspace, while the body runs."""
    from destinations.intercom.regions import REGIONS
    from pipeline.run.workspaces import scope_known
    from pipeline.state import RememberedState

    base_url = given["endpoint"] or REGIONS[given["region"] or "us"]
    with known_state(given["state"] or "sqlite://", may_be_new=may_be_new) as store:
        scope = scope_known(store, "intercom", base_url, chosen=given["workspace"])
        with RememberedState(store, scope) as memory:
            yield memory
