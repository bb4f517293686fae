"""A report on disk: `report.html`, `report.md` and `report.json` in one folder."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from detlite.convert.files.write_file import write_file
from detlite.studies.report.html import to_html
from detlite.studies.report.markdown import to_markdown
from detlite.studies.report.report import Report

HTML_NAME, MARKDOWN_NAME, JSON_NAME = "report.html", "report.md", "report.json"
SCHEMA = "detlite.report"
SCHEMA_VERSION = 1


def to_json(report: Report) -> str:
    """Return *report* as JSON, with pictures by file name."""
    record: dict[str, Any] = dataclasses.asdict(report)
    for picture in record["pictures"]:
        picture["path"] = picture["path"].name
    whole = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION, **record}
    return json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write_report(report: Report, folder: Path) -> tuple[Path, Path, Path]:
    """Write the three files to *folder* (created if missing) and return their paths: HTML, Markdown, JSON.

    Each is written to a temporary name and renamed: a reader sees the old or the new one, never a partial file.
    """
    texts = {HTML_NAME: to_html(report), MARKDOWN_NAME: to_markdown(report), JSON_NAME: to_json(report)}
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        write_file(folder / name, text.encode())
    return folder / HTML_NAME, folder / MARKDOWN_NAME, folder / JSON_NAME
