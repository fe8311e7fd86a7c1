"""Runs commands as the shell would, without starting a process."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli.main import exit_code_of


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


Penstock = Callable[..., Ran]


@pytest.fixture
def penstock(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Penstock:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)

    def run(*args: object, stdin: bytes = b"") -> Ran:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
        code = exit_code_of([str(arg) for arg in args])
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run


MAPPING = """\
version: 1
name: small
destination: intercom
settings:
  limit: {default: 2}
let:
  email: {pick: traits.email, must_be: email}
person:
  user_id: userId
  email: $email
skip:
  integrations_off: {not: {integration: Intercom}}
rules:
  - name: identify
    when: {type: identify}
    require:
      missing_identity: {pick: userId, to: id, exists: true}
    do:
      - operation: upsert_contact
        fields:
          external_id: userId
          email: $email
          name:
            join:
              - traits.first
              - traits.last
          signed_up_at: {first: [{pick: traits.created, to: unix_seconds}, traits.since]}
          custom_attributes:
            rest: traits
            nested: drop
            dates: _at
            limit_keys: {most: {setting: limit}}
  - name: track
    when: {type: track}
    do:
      - operation: submit_event
        when: {pick: properties.test, exists: false}
        fields:
          event_name: {pick: event, required: true}
          created_at: $time
"""


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(MAPPING, "utf-8")
    return path
