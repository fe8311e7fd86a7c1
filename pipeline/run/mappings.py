"""Finds, compiles and checks a mapping together with the destination it is made for."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pipeline
from pipeline.errors import ConfigurationError
from pipeline.mapping.compiler import Compiled, Vocabulary, compile_file

HOME = Path(pipeline.__file__).resolve().parent.parent
"""Where mappings/ and schemas/ lie: the checkout, or site-packages."""

DEFAULT_MAPPING = HOME / "mappings" / "intercom.yaml"


@cache
def destinations() -> Mapping[str, Any]:
    """Every installed destination by name (entry points ``penstock.destinations``)."""
    from destinations.intercom import DESTINATION

    found = {"intercom": DESTINATION}
    for point in importlib.metadata.entry_points(group="penstock.destinations"):
        if point.name not in found:
            found[point.name] = point.load()
    return found


def vocabulary() -> Vocabulary:
    """What each destination's operations are called and which fields they take."""
    return {name: factory.operations for name, factory in destinations().items()}


def compile_mapping_file(path: Path, overrides: Mapping[str, str]) -> Compiled:
    """Compile a mapping file. Raises ConfigurationError when it cannot be read."""
    try:
        return compile_file(path, vocabulary=vocabulary(), overrides=overrides)
    except OSError as error:
        message = f"cannot read the mapping {path}: {error.strerror or error}"
        raise ConfigurationError(message) from error
