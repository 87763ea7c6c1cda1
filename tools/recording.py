# SPDX-License-Identifier: GPL-2.0-or-later
"""A run of a board that can be gone through again, forwards and backwards.

A recording is a folder: what the board was (`recording.json`), copies of all
that it ran with its symbols, what it printed, and QEMU's log of everything
that came from outside (`replay.log`). QEMU counts instructions and replays the
log at the same ones, so that each replay is the same to the last bit; see
QEMU's docs/system/replay.rst. It takes one CPU and, for now, nobody who types.

A recording can come from somewhere else. Its board is checked field by field:
it names no file but its own and gives QEMU no other option; its log is for
QEMU to read.
"""
import dataclasses
import filecmp
import hashlib
import json
import pathlib
import re
import shutil
import subprocess

import board
import gdbserver
import run_guest
import running

VERSION = 1
DESCRIPTION, LOG = "recording.json", "replay.log"
HOST_LOG, EL2_LOG = "host-console.log", "el2-console.log"
FILES = {"bios": "firmware.bin", "kernel": "kernel", "initrd": "initrd"}
SNAPSHOTS = "snapshots.qcow2"
QEMU_IMG = board.BUILD / "qemu-img"
MAX_DESCRIPTION = 1 << 20
MAX_SYMBOLS = 32

# What each recorded board has besides its description.
COMMON = ("-no-reboot", "-action", "panic=exit-failure",
          *running.observer(()))

# The first distance of snapshots, in instructions, and how many at most: with
# one more, every second one goes and the distance doubles.
STEP = 1 << 26
MAX_POINTS = 16
# Between two snapshots. A replay that has gone another way stands still.
STEP_SECONDS = 120

FIELDS = {
    "machine": r"hypsec-virt(,(dma|on-violation|trusted-key)=[a-z0-9-]+)*",
    "cpu": r"[a-z0-9-]+(,[a-z0-9-]+=[a-z0-9]+)*",
    "memory": r"[0-9.]{1,12}[kKmMgG]?",
    "append": r"[\x20-\x7e]{0,2000}",
    "command": r"[\x20-\x7e]{0,4000}",
    "qemu": r"[0-9a-f]{64}",
}
WORLD = r"el2|host|vm([1-9]|1[0-5])?"
SYMBOL_NAME = r"[A-Za-z0-9_.-]{1,64}"


class RecordingError(Exception):
    """What the user gets to read, after the program's name."""


def _icount(mode, folder):
    """QEMU's arguments that record into, or replay from, FOLDER."""
    return ("-icount",
            f"shift=0,rr={mode},rrfile={board.escape(folder / LOG)}")


# Recording

def make_folder(folder):
    """Make the folder of a new recording; refuse to record over something."""
    _check_name(folder)
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise RecordingError(f"--record {folder}: is there already; a "
                                 "recording takes a new folder")
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RecordingError(f"--record {folder}: {error.strerror}") from None


def _check_name(folder):
    """Refuse a folder whose name could not stand in a line of gdb's."""
    name = str(folder.absolute())
    if not name.isprintable():
        raise RecordingError(f"{board.printable(name)}: a recording cannot be "
                             "in a folder of this name")


def begin(config, folder, command):
    """Make the board.Config CONFIG, of a batch run with one CPU and its files
    in the new FOLDER, record there. It then runs copies."""
    symbols = gdbserver.symbols(config)
    try:
        for name, copy in FILES.items():
            shutil.copyfile(getattr(config, name), folder / copy)
            setattr(config, name, folder / copy)
        fields = {
            "version": VERSION, "command": re.sub(r"[^ -~]", "?", command),
            "machine": config.machine, "cpu": config.cpu,
            "memory": config.memory, "gic": config.gic,
            "append": config.append,
            "trusted-key": (folder / run_guest.TRUSTED_KEY).exists(),
            "symbols": [_copy_symbols(folder, number, entry)
                        for number, entry in enumerate(symbols)],
            "qemu": digest(board.QEMU)}
        _check(f"--record {folder}", fields)
        (folder / DESCRIPTION).write_text(json.dumps(fields, indent=1) + "\n")
    except OSError as error:
        raise RecordingError(
            f"--record {folder}: {error.filename or DESCRIPTION}: "
            f"{error.strerror}") from None
    config.extra = (*config.extra, *board.CLOCK, *_icount("record", folder))


