"""What travels in a job graph holds no secret."""

from __future__ import annotations

import pickle
from contextlib import ExitStack

import pytest

from pipeline.errors import ConfigurationError
from pipeline.run.worker import OpenNames, OpenState, OpenWindows


@pytest.mark.parametrize("kind", [OpenState, OpenNames, OpenWindows])
def test_what_opens_a_state_takes_its_password_from_the_worker(
    kind: type[OpenState | OpenNames | OpenWindows], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PENSTOCK_STATE_PASSWORD", "hunter2")
    opens = kind("postgresql://user@host/db", "s")
    assert "hunter2" not in repr(opens)
    assert b"hunter2" not in pickle.dumps(opens)
    with ExitStack() as stack, pytest.raises(ConfigurationError, match="PENSTOCK_STATE_PASSWORD"):
        kind("postgresql://user:hunter2@host/db", "s")(stack)
