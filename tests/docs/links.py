#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Names of files and links in the documentation lead somewhere.

    links.py BUILD

In text between double backquotes (Markdown: single ones) whatever looks like a
file of the tree must be one, or the end of one's name, or be built, or be
QEMU's; links of the README must lead to files and headings. Addresses in the
web must begin with one of a few known ones; none is fetched. What Sphinx
checks itself (references between pages) is left to it.
"""
import argparse
import fnmatch
import pathlib
import re
import subprocess
import sys

from docpages import ROOT, boottest, name, pages

# Literals that look like files: with a folder of ours, or with an ending.
ENDINGS = ("c", "h", "S", "py", "sh", "rst", "md", "patch", "build", "mak",
           "inc", "options", "txt")
FILE = re.compile(r"[\w.*-]+(?:/[\w.*-]+)*/?(?:\.\{[\w,]+\})?$")
# Addresses that a page may have.
WEB = ("https://ui.perfetto.dev", "https://www.qemu.org/docs/")
# Made by the commands beside which they are named.
MADE = ("build/run", "build/fuzz", "build/coverage", "build/docs",
        "build/mutate", "build/qemu-sanitized", "build/meson-logs", "build/*.log", "build/*.svg",
        "build/*.png", "build/*.html", "build/*.json", "build/*.qcow2",
        "build/my-*")


class Tree:
    """What there is: our files, what the build makes, QEMU's sources."""

    def __init__(self, build):
        listed = subprocess.run(
            ["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard"],
            capture_output=True, text=True, check=False)
        if listed.returncode == 0:
            files = [line for line in listed.stdout.splitlines()
                     if (ROOT / line).exists()]
        else:       # not a clone: an unpacked archive
            files = [str(p.relative_to(ROOT)) for p in ROOT.rglob("*")
                     if p.is_file() and p.parts[len(ROOT.parts)] != "build"]
        self.names = set(files)
        for file in files:
            self.names.update(map(str, pathlib.PurePath(file).parents))
        self.top = {path.split("/")[0] for path in self.names} - {"."}
        self.ends = {file.rsplit("/", 1)[-1] for file in self.names}
        self.build = build

    def has(self, path):
        path = path.rstrip("/")
        if path == "build":
            return True
        if path.startswith("build/"):
            return self._built(path)
        if "*" in path:
            return any(fnmatch.fnmatch(n, path) or
                       fnmatch.fnmatch(n, "*/" + path) for n in self.names)
        return path in self.names or \
            path.rsplit("/", 1)[-1] in self.ends and \
            any(n.endswith("/" + path) for n in self.names) or \
            (self.build / "sources/qemu" / path).exists() or \
            self._qemu_has(path)

    def _built(self, path):
        return any(fnmatch.fnmatch(path, made) or path.startswith(made + "/")
                   for made in MADE) or bool(
            list(self.build.glob(path.removeprefix("build/"))))

    def _qemu_has(self, path):
        """Is PATH a header of QEMU's, or named by its place in there?"""
        qemu = self.build / "sources/qemu"
        return any((qemu / folder / path).exists()
                   for folder in ("include", "hw/arm", "hw/misc", "target/arm",
                                  "tests/qtest", "scripts"))


def looks_like_file(text, tree):
    """Would a reader take the literal TEXT for a file of ours?"""
    if not FILE.fullmatch(text) or text.startswith(("-", ".")):
        return False
    first, slash, _ = text.partition("/")
    if slash:
        return first in tree.top or first == "build" or \
            text.rsplit(".", 1)[-1] in ENDINGS
    return "." in text and text.rsplit(".", 1)[-1] in ENDINGS


def expand(text):
    """A.{x,y} as a shell would read it."""
    if found := re.fullmatch(r"(.*)\{([\w,]+)\}", text):
        return [found[1] + end for end in found[2].split(",")]
    return [text]