def _copy_symbols(folder, number, entry):
    name = _symbols_file(number, entry["name"])
    (folder / name).parent.mkdir()
    shutil.copyfile(entry["file"], folder / name)
    return {**entry, "file": name}


def _symbols_file(number, name):
    # gdb's commands know the firmware by this name.
    return f"symbols-{number}/{name}.elf"


def check_log(folder):
    """Refuse a log that QEMU, which has ended, could not write whole; it
    writes the first word last."""
    try:
        with open(folder / LOG, "rb") as file:
            if any(file.read(4)):
                return
        why = "its log is cut off"
    except OSError as error:
        why = error.strerror
    raise RecordingError(f"--record {folder}: nothing to replay: {why}; is "
                         "there space left?")


def digest(path):
    """The SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# Replaying

@dataclasses.dataclass
class Recording:
    """A recording whose description is sound."""
    folder: pathlib.Path
    fields: dict
    symbols: list

    def config(self, *extra):
        """The board.Config that replays it, stopped at reset."""
        fields = self.fields
        key = run_guest.trusted(self.folder) if fields["trusted-key"] else ()
        return board.Config(
            machine=fields["machine"], cpu=fields["cpu"], smp=1,
            memory=fields["memory"], gic=fields["gic"],
            append=fields["append"],
            extra=(*COMMON, *board.CLOCK, *key, *_icount("replay", self.folder),
                   "-S", "-action", "panic=pause,shutdown=pause", *extra),
            **{name: self.folder / file for name, file in FILES.items()})

    def linux(self):
        """The running.Kernel of the host, None if that is the hostvisor."""
        if any(entry["name"] == gdbserver.HOSTVISOR for entry in self.symbols):
            return None
        return running.Kernel("host", self.folder / FILES["kernel"])


def load(folder):
    """The Recording in FOLDER, or a RecordingError that says what is wrong."""
    path = folder / DESCRIPTION
    _check_name(folder)
    try:
        # A pipe would never end.
        if not folder.is_dir() or not path.is_file():
            raise RecordingError(f"{folder}: no recording is there; `./hypsec "
                                 "run --batch --record` makes one")
        with open(path, "rb") as file:
            text = file.read(MAX_DESCRIPTION + 1)
        fields = json.loads(text) if len(text) <= MAX_DESCRIPTION else None
    except OSError as error:
        raise RecordingError(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise RecordingError(f"{path}: not the description of a recording")
    if fields.get("version") != VERSION:
        raise RecordingError(
            f"{path}: version {fields.get('version')!r:.20}, where this "
            f"program knows {VERSION}; replay it with what recorded it")
    symbols = _check(path, fields)
    names = [*FILES.values(), LOG, HOST_LOG, EL2_LOG,
             *(entry["file"] for entry in symbols),
             *([run_guest.TRUSTED_KEY] if fields["trusted-key"] else [])]
    folder = folder.resolve()
    _check_name(folder)
    for name in names:
        # A link could name any file of who replays.
        if (folder / name).resolve() != folder / name or \
           not (folder / name).is_file():
            raise RecordingError(f"{folder}: {name} is missing; the recording "
                                 "is not whole")
    return Recording(folder, fields, [
        {**entry, "file": str(folder / entry["file"])} for entry in symbols])


def _check(where, fields):
    """Refuse a description with a field that a recording cannot have; its
    symbols."""
    def bad(name):
        raise RecordingError(f"{where}: a recording cannot have this "
                             f"{name!r}: {fields.get(name)!r:.100}")
    for name, pattern in FIELDS.items():
        value = fields.get(name)
        if not (isinstance(value, str) and re.fullmatch(pattern, value)):
            bad(name)
    if fields.get("gic") not in (2, 3):
        bad("gic")
    if not isinstance(fields.get("trusted-key"), bool):
        bad("trusted-key")
    symbols = fields.get("symbols")
    if not (isinstance(symbols, list) and len(symbols) <= MAX_SYMBOLS):
        bad("symbols")
    for number, entry in enumerate(symbols):
        if not (isinstance(entry, dict) and
                entry.keys() == {"world", "name", "file"} and
                all(isinstance(text, str) for text in entry.values()) and
                re.fullmatch(WORLD, entry["world"]) and
                re.fullmatch(SYMBOL_NAME, entry["name"]) and
                entry["file"] == _symbols_file(number, entry["name"])):
            bad("symbols")
    return symbols


def qemu_differs(recording):
    """Whether another QEMU has made RECORDING than the one that is built."""
    return digest(board.QEMU) != recording.fields["qemu"]


def prepare(recording, folder, quiet=False):
    """Go through RECORDING once; where it ends, in instructions.

    Leaves snapshots in FOLDER, from which a replay goes backwards without
    starting over, and says on stdout how far it is, unless QUIET. A
    RecordingError says where a replay went another way than the recording.
    """
    _make_disk(folder / SNAPSHOTS)
    log = folder / HOST_LOG
    config = recording.config(*drive(folder))
    with board.Board(config, log=log, el2_log=folder / EL2_LOG,
                     typing=False) as machine:
        end = _go_through(machine, quiet)
    for name in (HOST_LOG, EL2_LOG):
        if not filecmp.cmp(folder / name, recording.folder / name,
                           shallow=False):
            raise RecordingError(
                "the replay's console differs from the recorded one; compare "
                f"{folder / name} with {recording.folder / name}")
    return end


def _make_disk(path):
    made = subprocess.run(
        [str(QEMU_IMG), "create", "-q", "-f", "qcow2", str(path), "1M"],
        text=True, errors="replace", stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if made.returncode:
        raise RecordingError("cannot make a file for snapshots: "
                             f"{board.printable(made.stdout.strip())}")


def drive(folder):
    """QEMU's arguments for the snapshots in FOLDER."""
    return ("-drive", "if=none,id=snapshots,format=qcow2,file="
            f"{board.escape(folder / SNAPSHOTS)}")


