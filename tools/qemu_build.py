#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Build QEMU with our overlay, incrementally, in BUILD/qemu.

Called by the top meson.build on every build. It refreshes the source tree
(tools/setup.sh qemu-tree), runs QEMU's configure when the tree's patch, the
options or Meson changed, runs ninja, and links the results to BUILD. Shows
[done/total] as it goes; everything is in BUILD/logs/qemu-*.log too, and of a
failure the end is shown. Exit status 0 or 1.
"""

import argparse
import hashlib
import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = '/usr/bin/python3'

# A small QEMU: one target, TCG only, the devices of our own list.
OPTIONS = [
    '--target-list=aarch64-softmmu',
    '--without-default-features',
    '--without-default-devices',
    '--with-devices-aarch64=hypsec',
    '--enable-tcg',
    '--enable-plugins',
    '--enable-slirp',
    '--enable-tools',
    '--enable-fdt=system',
    '--disable-docs',
    '--disable-download',
    '--disable-install-blobs',
    f'--python={PYTHON}',
]
PROGRAMS = ['qemu-system-aarch64', 'qemu-img']


class Progress:
    """One overwritten line on a terminal, else a line every ten seconds."""

    def __init__(self):
        self.tty = sys.stdout.isatty()
        self.last = time.monotonic()
        self.shown = False

    def show(self, text):
        now = time.monotonic()
        if self.tty:
            sys.stdout.write(f'\r\033[KQEMU {text[:74]}')
            self.shown = True
        elif now - self.last >= 10:
            self.last = now
            sys.stdout.write(f'QEMU {text}\n')
        sys.stdout.flush()

    def clear(self):
        if self.shown:
            sys.stdout.write('\r\033[K')
            self.shown = False


def fail(what, log, lines):
    print(f'QEMU: FAILED: {what}; the whole log is {log}', file=sys.stderr)
    for line in lines:
        print(f'  | {line}', file=sys.stderr)
    sys.exit(1)


def environment(build, cache):
    """QEMU's own build needs to find Meson as a Python package."""
    env = dict(os.environ)
    meson = (build / '.meson').read_text().splitlines()[0]
    packages = Path(meson).parent / 'usr/lib/python3/dist-packages'
    if packages.is_dir():
        env['PYTHONPATH'] = str(packages)
    # As ./hypsec sets them; for a plain "ninja". Without the folder's name in
    # the hash another clone finds what this one compiled.
    env.setdefault('CCACHE_DIR', f'{cache}/ccache')
    env.setdefault('CCACHE_BASEDIR', str(ROOT))
    env.setdefault('CCACHE_NOHASHDIR', '1')
    # QEMU's decoder generator iterates over sets: without a fixed seed its
    # output, and so the compiler cache, would differ from build to build.
    env['PYTHONHASHSEED'] = '0'
    env.pop('MAKEFLAGS', None)
    env.pop('NINJA_STATUS', None)
    return env


def configure(build, env, progress, name='qemu', options=None):
    """Run QEMU's configure unless nothing that it depends on has changed."""
    sources = build / 'sources'
    folder = build / name
    options = options or OPTIONS
    stamp = folder / '.hypsec-configured'
    ccache = ['--cc=ccache gcc', '--host-cc=ccache gcc']
    key = hashlib.sha256('\n'.join([
        (sources / '.qemu').read_text(), (build / '.meson').read_text(),
        str(sources), *options, *ccache]).encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == key \
            and (folder / 'build.ninja').exists():
        return
    folder.mkdir(exist_ok=True)
    stamp.unlink(missing_ok=True)
    print('QEMU: configuring', flush=True)
    log = build / 'logs' / f'{name}-configure.log'
    with open(log, 'w') as out:
        process = subprocess.Popen(
            [sources / 'qemu' / 'configure', *options, *ccache],
            cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=out,
            stderr=subprocess.STDOUT)
        start = time.monotonic()
        while True:
            try:
                status = process.wait(timeout=1)
                break
            except subprocess.TimeoutExpired:
                progress.show(f'configure: {time.monotonic() - start:.0f} s '
                              '(about 30)')
    progress.clear()
    if status:
        fail("QEMU's configure", log, log.read_text().splitlines()[-20:])
    # A ninja started by hand in build/qemu must find Meson as well.
    if 'PYTHONPATH' in env:
        for site in folder.glob('pyvenv/lib/python3*/site-packages'):
            (site / 'hypsec-meson.pth').write_text(env['PYTHONPATH'] + '\n')
    stamp.write_text(key)


def ninja(build, env, targets, progress, name='qemu'):
    """Run ninja; pass on what is not a plain step, such as warnings."""
    env = dict(env, NINJA_STATUS='[%f/%t] ')
    log = build / 'logs' / f'{name}-build.log'
    lines = []
    steps = 0
    with open(log, 'w') as out, subprocess.Popen(
            ['ninja', '-C', build / name, *targets], env=env,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors='replace') as process:
        for line in process.stdout:
            out.write(line)
            lines.append(line.rstrip('\n'))
            if re.match(r'\[\d+/\d+\] ', line):
                steps += 1
                progress.show(line.rstrip('\n'))
            elif 'warning:' in line:
                progress.clear()
                print(line, end='', flush=True)
    progress.clear()
    if process.returncode:
        failed = [n for n, line in enumerate(lines)
                  if line.startswith(('FAILED:', 'ninja: error:'))]
        fail('the build', log, lines[failed[0]:][:60] if failed else lines[-20:])
    # One step is always due: it asks for the version.
    if steps > 1:
        print(f'QEMU: {steps} steps done', flush=True)


def publish(build):
    """Hard-link the programs to BUILD; untouched if they are the same."""
    for name in PROGRAMS:
        source, target = build / 'qemu' / name, build / name
        if target.exists() and target.samefile(source):
            continue
        new = build / f'.{name}.new'
        new.unlink(missing_ok=True)
        os.link(source, new)
        os.replace(new, target)


def check_listed(tests):
    """Every test file of ours is in the list that the build was given."""
    missing = sorted({p.stem for p in (ROOT / 'tests/qtest').glob('hypsec-*-test.c')}
                     - set(tests))
    if missing:
        sys.exit('QEMU: FAILED: not listed in tests/qtest/meson.build: '
                 + ', '.join(missing))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--build', type=Path, required=True)
    parser.add_argument('--cache', required=True)
    parser.add_argument('tests', nargs='*', help='qtest programs to build')
    args = parser.parse_args()

    check_listed(args.tests)
    env = environment(args.build, args.cache)
    progress = Progress()
    tree = subprocess.run(
        ['sh', ROOT / 'tools/setup.sh', 'qemu-tree', args.build],
        env=dict(env, HYPSEC_CACHE=args.cache), stdin=subprocess.DEVNULL)
    if tree.returncode:
        sys.exit(1)
    configure(args.build, env, progress)
    ninja(args.build, env,
          PROGRAMS + [f'tests/qtest/{t}' for t in args.tests], progress)
    publish(args.build)


if __name__ == '__main__':
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
