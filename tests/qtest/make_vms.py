#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Write the VMs of the hypsec-vm qtests: images and signed manifests.

Usage: make_vms.py PARK-VM-IMAGE KEY OUTPUT. The output is a GLib key file with
one group per VM: manifest, image0, image1... in base64. Most are signed by KEY,
the published demo key; those that say so by one that no board trusts, whose
public half is group "stranger", key "public". The same input gives the same
output: Ed25519 has no random part.

Malformed manifests are here, correctly signed, since an unsigned one is
refused for its signature already. What tests can do by changing bytes is not.
"""

import base64
import hashlib
import struct
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'tools'))
import sign  # noqa: E402

PAGE = sign.PAGE
GPA = 0x80000000
DATA = GPA + 0x100000
IPA_END = sign.IPA_END
PARK_BYTES = 9 * PAGE

# A private key in PKCS #8 is 16 bytes of header and 32 of the key.
PKCS8 = bytes.fromhex('302e020100300506032b657004220420')
STRANGER = hashlib.sha256(b'a key that no board trusts').digest()


def pattern(name, size):
    """Bytes that no other image has, at no other place."""
    block = hashlib.blake2b(name.encode()).digest()
    return b''.join(hashlib.blake2b(block + i.to_bytes(8, 'little')).digest()
                    for i in range((size + 63) // 64))[:size]


def loop(name, size):
    """A pattern that begins with "b .": something to run."""
    return (struct.pack('<I', 0x14000000) + pattern(name, size))[:size]


def manifest(images, vcpus=1, entry=GPA, context=0, magic=sign.MAGIC,
             version=sign.VERSION, flags=0, count=None):
    """As sign.make_manifest(), unchecked and not yet signed; an image may have
    another size than its bytes."""
    data = sign.HEADER.pack(magic, version,
                            len(images) if count is None else count, vcpus,
                            flags, entry, context)
    for address, content, *size in images:
        data += sign.IMAGE.pack(
            address, size[0] if size else len(content),
            hashlib.blake2b(content, digest_size=sign.HASH_BYTES).digest())
    return data


def well_formed(park):
    """Name: (images, other arguments of sign.make_manifest())."""
    five = [(DATA, pattern('five0', PAGE)),
            (GPA, park),
            (DATA + 0x100000, pattern('five2', 100)),
            (DATA + 0x101000, pattern('five3', 2 * PAGE + 1)),
            (DATA + 0x200000, pattern('five4', 40 * PAGE))]
    vms = {f'park{n}': ([(GPA, park)], {'vcpus': n}) for n in (1, 2, 8)}
    vms['five'] = (five, {'vcpus': 2, 'context': 0x1122334455667788})
    vms['one'] = ([(GPA, loop('one', PAGE))], {})
    # The same address and size, another content; and elsewhere.
    vms['other'] = ([(GPA, loop('other', PAGE))], {})
    vms['away'] = ([(GPA + PAGE, loop('one', PAGE))], {'entry': GPA + PAGE})
    vms['two'] = ([(GPA, loop('two0', PAGE)), (DATA, pattern('two1', PAGE))],
                  {})
    # The last instruction of an image, and the last page there is.
    vms['last'] = ([(IPA_END - PAGE, loop('last', PAGE))],
                   {'entry': IPA_END - 4})
    vms['zeros'] = ([(GPA, loop('zeros', 4)), (DATA, bytes(3 * PAGE))], {})
    return vms


def malformed():
    """Correctly signed, and none of them can be a VM."""
    one = (GPA, loop('one', PAGE))
    two = (DATA, pattern('two1', PAGE))
    short = (GPA, loop('short', 104))
    return {
        'magic': ([one], {'magic': b'HPSECMF2'}),
        'version0': ([one], {'version': 0}),
        'version2': ([one], {'version': 2}),
        'no-images': ([one], {'count': 0}),
        'nothing': ([], {}),
        'fewer-images': ([one, two], {'count': 1}),
        'more-images': ([one], {'count': 2}),
        'six-images': ([(DATA + i * PAGE, pattern(f'six{i}', PAGE))
                        for i in range(6)], {'entry': DATA}),
        'images-wrap': ([one], {'count': 0xffffffff}),
        'no-vcpus': ([one], {'vcpus': 0}),
        'nine-vcpus': ([one], {'vcpus': 9}),
        'vcpus-wrap': ([one], {'vcpus': 0x80000001}),
        'flags': ([one], {'flags': 1}),
        'flags-high': ([one], {'flags': 1 << 31}),
        'entry-before': ([one], {'entry': GPA - 4}),
        'entry-behind': ([one], {'entry': GPA + PAGE}),
        'entry-wild': ([one], {'entry': (1 << 64) - 4}),
        'entry-high': ([one], {'entry': GPA | 1 << 48}),
        'entry-odd': ([one], {'entry': GPA + 2}),
        'entry-in-padding': ([short], {'entry': GPA + 104}),
        'load-odd': ([(GPA + 4, one[1])], {'entry': GPA + 4}),
        'load-beyond': ([(IPA_END, one[1])], {'entry': IPA_END}),
        'load-wraps': ([((1 << 64) - PAGE, one[1])],
                       {'entry': (1 << 64) - PAGE}),
        'size0': ([one, (DATA, b'')], {}),
        'size-huge': ([(GPA, one[1], (1 << 64) - 1)], {}),
        'size-beyond': ([(GPA, one[1], IPA_END)], {}),
        'overlap': ([one, one], {}),
        'overlap-page': ([(GPA, loop('overlap', 2 * PAGE)),
                          (GPA + PAGE, two[1])], {}),
    }


def main():
    park, key, output = map(Path, sys.argv[1:])
    code = park.read_bytes()
    assert len(code) <= PAGE
    code += bytes(PARK_BYTES - len(code))
    groups = {}

    def add(name, images, signed):
        groups[name] = {'manifest': signed}
        for i, image in enumerate(images):
            groups[name][f'image{i}'] = image[1]

    for name, (images, args) in well_formed(code).items():
        add(name, images, sign.make_manifest(images, args.pop('entry', GPA),
                                             key=key, **args))
    for name, (images, args) in malformed().items():
        data = manifest(images, **args)
        add(f'bad-{name}', images, data + sign.sign(key, data))
    one = groups['one']['image0']
    with tempfile.TemporaryDirectory() as folder:
        stranger = Path(folder) / 'stranger.der'
        stranger.write_bytes(PKCS8 + STRANGER)
        add('stranger', [(GPA, one)],
            sign.make_manifest([(GPA, one)], GPA, key=stranger))
        groups['stranger']['public'] = sign.public_key(stranger)
    with output.open('w') as out:
        for name, values in groups.items():
            out.write(f'[{name}]\n')
            for what, value in values.items():
                out.write(f'{what}={base64.b64encode(value).decode()}\n')


if __name__ == '__main__':
    main()
