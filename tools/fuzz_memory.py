#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compare the firmware with its specification, guided by coverage.

"memory" is about pages, tables and devices' DMA, "vcpus" about virtual machines
that run: their registers, exits, and what the host answers.

The harness of tests/property is built with clang and libFuzzer, under
AddressSanitizer and UndefinedBehaviorSanitizer, and runs sequences of calls on
firmware and specification side by side. The first difference ends the run: it
is shrunk to a short sequence, printed and kept in BUILD/fuzz.

Exit status 0 without a finding, 1 with one, 2 for wrong usage.
"""

import argparse
import json
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGETS = ['unit-core', 'unit-fdt', 'unit-sodium', 'spec', 'property']
MAIN = ROOT / 'tests' / 'property' / 'fuzz.c'
# Coverage of the firmware guides; counting that of the rest only costs time.
GUIDE = 'unit-core'
SANITIZERS = '-fsanitize=address,undefined'
# clang warns of other things than gcc, which builds the same files elsewhere.
NOT_FOR_CLANG = {'-Werror', '-Wall', '-Wextra'}
SEEDS, SEED_BYTES, MAX_BYTES = 64, 1500, 4000
PROGRESS_SECONDS = 10


def sources(build):
    """(source, compiler arguments) of all that goes into the fuzzer."""
    meson = (build / '.meson').read_text().splitlines()[0]
    targets = json.loads(subprocess.check_output(
        [meson, 'introspect', '--targets', build], text=True))
    found = {}
    for target in targets:
        for part in target['target_sources']:
            if target['name'] in TARGETS and part.get('sources'):
                found[target['name']] = (part['sources'], [
                    p for p in part['parameters'] if p not in NOT_FOR_CLANG])
    if len(found) != len(TARGETS):
        sys.exit('fuzz: the build folder does not know '
                 + ', '.join(set(TARGETS) - set(found)))
    result = []
    for target, (names, args) in found.items():
        extra = ['-fsanitize=fuzzer-no-link'] if target == GUIDE else []
        result += [(name, args + extra) for name in names]
    return result + [(str(MAIN), found['property'][1])]


def quoted(text):
    """For a ninja file."""
    return text.replace('$', '$$').replace(' ', '$ ').replace(':', '$:')


def ninja(folder, *targets):
    """Build; what it says is shown only if that fails."""
    result = subprocess.run(['ninja', '-C', folder, *targets], check=False,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            text=True, errors='replace')
    if result.returncode:
        sys.exit(result.stdout + 'fuzz: the build failed; see above')


def build_fuzzer(build, folder):
    """Write a ninja file for clang and run it; returns the program."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / 'fuzz-memory'
    lines = ['rule cc',
             '  command = clang $args -w -MD -MF $out.d -c $in -o $out',
             '  depfile = $out.d', '  deps = gcc',
             '  description = clang $in',
             'rule link',
             f'  command = clang {SANITIZERS} -fsanitize=fuzzer $in'
             ' -lglib-2.0 -lpthread -o $out',
             '  description = link $out']
    objects = []
    for n, (source, args) in enumerate(sources(build)):
        objects.append(f'{n}-{Path(source).stem}.o')
        lines += [f'build {objects[-1]}: cc {quoted(source)}',
                  f'  args = {" ".join(args).replace("$", "$$")}']
    lines += [f'build {program.name}: link {" ".join(objects)}', '']
    text = '\n'.join(lines)
    file = folder / 'build.ninja'
    if not file.exists() or file.read_text() != text:
        file.write_text(text)
    ninja(folder)
    return program


def write_seeds(corpus, what, seed):
    """Something to start from; the fuzzer finds the rest."""
    rng = random.Random(f'{what} {seed}')
    corpus.mkdir()
    for n in range(SEEDS):
        (corpus / f'{n:02}').write_bytes(rng.randbytes(SEED_BYTES))


