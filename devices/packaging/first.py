"""The first file of a board's program: Python 2.7 can parse it, so that every Python says what it lacks."""

import sys

if sys.version_info < (3, 9):
    sys.stderr.write(
        "board.pyz needs Python 3.9 or newer; %s is Python %d.%d: run it with a newer one, such as python3.11\n"
        % (sys.executable, sys.version_info[0], sys.version_info[1])
    )
    sys.exit(3)

__import__("board_start").run()
