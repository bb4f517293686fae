"""Checks of calibration images, one file each: blank, broken, duplicated, grey, leaked, normalized, too alike.

A check looks at the inspected images and returns findings; running the checks and printing the findings is in
`detlite.calibration.images.linting`, not here.

Add a check as one file with `PLUGIN = LintCheck(...)`, see `detlite.calibration.images.check.LintCheck`.
"""
