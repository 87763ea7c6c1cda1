#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Have a tool parse its command line with its own parser, and do no more.

    parse_only.py TOOL [ARGUMENT]...

Prints "parsed" if the tool takes the arguments; otherwise it is as the tool
says, on stderr with exit status 2.
"""
import argparse
import pathlib
import runpy
import sys


def only(method):
    """METHOD of the parser, and then the end."""
    def parse(self, *args, **kwargs):
        method(self, *args, **kwargs)
        print("parsed")
        sys.exit(0)
    return parse


def main():
    tool = pathlib.Path(sys.argv[1])
    sys.argv = sys.argv[1:]
    sys.path[0] = str(tool.parent)
    sys.dont_write_bytecode = True
    for name in "parse_args", "parse_intermixed_args":
        setattr(argparse.ArgumentParser, name,
                only(getattr(argparse.ArgumentParser, name)))
    # parse_intermixed_args and the like must not come by here a second time:
    # what ends in only() never returns.
    runpy.run_path(str(tool), run_name="__main__")


main()
