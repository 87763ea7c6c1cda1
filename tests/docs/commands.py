#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every command of the documentation could be typed.

    commands.py BUILD

A line behind "$ " in a block goes to the parser of the tool itself; QEMU's
options, machines, devices and their properties are looked up in QEMU's own
lists, monitor commands and properties in a board, gdb's commands in a gdb that
has ours; files that are named must exist or be made by a command. A synopsis,
or a command in running text, is checked by name: the command and its options
must be in the tool's help.
"""
import argparse
import dataclasses
import functools
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

from docpages import ROOT, boottest, name, pages
import board
from links import Tree
import transcript

HERE = pathlib.Path(__file__).resolve().parent
SECONDS = 300
# Programs of a Debian machine, for which no list of options is at hand.
OTHERS = {"cat", "cd", "cp", "dtc", "echo", "grep", "head", "ls", "mkdir",
          "rm", "rsvg-convert", "sed", "sort", "tail", "aarch64-linux-gnu-gcc",
          "aarch64-linux-gnu-addr2line", "aarch64-linux-gnu-objcopy",
          "gdb-multiarch", "ninja", "seq", "uniq", "wc"}
# An option whose value is a file that the command writes.
WRITES = {"--out", "--log", "--junit", "--html", "--json", "--keep-log", "-o",
          "--png", "--svg", "--new-key", "-O"}
SPLIT = {"|", "||", "&&", ";", "&"}
REDIRECT = {">", ">>", "<", "2>", "&>"}
# Words of a synopsis that stand for what the reader puts there.
PLACEHOLDER = re.compile(r"\.\.\.|…|^[A-Z][A-Z_-]*$|\[|\]")
TOOLS = {"fuzz inject": "fuzz", "fuzz memory": "fuzz_memory",
         "fuzz vcpus": "fuzz_memory"}
NO_OPTIONS = {"setup": ["--tests", "--linux-symbols"], "clean": ["--cache"],
              "build": None, "help": None}


class Fault(Exception):
    """What is wrong with a command."""


def run(*command, **kwargs):
    return subprocess.run([str(c) for c in command], capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, check=False,
                          timeout=SECONDS, **kwargs)


# --- What the pages say ------------------------------------------------------

@dataclasses.dataclass
class Command:
    place: str
    prompt: str     # "" for a line of a block that has none
    text: str


def blocks(path, text):
    """(number of its first line, lines) of each block of a page."""
    lines = text.splitlines()
    for at, line in enumerate(lines):
        if path.suffix == ".md":
            if line.startswith("```") and \
               sum(l.startswith("```") for l in lines[:at]) % 2 == 0:
                yield at + 2, transcript.literal(lines, at)
        elif line.rstrip().endswith("::") and (
                not line.startswith("..") or "code-block::" in line):
            yield at + 1, list(_indented(lines, at))


def _indented(lines, at):
    """The block behind line AT, with the blank lines before it."""
    margin = transcript.indent_of(lines[at])
    for line in lines[at + 1:]:
        if line.strip() and transcript.indent_of(line) <= margin:
            return
        yield line.strip()


def commands(path, text):
    """Every command in the blocks of a page, continuation lines joined."""
    for first, lines in blocks(path, text):
        session = any(l.startswith(transcript.PROMPTS) for l in lines)
        at = 0
        while at < len(lines):
            line, start = lines[at], at
            while line.endswith("\\") and at + 1 < len(lines):
                at += 1
                line = line[:-1].rstrip() + " " + lines[at].strip()
            at += 1
            prompt = next((p for p in transcript.PROMPTS
                           if line.startswith(p)), None)
            if prompt in ("$ ", "(qemu) ", "(gdb) "):
                typed = line[len(prompt):]
                if not transcript.KEYS.match(typed):
                    yield Command(f"{name(path)}:{first + start}", prompt,
                                  typed)
            elif not session and line.startswith((
                    "./hypsec ", "qemu-system-aarch64 ", "build/")):
                yield Command(f"{name(path)}:{first + start}", "",
                              re.split(r"   +", line)[0])


def mentioned(path, text):
    """Every ./hypsec command between backquotes in a page's text."""
    quote = "`" if path.suffix == ".md" else "``"
    # A literal may go on in the next line.
    for found in re.finditer(rf"(?<!`){quote}(\./hypsec [^`]+){quote}(?!`)",
                             text):
        number = text[:found.start()].count("\n") + 1
        yield Command(f"{name(path)}:{number}", "",
                      " ".join(found[1].split()))


