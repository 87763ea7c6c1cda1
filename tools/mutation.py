# SPDX-License-Identifier: GPL-2.0-or-later
"""Running mutants, for ./hypsec mutate.

    baseline = mutation.Baseline(programs, folder, jobs, progress)
    judge = mutation.Judge(baseline, jobs, explained)
    verdict, noticed_by, tests = judge.judge(mutant)
"""
import collections
import json
import pathlib
import queue
import resource
import subprocess

import coverage
import native

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
        self.seconds = collections.Counter()
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
            # A program that hangs where others fail takes longer than usual.
            key = mutant.file, test.name
            runs = self.runs[key] + 1
            chance = (self.kills[key] + 0.5) / runs
            seconds = self.seconds[key] + self.baseline.seconds[test.name]
            return seconds / runs / chance

        return sorted(self.baseline.tests_of(mutant), key=cost)

    def _run(self, mutant, test, folder):
        base = self.baseline
        outcome = base.variant.run(
            test, ENVIRONMENT, libraries=[folder],
            cpu_seconds=1 + int(5 * base.cpu[test.name]),
            seconds=10 + 10 * base.seconds[test.name], output=False)
        key = mutant.file, test.name
        self.runs[key] += 1
        self.seconds[key] += outcome.seconds
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
