# SPDX-License-Identifier: GPL-2.0-or-later
"""gdb: whose symbols are where, and `hypsec world`, `hypsec symbols`."""
import pathlib

import gdb

import common
from common import Command, HypsecError, say


class World(Command):
    """Say where each CPU is.

usage: hypsec world

A CPU is at EL2 (el2), or runs the host (host) or a VM (vm1 to vm15).

  (gdb) hypsec world
  * CPU 0: el2 EL2, below: host, pc 0x4000001234
    CPU 1: vm2 EL1, pc 0x40000040"""
    name = "hypsec world"

    def run(self, args):
        selected = common.cpu_number()
        for cpu in common.cpus():
            world = common.current_world()
            below = f", below: {common.world_below()}" \
                if world == "el2" else ""
            say(f"{'*' if cpu == selected else ' '} CPU {cpu}: {world} "
                f"EL{common.level()}{below}, "
                f"pc {common.register('pc'):#x}")


class Symbols(Command):
    """Say which symbols are loaded, where, and why.

usage: hypsec symbols
       hypsec symbols add WORLD FILE [NAME]

WORLD is el2, host, vm1 to vm15, or vm for any VM that runs FILE."""
    name = "hypsec symbols"

    def add_arguments(self, parser):
        parser.add_argument("action", nargs="?", choices=("add",))
        parser.add_argument("world", nargs="?")
        parser.add_argument("file", nargs="?")
        parser.add_argument("label", nargs="?")

    def run(self, args):
        if args.action is None:
            for objfile in gdb.objfiles():
                say(objfile.filename)
            return
        if args.world is None or args.file is None:
            raise HypsecError("hypsec symbols add WORLD FILE [NAME]")
        if not pathlib.Path(args.file).is_file():
            raise HypsecError(f"{args.file}: no such file")
        if args.world in ("el2", "host"):
            gdb.execute(f'add-symbol-file "{args.file}"', to_string=True)


World()
Symbols()
