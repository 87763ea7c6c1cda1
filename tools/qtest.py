# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's qtest protocol: physical memory and registers from outside.

    qtest = Qtest(path)             # a UNIX socket that QEMU connects to
    ... start QEMU with *qtest.arguments() ...
    qtest.accept()
    qtest.writeq(0x40000000, 1)
"""
import socket

ACCEPT_SECONDS = 60
REPLY_SECONDS = 60


class QtestError(Exception):
    """QEMU ended, or did not understand."""


class Qtest:
    """One connection. Addresses are physical."""

    def __init__(self, path):
        self.path = path
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(1)
        self._connection = None
        self._file = None

    def arguments(self):
        return ("-qtest", f"unix:{self.path}", "-qtest-log", "none")

    def accept(self):
        self._listener.settimeout(ACCEPT_SECONDS)
        self._connection, _ = self._listener.accept()
        self._connection.settimeout(REPLY_SECONDS)
        self._file = self._connection.makefile("r", encoding="ascii")

    def close(self):
        for thing in (self._file, self._connection, self._listener):
            if thing:
                thing.close()

    def command(self, text):
        """The words of QEMU's answer, without its OK."""
        return self.commands(text)[0]

    def commands(self, *texts):
        """Several at once; the answers."""
        answers = []
        try:
            self._connection.sendall(
                "".join(text + "\n" for text in texts).encode())
            for text in texts:
                while (line := self._file.readline()).startswith("IRQ "):
                    pass
                words = line.split()
                if not words or words[0] != "OK":
                    raise QtestError(f"qtest: {text[:60]}: "
                                     f"{line.strip() or 'no answer'}")
                answers.append(words[1:])
        except OSError as error:
            raise QtestError(f"qtest: {error}") from None
        return answers

    def readl(self, address):
        return int(self.command(f"readl {address:#x}")[0], 16)

    def readq(self, address):
        return int(self.command(f"readq {address:#x}")[0], 16)

    def writel(self, address, value):
        self.command(f"writel {address:#x} {value:#x}")

    def writeq(self, address, value):
        self.command(f"writeq {address:#x} {value:#x}")

    def read(self, address, size):
        return bytes.fromhex(
            self.command(f"read {address:#x} {size:#x}")[0][2:])

    def write(self, address, data):
        self.command(f"write {address:#x} {len(data):#x} 0x{data.hex()}")