class Run:
    """One run of the fuzzer."""

    def __init__(self, program, folder, args):
        self.counter = folder / 'steps'
        self.counter.write_bytes(bytes(8))
        self.log = folder / 'log'
        write_seeds(folder / 'corpus', args.what, args.seed)
        command = [program, f'-seed={args.seed % (1 << 32)}',
                   f'-max_len={MAX_BYTES}', '-len_control=0',
                   f'-max_total_time={args.seconds}', '-detect_leaks=0',
                   '-timeout=60', f'-artifact_prefix={folder}/found-',
                   '-print_final_stats=1', folder / 'corpus']
        env = dict(os.environ, HYPSEC_FUZZ_STEPS=str(self.counter),
                   HYPSEC_FUZZ_ABOUT=args.what,
                   UBSAN_OPTIONS='print_stacktrace=1:halt_on_error=1')
        with open(self.log, 'wb') as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=env)
        self.start = time.monotonic()

    def steps(self):
        return struct.unpack('<Q', self.counter.read_bytes())[0]

    def coverage(self):
        """Edges reached and all edges."""
        text = self.log.read_text(errors='replace')
        reached = re.findall(r'\bcov: (\d+)', text)
        edges = re.search(r'\((\d+) inline 8-bit counters\)', text)
        return (int(reached[-1]) if reached else 0,
                int(edges[1]) if edges else 0)

    def seconds(self):
        return time.monotonic() - self.start

    def show(self, end):
        steps, (reached, _) = self.steps(), self.coverage()
        line = (f'  {self.seconds():.0f} s, {steps} steps, '
                f'{steps / max(self.seconds(), 1):.0f}/s, {reached} edges')
        print(f'\r{line}\033[K' if sys.stdout.isatty() else line, end=end,
              flush=True)

    def wait(self):
        """Show the progress until it ends; returns its status."""
        tty = sys.stdout.isatty()
        while True:
            try:
                status = self.process.wait(1 if tty else PROGRESS_SECONDS)
                break
            except subprocess.TimeoutExpired:
                self.show('' if tty else '\n')
        if tty:
            print('\r\033[K', end='')
        return status


def report(build, folder, args):
    """Shrink what was found, keep it, and say how to get it again."""
    keep = build / 'fuzz'
    keep.mkdir(exist_ok=True)
    found = sorted(folder.glob('found-*'))
    if not found:
        tail = (folder / 'log').read_text(errors='replace').splitlines()[-15:]
        print('the fuzzer ended by itself:\n  | ' + '\n  | '.join(tail))
        return
    raw = keep / f'{args.what}-{args.seed}.bytes'
    sequence = keep / f'{args.what}-{args.seed}.txt'
    shutil.copy(found[0], raw)
    shutil.copy(folder / 'log', keep / f'{args.what}-{args.seed}.log')
    test = build / 'tests' / 'property' / 'memory-test'
    ninja(build, 'tests/property/memory-test')
    shrunk = subprocess.run([test, '--about', args.what, '--bytes', raw,
                             '--save', sequence],
                            check=False, capture_output=True, text=True)
    print(''.join(f'{line}\n' for line in shrunk.stdout.splitlines()
                  if line.startswith('#')), end='')
    if shrunk.returncode == 0:
        print('only the fuzzer sees it; its report:')
        log = (folder / 'log').read_text(errors='replace').splitlines()
        print('  | ' + '\n  | '.join(log[-40:]))
        print(f'  again: {folder.name}/fuzz-memory {raw}')
    else:
        print(f'  again: {test} --replay {sequence}')


def main():
    parser = argparse.ArgumentParser(
        prog='./hypsec fuzz', description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('what', choices=['memory', 'vcpus'])
    parser.add_argument('--seconds', type=int, default=60,
                        help='how long to go on (default: 60)')
    parser.add_argument('--seed', type=int, default=1,
                        help='what the input follows from (default: 1)')
    args = parser.parse_args()
    if args.seconds < 1:
        parser.error('--seconds: at least 1')
    build = Path(os.environ.get('HYPSEC_BUILD', ROOT / 'build'))

    print('building with clang', flush=True)
    program = build_fuzzer(build, build / 'fuzz-memory')
    with tempfile.TemporaryDirectory(prefix='hypsec-fuzz-') as name:
        folder = Path(name)
        run = Run(program, folder, args)
        try:
            status = run.wait()
        except KeyboardInterrupt:
            run.process.kill()
            run.process.wait()
            raise
        steps, seconds = run.steps(), run.seconds()
        reached, edges = run.coverage()
        if status:
            report(build, folder, args)
    print(f'{steps} specification steps in {seconds:.0f} s '
          f'({steps / seconds:.0f}/s), {reached} of {edges} edges covered, '
          f'{1 if status else 0} findings (seed {args.seed})')
    return 1 if status or not steps else 0


if __name__ == '__main__':
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
