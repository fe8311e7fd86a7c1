"""Which workspace is remembered where: one state may hold several, at one address."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from destinations.intercom.answers import judge
from pipeline.errors import CredentialsRefused, UsageError
from pipeline.model.exchange import Verdict
from pipeline.model.operation import Call, Response
from pipeline.run.worker import scope_of

if TYPE_CHECKING:
    from destinations.transport import Endpoint
    from pipeline.state.store import StateStore

_PAUSES = (1.0, 2.0, 4.0)

KIND = "workspace"
"""An entry of this kind names a workspace; it stands in a scope that is the endpoint's own."""


def ask_who(
    send: Callable[[Call], Response],
    target: Endpoint,
    live: Counter[str],
    *,
    sleep: Callable[[float], object] = time.sleep,
) -> Response:
    """The answer of GET /me, asked for again a few times where it is passing trouble.

    Raises:
        UsageError: Nothing answers there.
        CredentialsRefused: The token is refused.
    """
    for pause in (*_PAUSES, None):
        answer = send(Call("GET", "/me"))
        live[f"calls/GET /me/{answer.status}"] += 1
        if answer.status == 0:
            message = f"cannot reach {target.base_url}: {_first_sentence(answer.text)}"
            raise UsageError(message)
        verdict = judge(answer)
        if verdict is Verdict.FATAL:
            message = (
                f"{target.base_url} refuses the access token (HTTP {answer.status}); "
                f"check {target.token.name}"
            )
            raise CredentialsRefused(message)
        if verdict is Verdict.ANSWER or pause is None:
            break
        sleep(pause)
    return answer


def refuse_unless_answered(target: Endpoint, answer: Response) -> None:
    """Raise UsageError where the answer of GET /me leaves open which workspace it is."""
    if judge(answer) is not Verdict.ANSWER:
        message = (
            f"{target.base_url} does not say which workspace the token is of "
            f"(HTTP {answer.status}), so nothing can be remembered of it; try again later"
        )
        raise UsageError(message)


def _first_sentence(text: str) -> str:
    """The cause at the end of a chain of wrapped errors, in a few words."""
    words = text.rpartition(": ")[2] or text
    return words.strip("'\")( ")[:200]


def told(answer: Response) -> str:
    """The workspace's id in the answer of GET /me; empty where it does not tell."""
    app = answer.body.get("app") if isinstance(answer.body, dict) else None
    found = app.get("id_code") if isinstance(app, dict) else None
    return found if answer.status == 200 and isinstance(found, str) else ""


def learn(store: StateStore, destination: str, base_url: str, workspace: str) -> str:
    """The scope of a workspace that has just told its id, which offline commands know from now on.

    What was remembered before the endpoint told of any workspace becomes the first one's. Where
    the endpoint does not tell, the scope is of the URL alone.
    """
    if workspace:
        home = _home(destination, base_url)
        if not store.entries(home, (KIND,)):
            before = scope_of(destination, base_url)
            store.move(before, scope_of(destination, base_url, workspace))
        store.put_many(home, [(KIND, workspace, "")])
    return scope_of(destination, base_url, workspace)


def scope_known(
    store: StateStore, destination: str, base_url: str, *, chosen: str | None = None
) -> str:
    """The scope of the workspace that is meant, for a command that makes no call.

    Args:
        store: The state.
        destination: Name of the destination.
        base_url: Root of the API.
        chosen: The workspace's id, where the user names it.

    Raises:
        UsageError: The state knows several workspaces there, and none was chosen.
    """
    if chosen is not None:
        return scope_of(destination, base_url, chosen)
    found = sorted(key for _, key in store.entries(_home(destination, base_url), (KIND,)))
    if len(found) > 1:
        message = (
            f"the state knows several workspaces at {base_url}: {', '.join(found)}; "
            "say which one with --workspace ID"
        )
        raise UsageError(message)
    return scope_of(destination, base_url, found[0] if found else "")


def _home(destination: str, base_url: str) -> str:
    return scope_of(destination + " workspaces", base_url)