# --- What there is -----------------------------------------------------------

class Lists:
    """What QEMU, gdb and the tools say that they know."""

    def __init__(self, build):
        self.tree = Tree(build)
        self.qemu = build / "qemu-system-aarch64"

    @functools.cached_property
    def options(self):
        # Its help has the long one of two names.
        return {"M"} | set(re.findall(
            r"^--?([\w-]+)", run(self.qemu, "-help").stdout, re.MULTILINE))

    @functools.cached_property
    def cpus(self):
        return set(run(self.qemu, "-cpu", "help").stdout.split())

    @functools.lru_cache(None)
    def properties(self, option, kind):
        """The properties of a machine, device or object; None if there is no
        such thing."""
        machine = () if option == "-M" else ("-M", "none")
        done = run(self.qemu, *machine, option, f"{kind},help")
        if not re.match(rf"{re.escape(kind)}(-[\d.]+)?(-machine)? options:",
                        done.stdout):
            return None
        return set(re.findall(r"^\s+([\w.-]+)=", done.stdout, re.MULTILINE))

    @functools.lru_cache(None)
    def parses(self, tool, words):
        """What the tool's parser says of the words; None if it takes them."""
        done = run(sys.executable, HERE / "parse_only.py",
                   ROOT / f"tools/{tool}.py", *words, cwd=ROOT)
        if done.returncode == 0 and done.stdout.endswith("parsed\n"):
            return None
        return (done.stderr or done.stdout).strip().splitlines()[-1]

    @functools.lru_cache(None)
    def help(self, command):
        return run(ROOT / "hypsec", "help", command).stdout

    @functools.cached_property
    def commands(self):
        return set(re.findall(r"^  ([a-z]+) ", self.help("help"),
                              re.MULTILINE))

    @functools.cached_property
    def suites(self):
        return set(re.findall(r"^  ([a-z]+) ", self.help("test"),
                              re.MULTILINE))


# --- Checking a line behind "$ " ---------------------------------------------

