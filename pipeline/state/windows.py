"""The accounts of an API's windows in the state store, shared by all processes that use it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from pipeline.model.quota import Account
from pipeline.state.patience import UNAVAILABLE, cause

if TYPE_CHECKING:
    from pipeline.state.store import Change, Slot, StateStore

_LOG = logging.getLogger(__name__)
_KIND = "rate_window"
_KEPT_SECONDS = 60


class SharedWindows:
    """The accounts of one workspace. Safe to share among threads.

    Args:
        store: Where they are kept.
        scope: Keeps workspaces apart.
    """

    def __init__(self, store: StateStore, scope: str) -> None:
        self._store = store
        self._scope = scope
        self._failed = False

    def change(self, window: int, change: Callable[[Account], Account]) -> Account | None:
        """Change the account of a window with nobody else in between, in any process.

        Args:
            window: Its end, seconds since 1970, as the API tells it. Accounts of windows that
                ended a minute before are dropped.
            change: From the account as it is to what it is to be; a new window has an empty one.

        Returns:
            The account as it is now; None where the store failed, which is logged once.
        """
        result = Account()

        def changed(rows: dict[Slot, str]) -> dict[Slot, str | None]:
            nonlocal result
            result = change(_decoded(rows.get((_KIND, str(window)))))
            old = {slot: None for slot in rows if int(slot[1]) < window - _KEPT_SECONDS}
            return {**old, (_KIND, str(window)): _encoded(result)}

        step: Change = changed
        try:
            self._store.update(self._scope, (_KIND,), step)
        except UNAVAILABLE as error:
            if not self._failed:
                self._failed = True
                told = "cannot share the rate limit, pacing by the headers alone: %s"
                _LOG.warning(told, cause(error))
            return None
        return result


def _encoded(account: Account) -> str:
    return json.dumps([account.leased, account.answered, account.remaining])


def _decoded(text: str | None) -> Account:
    return Account(*json.loads(text)) if text is not None else Account()
