"""What was made, measured and scored, for people: one HTML file, the same as Markdown, the same as JSON."""
