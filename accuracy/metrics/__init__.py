"""Metrics, one file each: its name, with hyphens, is what `--metric` takes, and `PLUGIN` is a `Metric`."""
