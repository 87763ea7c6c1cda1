#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Build an initramfs: busybox, our scripts, a few kernel modules.

usage: make_initrd.py --busybox DIR --kernel DIR --output FILE --depfile FILE
                      [--module NAME]... SCRIPT=PATH...

The same input gives the same bytes on every machine and for every user:
fixed times, owners and order, and no name or time in the gzip header.
"""
import argparse
import lzma
import pathlib
import re
import struct
import sys
import zlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import newc  # noqa: E402
from newc import S_IFCHR, S_IFDIR, S_IFLNK, S_IFREG  # noqa: E402

DIRECTORIES = ["bin", "dev", "etc", "lib", "lib/modules", "proc", "root",
               "run", "sbin", "sys", "tmp", "usr", "usr/bin", "usr/sbin"]


def fail(text):
    sys.exit(f"make_initrd.py: {text}")


def gzip_bytes(data):
    """DATA in a gzip file whose header holds neither name nor time."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = packer.compress(data) + packer.flush()
    header = b"\x1f\x8b\x08\0" + bytes(4) + b"\x02\x03"
    return header + body + struct.pack("<II", zlib.crc32(data),
                                       len(data) & 0xffffffff)


class Modules:
    """The modules of one unpacked kernel package."""

    def __init__(self, package):
        roots = sorted(package.glob("lib/modules/*")) or \
            sorted(package.glob("usr/lib/modules/*"))
        if len(roots) != 1:
            fail(f"expected one {package}/lib/modules/*, found {len(roots)}; "
                 "run `./hypsec setup` to unpack the kernel package again")
        self.files = {}
        for path in roots[0].rglob("*.ko*"):
            name = path.name.split(".ko")[0].replace("-", "_")
            self.files[name] = path
        builtin = (roots[0] / "modules.builtin").read_text().split()
        self.builtin = {pathlib.PurePath(line).stem.replace("-", "_")
                        for line in builtin}

    def content(self, name):
        path = self.files[name]
        data = path.read_bytes()
        return lzma.decompress(data) if path.suffix == ".xz" else data

    def load_order(self, wanted):
        """WANTED and all that they depend on, in an order that loads."""
        order = []

        def visit(name):
            if name in order or name in self.builtin:
                return
            if name not in self.files:
                fail(f"the kernel package has no module {name}")
            match = re.search(rb"\0depends=([^\0]*)\0", self.content(name))
            for needed in (match[1].decode() if match else "").split(","):
                if needed:
                    visit(needed.replace("-", "_"))
            order.append(name)

        for name in wanted:
            visit(name)
        return order


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--busybox", type=pathlib.Path, required=True)
    parser.add_argument("--kernel", type=pathlib.Path, required=True)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--depfile", type=pathlib.Path, required=True)
    parser.add_argument("--module", action="append", default=[])
    parser.add_argument("scripts", nargs="+", metavar="SCRIPT=PATH",
                        help="a file and its path inside the initramfs")
    args = parser.parse_args()

    busybox = next((p for p in (args.busybox / "bin/busybox",
                                args.busybox / "usr/bin/busybox")
                    if p.is_file()), None)
    if busybox is None:
        fail(f"no bin/busybox in {args.busybox}; run `./hypsec setup`")
    modules = Modules(args.kernel)
    order = modules.load_order(args.module)

    archive = newc.Archive()
    for name in DIRECTORIES:
        archive.add(name, S_IFDIR | 0o755)
    # The kernel opens it for init before devtmpfs is there.
    archive.add("dev/console", S_IFCHR | 0o600, device=(5, 1))
    archive.add("bin/busybox", S_IFREG | 0o755, busybox.read_bytes())
    archive.add("bin/sh", S_IFLNK | 0o777, b"busybox")
    for name in order:
        archive.add(f"lib/modules/{name}.ko", S_IFREG | 0o644,
                    modules.content(name))
    archive.add("lib/modules/order", S_IFREG | 0o644,
                "".join(f"{name}\n" for name in order).encode())
    inputs = [busybox, *(modules.files[name] for name in order)]
    for script in args.scripts:
        source, _, target = script.partition("=")
        source = pathlib.Path(source)
        archive.add(target, S_IFREG | 0o755, source.read_bytes())
        inputs.append(source)

    args.output.write_bytes(gzip_bytes(archive.finish()))
    escaped = (str(path).replace(" ", "\\ ") for path in inputs)
    args.depfile.write_text(f"{args.output}: {' '.join(escaped)}\n")


if __name__ == "__main__":
    main()
