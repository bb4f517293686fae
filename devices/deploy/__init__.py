"""What is on a device: the work folder with files named by their content, and the lock of the one job at a time.

::

    WORK/files/<sha256>[.suffix]   what was put there
    WORK/lock/                     while a job runs: who holds it, when they were last heard
    WORK/lock/incoming/            files that are on their way
    WORK/lock/out/                 what the job writes

All that is not finished lies in the lock's folder, and goes with it.
"""
