#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Lines and branches of firmware/core that the unit tests execute.

Compiles the native test programs with gcov's counters and without
optimisation or sanitizers into BUILD/coverage, runs them all, and prints what
gcovr makes of it: each file of firmware/core, then the totals of its memory
files (marked with *), of those about VMs that run (+), of those about DMA (#)
and of all.

Not counted are the branches of ASSERT(): their other way is a panic over a
broken invariant of EL2's own, which no input reaches. Whether the line is
executed is counted. --asserts counts the branches too.

Exit status 0, 1 if a test fails or an aim of --check is missed, 2 for wrong
usage.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import native

# Of the files of each group together, in percent.
MIN_LINES = 95
MIN_BRANCHES = 90

DROPPED_FLAGS = r'-O.*|-g.*|-fsanitize=.*|-fno-sanitize.*|-Werror'
COUNTERS = ('--coverage', '-fprofile-abs-path', '-fprofile-update=atomic')
ASSERTION = r'^\s*ASSERT\(.*'
# A process that a test ends by _exit() would take its counts with it.
EXIT_SOURCE = '''\
void __gcov_dump(void);
void __real__exit(int status) __attribute__((noreturn));
void __wrap__exit(int status) __attribute__((noreturn));

void __wrap__exit(int status)
{
	__gcov_dump();
	__real__exit(status);
}
'''
# Tests that end on purpose or run away do not hold everything up.
TEST_SECONDS = 600


def variant(programs, folder):
    """The programs with counters in firmware/core."""
    source, helper = folder / 'exit.c', folder / 'exit.o'
    source.write_text(EXIT_SOURCE)
    counted = native.Variant(
        programs, folder, DROPPED_FLAGS, compile_flags=('-O0', '-g0'),
        core_flags=COUNTERS,
        link_flags=('--coverage', '-Wl,--wrap=_exit', helper))
    counted.command(['cc', '-c', source, '-o', helper], 'compiling exit.c')
    return counted


def forget_counts(folder, keep=()):
    """Remove the counts of earlier runs, and what describes objects that are
    not in KEEP."""
    for path in folder.rglob('*.gcda'):
        path.unlink()
    notes = {path.with_suffix('.gcno') for path in keep}
    for path in folder.rglob('*.gcno'):
        if path not in notes:
            path.unlink()


def run_tests(counted, jobs, progress):
    """Run every program once."""
    tests = counted.programs.tests

    def run(test):
        outcome = counted.run(test, seconds=TEST_SECONDS)
        if outcome.status != 0:
            how = 'does not end' if outcome.timed_out else \
                f'ends with {outcome.status}'
            raise native.NativeError(
                f'{test.name} {how}:\n{outcome.output[-3000:].rstrip()}')

    with native.workers(jobs) as pool:
        for done, _ in enumerate(pool.map(run, tests), 1):
            progress.show(f'running [{done}/{len(tests)}]')
    progress.clear()


def gcovr(folder, jobs, asserts, html):
    """What gcovr counts: NAME -> its summary."""
    if not shutil.which('gcovr'):
        raise native.NativeError('gcovr is missing; use ./hypsec coverage, '
                                 'which installs it')
    summary = folder / 'summary.json'
    command = ['gcovr', '--root', native.ROOT, folder, '-j', str(jobs),
               '--filter',
               re.escape(f'{native.ROOT}/{native.CORE}') + r'.*\.c$',
               '--json-summary', summary]
    if not asserts:
        command += ['--exclude-branches-by-pattern', ASSERTION]
    if html:
        html.mkdir(parents=True, exist_ok=True)
        command += ['--html-details', html / 'index.html',
                    '--html-title', 'hypsec-virt: firmware/core']
    result = subprocess.run(
        [str(word) for word in command], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False)
    if result.returncode:
        raise native.NativeError(f'gcovr:\n{result.stdout.rstrip()}')
    files = json.loads(summary.read_text())['files']
    return {file['filename']: file for file in files}


def total(files):
    keys = ('line_covered', 'line_total', 'branch_covered', 'branch_total')
    return {key: sum(file[key] for file in files) for key in keys}


def percent(counts, what):
    """100 if there is nothing to cover."""
    every = counts[f'{what}_total']
    return 100 * counts[f'{what}_covered'] / every if every else 100.0


def print_row(name, counts):
    line, branch = (
        f'{counts[f"{what}_covered"]:6}/{counts[f"{what}_total"]:<6}'
        f'{percent(counts, what):6.1f} %' for what in ('line', 'branch'))
    print(f'{name:36}{line}  {branch}')


def report(files):
    """Print the table; the totals of each group of files."""
    print(f'{"":36}{"lines":>14}{"":10}{"branches":>14}')
    for name in sorted(files):
        mark, _ = native.GROUPS.get(native.group_of(name), (' ', None))
        print_row(f'{mark} {name}', files[name])
    totals = {}
    for group, (mark, _) in native.GROUPS.items():
        totals[group] = total([file for name, file in files.items()
                               if native.group_of(name) == group])
        print_row(f'{mark} {group} files', totals[group])
    print_row('  all of firmware/core', total(list(files.values())))
    return totals


def main(argv):
    parser = argparse.ArgumentParser(
        prog='./hypsec coverage', description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--check', action='store_true',
                        help=f'exit 1 below {MIN_LINES} %% of the lines or '
                        f'{MIN_BRANCHES} %% of the branches of a group of '
                        'files')
    parser.add_argument('--html', type=pathlib.Path, metavar='DIR',
                        help='write the sources with their counts as HTML')
    parser.add_argument('--json', type=pathlib.Path, metavar='FILE',
                        help='write the counts of each file')
    parser.add_argument('--asserts', action='store_true',
                        help='count the branches of ASSERT() too')
    parser.add_argument('--test', action='append', metavar='GLOB',
                        help='by test programs of such a name alone')
    parser.add_argument('--jobs', type=int, default=native.default_jobs(),
                        help='programs at once (default: %(default)s)')
    args = parser.parse_args(argv)
    native.check_jobs(parser, args.jobs)
    build = pathlib.Path(os.environ.get('HYPSEC_BUILD',
                                        native.ROOT / 'build'))
    progress = native.Progress()
    try:
        programs = native.Programs(build, args.test)
        with native.exclusive(build / 'coverage') as folder:
            counted = variant(programs, folder)
            counted.build(args.jobs, progress)
            forget_counts(folder, counted.objects())
            run_tests(counted, args.jobs, progress)
            files = gcovr(folder, args.jobs, args.asserts, args.html)
        if args.json:
            args.json.write_text(json.dumps(files, indent=2) + '\n')
    except native.NativeError as error:
        progress.clear()
        print(f'hypsec coverage: {error}', file=sys.stderr)
        return 1
    except OSError as error:
        print(f'hypsec coverage: {error.filename}: {error.strerror}',
              file=sys.stderr)
        return 1
    totals = report(files)
    if args.html:
        print(f'sources with counts: {args.html / "index.html"}')
    good = True
    for group, counts in totals.items():
        for what, least in (('line', MIN_LINES), ('branch', MIN_BRANCHES)):
            met = percent(counts, what) >= least
            good &= met
            print(f'aim: {what} coverage of the {group} files: '
                  f'{percent(counts, what):.1f} of at least {least} %: '
                  f'{"met" if met else "MISSED"}')
    return 0 if good or not args.check else 1


if __name__ == '__main__':
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print('hypsec coverage: interrupted', file=sys.stderr)
        sys.exit(130)
