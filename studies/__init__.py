"""Work that runs many stages, and what reads its records: the main job, searches, comparisons, reports.

Not here: any single stage; those are in the packages below. Only this package may know a scheduler of many machines.

Add a study as one folder, and a command for it in `detlite.commands`.
"""
