"""The report as one self-contained HTML file: no network, no script, pictures and plot embedded."""

from __future__ import annotations

from detlite.runtime.counts import counted
from detlite.runtime.version import __version__
from detlite.studies.report.headline import WORDS, headline, megabytes, milliseconds, percent
from detlite.studies.report.pictures import draw
from detlite.studies.report.plot import latency_plot
from detlite.studies.report.report import Report

TEMPLATE = "template.html.j2"


def to_html(report: Report) -> str:
    """Return *report* as HTML, the same for the same report, with every text escaped."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("detlite.studies.report", package_path=""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(counted=counted, megabytes=megabytes, milliseconds=milliseconds, percent=percent)
    return environment.get_template(TEMPLATE).render(
        report=report,
        word=WORDS[report.status],
        figures=headline(report),
        plot=latency_plot(report.latencies) if report.latencies else None,
        pictures=[draw(picture) for picture in report.pictures],
        version=__version__,
    )
