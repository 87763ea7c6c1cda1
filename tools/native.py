# SPDX-License-Identifier: GPL-2.0-or-later
"""The native test programs of the build, compiled once more with other flags.

What is compiled and how comes from the description that Meson keeps in the
build folder (meson-info), so that a new test or source file is seen without a
change here. ./hypsec coverage and ./hypsec mutate stand on it.

    programs = native.Programs(build)       # what Meson knows
    variant = native.Variant(programs, folder, compile_flags=..., ...)
    variant.build(jobs)                     # everything into FOLDER
    variant.run(test, ...)
"""
import concurrent.futures
import contextlib
import dataclasses
import fcntl
import fnmatch
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORE = 'firmware/core/'

# The files of firmware/core that implement the memory half; what is not
# there (yet) is left out.
MEMORY_FILES = (
    'boot_core', 'boot_ops', 'el2_layout', 'fault_handler', 'host_hvc',
    'hv_result', 'locks', 'mem_handler', 'mem_manager', 'mem_region',
    'memory_ops', 'npt_ops', 'npt_walk', 'page_index',
    'page_manager', 'phys_page', 'pt_alloc', 'pt_walk', 'reclaim',
    'reset_scrub', 'shadow_ctxt', 'tlb', 'vm_info',
)

# Those of the other half, virtual machines that run, likewise.
VM_FILES = (
    'boot_vcpu', 'ctxt_switch', 'fpsimd', 'image_verify', 'inject',
    'instances', 'int_state', 'keys', 'load_vm', 'save_vm', 'saved_vm', 'seal',
    'shared_window', 'sysregs', 'trap_handler', 'vcpu_ops', 'vcpu_ops_aux',
    'vgic', 'vm_exit', 'vm_idregs', 'vm_power', 'world',
)

# Those about DMA, likewise.
DMA_FILES = (
    'dma_device', 'dma_identity', 'dma_owner', 'mmio_core', 'mmio_core_aux',
    'mmio_ops', 'mmio_raw', 'smmu_cfg', 'smmu_hw', 'smmu_ops', 'smmu_shadow',
    'smmu_streams', 'spt_ops',
)

# Name of a group -> its mark in tables and its files.
GROUPS = {
    'memory': ('*', MEMORY_FILES),
    'VM': ('+', VM_FILES),
    'DMA': ('#', DMA_FILES),
}


class NativeError(Exception):
    """The programs cannot be built or run; the text says why."""


def group_of(name):
    """The group that NAME, relative to the repository, belongs to, or None."""
    path = pathlib.PurePath(name)
    if not name.startswith(CORE) or path.suffix != '.c':
        return None
    return next((group for group, (_, stems) in GROUPS.items()
                 if path.stem in stems), None)


def relative(path):
    """PATH as a name relative to the repository, if it lies in it."""
    path = pathlib.Path(os.path.normpath(path))
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else \
        str(path)


def matches(name, globs):
    """Whether NAME, or its last part, matches one of GLOBS; None are all."""
    return not globs or any(
        fnmatch.fnmatch(each, glob) for glob in globs
        for each in (name, pathlib.PurePath(name).name))


def default_jobs():
    return len(os.sched_getaffinity(0))


class Progress:
    """One overwritten line on a terminal, else a line every ten seconds."""

    def __init__(self):
        self._tty = sys.stdout.isatty()
        self._last = time.monotonic()
        self._shown = False

    def show(self, text):
        if self._tty:
            print(f'\r\033[K{text[:78]}', end='', flush=True)
            self._shown = True
        elif time.monotonic() - self._last >= 10:
            self._last = time.monotonic()
            print(text, flush=True)

    def clear(self):
        if self._shown:
            print('\r\033[K', end='', flush=True)
        self._shown = False


@contextlib.contextmanager
def exclusive(folder):
    """FOLDER, made if needed, for this process alone."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / '.lock', 'w', encoding='ascii') as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print('waiting for another one in this clone to finish',
                  flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


@dataclasses.dataclass(frozen=True)
class Source:
    """One source file and how Meson compiles it."""
    path: pathlib.Path
    compiler: tuple
    flags: tuple

    @property
    def name(self):
        return relative(self.path)


@dataclasses.dataclass(frozen=True)
class Test:
    """One test program; LINK are its linker's arguments."""
    name: str
    target: str
    sources: tuple
    link: tuple
    arguments: tuple
    environment: tuple
    timeout: float


