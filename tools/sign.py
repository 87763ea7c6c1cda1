#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`./hypsec sign`: make the signed manifest of a VM, and keys to sign with.

Other tools import make_manifest(). The openssl command does the cryptography;
the layout is firmware/include/hypsec/manifest.h.
"""
import argparse
import hashlib
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Everybody has its private half: for demonstrations and tests.
DEMO_KEY = ROOT / "guest-images/keys/demo.pem"

MAGIC = b"HPSECMF1"
VERSION = 1
HEADER = struct.Struct("<8sIIIIQQ")
IMAGE = struct.Struct("<QQ32s")
HASH_BYTES = 32
SIGNATURE_BYTES = 64
PUBLIC_BYTES = 32
MAX_IMAGES = 5
MAX_VCPUS = 8
PAGE = 4096
IPA_END = 1 << 40


class SignError(Exception):
    """What the user gets to read, after the program's name."""


def openssl(what, *arguments):
    """The standard output of an openssl command."""
    try:
        result = subprocess.run(["openssl", *map(str, arguments)],
                                stdin=subprocess.DEVNULL, capture_output=True,
                                check=False)
    except FileNotFoundError:
        raise SignError("openssl is missing; ./hypsec setup installs it, or "
                        "apt-get install openssl") from None
    if result.returncode:
        lines = result.stderr.decode(errors="replace").strip().splitlines()
        raise SignError(f"{what}: openssl says: "
                        f"{lines[-1] if lines else 'nothing'}")
    return result.stdout


def public_key(key):
    """The 32 bytes that a board's trusted-key takes, of a private key file."""
    text = openssl(f"reading {key}", "pkey", "-in", key, "-noout", "-text")
    if not text.startswith(b"ED25519"):
        raise SignError(f"{key} is not an Ed25519 private key; make one with "
                        "--new-key")
    return openssl(f"reading {key}", "pkey", "-in", key, "-pubout",
                   "-outform", "DER")[-PUBLIC_BYTES:]


def sign(key, data):
    """The Ed25519 signature of data."""
    public_key(key)
    # OpenSSL 3.0 signs raw data only from a file.
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        return openssl("signing", "pkeyutl", "-sign", "-rawin", "-inkey", key,
                       "-in", file.name)


def pages(size):
    return (size + PAGE - 1) // PAGE


def check(images, entry, context, vcpus):
    """What EL2 would refuse is an error here, where there is time to read."""
    if not 1 <= len(images) <= MAX_IMAGES:
        raise SignError(f"a VM has 1 to {MAX_IMAGES} images, "
                        f"not {len(images)}")
    if not 1 <= vcpus <= MAX_VCPUS:
        raise SignError(f"a VM has 1 to {MAX_VCPUS} vCPUs, not {vcpus}")
    if not 0 <= context < 1 << 64:
        raise SignError("the context does not fit 64 bits")
    taken = []
    for address, data in images:
        end = address // PAGE + pages(len(data))
        if address < 0 or address % PAGE:
            raise SignError(f"image at {address:#x}: the address is no "
                            f"multiple of {PAGE}")
        if not data:
            raise SignError(f"image at {address:#x}: it is empty")
        if address + len(data) > IPA_END:
            raise SignError(f"image at {address:#x}: it ends beyond 40 bits")
        for other, other_end in taken:
            if address < other_end * PAGE and other < end * PAGE:
                raise SignError(f"image at {address:#x}: it shares a page "
                                f"with the one at {other:#x}")
        taken.append((address, end))
    if entry % 4:
        raise SignError(f"entry {entry:#x} is no multiple of 4")
    if not any(address <= entry and entry + 4 <= address + len(data)
               for address, data in images):
        raise SignError(f"entry {entry:#x} is in no image, with the 4 bytes "
                        "of its instruction")


def make_manifest(images, entry, context=0, vcpus=1, key=DEMO_KEY):
    """The manifest of a VM, with its signature.

    images:  [(IPA of the first byte, bytes), ...] in the order in which the
             host hands them over
    entry:   IPA of vCPU 0's first instruction
    context: x0 there
    vcpus:   how many the VM has; their ids are 0 to vcpus - 1
    key:     file of the Ed25519 private key

    Raises SignError.
    """
    check(images, entry, context, vcpus)
    body = HEADER.pack(MAGIC, VERSION, len(images), vcpus, 0, entry, context)
    for address, data in images:
        digest = hashlib.blake2b(data, digest_size=HASH_BYTES).digest()
        body += IMAGE.pack(address, len(data), digest)
    return body + sign(key, body)


