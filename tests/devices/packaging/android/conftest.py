"""Packaging in a scratch folder."""

import pytest


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Runs `detlite package --android` in a scratch folder, on the float model `app`."""
    from builders.app_models import write_app_model

    from detlite.cli import main

    monkeypatch.chdir(tmp_path)
    write_app_model(tmp_path / "app")

    def run(*options, model="app"):
        return main(["package", str(model), "--android", "--name", "demo", "-o", "out", *map(str, options)])

    return run
