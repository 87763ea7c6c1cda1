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
import queue
import random
import resource
import signal
import subprocess
import sys
import time

import coverage
import mutants
import native

EQUIVALENTS = native.ROOT / 'tests/mutation-equivalents.txt'
DROPPED_FLAGS = r'-O.*|-g.*|-Werror'
FLAGS = ('-O1', '-g0', '-w', '-fPIC')
# Without sanitizers, as the firmware itself is optimised.
PLAIN_DROPPED = DROPPED_FLAGS + r'|-fsanitize=.*|-fno-sanitize.*'
PLAIN_FLAGS = ('-O2', '-g0', '-w')
# A runaway must not eat the machine; nobody reads the reports.
ENVIRONMENT = {
    'ASAN_OPTIONS': 'symbolize=0:hard_rss_limit_mb=1500',
    'UBSAN_OPTIONS': 'symbolize=0:print_stacktrace=0',
}
CAUGHT, TIMEOUT, SURVIVED = 'caught', 'timeout', 'survived'
SAME_CODE, EXPLAINED = 'same code', 'explained'
NOT_COMPILED = 'did not compile'
VERDICTS = (CAUGHT, TIMEOUT, SURVIVED, SAME_CODE, EXPLAINED, NOT_COMPILED)


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


class Baseline:
    """The programs as they are: built, timed, with what they execute."""

    def __init__(self, programs, folder, jobs, progress):
        self.programs = programs
        self.folder = folder
        self.variant = native.Variant(
            programs, folder / 'base', DROPPED_FLAGS, compile_flags=FLAGS,
            shared=True)
        self.plain = native.Variant(programs, folder / 'plain', PLAIN_DROPPED,
                                    compile_flags=PLAIN_FLAGS)
        self.variant.build(jobs, progress)
        self.seconds = {}
        self.cpu = {}
        for done, test in enumerate(programs.tests):
            progress.show(f'timing [{done}/{len(programs.tests)}]')
            self._time(test)
        self.executes = {}
        self._count(jobs, progress)
        progress.clear()

    def _time(self, test):
        def used():
            usage = resource.getrusage(resource.RUSAGE_CHILDREN)
            return usage.ru_utime + usage.ru_stime

        before = used()
        outcome = self.variant.run(test, ENVIRONMENT)
        if outcome.status != 0:
            raise native.NativeError(
                f'{test.name} fails without any mutation:\n'
                f'{outcome.output[-3000:].rstrip()}')
        self.seconds[test.name] = outcome.seconds
        self.cpu[test.name] = used() - before

    def _count(self, jobs, progress):
        """For each test, the (file, function)s that it executes."""
        with native.exclusive(self.programs.build / 'coverage') as folder:
            counted = coverage.variant(self.programs, folder)
            counted.build(jobs, progress)
            self._count_in(counted, jobs, progress)

    def _count_in(self, counted, jobs, progress):
        notes = [path.with_suffix('.gcno') for path in counted.objects()]
        notes = [path for path in notes if path.exists()]

        def count(test):
            here = self.folder / 'counts' / test.name
            native.empty(here)
            outcome = counted.run(test, {'GCOV_PREFIX': str(here)})
            if outcome.status != 0:
                raise native.NativeError(
                    f'{test.name} fails with gcov:\n'
                    f'{outcome.output[-3000:].rstrip()}')
            return test.name, executed_functions(here, notes)

        with native.workers(jobs) as pool:
            tests = self.programs.tests
            for done, (name, functions) in enumerate(
                    pool.map(count, tests), 1):
                progress.show(f'what executes what [{done}/{len(tests)}]')
                self.executes[name] = functions

    def tests_of(self, mutant):
        return [test for test in self.programs.tests
                if (mutant.file, mutant.function) in self.executes[test.name]]


