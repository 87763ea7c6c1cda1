#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`./hypsec top`: what a running board does, live on a terminal."""
import argparse
import contextlib
import json
import math
import os
import select
import signal
import sys
import termios
import threading
import tty

import running
import top_view

LEAST_INTERVAL, MOST_INTERVAL = 0.1, 3600
INTERRUPTED = 130
# The smallest terminal that anything fits on.
LEAST_SIZE = 40, 8

CLEAR, HOME, TO_END_OF_LINE, TO_END = "\x1b[2J", "\x1b[H", "\x1b[K", "\x1b[J"
ENTER, LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
STYLES = {top_view.HEAD: "\x1b[1m", top_view.BAD: "\x1b[1;31m",
          top_view.PLAIN: ""}
NORMAL = "\x1b[0m"

HELP = [
    "hypsec top: what a running board does",
    "",
    "  q  quit                     p  pause, and go on",
    "  s  sort VMs otherwise       space  look now",
    "  h  this text                +  -  look more, less often",
    "",
    "refused     accesses and calls that EL2 refused",
    "faults      stage-2 faults of the host",
    "hypercalls, SMCs   of the host",
    "time        of all CPUs together, by who ran; waiting (WFI) counts",
    "exits       exceptions that leave a world's exception level, also those",
    "            that its own EL1 takes; per second since the look before",
    "vCPUs       1@cpu0: CPU 0 runs it; else its power",
    "",
    "docs/inspection.rst tells what it is made of.",
]


def parse_arguments(argv):
    parser = argparse.ArgumentParser(
        prog="hypsec top", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="""\
Show what a running board does: whom each CPU runs, time and exits by world,
VMs, refusals. The board runs on; its properties are read, nothing else.
Without a terminal it shows one sample, as --once does.""",
        epilog="keys: q quit, p pause, s sort, h help, + - interval")
    parser.add_argument("--board", metavar="NAME",
                        help="which board, if several run: (part of) the name "
                        "of its folder or of its command, or its process "
                        "number")
    parser.add_argument("--once", action="store_true",
                        help="one sample as text, counted since the board's "
                        "start")
    parser.add_argument("--interval", type=_interval, default=1, metavar="S",
                        help="seconds from one look to the next (default: "
                        "%(default)s)")
    parser.add_argument("--json", action="store_true",
                        help="samples as JSON, one a line")
    return parser.parse_args(argv)


def _interval(value):
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and
            LEAST_INTERVAL <= seconds <= MOST_INTERVAL):
        raise argparse.ArgumentTypeError(
            f"{value} is no interval; {LEAST_INTERVAL} to {MOST_INTERVAL} s "
            "are")
    return seconds


def look(board_):
    """A sample of a board. Raises RunningError."""
    with running.connect(board_) as qmp:
        return top_view.sample(qmp, running.RunningError)


class Sampler:
    """Looks at a board again and again, in a thread, so that keys are
    answered while a busy board is not."""

    def __init__(self, board_, interval):
        self.board = board_
        self.interval = interval
        self.paused = False
        self.before = self.now = None
        self.error = ""
        self.ended = False
        self.woken, self._wake = os.pipe()
        self._go = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def look_now(self):
        self._go.set()

    def _run(self):
        while not self.ended:
            if not self.paused:
                self._look()
            self._go.wait(self.interval)
            self._go.clear()

    def _look(self):
        try:
            now = look(self.board)
            self.before, self.now, self.error = self.now, now, ""
        except running.RunningError as error:
            self.error = str(error)
            self.ended = isinstance(error, running.Gone)
        except Exception as error:  # or nobody would look any more
            self.error = f"answers that make no sense: {error!r}"
        os.write(self._wake, b".")


