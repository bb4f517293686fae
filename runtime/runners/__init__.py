"""Opening and running a model file: interpreters, delegates, engines, and operator profiles.

Not here: any knowledge of measurement (`detlite.runtime.measure`) or of what the outputs mean
(`detlite.runtime.session`).

Add a runner as one module with a class of `detlite.runtime.runners.backend.Runner`, and a back end that opens it as
one file in `detlite.runtime.backends`.
"""
