# SPDX-License-Identifier: GPL-2.0-or-later
"""A board whose CPU is parked at EL1, and the injector that drives EL2.

    with ParkedBoard(*PINNED) as machine:
        machine.put([event(HVC, HVC_ESR, x0=30)])
        record = machine.run(1)

Numbers are those of hw/hypsec-inject-regs.h and tests/qtest/hypsec-park.h.
"""
import contextlib
import pathlib
import struct
import tempfile
import time

import board
from qtest import Qtest

# One virtual nanosecond is one instruction, and nothing varies.
PINNED = ("-icount", "shift=0,sleep=off", *board.CLOCK)

INJECT = 0x0b100000
STATUS, SQ_HEAD, SQ_TAIL, CQ_HEAD, CQ_TAIL = 0x10, 0x20, 0x24, 0x28, 0x2c
REFUSALS, SQ, CQ = 0x38, 0x40000, 0x80000
RING_BUSY = 4
SQ_ENTRIES, CQ_ENTRIES, RECORD = 512, 1024, 512
HVC, SMC, DABT, SYSREG = 1, 2, 3, 5
HVC_ESR, SMC_ESR, DABT_ESR = 0x5a000000, 0x5e000000, 0x93c08007
FORCE_EL2, USE_PC, USE_PSTATE = 1, 8, 16
DONE_EL2, ICOUNT_VALID = 1, 4
C_STATUS, C_FLAGS, C_X0, C_INSNS, C_COUNT = 8, 16, 0x20, 0x1a0, 0x1b0
MAILBOX = 0x40210000
M_ALIVE = 208
PSTATE_EL1H = 0x3c5
FREE_RAM = 0x44000000
WAIT_SECONDS = 120
POLL_SECONDS = 0.0004


def event(kind, esr, ipa=0, x=(), flags=0, repeat=0):
    """A descriptor: an exception of KIND at EL1 with X as x0 and on."""
    return struct.pack(
        f"<4I6Q{len(x)}Q", kind, flags | USE_PC | USE_PSTATE, 0, repeat, esr,
        ipa, ipa >> 8, FREE_RAM, PSTATE_EL1H, (1 << len(x)) - 1,
        *(value & (1 << 64) - 1 for value in x)).ljust(RECORD, b"\0")


class ParkedBoard:
    """One parked CPU, qtest and the injector."""

    def __init__(self, *extra, memory="256M", options=""):
        self._stack = contextlib.ExitStack()
        self._extra = extra
        self._memory = memory
        self._machine = f"hypsec-virt,inject=on{options}"

    def __enter__(self):
        with self._stack as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            self.qtest = Qtest(pathlib.Path(folder) / "qtest")
            stack.callback(self.qtest.close)
            self.board = stack.enter_context(board.Board(board.Config(
                machine=self._machine, memory=self._memory,
                kernel=board.PARK, initrd=None,
                extra=(*self._extra, *self.qtest.arguments())),
                typing=False))
            self.qtest.accept()
            self.wait(MAILBOX + M_ALIVE, lambda value: value != 0)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    def wait(self, address, done):
        deadline = time.monotonic() + WAIT_SECONDS
        while not done(value := self.qtest.readq(address)):
            if time.monotonic() > deadline:
                raise self.board.error(f"{address:#x} stays at {value:#x} for "
                                       f"{WAIT_SECONDS} s")
            # Each look takes QEMU's lock away from the CPU.
            time.sleep(POLL_SECONDS)

    def put(self, descriptors):
        """Write descriptors where the next events come from; nothing happens
        yet."""
        tail = self.qtest.readl(INJECT + SQ_TAIL)
        for n, descriptor in enumerate(descriptors):
            self.qtest.write(
                INJECT + SQ + (tail + n) % SQ_ENTRIES * RECORD, descriptor)

    def run(self, count):
        """Let COUNT events of the queue happen; the last one's completion."""
        tail = (self.qtest.readl(INJECT + SQ_TAIL) + count) % SQ_ENTRIES
        last = (self.qtest.readl(INJECT + CQ_TAIL) + count) % CQ_ENTRIES
        self.qtest.writel(INJECT + SQ_TAIL, tail)
        # CQ_HEAD and CQ_TAIL are read as one.
        self.wait(INJECT + CQ_HEAD, lambda value: value >> 32 == last)
        record = self.completion(last - 1)
        self.qtest.writel(INJECT + CQ_HEAD, last)
        return record

    def completion(self, index):
        """Completion INDEX of the queue, which EL2 must have returned from."""
        record = self.qtest.read(
            INJECT + CQ + index % CQ_ENTRIES * RECORD, RECORD)
        status, = struct.unpack_from("<I", record, C_STATUS)
        if status != DONE_EL2:
            raise self.board.error(f"an event ended with status {status}")
        return record

    def instructions(self, record, count=1):
        """Instructions at EL2 that a completion of COUNT events counted."""
        flags, = struct.unpack_from("<I", record, C_FLAGS)
        insns, = struct.unpack_from("<Q", record, C_INSNS)
        counted, = struct.unpack_from("<Q", record, C_COUNT)
        if not flags & ICOUNT_VALID or counted != count:
            raise self.board.error("the injector has not counted")
        return insns
