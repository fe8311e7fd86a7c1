"""Which answers are answers, and which are passing trouble (rules E2 and E4)."""

from __future__ import annotations

import pytest

from destinations.base import Verdict
from destinations.intercom import Intercom
from pipeline.model.operation import Response


@pytest.mark.parametrize(
    ("response", "verdict"),
    [
        (Response(200, body={"id": "1"}), Verdict.ANSWER),
        (Response(202), Verdict.ANSWER),
        (Response(200, text="<html>Back soon</html>"), Verdict.RETRY),
        (Response(404, text="<html>"), Verdict.ANSWER),
        (Response(429), Verdict.THROTTLED),
        (Response(401), Verdict.FATAL),
        (Response(403), Verdict.FATAL),
        *[(Response(status), Verdict.RETRY) for status in (0, 408, 423, 500, 502, 503, 504)],
        (Response(501), Verdict.ANSWER),
    ],
)
def test_e2_e4_how_an_answer_is_treated(response: Response, verdict: Verdict) -> None:
    assert Intercom().judge(response) is verdict
