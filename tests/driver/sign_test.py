#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Tests of ./hypsec sign and tools/sign.py; TAP on stdout.

The manifest is taken apart by its description in manifest.h, and the
signature is checked by openssl.
"""
import hashlib
import os
import re
import struct
import subprocess
import sys
from pathlib import Path

ROOT = Path(os.environ.get('HYPSEC_ROOT',
                           Path(__file__).resolve().parents[2]))
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / 'tools'))
import sign  # noqa: E402
import taptest  # noqa: E402

IMAGE = b'a page and a little more'.ljust(5000, b'.')
ADDRESS = 0x40080000


def run(*command):
    return subprocess.run([str(c) for c in command], text=True,
                          stdin=subprocess.DEVNULL, capture_output=True,
                          check=False)


def hypsec(*arguments):
    return run(ROOT / 'hypsec', 'sign', *arguments)


def refused(message, *arguments, status=1):
    result = hypsec(*arguments)
    assert result.returncode == status, result
    assert message in result.stderr, result
    assert 'Traceback' not in result.stderr, result


def fails(message, *arguments, **named):
    try:
        sign.make_manifest(*arguments, **named)
    except sign.SignError as error:
        assert message in str(error), error
    else:
        raise AssertionError(f'no "{message}"')


def is_signed(folder, manifest, key):
    body, signature = folder / 'body', folder / 'signature'
    body.write_bytes(manifest[:-64])
    signature.write_bytes(manifest[-64:])
    return run('openssl', 'pkeyutl', '-verify', '-rawin', '-inkey', key,
               '-in', body, '-sigfile', signature).returncode == 0


# --- Keys ------------------------------------------------------------------

def test_new_key_is_a_pair(folder):
    key = folder / 'my.pem'
    result = hypsec('--new-key', key)
    assert result.returncode == 0, result
    assert key.stat().st_mode & 0o777 == 0o600
    assert (folder / 'my.pub').read_bytes() == sign.public_key(key)
    assert len(sign.public_key(key)) == 32


def test_new_key_replaces_nothing(folder):
    for name in 'my.pem', 'my.pub':
        (folder / name).write_text('mine')
        refused('exists already', '--new-key', folder / 'my.pem')
        assert (folder / name).read_text() == 'mine'
        (folder / name).unlink()
    refused('public half', '--new-key', folder / 'my.pub')
    refused('No such file', '--new-key', folder / 'no/my.pem')
    assert not list(folder.iterdir())


def test_demo_key_is_the_built_in_one(_):
    text = (ROOT / 'firmware/core/demo_key.h').read_text()
    built_in = bytes(int(byte, 16)
                     for byte in re.findall(r'0x([0-9a-f]{2})\b', text))
    assert built_in == sign.public_key(sign.DEMO_KEY)


# --- Manifests -------------------------------------------------------------

def test_manifest_holds_what_was_asked_for(folder):
    (folder / 'image').write_bytes(IMAGE)
    (folder / 'tree').write_bytes(b'tree')
    output = folder / 'manifest'
    result = hypsec('--key', sign.DEMO_KEY, '--image',
                    f'{ADDRESS:#x}={folder}/image', '--image',
                    f'0x48000000={folder}/tree', '--entry', ADDRESS + 4,
                    '--context', '0x48000000', '--vcpus', 3, '-o', output)
    assert result.returncode == 0, result
    manifest = output.read_bytes()
    assert len(manifest) == 40 + 2 * 48 + 64
    assert struct.unpack_from('<8sIIIIQQ', manifest) == (
        b'HPSECMF1', 1, 2, 3, 0, ADDRESS + 4, 0x48000000)
    for offset, address, data in ((40, ADDRESS, IMAGE),
                                  (88, 0x48000000, b'tree')):
        assert struct.unpack_from('<QQ32s', manifest, offset) == (
            address, len(data),
            hashlib.blake2b(data, digest_size=32).digest())
    assert is_signed(folder, manifest, sign.DEMO_KEY)


def test_signature_is_the_named_keys(folder):
    key = folder / 'my.pem'
    hypsec('--new-key', key)
    manifest = sign.make_manifest([(ADDRESS, IMAGE)], ADDRESS, key=key)
    assert is_signed(folder, manifest, key)
    assert not is_signed(folder, manifest, sign.DEMO_KEY)
    changed = bytearray(manifest)
    changed[20] ^= 1
    assert not is_signed(folder, bytes(changed), key)


def test_what_el2_would_refuse_is_refused(_):
    one = [(ADDRESS, IMAGE)]
    fails('1 to 5 images, not 0', [], ADDRESS)
    fails('1 to 5 images, not 6',
          [(ADDRESS + i * 8192, IMAGE) for i in range(6)], ADDRESS)
    fails('multiple of 4096', [(ADDRESS + 1, IMAGE)], ADDRESS + 4)
    fails('empty', [(ADDRESS, b'')], ADDRESS)
    fails('40 bits', [((1 << 40) - 4096, IMAGE)], (1 << 40) - 4096)
    fails('shares a page', one + [(ADDRESS + 4096, b'x')], ADDRESS)
    fails('multiple of 4', one, ADDRESS + 2)
    fails('in no image', one, ADDRESS - 4)
    fails('in no image', one, ADDRESS + len(IMAGE))
    for vcpus in 0, 9:
        fails('vCPUs', one, ADDRESS, vcpus=vcpus)
    for context in -1, 1 << 64:
        fails('64 bits', one, ADDRESS, context=context)
    sign.make_manifest(one + [(ADDRESS + 8192, b'x')], ADDRESS,
                       context=(1 << 64) - 1, vcpus=8)


def test_keys_that_are_none_are_told(folder):
    (folder / 'text.pem').write_text('no key')
    other = folder / 'x25519.pem'
    run('openssl', 'genpkey', '-algorithm', 'x25519', '-out', other)
    for name, message in (('text.pem', 'openssl says'),
                          ('none.pem', 'openssl says'),
                          ('x25519.pem', 'not an Ed25519 private key')):
        fails(message, [(ADDRESS, IMAGE)], ADDRESS, key=folder / name)


# --- The command line ------------------------------------------------------

def test_wrong_usage_is_told(folder):
    image = folder / 'image'
    image.write_bytes(IMAGE)
    base = ['--key', sign.DEMO_KEY, '--entry', ADDRESS, '-o', folder / 'm']
    refused('--key is missing', status=2)
    refused('--image is missing', *base, status=2)
    refused('stands alone', '--new-key', folder / 'k.pem', *base, status=2)
    refused('is not ADDRESS=FILE', *base, '--image', image, status=2)
    refused('is no number', *base, '--image', f'here={image}', status=2)
    refused('No such file', *base, '--image', f'{ADDRESS}={folder}/none')
    refused('in no image', *base, '--image', f'0x80000000={image}')
    refused('Is a directory', *base[:-1], folder, '--image',
            f'{ADDRESS}={image}')
    assert not (folder / 'm').exists()


if __name__ == '__main__':
    taptest.main(globals())
