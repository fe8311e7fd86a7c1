"""Finds, compiles and checks a mapping together with the destination it is made for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import pipeline
from pipeline.errors import ConfigurationError
from pipeline.mapping.compiler import Compiled, OperationShape, Vocabulary, compile_file

HOME = Path(pipeline.__file__).resolve().parent.parent
"""Where mappings/ and schemas/ lie: the checkout, or site-packages."""

DEFAULT_MAPPING = HOME / "mappings" / "intercom.yaml"

_BUILT_IN = "intercom"


class _Installed(Mapping[str, Any]):
    """Destinations by name. Others than the built-in one are looked for only when asked for."""

    def __getitem__(self, name: str) -> Any:
        if name == _BUILT_IN:
            from destinations.intercom import DESTINATION

            return DESTINATION
        return _entry_points()[name].load()

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys([_BUILT_IN, *_entry_points()]))

    def __len__(self) -> int:
        return len(list(iter(self)))


class _Vocabulary(Mapping[str, Mapping[str, OperationShape]]):
    """What each destination's operations are called and which fields they take."""

    def __getitem__(self, name: str) -> Mapping[str, OperationShape]:
        if name == _BUILT_IN:
            from destinations.intercom.operations import OPERATIONS

            return OPERATIONS
        operations: Mapping[str, OperationShape] = destinations()[name].operations
        return operations

    def __iter__(self) -> Iterator[str]:
        return iter(destinations())

    def __len__(self) -> int:
        return len(destinations())


@cache
def _entry_points() -> Mapping[str, Any]:
    import importlib.metadata  # costs a tenth of what an analyst may wait

    points = importlib.metadata.entry_points(group="penstock.destinations")
    return {point.name: point for point in points}


@cache
def destinations() -> Mapping[str, Any]:
    """Every installed destination by name (entry points ``penstock.destinations``)."""
    return _Installed()


def vocabulary() -> Vocabulary:
    """What each destination's operations are called and which fields they take."""
    return _Vocabulary()


def delivery_settings(name: str) -> frozenset[str]:
    """The settings of a mapping that the destination of that name reads."""
    if name == _BUILT_IN:
        from destinations.intercom.options import IntercomOptions

        return frozenset(option.name for option in fields(IntercomOptions))
    options = getattr(destinations()[name](), "options", None)
    return frozenset(option.name for option in fields(options)) if options else frozenset()


def compile_mapping_file(path: Path, overrides: Mapping[str, str]) -> Compiled:
    """Compile a mapping file. Raises ConfigurationError when it cannot be read."""
    try:
        return compile_file(path, vocabulary=vocabulary(), overrides=overrides)
    except OSError as error:
        message = f"cannot read the mapping {path}: {error.strerror or error}"
        raise ConfigurationError(message) from error