def executed_functions(folder, notes):
    """(file, function) of all that the counts in FOLDER say was executed."""
    found = set()
    for note in notes:
        counts = pathlib.Path(f'{folder}{note.with_suffix(".gcda")}')
        if not counts.exists():
            continue
        link = counts.with_suffix('.gcno')
        link.symlink_to(note)
        report = json.loads(subprocess.check_output(
            ['gcov', '--json-format', '--stdout', counts],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        found.update((native.relative(file['file']), function['name'])
                     for file in report['files']
                     for function in file['functions']
                     if function['execution_count'])
    return found


class Judge:
    """Runs mutants and says what became of them."""

    def __init__(self, baseline, jobs, entries):
        self.baseline = baseline
        self.entries = entries
        self.kills = collections.Counter()
        self.runs = collections.Counter()
        self.folders = queue.SimpleQueue()
        for number in range(jobs):
            folder = baseline.folder / 'work' / str(number)
            native.empty(folder)
            self.folders.put(folder)

    def judge(self, mutant):
        """(verdict, name of the test that noticed or None, its tests)."""
        folder = self.folders.get()
        try:
            return self._judge(mutant, folder)
        finally:
            self.folders.put(folder)

    def _judge(self, mutant, folder):
        source = folder / pathlib.Path(mutant.file).name
        original = (native.ROOT / mutant.file).read_text(encoding='utf-8')
        source.write_text(mutant.apply(original), encoding='utf-8')
        tests = self._in_order(mutant)
        try:
            if not self._link(mutant, source, folder):
                return NOT_COMPILED, None, tests
            for test in tests:
                outcome = self._run(mutant, test, folder)
                if outcome.timed_out:
                    return TIMEOUT, test.name, tests
                if outcome.status != 0:
                    return CAUGHT, test.name, tests
            if self._same_code(mutant, source, folder):
                return SAME_CODE, None, tests
        finally:
            source.unlink()
        return EXPLAINED if mutant.key in self.entries else SURVIVED, \
            None, tests

    def _in_order(self, mutant):
        """Expected to notice soonest first."""
        def cost(test):
            key = mutant.file, test.name
            chance = (self.kills[key] + 0.5) / (self.runs[key] + 1)
            return self.baseline.seconds[test.name] / chance

        return sorted(self.baseline.tests_of(mutant), key=cost)

    def _run(self, mutant, test, folder):
        # Twice the usual time is nothing on a loaded machine; a test that
        # hangs is held up by nothing else.
        base = self.baseline
        outcome = base.variant.run(
            test, ENVIRONMENT, libraries=[folder],
            cpu_seconds=2 + int(4 * base.cpu[test.name]),
            seconds=10 + 10 * base.seconds[test.name], output=False)
        key = mutant.file, test.name
        self.runs[key] += 1
        self.kills[key] += outcome.status != 0
        return outcome

    def _compile(self, variant, source, original, output):
        """Compile SOURCE as the ORIGINAL is, into OUTPUT; whether it does."""
        # Not through ccache: nobody wants it again.
        command = [original.compiler[-1], *variant.flags(original),
                   '-iquote', original.path.parent, '-c', source,
                   '-o', output]
        return subprocess.run(
            [str(word) for word in command], cwd=variant.programs.build,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, check=False).returncode == 0

    def _link(self, mutant, source, folder):
        """Make the libraries that hold the mutant's file in FOLDER."""
        variant = self.baseline.variant
        for name in variant.used_libraries():
            library = self.baseline.programs.libraries[name]
            objects = []
            for original in library:
                if original.name != mutant.file:
                    objects.append(variant.object(name, original))
                    continue
                objects.append(folder / 'mutant.o')
                if not self._compile(variant, source, original, objects[-1]):
                    return False
            output = folder / variant.library(name).name
            output.unlink(missing_ok=True)
            if folder / 'mutant.o' in objects:
                variant.link_library(name, objects, output)
        return True

    def _same_code(self, mutant, source, folder):
        """Whether the compiler makes the same of both."""
        plain = self.baseline.plain
        original = next(
            each for name in plain.used_libraries()
            for each in plain.programs.libraries[name]
            if each.name == mutant.file)
        outputs = []
        for number, path in enumerate((original.path, source)):
            # The names of files are part of an object: use one.
            copy = folder / 'same' / source.name
            copy.parent.mkdir(exist_ok=True)
            copy.write_bytes(path.read_bytes())
            outputs.append(folder / f'same{number}.o')
            if not self._compile(plain, copy, original, outputs[-1]):
                return False
        return outputs[0].read_bytes() == outputs[1].read_bytes()


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
    print(f'{title:34}{"mutants":>8}' +
          ''.join(f'{verdict.split(" ")[-1]:>10}' for verdict in VERDICTS) +
          f'{"score":>9}')
    for name in sorted(rows, key=lambda name: (name == 'all', name)):
        counts = rows[name]
        print(f'{name:34}{sum(counts.values()):8}' +
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
            print('  ran: ' + (', '.join(sorted(test.name for test in tests))
                               or 'nothing; no test executes the function'))
    print()
    print_table('file', results, lambda mutant: mutant.file)
    print()
    return print_table('operator', results, lambda mutant: mutant.operator)


def choose(args, names):
    """The mutants that the command line asks for, in order."""
    chosen = [name for name in names if native.matches(name, args.file) and
              (not args.memory or native.is_memory_file(name))]
    if not chosen:
        raise native.NativeError('no file of firmware/core is that')
    found = [mutant for mutant in all_mutants(chosen, args.operator)
             if args.line is None or mutant.line == args.line]
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
    chosen, available = choose(args, names)
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
    baseline = Baseline(programs, folder, args.jobs, progress)
    print(f'{len(chosen)} of {available} mutants (seed {args.seed}), '
          f'{len(programs.tests)} test programs that take '
          f'{sum(baseline.seconds.values()):.1f} s; made ready in '
          f'{time.monotonic() - start:.0f} s', flush=True)
    start = time.monotonic()
    judge = Judge(baseline, args.jobs, entries)
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
    parser.add_argument('--memory', action='store_true',
                        help='of the memory files alone')
    parser.add_argument('--line', type=int, metavar='N',
                        help='of line N alone')
    parser.add_argument('--operator', action='append', metavar='NAME',
                        choices=tuple(mutants.OPERATORS),
                        help='by this operator alone')
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