def words_of(line):
    """The words of a shell line, with the operators as words."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|;&<>")
    lexer.whitespace_split = True
    lexer.commenters = ""
    return list(lexer)


def simple_commands(line):
    """The commands of a line, and the files that it writes."""
    found, writes = [[]], set()
    words = iter(words_of(line))
    for word in words:
        if word in SPLIT:
            found.append([])
        elif word in REDIRECT:
            writes.add(next(words, ""))
        elif found[-1] or not re.match(r"\w+=", word):
            found[-1].append(word)
    return [command for command in found if command], writes


def split_tool(words):
    """The tool of a ./hypsec command, and the arguments for its parser."""
    pair = " ".join(words[:2])
    if pair in TOOLS:
        return TOOLS[pair], words[1:]
    if words[0] == "fuzz":
        raise Fault("fuzz takes inject, memory or vcpus")
    return words[0], words[1:]


def check_hypsec(lists, words):
    if not words or words[0] not in lists.commands:
        raise Fault(f"./hypsec has no command {words[:1]}")
    command, rest = words[0], words[1:]
    if "--help" in rest:
        return
    if command in NO_OPTIONS:
        allowed = NO_OPTIONS[command]
        if allowed is not None and not set(rest) <= set(allowed):
            raise Fault(f"./hypsec {command} does not take {rest}")
        return
    tool, ours = split_tool(words)
    qemu = []
    if "--" in ours:
        qemu = ours[ours.index("--") + 1:]
    if command == "test":
        unknown = {w for w in suites_in(rest)} - lists.suites
        if unknown:
            raise Fault(f"there is no suite {unknown}")
        ours = ["--build", "build", *ours]
    if command == "bench":      # whose parser leaves that for later
        for word in suites_in(rest):
            if not re.search(rf"[:,] {re.escape(word)}\b",
                             " ".join(lists.help(command).split())):
                raise Fault(f"bench does not measure {word}")
    if told := lists.parses(tool, tuple(ours)):
        raise Fault(told)
    check_qemu(lists, qemu)


def suites_in(words):
    """The words of ./hypsec test that are neither options nor their values."""
    found, skip = [], False
    for word in words:
        if skip:
            skip = False
        elif word.startswith("--"):
            skip = "=" not in word
        else:
            found.append(word)
    return found


def check_qemu(lists, words):
    """QEMU's arguments: options, and the names within some of them."""
    words = iter(words)
    for word in words:
        if not word.startswith("-"):
            if not PLACEHOLDER.search(word):
                raise Fault(f"QEMU takes no argument {word}")
            continue
        option = word.lstrip("-")
        if option not in lists.options:
            raise Fault(f"QEMU has no option {word}")
        if option in ("M", "machine", "device", "object"):
            flag = "-M" if option in ("M", "machine") else f"-{option}"
            check_kind(lists, flag, next(words, ""))
        elif option == "cpu":
            model = next(words, "").split(",")[0]
            if model not in lists.cpus:
                raise Fault(f"QEMU has no CPU model {model}")
        elif option not in FLAGS:
            next(words, "")


# QEMU's options without a value.
FLAGS = {"S", "s", "nographic", "nodefaults", "no-user-config", "no-reboot",
         "no-shutdown", "snapshot", "help", "version", "daemonize"}


def check_kind(lists, flag, value):
    """A machine, device or object with its properties."""
    kind, *settings = value.split(",")
    if flag == "-M" and "=" in kind:       # ./hypsec run gives the machine
        kind, settings = "hypsec-virt", [kind, *settings]
    known = lists.properties(flag, kind)
    if known is None:
        raise Fault(f"QEMU has no {flag} {kind}")
    for setting in settings:
        key = setting.split("=")[0]
        if key not in known | {"id", "help", "bus", "accel", "type"} and \
           not PLACEHOLDER.search(key):
            raise Fault(f"{flag} {kind} has no {key}")


def check_files(lists, words, writes):
    """Words that name files of the tree, or built ones."""
    for before, word in zip(["", *words], words):
        found = re.search(r"(?:^|=|:)((?:%s|build)/[^,:]*)$" % "|".join(
            map(re.escape, lists.tree.top)), word)
        if found and before not in WRITES and found[1] not in writes and \
           not lists.tree.has(found[1]):
            raise Fault(f"there is no file {found[1]}")


def check_line(lists, line):
    found, writes = simple_commands(line)
    for words in found:
        check_files(lists, words, writes)
        program = words[0].rsplit("/", 1)[-1]
        if words[0] == "./hypsec":
            check_hypsec(lists, words[1:])
        elif program == "qemu-system-aarch64":
            check_qemu(lists, words[1:])
        elif words[0].startswith("build/"):
            continue        # it exists: check_files
        elif words[0] == "python3" and len(words) > 1:
            continue
        elif program not in OTHERS:
            raise Fault(f"what is {words[0]}?")


