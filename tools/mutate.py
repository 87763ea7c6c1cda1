#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How much of a broken firmware do the unit tests notice?

Changes one thing at a time in a copy of a file of firmware/core, compiles that
file alone, and runs the native test programs against it, under the sanitizers
that they always have. A change that some program notices is caught; one that
none notices survived, and is either a gap in the tests or a change that makes
no difference. The tree itself is never changed.

Only programs that execute the changed function are run (gcov knows), the most
discriminating first, up to the first that fails. A program that exceeds
several times its usual processor time is a timeout, which counts as caught.
Two kinds of survivors make no difference and do not count: those which the
compiler turns into the same code, and those that are explained in
tests/mutation-equivalents.txt; an explained one that is caught, or that does
not exist any more, is an error.

Which mutants are taken follows from the seed. Exit status 0, 1 if something
cannot be done or --min-score is missed, 2 for wrong usage.
"""
import argparse
import collections
import json
import os
import pathlib
import random
import signal
import sys
import textwrap
import time

import mutants
import mutation
import native
from mutation import CAUGHT, SURVIVED, TIMEOUT, VERDICTS

EQUIVALENTS = native.ROOT / 'tests/mutation-equivalents.txt'


def read_equivalents(path):
    """KEY of a mutant -> (line of the file, why it makes no difference)."""
    if not path.exists():
        return {}
    entries = {}
    lines = path.read_text(encoding='utf-8').splitlines() + ['']
    place = removed = added = why = None
    for number, line in enumerate(lines, 1):
        where = f'{native.relative(path)}:{number}'
        if line.startswith('#'):
            continue
        if not line.strip():
            if place is None:
                continue
            if not why or not removed:
                raise native.NativeError(
                    f'{where}: an entry ends without '
                    f'{"an explanation" if removed else "removed lines"}')
            entries[(*place, tuple(removed), tuple(added))] = \
                (first, ' '.join(why))
            place = None
        elif place is None:
            place = tuple(line.split())
            first, removed, added, why = number, [], [], []
            if len(place) != 2:
                raise native.NativeError(
                    f'{where}: neither FILE FUNCTION nor a comment')
        elif line.startswith(('- ', '+ ')):
            (removed if line[0] == '-' else added).append(line[2:].strip())
        else:
            why.append(line.strip())
    return entries


def all_mutants(names, operators):
    """The mutants of the files, in order."""
    return [mutant for name in names
            for mutant in mutants.of_file(
                name, (native.ROOT / name).read_text(encoding='utf-8'))
            if mutant.operator in operators]


def check_equivalents(entries, names):
    """Every entry must be a mutant of today's code."""
    known = {mutant.key for mutant in all_mutants(
        names, tuple(mutants.OPERATORS))}
    stale = [f'{native.relative(EQUIVALENTS)}:{number}: no mutation of '
             f'{key[1]}() in {key[0]} is that'
             for key, (number, _) in entries.items() if key not in known]
    if stale:
        raise native.NativeError('stale entries\n' + '\n'.join(stale))


def score(counts):
    noticed = counts[CAUGHT] + counts[TIMEOUT]
    every = noticed + counts[SURVIVED]
    return 100 * noticed / every if every else 100.0


def print_table(title, results, what):
    """Verdicts by operator or by file."""
    rows = collections.defaultdict(collections.Counter)
    for mutant, (verdict, *_) in results:
        rows[what(mutant)][verdict] += 1
        rows['all'][verdict] += 1
    width = max(map(len, [title, *rows])) + 2
    print(f'{title:{width}}{"mutants":>8}' +
          ''.join(f'{verdict.split(" ")[-1]:>10}' for verdict in VERDICTS) +
          f'{"score":>9}')
    for name in sorted(rows, key=lambda name: (name == 'all', name)):
        counts = rows[name]
        print(f'{name:{width}}{sum(counts.values()):8}' +
              ''.join(f'{counts[verdict]:10}' for verdict in VERDICTS) +
              f'{score(counts):7.1f} %')
    return rows['all']


def report(results):
    """Print it all; the verdicts of all mutants."""
    for mutant, (verdict, _, tests) in results:
        if verdict == SURVIVED:
            print(f'SURVIVED {mutant.place} {mutant.function}() '
                  f'[{mutant.operator}]')
            print('\n'.join(f'  {line}' for line in
                            mutant.diff().splitlines()))
            ran = ', '.join(sorted(test.name for test in tests)) or \
                'nothing; no test executes the function'
            print(textwrap.fill(f'ran: {ran}', 78, initial_indent='  ',
                                subsequent_indent='       '))
    print()
    print_table('file', results, lambda mutant: mutant.file)
    print()
    return print_table('operator', results, lambda mutant: mutant.operator)


def choose(args, names, entries):
    """The mutants that the command line asks for, in order."""
    chosen = [name for name in names if native.matches(name, args.file) and
              (not args.groups or native.group_of(name) in args.groups)]
    if not chosen:
        raise native.NativeError('no file of firmware/core is that')
    found = [mutant for mutant in all_mutants(chosen, args.operator)
             if (args.line is None or mutant.line == args.line) and
             (not args.explained or mutant.key in entries)]
    if args.count is None or args.count >= len(found):
        return found, len(found)
    picked = random.Random(f'mutate {args.seed}').sample(
        range(len(found)), args.count)
    return [found[index] for index in sorted(picked)], len(found)


