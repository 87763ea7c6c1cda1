#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Self-tests of the tools behind ./hypsec run --guest and bench switch; TAP on
stdout. Bundles, device trees and logs are taken apart here by their formats.
"""
import os
import re
import struct
import subprocess
import sys
from pathlib import Path

ROOT = Path(os.environ.get('HYPSEC_ROOT',
                           Path(__file__).resolve().parents[2]))
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / 'tools'))
import bench_switch  # noqa: E402
import bundle  # noqa: E402
import devicetree  # noqa: E402
import ellog  # noqa: E402
import guests  # noqa: E402
import taptest  # noqa: E402

CAUSES = ['ERET', 'HVC', 'DABT', 'IRQ']
HOST, VM, EL2 = ellog.WORLD_HOST, ellog.WORLD_VM, ellog.WORLD_EL2


def run(*arguments):
    return subprocess.run(
        [sys.executable, ROOT / 'tools/run.py', *arguments], text=True,
        stdin=subprocess.DEVNULL, capture_output=True, check=False)


# --- Bundles ---------------------------------------------------------------

def unpack(data):
    """NAME -> content of a newc archive."""
    files, place = {}, 0
    while True:
        assert data[place:place + 6] == b'070701', place
        fields = [int(data[place + n:place + n + 8], 16)
                  for n in range(6, 110, 8)]
        size, name_size = fields[6], fields[11]
        name = data[place + 110:place + 110 + name_size - 1].decode()
        place += (110 + name_size + 3) // 4 * 4
        if name == 'TRAILER!!!':
            return files
        assert name not in files, name
        files[name] = data[place:place + size]
        place += (size + 3) // 4 * 4


def two_vms(**settings):
    return [bundle.Vm('one', [(0x40000000, b'1' * 5000)], 0x40000000,
                      **settings),
            bundle.Vm('two', [(0x40000000, b'2' * 100),
                              (0x48000000, b'3' * 4096)], 0x40000000,
                      context=7, vcpus=3, config={'memory': '64M', 'arg0': 5})]


def test_bundle_holds_manifests_images_and_configs():
    files = unpack(bundle.make_bundle(two_vms()))
    assert sorted(files) == [
        'vms/1-one/config', 'vms/1-one/image0', 'vms/1-one/manifest',
        'vms/2-two/config', 'vms/2-two/image0', 'vms/2-two/image1',
        'vms/2-two/manifest'], sorted(files)
    assert files['vms/2-two/config'] == b'memory=64M\narg0=5\n'
    assert files['vms/2-two/image1'] == b'3' * 4096
    manifest = files['vms/2-two/manifest']
    magic, version, images, vcpus, _, entry, context = \
        struct.unpack_from('<8sIIIIQQ', manifest)
    assert (magic, version, images, vcpus, entry, context) == \
        (b'HPSECMF1', 1, 2, 3, 0x40000000, 7)
    assert len(manifest) == 40 + 2 * 48 + 64


def test_same_vms_make_the_same_bundle():
    assert bundle.make_bundle(two_vms()) == bundle.make_bundle(two_vms())


def test_tampered_image_keeps_its_manifest():
    good = unpack(bundle.make_bundle(two_vms()))
    bad = unpack(bundle.make_bundle(two_vms(tamper={0: b'evil'})))
    assert bad.pop('vms/1-one/image0') == b'evil'
    good.pop('vms/1-one/image0')
    assert good == bad


def test_names_suit_the_host():
    for name in guests.CATALOGUE:
        assert re.fullmatch(r'[a-z0-9-]{1,15}', name), name


# --- Device trees ----------------------------------------------------------

def parse(data):
    """The nested dictionaries of a flattened device tree."""
    fields = struct.unpack_from('>10I', data)
    assert fields[0] == 0xd00dfeed and fields[1] == len(data)
    place, strings = fields[2], fields[3]
    stack, root = [], None
    while True:
        token, = struct.unpack_from('>I', data, place)
        place += 4
        if token == 1:
            end = data.index(b'\0', place)
            node = {}
            if stack:
                stack[-1][data[place:end].decode()] = node
            stack.append(node)
            root = root if root is not None else node
            place = (end + 4) // 4 * 4
        elif token == 2:
            stack.pop()
        elif token == 3:
            size, name = struct.unpack_from('>2I', data, place)
            end = data.index(b'\0', strings + name)
            stack[-1][data[strings + name:end].decode()] = \
                data[place + 8:place + 8 + size]
            place += (8 + size + 3) // 4 * 4
        else:
            assert token == 9 and not stack, token
            return root


def test_device_tree_says_what_the_vm_has():
    tree = parse(devicetree.vm(256 << 20, 2, 2, 'quiet',
                               (0x48000000, 0x48000123)))
    assert tree['memory@40000000']['reg'] == \
        struct.pack('>2Q', 0x40000000, 256 << 20)
    assert set(tree['cpus']) == {'#address-cells', '#size-cells', 'cpu@0',
                                 'cpu@1'}
    assert tree['psci']['method'] == b'hvc\0'
    assert tree['timer']['interrupt-names'] == b'virt\0'
    assert tree['timer']['interrupts'] == struct.pack('>3I', 1, 11, 0x304)
    assert tree['chosen']['linux,initrd-end'] == struct.pack('>Q', 0x48000123)
    assert tree['chosen']['bootargs'] == b'quiet\0'
    assert tree['intc@8000000']['compatible'] == b'arm,cortex-a15-gic\0'


def test_device_tree_with_gicv3_has_redistributors():
    tree = parse(devicetree.vm(1 << 30, 4, 3, ''))
    assert tree['intc@8000000']['reg'] == struct.pack(
        '>4Q', 0x08000000, 0x10000, 0x080a0000, 4 * 0x20000)
    assert 'linux,initrd-start' not in tree['chosen']


# --- Round trips -----------------------------------------------------------

class Log:
    """A log of one CPU, of steps (world, level, instructions spent there,
    cause of leaving, value)."""

    causes = CAUSES

    def __init__(self, *steps):
        self.steps = steps

    def records(self):
        now, before = 0, (EL2, 2, 0, 'ERET', 0)
        for step in self.steps:
            yield ellog.Record(now, now, before[4], 0, 0, 0, before[1],
                               step[1], CAUSES.index(before[3]), step[0],
                               1 if step[0] == VM else 0, 0)
            now += step[2]
            before = step


def in_phase(number, *steps):
    return Log((VM, 1, 5, 'HVC', bench_switch.MARK + number),
               (EL2, 2, 10, 'ERET', 0), (HOST, 1, 10, 'HVC', 8),
               (EL2, 2, 10, 'ERET', 0), *steps, (VM, 1, 1, 'ERET', 0))


CALL = bench_switch.PSCI_VERSION


def test_a_trip_is_split_into_its_parts():
    trips = bench_switch.Trips(in_phase(
        0, (VM, 1, 12, 'HVC', CALL), (EL2, 2, 200, 'ERET', 0),
        (HOST, 1, 300, 'HVC', 8), (EL2, 2, 250, 'ERET', 0)))
    trip, = trips.by_kind['hypercall']
    assert (trip.vm, trip.save, trip.host, trip.host_el2, trip.restore) == \
        (12, 200, 300, 0, 250), trip


def test_what_el2_does_for_the_host_is_apart():
    trips = bench_switch.Trips(in_phase(
        0, (VM, 1, 12, 'HVC', CALL), (EL2, 2, 200, 'ERET', 0),
        (HOST, 1, 100, 'DABT', 0), (EL2, 2, 77, 'ERET', 0),
        (HOST, 1, 30, 'HVC', 8), (EL2, 2, 250, 'ERET', 0)))
    trip, = trips.by_kind['hypercall']
    assert (trip.save, trip.host, trip.host_el2, trip.restore) == \
        (200, 130, 77, 250), trip


def test_other_exits_are_not_of_the_kind():
    trips = bench_switch.Trips(in_phase(
        0, (VM, 1, 12, 'IRQ', 0), (EL2, 2, 200, 'ERET', 0),
        (HOST, 1, 300, 'HVC', 8), (EL2, 2, 250, 'ERET', 0)))
    assert not any(trips.by_kind.values())


def test_exits_that_el2_answers_are_counted_apart():
    trips = bench_switch.Trips(in_phase(
        0, (VM, 1, 12, 'HVC', CALL), (EL2, 2, 90, 'ERET', 0)))
    assert trips.alone == 1 and not trips.by_kind['hypercall']


def test_what_el2_answers_alone_is_of_the_next_trip():
    trips = bench_switch.Trips(in_phase(
        0, (VM, 1, 12, 'DABT', 1), (EL2, 2, 90, 'ERET', 0),
        (VM, 1, 7, 'HVC', CALL), (EL2, 2, 200, 'ERET', 0),
        (HOST, 1, 300, 'HVC', 8), (EL2, 2, 250, 'ERET', 0)))
    trip, = trips.by_kind['hypercall']
    assert (trip.alone, trip.vm, trip.save) == (90, 19, 200), trip


# --- The command line ------------------------------------------------------

def refused(message, *arguments):
    result = run(*arguments)
    assert result.returncode == 2 and message in result.stderr, result


def test_unknown_guest_is_refused():
    refused('invalid choice', '--guest', 'nobody')


def test_guest_options_need_a_guest():
    refused('--vcpus is for --guest', '--vcpus', '2')
    refused('--key is for --guest', '--key', 'some.pem')


def test_kernel_is_not_for_small_guests():
    refused('--kernel and --initrd are for Linux', '--guest', 'hello',
            '--kernel', 'Image')


def test_sizes():
    assert guests.size('64M') == 64 << 20 and guests.size('4096') == 4096
    for text in ('', 'M', '64X', '-1'):
        try:
            guests.size(text)
        except guests.GuestError:
            continue
        raise AssertionError(text)


if __name__ == '__main__':
    taptest.main(globals())
