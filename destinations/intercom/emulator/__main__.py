"""``python -m destinations.intercom.emulator``: the emulator as a process."""

from __future__ import annotations

import argparse
import sys

from destinations.intercom.emulator.emulator import serve
from destinations.intercom.emulator.settings import EmulatorSettings


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line, print one line when the port is open, run until a signal."""
    defaults = EmulatorSettings()
    parser = argparse.ArgumentParser(
        prog="python -m destinations.intercom.emulator",
        description="A stand-in for the Intercom REST API 2.11.",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8411, help="0 takes a free port")
    parser.add_argument(
        "--limit",
        type=int,
        default=defaults.limit,
        help="requests in 10 seconds; 0 switches the limit off (default: %(default)s)",
    )
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument(
        "--search-lag", type=float, default=defaults.search_lag_s, metavar="SECONDS"
    )
    parser.add_argument("--token", default=defaults.token, help="the bearer token that is accepted")
    chosen = parser.parse_args(arguments)
    settings = EmulatorSettings(
        limit=chosen.limit,
        latency_ms=chosen.latency_ms,
        search_lag_s=chosen.search_lag,
        token=chosen.token,
    )
    serve(chosen.host, chosen.port, settings, ready=_announce)
    return 0


def _announce(url: str) -> None:
    sys.stdout.write(f"Intercom emulator listening on {url}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
