"""Fixtures for all tests: where the shared data is."""

import os
from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder `../shared/data`; the test is skipped without it, and fails without it under CI=true."""
    if not SHARED_DATA.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{SHARED_DATA} is missing, and CI must have it")
        pytest.skip(f"needs {SHARED_DATA}")
    return SHARED_DATA
