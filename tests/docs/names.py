#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the researcher's pages quote of code and tests is there.

    names.py BUILD

In the pages of PAGES a literal that looks like a name has to be one:

  name()            a C function of firmware/, spec/, tests/ or guest-images/
  a_b               a word of their sources, or of the Coq (COQ)
  /a/b/c            a test of a native program, as "PROGRAM -l" tells
  hypsec-x-test     a qtest program; hypsec-x/a/b a test of it
  unit/x, boot/x    a test of Meson's
  G1 ..., seed: ... a test of tests/property, by its table

"*" at the end of a test's path stands for whatever follows, and at least one
test has to begin so. A block behind a comment ".. from: FILE" shows lines of
FILE, in their order; "..." stands for lines that are left out. D-numbers are
rows of docs/deviations.rst. specification.rst counts up the defects, and each
that it names must have a test with its number in the name, and the other way
round. threat-model.rst has an entry for each invariant that code or tests name
by its number, with where it is enforced and what shows it; and the sizes of
the firmware's parts are what they are, to 5 %.
"""
import argparse
import fnmatch
import functools
import json
import os
import pathlib
import re
import subprocess
import sys

from docpages import DOCS, ROOT, boottest, name
import transcript

PAGES = ["specification.rst", "threat-model.rst"]
SOURCES = ["firmware", "spec", "tests", "guest-images"]
# Words of the Coq that nothing here defines.
COQ = {"high_level_invariant", "H_CalLock", "data_log", "core_data_log"}
SECONDS = 300
TOLERANCE = 0.05
FUNCTION = re.compile(r"(\w+)\(\)")
WORD = re.compile(r"[A-Za-z]\w*_\w*")
NATIVE = re.compile(r"/[\w-]+(?:/[\w*-]+)+")
PROGRAM = re.compile(r"(?:hypsec|arm-smmuv2)[\w-]*-test")
QTEST = re.compile(r"(?:hypsec|arm-smmuv2)[\w-]*/[\w/*-]+")
MESON = re.compile(r"(?:unit|property|boot|look|docs)/[\w*-]+")
PROPERTY = re.compile(r"(?:G\d+(?:, G\d+)*|seed:|forms of) .+")
# Where a test's name says which defect it is about.
NUMBER = re.compile(r"(?<![0-9A-Za-z])[Gg](\d+)(?![0-9A-Za-z])")
ENTRY = re.compile(r"^I(\d+) .*\n((?:^[ \t].*\n|^\n)*)", re.MULTILINE)
SIZE = re.compile(r"^``(firmware[^`]*)``\s+([\d,]+)\s", re.MULTILINE)


# --- What there is -----------------------------------------------------------

def sources(endings):
    """The texts of our sources with one of the ENDINGS."""
    for folder in SOURCES:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in endings and path.is_file():
                yield path, path.read_text(encoding="utf-8")


class Known:
    """The names that there are."""

    def __init__(self, build):
        self.build = build

    @functools.cached_property
    def functions(self):
        """C functions with a body, by name: one's own brace stands alone."""
        found = set()
        for _, text in sources({".c", ".h"}):
            found.update(re.findall(
                r"^(?:[a-z][\w \t*]*?[\s*])?(\w+)\([^;{}]*\)\n\{", text,
                re.MULTILINE))
        return found

    @functools.cached_property
    def words(self):
        return {word for _, text in sources({".c", ".h", ".S"})
                for word in re.findall(r"\w+", text)} | COQ

    @functools.cached_property
    def native(self):
        return set(self._listed(self.build / "tests/unit", "*-test"))

    @functools.cached_property
    def qtests(self):
        folder = self.build / "qemu/tests/qtest"
        return {path.removeprefix("/aarch64/")
                for pattern in ("hypsec-*-test", "arm-smmuv2*-test")
                for path in self._listed(folder, pattern)}

    def _listed(self, folder, pattern):
        """The tests of the programs of a folder, as they list them."""
        guests = self.build / "guest-images"
        environment = dict(
            os.environ, QTEST_QEMU_BINARY=self.build / "qemu-system-aarch64",
            QTEST_QEMU_IMG=self.build / "qemu-img",
            HYPSEC_FIRMWARE=self.build / "firmware/corevisor.bin",
            HYPSEC_PROBE=guests / "probe/probe.bin",
            HYPSEC_PARK=guests / "park/park.bin",
            HYPSEC_RING=guests / "ring/ring.bin",
            HYPSEC_VMS=self.build / "tests/qtest-vms.ini")
        for program in sorted(folder.glob(pattern)):
            done = subprocess.run(
                [program, "-l"], env=environment, stdin=subprocess.DEVNULL,
                capture_output=True, text=True, timeout=SECONDS, check=False)
            yield from re.findall(r"^(/\S+)$", done.stdout, re.MULTILINE)

    @functools.cached_property
    def programs(self):
        return {p.stem for p in (ROOT / "tests/qtest").glob("*-test.c")}

    @functools.cached_property
    def meson(self):
        tests = json.loads((self.build / "meson-info/intro-tests.json")
                           .read_text(encoding="utf-8"))
        return {test["name"] for test in tests}

    @functools.cached_property
    def property(self):
        """The names in the tables of tests/property."""
        return {found for path, text in sources({".c"})
                if path.parent.name == "property"
                for found in re.findall(r'\{ "([^"/]+)",', text)}

    @functools.cached_property
    def deviations(self):
        text = (DOCS / "deviations.rst").read_text(encoding="utf-8")
        return set(re.findall(r"^(D-\d{3})\b", text, re.MULTILINE))

    @functools.cached_property
    def tested(self):
        """The numbers of defects that are in names of tests."""
        return {int(number)
                for test in self.native | self.qtests | self.property
                for number in NUMBER.findall(test.replace("_", "/"))}

    @functools.cached_property
    def invariants(self):
        """The numbers of invariants that firmware, spec and tests name."""
        return {int(number) for path, text in sources({".c", ".h"})
                if "docs" not in path.relative_to(ROOT).parts
                for number in re.findall(r"\bI(\d{1,2})\b", text)}


