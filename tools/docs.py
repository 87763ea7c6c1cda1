#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`./hypsec docs`: build the documentation as web pages.

A warning of Sphinx's is an error: a page that is in no table of contents, a
reference that leads nowhere, a malformed table. Exit status 0, or 1 with what
Sphinx says, or 2 for wrong usage.
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("HYPSEC_BUILD", ROOT / "build"))


def parse_arguments(argv):
    parser = argparse.ArgumentParser(
        prog="hypsec docs", formatter_class=argparse.RawTextHelpFormatter,
        description="""\
Build the documentation from docs/ as web pages, without a network, and say
where they are. A broken reference is an error.""")
    parser.add_argument("--out", type=pathlib.Path, metavar="FOLDER",
                        default=BUILD / "docs/html",
                        help="where the pages go (default: build/docs/html);\n"
                        "the folder must be empty or hold such pages")
    parser.add_argument("--source", type=pathlib.Path, default=ROOT / "docs",
                        help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def is_ours(folder):
    """May FOLDER be replaced: is it absent, empty or an earlier result?"""
    if not folder.exists():
        return True
    return folder.is_dir() and (
        not any(folder.iterdir()) or (folder / ".buildinfo").exists())


def build(program, source, out):
    """Build the pages of SOURCE in the new folder OUT; True if all is well."""
    doctrees = out.with_name(out.name + ".doctrees")
    try:
        done = subprocess.run(
            [program, "-q", "-b", "html", "-W", "-n", "--keep-going", "-d",
             doctrees, source, out], stdin=subprocess.DEVNULL, check=False)
    finally:
        shutil.rmtree(doctrees, ignore_errors=True)
    return done.returncode == 0


def fail(text):
    print(f"hypsec docs: {text}", file=sys.stderr)
    return 1


def main(argv):
    args = parse_arguments(argv)
    out = args.out.resolve()
    # By its program: python3 need not be the one that Debian's Sphinx is for.
    program = shutil.which("sphinx-build")
    if not program:
        return fail("Sphinx is missing; run apt-get install python3-sphinx")
    if not is_ours(out):
        return fail(f"{args.out} is no empty folder and no earlier result of "
                    "this command; name another one with --out")
    fresh = out.with_name(out.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        fresh.mkdir(parents=True)
        good = build(program, args.source, fresh)
        if good:
            shutil.rmtree(out, ignore_errors=True)
            fresh.rename(out)
    except OSError as error:
        return fail(f"{error.filename}: {error.strerror}")
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    if not good:
        return fail("the pages have the faults above; nothing was written")
    print(f"docs: {out / 'index.html'}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
