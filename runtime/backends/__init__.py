"""Back ends, one file each: which program or library runs a model.

The file's name, with hyphens for underscores, is what `--backend` takes. The runners that they open are in
`detlite.runtime.runners`, not here.

Add a back end as one file with `PLUGIN = Backend(...)`, see `detlite.runtime.runners.backend.Backend`.
"""
