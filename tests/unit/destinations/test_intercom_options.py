"""Settings of the destination: defaults, and clear words about wrong values."""

import pytest

from destinations.intercom.options import IntercomOptions
from pipeline.errors import ConfigurationError


def test_no_settings_are_the_documented_defaults():
    options = IntercomOptions.from_settings({})
    assert options == IntercomOptions()
    assert (options.archived, options.create_contact_on_track) == ("unarchive", False)
    assert (options.create_contact_on_group, options.delete) == (True, "delete")


def test_every_setting_can_be_set():
    settings = {
        "archived": "skip",
        "create_contact_on_track": True,
        "create_contact_on_group": False,
        "delete": "archive",
        "attributes": "drop",
        "verify_conflicts": False,
        "waits": [1, 2.5],
    }
    options = IntercomOptions.from_settings(settings)
    assert {name: getattr(options, name) for name in settings} == {**settings, "waits": (1.0, 2.5)}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"archived": "no"}, "'archived' is 'no'; it must be one of unarchive, skip, dead_letter"),
        ({"archived": ["skip"]}, "must be one of"),
        ({"delete": None}, "must be one of delete, archive"),
        ({"create_contact_on_track": "yes"}, "it must be true or false"),
        ({"create_contact_on_group": 1}, "it must be true or false"),
        ({"waits": [-1]}, "a list of seconds"),
        ({"waits": [float("nan")]}, "a list of seconds"),
        ({"waits": True}, "a list of seconds"),
        ({"archive": "skip"}, "no setting 'archive'; did you mean 'archived'?"),
        ({"zzz": 1}, "no setting 'zzz'; there are alias, "),
    ],
)
def test_a_wrong_setting_says_what_may_be_set(settings, words):
    with pytest.raises(ConfigurationError, match="intercom") as caught:
        IntercomOptions.from_settings(settings)
    assert words in str(caught.value)
