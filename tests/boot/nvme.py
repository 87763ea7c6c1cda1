# SPDX-License-Identifier: GPL-2.0-or-later
"""An NVMe disk that the host drives by hand, to whatever addresses it likes.

The kernel's driver lets go of it; then its registers, and queues in memory
that the kernel leaves alone ("mem="), are written through /dev/mem.
"""
import time

import physical
from physical import halves

CC, CSTS, AQA, ASQ, ACQ = 0x14, 0x1c, 0x24, 0x28, 0x30
SQ_DOORBELL = 0x1000
ENTRIES = 16
SQE_BYTES, CQE_BYTES = 64, 16
# Entries of 64 and 16 bytes, enabled.
CC_ENABLED = 0x00460001
READY, FATAL = 1, 2
IDENTIFY, CONTROLLER = 0x06, 1
# The command register in configuration space.
MEMORY_AND_MASTER = r"\006\000"
# Bounds a hang.
SECONDS = 120


class Nvme:
    """The first NVMe disk of MACHINE's, with its queues at QUEUES."""

    def __init__(self, machine, queues):
        self.machine = machine
        self.queues = queues
        self.completion = queues + 0x1000
        self.name = physical.run(machine, "basename $(readlink -f "
                                 "/sys/class/nvme/nvme0/device)")
        self.folder = f"/sys/bus/pci/devices/{self.name}"
        self.bar = int(physical.run(
            machine, f"head -n 1 {self.folder}/resource").split()[0], 16)

    def queue_address(self):
        """Where the device, by what its driver told it, has its commands."""
        return physical.peek(self.machine, self.bar + ASQ, 8)

    def take(self):
        """Take it from the kernel's driver."""
        physical.run(self.machine,
                     f"echo {self.name} > {self.folder}/driver/unbind")
        physical.run(self.machine,
                     f"printf '{MEMORY_AND_MASTER}' | dd conv=notrunc bs=1 "
                     f"seek=4 of={self.folder}/config 2> /dev/null")

    def start(self, submission, completion):
        """Enable it with queues at these addresses."""
        self._write(CC, 0)
        self._wait(lambda: not self._read(CSTS) & READY)
        self._write(AQA, (ENTRIES - 1) << 16 | (ENTRIES - 1))
        self._write(ASQ, *halves(submission))
        self._write(ACQ, *halves(completion))
        self._write(CC, CC_ENABLED)
        if not self._wait(lambda: self._read(CSTS) & (READY | FATAL)):
            raise self.machine.error("the NVMe disk does not become ready")

    def ring(self):
        """Let it fetch a command."""
        self._write(SQ_DOORBELL, 1)

    def failed(self):
        """Whether it gives up, as it does without its queues."""
        return self._wait(lambda: self._read(CSTS) & FATAL)

    def identify(self, target, submission=None):
        """Have it write 4 KiB about itself to TARGET, as the first command of
        fresh queues."""
        words = [0] * (SQE_BYTES // 4)
        words[0] = 1 << 16 | IDENTIFY
        words[6:8] = halves(target)
        words[10] = CONTROLLER
        physical.store(self.machine, self.queues, words)
        physical.store(self.machine, self.completion, [0] * (CQE_BYTES // 4))
        self.start(submission or self.queues, self.completion)
        self.ring()

    def done(self):
        """Whether it says that it is done with it, well or not."""
        # The phase, in the last word of the completion.
        return self._wait(lambda: physical.peek(
            self.machine, self.completion + 12) & 1 << 16)

    def _read(self, register):
        return physical.load(self.machine, self.bar + register)

    def _write(self, register, *words):
        physical.store(self.machine, self.bar + register, words)

    def _wait(self, done):
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            if done():
                return True
        return False
