# SPDX-License-Identifier: GPL-2.0-or-later
"""`./hypsec bench switch`: what a round trip VM, EL2, host, EL2, VM costs.

The guest `bench` makes round trips of each kind under the hostvisor; the
observer of exception levels logs every change with the count of instructions.
What lies between the VM's exception and the ERET to the host is EL2's save,
from there to the host's last call its part, from there to the ERET to the VM
EL2's restore. Figures are medians of all round trips of a kind.
"""
import dataclasses
import pathlib
import statistics
import tempfile

import board
import el2_profile
import ellog
import guests
from parked import PINNED

CPU = "cortex-a57"
MEMORY = "512M"
RUN_SECONDS = 300
LOG_LIMIT = "256M"

# The firmware's symbol of the vector table while a VM runs.
VM_VECTORS = "vm_vectors"
MARK, MARK_MASK = 0xc6be0000, 0xffffff00
RAM = 0x40000000
GICD_IIDR, GICD_SGIR = 0x08000008, 0x08000f00
PSCI_VERSION = 0x84000000
MAX_HYPERCALL = 600
# What it may cost today, so that a test sees it grow.
HYPERCALL_TODAY = 805
# Of linux 6.1 on the same CPU and GIC, see docs/guests.rst.
KVM = {"hypercall": (844, 1443), "mmio-read": (898, None)}


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of round trip: how the log shows it."""
    name: str
    title: str
    cause: str
    value: object


KINDS = (
    Kind("hypercall", "hypercall", "HVC", lambda x: x == PSCI_VERSION),
    Kind("mmio-read", "MMIO read", "DABT", lambda x: x == GICD_IIDR),
    Kind("irq", "IRQ exit", "IRQ", lambda x: True),
    Kind("stage2-fault", "stage-2 fault, 4 KiB", "DABT", lambda x: x >= RAM),
    Kind("virtual-ipi", "virtual IPI", "DABT", lambda x: x == GICD_SGIR),
    Kind("fp-hypercall", "FP use and hypercall", "HVC",
         lambda x: x == PSCI_VERSION),
)
# What of a round trip is counted, in instructions.
PARTS = ("save", "host", "host-el2", "restore", "alone", "vm")


@dataclasses.dataclass
class Trip:
    """One round trip: its cause, and instructions of each part.

    host-el2 is what EL2 did for the host in between (faults of its own, other
    hypercalls), vm what the VM executed since the host last entered it, alone
    what EL2 answered by itself meanwhile.
    """
    cause: str
    value: int
    save: int = 0
    host: int = 0
    host_el2: int = 0
    restore: int = 0
    alone: int = 0
    vm: int = 0
    stays: int = 0

    def part(self, name):
        return getattr(self, name.replace("-", "_"))


class Trips:
    """Round trips, out of the records of a log of one CPU."""

    def __init__(self, log):
        self.log = log
        self.by_kind = {kind.name: [] for kind in KINDS}
        # Exits that EL2 answered without the host, and since the last other
        # one what they cost and what the VM executed before them.
        self.alone = 0
        self.alone_spent = self.vm_spent = 0
        self.phase = None
        self.trip = None
        self.last_el2 = 0
        self.vm_entered = None
        self.world = None
        self.since = 0
        for record in log.records():
            self._change(record)

    def _change(self, record):
        spent = record.instructions - self.since
        cause = self.log.causes[record.cause]
        if self.world == ellog.WORLD_VM and record.new == 2:
            self.trip = Trip(cause, record.value, alone=self.alone_spent,
                             vm=self.vm_spent + record.instructions -
                             self.vm_entered)
            if cause == "HVC" and record.value & MARK_MASK == MARK:
                self.phase = record.value - MARK
        elif self.trip:
            self._add(spent, record)
        if record.world == ellog.WORLD_VM and self.world != ellog.WORLD_VM:
            self._finish()
            self.vm_entered = record.instructions
        self.world = record.world
        self.since = record.instructions

    def _add(self, spent, record):
        """SPENT instructions of self.world belong to the open round trip."""
        trip = self.trip
        if self.world == ellog.WORLD_HOST:
            trip.host += spent
        elif record.world == ellog.WORLD_VM:
            trip.restore = spent
        elif self.world == ellog.WORLD_EL2 and trip.stays == 0:
            trip.save = spent
        else:
            trip.host_el2 += spent
        trip.stays += self.world == ellog.WORLD_EL2

    def _finish(self):
        trip, self.trip = self.trip, None
        if trip is None or self.phase is None or \
           not self.phase < len(KINDS):
            return
        if trip.stays < 2:
            self.alone += 1
            self.alone_spent += trip.restore
            self.vm_spent = trip.vm
            return
        self.alone_spent = self.vm_spent = 0
        kind = KINDS[self.phase]
        if trip.cause == kind.cause and kind.value(trip.value):
            self.by_kind[kind.name].append(trip)


def figures_of(trips):
    """Medians of each part, of all trips of a kind."""
    figures = {part: round(statistics.median(trip.part(part)
                                             for trip in trips))
               for part in PARTS}
    figures["el2"] = round(statistics.median(
        trip.save + trip.restore + trip.alone for trip in trips))
    figures["count"] = len(trips)
    return figures


def configuration(folder, *extra):
    """The board with the guest, whose bundle goes into FOLDER."""
    # In pages, so that there are enough faults.
    vm = guests.small(guests.Options(), "bench", pages="page")
    bundle = folder / "bundle.cpio"
    bundle.write_bytes(guests.Scenario([vm], []).bundle())
    return board.Config(cpu=CPU, memory=MEMORY, kernel=guests.HOSTVISOR,
                        initrd=bundle, extra=extra)


def measure():
    """The figures of each kind."""
    with tempfile.TemporaryDirectory(prefix="hypsec-") as folder:
        folder = pathlib.Path(folder)
        log = folder / "el.log"
        config = configuration(
            folder, *PINNED, "-device",
            f"hypsec-el-observer,id=obs,log={board.escape(log)},"
            f"log-limit={LOG_LIMIT}")
        with board.Board(config, typing=False) as machine:
            machine.wait_exit(RUN_SECONDS)
            text = machine.log.read_text(errors="replace")
            if "HYPSEC-VM-OK bench" not in text:
                raise machine.error("the guest has not finished")
        with ellog.Log(log) as read:
            if read.dropped:
                raise board.BoardError(f"{read.dropped} changes of level had "
                                       "no room in the log")
            trips = Trips(read)
    for kind in KINDS:
        if not trips.by_kind[kind.name]:
            raise board.BoardError(f"the log has no round trip of the kind "
                                   f"{kind.name}")
    return {kind.name: figures_of(trips.by_kind[kind.name])
            for kind in KINDS}


def breakdown(figures):
    """What EL2 does in a hypercall round trip, by function."""
    with tempfile.TemporaryDirectory(prefix="hypsec-") as folder:
        folder = pathlib.Path(folder)
        return el2_profile.profile(configuration(folder), folder, VM_VECTORS,
                                   figures["hypercall"]["el2"])


def print_breakdown(functions):
    print("EL2's instructions in a hypercall round trip, by function:")
    for name, count in functions:
        print(f"{count:8} {name}")


def report(figures):
    """Print it all; whether the aim is met."""
    print(f"switch: instructions per round trip ({CPU}, GICv2, 1 CPU), "
          "medians")
    print(f"{'':22}{'EL2 save':>10}{'host':>8}{'restore':>9}{'alone':>7}"
          f"{'EL2':>7}{'host EL2':>10}{'in the VM':>11}{'trips':>7}")
    for kind in KINDS:
        row = figures[kind.name]
        print(f"{kind.title:22}{row['save']:10,}{row['host']:8,}"
              f"{row['restore']:9,}{row['alone']:7,}{row['el2']:7,}"
              f"{row['host-el2']:10,}"
              f"{row['vm']:11,}{row['count']:7}")
    el2 = figures["hypercall"]["el2"]
    met = el2 <= MAX_HYPERCALL
    print(f"aim: EL2 per hypercall round trip: {el2} of at most "
          f"{MAX_HYPERCALL}: {'met' if met else 'MISSED'}")
    return met


def check_built():
    board.check_built(board.QEMU, board.FIRMWARE, guests.HOSTVISOR)


def bench_switch(check):
    """Measure, print and judge; the figures and whether all is well."""
    check_built()
    figures = measure()
    good = report(figures)
    figures["hypercall-functions"] = dict(breakdown(figures))
    print_breakdown(figures["hypercall-functions"].items())
    if check:
        again = {**measure(), "hypercall-functions": dict(breakdown(figures))}
        same = again == figures
        if not same:
            print(f"check: {figures} in one run, {again} in the other")
        good = good and same
        print(f"check: {'passed' if good else 'FAILED'}")
    return figures, good
