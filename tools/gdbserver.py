# SPDX-License-Identifier: GPL-2.0-or-later
"""What gdb needs to meet a board: QEMU's gdb server, and symbols.

A list of symbols says which world runs which program:
[{"world": "el2" | "host" | "vm" | "vm3", "file": PATH, "name": TEXT}, ...].
"vm" is any VM that turns out to run this program.
"""
import contextlib
import socket

import board
import guests
import running

GDB = "gdb-multiarch"
HOSTVISOR = "hostvisor"
CHARDEV = "hypsec-gdb"
# What a gdb that is killed leaves in the board: it detaches, by gdb's protocol.
DETACH = b"$D#44"
DETACH_SECONDS = 5
# How long gdb waits for an answer: QEMU's thread for all of them may be busy,
# as with a map of a large board, or get no turn. Of its own gdb waits for 2 s.
REMOTE_SECONDS = 120


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
        return ("-chardev", f"socket,id={CHARDEV},fd={self.fileno()},"
                "server=on,wait=off,nodelay=on", "-gdb", f"chardev:{CHARDEV}")

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
        found.append({"world": "host", "name": HOSTVISOR,
                      "file": str(guests.HOSTVISOR.with_suffix(".elf"))})
    return [*found, *config.symbols]


def guest_symbols(scenario):
    """Symbols of the VMs of a guests.Scenario that have some."""
    return [{"world": "vm", "file": str(vm.symbols), "name": vm.name}
            for vm in scenario.vms if vm.symbols]


@contextlib.contextmanager
def attached(chosen):
    """A gdb server, a Listener, on a running.Running for the block. The board
    runs after it if it did before."""
    with running.connect(chosen) as qmp:
        was_running = qmp.qmp("query-status")["running"]
        server = _begin(qmp, chosen)
    try:
        yield server
    finally:
        with contextlib.suppress(running.RunningError):
            _end(chosen, server, was_running)


def _begin(qmp, chosen):
    if any(device["label"] in (CHARDEV, "gdb")
           for device in qmp.qmp("query-chardev")):
        raise running.RunningError(
            f"board {chosen.name} has a gdb server already: it was started "
            "by `./hypsec debug` or with -gdb, or somebody else is attached")
    server = Listener()
    try:
        qmp.send_fd({"execute": "getfd",
                     "arguments": {"fdname": CHARDEV}}, server.fileno())
        qmp.qmp("chardev-add", id=CHARDEV, backend={
            "type": "socket",
            "data": {"addr": {"type": "fd", "data": {"str": CHARDEV}},
                     "server": True, "wait": False,
                     "nodelay": True}})
        if (said := qmp.hmp(f"gdbserver chardev:{CHARDEV}")) and \
           "Waiting" not in said:
            raise running.RunningError(f"board {chosen.name}: {said.strip()}")
    finally:
        server.close_ours()
    return server


def _end(chosen, server, was_running):
    """Turn the gdb server off, with whatever gdb has left in it."""
    with contextlib.suppress(OSError), \
            socket.create_connection(("127.0.0.1", server.port),
                                     DETACH_SECONDS) as connection:
        connection.settimeout(DETACH_SECONDS)
        connection.sendall(DETACH)
        seen = b""
        while b"OK" not in seen and (data := connection.recv(64)):
            seen += data
    with running.connect(chosen) as qmp:
        qmp.hmp("gdbserver none")
        if any(device["label"] == CHARDEV
               for device in qmp.qmp("query-chardev")):
            qmp.qmp("chardev-remove", id=CHARDEV)
        status = qmp.qmp("query-status")["status"]
        if was_running and status in ("debug", "paused"):
            qmp.qmp("cont")


def preamble(extension, symbols, port=None, el2_log=None):
    """gdb's commands that load the extension, say whose symbols are where
    and where EL2's console goes, and connect to PORT."""
    lines = ["set architecture aarch64",
             f"set remotetimeout {REMOTE_SECONDS}", f"source {extension}"]
    lines += ["hypsec symbols add " + " ".join(
        [entry["world"], quote(entry["file"]), quote(entry["name"])])
        for entry in symbols]
    if el2_log:
        lines.append("python import common; "
                     f"common.set_el2_console({str(el2_log)!r})")
    if port is not None:
        # gdb would ask for an executable.
        lines.append(f'python gdb.execute("target remote 127.0.0.1:{port}", '
                     "to_string=True)")
        lines.append("frame")
    return lines


def quote(text):
    """TEXT as one argument of a gdb command."""
    escaped = str(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
