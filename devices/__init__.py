"""Boards and phones: how they are reached, recognized and examined, and how a model is measured on them.

Not here: what runs on the device (`detlite.runtime`) and what is made of many measurements (`detlite.studies`). Nothing
here imports `detlite.calibration`, nor the other way round.

Add a kind of device as one file in `kinds/`, a check of `detlite doctor` as one file in `doctor/checks/`, and the
output of a program as one file in `parsers/`.
"""

import sys

from detlite.devices.callable_package import CallablePackage

sys.modules[__name__].__class__ = CallablePackage
