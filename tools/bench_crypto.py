# SPDX-License-Identifier: GPL-2.0-or-later
"""`./hypsec bench crypto`: what signatures, hashes and sealing cost at EL2.

A VM is verified, saved and restored by hypercalls that the injector makes
against the real firmware, and counts, EL2's entry and return included. The
manifest and the ciphertext are real.
"""
import dataclasses
import random

import board
import sign
from bench_memory import AGAIN, BLOCK, PAGE, REGISTER_KVM, Host, mean
from bench_memory import REMAP_VM_IMAGE, SET_BOOT_INFO
from parked import HVC, HVC_ESR, event

VERIFY, REGISTER_VCPU, GET_INFO, SET_MANIFEST = 12, 14, 30, 31
BOOT_FROM_SAVED, ENCRYPT, DECRYPT, SAVE_VCPU, LOAD_VCPU = 19, 20, 21, 22, 29
SEAL = 34
SHARED_BASE = 1
VCPUS_PER_VM = 8

VM_IPA = 0x40000000
IMAGE_PAGES = 64
CALL_BYTES = 64 << 10
TAG_BYTES, SEAL_BYTES = 64, 184


@dataclasses.dataclass(frozen=True)
class Item:
    """A line of the report: a figure by NAME, at most LIMIT."""
    name: str
    title: str
    limit: float


ITEMS = (
    Item("set-manifest", "SET_MANIFEST, an Ed25519 signature", 1_500_000),
    Item("verify-byte", "VERIFY_VM_IMAGES, per byte", 15),
    Item("verify-call", "  longest call", 1_000_000),
    Item("encrypt-byte", "ENCRYPT_BUF, per byte", 40),
    Item("encrypt-page", "  per page", 160_000),
    Item("save-vcpu", "SAVE_CRYPT_VCPU", 100_000),
    Item("seal", "SEAL_VM", 30_000),
    Item("boot-from-saved", "BOOT_FROM_SAVED_VM", 80_000),
    Item("decrypt-byte", "DECRYPT_BUF, per byte", 40),
    Item("decrypt-page", "  per page", 160_000),
    Item("load-vcpu", "LOAD_CRYPT_VCPU", 100_000),
)


class Owner(Host):
    """A host whose VM has an owner."""

    def __init__(self):
        super().__init__(1)
        self.image = random.Random(1).randbytes(IMAGE_PAGES * PAGE)

    def call(self, *call):
        """Instructions of a hypercall that succeeds."""
        return self.hvcs([call])[0][1]

    def steps(self, *call):
        """Instructions of each part of a hypercall that says AGAIN."""
        costs = []
        while True:
            (x0, instructions), = self.events([event(HVC, HVC_ESR, x=call)])
            costs.append(instructions)
            if x0 == 0:
                return costs
            if x0 != AGAIN:
                raise self.board.error(f"hypercall {call} returned {x0}")

    def new_vm(self):
        vmid = self.hvcs([(REGISTER_KVM,)])[0][0]
        self.call(REGISTER_VCPU, vmid, 0)
        return vmid

    def vcpu(self, vmid):
        """Where a VM's first vCPU is in the shared window."""
        base = self.hvcs([(GET_INFO, SHARED_BASE)])[0][0]
        return base + vmid * VCPUS_PER_VM * PAGE


def make_vm(machine):
    """A verified VM: its id, its pages, what that cost."""
    start, place = machine.fresh(BLOCK), machine.fresh(BLOCK)
    pages = [start + n * PAGE for n in range(IMAGE_PAGES)]
    manifest = sign.make_manifest([(VM_IPA, machine.image)], VM_IPA)
    machine.qtest.write(start, machine.image)
    machine.qtest.write(place, manifest)
    vmid = machine.new_vm()
    machine.hvcs([(SET_BOOT_INFO, vmid, VM_IPA, len(machine.image))])
    machine.hvcs([(REMAP_VM_IMAGE, vmid, page // PAGE, 0) for page in pages])
    cost = machine.call(SET_MANIFEST, vmid, place, len(manifest))
    calls = machine.steps(VERIFY, vmid)
    return vmid, pages, {
        "set-manifest": cost,
        "verify-byte": sum(calls) / len(machine.image),
        "verify-call": max(calls)}


def save(machine, vmid, pages):
    """What the host keeps of a VM, and what that cost."""
    out = machine.fresh(BLOCK)
    tag = out + PAGE
    kept, costs = [], []
    for page in pages:
        costs.append(machine.call(ENCRYPT, vmid, page, out, tag))
        kept.append((machine.qtest.read(out, PAGE),
                     machine.qtest.read(tag, TAG_BYTES)))
    vcpu_cost = machine.call(SAVE_VCPU, vmid, 0)
    vcpu = machine.qtest.read(machine.vcpu(vmid), PAGE)
    seal_cost = machine.call(SEAL, vmid, tag)
    seal = machine.qtest.read(tag, SEAL_BYTES)
    machine.destroy(vmid)
    return (kept, vcpu, seal), {
        "encrypt-page": mean(costs), "encrypt-byte": mean(costs) / PAGE,
        "save-vcpu": vcpu_cost, "seal": seal_cost}


def restore(machine, saved):
    """Have the VM again; what that cost."""
    kept, vcpu, seal = saved
    start, tag = machine.fresh(BLOCK), machine.fresh(BLOCK)
    vmid = machine.new_vm()
    machine.qtest.write(tag, seal)
    begin_cost = machine.call(BOOT_FROM_SAVED, vmid, tag)
    costs = []
    for n, (cipher, description) in enumerate(kept):
        machine.qtest.write(start + n * PAGE, cipher)
        machine.qtest.write(tag, description)
        costs.append(machine.call(DECRYPT, vmid, start + n * PAGE, tag))
    machine.qtest.write(machine.vcpu(vmid), vcpu)
    vcpu_cost = machine.call(LOAD_VCPU, vmid, 0)
    machine.steps(VERIFY, vmid)
    if machine.qtest.read(start, len(machine.image)) != machine.image:
        raise machine.board.error("the restored VM is another one")
    return {"boot-from-saved": begin_cost, "decrypt-page": mean(costs),
            "decrypt-byte": mean(costs) / PAGE, "load-vcpu": vcpu_cost}


def measure():
    with Owner() as machine:
        vmid, pages, figures = make_vm(machine)
        saved, costs = save(machine, vmid, pages)
        return figures | costs | restore(machine, saved)


def bench_crypto(check):
    """Measure, print and judge; the figures and whether all is well."""
    board.check_built(board.QEMU, board.FIRMWARE, board.PARK)
    figures = measure()
    good = True
    print("crypto: instructions at EL2 (cortex-a72, 1 CPU)" +
          " " * 14 + "at most")
    for item in ITEMS:
        value = figures[item.name]
        met = value <= item.limit
        good = good and met
        print(f"{item.title:40}{value:11,.1f}{item.limit:17,}  "
              f"{'met' if met else 'MISSED'}")
    if check:
        if measure() != figures:
            good = False
            print("check: another run gave other figures")
        print(f"check: {'passed' if good else 'FAILED'}")
    return figures, good