class Terminal:
    """The user's terminal with a screen of our own. Use it in a `with`."""

    def __init__(self):
        self._keys = sys.stdin.fileno()
        self._old = termios.tcgetattr(self._keys)

    def __enter__(self):
        self._enter()
        signal.signal(signal.SIGTSTP, self._suspend)
        return self

    def __exit__(self, *_):
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        self._leave()

    def _enter(self):
        tty.setcbreak(self._keys)
        self._write(ENTER + CLEAR)

    def _leave(self):
        # A terminal that was closed needs nothing back.
        with contextlib.suppress(OSError, termios.error):
            self._write(LEAVE)
            termios.tcsetattr(self._keys, termios.TCSADRAIN, self._old)

    def _suspend(self, *_):
        self._leave()
        os.kill(os.getpid(), signal.SIGSTOP)
        self._enter()

    @staticmethod
    def _write(text):
        sys.stdout.write(text)
        sys.stdout.flush()

    @staticmethod
    def size():
        try:
            width, height = os.get_terminal_size(sys.stdout.fileno())
        except OSError:
            width = height = 0
        # A terminal that does not know, as on a serial line, says 0.
        return width or 80, height or 24

    def show(self, lines, last):
        """LINES from the top on, LAST in the bottom line."""
        width, height = self.size()
        rows = [f"{STYLES[style]}{line[:width]}{NORMAL}"
                for style, line in lines[:height - 1]]
        rows += [""] * (height - 1 - len(rows))
        rows.append(f"\x1b[7m{last[:width - 1]:{width - 1}}{NORMAL}")
        self._write(HOME + f"{TO_END_OF_LINE}\n".join(rows) + TO_END)

    def wait(self, descriptor, seconds):
        """The next key, "" when DESCRIPTOR has something, the window has
        another size, or time is up."""
        ready, _, _ = select.select([self._keys, descriptor], [], [], seconds)
        if descriptor in ready:
            os.read(descriptor, 4096)
        if self._keys not in ready:
            return ""
        data = os.read(self._keys, 64)
        # The terminal went away.
        return data.decode(errors="replace") if data else "q"


class Live:
    """The loop of keys and pictures."""

    def __init__(self, board_, interval):
        self.sampler = Sampler(board_, interval)
        self.sort = "number"
        self.help = False

    def run(self):
        """Until q or the board's end; what to say afterwards, or None."""
        # A window of another size interrupts the wait.
        signal.signal(signal.SIGWINCH, lambda *_: self.sampler.look_now())
        with Terminal() as terminal:
            while not self.sampler.ended:
                terminal.show(self.lines(terminal), self.bottom())
                for key in terminal.wait(self.sampler.woken,
                                         self.sampler.interval):
                    if key in "qQ\x03":
                        return None
                    self.key(key)
        return self.sampler.error

    def lines(self, terminal):
        sampler = self.sampler
        if self.help:
            return [(top_view.PLAIN, line) for line in HELP]
        if sampler.now is None:
            return [(top_view.PLAIN, top_view.text(
                sampler.error or "looking ...", 200))]
        width, height = terminal.size()
        if width < LEAST_SIZE[0] or height < LEAST_SIZE[1]:
            return [(top_view.PLAIN, "the window is too small")]
        view = top_view.View(sampler.now, sampler.before, self.sort,
                             sampler.board.name,
                             top_view.text(sampler.error, 200))
        return top_view.lines(view, width, height - 1)

    def bottom(self):
        state = "PAUSED" if self.sampler.paused else \
            f"every {self.sampler.interval:g} s"
        return (f" q quit  p pause  s sort ({top_view.SORTS[self.sort]})  "
                f"h help   {state}")

    def key(self, key):
        sampler = self.sampler
        if key in "h?":
            self.help = not self.help
        elif self.help:
            self.help = False
        elif key == "p":
            sampler.paused = not sampler.paused
        elif key == "s":
            names = list(top_view.SORTS)
            self.sort = names[(names.index(self.sort) + 1) % len(names)]
        elif key == " ":
            sampler.look_now()
        elif key in "+-":
            factor = 0.5 if key == "+" else 2
            sampler.interval = min(max(sampler.interval * factor,
                                       LEAST_INTERVAL), MOST_INTERVAL)


def print_once(board_, as_json):
    now = look(board_)
    if as_json:
        print(json.dumps({"board": board_.name, **now}, sort_keys=True),
              flush=True)
        return
    for _, line in top_view.lines(top_view.View(now, board=board_.name)):
        print(line)


def stream(board_, interval):
    """A line of JSON per interval, until the board has ended."""
    wait = threading.Event()
    print_once(board_, True)
    while not wait.wait(interval):
        try:
            print_once(board_, True)
        except running.Gone as error:
            return str(error)


def run(args):
    """What to say at the end, or None."""
    board_ = running.pick(args.board)
    if args.json and not args.once:
        return stream(board_, args.interval)
    live = sys.stdin.isatty() and sys.stdout.isatty() and \
        os.environ.get("TERM", "dumb") != "dumb"
    if args.once or not live:
        return print_once(board_, args.json)
    return Live(board_, args.interval).run()


def main(argv):
    # The terminal shall be as it was, however this ends.
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, lambda *_: sys.exit(1))
    args = parse_arguments(argv)
    try:
        if said := run(args):
            print(f"hypsec top: {said}", file=sys.stderr)
        sys.stdout.flush()
        return 0
    except running.RunningError as error:
        print(f"hypsec top: {error}", file=sys.stderr)
    except BrokenPipeError:
        sys.stderr.close()
    except OSError as error:
        running.give_up_output()
        print(f"hypsec top: cannot write: {error.strerror}", file=sys.stderr)
    except KeyboardInterrupt:
        return INTERRUPTED
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
