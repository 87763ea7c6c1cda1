#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`./hypsec map`: who owns and who maps the memory of a running board, as a
picture."""
import argparse
import contextlib
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import memory_map
import memory_picture
import running
from boardview import page as inspect_page
from boardview.source import QmpSource, SourceError

DEFAULT_OUT = pathlib.Path("memory-map.svg")
CONVERT = "rsvg-convert"
CONVERT_SECONDS = 120
# How often a board that runs is stopped anew, to meet EL2 between changes.
TRIES = 20
AGAIN_SECONDS = 0.002
INTERRUPTED = 130
# What ends a program: by a user, a terminal that is closed, another program.
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class MapError(Exception):
    """What the user gets to read."""


def parse_arguments(argv):
    parser = argparse.ArgumentParser(
        prog="hypsec map", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="""\
Draw who owns each page of a running board's memory, and what host, VMs and
SMMUs map. The board is paused while its memory is read, less than a second
for 1 GiB, and goes on afterwards; one that is paused stays so.""",
        epilog="""\
examples:
  hypsec map                        memory-map.svg, and numbers on the terminal
  hypsec map --out map.png          for a program that shows no SVG
  hypsec map --json | jq .owners    numbers for programs""")
    parser.add_argument("--board", metavar="NAME",
                        help="which board, if several run: (part of) the name "
                        "of its folder or of its command, or its process "
                        "number")
    parser.add_argument("--out", type=pathlib.Path, metavar="FILE",
                        help="a name that ends in .svg or .png (default: "
                        f"{DEFAULT_OUT}, with --json none)")
    parser.add_argument("--json", action="store_true",
                        help="print owners, tables and ranges as JSON")
    args = parser.parse_args(argv)
    if args.out and args.out.suffix not in (".svg", ".png"):
        parser.error(f"--out {args.out}: the name must end in .svg or .png")
    if not args.out and not args.json:
        args.out = DEFAULT_OUT
    return args


@contextlib.contextmanager
def undisturbed():
    """Put off signals that would end us."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def let_go_on(board_, qmp):
    """Let a board go on that we stopped, and that may be in the middle of an
    answer to QMP, whatever else wants to talk to it or to end us."""
    with undisturbed():
        try:
            # Not a new connection first: others may wait in line for one.
            qmp.qmp("cont", timeout=running.BUSY_SECONDS)
            return
        except running.RunningError:
            qmp.close()
        try:
            with running.connect(board_) as anew:
                anew.qmp("cont")
        except running.Gone:
            raise
        except running.RunningError as error:
            raise MapError(f"{error}; the board stays paused, `cont` in its "
                           "monitor lets it go on") from None


@contextlib.contextmanager
def paused(board_):
    """Stop a board if it runs, and let it go on afterwards, whatever happens.

    Gives its QMP, and what stops it anew a moment later, or None for a board
    that was stopped before.
    """
    with running.connect(board_) as qmp:
        ran = False

        def again(number):
            # Longer and longer: on a busy machine EL2 needs it to get on.
            qmp.qmp("cont")
            time.sleep(AGAIN_SECONDS * (number + 1))
            qmp.qmp("stop")
        try:
            ran = qmp.qmp("query-status")["running"]
            if ran:
                qmp.qmp("stop")
            yield qmp, again if ran else None
        finally:
            if ran:
                let_go_on(board_, qmp)


def read(qmp, again):
    """(MemoryMap, Page) of a board that is stopped. Raises SourceError."""
    with QmpSource(qmp) as source:
        page = inspect_page.Page.read(source,
                                      inspect_page.address_by_qom(qmp))
        for number in range(TRIES if again else 0):
            if not memory_map.under_way(source, page):
                break
            again(number)
            source.forget()
        return memory_map.collect(source, page), page


