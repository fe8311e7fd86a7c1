"""The command ``penstock``: finds the subcommand, and turns errors into sentences."""

from __future__ import annotations

import gc
import importlib
import sys
from typing import Any

import click

from pipeline import __version__
from pipeline.errors import CredentialsRefused, PenstockError

COMMANDS = {
    "run": ("pipeline.cli.run", "Send the events of files to the destination."),
    "plan": ("pipeline.cli.plan", "Say what a run would do, and what it would cost."),
    "warm": ("pipeline.cli.warm", "Learn the contacts and companies that are there already."),
    "dead-letters": ("pipeline.cli.dead_letters", "Show the events that were refused."),
    "replay": ("pipeline.cli.replay", "Try dead letters again."),
    "emulate": ("pipeline.cli.emulate", "Serve a stand-in of the Intercom API."),
    "validate": ("pipeline.cli.validate", "Check mappings and schemas for mistakes."),
    "test": ("pipeline.cli.test", "Run the tests of mappings."),
    "explain": ("pipeline.cli.explain", "Show what becomes of an event, and why."),
    "diff": ("pipeline.cli.diff", "Say what changed between two mappings, by meaning."),
    "schema": ("pipeline.cli.schema", "Check, compare and draft schemas of events."),
    "event-names": ("pipeline.cli.event_names", "Show and settle who holds an event-name place."),
    "suppressions": ("pipeline.cli.suppressions", "Who was deleted and is refused from then on."),
}
"""Command name -> (module with a click command called ``command``, its one-line help)."""


class LazyGroup(click.Group):
    """Imports a command's module only when that command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now; None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_) for name, (_, help_) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it, with a suggestion for a mistyped name."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            import difflib

            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            if not close:
                raise
            message = f"No such command {args[0]!r}. Did you mean {close[0]!r}?"
            raise click.UsageError(message, ctx) from None


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="penstock")
def penstock() -> None:
    """Customer events to Intercom, at the rate Intercom can take."""


def main(args: list[str] | None = None) -> None:
    """Run the command line and exit.

    0 ok, 1 findings, 2 wrong use, 5 credentials refused, 6 destination down for too long.
    """
    gc.set_threshold(50_000)  # imports make many objects that stay: looking at them is in vain
    sys.exit(exit_code_of(args))


def exit_code_of(args: list[str] | None = None) -> int:
    """Run the command line; the exit code. A mistake of the user prints one sentence."""
    try:
        result: Any = penstock.main(args, prog_name="penstock", standalone_mode=False)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return 2
    except click.Abort:
        return 130
    except KeyboardInterrupt:
        click.echo("penstock: interrupted", err=True)
        return 130
    except PenstockError as error:
        click.echo(f"penstock: {error}", err=True)
        return 5 if isinstance(error, CredentialsRefused) else getattr(error, "exit_code", 1)
    except BrokenPipeError:
        return 0
    return result if isinstance(result, int) else 0
