"""The reference page of job files, made from the options of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipeline.mapping.reference import GENERATED
from pipeline.mapping.yamltext import flow
from pipeline.run.jobs.codes import JOB_CODES
from pipeline.run.options import DESTINATION, RUN, STREAM, Option

_HEAD = ("key", "flag", "meaning", "default", "example")


def jobs_page() -> str:
    """Every key, with its flag."""
    own = {**DESTINATION, "dead_letters": RUN["dead_letters"]}
    codes = ((f"[{name}](diagnostics.md#{name.lower()})", code.title)
             for name, code in JOB_CODES.items())  # fmt: skip
    return "\n".join(
        [
            GENERATED,
            "# Keys of a job file\n",
            "[Job files](../jobs.md) explains them. A flag beside `--job` wins over the key.\n",
            "## At the top\n",
            "Besides `job: 1`, `name`, `about`, `beam` (options for Beam, as words) and "
            "`destinations`.\n",
            _table(RUN),
            "## Of a stream\n",
            "At the top as well, for a job with one destination.\n",
            _table(STREAM),
            "## Of a destination\n",
            "Besides `about`, `type` (the mapping's by default) and `when` (a "
            "[condition](mapping-language.md#conditions); all events by default).\n",
            _table(own),
            "## Diagnostics\n",
            _rows(("code", "mistake"), codes),
        ]
    )


def _table(options: Mapping[str, Option]) -> str:
    return _rows(
        _HEAD,
        (
            (
                f"`{key}`",
                f"`{option.word}`",
                option.about,
                _default(option),
                f"`{written(key, option.example)}`",
            )
            for key, option in options.items()
        ),
    )


def _default(option: Option) -> str:
    if option.shown:
        return option.shown
    if option.default in (None, False) or isinstance(option.default, Path):
        return ""
    return f"`{option.default}`"


def written(key: str, example: Any) -> str:
    """``key: value``, as a job file has it."""
    value = Decimal(str(example)) if isinstance(example, float) else example
    return flow({key: value})[1:-1]


def _rows(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(head)
    lines = ["| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"