def check_synopsis(lists, text):
    """Names and options are in the help; the rest are placeholders."""
    words = re.sub(r"[\[\]|]", " ", text).split()
    if words[0] != "./hypsec":
        return check_line(lists, " ".join(
            word for word in words if not PLACEHOLDER.search(word)))
    if len(words) > 1 and PLACEHOLDER.search(words[1]):
        return None
    if len(words) < 2 or words[1] not in lists.commands:
        raise Fault(f"./hypsec has no command {words[1:2]}")
    known = set(re.findall(r"--?[\w-]+", lists.help(words[1]))) | {"--help"}
    ours = words[2:words.index("--")] if "--" in words else words[2:]
    for word in ours:
        option = word.split("=")[0].rstrip(",;")
        if option.startswith("-") and option not in known:
            raise Fault(f"./hypsec {words[1]} has no option {option}")
    return None


# --- Checking the monitor's and gdb's ----------------------------------------

def check_monitor(machine, known, line):
    words = line.split()
    if words[0] not in known:
        raise Fault(f"the monitor has no command {words[0]}")
    if words[0] in ("qom-get", "qom-set"):
        names = {entry["name"] for entry in machine.qmp("qom-list",
                                                        path=words[1])}
        if words[2] not in names:
            raise Fault(f"{words[1]} has no property {words[2]}")


def monitor_faults(lines):
    """The faults of "(qemu)" LINES, looked up in one board."""
    config = board.Config(machine="hypsec-virt,inject=on,dma=on",
                          kernel=board.PARK, initrd=None,
                          extra=("-S", "-device", "hypsec-el-observer,id=obs"))
    with board.Board(config) as machine:
        known = set()
        for line in machine.hmp("help").splitlines():
            known.update(line.split(" ")[0].split("|"))
        for command in lines:
            try:
                check_monitor(machine, known, command.text)
            except (Fault, board.BoardError) as error:
                yield f"{command.place}: {command.text}: " \
                    f"{str(error).splitlines()[0]}"


GDB_SCRIPT = '''
import gdb, re
for number, line in enumerate(LINES):
    words = re.sub(r"/\\S*", "", line, 1).split()
    if words[0] != "hypsec":
        words = words[:1]
    text = None
    while words and text is None:
        try:
            text = gdb.execute("help " + " ".join(words), to_string=True)
        except gdb.error:
            words.pop()
    missing = [w for w in line.split() if w.startswith("--") and
               w.split("=")[0] not in (text or "")]
    # An unknown command of a prefix gets the help of the prefix.
    if words[0] == "hypsec" and \
            text == gdb.execute("help hypsec", to_string=True):
        text = None
    good = text is not None and not missing
    print("LINE", number, "good" if good else "bad", *missing)
'''


def gdb_faults(lines):
    """The faults of "(gdb)" LINES, looked up in one gdb."""
    with tempfile.TemporaryDirectory() as folder:
        script = pathlib.Path(folder) / "look.py"
        script.write_text(f"LINES = {[c.text for c in lines]!r}\n"
                          + GDB_SCRIPT)
        done = run("gdb-multiarch", "-nx", "-batch", "-ex",
                   f"source {ROOT / 'tools/gdb/hypsec_gdb.py'}", "-ex",
                   f"source {script}")
    seen = dict(re.findall(r"^LINE (\d+) (.*)$", done.stdout, re.MULTILINE))
    for number, command in enumerate(lines):
        said = seen.get(str(number), done.stderr)
        if said != "good":
            yield f"{command.place}: {command.text}: gdb does not know it " \
                f"({said})"


# --- All of it -----------------------------------------------------------------

def fault_of(lists, command):
    """What is wrong with a shell line or a synopsis; None if nothing is."""
    try:
        if command.prompt == "$ ":
            check_line(lists, command.text)
        else:
            check_synopsis(lists, command.text)
    except Fault as fault:
        return f"{command.place}: {command.text}: {fault}"
    except ValueError as error:     # quotes without an end
        return f"{command.place}: {command.text}: {error}"
    return None


