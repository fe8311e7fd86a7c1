"""``penstock diff``: what changed between two mappings, by meaning, and in what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from pipeline.cli.files import read_events_file
from pipeline.cli.formats.changes import Example, Outputs, to_json, to_text
from pipeline.cli.formats.explanation import as_data
from pipeline.cli.options import overrides, report, set_option
from pipeline.cli.revision import read_anywhere
from pipeline.cli.shaping import Shaped, read_events, shaper_for
from pipeline.errors import UsageError
from pipeline.mapping.compiler import compile_mapping
from pipeline.mapping.diff import differences, output_changes
from pipeline.mapping.plan import MappingPlan
from pipeline.mapping.yamltext import flow
from pipeline.run.mappings import vocabulary


@click.command(name="diff")
@click.argument("old")
@click.argument("new")
@click.option("--events", metavar="FILE", help="Sample events: show which outputs change.")
@click.option("--examples", type=click.IntRange(0), default=3, show_default=True,
              help="So many events are shown in full.")  # fmt: skip
@set_option
@click.option(
    "--schemas", type=click.Path(path_type=Path), default=None, help="Directory of the schemas."
)
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text")
@click.option("--exit-code", is_flag=True, help="Exit with 1 if anything changed.")
def command(
    old: str,
    new: str,
    events: str | None,
    examples: int,
    settings: tuple[str, ...],
    schemas: Path | None,
    style: str,
    exit_code: bool,
) -> int:
    """Say what changed from the mapping OLD to the mapping NEW.

    Each is a file, or git:REF:PATH for a file as it is in a commit. Comments, layout and the
    names of blocks do not count. With --events the sample events go through both.
    """
    changed = overrides(settings)
    texts = [read_anywhere(source, what="the mapping") for source in (old, new)]
    before, after = _compiled(texts[0], old, changed), _compiled(texts[1], new, changed)
    changes = differences(before, after, adjusted=_adjusted(texts[0], old, before, after))
    outputs = _outputs(events, before, after, schemas, examples) if events else None
    click.echo(to_json(changes, outputs) if style == "json" else to_text(changes, outputs))
    return 1 if exit_code and (changes or (outputs and outputs.changed)) else 0


def _compiled(text: str, source: str, changed: Mapping[str, str]) -> MappingPlan:
    compiled = compile_mapping(text, file=source, vocabulary=vocabulary(), overrides=changed)
    report(compiled, Path(source))
    assert compiled.plan is not None  # noqa: S101
    return compiled.plan


def _adjusted(
    text: str, source: str, before: MappingPlan, after: MappingPlan
) -> MappingPlan | None:
    """The old mapping with the settings of the new one; None where they do not fit it."""
    known = dict(before.settings)
    common = {name: value for name, value in after.settings if name in known}
    if all(known[name] == value for name, value in common.items()):
        return None
    typed = {
        name: value if isinstance(value, str) else flow(value) for name, value in common.items()
    }
    return compile_mapping(text, file=source, vocabulary=vocabulary(), overrides=typed).plan


def _outputs(
    source: str, old: MappingPlan, new: MappingPlan, schemas: Path | None, examples: int
) -> Outputs:
    events = read_events(read_events_file(source), origin=source)
    if not events:
        message = f"{source} holds no event"
        raise UsageError(message)
    before, after = shaper_for(old, schemas), shaper_for(new, schemas)
    outputs = Outputs(len(events))
    for event in events:
        found = output_changes(_output(before.shape(event)), _output(after.shape(event)))
        if not found:
            continue
        outputs.changed += 1
        for path in dict.fromkeys(path for path, _, _ in found):
            outputs.counts[path] = outputs.counts.get(path, 0) + 1
        if len(outputs.examples) < examples:
            outputs.examples.append(Example(event.origin, found))
    outputs.counts = dict(sorted(outputs.counts.items(), key=lambda item: (-item[1], item[0])))
    return outputs


def _output(shaped: Shaped) -> dict[str, Any]:
    """What of an output counts: where it goes, and with which fields."""
    data = as_data(shaped)
    operations: dict[str, Any] = {}
    for operation in data["operations"]:
        name, number = operation["operation"], 1
        while name in operations:
            number += 1
            name = f"{operation['operation']} ({number})"
        operations[name] = {"person": operation["person"], **operation["fields"]}
    return {"status": data["status"], "reason": data["reason"], **operations}
