# SPDX-License-Identifier: GPL-2.0-or-later
"""`./hypsec bench linux-vm`: Linux as a VM against Linux on the bare board.

The same kernel, initramfs and command line: as a protected VM with one vCPU
and 256 MiB in 2 MiB blocks, and on the board with bare-el1 in place of the
corevisor. Counted are instructions of everybody from the kernel's first one to
its SYSTEM_OFF; apart from that, what it costs to load and verify the VM.
"""
import pathlib
import tempfile

import board
import devicetree
import ellog
import guests
from parked import PINNED

CPU = "cortex-a57"
MIB = 1 << 20
# The VM's memory; the board has more, and "mem=" makes that equal.
VM_MEMORY, BOARD_MEMORY = 256, 512
RUN_SECONDS = 600
LOG_LIMIT = "1G"
MAX_RATIO = 1.02
BOOTARGS = f"quiet nokaslr mem={VM_MEMORY}M hypsec.mode=bench"
# No source of randomness makes the kernel's generator slow.
SEED = bytes(range(64))

SYSTEM_OFF = 0x84000008
REMAP_VM_IMAGE, VERIFY_VM_IMAGES = 11, 12
REGISTER_KVM = 13
OBSERVER = "/machine/peripheral/obs"


def observer(log=None):
    text = "hypsec-el-observer,id=obs"
    if log:
        text += f",log={board.escape(log)},log-limit={LOG_LIMIT}"
    return ("-device", text)


class VmBoot:
    """One boot of the VM, out of a log of one CPU."""

    def __init__(self, log):
        self.worlds = dict.fromkeys(("vm", "el2", "host"), 0)
        self.exits = {}
        # Instructions at EL2 of the host's calls while it loads, by number.
        self.calls = {}
        self.host_loading = 0
        self.loading = False
        self.first = self.last = None
        before = None
        for record in log.records():
            if self.last is None:
                self._change(log, before, record)
            before = record
        if self.first is None or self.last is None:
            raise board.BoardError("the log has no VM from its first "
                                   "instruction to SYSTEM_OFF")

    def _change(self, log, before, record):
        cause = log.causes[record.cause]
        if before:
            self._spent(before, record.instructions - before.instructions)
        if record.world == ellog.WORLD_VM and self.first is None:
            self.first = record.instructions
        if cause == "HVC":
            if before.world == ellog.WORLD_HOST and \
               record.value == REGISTER_KVM:
                self.loading = True
            if before.world == ellog.WORLD_VM and record.value == SYSTEM_OFF:
                self.last = record.instructions
        if before and before.world == ellog.WORLD_VM and record.new == 2:
            self.exits[cause] = self.exits.get(cause, 0) + 1

    def _spent(self, before, instructions):
        """What was executed since the change BEFORE."""
        if self.first is not None:
            name = {ellog.WORLD_VM: "vm", ellog.WORLD_EL2: "el2"}.get(
                before.world, "host")
            self.worlds[name] += instructions
        elif self.loading and before.world == ellog.WORLD_HOST:
            self.host_loading += instructions
        elif self.loading and before.world == ellog.WORLD_EL2:
            self.calls[before.value] = \
                self.calls.get(before.value, 0) + instructions


