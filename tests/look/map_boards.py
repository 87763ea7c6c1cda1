# SPDX-License-Identifier: GPL-2.0-or-later
"""./hypsec map on boards that run: the picture against the records in memory,
read here by their offsets, and against the properties of /machine/inspect."""
import contextlib
import importlib.util
import json
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

# Before running.py reads it: boards of this test alone.
FOLDER = tempfile.TemporaryDirectory(prefix="hypsec-map-")
WORK = pathlib.Path(FOLDER.name)
os.environ["HYPSEC_RUNS"] = str(WORK / "runs")

import looktest  # noqa: E402
import board  # noqa: E402
import guests  # noqa: E402
import picture  # noqa: E402
import run_guest  # noqa: E402
import running  # noqa: E402
from qtest import Qtest  # noqa: E402

MAP = board.ROOT / "tools/map.py"
SECONDS = 300
RAM = 0x40000000
# Seconds or rounds of a VM.
LASTING = 100000
ROUND = r"walker: round (\d+)"
# struct hypsec_inspect.
PAGE_BASE, PAGE_FIRST, PAGE_COUNT = 72, 80, 88
# A name that must not reach the picture as it is.
NASTY = "hypsec run <script>&\x1b[31m\""


def hypsec_map(*arguments, **env):
    done = subprocess.run(
        [sys.executable, MAP, *map(str, arguments)], text=True, cwd=WORK,
        stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS,
        env={**os.environ, **env})
    assert "Traceback" not in done.stderr, done.stderr
    return done


@contextlib.contextmanager
def started(name, config):
    """A board that runs and is registered."""
    folder = WORK / "runs" / name
    folder.mkdir(parents=True)
    config.extra = (*config.extra, *running.observer(config.extra))
    with running.Registration(folder, NASTY) as entry, \
            board.Board(config, registration=entry) as machine:
        yield machine


def lasting(name):
    """Scenario NAME, whose VMs go on for longer than any test."""
    scenario = guests.scenario(name, guests.Options(cpus=2))
    for vm in scenario.vms:
        vm.config["arg0"] = LASTING
    return scenario


@contextlib.contextmanager
def guest(name, memory, line, machine=""):
    """A board that runs guest NAME and is stopped at a LINE of its console,
    while EL2 changes nothing."""
    scenario = lasting(name)
    bundle = WORK / f"{name}-{memory}.cpio"
    bundle.write_bytes(scenario.bundle())
    config = board.Config(
        machine="hypsec-virt" + scenario.machine + machine, smp=2,
        memory=memory, kernel=guests.HOSTVISOR, initrd=bundle,
        append=" ".join(scenario.host), extra=run_guest.threads(2))
    with started(f"{name}-{memory}", config) as running_:
        running_.wait_line(line, SECONDS)
        running_.qmp("stop")
        while any(lock[:2] in ("s2", "pt", "sp") for cpu in
                  running_.qom_get("/machine/inspect", "pcpus")
                  for lock in cpu["locks"]):
            running_.qmp("cont")
            running_.qmp("stop")
        yield running_


class Records:
    """Owner of each page, by our own reading."""

    def __init__(self, machine):
        self._file = WORK / "memory"
        address = int(machine.qom_get("/machine/inspect", "page-address"))
        page = self._read(machine, address, 256)
        self.base, self.first, self.count = (
            struct.unpack_from("<Q", page, offset)[0]
            for offset in (PAGE_BASE, PAGE_FIRST, PAGE_COUNT))
        data = self._read(machine, self.base, 8 * self.count)
        self.owners, self.counts = data[0::8], data[1::8]

    def _read(self, machine, address, length):
        machine.qmp("pmemsave", val=address, size=length,
                    filename=str(self._file))
        return self._file.read_bytes()

    def totals(self):
        """{"host": pages, ...} of owners that have any."""
        return {key(owner): count for owner in range(256)
                if (count := self.owners.count(owner))}

    def known(self):
        """owner -> addresses of some pages of it."""
        return {owner: [self.address(place) for place in (
            self.owners.index(owner), self.owners.rindex(owner))]
            for owner in (0, *range(1, 16), 16) if owner in self.owners}

    def address(self, index):
        return (self.first + index) << 12

    def alone(self, address, length):
        """Whether all of LENGTH bytes around ADDRESS have one owner."""
        first = (address - RAM) // length * length >> 12
        return len(set(self.owners[first:first + (length >> 12)])) == 1


