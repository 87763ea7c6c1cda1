#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tree cites of the facts is in docs/facts*.rst, and their numbers
are those of the code.

    facts.py

In every source and page

  facts B.4, (A.13)   is a section of the pages, with a label
  facts G, facts H    is one of their parts
  G17                 is an entry of facts-g.rst, which has those that
                      specification.rst counts up, and no others
  I4                  is an entry of threat-model.rst
  D-007               is a row of deviations.rst
  S1                  is a row of specification.rst

and nothing is cited that a clone does not have: a chapter of a design, a file
"x.md" that is not there, one of the Coq files by another number.

The primitives in bold are those that docs/primitives.rst has for S3. The
numbers of facts-a.rst are those of spec/constants.h (where that has NAME_COQ,
this one), those of calls in facts-d.rst also those of abi.h.
"""
import pathlib
import re
import sys

from docpages import DOCS, ROOT, boottest
import links

# What a comment or a page is in; the tests of the pages cite what is not there
# on purpose.
ENDINGS = {".c", ".h", ".S", ".py", ".rst", ".md", ".build", ".sh", ".in"}
NOT_READ = "tests/docs/"
SECTION = re.compile(r"(?<![\w.])([A-H]\.\d+|G\.[a-z])(?![\w.]*\w)")
PART = re.compile(r"\b[Ff]acts(?: sections?)? ([A-Z])\b(?!\.)")
DEFECT = re.compile(r"(?<![0-9A-Za-z])(G\d+[a-z]?)(?![0-9A-Za-z])")
INVARIANT = re.compile(r"(?<![0-9A-Za-z_])(I\d+)(?![0-9A-Za-z_])")
DEVIATION = re.compile(r"\b(D-\d+)\b")
SEED = re.compile(r"(?<![0-9A-Za-z_])(S\d)(?![0-9A-Za-z_])")
# These may go on in the next line of a comment.
ABSENT = re.compile(r"\b([Ss]eeds?(?: |\n \* )\d{3}\b|"
                    r"[Dd]esign(?: |\n \* )\d|[\w/-]+\.md)\b")
LABEL = re.compile(r"^\.\. _facts-(\S+):$", re.MULTILINE)
NUMBER = re.compile(
    r"0x[0-9A-Fa-f_]+|\d+\^\d+|\d+<<\d+|\d+ [KMG]iB|"
    r"(?<!\w)(?<!\d\.)\d+(?!\w|\.\d)")
UNITS = {"K": 10, "M": 20, "G": 30}
DEFINE = re.compile(r"^#define (\w+)[\t ]+(?:UINT64_C\()?(0x[0-9a-f]+|\d+)u?\)?"
                    r"(?=\s|$)", re.MULTILINE)
# What the page leaves out of a constant's name.
PSCI = re.compile(r"PSCI_\d_\d_FN(?:64)?_")
CLASS = "ESR_ELx_EC_"


# --- What there is -----------------------------------------------------------

def page(name):
    return (DOCS / name).read_text(encoding="utf-8")


def facts_pages():
    return {path.name: path.read_text(encoding="utf-8")
            for path in sorted(DOCS.glob("facts*.rst"))}


class Cited:
    """What can be cited, by what a citation of it looks like."""

    def __init__(self):
        text = "".join(facts_pages().values())
        labels = set(LABEL.findall(text))
        entries = set(re.findall(
            r"^\.\. _facts-(G\d+b?):\n\n\1 \([KHML/]+\): ", text,
            re.MULTILINE))
        specification = page("specification.rst")
        self.sections = {label for label in labels if "." in label}
        self.parts = {label for label in labels if len(label) == 1}
        self.defects = labels & entries
        self.invariants = {f"I{number}" for number in re.findall(
            r"^I(\d+) \S", page("threat-model.rst"), re.MULTILINE)}
        self.deviations = set(re.findall(
            r"^(D-\d+)\b", page("deviations.rst"), re.MULTILINE))
        self.seeds = set(re.findall(r"^(S\d)  ", specification, re.MULTILINE))
        self.counted = {
            f"G{number}" for first, last in re.findall(
                r"^G(\d+) to G(\d+)\s", specification, re.MULTILINE)
            for number in range(int(first), int(last) + 1)}

    def kinds(self):
        return ((SECTION, self.sections), (PART, self.parts),
                (DEFECT, self.defects), (INVARIANT, self.invariants),
                (DEVIATION, self.deviations), (SEED, self.seeds))


def citing(tree):
    """(name, text) of the files that may cite."""
    for file in sorted(tree.names):
        path = ROOT / file
        if path.suffix in ENDINGS and path.is_file() and \
           not file.startswith(NOT_READ):
            yield file, path.read_text(encoding="utf-8")


def faults(cited, tree, file, text):
    found = []
    for pattern, known in cited.kinds():
        found += [(match, "there is none") for match in pattern.finditer(text)
                  if match[1] not in known]
    found += [(match, "is not in the tree") for match in ABSENT.finditer(text)
              if not tree.has(match[1])]
    return [f"{file}:{text.count(chr(10), 0, match.start()) + 1}: "
            f"{' '.join(match[1].split())}: {told}" for match, told in found]


# --- Tables ------------------------------------------------------------------

def simple_rows(lines):
    """The rows of a simple table, each a list of cells."""
    spans = [match.span() for match in re.finditer("=+", lines[0])]
    rows = []
    for line in lines[1:]:
        if re.fullmatch("[= ]+", line):
            continue
        cells = [line[start:end if end != spans[-1][1] else None].strip()
                 for start, end in spans]
        if cells[0]:
            rows.append(cells)
        else:
            rows[-1] = [f"{above} {below}".strip()
                        for above, below in zip(rows[-1], cells)]
    return rows


def list_rows(lines):
    """The rows of a list-table, by its lines from the first row on."""
    rows = []
    for line in lines:
        if line.startswith("   * - "):
            rows.append([line[7:].strip()])
        elif line.startswith("     -"):
            rows[-1].append(line[6:].strip())
        elif line.startswith("       "):
            rows[-1][-1] += " " + line.strip()
    return rows


def tables(text):
    """All tables of a page, each a list of rows."""
    for block in re.findall(r"^=+(?:  =+)+\n(?:.+\n)+", text, re.MULTILINE):
        yield simple_rows(block.splitlines())
    for block in re.findall(r"^\.\. list-table::\n(?:   :.*\n)*\n"
                            r"((?:   .*\n)+)", text, re.MULTILINE):
        yield list_rows(block.splitlines())


def rows(text):
    """The rows of all tables of a page."""
    return [row for table in tables(text) for row in table]


def coq_rows(text):
    """The same without the cells of C in rows where Q's have a number, unless
    that says first that it is the same."""
    found = []
    for head, *table in tables(text):
        c, q = (re.compile(rf"(values )?{column}\b") for column in "CQ")
        for row in table:
            of_coq = any(q.match(above) and numbers([cell]) and
                         not cell.startswith("same")
                         for above, cell in zip(head, row))
            found.append(["" if of_coq and c.match(above) else cell
                          for above, cell in zip(head, row)])
    return found


def value(text):
    if "^" in text:
        base, exponent = text.split("^")
        return int(base) ** int(exponent)
    if "<<" in text:
        one, shift = text.split("<<")
        return int(one) << int(shift)
    if text.endswith("iB"):
        return int(text.split()[0]) << UNITS[text[-3]]
    return int(text.replace("_", ""), 0)


def numbers(row):
    return {value(one) for cell in row for one in NUMBER.findall(cell)}


# --- Numbers -----------------------------------------------------------------

def defines(file):
    """{name: value}; of NAME and NAME_COQ only the Coq's, as NAME."""
    found = {name: int(number, 0) for name, number in DEFINE.findall(
        (ROOT / file).read_text(encoding="utf-8"))}
    return found | {name.removesuffix("_COQ"): number
                    for name, number in found.items()
                    if name.endswith("_COQ")}


