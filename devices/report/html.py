"""The report as one HTML file that needs nothing else: no network, no script, pictures and plot inside."""

from __future__ import annotations

from detlite.devices.report.headline import headline, megabytes, milliseconds, percent
from detlite.devices.report.pictures import draw
from detlite.devices.report.plot import latency_plot
from detlite.devices.report.report import Report
from detlite.runtime.version import __version__

TEMPLATE = "template.html.j2"


def to_html(report: Report) -> str:
    """Return *report* as HTML: the same text for the same report. Every text in it is escaped."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("detlite.devices.report", package_path=""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(megabytes=megabytes, milliseconds=milliseconds, percent=percent)
    return environment.get_template(TEMPLATE).render(
        report=report,
        figures=headline(report),
        plot=latency_plot(report.latencies) if report.latencies else None,
        pictures=[draw(picture) for picture in report.pictures],
        version=__version__,
    )
