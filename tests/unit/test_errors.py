"""Exceptions survive pickling, because Beam moves them between processes."""

import inspect
import pickle

import pytest

from pipeline import errors

CLASSES = [
    thing
    for _, thing in inspect.getmembers(errors, inspect.isclass)
    if issubclass(thing, Exception)
]


@pytest.mark.parametrize("cls", CLASSES)
def test_every_exception_survives_pickling(cls):
    error = cls("what happened", 7)
    error.where = {"line": 3}
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is cls
    assert again.args == ("what happened", 7)
    assert str(again) == str(error)
    assert again.where == {"line": 3}


@pytest.mark.parametrize("cls", CLASSES)
def test_every_exception_is_a_penstock_error(cls):
    assert issubclass(cls, errors.PenstockError)


class KeywordBuilt(errors.PenstockError):
    """As a subclass elsewhere may be."""

    def __init__(self, *, code):
        super().__init__(f"code {code}")
        self.code = code


def test_a_subclass_that_is_built_by_keyword_survives_pickling():
    again = pickle.loads(pickle.dumps(KeywordBuilt(code=7)))
    assert (again.code, str(again)) == (7, "code 7")
