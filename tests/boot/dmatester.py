# SPDX-License-Identifier: GPL-2.0-or-later
"""hypsec-dma, driven by the host's root without a driver.

Numbers are those of firmware/include/hypsec/dma.h.
"""
import time

import physical
from physical import halves

BASE, CHANNEL_BYTES = 0x0b010000, 0x1000
CTRL, STATUS, DESC, COUNT = 0x04, 0x08, 0x10, 0x18
START, RESET = 1, 4
BUSY = 1
ERROR = 0x0c
OP_READ, OP_WRITE = 1, 2
NO_ERROR, FETCH_ERROR, READ_ERROR, WRITE_ERROR = 0, 1, 3, 4
BYTES = 64
SECONDS = 120


class Channel:
    """Channel NUMBER of MACHINE's, with its descriptor at ADDRESS."""

    def __init__(self, machine, number, address):
        self.machine = machine
        self.base = BASE + number * CHANNEL_BYTES
        self.address = address

    def do(self, operation, target, value=0):
        """Read or write BYTES at TARGET; the error that it reports."""
        physical.store(self.machine, self.address, [
            operation, 0, *halves(target), *halves(target), *halves(BYTES),
            *halves(value), 0, 0])
        physical.store(self.machine, self.base + CTRL, [RESET])
        physical.store(self.machine, self.base + DESC,
                       halves(self.address))
        physical.store(self.machine, self.base + COUNT, [1])
        physical.store(self.machine, self.base + CTRL, [START])
        deadline = time.monotonic() + SECONDS
        while physical.load(self.machine, self.base + STATUS) & BUSY:
            if time.monotonic() > deadline:
                raise self.machine.error("hypsec-dma stays busy")
        return physical.load(self.machine, self.base + ERROR)
