"""A report for people of what was made, measured and scored: one HTML file, the same as Markdown and as JSON.

Not here: any measuring or scoring; a report reads saved records.

Add a section in `report.py`, and its form in `template.html.j2` and `markdown.py`.
"""
