# SPDX-License-Identifier: GPL-2.0-or-later
"""gdb's `hypsec` commands; in gdb: source tools/gdb/hypsec_gdb.py

Each module cmd_*.py beside this file registers one family of commands when it
is imported; common.py has what they share.
"""
import importlib
import pathlib
import sys

import gdb

FOLDER = pathlib.Path(__file__).resolve().parent
for folder in (FOLDER.parent, FOLDER):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
# Nothing is left behind in a source tree that somebody only debugs with.
sys.dont_write_bytecode = True


def load():
    """Import all modules of commands. One that is broken loses its commands
    alone."""
    common = importlib.import_module("common")
    common.register_prefixes()
    # Of code without unwind information gdb makes a stack without end.
    gdb.execute("set backtrace limit 64")
    for path in sorted(FOLDER.glob("cmd_*.py")):
        try:
            importlib.import_module(path.stem)
        except Exception as error:   # gdb and the other commands stay usable
            gdb.write(f"hypsec: {path}: {type(error).__name__}: {error}\n",
                      gdb.STDERR)


load()
