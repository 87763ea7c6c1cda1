# SPDX-License-Identifier: GPL-2.0-or-later
"""Read the logs of hypsec-el-observer (target-hooks/hypsec-el-log.h).

A log may come from anywhere: nothing in it is believed before it was checked,
and no more of it is held in memory than one buffer.

Only the standard library, Python 3.11 or later.
"""
import collections
import os
import re
import stat
import struct

MAGIC = 0x314C454345535048
VERSION = 1
HEADER = struct.Struct("<QIIIIIIQQQQ")
RECORD = struct.Struct("<QQQIHHBBBBBB2x")
NAME_BYTES = 16
MAX_CAUSES = 64
MAX_CPUS = 4096
CHUNK_RECORDS = 4096

FLAG_ICOUNT = 1
FLAG_CLOSED = 2

LEVEL_OFF = 0xff
LEVELS = (0, 1, 2, 3, LEVEL_OFF)
WORLD_UNKNOWN, WORLD_HOST, WORLD_VM, WORLD_EL2, WORLD_OFF = range(5)
MAX_VM = 15

# Causes that this reader itself has a use for.
LOADVM = "LOADVM"
# A change for one of these is about the world that the CPU enters; any other
# cause is an exception, and about the world that it leaves.
ENTERING = ("ERET", "RESET", "CPU_ON", LOADVM, "STATE")
# Not the doing of the guest.
NOT_COUNTED = ("RESET", LOADVM)

Record = collections.namedtuple(
    "Record", "ns instructions value esr vmid cpu old new cause world vm vcpu")


class LogError(Exception):
    """What is wrong with a log, for its reader."""


class Log:
    """A log file whose header is sound. Use it in a `with` statement."""

    def __init__(self, path):
        self.path = path
        try:
            # A FIFO shall not make us wait.
            self._file = open(os.open(path, os.O_RDONLY | os.O_NONBLOCK),
                              "rb")
        except OSError as error:
            raise LogError(f"{path}: {error.strerror}") from None
        try:
            self._read_header()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()

    def _error(self, text):
        return LogError(f"{self.path}: {text}")

    def _read(self, length):
        try:
            data = self._file.read(length)
        except OSError as error:
            raise self._error(error.strerror) from None
        if len(data) != length:
            raise self._error("ends early")
        return data

    def _read_header(self):
        status = os.fstat(self._file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise self._error("not a regular file")
        if status.st_size < HEADER.size:
            raise self._error("no log of hypsec-el-observer: only "
                              f"{status.st_size} bytes")
        (magic, version, header_bytes, record_bytes, self.cpus, flags, causes,
         records, self.dropped, self.end_ns, _) = \
            HEADER.unpack(self._read(HEADER.size))
        if magic != MAGIC:
            raise self._error("no log of hypsec-el-observer: it starts with "
                              "something else")
        if version != VERSION:
            raise self._error(f"version {version} of the format, not "
                              f"{VERSION}")
        if record_bytes != RECORD.size:
            raise self._error(f"records of {record_bytes} bytes, not "
                              f"{RECORD.size}")
        if not 1 <= self.cpus <= MAX_CPUS:
            raise self._error(f"{self.cpus} CPUs")
        if not 1 <= causes <= MAX_CAUSES or \
           header_bytes != HEADER.size + causes * NAME_BYTES:
            raise self._error(f"a header of {header_bytes} bytes with "
                              f"{causes} causes")
        if flags & ~(FLAG_ICOUNT | FLAG_CLOSED):
            raise self._error(f"unknown flags {flags:#x}")
        self.icount = bool(flags & FLAG_ICOUNT)
        self.closed = bool(flags & FLAG_CLOSED)
        self.causes = [self._name() for _ in range(causes)]
        if len(set(self.causes)) != causes:
            raise self._error("two causes of the same name")
        self._count_records(status.st_size - header_bytes, records)

    def _name(self):
        name = self._read(NAME_BYTES).rstrip(b"\0")
        if not re.fullmatch(rb"[A-Z][A-Z0-9_]{0,14}", name):
            raise self._error(f"a cause is called {name!r}")
        return name.decode()

    def _count_records(self, size, records):
        """How many records there are, from the SIZE that they take."""
        self.count, self.tail = divmod(size, RECORD.size)
        if self.closed and (self.tail or self.count != records):
            raise self._error(
                f"{size} bytes of records, but the header tells of {records} "
                f"records of {RECORD.size} bytes")

    def records(self):
        """All records, in order; a LogError at the first unsound one."""
        levels = [LEVEL_OFF] * self.cpus
        last = Record(*[0] * len(Record._fields))
        number = 0
        while number < self.count:
            some = min(CHUNK_RECORDS, self.count - number)
            for fields in RECORD.iter_unpack(self._read(some * RECORD.size)):
                record = Record(*fields)
                problem = self._problem(record, last, levels)
                if problem:
                    raise self._error(f"record {number}: {problem}")
                levels[record.cpu] = record.new
                yield record
                last = record
                number += 1

    def _problem(self, record, last, levels):
        """What is wrong with RECORD, which follows LAST; None if nothing."""
        if record.cpu >= self.cpus:
            return f"CPU {record.cpu} of {self.cpus}"
        if record.cause >= len(self.causes):
            return f"cause {record.cause} of {len(self.causes)}"
        if record.new not in LEVELS:
            return f"level {record.new}"
        if record.old != levels[record.cpu]:
            return f"CPU {record.cpu} leaves {level_name(record.old)}, but " \
                   f"was at {level_name(levels[record.cpu])}"
        if record.world > WORLD_OFF or \
           (record.world == WORLD_OFF) != (record.new == LEVEL_OFF) or \
           (record.world == WORLD_EL2) != (record.new == 2):
            return f"world {record.world} at {level_name(record.new)}"
        if (record.world == WORLD_VM) != (record.vm != 0) or \
           record.vm > MAX_VM:
            return f"VM {record.vm} in world {record.world}"
        if self.causes[record.cause] != LOADVM and \
           (record.ns < last.ns or record.instructions < last.instructions):
            return "time goes back"
        return None


def level_name(level):
    return "off" if level == LEVEL_OFF else f"EL{level}"


def world_name(record):
    """Whom a CPU runs for after RECORD."""
    if record.world == WORLD_VM:
        return f"VM {record.vm}"
    return ("unknown", "host", "VM", "EL2", "off")[record.world]