def names(row):
    """The constants that a row is about; its first cell may say "EC"."""
    words = re.findall(r"\w+", " ".join(row))
    return {word.removeprefix("V_") for word in words} | {
        CLASS + word for word in words if row[0].startswith("EC ")}


def values(row, name):
    """What a row says of NAME: "NAME 2" in a cell, or else any number."""
    said = re.compile(rf"(?<!\w){name}(?:``)? (\d+)(?=$|[,;)]| \()")
    return {int(number) for cell in row for number in said.findall(cell)} \
        or numbers(row)


def constant_faults(constants, table):
    """Rows that have a constant's name and not its number; how many have."""
    told, good = [], 0
    for name, number in constants.items():
        mine = [row for row in table if PSCI.sub("", name) in names(row)]
        if any(number in values(row, name) for row in mine):
            good += 1
        elif mine:
            told.append(f"facts-a.rst: no row with {name} has {number}")
    return told, good


def index_faults(constants, table):
    """Registers of A.4: the third column is the number in the Coq."""
    indices = {row[0]: row[2].split()[0] for row in table
               if len(row) == 3 and re.fullmatch(r"\w+_EL[01]", row[0])
               and row[2][:1].isdigit()}
    told = [f"facts-a.rst: {name} is {index}, not {constants.get(name)}"
            for name, index in indices.items()
            if int(index) != constants.get(name)]
    return told, len(indices)


