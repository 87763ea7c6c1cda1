# SPDX-License-Identifier: GPL-2.0-or-later
"""Which functions of the firmware the instructions at EL2 belong to.

QEMU writes a line for every instruction at the firmware's addresses, one
instruction per translation block, into a pipe that is read as it comes.
"""
import bisect
import collections
import os
import re
import subprocess
import threading

import board
from parked import PINNED

# Of a CPU that takes an exception from AArch64 below.
VECTOR_SYNC, VECTOR_TABLE_BYTES = 0x400, 0x800
RUN_SECONDS = 300
LINE = re.compile(rb"^Trace \d+: \S+ \[[^/]*/([0-9a-f]+)/")


class Symbols:
    """The functions of an ELF file, by address."""

    def __init__(self, path):
        text = subprocess.run(
            ["aarch64-linux-gnu-nm", "-n", path], capture_output=True,
            text=True, check=True).stdout
        # What .L labels and mapping symbols there are is no function.
        self.table = [(int(words[0], 16), words[2]) for words in
                      map(str.split, text.splitlines())
                      if len(words) == 3 and words[1] in "tT" and
                      not words[2].startswith(("$", "."))]
        self.addresses = [address for address, _ in self.table]
        self.by_name = {name: address for address, name in self.table}
        self.first = self.addresses[0]
        self.last = int(text.splitlines()[-1].split()[0], 16)

    def name(self, address):
        return self.table[bisect.bisect_right(self.addresses, address) - 1][1]


class Segments:
    """What EL2 executes from one synchronous exit of a VM to the next."""

    def __init__(self, symbols, entry):
        self.entry = symbols.by_name[entry] + VECTOR_SYNC
        self.open = None
        # One segment of each length.
        self.by_length = {}

    def add(self, address):
        if address == self.entry:
            self._close()
            self.open = []
        if self.open is not None:
            self.open.append(address)

    def _close(self):
        if self.open is not None:
            self.by_length.setdefault(len(self.open), self.open)


def read_trace(path, segments):
    with open(path, "rb", buffering=1 << 20) as pipe:
        for line in pipe:
            if match := LINE.match(line):
                segments.add(int(match[1], 16))


def profile(config, folder, entry, instructions):
    """Functions of a round trip, as (name, instructions) in falling order: of
    the first one that takes so many INSTRUCTIONS at EL2.

    config: a board; folder: for the pipe; entry: the VM's vector table
    """
    symbols = Symbols(board.FIRMWARE_ELF)
    if entry not in symbols.by_name:
        raise board.BoardError(f"the firmware has no symbol {entry}")
    segments = Segments(symbols, entry)
    pipe = folder / "trace"
    os.mkfifo(pipe)
    reader = threading.Thread(target=read_trace, args=(pipe, segments),
                              daemon=True)
    reader.start()
    config.extra = (
        *PINNED, "-accel", "tcg,one-insn-per-tb=on", "-d", "exec,nochain",
        "-dfilter", f"{symbols.first:#x}..{symbols.last:#x}",
        "-D", str(pipe))
    with board.Board(config, typing=False) as machine:
        machine.wait_exit(RUN_SECONDS)
    reader.join(RUN_SECONDS)
    if instructions not in segments.by_length:
        raise board.BoardError(f"no round trip of {instructions} instructions "
                               "in the trace")
    return collections.Counter(
        symbols.name(address)
        for address in segments.by_length[instructions]).most_common()