class Programs:
    """The native libraries and test programs of the suite "unit".

    Of the tests only those whose names match one of GLOBS, if there are any.
    """

    def __init__(self, build, globs=None):
        self.build = build
        info = build / 'meson-info'
        try:
            targets = json.loads((info / 'intro-targets.json').read_text())
            tests = json.loads((info / 'intro-tests.json').read_text())
        except OSError as error:
            raise NativeError(f'{error.filename}: {error.strerror}; '
                              'run ./hypsec setup first') from None
        self.libraries = {}
        programs = {}
        for target in targets:
            name = os.path.relpath(target['filename'][0], build)
            sources = self._sources(target)
            if not sources:
                continue
            if target['type'] == 'static library':
                self.libraries[name] = sources
            elif target['type'] == 'executable':
                programs[target['filename'][0]] = (name, sources,
                                                   self._link(target))
        self.tests = [
            Test(test['name'], *programs[test['cmd'][0]],
                 tuple(test['cmd'][1:]), tuple(test['env'].items()),
                 test['timeout'])
            for test in tests if test['cmd'][0] in programs and
            any(suite.endswith(':unit') for suite in test['suite']) and
            matches(test['name'], globs)]
        if not self.tests:
            raise NativeError(f'{build} has no such native unit tests')

    @staticmethod
    def _sources(target):
        return tuple(
            Source(pathlib.Path(os.path.normpath(path)),
                   tuple(group['compiler']), tuple(group['parameters']))
            for group in target['target_sources']
            if group.get('machine') == 'build' and group['language'] == 'c'
            for path in group['sources'] + group['generated_sources'])

    @staticmethod
    def _link(target):
        for group in target['target_sources']:
            if 'linker' in group:
                return tuple(group['parameters'])
        return ()

    def core_sources(self):
        """Names of the files of firmware/core that the programs hold."""
        return sorted({source.name for library in self.libraries.values()
                       for source in library
                       if source.name.startswith(CORE)})


def has_core(sources):
    return any(source.name.startswith(CORE) for source in sources)


@dataclasses.dataclass
class Outcome:
    """How a program ended: STATUS as of subprocess, None after a timeout."""
    status: int
    seconds: float
    output: str = ''

    @property
    def timed_out(self):
        return self.status in (None, -signal.SIGXCPU, -signal.SIGKILL)


