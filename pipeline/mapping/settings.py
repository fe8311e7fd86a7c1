"""Settings of a mapping: declared with a default in the YAML, overridden by ``--set``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pipeline.mapping.diagnostics import Findings, Span, did_you_mean
from pipeline.mapping.parts import SETTING
from pipeline.mapping.source import Map, Node, Sequence, plain, read_yaml


@dataclass(frozen=True, slots=True)
class Setting:
    """A declared setting: ``one_of`` is None where any value of the default's type will do."""

    name: str
    default: Any
    one_of: tuple[Any, ...] | None
    about: str
    span: Span


def declared(node: Node | None, findings: Findings) -> dict[str, Setting]:
    """The settings that the ``settings:`` part declares."""
    if node is None:
        return {}
    if not isinstance(node, Map):
        findings.error("M101", node.span, "expected settings by name")
        return {}
    return {entry.key: _setting(entry.key, entry.value, findings) for entry in node.entries}


def _setting(name: str, node: Node, findings: Findings) -> Setting:
    if not isinstance(node, Map):
        return Setting(name, plain(node), None, "", node.span)
    for entry in node.entries:
        if entry.key not in SETTING.keys:
            findings.error(
                "M102",
                entry.key_span,
                f"unknown key {entry.key!r} in {SETTING.what}",
                help=did_you_mean(entry.key, SETTING.keys),
            )
    default = node.get("default")
    if default is None:
        findings.error("M103", node.span, f"setting {name!r} needs a `default`")
    one_of, about = node.get("one_of"), node.get("about")
    choices: tuple[Any, ...] | None = None
    if one_of is not None:
        if isinstance(one_of.value, Sequence):
            choices = tuple(plain(item) for item in one_of.value.items)
        else:
            findings.error("M101", one_of.value.span, "`one_of` takes a list")
    setting = Setting(
        name,
        plain(default.value) if default else None,
        choices,
        str(plain(about.value)) if about else "",
        node.span,
    )
    if default is not None:
        problem = problem_with(setting, setting.default)
        if problem:
            findings.error("M302", default.value.span, f"setting {name!r}: {problem}")
    return setting


def problem_with(setting: Setting, value: Any) -> str | None:
    """Why ``value`` cannot be the value of ``setting``, or None."""
    if setting.one_of is not None:
        if any(value == choice and type(value) is type(choice) for choice in setting.one_of):
            return None
        allowed = ", ".join(_written(choice) for choice in setting.one_of)
        return f"{_written(value)} is not one of {allowed}"
    if setting.default is None or value is None or _kind(setting.default) == _kind(value):
        return None
    return f"{_written(value)} is {_kind(value)}, expected {_kind(setting.default)}"


def in_force(
    settings: Mapping[str, Setting], overrides: Mapping[str, str], findings: Findings
) -> dict[str, Any]:
    """The value of every setting; ``overrides`` hold texts as typed behind ``--set``."""
    values = {name: setting.default for name, setting in settings.items()}
    for name, text in overrides.items():
        span = Span(f"--set {name}={text}", 1, 1, 1, 2)
        if name not in settings:
            findings.error(
                "M301", span, f"unknown setting {name!r}", help=did_you_mean(name, settings)
            )
            continue
        value = _typed(settings[name], text)
        problem = problem_with(settings[name], value)
        if problem:
            findings.error("M302", span, f"setting {name!r}: {problem}")
        else:
            values[name] = value
    return values


def _typed(setting: Setting, text: str) -> Any:
    """``text`` as YAML, but as it stands where the setting is a text."""
    if isinstance(setting.default, str):
        return text
    node = read_yaml(text, file="--set", findings=Findings()) if text.strip() else None
    value = plain(node) if node is not None else text
    if isinstance(setting.default, list) and isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | Decimal):
        return "a number"
    names: dict[type, str] = {str: "a text", list: "a list", dict: "a table"}
    return names.get(type(value), "null")


def _written(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return repr(value) if isinstance(value, str) else str(value)
