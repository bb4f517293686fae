"""Commands are run as users run them: a process of their own, in a folder of their own."""

import pytest


@pytest.fixture
def detlite(tmp_path):
    from builders.command_line import Detlite

    return Detlite(tmp_path)


@pytest.fixture(scope="session")
def detlite_in():
    """Gives `detlite` in any folder."""
    from builders.command_line import Detlite

    return Detlite


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """A tiny detector, converted and quantized once: `source`, `float`, `int8`, `photos`."""
    from builders.command_line import Detlite
    from builders.model_files import write_frozen, write_photos

    folder = tmp_path_factory.mktemp("made")
    run = Detlite(folder)
    write_frozen(folder / "source")
    write_photos(folder / "photos")
    assert run("convert", "source", "-o", "float").status == 0
    assert run("quantize", "float", "-o", "int8", "--images", "photos", "--count", 4).status == 0
    return folder
