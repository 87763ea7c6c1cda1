# SPDX-License-Identifier: GPL-2.0-or-later
"""Archives in cpio's `newc` format, the same bytes for the same content."""

S_IFDIR, S_IFREG, S_IFLNK, S_IFCHR = 0o040000, 0o100000, 0o120000, 0o020000


class Archive:
    """A cpio archive: fixed times and owners, entries in the order added."""

    def __init__(self):
        self.data = bytearray()
        self.count = 0

    def add(self, name, mode, content=b"", device=(0, 0)):
        self.count += 1
        links = 2 if mode & S_IFDIR else 1
        fields = (self.count, mode, 0, 0, links, 0, len(content), 0, 0,
                  *device, len(name) + 1, 0)
        self.data += b"070701" + b"".join(b"%08x" % f for f in fields)
        self.data += name.encode() + b"\0"
        self._align()
        self.data += content
        self._align()

    def finish(self):
        self.count = -1     # the trailer's inode is 0
        self.add("TRAILER!!!", 0)
        return bytes(self.data)

    def _align(self):
        self.data += bytes(-len(self.data) % 4)
