"""What a kind of task needs in an app, one file each: its outputs, its Kotlin's names, and how clients are compared.

The Kotlin and the README themselves are templates, not code: those of a kind begin with its wrapper's name.

Add a kind as one file with `PLUGIN = AppTask(...)`, see `detlite.devices.packaging.android.app_task.AppTask`; the file
is named like the one in `detlite.runtime.tasks`, with `_stream` after it for models that carry states.
"""
