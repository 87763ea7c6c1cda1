# SPDX-License-Identifier: GPL-2.0-or-later
"""What gdb needs to meet a board: QEMU's gdb server, and symbols.

A list of symbols says which world runs which program:
[{"world": "el2" | "host" | "vm" | "vm3", "file": PATH, "name": TEXT}, ...].
"vm" is any VM that turns out to run this program.
"""
import pathlib
import socket

import board
import guests


class Listener:
    """A port of this machine's loopback that only QEMU will serve.

    The socket listens already and QEMU inherits it: no port number is taken
    twice, and a gdb that comes early waits.
    """

    def __init__(self):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(1)
        self.port = self._socket.getsockname()[1]

    def fileno(self):
        return self._socket.fileno()

    def arguments(self):
        """QEMU's arguments; it must inherit fileno()."""
        return ("-chardev", f"socket,id=hypsec-gdb,fd={self.fileno()},"
                "server=on,wait=off", "-gdb", "chardev:hypsec-gdb")

    def close_ours(self):
        """Let go of this process's end."""
        self._socket.close()


def symbols(config):
    """Symbols of what a board.Config starts, as far as we know it."""
    found = []
    if config.bios == board.FIRMWARE:
        found.append({"world": "el2", "file": str(board.FIRMWARE_ELF),
                      "name": "corevisor"})
    if config.kernel == guests.HOSTVISOR:
        found.append({"world": "host", "name": "hostvisor",
                      "file": str(guests.HOSTVISOR.with_suffix(".elf"))})
    return [*found, *config.symbols]


def guest_symbols(scenario):
    """Symbols of the VMs of a guests.Scenario that have some."""
    return [{"world": "vm", "file": str(vm.symbols), "name": vm.name}
            for vm in scenario.vms if vm.symbols]


def preamble(extension, symbols, port=None):
    """gdb's commands that load the extension, say whose symbols are where,
    and connect to PORT."""
    lines = ["set confirm off", "set pagination off", "set height 0",
             "set architecture aarch64", f"source {extension}"]
    lines += ["hypsec symbols add " + " ".join(
        [entry["world"], quote(entry["file"]), quote(entry["name"])])
        for entry in symbols]
    if port is not None:
        lines.append(f"target remote 127.0.0.1:{port}")
    return lines


def quote(text):
    """TEXT as one argument of a gdb command."""
    escaped = str(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
