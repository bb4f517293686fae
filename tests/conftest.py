"""For all tests: the shared data, JSON checked by its schemas, and one line that says why tests were skipped."""

import json
import os
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

settings.register_profile("busy machine", deadline=None)  # an example may stall for longer than the 0.2 s
settings.load_profile("busy machine")

# measurements of several tests at once need not wait for each other
os.environ["DETLITE_ROOM"] = str(Path(tempfile.gettempdir()) / f"detlite-room-of-tests-{os.getpid()}")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder `../shared/data`; the test is skipped without it, and fails without it under CI=true."""
    if not SHARED_DATA.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{SHARED_DATA} is missing, and CI must have it")
        pytest.skip("needs ../shared/data")
    return SHARED_DATA


@pytest.fixture(autouse=True)
def _json_as_its_schema_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check all JSON that commands write in a test's own process; `Detlite` checks that of other processes."""
    from detlite.commands import console

    written = console.as_json

    def checked(record: Mapping[str, Any]) -> str:
        from builders.json_schemas import check_record

        text = written(record)
        check_record(json.loads(text))
        return text

    monkeypatch.setattr(console, "as_json", checked)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line how many tests were skipped for which reason: a line each would bury a failure."""
    reasons = Counter(_reason(report) for report in terminalreporter.stats.get("skipped", []))
    if reasons:
        told = ", ".join(f"{count}: {reason}" for reason, count in reasons.most_common())
        terminalreporter.write_line(f"{reasons.total()} skipped ({told})")


def _reason(report: pytest.TestReport) -> str:
    """Return why a test was skipped, without the file and the line of the skip."""
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return reason.removeprefix("Skipped: ")
