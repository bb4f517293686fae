"""The work folder on a device: files named by their content, and the lock that lets one job run at a time.

::

    WORK/files/<sha256>[.suffix]   what was put there
    WORK/lock/                     while a job runs: who holds it, when they were last heard
    WORK/lock/incoming/            files that are on their way
    WORK/lock/out/                 what the job writes

Whatever is not finished is in the lock's folder, and is deleted with it.

Not here: reaching the device (`detlite.devices.transport`) and what the job is (`detlite.devices.remote`).

Add a step that runs on the device as one shell script, and load it in `scripts.py`.
"""