class Variant:
    """All programs, compiled with other flags into a folder of their own.

    DROP is matched against each of Meson's flags, COMPILE is added to all,
    CORE_COMPILE to those of firmware/core, LINK to the linker's. With SHARED,
    libraries with sources of firmware/core become shared ones, so that one of
    them can be replaced without linking a program again.
    """

    def __init__(self, programs, folder, drop, compile_flags=(),
                 core_flags=(), link_flags=(), shared=False):
        self.programs = programs
        self.folder = folder
        self._drop = re.compile(drop)
        self._compile = tuple(compile_flags)
        self._core = tuple(core_flags)
        self._link = tuple(link_flags)
        self._shared = shared

    def flags(self, source):
        kept = [flag for flag in source.flags
                if not self._drop.fullmatch(flag)]
        core = self._core if source.name.startswith(CORE) else ()
        return kept + list(self._compile) + list(core)

    def object(self, target, source):
        """The object file of a source in a target, in the variant's folder.

        Its name holds the flags: other flags, another object."""
        key = hashlib.sha256('\0'.join(self.flags(source)).encode())
        return (self.folder / f'{target}.p' /
                f'{source.path.stem}-{key.hexdigest()[:8]}.o')

    def library(self, name):
        path = self.folder / 'lib' / name.replace('/', '-')
        if self._shared and has_core(self.programs.libraries[name]):
            return path.with_suffix('.so')
        return path

    def program(self, test):
        return self.folder / test.target

    def command(self, command, what):
        result = subprocess.run(
            [str(word) for word in command], cwd=self.programs.build,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False)
        if result.returncode:
            raise NativeError(f'{what}:\n{result.stdout.rstrip()}')

    def compile(self, target, source):
        output = self.object(target, source)
        output.parent.mkdir(parents=True, exist_ok=True)
        self.command([*source.compiler, *self.flags(source), '-c',
                      source.path, '-o', output], f'compiling {source.name}')

    def link_library(self, name, objects, output):
        """Make library NAME out of OBJECTS."""
        output.parent.mkdir(parents=True, exist_ok=True)
        if output.suffix == '.so':
            compiler = self.programs.libraries[name][0].compiler
            self.command([compiler[-1], '-shared', *objects, '-o', output,
                          f'-Wl,-soname,{output.name}', *self._link],
                         f'linking {output.name}')
        else:
            output.unlink(missing_ok=True)
            self.command(['ar', 'csrD', output, *objects],
                         f'archiving {output.name}')

    def link_program(self, test):
        words = []
        for word in test.link:
            if word in self.programs.libraries:
                words.append(self.library(word))
            elif not self._drop.fullmatch(word) and \
                    word != '-Wl,--no-undefined':
                words.append(word)
        self.command(
            [test.sources[0].compiler[-1], '-o', self.program(test),
             *(self.object(test.target, source) for source in test.sources),
             '-rdynamic', *words, *self._link], f'linking {test.name}')

    def objects(self):
        """All object files of the variant."""
        return [self.object(*item) for item in self._work()]

    def _work(self):
        """All pairs of a target and one of its sources."""
        return [(name, source) for name in self.used_libraries()
                for source in self.programs.libraries[name]] + \
            [(test.target, source) for test in self.programs.tests
             for source in test.sources]

    def used_libraries(self):
        return [name for name in self.programs.libraries
                if any(name in test.link for test in self.programs.tests)]

    def build(self, jobs, progress):
        """Compile and link everything; ccache makes it quick.

        What is there is used again only by way of ccache: whether a header
        has changed is its business."""
        used = self.used_libraries()
        work = self._work()
        with workers(jobs) as pool:
            done = 0
            for _ in pool.map(lambda item: self.compile(*item), work):
                done += 1
                progress.show(f'compiling [{done}/{len(work)}]')
            list(pool.map(
                lambda name: self.link_library(
                    name, [self.object(name, source) for source
                           in self.programs.libraries[name]],
                    self.library(name)), used))
            done = 0
            for _ in pool.map(self.link_program, self.programs.tests):
                done += 1
                progress.show(f'linking [{done}/{len(self.programs.tests)}]')
        progress.clear()

    def run(self, test, environment=None, libraries=(), cpu_seconds=None,
            seconds=None, output=True):
        """Run TEST; LIBRARIES are searched before the variant's own."""
        folders = [*libraries, self.folder / 'lib']
        env = os.environ | dict(test.environment) | (environment or {}) | \
            {'LD_LIBRARY_PATH': ':'.join(map(str, folders))}
        return run_bounded([self.program(test), *test.arguments], env,
                           cpu_seconds, seconds or test.timeout, output)


@contextlib.contextmanager
def workers(jobs):
    """A pool of threads; an exception ends what they run."""
    pool = concurrent.futures.ThreadPoolExecutor(jobs)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in list(_running):
            kill_group(process)
        raise
    finally:
        pool.shutdown(cancel_futures=True)


_running = set()
# Its arguments: seconds of CPU time, then the command.
_BOUNDED = ('/bin/sh', '-c',
            'ulimit -c 0; ulimit -t "$1"; shift; exec "$@"', 'sh')


def kill_group(process):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def run_bounded(command, env, cpu_seconds, seconds, output):
    """Run a command with bounds on its time; see Outcome.

    The bound on CPU time does not depend on what else the machine does; that
    on SECONDS is for programs that wait for ever without using any.
    """
    start = time.monotonic()
    process = subprocess.Popen(
        [*_BOUNDED, str(cpu_seconds or 'unlimited'), *map(str, command)],
        env=env, start_new_session=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if output else subprocess.DEVNULL,
        stderr=subprocess.STDOUT if output else subprocess.DEVNULL)
    _running.add(process)
    text = b''
    try:
        text, _ = process.communicate(timeout=seconds)
        status = process.returncode
    except subprocess.TimeoutExpired:
        status = None
    finally:
        # Its children go too.
        kill_group(process)
        process.wait()
        _running.discard(process)
        if process.stdout:
            process.stdout.close()
    return Outcome(status, time.monotonic() - start,
                   (text or b'').decode(errors='replace'))


def check_jobs(parser, jobs):
    if jobs < 1:
        parser.error('--jobs: at least 1')


def empty(folder):
    """Make FOLDER, without what an earlier run left in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
