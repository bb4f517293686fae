"""The templates of the pages that studies write: every text is escaped, and the same values make the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from detlite.runtime.counts import counted

TEMPLATE = "template.html.j2"


def page_template(package: str, **filters: Callable[[Any], str]) -> Any:
    """Return the template of *package*, which has these *filters* and `counted`."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(package, package_path=""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(counted=counted, **filters)
    return environment.get_template(TEMPLATE)
