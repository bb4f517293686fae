"""The report in a real browser: headless Chromium."""

import os
import shutil
import subprocess

import pytest

pytestmark = pytest.mark.slow

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def chromium():
    found = shutil.which("chromium")
    if found is None:
        assert os.environ.get("CI") != "true", "CI must have chromium"
        pytest.skip("needs chromium")
    return found


@pytest.fixture(scope="module")
def report(tmp_path_factory, detlite_in, made):
    run = detlite_in(tmp_path_factory.mktemp("report"))
    assert run("run", made / "source", "-o", "run", "--images", made / "photos").status in (0, 1)
    return run.folder / "run" / "report.html"


def test_the_report_is_drawn(chromium, report, tmp_path):
    picture = tmp_path / "report.png"
    arguments = [chromium, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", f"--screenshot={picture}"]
    subprocess.run(
        [*arguments, "--window-size=1200,2000", report.as_uri()], check=True, capture_output=True, timeout=120
    )
    from PIL import Image

    with Image.open(picture) as drawn:
        assert drawn.size == (1200, 2000)
        assert len(drawn.convert("RGB").getcolors(1 << 24)) > 100


def test_the_browser_sees_the_verdict_and_both_models_pictures(chromium, report, tmp_path):
    arguments = [chromium, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", report.as_uri()]
    page = subprocess.run(arguments, check=True, capture_output=True, text=True, timeout=120).stdout
    assert "float32 to int8" in page
    assert "<svg" in page
    assert "data:image/jpeg;base64," in page


def test_the_report_loads_nothing_from_anywhere_else(report):
    text = report.read_text(encoding="utf-8")
    for part in ('src="http', "url(http", "<script", "<link", "@import"):
        assert part not in text
    assert len(text.encode()) < 3_000_000
