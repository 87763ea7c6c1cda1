#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Throw random input at our devices, in a QEMU built with sanitizers.

  inject   hypsec-inject: random descriptors by registers, ring and monitor,
           random register writes, bus-fault ranges, resets and snapshots in
           between, with the firmware and with a program that returns at once

QEMU is built with AddressSanitizer and UndefinedBehaviorSanitizer in
BUILD/qemu-sanitized (the first time takes as long as all of QEMU). A run is a
sequence of rounds; each starts a machine whose shape and whose input follow
from the seed and the round's number alone. A round in which QEMU ends, reports
something or stops answering is a finding: its log and its input are kept in
BUILD/fuzz, and the command that repeats that round alone is printed.

Exit status 0 without a finding, 1 with one, 2 for wrong usage.
"""

import argparse
import json
import os
import random
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import qemu_build

ROOT = Path(__file__).resolve().parent.parent
FOLDER = 'qemu-sanitized'
SANITIZERS = ['--enable-asan', '--enable-ubsan']
NOT_NEEDED = ['--enable-plugins', '--enable-slirp']

BASE = 0x0b100000
SQ, CQ, DESC, DOORBELL = 0x40000, 0x80000, 0x1000, 0x14
CTRL, STATUS, SQ_TAIL, CQ_HEAD, CQ_TAIL = 0x0c, 0x10, 0x24, 0x28, 0x2c
ANSWER_SECONDS = 60
ROUND_STEPS = 400

DEFAULT_ESR = [0, 0x5a000000, 0x5e000000, 0x93c08007, 0x82000007, 0x62320401,
               0x07e00000, 0x1fe00000, 0xf2000000, 0x3a000000, 0x02000000,
               0xbe000000, 0, 0, 0, 0, 0xbe000000]
TYPES = ['hvc', 'smc', 'dabt', 'iabt', 'sysreg', 'wfx', 'fp', 'brk', 'illegal',
         'undef', 'serror', 'irq', 'fiq', 'virq', 'vfiq', 'vserror']

# An arm64 Image: a header that branches behind itself, then "b .".
HOST = struct.pack('<IIQQQQQQ4sI', 0x14000010, 0, 0, 0x10000, 0xa, 0, 0, 0,
                   b'ARM\x64', 0) + struct.pack('<I', 0x14000000)


def echo_image():
    """An Image for EL2: EL1 loops, and EL2 returns from everything."""
    code = [0x10003e01, 0xd51cc001, 0xd518c001, 0xd2840402, 0xf2b00102,
            0xd51c1102, 0xd28078a2, 0xd51c4002, 0x10000082, 0xd51c4022,
            0xaa1f03e0, 0xd69f03e0, 0x14000000]
    body = bytearray(0x1000 - 64)
    for n, word in enumerate(code):
        struct.pack_into('<I', body, n * 4, word)
    for vector in range(0x7c0, 0xfc0, 0x80):
        struct.pack_into('<I', body, vector, 0xd69f03e0)
    return HOST[:64] + bytes(body)


class Finding(Exception):
    """QEMU did what it must not do."""


class Machine:
    """A QEMU with a qtest and a QMP connection."""

    def __init__(self, binary, args, log):
        self.log = open(log, 'wb')
        ours, theirs = zip(socket.socketpair(), socket.socketpair())
        fds = [s.fileno() for s in theirs]
        self.process = subprocess.Popen(
            [binary, '-nodefaults', '-display', 'none',
             '-chardev', f'socket,id=qt,fd={fds[0]}', '-qtest', 'chardev:qt',
             '-qtest-log', '/dev/null',
             '-chardev', f'socket,id=qmp,fd={fds[1]}',
             '-mon', 'chardev=qmp,mode=control',
             '-action', 'panic=pause', '-action', 'shutdown=pause',
             '-action', 'reboot=reset', *args],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            pass_fds=fds, env=dict(
                os.environ, ASAN_OPTIONS='detect_leaks=0:abort_on_error=0',
                UBSAN_OPTIONS='halt_on_error=1:print_stacktrace=1'))
        for s in theirs:
            s.close()
        self.sockets = ours
        self.buffers = [b'', b'']
        self.read_line(1)
        self.qmp('qmp_capabilities')

    def read_line(self, which):
        end = time.monotonic() + ANSWER_SECONDS
        while b'\n' not in self.buffers[which]:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.sockets[which]], [], [],
                                              left)[0]:
                raise Finding(f'no answer for {ANSWER_SECONDS} s')
            try:
                data = self.sockets[which].recv(65536)
            except ConnectionError:
                data = b''
            if not data:
                raise Finding(f'QEMU ended with {self.process.wait()}')
            self.buffers[which] += data
        line, _, self.buffers[which] = self.buffers[which].partition(b'\n')
        return line.decode()

    def send(self, which, text):
        try:
            self.sockets[which].sendall(text.encode() + b'\n')
        except OSError:
            raise Finding(f'QEMU ended with {self.process.wait()}') from None

    def qtest(self, command):
        self.send(0, command)
        while True:
            line = self.read_line(0)
            if not line.startswith('IRQ'):
                return line.split()

    def read(self, offset):
        return int(self.qtest(f'readl {BASE + offset:#x}')[1], 16)

    def qmp(self, command, **arguments):
        self.send(1, json.dumps({'execute': command, 'arguments': arguments}))
        while True:
            reply = json.loads(self.read_line(1))
            if 'event' not in reply:
                return reply

    def end(self):
        for s in self.sockets:
            s.close()
        self.process.kill()
        self.process.wait()
        self.log.close()


class Inject:
    """One round of random input for hypsec-inject."""

    def __init__(self, rng, machine, trace):
        self.rng = rng
        self.machine = machine
        self.trace = trace

    def word(self):
        """A number with a bias to those that are special somewhere."""
        rng = self.rng
        return rng.choice([
            lambda: 0,
            lambda: rng.getrandbits(64),
            lambda: rng.getrandbits(32),
            lambda: 1 << rng.randrange(64),
            lambda: (1 << rng.randrange(65)) - 1,
            lambda: rng.randrange(64),
            lambda: 0x40000000 + (rng.getrandbits(28) & ~7),
            lambda: rng.getrandbits(30) & ~0xfff,
        ])()

    def descriptor(self):
        """Mostly sound, so that it gets past the checks."""
        rng = self.rng
        kind = rng.randrange(1, 17) if rng.random() < 0.95 else \
            self.word() & 0xffffffff
        flags = rng.getrandbits(8) & rng.getrandbits(8)
        at_el2 = flags & 2
        if at_el2:
            flags &= ~0x30
        esr = self.word()
        if rng.random() < 0.7 and kind < 17:
            esr = DEFAULT_ESR[kind] ^ (rng.getrandbits(25) &
                                       rng.getrandbits(25) if
                                       rng.random() < 0.7 else 0)
        repeat = rng.choice([0, 0, 1, 2, 50]) if not at_el2 else 0
        pstate = rng.choice([0x3c5, 0x3c5, 0x3c4, 0x3c0, 0x5, 0x0,
                             self.word()])
        mask = rng.getrandbits(31) if rng.random() < 0.5 else 3
        values = [self.word() for _ in range(31)]
        values[0] = rng.choice([rng.randrange(40), 0x84000000 +
                                rng.randrange(32), 0xc4000000 +
                                rng.randrange(32), self.word()])
        delay = rng.choice([0, 100, 10000]) if at_el2 else 0
        raw = bytearray(struct.pack(
            '<IIIIQQQQQQ31QQQQ', kind, flags, rng.choice([0, 0, 1, 2, 3, 9]),
            repeat, esr & (2**64 - 1), self.word(),
            rng.getrandbits(40) << 4 if rng.random() < 0.8 else self.word(),
            self.word(), pstate, mask, *values,
            rng.choice([0, 1000, 100000]), rng.getrandbits(64), delay))
        raw += bytes(512 - len(raw))
        if rng.random() < 0.1:
            raw[rng.randrange(512)] ^= 1 << rng.randrange(8)
        return raw

    def write(self, size, offset, value):
        value &= 2**(8 * size) - 1
        self.do(f'write{"bwlq"[(1, 2, 4, 8).index(size)]} {BASE + offset:#x} '
                f'{value:#x}')

    def do(self, command):
        self.trace.write(command + '\n')
        self.machine.qtest(command)

    def step_single(self):
        self.do(f'write {BASE + DESC:#x} 0x200 0x{self.descriptor().hex()}')
        self.write(4, DOORBELL, self.rng.choice([1, 1, 1, 1, 2, 3]))

    def step_ring(self):
        tail = self.machine.read(SQ_TAIL)
        for _ in range(self.rng.randrange(1, 16)):
            self.do(f'write {BASE + SQ + tail * 512:#x} 0x200 '
                    f'0x{self.descriptor().hex()}')
            tail = (tail + 1) % 512
        self.write(4, SQ_TAIL, tail)
        if self.rng.random() < 0.8:
            self.write(4, CQ_HEAD, self.machine.read(CQ_TAIL))

    def step_register(self):
        rng = self.rng
        offset = rng.choice([
            lambda: rng.randrange(0, 0x40, 4),
            lambda: rng.randrange(0x2000, 0x2240, 4),
            lambda: rng.randrange(0, 0x40000),
            lambda: rng.randrange(0, 0x100000),
        ])()
        self.write(rng.choice([1, 2, 4, 4, 4, 8, 8]), offset, self.word())
        self.machine.qtest(f'readq {BASE + (offset & ~7):#x}')

    def step_fault(self):
        rng = self.rng
        base = 0x2000 + rng.randrange(8) * 0x40
        where = rng.choice([0x40000000, 0x44000000, 0x09000000, 0x08000000,
                            0x0b0ff000, 0x3f000000, 0x40200000])
        self.write(4, base + 0x20, 0)
        self.write(8, base, where + rng.randrange(16) * 0x1000)
        self.write(8, base + 8, rng.choice([0x1000, 0x2000, 0x10000,
                                            self.word()]))
        self.write(8, base + 0x10, rng.randrange(4))
        self.write(8, base + 0x18, rng.randrange(4))
        self.write(4, base + 0x20, rng.getrandbits(4))
        # QEMU's GIC model must not be accessed without a CPU.
        if where == 0x08000000:
            return
        for _ in range(4):
            self.do(f'{rng.choice(["readq", "readb", "readl"])} '
                    f'{where + rng.randrange(0x10000):#x}')
        self.do(f'writel {where + rng.randrange(0x10000):#x} 0x0')
        if rng.random() < 0.7:
            self.write(4, base + 0x20, 0)

    def step_monitor(self):
        rng = self.rng
        text = rng.choice([
            lambda: f'cpu={rng.randrange(4)} type={rng.choice(TYPES)} '
                    f'x{rng.randrange(33)}={self.word()} '
                    f'{rng.choice(["", "force-el2", "at-el2", "keep"])}',
            lambda: ''.join(chr(rng.randrange(32, 127))
                            for _ in range(rng.randrange(40))),
        ])()
        name = rng.choice(['fire', 'fire', 'memory'])
        self.trace.write(f'{name}: {text}\n')
        self.machine.qmp('qom-set', path='/machine/inject', property=name,
                         value=text)
        for name in ('last-completion', 'registers', 'memory'):
            self.machine.qmp('qom-get', path='/machine/inject', property=name)

    def step_stop(self):
        self.trace.write('stop, cont\n')
        self.machine.qmp('stop')
        self.step_ring()
        self.machine.qmp('cont')

    def step_reset(self):
        if self.rng.random() < 0.5:
            self.write(4, CTRL, 0x80000000)
        else:
            self.trace.write('system_reset\n')
            self.machine.qmp('system_reset')
            self.machine.qmp('cont')

    def step_snapshot(self):
        self.trace.write('savevm, loadvm\n')
        command = {'command-line': 'savevm a'}
        self.machine.qmp('human-monitor-command', **command)
        self.step_ring()
        command['command-line'] = 'loadvm a'
        self.machine.qmp('human-monitor-command', **command)
        self.machine.qmp('cont')

    def run(self, end):
        steps = [self.step_single] * 30 + [self.step_ring] * 30 + \
            [self.step_register] * 25 + [self.step_fault] * 8 + \
            [self.step_monitor] * 10 + [self.step_stop] * 3 + \
            [self.step_reset] * 2 + [self.step_snapshot]
        for n in range(ROUND_STEPS):
            if time.monotonic() >= end:
                return n
            self.rng.choice(steps)()
        return ROUND_STEPS


def machine_args(rng, build, folder):
    """A board of random shape; see the fields of the line it returns."""
    host = folder / 'host'
    cpus = rng.choice([1, 1, 2, 4])
    args = ['-M', 'hypsec-virt,inject=on' + rng.choice(['', ',gic-version=3']),
            '-cpu', rng.choice(['cortex-a72', 'cortex-a72', 'max']),
            '-smp', str(cpus), '-m', '256M', '-seed', '1',
            '-serial', 'null', '-serial', 'null',
            '-drive', f'if=none,format=qcow2,file={folder}/disk.qcow2']
    if rng.random() < 0.5:
        host.write_bytes(HOST)
        args += ['-bios', str(build / 'firmware/corevisor.bin')]
    else:
        host.write_bytes(echo_image())
    args += ['-kernel', str(host)]
    accel = rng.choice(['tcg', 'tcg', 'tcg,thread=single', 'icount', 'qtest'])
    if accel == 'icount':
        return args + ['-accel', 'tcg', '-icount', 'shift=0,sleep=off']
    return args + ['-accel', accel]


def run_round(build, binary, seed, number, end, keep):
    """Returns the steps done; raises Finding."""
    rng = random.Random(f'inject {seed} {number}')
    folder = Path(tempfile.mkdtemp(prefix='hypsec-fuzz-'))
    machine = None
    try:
        subprocess.run([build / 'qemu-img', 'create', '-q', '-f', 'qcow2',
                        folder / 'disk.qcow2', '1M'], check=True)
        args = machine_args(rng, build, folder)
        with open(folder / 'input', 'w', encoding='ascii') as trace:
            trace.write(' '.join(args) + '\n')
            try:
                machine = Machine(binary, args, folder / 'log')
                steps = Inject(rng, machine, trace).run(end)
                # It still answers.
                machine.qmp('query-status')
            except Finding:
                if machine:
                    machine.end()
                trace.flush()
                shutil.rmtree(keep, ignore_errors=True)
                shutil.copytree(folder, keep)
                raise
        machine.end()
        text = (folder / 'log').read_text(errors='replace')
        if 'Sanitizer' in text or 'runtime error' in text:
            shutil.rmtree(keep, ignore_errors=True)
            shutil.copytree(folder, keep)
            raise Finding('a sanitizer reported')
        return steps
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def build_qemu(build, cache):
    env = qemu_build.environment(build, cache)
    progress = qemu_build.Progress()
    options = [o for o in qemu_build.OPTIONS
               if o not in NOT_NEEDED + ['--enable-tools']]
    qemu_build.configure(build, env, progress, FOLDER, options + SANITIZERS)
    qemu_build.ninja(build, env, ['qemu-system-aarch64'], progress, FOLDER)


def main():
    parser = argparse.ArgumentParser(
        prog='./hypsec fuzz', description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('what', choices=['inject'])
    parser.add_argument('--seconds', type=float, default=45,
                        help='how long to go on (default: 45)')
    parser.add_argument('--seed', type=int, default=1,
                        help='what the input follows from (default: 1)')
    parser.add_argument('--round', type=int,
                        help='run this round alone, in full')
    parser.add_argument('--rounds', type=int, metavar='N',
                        help='stop after N whole rounds, however long it takes')
    parser.add_argument('--plain', action='store_true',
                        help='use the ordinary QEMU: no wait for another '
                        'build, but only crashes and hangs are found')
    args = parser.parse_args()
    build = Path(os.environ.get('HYPSEC_BUILD', ROOT / 'build'))
    number = args.round or 0
    rounds_wanted = 1 if args.round is not None else args.rounds

    if args.plain:
        binary = build / 'qemu-system-aarch64'
    else:
        build_qemu(build, os.environ['HYPSEC_CACHE'])
        binary = build / FOLDER / 'qemu-system-aarch64'
    start = time.monotonic()
    end = start + args.seconds if rounds_wanted is None else float('inf')
    steps = findings = rounds = 0
    while time.monotonic() < end and rounds != rounds_wanted:
        keep = build / 'fuzz' / f'inject-{args.seed}-{number}'
        try:
            steps += run_round(build, binary, args.seed, number, end, keep)
        except Finding as finding:
            findings += 1
            print(f'round {number}: {finding}; kept in {keep}\n'
                  f'  again: ./hypsec fuzz inject --seed {args.seed} '
                  f'--round {number}', flush=True)
        rounds += 1
        number += 1
    print(f'{rounds} rounds, {steps} steps, {findings} findings in '
          f'{time.monotonic() - start:.0f} s (seed {args.seed})')
    return 1 if findings or not steps else 0


if __name__ == '__main__':
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
