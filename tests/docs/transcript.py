# SPDX-License-Identifier: GPL-2.0-or-later
"""What a page says that its reader will see: types it, and compares.

A block is run when the line before it is a comment that names a session:

    .. run: first-boot

    ::

      $ ./hypsec run
      ...
      /root # uname -m
      aarch64

in Markdown "<!-- run: first-boot -->" before a fenced block. Blocks of one
session continue one another. A second word, "terminal=2", is another terminal
that the reader has open beside it.

What stands behind a prompt is typed once that prompt is the last thing on the
terminal; "<Ctrl-A c>" and "<Enter>" are keys, behind a prompt or alone. Everything else is what the terminal has to
show, in this order; "..." stands for any characters of a line, and alone for
any number of lines. Blank lines do not count. A typed line that a backslash
continues is typed as one.
"""
import codecs
import dataclasses
import errno
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

PROMPTS = ("$ ", "/root # ", "~ # ", "/ # ", "(gdb) ", "(qemu) ",
           "Quit anyway? (y or n) ")
KEYS = re.compile(r"<(?:Enter|Ctrl-([A-Z])(?: (\w))?)>$")
MARK = re.compile(r"(?:\.\. run:|<!-- run:)\s+([\w-]+)(?:\s+terminal=(\w+))?"
                  r"(\s+again)?\s*(?:-->)?$")
# The board's shell asks behind its prompt where the cursor is. Who types
# before, Ctrl-A c say, has another one's words end up within that question.
ASKING, QUESTION = ("/root # ", "~ # ", "/ # "), "\x05"
# What a kernel has to say behind its shell's prompt.
LATE = r"(?:\[ *\d+\.\d{6}\] [^\n]*\n+)*"
ROWS, COLUMNS = 50, 400
CLOSE_SECONDS = 30
AGAIN_SECONDS = 0.2
# Of a terminal that shows something else than the page.
SHOWN_LINES = 60


class Mismatch(Exception):
    """The terminal does not show what the page says."""


@dataclasses.dataclass
class Block:
    """One block of a page that is to be run."""
    place: str
    session: str
    terminal: str
    lines: list
    again: bool = False


@dataclasses.dataclass
class Step:
    """Wait for LINES and then for PROMPT, if there is one; type TYPED."""
    lines: list
    prompt: str = ""
    typed: str = ""
    # What was typed before it, if that is to be repeated.
    again: str = ""


def indent_of(line):
    return len(line) - len(line.lstrip(" "))


def literal(lines, start):
    """The lines of the indented or fenced block at or behind START."""
    at = start
    while at < len(lines) and (not lines[at].strip() or lines[at].startswith(
            ("::", ".. code-block::"))):
        at += 1
    if at < len(lines) and lines[at].startswith("```"):
        end = next(i for i in range(at + 1, len(lines))
                   if lines[i].startswith("```"))
        return lines[at + 1:end]
    end = at
    while end < len(lines) and (not lines[end].strip() or
                                lines[end].startswith(" ")):
        end += 1
    body = lines[at:end]
    margin = min((indent_of(line) for line in body if line.strip()), default=0)
    return [line[margin:] for line in body]


def blocks(path, name):
    """The blocks of page PATH that are to be run, in its order."""
    lines = path.read_text(encoding="utf-8").splitlines()
    found = []
    for number, line in enumerate(lines):
        if mark := MARK.match(line):
            body = literal(lines, number + 1)
            if not any(text.startswith(PROMPTS) for text in body):
                raise Mismatch(f"{name}:{number + 1}: nothing to type follows")
            found.append(Block(f"{name}:{number + 1}", mark[1], mark[2] or "1",
                               body, bool(mark[3])))
    return found


def joined(lines):
    """LINES without blanks at their ends; what a backslash continues is one."""
    lines = iter(lines)
    for line in lines:
        line = line.rstrip()
        while line.startswith(PROMPTS) and line.endswith("\\"):
            line = line[:-1].rstrip() + " " + next(lines, "").strip()
        yield line


def steps(block):
    """The STEPS of a block."""
    found, expected = [], []
    for line in joined(block.lines):
        prompt = next((p for p in PROMPTS if (line + " ").startswith(p)), None)
        if KEYS.match(line):
            found.append(Step(expected, "", line))
            expected = []
            continue
        if prompt is None:
            if line:
                expected.append(line)
            continue
        typed = line[len(prompt):]
        found.append(Step(expected, prompt, typed))
        # Keys are not echoed, and the terminal goes on behind the prompt.
        expected = [] if KEYS.match(typed) else [typed]
    found.append(Step(expected))
    if block.again:
        for before, step in zip(found, found[1:]):
            step.again = before.typed
    return found


def pattern(lines):
    """A regular expression of what LINES say, each with its end."""
    found = r"(?:[ \t]*\n)*"
    for line in lines:
        if line == "...":
            found += r"(?:[^\n]*\n)*?"
        else:
            text = r"[^\n]*?".join(map(re.escape, line.split("...")))
            found += text + r"(?:[ \t]*\n)+"
    return found


def prompt_pattern(prompt):
    """A regular expression of PROMPT as the last thing on the terminal."""
    return re.escape(prompt) + (QUESTION if prompt in ASKING else "") + \
        LATE + r"\Z"


