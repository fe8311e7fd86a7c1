"""API versions: which are spoken, and in which order they came."""

from __future__ import annotations

LATEST = (99, 0)
"""What ``Preview`` counts as."""

VERSIONS: dict[str, tuple[int, int]] = {
    **{f"2.{minor}": (2, minor) for minor in range(17)},
    "Preview": LATEST,
    "Unstable": LATEST,
}
"""The value of the Intercom-Version header -> its place in the order. 1.x is another API."""
