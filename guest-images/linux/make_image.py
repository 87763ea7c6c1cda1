#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Take the arm64 Image out of an unpacked Debian kernel package.

usage: make_image.py PACKAGE-DIR OUTPUT DEPFILE

The package's boot/vmlinuz-* is a plain Image, a gzip-compressed one, or an
EFI zboot file around a gzip-compressed one, depending on the release. The
output is always the plain Image, its header checked.
"""
import pathlib
import struct
import sys
import zlib

IMAGE_HEADER = struct.Struct("<8x Q Q Q 24x 4s 4x")
IMAGE_MAGIC = b"ARM\x64"
GZIP_MAGIC = b"\x1f\x8b"
ZBOOT_MAGIC = b"MZ\0\0zimg"
ZBOOT_HEADER = struct.Struct("<8x I I 8x 32s")


def fail(text):
    sys.exit(f"make_image.py: {text}")


def find_kernel(package):
    """The one boot/vmlinuz-* of the package."""
    found = sorted(package.glob("boot/vmlinuz-*"))
    if len(found) != 1:
        fail(f"expected one {package}/boot/vmlinuz-*, found {len(found)}; "
             "run `./hypsec setup` to unpack the kernel package again")
    return found[0]


def plain_image(data, name):
    """The uncompressed Image held by DATA."""
    if data.startswith(ZBOOT_MAGIC):
        offset, size, method = ZBOOT_HEADER.unpack_from(data)
        if method.rstrip(b"\0") != b"gzip":
            fail(f"{name}: EFI zboot compression {method!r} is not gzip")
        data = data[offset:offset + size]
    if data.startswith(GZIP_MAGIC):
        # Not gzip.decompress(): zboot pads its payload.
        unpacker = zlib.decompressobj(wbits=31)
        try:
            data = unpacker.decompress(data)
        except zlib.error as error:
            fail(f"{name}: cannot decompress: {error}")
        if not unpacker.eof:
            fail(f"{name}: the compressed kernel is cut off")
    return data


def check_image(data, name):
    if len(data) < IMAGE_HEADER.size:
        fail(f"{name}: {len(data)} bytes are too few for an arm64 Image")
    text_offset, image_size, flags, magic = IMAGE_HEADER.unpack_from(data)
    if magic != IMAGE_MAGIC:
        fail(f"{name}: no arm64 Image (magic {magic!r}, not {IMAGE_MAGIC!r})")
    if image_size < len(data) or text_offset >= 1 << 21 or flags & 1:
        fail(f"{name}: unusable Image header: text_offset {text_offset:#x}, "
             f"image_size {image_size:#x}, flags {flags:#x}")


def main():
    if len(sys.argv) != 4:
        fail("usage: make_image.py PACKAGE-DIR OUTPUT DEPFILE")
    package, output, depfile = (pathlib.Path(a) for a in sys.argv[1:])
    kernel = find_kernel(package)
    image = plain_image(kernel.read_bytes(), kernel)
    check_image(image, kernel)
    output.write_bytes(image)
    escaped = str(kernel).replace(" ", "\\ ")
    depfile.write_text(f"{output}: {escaped}\n")


if __name__ == "__main__":
    main()