def key(owner):
    return {0: "host", 16: "el2"}.get(owner, f"vm{owner}")


def said(owner):
    return {"host": "host", "el2": "EL2"}.get(owner, f"VM {owner[2:]}")


def sections(seen):
    return filter(None, (seen.overview, seen.detail))


def compare(tap, what, machine):
    """The picture of a board that is stopped, against its records."""
    out = WORK / f"{what}.svg"
    done = hypsec_map("--out", out)
    if not tap.result(done.returncode == 0, f"{what}/drawn", done.stderr):
        return
    records = Records(machine)
    properties = {owner: pages for owner, pages in
                  machine.qom_get("/machine/inspect", "owners").items()
                  if pages}
    tap.equal(records.totals(), properties, f"{what}/records-and-properties")
    seen = picture.Picture(out.read_text())
    legend = seen.legend()
    tap.equal(legend.pop("all", None), records.count, f"{what}/legend-has-all")
    tap.equal(legend, {said(owner): pages
                       for owner, pages in properties.items()},
              f"{what}/legend-has-each-owner")
    terminal = dict(re.findall(r"^(host|VM \d+|EL2) +(\d+) ", done.stdout,
                               re.MULTILINE))
    tap.equal({name: int(pages) for name, pages in terminal.items()}, legend,
              f"{what}/terminal-says-the-same")
    wrong = [(owner, hex(address)) for section in sections(seen)
             for owner, addresses in records.known().items()
             for address in addresses
             if (owner or section is seen.overview or
                 in_a_row(section, address)) and
             not right(section, records, owner, address)]
    tap.equal(wrong, [], f"{what}/known-pages-have-their-colour")
    tap.result("warning" not in done.stdout and
               not seen.overview.rectangles.get("wrong"),
               f"{what}/nothing-wrongly-mapped", done.stdout)
    tap.result(out.stat().st_size < 400_000, f"{what}/is-small",
               out.stat().st_size)
    return seen, records


def in_a_row(section, address):
    """Whether a page of the host's is drawn: most are not, in detail."""
    return any(base <= address < base + section.cell_bytes * picture.CELLS
               for base, _ in section.rows)


def right(section, records, owner, address):
    owners = section.owners(address) & {key(n) for n in range(17)}
    if records.alone(address, section.cell_bytes):
        return owners == {key(owner)}
    return key(owner) in owners


def demo(tap):
    with guest("demo", "1G", "all there, round 1") as machine:
        seen, records = compare(tap, "demo-1G", machine)
        mappings(tap, seen, records)
        tap.equal(machine.qmp("query-status")["status"], "paused",
                  "demo-1G/a-paused-board-stays-so")
        tap.result("<script>" not in (WORK / "demo-1G.svg").read_text() and
                   "hypsec run <script>&\ufffd[31m\"" in seen.texts,
                   "demo-1G/the-command-is-only-text")
        tap.result(len(set(seen.fills[name] for name in (
            "host", "el2", *(f"vm{n}" for n in range(1, 9))))) == 10,
            "demo-1G/colours-differ", seen.fills)
        as_json(tap, records)
        png(tap, seen, records)
        bad_output(tap)


def mappings(tap, seen, records):
    """alice's pages are mapped one by one, by her table and no other."""
    alice = records.known()[1][0]
    strips = [seen.detail.strip(alice, number) for number in range(3)]
    tap.equal(strips, [0, 2, 0], "demo-1G/a-page-of-vm1-is-vm1's-alone")
    window = records.address(records.owners.index(16) - 1)
    strips = [bool(seen.detail.strip(window, number)) for number in range(3)]
    tap.equal((strips, seen.detail.owners(window)),
              ([True, False, False], {"host", "shared"}),
              "demo-1G/the-window-is-shared-and-no-device's")
    tap.equal([seen.detail.strip(records.known()[16][0], number)
               for number in range(3)], [0, 0, 0],
              "demo-1G/nobody-maps-el2")


