# SPDX-License-Identifier: GPL-2.0-or-later
"""Disks and a network card for the Linux host, and what hypsec-io does to them.

    with Devices() as devices:
        config = board.Config(..., extra=devices.arguments())
        ... hypsec-io all on the board ...
        devices.check(summary)      # what is on the images afterwards

guest-images/linux/io.sh is the other half.
"""
import hashlib
import pathlib
import random
import re
import tempfile

import board

MIB = 1 << 20
DISK_BYTES = 16 * MIB
# The lines that hypsec-io writes, and where it puts them without a file
# system: that many bytes before the end.
LINES = 150_000
RAW_BEFORE_END = 2 * MIB
# mke2fs makes blocks of this size on a small disk.
FS_BLOCK = 1024

# Linux's name of a disk -> what makes it one.
DISKS = {"vda": "virtio-blk-pci", "nvme0n1": "nvme,serial=hypsec"}
NETWORK = ("-netdev",
           "user,id=net,restrict=on,guestfwd=tcp:10.0.2.100:7-cmd:cat",
           "-device", "virtio-net-pci,netdev=net")

# The last line of hypsec-io.
VERDICT = r"HYPSEC-IO-(OK|FAIL)(.*)"


def content():
    """What hypsec-io writes."""
    return b"".join(b"%d\n" % n for n in range(1, LINES + 1))


def md5(data):
    return hashlib.md5(data).hexdigest()


class Devices:
    """Image files of DISKS in a folder of their own, and the card."""

    def __init__(self, disks=DISKS, network=True, size=DISK_BYTES):
        self.disks = disks
        self.network = network
        self.size = size
        self._folder = tempfile.TemporaryDirectory(prefix="hypsec-")
        self.paths = {name: pathlib.Path(self._folder.name) / f"{name}.img"
                      for name in disks}
        self.renew()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._folder.cleanup()

    def renew(self):
        """The same content in all images as at the start."""
        self.tails = {}
        for seed, (name, path) in enumerate(self.paths.items()):
            data = random.Random(seed).randbytes(self.size)
            path.write_bytes(data)
            self.tails[name] = md5(data[self.size // 2:])

    def arguments(self):
        """QEMU's, for all devices."""
        args = []
        for name, path in self.paths.items():
            args += ["-drive", f"if=none,id={name},format=raw,"
                     f"file={board.escape(path)}",
                     "-device", f"{self.disks[name]},drive={name}"]
        return (*args, *(NETWORK if self.network else ()))

    def check(self, summary):
        """What is wrong with the images after hypsec-io, which said SUMMARY
        at its end: a list of texts."""
        wrong = []
        written = content()
        said = dict(re.findall(r"(\w+)=(\w+)", summary))
        for name, path in self.paths.items():
            if said.get(name) != self.tails[name]:
                wrong.append(f"{name}: hypsec-io did not read the second half "
                             "as it was")
            data = path.read_bytes()
            half = len(data) // 2
            blocks = {data[start:start + FS_BLOCK]
                      for start in range(0, half, FS_BLOCK)}
            missing = sum(
                written[start:start + FS_BLOCK].ljust(FS_BLOCK, b"\0")
                not in blocks for start in range(0, len(written), FS_BLOCK))
            if missing:
                wrong.append(f"{name}: {missing} blocks of the file are not "
                             "in the file system")
            raw = len(data) - RAW_BEFORE_END
            if data[raw:raw + len(written)] != written:
                wrong.append(f"{name}: the end does not hold what was written")
            self.tails[name] = md5(data[half:])
        return wrong