def _go_through(machine, quiet):
    step, points = STEP, [0]
    _save(machine, 0)
    while _run_to(machine, points[-1] + step):
        points.append(points[-1] + step)
        _save(machine, points[-1])
        if not quiet:
            print("\rhypsec: replaying once, for snapshots: "
                  f"{points[-1] / 1e6:.0f} million instructions ", end="",
                  flush=True)
        if len(points) > MAX_POINTS:
            for point in points[1::2]:
                machine.hmp(f"delvm {name_of(point)}")
            points, step = points[::2], 2 * step
    if not quiet:
        print()
    return machine.qmp("query-replay")["icount"]


def name_of(point):
    """The name of the snapshot at instruction POINT."""
    return f"at-{point}"


def _save(machine, point):
    if said := machine.hmp(f"savevm {name_of(point)}").strip():
        raise RecordingError(f"cannot make a snapshot: {said}")


def _run_to(machine, point):
    """Whether the replay reaches instruction POINT; else it is at its end."""
    machine.qmp("replay-break", icount=point)
    machine.qmp("cont")
    try:
        machine.wait_event("STOP", STEP_SECONDS)
    except board.BoardError as error:
        raise RecordingError(f"the replay goes no further: {error}") from None
    return machine.qmp("query-status")["status"] == "paused"