# --- One page ----------------------------------------------------------------

def literals(text):
    """(line number, literal) of a page; one may go on in the next line."""
    for found in re.finditer(r"(?<!`)``([^`]+)``(?!`)", text):
        yield text.count("\n", 0, found.start()) + 1, \
            " ".join(found[1].split())


def has_test(tests, path):
    return any(fnmatch.fnmatchcase(test, path) for test in tests)


def fault_of(known, text):
    """What is wrong with a literal; None if nothing is."""
    if found := FUNCTION.fullmatch(text):
        return None if found[1] in known.functions else "no such function"
    if WORD.fullmatch(text):
        return None if text in known.words else "no such word in the sources"
    if NATIVE.fullmatch(text):
        return None if has_test(known.native, text) else "no such native test"
    if PROGRAM.fullmatch(text):
        return None if text in known.programs else "no such program"
    if QTEST.fullmatch(text):
        return None if has_test(known.qtests, text) else "no such qtest"
    if MESON.fullmatch(text):
        return None if has_test(known.meson, text) else "no such test"
    if PROPERTY.fullmatch(text):
        return None if text in known.property else \
            "no such test of tests/property"
    return None


def quoted_faults(page, text):
    """Blocks that claim to be from a file, and are not."""
    lines = text.splitlines()
    for at, line in enumerate(lines):
        if not (mark := re.fullmatch(r"\.\. from: (\S+)", line)):
            continue
        path = ROOT / mark[1]
        if not path.is_file():
            yield f"{page}:{at + 1}: {mark[1]}: there is no such file"
            continue
        rest = iter(l.strip() for l in path.read_text("utf-8").splitlines())
        for shown in transcript.literal(lines, at + 1):
            if shown.strip() not in ("", "...") and \
               shown.strip() not in rest:
                yield f"{page}:{at + 1}: {mark[1]} has no {shown.strip()!r} " \
                    "there"
                break


def named_faults(known, page, text):
    for number, literal in literals(text):
        if told := fault_of(known, literal):
            yield f"{page}:{number}: {literal}: {told}"
    for deviation in sorted(set(re.findall(r"\bD-\d+\b", text))
                            - known.deviations):
        yield f"{page}: {deviation} is no row of docs/deviations.rst"
    yield from quoted_faults(page, text)


# --- What single pages have --------------------------------------------------

def defect_faults(known, page, text):
    """The table of defects: rows that begin with "G1 to G14"."""
    listed = set()
    for first, last in re.findall(r"^G(\d+) to G(\d+)\s", text, re.MULTILINE):
        listed |= set(range(int(first), int(last) + 1))
    for number in sorted(listed - known.tested):
        yield f"{page}: no test has G{number} in its name"
    for number in sorted(known.tested - listed):
        yield f"{page}: tests are about G{number}, which it does not list"


