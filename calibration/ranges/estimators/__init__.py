"""Estimators, one file each: how the values seen in a tensor become its range.

The file's name is what `--estimator` takes. Collecting the values is in
`detlite.calibration.ranges.observer`, not here.

Add an estimator as one file with `PLUGIN = Estimator(...)`, see `detlite.calibration.ranges.estimator.Estimator`.
"""
