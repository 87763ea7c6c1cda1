#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The recipes of the Linux images: same bytes each time, clear refusals."""
import gzip
import os
import pathlib
import subprocess
import sys
import tempfile

import boottest
import board

RECIPES = board.ROOT / "guest-images/linux"
SOURCES = board.BUILD / "sources"


def recipe(name, *args, **options):
    return subprocess.run([sys.executable, RECIPES / name, *map(str, args)],
                          capture_output=True, text=True, check=False,
                          timeout=200, **options)


def build_initrd(folder, **options):
    output = folder / "initrd.gz"
    done = recipe("make_initrd.py", "--busybox", SOURCES / "busybox",
                  "--kernel", SOURCES / "linux-image", "--output", output,
                  "--depfile", folder / "initrd.d", "--module", "virtio_net",
                  f"{RECIPES / 'init.sh'}=init", **options)
    assert done.returncode == 0, done.stderr
    return output.read_bytes()


def make_image(folder, kernel):
    """make_image.py on a package whose kernel is the bytes KERNEL."""
    boot = folder / "boot"
    boot.mkdir(exist_ok=True)
    (boot / "vmlinuz-test").write_bytes(kernel)
    done = recipe("make_image.py", folder, folder / "Image", folder / "d")
    return done, (folder / "Image").read_bytes() if not done.returncode \
        else b""


def main(tap):
    image = board.KERNEL.read_bytes()
    with tempfile.TemporaryDirectory(prefix="hypsec-") as folder:
        folder = pathlib.Path(folder)
        first = build_initrd(folder)
        second = build_initrd(folder, umask=0o077,
                              env={**os.environ, "TZ": "Asia/Tokyo"})
        tap.result(first == second, "initrd/same-bytes-each-time")

        _, seen = make_image(folder, gzip.compress(image, 1))
        tap.result(seen == image, "image/gzip-is-unpacked")
        for name, kernel in {
                "empty": b"", "text": b"This is no kernel.\n" * 10,
                "gzip-of-text": gzip.compress(b"no kernel" * 100),
                "cut-gzip": gzip.compress(image[:1 << 20], 1)[:1000],
                "size-beyond-header": image[:1 << 16] + bytes(len(image)) * 2,
        }.items():
            done, _ = make_image(folder, kernel)
            tap.result(done.returncode == 1 and
                       done.stderr.startswith("make_image.py: ") and
                       "Traceback" not in done.stderr,
                       f"image/{name}-is-refused", done.stderr)


boottest.run(main)