def invariant_faults(known, page, text):
    listed = {}
    for number, body in ENTRY.findall(text):
        listed[int(number)] = body
    for number in sorted(known.invariants - listed.keys()):
        yield f"{page}: I{number} is named in the code and has no entry"
    for number, body in listed.items():
        for field in (":enforced:", ":shown by:"):
            if not re.search(rf"{field}\s+\S", body):
                yield f"{page}: I{number} has no {field}"


def lines_of_code(part):
    """Lines with code of a folder's C or assembly, without the host's own."""
    count = 0
    for path in (ROOT / part).rglob("*.[chS]"):
        if "native" not in path.parts:
            text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m[0].count("\n"),
                          path.read_text("utf-8"), flags=re.DOTALL)
            count += sum(bool(line.strip()) for line in text.splitlines())
    return count


def size_faults(page, text):
    for part, size in SIZE.findall(text):
        lines = lines_of_code(part)
        if abs(int(size.replace(",", "")) - lines) > TOLERANCE * lines:
            yield f"{page}: {part} has {lines} lines, not {size}"


def faults(known, page, text):
    found = list(named_faults(known, page, text))
    if page.endswith("specification.rst"):
        found += defect_faults(known, page, text)
    if page.endswith("threat-model.rst"):
        found += invariant_faults(known, page, text)
        found += size_faults(page, text)
    return found


# --- All of it ---------------------------------------------------------------

BAD = [
    ("x.rst", "``map_page_hosts()``", "no such function"),
    ("x.rst", "``HYPSEC_NOTHING_AT_ALL``", "no such word"),
    ("x.rst", "``/sharing/page/102nd-grant``", "no such native test"),
    ("x.rst", "``/sharing/pages/*``", "no such native test"),
    ("x.rst", "``hypsec-attack-none-test``", "no such program"),
    ("x.rst", "``hypsec-vm-life/G22/none/*``", "no such qtest"),
    ("x.rst", "``boot/attack-smp9``", "no such test"),
    ("x.rst", "``G57 result\nin x1``", "no such test of tests/property"),
    ("x.rst", "See D-999.", "no row"),
    ("x.rst", ".. from: firmware/core/none.c\n\n::\n\n  a\n", "no such file"),
    ("x.rst", ".. from: firmware/core/vm_power.c\n\n::\n\n"
     "  release_lock_vm(vmid);\n  void set_vm_poweroff(uint32_t vmid)\n\n"
     "  no_such_line();\n", "has no"),
    ("specification.rst", "G1 to G72  x\n", "no test has G72"),
    ("specification.rst", "G2 to G71  x\n", "tests are about G1"),
    ("threat-model.rst", "I77 None\n    Text.\n", "I77 has no :enforced:"),
    ("threat-model.rst", "Nothing.\n", "I4 is named"),
    ("threat-model.rst", "``firmware/``  1,000  x\n", "firmware/ has"),
]
GOOD = [
    "``map_page_host()``, ``core_handle_pvops_spec()``, ``VTTBR_EL2``",
    "``/sharing/page/101st-grant``, ``/smmu-model/*``",
    "``hypsec-attack-race-test``, ``hypsec-vm-life/G22/*``, ``unit/sharing``",
    "``G57 result\nin x0``, ``docs/dma.rst``, ``1/2``, ``x0``, D-014",
    ".. from: firmware/core/vm_power.c\n\n::\n\n"
    "  void set_vm_poweroff(uint32_t vmid)\n  ...\n"
    "    release_lock_vm(vmid);\n",
]


def self_test(tap, known):
    for number, (page, text, told) in enumerate(BAD, 1):
        seen = faults(known, page, text)
        tap.result(any(told in fault for fault in seen), f"bad/{number}",
                   f"{text}: {seen}")
    for number, text in enumerate(GOOD, 1):
        tap.equal(faults(known, "x.rst", text), [], f"good/{number}")


def main(argv):
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    args = parser.parse_args(argv)

    def body(tap):
        known = Known(args.build)
        # What finds nothing to compare with is not a pass.
        tap.result(len(known.functions) > 2000 and len(known.native) > 800 and
                   len(known.qtests) > 2000 and len(known.property) > 100,
                   "knows-the-names",
                   [len(known.functions), len(known.native),
                    len(known.qtests), len(known.property)])
        self_test(tap, known)
        for page in PAGES:
            path = DOCS / page
            tap.equal(faults(known, name(path), path.read_text("utf-8")), [],
                      name(path))
    boottest.run(body)


if __name__ == "__main__":
    main(sys.argv[1:])
