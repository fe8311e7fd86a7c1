"""What holds for every test."""

from __future__ import annotations

import os

from hypothesis import settings

# CI must give the same verdict on the same commit; everywhere else new examples are tried.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("dev", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "dev")
