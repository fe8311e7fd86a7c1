"""Puts secrets into the environment and becomes another program.

    PENSTOCK_SECRETS="INTERCOM_ACCESS_TOKEN=file:/run/secrets/token" with_secrets.py PROGRAM ...

``PENSTOCK_SECRETS`` holds references, separated by spaces: a variable's name, and ``file:PATH`` or
``gcp:projects/P/secrets/S/versions/V`` (Secret Manager, with the machine's own account). Values
are in the memory of the program alone: not in the image, the job, the command line or a log.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path


def from_file(path: str) -> str:
    """What is in a file."""
    return Path(path).read_text("utf-8")


def from_secret_manager(name: str) -> str:
    """A version of a secret in Google's Secret Manager."""
    from google.cloud import secretmanager

    answer = secretmanager.SecretManagerServiceClient().access_secret_version(name=name)
    return answer.payload.data.decode("utf-8")


STORES: Mapping[str, Callable[[str], str]] = {"file": from_file, "gcp": from_secret_manager}


def resolve(references: str, stores: Mapping[str, Callable[[str], str]] = STORES) -> dict[str, str]:
    """The variables that ``references`` name, with their values.

    Raises:
        SystemExit: A reference is none, or its secret cannot be had; the text has no secret in it.
    """
    found = {}
    for reference in references.split():
        name, _, address = reference.partition("=")
        store, _, place = address.partition(":")
        if not name.isidentifier() or store not in stores or not place:
            message = (
                "PENSTOCK_SECRETS takes NAME=file:PATH and "
                "NAME=gcp:projects/P/secrets/S/versions/V, separated by spaces; "
                f"the one that begins with {name[:40]!r} is neither"
            )
            raise SystemExit(message)
        try:
            found[name] = stores[store](place).strip()
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing can start without it
            message = f"the secret for {name} cannot be read from {address}: {type(error).__name__}"
            raise SystemExit(message) from None
    return found


def load() -> None:
    """Put the secrets into the environment of this process."""
    os.environ.update(resolve(os.environ.get("PENSTOCK_SECRETS", "")))


if __name__ == "__main__":
    load()
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - a shell would only add quoting
