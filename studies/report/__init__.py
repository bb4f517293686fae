"""A report on what was made, measured and scored, as one HTML file, as Markdown and as JSON.

Not here: any measuring or scoring; a report reads saved records.

Add a section in `report.py`, and its form in `template.html.j2` and `markdown.py`.
"""
