"""What a device says of itself: one shell program answers all questions in one call.

Not here: what follows from the answers (`detlite.devices.kinds` recognizes, `detlite.devices.doctor` judges).

Add a question in `questions.py`, with the function that reads its answer beside the others.
"""
