"""Options that say on which dask cluster work runs, and how they become `ClusterOptions`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from detlite.commands.command import option_group
from detlite.runtime.errors import InputError
from detlite.studies.sweep.cluster import ClusterOptions, Security

FILE = click.Path(path_type=Path)

cluster_options = option_group(
    "Processes and clusters",
    click.option("--workers", type=click.IntRange(1, 1024), help="Number of processes on this machine."),
    click.option("--scheduler", metavar="ADDRESS", help="Your dask scheduler, such as tcp://head:8786."),
    click.option("--tls-ca-file", type=FILE, help="With --scheduler tls://: the authority's certificate."),
    click.option("--tls-cert", type=FILE, help="With --scheduler tls://: this client's certificate."),
    click.option("--tls-key", type=FILE, help="With --scheduler tls://: this client's key."),
)


def cluster_of(values: dict[str, Any]) -> ClusterOptions:
    """Return the cluster that the options ask for.

    Raises:
        InputError: they contradict, or a file is missing.
    """
    files = [values[name] for name in ("tls_ca_file", "tls_cert", "tls_key")]
    if values["workers"] and values["scheduler"]:
        raise InputError("give either --workers, for this machine, or --scheduler")
    if any(files) and not (all(files) and str(values["scheduler"]).startswith("tls://")):
        raise InputError("--tls-ca-file, --tls-cert and --tls-key belong together, with --scheduler tls://ADDRESS")
    for path in files:
        if path is not None and not path.is_file():
            raise InputError(f"{path} is not a file: want a certificate or a key in PEM")
    security = Security(*files) if all(files) else None
    return ClusterOptions(values["workers"], values["scheduler"], security)
