"""Running a finished model on pictures and videos: what it finds, and pictures of it.

In: the list of inputs, the run in a child process, the results as typed records, drawing, COCO result files.
Not in: scores against labels (`accuracy`), and the sessions that run models (`runtime`).

Add a form of results as one module that takes what was found, and an option for it in `detlite.commands.detect`.
"""