def call_faults(text, ours):
    """Calls of the host, D.1: by numbers of abi.h and of constants.h."""
    calls = re.findall(r"^(\d+) HVC_(\w+)$", text, re.MULTILINE)
    told = [f"facts-d.rst: {name} is {number}, not {ours[name]}"
            for number, name in calls
            if name in ours and int(number) != ours[name]]
    return told, sum(name in ours for _, name in calls)


def s3_faults(text, primitives):
    """Bold names of facts-b.rst against the rows of S3."""
    bold = {name for term in re.findall(r"^\*\*[^*]+\*\*.*$", text,
                                        re.MULTILINE)
            for part in re.findall(r"\*\*([^*]+)\*\*", term)
            for name in re.findall(r"\w+", part)}
    listed = {name for name, seeds in re.findall(
        r"^   (\w+), ([^,]+),", primitives, re.MULTILINE)
        if "S3" in seeds.split()}
    return [f"{name}: is of S3 on one page only"
            for name in sorted(bold ^ listed)]


# --- All of it ---------------------------------------------------------------

BAD = [
    ("/* Source: facts B.16. */", "B.16: there is none"),
    ("/* Locks (A.13, A.16). */", "A.16: there is none"),
    ("facts Z say so", "Z: there is none"),
    ("/* Corrected, G72: no. */", "G72: there is none"),
    ("hypsec-vm-life/G99/x", "G99: there is none"),
    ("/* G17c */", "G17c: there is none"),
    ("/* I35: none */", "I35: there is none"),
    ("See D-999.", "D-999: there is none"),
    (" * CtxtSwitchSpec.v. Source: S7, line by line", "S7: there is none"),
    ("/* Source: seed 001. */", "seed 001: is not in the tree"),
    ("/* by design 4.2 */", "x.c:1: design 4: is not in the tree"),
    (" * Source: design\n * 4.2, G17", "design * 4: is not in the tree"),
    ("\nsee hw/smmuv2.md 7.3", "x.c:2: hw/smmuv2.md: is not in the tree"),
]
GOOD = [
    "/* Source: facts B.4, A.1 to A.10 and G.e; G17, G56b, I4, D-007. */",
    "/* S3 names the primitives. See README.md, C.5. */",
    "G48_x hypsec-vm-attacks/G15/* E.g. x.D.99, GICV2, I2C, _I99, 0xG99",
]