def devices(tap, seen, records):
    """Of VMs 1 and 2, who have devices, some pages are mapped for those; of
    VM 3, who has none, no page is."""
    strips = {vmid: [seen.detail.strip(records.address(place), 2)
                     for place, owner in enumerate(records.owners)
                     if owner == vmid] for vmid in (1, 2, 3)}
    tap.equal([(set(found), 0 < found.count(2) < len(found))
               for found in strips.values()],
              [({0, 2}, True), ({0, 2}, True), ({0}, False)],
              "dma-256M/strips-of-devices")
    # Right of the table of owners: name, blocks, pages.
    banks = {text: line[number + 2] for line in seen.lines()
             for number, text in enumerate(line) if text.startswith("bank ")}
    tap.equal({name.rpartition(", ")[2]: pages for name, pages in
               banks.items() if not name.endswith("host")},
              {f"VM {vmid}": str(strips[vmid].count(2)) for vmid in (1, 2)},
              "dma-256M/legend-has-their-banks")


def as_json(tap, records):
    done = hypsec_map("--json")
    found = json.loads(done.stdout)
    tap.equal({owner: entry["pages"] for owner, entry in
               found["owners"].items()}, records.totals(), "json/owners")
    at, sums = records.address(0), {}
    for entry in found["ranges"]:
        if entry["base"] != at:
            break
        at += entry["bytes"]
        sums[entry["owner"]] = sums.get(entry["owner"], 0) + \
            (entry["bytes"] >> 12)
    tap.equal((at, sums), (records.address(records.count), records.totals()),
              "json/ranges-are-all-of-ram")
    tables = {entry["by"]: entry for entry in found["mappings"]}
    tap.result({"host", "VM 1", "VM 2"} < tables.keys() and
               tables["VM 1"]["pages"] == records.totals()["vm1"],
               "json/tables", tables)
    tap.result(not (WORK / "memory-map.svg").exists(),
               "json/writes-no-picture-unasked")


