"""The line that installs an extra of detlite."""

from importlib import metadata

import pytest

from detlite.convert.extras import install_line


class Installed:
    def __init__(self, recorded):
        self._recorded = recorded

    def read_text(self, name):
        assert name == "direct_url.json"
        return self._recorded


@pytest.fixture
def installed_from(monkeypatch):
    """Makes pip's record of where detlite came from this text."""
    return lambda recorded: monkeypatch.setattr(metadata, "distribution", lambda _name: Installed(recorded))


def test_it_names_the_clone_that_detlite_was_installed_from(installed_from):
    installed_from('{"dir_info": {"editable": true}, "url": "file:///home/me/my%20clones/detlite"}')
    assert install_line("convert") == "pip install '/home/me/my clones/detlite[convert]'"


@pytest.mark.parametrize(
    "recorded",
    [
        None,
        '{"archive_info": {}, "url": "file:///tmp/detlite-1.0-py3-none-any.whl"}',
        '{"vcs_info": {"vcs": "git"}, "url": "https://example.org/detlite.git"}',
    ],
)
def test_it_says_where_to_run_it_if_there_is_no_clone(installed_from, recorded):
    installed_from(recorded)
    assert install_line("video") == "in the clone of detlite, pip install '.[video]'"