def self_test(tap, cited, tree):
    for number, (text, told) in enumerate(BAD, 1):
        seen = faults(cited, tree, "x.c", text)
        tap.result(len(seen) == 1 and told in seen[0], f"bad/{number}",
                   f"{text}: {seen}")
    for number, text in enumerate(GOOD, 1):
        tap.equal(faults(cited, tree, "x.c", text), [], f"good/{number}")
    table = rows("=====  ===\nname   Q\n=====  ===\nA, B   1\n       / 2\n"
                 "C      2^3\n=====  ===\n\n.. list-table::\n   :header-rows: "
                 "1\n\n   * - D\n     - 1<<4 =\n       0x1_0\n     -\n")
    tap.equal(table, [["name", "Q"], ["A, B", "1 / 2"], ["C", "2^3"],
                      ["D", "1<<4 = 0x1_0", ""]], "tables-are-read")
    told, good = constant_faults({"A": 1, "B": 3, "C": 8, "D": 16, "E": 1},
                                 table)
    tap.result(good == 3 and len(told) == 1 and "B has 3" in told[0],
               "bad/constant", told)
    tap.equal(constant_faults({"A": 2, "B": 1}, [["1", "``A`` 1, B 2"]])[1], 0,
              "bad/constant-of-another")
    columns = "====  ==  ========\nname  C   Q value\n====  ==  ========\n"
    told, good = constant_faults(
        {"A": 1, "B": 2, "D": 4, "E": 5}, coq_rows(
            f"{columns}A     1   7\nB     2   \\-\nD     4   same; X 9\n"
            "E     6   5\n====  ==  ========\n"))
    tap.result(good == 3 and len(told) == 1 and "A has 1" in told[0],
               "bad/constant-of-c", told)
    tap.equal(index_faults({"PC_EL1": 7}, [["PC_EL1", "1", "8 (x)"]]),
              (["facts-a.rst: PC_EL1 is 8, not 7"], 1), "bad/index")
    tap.equal(call_faults("8 HVC_RUN\n    x\n", {"RUN": 9}),
              (["facts-d.rst: RUN is 8, not 9"], 1), "bad/call")
    tap.equal(s3_faults("**a / b** (c): x\n", "   a, S3, -\n   c, S3, -\n"),
              ["b: is of S3 on one page only", "c: is of S3 on one page only"],
              "bad/s3")


def compared(tap, name, told, good, least):
    """What finds nothing to compare is not a pass."""
    tap.result(not told and good >= least, name, [told, good])


def the_numbers(tap):
    constants = defines("spec/constants.h")
    table = rows(page("facts-a.rst"))
    compared(tap, "constants-are-the-specifications", *constant_faults(
        constants, coq_rows(page("facts-a.rst"))), 100)
    compared(tap, "registers-have-their-numbers",
             *index_faults(constants, table), 22)
    for file, prefix in (("spec/constants.h", "HVC_"), (
            "firmware/include/hypsec/abi.h", "HYPSEC_HVC_")):
        ours = {name.removeprefix(prefix): number
                for name, number in defines(file).items()
                if name.startswith(prefix)}
        compared(tap, f"calls-have-the-numbers-of/{pathlib.Path(file).name}",
                 *call_faults(page("facts-d.rst"), ours), 19)
    tap.equal(s3_faults(page("facts-b.rst"), page("primitives.rst")), [],
              "primitives-of-s3-are-in-bold")


def main():
    def body(tap):
        cited = Cited()
        tree = links.Tree(ROOT / "build")
        self_test(tap, cited, tree)
        texts = dict(citing(tree))
        cites = sum(len(pattern.findall(text)) for text in texts.values()
                    for pattern, _ in cited.kinds())
        tap.result(len(texts) > 300 and cites > 1000, "finds-what-is-cited",
                   [len(texts), cites])
        tap.equal([fault for file, text in texts.items()
                   for fault in faults(cited, tree, file, text)], [],
                  "what-is-cited-is-there")
        tap.equal(sorted({defect.rstrip("b") for defect in cited.defects}
                         ^ cited.counted), [], "defects-are-those-counted")
        the_numbers(tap)
    boottest.run(body)


if __name__ == "__main__":
    sys.exit(main())