def literals(path, text):
    """(line number, literal) of the literals in a page's running text."""
    quote = "`" if path.suffix == ".md" else "``"
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            fenced = not fenced
        if not fenced:
            for found in re.finditer(
                    rf"(?<!`){quote}([^`]+){quote}(?!`)", line):
                yield number, found[1]


def missing_files(path, text, tree):
    """The literals that look like files and are none."""
    return [f"{name_of(path)}:{number}: {one}: there is no such file"
            for number, literal in literals(path, text)
            for one in expand(literal)
            if looks_like_file(one, tree) and not tree.has(one)]


def name_of(path):
    return name(path) if path.is_relative_to(ROOT) else path.name


def anchor(heading):
    """The name that a heading of Markdown gets in a link."""
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")


def broken_links(path, text):
    """Links [text](target) of Markdown that lead nowhere."""
    found = []
    for match in re.finditer(r"\[[^\]]*\]\(([^)\s]+)\)", text):
        target, _, place = match[1].partition("#")
        if re.match(r"\w+:", target):
            continue
        file = path.parent / target if target else path
        if not file.exists():
            found.append(f"{name_of(path)}: {match[1]}: there is no such file")
        elif place:
            headings = re.findall(r"^#+ (.*)$", file.read_text("utf-8"), re.M)
            if place not in map(anchor, headings):
                found.append(f"{name_of(path)}: {match[1]}: no such heading")
    return found


def unknown_addresses(path, text):
    """Addresses in the web that are not on the list. Those of the board's own
    machine and of nobody are none."""
    return [f"{name_of(path)}: {address}: an address that is not on the list"
            for address in re.findall(r"\bhttps?://[^\s>)`'\"]+", text)
            if not address.startswith(WEB)]


def faults(path, text, tree):
    found = missing_files(path, text, tree) + unknown_addresses(path, text)
    if path.suffix == ".md":
        found += broken_links(path, text)
    return found


BAD = [
    ("a.rst", "See ``docs/nowhere.rst``.", "no such file"),
    ("a.rst", "See ``firmware/core/gone.c``.", "no such file"),
    ("a.rst", "``core/board_dt.py`` is C.", "no such file"),
    ("a.rst", "``board_dtt.c``", "no such file"),
    ("a.rst", "``build/firmware/corevisor.{elf,exe}``", "exe: there is no"),
    ("a.rst", "``tests/qtest/hypsec-*-tests.c``", "no such file"),
    ("a.rst", "See http://example.org/x.", "not on the list"),
    ("a.md", "Look at `tools/none.py`.", "no such file"),
    ("a.md", "[text](docs/nowhere.rst)", "no such file"),
    ("README.md", "[text](README.md#no-such-part)", "no such heading"),
]
GOOD = [
    ("a.rst", "``core/board_dt.c``, ``firmware/``, ``hypsec``, ``run.py``"),
    ("a.rst", "``build/firmware/corevisor.{elf,bin}`` ``tests/qtest/*-test.c``"),
    ("a.rst", "``-M smmu=off``, ``1/2``, ``x0``, ``a.b``, ``hypsec.rings=0``"),
    ("a.rst", "``hw/arm/virt.c``"),
    ("a.rst", "::\n\n  tools/none.py"),
    ("README.md", "[text](README.md#two-commands) [text](docs/)"),
]


def self_test(tap, tree):
    for number, (file, text, told) in enumerate(BAD, 1):
        seen = faults(ROOT / file, text, tree)
        tap.result(len(seen) == 1 and told in seen[0], f"bad/{number}",
                   f"{text}: {seen}")
    for number, (file, text) in enumerate(GOOD, 1):
        tap.equal(faults(ROOT / file, text, tree), [], f"good/{number}")


def main(argv):
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    args = parser.parse_args(argv)

    def body(tap):
        tree = Tree(args.build)
        self_test(tap, tree)
        for path in pages():
            tap.equal(faults(path, path.read_text("utf-8"), tree), [],
                      name(path))
    boottest.run(body)


if __name__ == "__main__":
    main(sys.argv[1:])
