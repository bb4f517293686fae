"""Load scenarios of MLPerf Inference, one file each: when queries are issued, and what counts.

The file's name, with hyphens, is what `--scenario` takes. The clock and the rows that are recorded are in
`detlite.runtime.clock` and `detlite.runtime.measure.scenario`, not here.

Add a scenario as one file with `PLUGIN = Scenario(...)`, see `detlite.runtime.measure.scenario.Scenario`.
"""
