"""The report as one self-contained HTML file: no network, no script, pictures and plot embedded."""

from __future__ import annotations

from detlite.runtime.version import __version__
from detlite.studies.page_template import page_template
from detlite.studies.report.headline import WORDS, headline, megabytes, milliseconds, percent
from detlite.studies.report.pictures import draw
from detlite.studies.report.plot import latency_plot
from detlite.studies.report.report import Report


def to_html(report: Report) -> str:
    """Return *report* as HTML, the same for the same report, with every text escaped."""
    template = page_template("detlite.studies.report", megabytes=megabytes, milliseconds=milliseconds, percent=percent)
    rendered: str = template.render(
        report=report,
        word=WORDS[report.status],
        figures=headline(report),
        plot=latency_plot(report.latencies) if report.latencies else None,
        pictures=[draw(picture) for picture in report.pictures],
        version=__version__,
    )
    return rendered