BAD = [
    ("$ ", "./hypsec tset", "no command"),
    ("$ ", "./hypsec run --cpus 4", "unrecognized arguments: --cpus"),
    ("$ ", "./hypsec run --gic 5", "invalid choice: 5"),
    ("$ ", "./hypsec run --smp 9 --batch | grep x | frobnicate", "frobnicate"),
    ("$ ", "./hypsec run -- -M inject=on,dmaa=on", "has no dmaa"),
    ("$ ", "./hypsec run -- -devise x", "no option -devise"),
    ("$ ", "./hypsec run --kernel build/Image", "no file build/Image"),
    ("$ ", "./hypsec bench boots", "does not measure boots"),
    ("$ ", "./hypsec test unit qtests", "no suite"),
    ("$ ", "./hypsec fuzz moon", "fuzz takes"),
    ("$ ", "./hypsec clean --all", "does not take"),
    ("$ ", "qemu-system-aarch64 -M hypsec -m 1G", "no -M hypsec"),
    ("$ ", "qemu-system-aarch64 -device hypsec-el-observer,it=x", "no it"),
    ("$ ", "qemu-system-aarch64 -cpu cortex-a99", "no CPU model"),
    ("$ ", "build/qemu/qemu-arm x", "no file"),
    ("", "./hypsec mutate [--counts N]", "no option --counts"),
    ("", "./hypsec fly", "no command"),
]
GOOD = [
    ("$ ", "./hypsec run --smp 8 -- -M on-violation=halt -S"),
    ("$ ", "A=1 ./hypsec test unit --junit results.xml >build/x.log"),
    ("$ ", "./hypsec fuzz memory --seconds 600 && ./hypsec help run"),
    ("", "./hypsec mutate [--count N] [--seed S]"),
    ("", "./hypsec COMMAND --help"),
]


def self_test(tap, lists):
    for number, (prompt, text, told) in enumerate(BAD, 1):
        seen = fault_of(lists, Command("x", prompt, text))
        tap.result(seen is not None and told in seen, f"bad/{number}",
                   f"{text}: {seen}")
    for number, (prompt, text) in enumerate(GOOD, 1):
        tap.equal(fault_of(lists, Command("x", prompt, text)), None,
                  f"good/{number}")
    seen = list(monitor_faults([
        Command("x", "", "qom-get /machine/inspect no-such-thing"),
        Command("x", "", "qom-got /machine/inspect refusals"),
        Command("x", "", "qom-get /machine/inspect refusals")]))
    tap.result(len(seen) == 2 and "no property" in seen[0] and
               "no command" in seen[1], "bad/monitor", seen)
    seen = list(gdb_faults([Command("x", "", "hypsec frobnicate 3"),
                            Command("x", "", "hypsec symbols --none"),
                            Command("x", "", "p/x $x0"),
                            Command("x", "", "hypsec symbols")]))
    tap.equal([line.split(": ")[1] for line in seen],
              ["hypsec frobnicate 3", "hypsec symbols --none"], "bad/gdb")


def main(argv):
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    args = parser.parse_args(argv)

    def body(tap):
        lists = Lists(args.build)
        self_test(tap, lists)
        typed = []
        for path in pages():
            text = path.read_text(encoding="utf-8")
            lines = list(commands(path, text))
            typed += lines
            bad = [fault_of(lists, c) for c in
                   [*lines, *mentioned(path, text)]
                   if c.prompt in ("$ ", "")]
            tap.equal([fault for fault in bad if fault], [], name(path))
        tap.result(len(typed) > 40, "finds-the-commands", len(typed))
        at = {prompt: [c for c in typed if c.prompt == prompt]
              for prompt in ("(qemu) ", "(gdb) ")}
        tap.equal(list(monitor_faults(at["(qemu) "])), [], "monitor")
        tap.equal(list(gdb_faults(at["(gdb) "])), [], "gdb")
    boottest.run(body)


if __name__ == "__main__":
    main(sys.argv[1:])