def png(tap, seen, records):
    """What a viewer of the PNG sees at a page's cell is its owner's colour.
    """
    out = WORK / "memory.png"
    done = hypsec_map("--out", out)
    if not tap.result(done.returncode == 0, "png/written", done.stderr):
        return
    image = picture.Png(out.read_bytes())
    tap.equal(image.size, seen.size, "png/has-the-svg's-size")
    place = records.address(records.count // 2)
    x, y = seen.overview.cell(place)
    # The rows of the overview are told from their surroundings.
    x, y = int(x + seen.overview.cell_width / 2), int(y + 6)
    tap.equal(image.pixel(x, y), seen.fills[key(
        records.owners[records.count // 2])], "png/shows-the-owner")
    tap.equal(image.pixel(2, 2), "#ffffff", "png/on-white")


def bad_output(tap):
    for name, arguments, env, status, words in (
            ("suffix", ["--out", "a.gif"], {}, 2, [".svg or .png"]),
            ("folder", ["--out", "no/where.svg"], {}, 1, ["no folder"]),
            ("not-writable", ["--out", "/proc/a.svg"], {}, 1,
             ["/proc/a.svg"]),
            ("no-rsvg-convert", ["--out", "a.png"], {"PATH": "/nonexistent"},
             1, ["rsvg-convert", "librsvg2-bin", ".svg"]),
            ("unknown-board", ["--board", "nobody"], {}, 1,
             ["nobody", "demo-1G"])):
        done = hypsec_map(*arguments, **env)
        tap.result(done.returncode == status and not done.stdout and
                   all(word in done.stderr for word in words),
                   f"refused/{name}", f"{done.returncode} {done.stderr}")


def goes_on(tap):
    """A board that runs is paused for a moment only, and a picture of it is
    whole though EL2 is always busy."""
    scenario = lasting("demo")
    bundle = WORK / "busy.cpio"
    bundle.write_bytes(scenario.bundle())
    config = board.Config(smp=2, kernel=guests.HOSTVISOR, initrd=bundle,
                          append=" ".join(scenario.host),
                          extra=run_guest.threads(2))
    with started("busy", config) as machine:
        machine.wait_line("all there, round 1", SECONDS)
        done = hypsec_map("--out", "busy.svg")
        tap.result(done.returncode == 0 and "VM " in done.stdout and
                   "warning" not in done.stdout, "busy/no-warning",
                   done.stdout + done.stderr)
        before = rounds(machine)[-1]
        while int(machine.wait_line(ROUND, SECONDS)[1]) <= before:
            pass
        tap.result(True, "busy/and-went-on")
        # Its reply comes behind all events so far.
        machine.qmp("query-status")
        stops, starts = (len(machine.events(name)) for name in
                         ("STOP", "RESUME"))
        # The first start is the board's own.
        tap.result(stops > 0 and starts == stops + 1, "busy/was-paused",
                   f"{stops} stops, {starts} starts")


def interrupted(tap):
    """A map that is ended in the middle of a question to QEMU leaves the
    board running."""
    with started("interrupted", board.Config(kernel=board.PARK, initrd=None)):
        found = running.pick(None)
        for error in (SystemExit, KeyboardInterrupt, RuntimeError):
            seen = None
            try:
                with hypsec_map_module().paused(found) as (qmp, _):
                    seen = qmp.qmp("query-status")["running"]
                    # Asked, and the answer is never read.
                    for _ in range(3):
                        qmp._socket.sendall(b'{"execute": "query-qmp-schema"}')
                    raise error
            except error:
                pass
            with running.connect(found) as qmp:
                tap.equal((seen, qmp.qmp("query-status")["running"]),
                          (False, True), f"interrupted/by-{error.__name__}")


def interfered(tap):
    """Nor do a second interrupt while it lets the board go on, one from a
    terminal that is closed, and another client that waits and never leaves."""
    def twice(module, found):
        connect = module.running.connect
        cont = module.let_go_on

        def disturbed(*arguments):
            signal.raise_signal(signal.SIGINT)
            return connect(*arguments)

        def let_go_on(board_, qmp):
            # The connection that was interrupted cannot be used.
            qmp.close()
            module.running.connect = disturbed
            try:
                cont(board_, qmp)
            finally:
                module.running.connect = connect
        module.let_go_on = let_go_on
        signal.raise_signal(signal.SIGINT)

    def other_client(module, found):
        waiting.connect(str(found.socket))
    for name, disturb, error in (("twice", twice, KeyboardInterrupt),
                                 ("another-client", other_client, None)):
        with started(name, board.Config(kernel=board.PARK, initrd=None)), \
                socket.socket(socket.AF_UNIX) as waiting:
            found, raised = running.pick(None), None
            module = hypsec_map_module()
            try:
                with module.paused(found):
                    disturb(module, found)
            except (KeyboardInterrupt, module.MapError,
                    running.RunningError) as seen:
                raised = seen
            waiting.close()
            with running.connect(found) as qmp:
                tap.equal((raised and type(raised),
                           qmp.qmp("query-status")["running"]),
                          (error, True), f"interfered/{name}")
    with started("closed", board.Config(kernel=board.PARK, initrd=None)):
        found = running.pick(None)
        for number in (signal.SIGHUP, signal.SIGQUIT):
            mapping = subprocess.Popen(
                [sys.executable, "-c", ENDED, MAP.parent, str(int(number))],
                stdin=subprocess.DEVNULL)
            status = mapping.wait(SECONDS)
            with running.connect(found) as qmp:
                tap.equal((status, qmp.qmp("query-status")["running"]),
                          (1, True),
                          f"interfered/{signal.Signals(number).name}")


# A map that gets a signal while the board is paused.
ENDED = """
import importlib.util, os, sys, time
sys.path.insert(0, sys.argv[1])
spec = importlib.util.spec_from_file_location("m", sys.argv[1] + "/map.py")
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
def read(qmp, again):
    assert not qmp.qmp("query-status")["running"]
    os.kill(os.getpid(), int(sys.argv[2]))
    time.sleep(1000)
module.read = read
sys.exit(module.main(["--json"]))
"""


def output(tap):
    """Where nothing can be written: one line that says so."""
    with started("output", board.Config(memory="256M", kernel=board.PARK,
                                        initrd=None)) as machine:
        while machine.qom_get("/machine/inspect", "status") != "ok":
            time.sleep(board.POLL_SECONDS)
        for name, out in (("long", f"{'x' * 300}/map.svg"),
                          ("missing", "nowhere/map.svg")):
            done = hypsec_map("--out", out)
            tap.equal((done.returncode, len(done.stderr.splitlines()),
                       out in done.stderr), (1, 1, True), f"output/{name}")
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                [sys.executable, MAP, "--json"], stdin=subprocess.DEVNULL,
                stdout=full, stderr=subprocess.PIPE, text=True,
                timeout=SECONDS)
        tap.equal((done.returncode, done.stderr),
                  (1, "hypsec map: cannot write: No space left on device\n"),
                  "output/full")


def hypsec_map_module():
    """tools/map.py; its name is also that of a function of Python's."""
    spec = importlib.util.spec_from_file_location("hypsec_map", MAP)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rounds(machine):
    """The rounds that bob has told of."""
    with machine.console.changed:
        lines = list(machine.console.lines)
    return [0, *(int(match[1]) for match in
                 map(re.compile(ROUND).search, lines) if match)]


def spoilt(tap):
    """EL2's page with something else in it: an error, or a warning, soon."""
    with contextlib.closing(Qtest(WORK / "qtest")) as qtest:
        config = board.Config(memory="256M", kernel=board.PARK, initrd=None,
                              extra=qtest.arguments())
        with started("spoilt", config) as machine:
            qtest.accept()
            while machine.qom_get("/machine/inspect", "status") != "ok":
                time.sleep(board.POLL_SECONDS / 4)
            machine.qmp("stop")
            records = Records(machine)
            page = int(machine.qom_get("/machine/inspect", "page-address"))
            odd_owner(tap, qtest, records)
            for name, offset, value, words in (
                    ("magic", 0, 1, ["no inspection page"]),
                    ("records", PAGE_BASE, RAM, ["page_base", "carve-out"]),
                    ("count", PAGE_COUNT, 1 << 27, ["pages"]),
                    ("beyond-ram", PAGE_COUNT, 1 << 20, ["has RAM"])):
                good = qtest.readq(page + offset)
                qtest.writeq(page + offset, value)
                refused_page(tap, name, words)
                qtest.writeq(page + offset, good)
            tap.equal(hypsec_map("--json").returncode, 0,
                      "spoilt/and-whole-again")


def odd_owner(tap, qtest, records):
    """Page 5 has an owner that does not exist, and the host maps one of
    EL2's: both are drawn and said."""
    last = 8 * (records.count - 1)
    qtest.writeq(records.base + 8 * 5, 200)
    qtest.writeq(records.base + last, 0)
    done = hypsec_map("--out", "odd.svg")
    seen = picture.Picture((WORK / "odd.svg").read_text())
    tap.result(done.returncode == 0 and
               "warning: 1 pages have an owner that does not exist" in
               done.stdout and "by the firmware's counter" in done.stdout,
               "spoilt/owner-warned-of", done.stdout + done.stderr)
    tap.equal([section.owners(records.address(5)) & {"unknown", "vm1"}
               for section in sections(seen)], [{"unknown"}] * 2,
              "spoilt/owner-drawn")
    tap.equal(seen.legend()["no such owner"], 1, "spoilt/owner-in-the-legend")
    qtest.writeq(records.base + 8 * 5, 0)
    qtest.writeq(records.base + last, 16)


def refused_page(tap, name, words):
    done = hypsec_map("--out", "spoilt.svg")
    tap.result(done.returncode == 1 and not done.stdout and
               len(done.stderr.splitlines()) == 1 and
               all(word in done.stderr for word in words) and
               not (WORK / "spoilt.svg").exists(), f"spoilt/{name}-refused",
               f"{done.returncode} {done.stdout} {done.stderr}")


def none(tap):
    done = hypsec_map()
    tap.result(done.returncode == 1 and "no board is running" in done.stderr,
               "none/said", done.stderr)


def no_firmware(tap):
    with started("bare", board.Config(bios=None, kernel=board.PARK,
                                      initrd=None)):
        done = hypsec_map()
        tap.result(done.returncode == 1 and "no EL2 firmware" in done.stderr,
                   "bare/board-without-firmware-refused", done.stderr)


def other_sizes(tap):
    with guest("dma", "256M", "all there, round 1") as machine:
        seen, records = compare(tap, "dma-256M", machine)
        devices(tap, seen, records)
    with guest("demo", "64G", "all there, round 1") as machine:
        compare(tap, "demo-64G", machine)


def body(tap):
    try:
        for part in (none, demo, goes_on, interrupted, interfered, output,
                     other_sizes, spoilt, no_firmware):
            part(tap)
    finally:
        FOLDER.cleanup()


if __name__ == "__main__":
    looktest.run(body)
