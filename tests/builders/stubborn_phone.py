"""An adb daemon that never accepts a key: what a phone is before its user has answered the question it shows."""

import socket
import struct
import threading

A_CNXN, A_AUTH = 0x4E584E43, 0x48545541
TOKEN = 1


class StubbornPhone:
    """Listens on a free port of this machine until `close`."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.serial = f"127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._server.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _address = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            while len(header := stream.read(24)) == 24:
                command, kind, _arg1, length, _sum, _magic = struct.unpack("<6I", header)
                stream.read(length)
                if command == A_CNXN or (command == A_AUTH and kind == 2):  # 2: a signature, which is not enough
                    token = bytes(range(20))
                    values = (A_AUTH, TOKEN, 0, len(token), sum(token), A_AUTH ^ 0xFFFFFFFF)
                    connection.sendall(struct.pack("<6I", *values) + token)
