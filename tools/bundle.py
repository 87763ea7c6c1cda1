# SPDX-License-Identifier: GPL-2.0-or-later
"""Bundles: the VMs that the hostvisor starts, each signed.

The layout is described in guest-images/hostvisor/README.rst.
"""
import dataclasses

import newc
import sign


@dataclasses.dataclass
class Vm:
    """One VM as its owner and its host want it.

    images: [(IPA of the first byte, bytes), ...]
    config: what the host is told, KEY -> VALUE
    key:    signs the manifest
    tamper: what the host hands over in place of images, NUMBER -> bytes
    symbols: an ELF file of what runs in it, for debuggers
    """
    name: str
    images: list
    entry: int
    context: int = 0
    vcpus: int = 1
    config: dict = dataclasses.field(default_factory=dict)
    key: object = sign.DEMO_KEY
    tamper: dict = dataclasses.field(default_factory=dict)
    symbols: object = None


def make_bundle(vms):
    """The archive, as bytes. Raises sign.SignError."""
    archive = newc.Archive()
    for number, vm in enumerate(vms, 1):
        files = {"manifest": sign.make_manifest(
            vm.images, vm.entry, vm.context, vm.vcpus, vm.key)}
        for image, (_, data) in enumerate(vm.images):
            files[f"image{image}"] = vm.tamper.get(image, data)
        files["config"] = "".join(
            f"{key}={value}\n" for key, value in vm.config.items()).encode()
        for name, data in files.items():
            archive.add(f"vms/{number}-{vm.name}/{name}",
                        newc.S_IFREG | 0o644, data)
    return archive.finish()
