"""The program that runs on a board, `board.pyz`: its command line, its commands, and what is packed with it."""
