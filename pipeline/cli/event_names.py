"""``penstock event-names``: which event names a workspace has, and who may have a place."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from pipeline.cli.options import overrides, report, set_option, workspace_option
from pipeline.cli.states import known_state
from pipeline.flow.event_names import NamePolicy, name_key, shown
from pipeline.flow.name_registry import KnownName, NameRegistry, State
from pipeline.run.mappings import DEFAULT_MAPPING, compile_mapping_file

F = TypeVar("F", bound=Callable[..., Any])
_PINNED: State = "pinned"
_DENIED: State = "denied"


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where the names of a workspace are remembered, and what its mapping says of names."""

    state: str
    destination: str
    base_url: str
    chosen: str | None
    policy: NamePolicy

    @contextmanager
    def registry(self, *, may_be_new: bool = False) -> Iterator[NameRegistry]:
        """The names, while the body runs."""
        from pipeline.run.workspaces import scope_known

        with known_state(self.state, may_be_new=may_be_new) as store:
            scope = scope_known(store, self.destination, self.base_url, chosen=self.chosen)
            yield NameRegistry(store, scope)


def workspace_options(function: F) -> F:
    """The options that name a workspace, as ``penstock run`` has them."""
    for option in (
        click.option("--region", type=click.Choice(["us", "eu", "au"]), default="us",
                     show_default=True, help="The workspace's region, without --endpoint."),
        click.option("--endpoint", metavar="URL", help="Root of the API, as given to run."),
        workspace_option,
        set_option,
        click.option("--mapping", type=click.Path(path_type=Path), default=DEFAULT_MAPPING,
                     help="Whose settings hold. [default: the shipped mappings/intercom.yaml]"),
        click.option("--state", metavar="URL", required=True,
                     help="What is remembered between runs: sqlite:///FILE."),
    ):  # fmt: skip
        function = option(function)
    return function


def _workspace(
    *,
    state: str,
    mapping: Path,
    settings: tuple[str, ...],
    endpoint: str | None,
    region: str,
    workspace: str | None,
) -> Workspace:
    from destinations.intercom.regions import REGIONS

    compiled = compile_mapping_file(mapping, overrides(settings))
    report(compiled, mapping)
    assert compiled.plan is not None  # noqa: S101 - report raises otherwise
    policy = NamePolicy.from_settings(dict(compiled.plan.settings))
    base_url = endpoint or REGIONS[region]
    return Workspace(state, compiled.plan.destination, base_url, workspace, policy)


@click.group(name="event-names")
def command() -> None:
    """The event names that hold one of the workspace's places.

    A workspace takes so many active names (setting event_name_limit, 120); docs/event-names.md
    tells who gets a place.
    """


@command.command(name="ls")
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text",
              show_default=True, help="How the names are shown.")  # fmt: skip
@workspace_options
def list_names(style: str, **given: Any) -> int:
    """Show every name that is known, and how many places are taken."""
    workspace = _workspace(**given)
    with workspace.registry() as registry:
        known = registry.names()
    policy = workspace.policy
    names = with_settings(known, policy)
    taken = sum(one.holds_place for one in known)
    if style == "json":
        listed = {
            "limit": policy.event_name_limit,
            "taken": taken,
            "names": [_as_json(name) for name in names],
        }
        click.echo(json.dumps(listed, indent=2, ensure_ascii=False))
        return 0
    for name in names:
        first, last = _day(name.first_seen), name.last_used or "-"
        click.echo(f"{name.state:9} first {first:10}  last {last:10}  {shown(name.name)}")
    click.echo(f"{taken} of {policy.event_name_limit} places are taken")
    return 0


@command.command(name="pin")
@click.argument("name")
@workspace_options
def pin(name: str, **given: Any) -> int:
    """Keep a place for NAME, whether it was seen before or not."""
    workspace = _workspace(**given)
    with workspace.registry(may_be_new=True) as registry:
        registry.pin(name, limit=workspace.policy.event_name_limit)
    return _done(name, "has a place")


@command.command(name="archive")
@click.argument("name")
@workspace_options
def archive(name: str, **given: Any) -> int:
    """Free the place of NAME, because it was archived in Intercom.

    Its events are refused until it is pinned or forgotten.
    """
    with _workspace(**given).registry() as registry:
        registry.archive(name)
    return _done(name, "gave up its place")


@command.command(name="forget")
@click.argument("name")
@workspace_options
def forget(name: str, **given: Any) -> int:
    """Drop everything that is known about NAME; it is a new one when it comes again."""
    with _workspace(**given).registry() as registry:
        registry.forget(name)
    return _done(name, "is forgotten")


def with_settings(known: list[KnownName], policy: NamePolicy) -> list[KnownName]:
    """The known names and those of the settings, in alphabetical order."""
    names = {one.key: one for one in known}
    for spelled, state in (
        *((name, _PINNED) for name in policy.pin_event_names),
        *((name, _DENIED) for name in policy.deny_event_names),
    ):
        key = name_key(spelled)
        one = names.get(key, KnownName(key, spelled, "active", None, None))
        names[key] = replace(one, state=state)
    return [names[key] for key in sorted(names)]


def _done(name: str, what: str) -> int:
    click.echo(f"{shown(name)} {what}")
    return 0


def _day(time: int | None) -> str:
    return "-" if time is None else _instant(time)[:10]


def _instant(time: int) -> str:
    instant = datetime.fromtimestamp(time // 1_000_000, UTC)
    return instant.isoformat().replace("+00:00", "Z")


def _as_json(name: KnownName) -> dict[str, Any]:
    return {
        "name": name.name,
        "state": name.state,
        "first_seen": None if name.first_seen is None else _instant(name.first_seen),
        "last_used": name.last_used,
    }
