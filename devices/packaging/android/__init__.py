"""Assets of an Android app: models with metadata, a manifest, Kotlin sources, and the verification of a built app.

The templates of generated files are in `templates/`. Not here: measuring on a phone (`detlite.devices.remote`).

Add a generated file as one template and one line in `render.py`.
"""