def new_key(path):
    """Make a key pair: PATH, and its public half beside it."""
    public = path.with_suffix(".pub")
    if public == path:
        raise SignError(f"{path} is the name of the public half; name the "
                        "private key differently, for example "
                        f"{path.with_suffix('.pem')}")
    for file in (path, public):
        if file.exists():
            raise SignError(f"{file} exists already; it stays as it is")
    pem = openssl("making a key", "genpkey", "-algorithm", "ed25519")
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600),
                  "wb") as file:
            file.write(pem)
        public.write_bytes(public_key(path))
    except OSError as error:
        raise SignError(f"{error.filename}: {error.strerror}") from None
    return public


def number(text):
    try:
        return int(text, 0)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no number; 64, 0x40 and 0b1 are") from None


def image_argument(text):
    address, equals, name = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not ADDRESS=FILE")
    return number(address), pathlib.Path(name)


def read_images(named):
    images = []
    for address, path in named:
        try:
            images.append((address, path.read_bytes()))
        except OSError as error:
            raise SignError(f"image {path}: {error.strerror}") from None
    return images


def parse_arguments(argv):
    parser = argparse.ArgumentParser(
        prog="hypsec sign",
        usage="hypsec sign --new-key KEY.pem\n"
        "       hypsec sign --key KEY.pem --image ADDRESS=FILE... "
        "--entry ADDRESS\n"
        "                   [--context X] [--vcpus N] -o MANIFEST",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="""\
Sign a virtual machine, so that the corevisor runs it: its images with their
addresses, where it starts and how many vCPUs it has. The host passes the
manifest with the hypercall SET_MANIFEST; EL2 checks it against the key that
the board trusts. Or make such a key.""",
        epilog="""\
examples:
  hypsec sign --new-key my.pem
  hypsec sign --key my.pem --image 0x40080000=Image --image 0x48000000=dtb \\
      --entry 0x40080000 --context 0x48000000 --vcpus 2 -o manifest
  qemu-system-aarch64 -M hypsec-virt,trusted-key=k \\
      -object secret,id=k,file=my.pub,format=raw ...

A board without trusted-key trusts guest-images/keys/demo.pem, a private key
that everybody has: for demonstrations and tests only.""")
    parser.add_argument("--new-key", type=pathlib.Path, metavar="KEY.pem",
                        help="make an Ed25519 key: KEY.pem, which is secret, "
                        "and KEY.pub, the public half in 32 bytes")
    parser.add_argument("--key", type=pathlib.Path, metavar="KEY.pem",
                        help="the private key that signs")
    parser.add_argument("--image", type=image_argument, action="append",
                        metavar="ADDRESS=FILE", dest="images",
                        help=f"a boot image and its IPA, a multiple of {PAGE};"
                        " in the order in which the host loads them, at most "
                        f"{MAX_IMAGES}")
    parser.add_argument("--entry", type=number, metavar="ADDRESS",
                        help="IPA of the first instruction, in an image")
    parser.add_argument("--context", type=number, metavar="X", default=0,
                        help="x0 there, for Linux the address of its device "
                        "tree (default: 0)")
    parser.add_argument("--vcpus", type=number, metavar="N", default=1,
                        help=f"how many vCPUs, 1 to {MAX_VCPUS} (default: 1)")
    parser.add_argument("-o", "--output", type=pathlib.Path,
                        metavar="MANIFEST", help="the file to write")
    args = parser.parse_args(argv)
    needed = {"--key": args.key, "--image": args.images,
              "--entry": args.entry, "-o": args.output}
    if args.new_key:
        given = [name for name, value in needed.items() if value is not None]
        if given:
            parser.error(f"--new-key stands alone, without {given[0]}")
    else:
        missing = [name for name, value in needed.items() if value is None]
        if missing:
            parser.error(f"{missing[0]} is missing")
    return args


def main(argv):
    args = parse_arguments(argv)
    if args.new_key:
        public = new_key(args.new_key)
        print(f"{args.new_key}: the private key, keep it secret")
        print(f"{public}: the public half, for the board's trusted-key")
        return
    manifest = make_manifest(read_images(args.images), args.entry,
                             args.context, args.vcpus, args.key)
    try:
        args.output.write_bytes(manifest)
    except OSError as error:
        raise SignError(f"{args.output}: {error.strerror}") from None
    print(f"{args.output}: {len(args.images)} images, {args.vcpus} vCPUs, "
          f"signed with {args.key}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except SignError as failure:
        print(f"hypsec sign: {failure}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
