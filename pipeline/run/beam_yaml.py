"""``type: PenstockIntercom`` of Beam YAML: rows in, rows out."""

from __future__ import annotations

from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam import coders

from pipeline.errors import UsageError
from pipeline.flow.dead_letters import decode
from pipeline.run.library import Penstock


class DeadRow(NamedTuple):
    """A dead letter as a row.

    Attributes:
        id: Of the line that was refused; its ``Account`` would have had the same.
        reason: Why.
        stage: The step that refused it.
        type: The event's type. None where the event could not be read; likewise the next ones.
        name: The event's name.
        message_id: The event's id.
        user_id: Whom it is about.
        letter: The dead letter itself, one line of JSON.
    """

    id: str
    reason: str
    stage: str
    type: str | None
    name: str | None
    message_id: str | None
    user_id: str | None
    letter: str


coders.registry.register_coder(DeadRow, coders.RowCoder)


class PenstockIntercom(beam.PTransform):
    """Delivers the events in rows to Intercom.

    A row with one field of text or bytes holds an event as JSON; ``field`` names one of several.
    Any other row is the event itself.

    Args:
        field: The field that holds an event as JSON.
        options: Those of ``Penstock``.
    """

    def __init__(self, field: str | None = None, **options: Any) -> None:
        super().__init__()
        if "settings" in options:
            options["settings"] = {key: str(value) for key, value in options["settings"].items()}
        try:
            self._penstock = Penstock(**options)
        except TypeError as error:
            message = f"PenstockIntercom: {error}".replace("Penstock.__init__()", "config")
            raise UsageError(message) from error
        self._field = field

    def expand(self, rows: beam.PCollection) -> dict[str, beam.PCollection]:
        """Add the steps of a run."""
        made = rows | "Events" >> beam.Map(_event, self._field) | "Deliver" >> self._penstock
        return {
            "delivered": made.delivered,
            "skipped": made.skipped,
            "dead": made.dead | "DeadRows" >> beam.Map(_dead_row).with_output_types(DeadRow),
        }


def _event(row: Any, field: str | None) -> Any:
    values = row._asdict()
    if field is not None:
        return values[field]
    if len(values) == 1:
        (value,) = values.values()
        if isinstance(value, str | bytes):
            return value
    return row


def _dead_row(line: bytes) -> DeadRow:
    letter = decode(line)
    event = letter.receipt
    return DeadRow(
        id=letter.id,
        reason=letter.reason,
        stage=letter.stage,
        type=event.type,
        name=event.name,
        message_id=event.message_id,
        user_id=event.user_id,
        letter=line.decode(),
    )
