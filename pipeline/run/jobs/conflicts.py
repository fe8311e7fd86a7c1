"""Where destinations of one job meet: a directory, a workspace's rate, a state."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from destinations.intercom.regions import REGIONS
from pipeline.mapping.diagnostics import Findings
from pipeline.run.jobs.written import WrittenDestination, WrittenJob
from pipeline.run.letters import place_of
from pipeline.run.options import DESTINATION

_ROUNDING = 1e-9
_IN_MEMORY = "sqlite://"


def places(written: WrittenJob, common: str, *, chosen: bool) -> dict[str, str]:
    """Where the dead letters of each destination are kept.

    A destination alone shares the directory of the job; of several, each has one below it.

    Args:
        written: The job file.
        common: The directory of the job.
        chosen: Whether the command line names it; it is then that of all.
    """
    if len(written.destinations) == 1:
        by_default = {one.name: common for one in written.destinations}
    else:
        by_default = {one.name: place_of(common, one.name) for one in written.destinations}
    stated = {
        one.name: one.options["dead_letters"].value
        for one in written.destinations
        if "dead_letters" in one.options and one.options["dead_letters"].value is not None
    }
    return by_default if chosen else {**by_default, **stated}


def check_places(
    written: WrittenJob, places: Mapping[str, str], common: str, findings: Findings
) -> None:
    """No two keep their dead letters in one directory; a destination alone may with the job."""
    owners = {} if len(written.destinations) == 1 else {posixpath.normpath(common): "the job"}
    for one in written.destinations:
        place = posixpath.normpath(places[one.name])
        if place in owners:
            given = one.options.get("dead_letters")
            findings.error(
                "J203",
                given.span if given else one.span,
                f"{places[one.name]} is where the dead letters of {owners[place]} are kept",
                help="leave `dead_letters` away, and each destination has a directory of its own",
            )
        else:
            owners[place] = repr(one.name)


def shares(
    written: WrittenJob, overrides: Mapping[str, Any], findings: Findings
) -> dict[str, float]:
    """The part of its workspace's rate that each destination may use.

    Those that state none divide what the others of the workspace leave. Those that remember in
    one state lease their calls from one account there: each may use what they have together.
    """
    found: dict[str, float] = {}
    for group in _groups(written.destinations, overrides, ("endpoint", "token")):
        stated = {
            one.name: share
            for one in group
            if (share := _value(one, "share", overrides, default=None)) is not None
        }
        left = 1.0 - sum(stated.values())
        open_ones = len(group) - len(stated)
        if len(group) > 1 and (left < -_ROUNDING or (open_ones and left < _ROUNDING)):
            _report(group, stated, findings)
        each = max(left, _ROUNDING) / open_ones if open_ones else 0.0
        found |= {one.name: stated.get(one.name, each) for one in group}
        for together in _groups(group, overrides, ("state",)):
            state = _value(together[0], "state", overrides)
            if len(together) > 1 and state != _IN_MEMORY:
                _warn(together, state, findings)
                total = min(1.0, sum(found[one.name] for one in together))
                found |= {one.name: total for one in together}
    return found


def _report(
    group: list[WrittenDestination], stated: Mapping[str, float], findings: Findings
) -> None:
    last = group[-1]
    at = last.options["share"].span if "share" in last.options else last.span
    names = " and ".join(repr(one.name) for one in group)
    shown = " + ".join(f"{stated[one.name]:g}" if one.name in stated else "?" for one in group)
    findings.error(
        "J204",
        at,
        f"{names} write to one workspace, and their shares are {shown}: more than all of its rate",
        help="shares of one workspace sum up to 1 at most; leave them away to divide it equally",
    )


def _warn(together: list[WrittenDestination], state: str, findings: Findings) -> None:
    last = together[-1]
    given = last.options.get("state")
    names = " and ".join(repr(one.name) for one in together)
    findings.warning(
        "J205",
        given.span if given else last.span,
        f"{names} write to one workspace and remember it in one state, {state}",
        help="an event that goes to both counts as delivered after the first; give each its own",
    )


def _groups(
    ones: Iterable[WrittenDestination], overrides: Mapping[str, Any], keys: tuple[str, ...]
) -> list[list[WrittenDestination]]:
    """Destinations that agree in some options, in their order."""
    found: dict[tuple[Any, ...], list[WrittenDestination]] = defaultdict(list)
    for one in ones:
        found[tuple(_agreed(one, key, overrides) for key in keys)].append(one)
    return list(found.values())


def _agreed(one: WrittenDestination, key: str, overrides: Mapping[str, Any]) -> Any:
    given = one.options.get(key)
    if given is not None and given.value is None:
        return given.span  # could not be read: it agrees with no other
    if key != "endpoint":
        return _value(one, key, overrides)
    region = _value(one, "region", overrides)
    return (_value(one, "endpoint", overrides) or REGIONS[region]).rstrip("/")


def _value(one: WrittenDestination, key: str, overrides: Mapping[str, Any], **default: Any) -> Any:
    option = DESTINATION[key]
    if option.name in overrides:
        return overrides[option.name]
    given = one.options.get(key)
    found = given.value if given else None
    return default.get("default", option.default) if found is None else found