class Screen:
    """The text that a terminal shows, as far as lines go: cursor keys and
    erasing within the last line, no other control sequences. Where it was
    asked for the cursor's place there is a QUESTION."""

    def __init__(self):
        self.done = ""
        self.line = []
        self.column = 0
        self._escape = ""

    def feed(self, text):
        for char in text:
            self._char(char)

    def text(self):
        return self.done + "".join(self.line)

    def _char(self, char):
        if self._escape:
            self._escape += char
            if char.isalpha() and len(self._escape) > 1 or \
               len(self._escape) == 2 and char != "[":
                self._control(self._escape[2:-1], char)
                self._escape = ""
        elif char == "\x1b":
            self._escape = char
        elif char == "\n":
            self.done += "".join(self.line) + "\n"
            self.line, self.column = [], 0
        elif char == "\r":
            self.column = 0
        elif char == "\b":
            self.column = max(0, self.column - 1)
        elif char >= " " or char == "\t":
            self._char_at_cursor(char)

    def _char_at_cursor(self, char):
        self.line[self.column:self.column + 1] = char
        self.column += 1

    def _control(self, number, kind):
        count = int(number) if number.isdecimal() else 1
        if kind == "D":
            self.column = max(0, self.column - count)
        elif kind == "C":
            self.column = min(len(self.line), self.column + count)
        elif kind == "K":
            del self.line[self.column:]
        elif kind + number == "n6":
            self._char_at_cursor(QUESTION)


class Terminal:
    """A shell in a terminal, with somebody who types."""

    def __init__(self, folder, environment):
        self.screen = Screen()
        self.seen = 0
        # Whether lines may come before what is expected next.
        self._skip = []
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ,
                    struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self._process = subprocess.Popen(
            ["bash", "--norc", "--noprofile", "--noediting", "-i"],
            stdin=slave, stdout=slave, stderr=slave, cwd=folder,
            env=dict(environment, PS1="$ ", TERM="dumb"), close_fds=True,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)

    def close(self):
        """Hang up, and wait for the shell and what it started to go."""
        for number in (signal.SIGHUP, signal.SIGKILL):
            for group in self._groups():
                try:
                    os.killpg(group, number)
                except (ProcessLookupError, PermissionError):
                    pass
            try:
                self._process.wait(CLOSE_SECONDS)
                break
            except subprocess.TimeoutExpired:
                continue
        os.close(self._master)

    def _groups(self):
        """The process groups of the terminal's session."""
        found = {self._process.pid}
        try:
            found.add(os.tcgetpgrp(self._master))
        except OSError:
            pass
        return found - {0}

    def run(self, block, seconds):
        """Do what BLOCK says; Mismatch tells what came instead."""
        for step in steps(block):
            self._wait(step, block.place, seconds)
            if step.prompt or step.typed:
                self._type(step.typed)

    def _type(self, text):
        keys = KEYS.match(text)
        if keys and keys[1]:
            data = bytes([ord(keys[1]) - 64]) + (keys[2] or "").encode()
        else:
            data = ("" if keys else text).encode() + b"\r"
        while data:
            data = data[os.write(self._master, data):]

    def _wait(self, step, place, seconds):
        lines = self._skip + step.lines
        expected = re.compile(pattern(lines) + (
            prompt_pattern(step.prompt) if step.prompt else ""))
        limit = time.monotonic() + seconds
        ended = False
        while True:
            text = self.screen.text()[self.seen:]
            if found := expected.match(text):
                self.seen += found.end()
                # How many lines a "..." at the end stands for is not known
                # before what follows it has come.
                self._skip = lines[-1:] if lines[-1:] == ["..."] and \
                    not step.prompt else []
                return
            left = limit - time.monotonic()
            if ended or left <= 0:
                break
            if step.again and text.endswith(PROMPTS):
                time.sleep(AGAIN_SECONDS)
                self.seen += len(text)
                self._type(step.again)
            ended = not self._read(left)
        raise Mismatch(f"{place}: " +
                       self._difference(lines, step.prompt, text) +
                       ("" if ended else f"\n(after {seconds} s)"))

    def _read(self, seconds):
        """More output, within so many seconds; False at the end of it."""
        ready, _, _ = select.select([self._master], [], [], seconds)
        if not ready:
            return True
        try:
            data = os.read(self._master, 65536)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            data = b""
        self.screen.feed(self._decoder.decode(data))
        return bool(data)

    @staticmethod
    def _difference(lines, prompt, text):
        """Which line is the first that did not come, and what did."""
        good = 0
        while good < len(lines) and re.match(pattern(lines[:good + 1]), text):
            good += 1
        if good < len(lines):
            missing = f"the line {lines[good]!r}"
        else:
            missing = f"the prompt {prompt!r}"
        shown = "\n".join(text.splitlines()[-SHOWN_LINES:])
        return f"{missing} did not come; since the last thing that was as " \
               f"the page says, the terminal shows:\n{shown}"


class Player:
    """Runs the blocks of pages, each session in terminals of its own."""

    def __init__(self, folder, environment, seconds):
        self.folder = folder
        self.environment = environment
        self.seconds = seconds
        self.terminals = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for terminal in reversed(self.terminals.values()):
            terminal.close()
        self.terminals = {}

    def run(self, block):
        if block.terminal not in self.terminals:
            self.terminals[block.terminal] = Terminal(self.folder,
                                                      self.environment)
        self.terminals[block.terminal].run(block, self.seconds)
