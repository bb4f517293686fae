"""The program that runs on a board, `board.pyz`: its command line, its commands, and what is packed with it.

Not here: packing it (`detlite.devices.packaging`) and starting it from the workstation (`detlite.devices.remote`).

Add a command as one module, and one line in `main.py`. The archive stays under 120 kB.
"""
