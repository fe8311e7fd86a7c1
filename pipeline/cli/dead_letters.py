"""``penstock dead-letters``: what was refused, and why. Loads no Beam for a local directory."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import click

from pipeline.errors import UsageError
from pipeline.flow.dead_letters import DeadLetter, encode, iso
from pipeline.flow.replay import Selection
from pipeline.model.refusal import DEAD_REASONS
from pipeline.model.times import parse_time
from pipeline.run.letters import Letters

F = TypeVar("F", bound=Callable[..., Any])

SHOWN_ID = 12
"""So many digits of an id are listed; ``show`` takes any beginning that is unambiguous."""


def selection_options(function: F) -> F:
    """The options that choose dead letters; ``selection`` reads them."""
    for option in (
        click.option("--person", metavar="ID",
                     help="Only those about this userId, anonymousId or e-mail address."),
        click.option("--event", metavar="NAME", help="Only events of this name, or type."),
        click.option("--until", metavar="TIME", help="Only those that were refused before then."),
        click.option("--since", metavar="TIME",
                     help="Only those that were refused then or later, e.g. 2024-05-01T12:00Z."),
        click.option("--reason", "reasons", multiple=True, type=click.Choice(list(DEAD_REASONS)),
                     metavar="REASON", help="Only those with this reason; may be repeated."),
    ):  # fmt: skip
        function = option(function)
    return function


def selection(
    *,
    reasons: tuple[str, ...],
    since: str | None,
    until: str | None,
    event: str | None,
    person: str | None,
) -> Selection:
    """What the options of ``selection_options`` say."""
    return Selection(
        reasons=frozenset(reasons),
        since=_time("--since", since),
        until=_time("--until", until),
        event=event,
        person=person,
    )


def _time(option: str, text: str | None) -> int | None:
    if text is None:
        return None
    moment = parse_time(text)
    if moment is None:
        message = f"{option} takes a time such as 2024-05-01T12:00:00Z, received {text!r}"
        raise UsageError(message)
    return moment


directory_option = click.option(
    "--dead-letters",
    "directory",
    metavar="DIR",
    default="dead-letters",
    show_default=True,
    help="Where they are kept; any Beam file system.",
)
format_option = click.option("--format", "style", type=click.Choice(["text", "json"]),
                             default="text", show_default=True)  # fmt: skip


@click.group(name="dead-letters")
def command() -> None:
    """Show the events that were refused: where, when, why, and their original bytes."""


@command.command()
@directory_option
@selection_options
@format_option
def ls(directory: str, style: str, **chosen: Any) -> None:
    """List dead letters, the latest last; as JSON, the whole record of each on a line."""
    letters, count = Letters(directory), 0
    for letter in letters.select(selection(**chosen)):
        count += 1
        click.echo(encode(letter) if style == "json" else _row(letter))
    if style == "text":
        click.echo(f"{count:,} dead letters in {directory}", err=True)
    _say_what_was_passed_over(letters)


@command.command()
@click.argument("letter_id", metavar="ID")
@directory_option
@format_option
def show(letter_id: str, directory: str, style: str) -> None:
    """Show one dead letter with its original bytes; the beginning of its ID is enough."""
    letters = Letters(directory)
    found = [one for one in letters.select(Selection()) if one.id.startswith(letter_id.lower())]
    if len(found) != 1:
        told = f"{len(found)} dead letters have" if found else "no dead letter has"
        message = f"{told} an id that begins with {letter_id!r} in {directory}"
        raise UsageError(message)
    if style == "json":
        click.echo(encode(found[0]))
        return
    click.echo("\n".join(_described(found[0])))
    click.echo(found[0].receipt.raw)


@command.command()
@directory_option
@selection_options
@format_option
def stats(directory: str, style: str, **chosen: Any) -> None:
    """Count dead letters by reason, event, day and mapping."""
    letters = Letters(directory)
    total, people = 0, set[str]()
    groups: dict[str, Counter[str]] = {
        name: Counter() for name in ("reasons", "events", "days", "mappings")
    }
    for letter in letters.select(selection(**chosen)):
        total += 1
        receipt = letter.receipt
        groups["reasons"][letter.reason] += 1
        groups["events"][receipt.name or receipt.type or "?"] += 1
        groups["days"][iso(letter.failed_at)[:10]] += 1
        groups["mappings"][f"{receipt.mapping} {receipt.fingerprint}"] += 1
        people.update(filter(None, [receipt.user_id]))
    if style == "json":
        counts = {name: dict(sorted(group.items())) for name, group in groups.items()}
        record = {"total": total, "people": len(people), **counts}
        click.echo(json.dumps(record | {"passed_over": letters.passed_over}))
        return
    click.echo(f"{total:,} dead letters of {len(people):,} people in {directory}")
    for name, group in groups.items():
        click.echo(f"\n{name}")
        for key, count in sorted(group.items(), key=lambda item: (-item[1], item[0])):
            click.echo(f"  {count:>10,}  {key:24}  {DEAD_REASONS.get(key, '')}".rstrip())
    _say_what_was_passed_over(letters)


def _row(letter: DeadLetter) -> str:
    receipt = letter.receipt
    event = receipt.name or receipt.type or "?"
    why = letter.details[0].message if letter.details else ""
    columns = (f"{letter.id[:SHOWN_ID]}  {iso(letter.failed_at)[:19]}Z  {letter.reason:19}  "
               f"{event[:24]:24}  {(receipt.user_id or '-')[:24]:16}  ")  # fmt: skip
    return columns + " ".join(why.split())[:100]


def _described(letter: DeadLetter) -> Iterator[str]:
    receipt = letter.receipt
    yield f"id          {letter.id}"
    yield f"reason      {letter.reason}: {DEAD_REASONS[letter.reason]}"
    yield f"refused at  {iso(letter.failed_at)}, stage {letter.stage}"
    yield f"event       {receipt.type or '?'} {receipt.name or ''}".rstrip()
    yield f"of          {receipt.user_id or '-'}"
    yield f"happened    {'?' if receipt.time is None else iso(receipt.time)}"
    yield f"message id  {receipt.message_id or '-'}"
    yield f"origin      {receipt.origin}"
    yield f"mapping     {receipt.mapping} ({receipt.fingerprint})"
    if letter.operation is not None:
        yield f"operation   {letter.operation}"
    if letter.response is not None:
        answer = letter.response
        yield f"answer      HTTP {answer.status} {answer.code or ''} {answer.message}".rstrip()
    yield from (f"  {detail.path}: {detail.message}" for detail in letter.details)
    yield f"original bytes ({len(receipt.raw)}):"


def _say_what_was_passed_over(letters: Letters) -> None:
    if letters.passed_over:
        message = f"passed over {letters.passed_over:,} lines that hold no dead letter"
        click.echo(message, err=True)
