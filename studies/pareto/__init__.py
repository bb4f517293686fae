"""What a study's results say together: rows, Pareto fronts for each device, recommendations, and the page.

Not here: how results are made (`studies/sweep/`) and kept (`studies/store/`).

Add a figure to `studies/pareto/rows.py`, and where it is shown to `studies/pareto/page.py`.
"""