def measure_vm():
    """The figures of the VM."""
    vm = guests.linux(guests.Options(), vcpus=1, memory=f"{VM_MEMORY}M",
                      bootargs=BOOTARGS, seed=SEED, pages="block")
    loaded = sum(len(data) for _, data in vm.images)
    with tempfile.TemporaryDirectory(prefix="hypsec-") as folder:
        folder = pathlib.Path(folder)
        bundle = folder / "bundle.cpio"
        bundle.write_bytes(guests.Scenario([vm], []).bundle())
        log = folder / "el.log"
        config = board.Config(
            cpu=CPU, memory=f"{BOARD_MEMORY}M", kernel=guests.HOSTVISOR,
            initrd=bundle, extra=(*PINNED, *observer(log)))
        with board.Board(config, typing=False) as machine:
            machine.wait_exit(RUN_SECONDS)
            if "HYPSEC-VM-OK linux" not in \
               machine.log.read_text(errors="replace"):
                raise machine.error("Linux has not come up in the VM")
        with ellog.Log(log) as read:
            if read.dropped:
                raise board.BoardError(f"{read.dropped} changes of level had "
                                       "no room in the log")
            boot = VmBoot(read)
    return {
        "instructions": boot.last - boot.first,
        **boot.worlds,
        "exits": boot.exits,
        "image-bytes": loaded,
        "copy-per-byte": boot.host_loading / loaded,
        "remap-per-byte": boot.calls.get(REMAP_VM_IMAGE, 0) / loaded,
        "verify-per-byte": boot.calls.get(VERIFY_VM_IMAGES, 0) / loaded,
    }


def measure_bare():
    """Instructions of the same on the bare board."""
    tree = devicetree.vm(VM_MEMORY * MIB, 1, 2, "", psci_method="smc",
                         host_device=False, seed=SEED)
    with tempfile.TemporaryDirectory(prefix="hypsec-") as folder:
        dtb = pathlib.Path(folder) / "bare.dtb"
        dtb.write_bytes(tree)
        config = board.Config(
            cpu=CPU, memory=f"{BOARD_MEMORY}M", bios=board.BARE_EL1,
            initrd=guests.VM_INITRD, append=BOOTARGS,
            extra=(*PINNED, *observer(), "-dtb", str(dtb),
                   "-no-shutdown"))
        with board.Board(config, typing=False) as machine:
            machine.wait_event("SHUTDOWN", RUN_SECONDS)
            if "HYPSEC-VM-OK linux" not in \
               machine.log.read_text(errors="replace"):
                raise machine.error("Linux has not come up")
            return {"instructions": sum(
                machine.qom_get(OBSERVER, f"{level}-instructions")
                for level in ("el0", "el1"))}


def measure():
    vm, bare = measure_vm(), measure_bare()
    return {"vm": vm, "bare": bare,
            "ratio": vm["instructions"] / bare["instructions"]}


def report(figures):
    """Print it all; whether the aim is met."""
    vm, bare, ratio = figures["vm"], figures["bare"], figures["ratio"]
    print(f"linux-vm: instructions from the kernel's first to SYSTEM_OFF "
          f"({CPU}, 1 CPU, {VM_MEMORY} MiB)")
    print(f"{'':10}{'total':>15}{'in the VM':>15}{'EL2':>13}{'host':>13}")
    print(f"{'VM':10}{vm['instructions']:15,}{vm['vm']:15,}{vm['el2']:13,}"
          f"{vm['host']:13,}")
    print(f"{'bare-el1':10}{bare['instructions']:15,}")
    print("exits of the VM: " + ", ".join(
        f"{cause} {count:,}" for cause, count in sorted(vm["exits"].items())))
    print(f"loading {vm['image-bytes']:,} bytes, instructions per byte: "
          f"copy by the host {vm['copy-per-byte']:.1f}, taken from the host "
          f"by EL2 {vm['remap-per-byte']:.1f}, hashed and verified by EL2 "
          f"{vm['verify-per-byte']:.1f}")
    met = ratio <= MAX_RATIO
    print(f"aim: ratio to bare-el1: {ratio:.4f} of at most {MAX_RATIO}: "
          f"{'met' if met else 'MISSED'}")
    return met


def check_built():
    board.check_built(board.QEMU, board.FIRMWARE, board.BARE_EL1,
                      board.KERNEL, guests.HOSTVISOR, guests.VM_INITRD)


def bench_linux_vm(check):
    """Measure, print and judge; the figures and whether all is well."""
    check_built()
    figures = measure()
    good = report(figures)
    if check:
        again = measure()
        same = again == figures
        if not same:
            print(f"check: {figures} in one run, {again} in the other")
        good = good and same
        print(f"check: {'passed' if good else 'FAILED'}")
    return figures, good
