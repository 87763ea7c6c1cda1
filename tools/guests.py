# SPDX-License-Identifier: GPL-2.0-or-later
"""What `./hypsec run --guest` starts: protected VMs under the hostvisor.

A scenario is VMs and what their host is told; catalogue() lists them by name.
"""
import dataclasses
import pathlib
import re
import struct

import board
import devicetree
import sign
from bundle import Vm, make_bundle

SMALL = board.BUILD / "guest-images/vm"
HOSTVISOR = board.BUILD / "guest-images/hostvisor/hostvisor.bin"
VM_INITRD = board.BUILD / "guest-images/linux/vm-initrd.gz"

MIB = 1 << 20
RAM, DTB, INITRD = 0x40000000, 0x47e00000, 0x48000000
LINUX_MIN_BYTES = 192 * MIB
IMAGE_MAGIC, IMAGE_MAGIC_OFFSET = b"ARM\x64", 56
# What a small guest's context is: it says so in hello's line.
SMALL_CONTEXT = 0x1234567890

# The last words of a VM, and of the host.
VERDICT = r"HYPSEC-VM-(OK|FAIL) (.*)"
HOST_DONE = r"HYPSEC-HOST: all VMs done, status (\d+)"


class GuestError(Exception):
    """What the user gets to read."""


@dataclasses.dataclass
class Options:
    """What a user may choose; None: as the scenario likes it.

    cpus: of the board
    """
    cpus: int = 2
    vcpus: int | None = None
    memory: str | None = None
    gic: int = 2
    key: pathlib.Path = sign.DEMO_KEY
    append: str = ""
    shell: bool = False
    kernel: pathlib.Path = board.KERNEL
    initrd: pathlib.Path = VM_INITRD


@dataclasses.dataclass
class Scenario:
    """VMs, what stands on the host's command line, and what the machine has
    beside the usual."""
    vms: list
    host: list
    machine: str = ""

    def bundle(self):
        return make_bundle(self.vms)


def size(text):
    """Bytes of "256M" and the like."""
    match = re.fullmatch(r"(\d+)([KMG]?)", text)
    if not match:
        raise GuestError(f"{text!r} is no size; 64M and 1G are")
    return int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[match[2]]


def small(options, program, vcpus=1, memory="32M", argument=0, name=None,
          **config):
    """A VM that runs one of guest-images/vm."""
    path = SMALL / f"{program}.bin"
    board.check_built(path)
    return Vm(name or program, [(RAM, path.read_bytes())], entry=RAM,
              context=SMALL_CONTEXT, vcpus=options.vcpus or vcpus,
              key=options.key, symbols=SMALL / f"vm-{program}.elf",
              config={"memory": size(options.memory or memory), "report": 1,
                      "arg0": argument, **config})


def kernel_size(path, data):
    """Bytes of RAM that an arm64 Image takes, zeroed memory included."""
    if data[IMAGE_MAGIC_OFFSET:].startswith(IMAGE_MAGIC):
        text_offset, image_size = struct.unpack_from("<QQ", data, 8)
        if text_offset == 0:
            return max(image_size, len(data))
    raise GuestError(f"--kernel {path}: a VM starts a plain arm64 Image with "
                     "a text_offset of 0, nothing else")


def linux(options, vcpus=2, memory="256M", bootargs="", seed=None,
          **config):
    """A VM that runs Linux."""
    board.check_built(options.kernel, options.initrd)
    # A vCPU that waits for a lock has its CPU for a whole slice: Linux had
    # better not have more of them than there are CPUs.
    vcpus = options.vcpus or min(vcpus, options.cpus)
    memory = size(options.memory or memory)
    kernel, initrd = options.kernel.read_bytes(), options.initrd.read_bytes()
    if memory < LINUX_MIN_BYTES:
        raise GuestError(f"Linux as a VM takes {LINUX_MIN_BYTES // MIB}M or "
                         "more")
    if RAM + kernel_size(options.kernel, kernel) > DTB or \
       INITRD + len(initrd) > RAM + memory:
        raise GuestError("kernel or initramfs are too large for the VM")
    args = " ".join(filter(None, ("console=ttyAMA0", bootargs,
                                  options.append)))
    tree = devicetree.vm(memory, vcpus, options.gic, args,
                         (INITRD, INITRD + len(initrd)), seed=seed)
    return Vm("linux", [(RAM, kernel), (DTB, tree), (INITRD, initrd)],
              entry=RAM, context=DTB, vcpus=vcpus, key=options.key,
              config={"memory": memory, **config})


def one(program, **settings):
    def make(options):
        return Scenario([small(options, program, **settings)],
                        ["hypsec.attack=1"])
    return make


def demo(options):
    return Scenario([small(options, "secret", vcpus=2, argument=2,
                           name="alice"),
                     small(options, "walker", memory="64M", name="bob")],
                    ["hypsec.attack=1", "hypsec.verbose=1"])


def all_small(options):
    return Scenario([small(options, "hello"),
                     small(options, "smp", vcpus=4),
                     small(options, "timer", vcpus=2),
                     small(options, "fpsimd", vcpus=2),
                     small(options, "walker", memory="64M"),
                     small(options, "ring"),
                     small(options, "secret", vcpus=2, argument=1)],
                    ["hypsec.attack=1"])


def dma(options):
    """Two channels for one VM, another one for a second VM, the rest is the
    host's, who attacks with it; a VM without any beside them."""
    return Scenario([small(options, "dma", dma=0x3, name="two-channels"),
                     small(options, "dma", dma=0x80, name="one-channel",
                           **{"dma-at": RAM + 24 * MIB}),
                     small(options, "secret", argument=1)],
                    ["hypsec.attack=1"], machine=",dma=on")


def linux_vm(options):
    if options.shell:
        return Scenario([linux(options, input=1, bootargs="quiet "
                               "hypsec.mode=shell")], ["hypsec.raw=1"])
    return Scenario([linux(options, bootargs="quiet", report=1)],
                    ["hypsec.attack=1"])


# NAME -> (what it shows, how it is made)
CATALOGUE = {
    "demo": ("two VMs and the host side by side, which tries to look into "
             "them", demo),
    "linux-vm": ("Debian's kernel as a VM with 2 vCPUs", linux_vm),
    "hello": ("one line", one("hello")),
    "smp": ("4 vCPUs switched on and off, inter-processor interrupts",
            one("smp", vcpus=4)),
    "timer": ("interrupts of the virtual timer on 2 vCPUs",
              one("timer", vcpus=2)),
    "fpsimd": ("FP/SIMD registers that keep their values, 2 vCPUs",
               one("fpsimd", vcpus=2)),
    "walker": ("all of its memory written and read", one("walker",
                                                         memory="64M")),
    "ring": ("a page shared with the host, which echoes", one("ring")),
    "secret": ("memory and registers full of secrets", one("secret",
                                                           vcpus=2)),
    "dma": ("VMs with devices that do DMA, and a host with another one", dma),
    "all": ("all of the small ones without devices at once", all_small),
}


def scenario(name, options):
    """Scenario NAME. Raises GuestError, BoardError or SignError."""
    return CATALOGUE[name][1](options)
