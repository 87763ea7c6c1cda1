#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Type what a page's reader types and compare what the reader is shown.

    run_page.py PAGE...        the pages' blocks that are marked, see
                               transcript.py
    run_page.py --self-test    whether a page that is wrong would be noticed
"""
import argparse
import os
import pathlib
import sys
import tempfile

from docpages import ROOT, boottest
import transcript

# No page has a command that takes longer; it bounds a hang.
SECONDS = 300


def environment(folder):
    """What is built is used as it is: who runs tests has the build's lock.
    Boards of other tests are not to be seen."""
    return dict(os.environ, HYPSEC_NO_BUILD="1", HYPSEC_RUNS=folder)


def play(tap, name):
    """One result for each block; a session ends at its first mismatch."""
    blocks = transcript.blocks(ROOT / name, name)
    if not blocks:
        tap.result(False, f"{name}/has-something-to-run")
    names = list(dict.fromkeys(block.session for block in blocks))
    for session in names:
        mine = [block for block in blocks if block.session == session]
        with tempfile.TemporaryDirectory(prefix="hypsec-") as runs, \
                transcript.Player(ROOT, environment(runs), SECONDS) as player:
            for number, block in enumerate(mine, 1):
                what = f"{name}/{session}/{number}"
                try:
                    player.run(block)
                except transcript.Mismatch as error:
                    tap.result(False, what, error)
                    break
                tap.result(True, what)


def told(folder, text):
    """What is wrong with a page of this TEXT; None if nothing is."""
    page = folder / "page.rst"
    page.write_text(text)
    try:
        blocks = transcript.blocks(page, "page.rst")
        with transcript.Player(folder, dict(os.environ),
                               SECONDS) as player:
            for block in blocks:
                player.run(block)
    except transcript.Mismatch as error:
        return str(error)
    return None


def block(*lines, mark=".. run: a"):
    return "\n".join([mark, "", "::", "", *("  " + line for line in lines),
                      "", "Text.", ""])


# Whenever Ctrl-C comes: it is not lost between two commands of a shell.
CATCH = "$ sh -c 'trap \"echo caught; exit\" INT; seq 3; " \
    "while :; do sleep 1; done'"
GOOD = {
    "output": block("$ echo one; echo two", "one", "two"),
    "wildcards": block("$ seq 9; echo 'took 3 s'", "1", "...", "took ... s"),
    "lines-after-a-block": block("$ seq 9", "1", "...") +
                           block(CATCH, "1", "...", "<Ctrl-C>", "^Ccaught",
                                 "$ echo b", "b"),
    "continued-line": block("$ echo a \\", "    b", "a b"),
    "a-later-block": block("$ x=5") + block("$ echo $x", "5"),
    "two-terminals": block("$ x=5") + block(
        "$ echo ${x-none}", "none", mark=".. run: a terminal=2"),
    "keys": block(CATCH, "1", "2", "3", "<Ctrl-C>", "^Ccaught", "$ echo b",
                  "b"),
    "again": block("$ echo >>a; wc -l a", "3 a", "$ rm a",
                   mark=".. run: a again"),
    "late-words-of-a-kernel": block(
        r"$ PS1='$ [    1.234567] random: done'$'\n'", "$ echo a", "a"),
    "prompt-that-asks": block(
        r"$ PS1='/root # '$'\x1b[6n'", "/root # echo a", "a",
        "/root # PS1='$ '", "$ echo b", "b"),
    "rewritten-lines": block(r"$ printf 'abc\033[2D\033[Kd\rA\n'", "Ad"),
    "not-marked": "::\n\n  $ false\n  never\n",
}
# Their shells end, so that nothing has to be waited for.
BAD = {
    "wrong-output": (block("$ echo one; exit", "two"),
                     "page.rst:1: the line 'two' did not come"),
    "missing-line": (block("$ echo one; exit", "one", "two", "$ echo"),
                     "'two'"),
    "more-lines": (block("$ echo one; echo two; exit", "one", "$ echo"),
                   "the prompt '$ '"),
    "wildcard-beyond-a-line": (block("$ echo a; echo b; exit", "a...b"),
                               "'a...b'"),
    "wrong-order": (block("$ echo one; echo two; exit", "two", "one"),
                    "'two'"),
    "shell-that-ended": (block("$ exit", "$ echo"), "the prompt '$ '"),
    "prompt-without-its-question": (
        block("$ exec sh -c 'printf \"/root # \"'", "/root # a"),
        "the prompt '/root # '"),
    "nothing-to-type": (block("output"), "nothing to type"),
}


def self_test(tap):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for name, text in GOOD.items():
            seen = told(folder, text)
            tap.result(seen is None, f"good/{name}", seen)
        for name, (text, expected) in BAD.items():
            seen = told(folder, text)
            tap.result(seen is not None and expected in seen, f"bad/{name}",
                       f"told: {seen}")


def main(argv):
    parser = argparse.ArgumentParser()
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("pages", nargs="*")
    args = parser.parse_args(argv)

    def body(tap):
        if args.self_test:
            self_test(tap)
        for page in args.pages:
            play(tap, page)
    boottest.run(body)


if __name__ == "__main__":
    main(sys.argv[1:])