def facts(qmp, ran, memory, page):
    """Lines about the board, for below the title; RAN: it was running."""
    cpus = qmp.qmp("query-cpus-fast")
    model = qmp.qom_get(cpus[0]["qom-path"], "type").removesuffix("-arm-cpu")
    gic = qmp.qom_get("/machine", "gic-version")
    status = "running" if ran else str(qmp.qmp("query-status")["status"])
    if page.panicked:
        status += ", EL2 has panicked"
    ram = memory_picture.size(memory.count)
    el2 = memory_picture.size(
        memory.first + memory.count -
        (page.carveout_base >> memory_map.PAGE_SHIFT))
    smmus = f"{page.smmu_count} SMMUs" if page.version >= 3 else ""
    return [", ".join(filter(None, (
        f"{ram} of RAM at {memory.first << memory_map.PAGE_SHIFT:#x}",
        f"{len(cpus)} CPUs ({model})", f"GICv{gic}", smmus,
        f"EL2's memory {el2} at {page.carveout_base:#x}",
        f"the board is: {status}")))]


def check_output(path):
    """Fail before the board is disturbed."""
    if path.suffix == ".png" and not shutil.which(CONVERT):
        raise MapError(f"{path}: a PNG takes {CONVERT}, which is missing; "
                       "install the package librsvg2-bin, or write an .svg")
    try:
        found = path.parent.is_dir()
    except OSError as error:
        raise MapError(f"{path}: {error.strerror}") from None
    if not found:
        raise MapError(f"{path}: there is no folder {path.parent}")


def write(path, svg):
    """Write the picture, as its name says."""
    try:
        if path.suffix == ".svg":
            path.write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n{svg}',
                            encoding="utf-8")
            return
        subprocess.run([CONVERT, "--format=png", f"--output={path}"],
                       input=svg.encode(), check=True, capture_output=True,
                       timeout=CONVERT_SECONDS)
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip()
        raise MapError(f"{path}: {CONVERT} failed: {said}") from None
    except subprocess.TimeoutExpired:
        raise MapError(f"{path}: {CONVERT} still works after "
                       f"{CONVERT_SECONDS} s") from None
    except OSError as error:
        raise MapError(f"{path}: {error.strerror}") from None


def numbers(memory):
    """The legend as lines of text."""
    lines = [f"{'owner':16}{'pages':>10}{'MiB':>12}{'shared':>9}"
             f"{'devices':>9}"]
    for owner, (pages, shared, device) in sorted(
            memory.owner_totals().items()):
        state = memory.states.get(owner, "")
        lines.append(f"{memory_map.owner_name(owner):16}{pages:>10}"
                     f"{pages / 256:>12.2f}{shared:>9}{device:>9}"
                     f"  {state}".rstrip())
    return lines + [f"warning: {problem}" for problem in memory.problems]


def run(args):
    if args.out:
        check_output(args.out)
    board_ = running.pick(args.board)
    with paused(board_) as (qmp, again):
        memory, page = read(qmp, again)
        below = facts(qmp, again is not None, memory, page)
    if args.out:
        write(args.out, memory_picture.svg(
            memory, f"Memory of board {board_.name}",
            [board_.command, *below]))
    if args.json:
        print(json.dumps({"board": board_.name, **memory.as_json()},
                         indent=1))
    else:
        print("\n".join(numbers(memory)))
        print(f"{args.out}: {memory.count} pages, "
              f"{args.out.stat().st_size} bytes")


def main(argv):
    # A map that is ended shall leave the board as it was.
    for number in set(ENDING) - {signal.SIGINT}:
        signal.signal(number, lambda *_: sys.exit(1))
    args = parse_arguments(argv)
    try:
        run(args)
        sys.stdout.flush()
        return 0
    except (MapError, SourceError, running.RunningError) as error:
        print(f"hypsec map: {error}", file=sys.stderr)
    except BrokenPipeError:
        sys.stderr.close()
    except OSError as error:
        running.give_up_output()
        print(f"hypsec map: cannot write: {error.strerror}", file=sys.stderr)
    except KeyboardInterrupt:
        print("hypsec map: interrupted", file=sys.stderr)
        return INTERRUPTED
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
