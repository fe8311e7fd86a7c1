"""A clock that only sleeping moves."""

import pytest


class Clock:
    def __init__(self):
        self.now = 1_700_000_002.0
        self.slept = []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        assert seconds >= 0
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()
