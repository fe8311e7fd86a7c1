"""Where Intercom's API is, and what every call to it carries."""

from __future__ import annotations

from destinations.intercom.regions import REGIONS
from destinations.transport import Endpoint, Secret
from pipeline.errors import ConfigurationError

API_VERSION = "2.11"
TOKEN_VARIABLE = "INTERCOM_ACCESS_TOKEN"  # noqa: S105 - the name of a variable, not a token


def endpoint(
    region: str = "us",
    *,
    base_url: str | None = None,
    token: Secret | None = None,
    concurrency: int = 16,
    connect_timeout: float = 5.0,
    read_timeout: float = 30.0,
    insecure: bool = False,
) -> Endpoint:
    """The API of a region, or at ``base_url``: an emulator, a proxy.

    Raises:
        ConfigurationError: There is no such region, the address is none, or the token is not set.
    """
    if base_url is None and region not in REGIONS:
        message = f"Intercom has no region {region!r}; it has {', '.join(REGIONS)}"
        raise ConfigurationError(message)
    return Endpoint(
        base_url=base_url if base_url is not None else REGIONS[region],
        token=token if token is not None else Secret.from_env(TOKEN_VARIABLE),
        headers={"Intercom-Version": API_VERSION},
        concurrency=concurrency,
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
        insecure=insecure,
    )
