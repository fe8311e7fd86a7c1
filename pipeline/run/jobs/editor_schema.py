"""The JSON Schema that editors complete and check job files with."""

from __future__ import annotations

from typing import Any

from pipeline.mapping.compiler import Vocabulary
from pipeline.mapping.editor_schema import DRAFT, Schema, editor_schema
from pipeline.run.jobs.reader import VERSION
from pipeline.run.jobs.reference import written
from pipeline.run.options import DESTINATION, RUN, STREAM, Option

_TEXT: Schema = {"type": "string", "minLength": 1}
_ABOUT = ("A note for people.", "EU customers only.")


def job_schema(vocabulary: Vocabulary) -> Schema:
    """The schema of job files for the destinations of ``vocabulary``."""
    definitions = editor_schema(vocabulary)["definitions"]
    own = {**DESTINATION, "dead_letters": RUN["dead_letters"]}
    destination = {
        "description": "Where events go; everything left away has its default.",
        "type": ["object", "null"],
        "properties": {
            "about": _key("about", _TEXT, *_ABOUT),
            "type": _key(
                "type", {"enum": list(vocabulary)},
                "The kind of destination; that of the mapping by default.", "intercom",
            ),
            "when": _key(
                "when", {"allOf": [{"$ref": "#/definitions/condition"}]},
                "Which events it gets, as a condition of the mapping language; the others are "
                "skipped as `not_routed`. All events by default.",
                {"pick": "context.region", "equals": "eu"},
            ),
            **{key: _option(option) for key, option in own.items()},
        },
        "additionalProperties": False,
    }  # fmt: skip
    return {
        "$schema": DRAFT,
        "$id": "job.schema.json",
        "title": "A Penstock job",
        "description": "One input, several destinations. Paths are relative to this file.",
        "type": "object",
        "properties": {
            "job": _key("job", {"const": VERSION}, "The version of job files: 1.", VERSION),
            "name": _key("name", _TEXT, "A name for reports; the file's by default.", "customers"),
            "about": _key("about", _TEXT, *_ABOUT),
            **{key: _option(option) for key, option in {**RUN, **STREAM}.items()},
            "beam": _key(
                "beam", _one_or_more(_TEXT), "Options for Beam, as on the command line.",
                ["--runner=FlinkRunner"],
            ),
            "destinations": {
                "description": "The destinations by name. Each gets the events that its `when` "
                "describes; one that is down or slow holds back none of the others.",
                "title": "destinations",
                "type": "object",
                "minProperties": 1,
                "propertyNames": {"pattern": "^(?!(done|dry-run|null)$)[A-Za-z0-9][A-Za-z0-9_-]*$"},
                "additionalProperties": {"$ref": "#/definitions/destination"},
            },
        },
        "additionalProperties": False,
        "required": ["job", "inputs", "destinations"],
        "definitions": {
            "destination": destination,
            "value": definitions["value"],
            "condition": definitions["condition"],
            "setting_value": definitions["setting_value"],
        },
    }  # fmt: skip


def _option(option: Option) -> Schema:
    default = option.shown or ("" if option.default in (None, False) else str(option.default))
    about = f"{option.about} Default: {default}." if default else option.about
    return _key(option.key, _value(option), about, option.example)


def _value(option: Option) -> Schema:
    match option.kind:
        case "inputs":
            return _one_or_more(_TEXT)
        case "table":
            return {"type": "object"}
        case "secret":
            return {"type": "string", "pattern": "^env:[A-Za-z_][A-Za-z0-9_]*$"}
        case "choice":
            return {"enum": list(option.choices)}
        case "flag":
            return {"type": "boolean"}
        case "integer" | "number":
            bounds = {
                "minimum": option.least,
                "exclusiveMinimum": option.above,
                "maximum": option.most,
            }
            stated = {name: bound for name, bound in bounds.items() if bound is not None}
            return {"type": option.kind, **stated}
        case _:
            return _TEXT


def _one_or_more(item: Schema) -> Schema:
    return {"anyOf": [item, {"type": "array", "items": item, "minItems": 1}]}


def _key(name: str, schema: Schema, about: str, example: Any) -> Schema:
    return {
        **schema,
        "description": about,
        "title": name,
        "markdownDescription": f"{about}\n\n```yaml\n{written(name, example)}\n```",
        "examples": [example],
    }