def run(args, build, progress):
    """Everything after the command line; the exit status."""
    programs = native.Programs(build, args.test)
    names = programs.core_sources()
    entries = read_equivalents(EQUIVALENTS)
    check_equivalents(entries, names)
    if args.check_list:
        print(f'{len(entries)} explained mutations, all of today\'s code')
        return 0
    chosen, available = choose(args, names, entries)
    if args.list:
        for mutant in chosen:
            print(f'{mutant.place} {mutant.function}() [{mutant.operator}]\n'
                  f'{mutant.diff()}')
        return 0
    with native.exclusive(build / 'mutate') as folder:
        return run_mutants(args, programs, folder, entries, chosen,
                           available, progress)


def run_mutants(args, programs, folder, entries, chosen, available, progress):
    start = time.monotonic()
    baseline = mutation.Baseline(programs, folder, args.jobs, progress)
    print(f'{len(chosen)} of {available} mutants (seed {args.seed}), '
          f'{len(programs.tests)} test programs that take '
          f'{sum(baseline.seconds.values()):.1f} s; made ready in '
          f'{time.monotonic() - start:.0f} s', flush=True)
    start = time.monotonic()
    judge = mutation.Judge(baseline, args.jobs, entries)
    results = []
    counts = collections.Counter()
    interrupted = False
    try:
        with native.workers(args.jobs) as pool:
            for mutant, verdict in zip(chosen, pool.map(judge.judge, chosen)):
                results.append((mutant, verdict))
                counts[verdict[0]] += 1
                progress.show(
                    f'[{len(results)}/{len(chosen)}] ' + ', '.join(
                        f'{counts[each]} {each}' for each in VERDICTS
                        if counts[each]))
    except KeyboardInterrupt:
        interrupted = True
    progress.clear()
    seconds = time.monotonic() - start
    counts = report(results)
    if results:
        print(f'{seconds:.0f} s, {seconds / len(results):.2f} s per mutant')
    print(f'score: {score(counts):.1f} %: {counts[CAUGHT]} caught and '
          f'{counts[TIMEOUT]} timeouts of '
          f'{counts[CAUGHT] + counts[TIMEOUT] + counts[SURVIVED]}')
    if args.json:
        args.json.write_text(json.dumps([
            dict(file=mutant.file, line=mutant.line, verdict=verdict,
                 function=mutant.function, operator=mutant.operator,
                 diff=mutant.diff(), noticed_by=noticed,
                 tests=[test.name for test in tests])
            for mutant, (verdict, noticed, tests) in results],
            indent=1) + '\n')
    if interrupted:
        raise KeyboardInterrupt
    wrong = [f'{mutant.place}: {native.relative(EQUIVALENTS)}:'
             f'{entries[mutant.key][0]} says that it makes no difference, '
             f'but {noticed} notices:\n{mutant.diff()}'
             for mutant, (_, noticed, _) in results
             if noticed and mutant.key in entries]
    if wrong:
        raise native.NativeError('\n'.join(wrong))
    return 1 if score(counts) < args.min_score else 0


def count_of(text):
    """A number, or None for "all"."""
    if text == 'all':
        return None
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError('neither a number nor "all"')
    return int(text)


def main(argv):
    parser = argparse.ArgumentParser(
        prog='./hypsec mutate', description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog='operators:\n' + '\n'.join(
            f'  {name:12} {what}' for name, what in mutants.OPERATORS.items())
        + '\nall but assert, if none is given')
    parser.add_argument('--count', type=count_of, default=200, metavar='N',
                        help='how many mutants, or "all" (default: 200)')
    parser.add_argument('--seed', type=int, default=1,
                        help='which ones (default: 1)')
    parser.add_argument('--file', action='append', metavar='GLOB',
                        help='of files with such a name alone')
    for option, group, what in (
            ('--memory', 'memory', 'the memory files'),
            ('--vms', 'VM', 'the files about VMs that run'),
            ('--dma', 'DMA', 'the files about DMA')):
        parser.add_argument(option, dest='groups', action='append_const',
                            const=group, help=f'of {what} alone')
    parser.add_argument('--line', type=int, metavar='N',
                        help='of line N alone')
    parser.add_argument('--operator', action='append', metavar='NAME',
                        choices=tuple(mutants.OPERATORS),
                        help='by this operator alone')
    parser.add_argument('--explained', action='store_true',
                        help='of those that are explained alone')
    parser.add_argument('--test', action='append', metavar='GLOB',
                        help='with test programs of such a name alone')
    parser.add_argument('--jobs', type=int, default=native.default_jobs(),
                        help='mutants at once (default: %(default)s)')
    parser.add_argument('--min-score', type=float, default=0, metavar='P',
                        help='exit 1 if fewer than P %% are caught')
    parser.add_argument('--list', action='store_true',
                        help='print the mutants and do nothing')
    parser.add_argument('--check-list', action='store_true',
                        help='only check that no explained mutation is stale')
    parser.add_argument('--json', type=pathlib.Path, metavar='FILE',
                        help='write what became of each mutant')
    args = parser.parse_args(argv)
    native.check_jobs(parser, args.jobs)
    args.operator = args.operator or mutants.USUAL
    # Either one ends the run with a report of what is done.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    build = pathlib.Path(os.environ.get('HYPSEC_BUILD',
                                        native.ROOT / 'build'))
    progress = native.Progress()
    try:
        return run(args, build, progress)
    except native.NativeError as error:
        progress.clear()
        print(f'hypsec mutate: {error}', file=sys.stderr)
    except OSError as error:
        progress.clear()
        print(f'hypsec mutate: {error.filename}: {error.strerror}',
              file=sys.stderr)
    return 1


if __name__ == '__main__':
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print('hypsec mutate: interrupted', file=sys.stderr)
        sys.exit(130)
