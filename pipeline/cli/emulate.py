"""``penstock emulate``: a stand-in of the Intercom API on this machine."""

from __future__ import annotations

from typing import Any

import click

from pipeline.errors import UsageError


@click.command(name="emulate")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8411,
    show_default=True,
    help="Port; 0 for a free one.",
)
@click.option("--token", default=None, help="Accept only this access token. [default: any]")
@click.option("--limit", type=int, default=None, help="Requests per 10-second window.")
@click.option("--latency-ms", type=float, default=None, help="Answer so much later.")
@click.option("--search-lag", type=float, default=None, help="Seconds until search finds a contact")
def command(
    host: str,
    port: int,
    token: str | None,
    limit: int | None,
    latency_ms: float | None,
    search_lag: float | None,
) -> None:
    """Serve a stateful stand-in of the Intercom REST API 2.11.

    It never leaves this machine and accepts any access token unless --token names one. What it
    imitates, and its control API under /_emulator, are described in docs/emulator.md.
    """
    from destinations.intercom.emulator import EmulatorSettings, serve

    given = {"limit": limit, "latency_ms": latency_ms, "search_lag_s": search_lag}
    chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    settings = EmulatorSettings(token=token, **chosen)
    try:
        serve(
            host,
            port,
            settings,
            ready=lambda url: click.echo(f"Intercom emulator listening on {url}"),
        )
    except OSError as error:
        message = f"cannot listen on {host}:{port}: {error.strerror or error}"
        raise UsageError(message) from error
