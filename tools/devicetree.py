# SPDX-License-Identifier: GPL-2.0-or-later
"""Device trees: of nested dictionaries, and the one that our VMs get.

A node is a dictionary in order: a value that is a dictionary is a child node,
any other one a property, encoded by its type.
"""
import struct

MAGIC, VERSION, LAST_COMPATIBLE = 0xd00dfeed, 17, 16
BEGIN_NODE, END_NODE, PROPERTY, END = 1, 2, 3, 9
HEADER = struct.Struct(">10I")

# The VM's address map, as guest-images/hostvisor/README.rst has it.
GICD, GICC, GICR, GICR_STRIDE = 0x08000000, 0x08010000, 0x080a0000, 0x20000
UART, UART_SPI = 0x09000000, 1
DEVICE = 0x0b000000
RAM = 0x40000000
VIRTUAL_TIMER_PPI = 11
SPI, PPI, LEVEL_HIGH = 0, 1, 4
INTC, CLOCK = 1, 2


def cells(*values):
    """A property of 32-bit numbers."""
    return struct.pack(f">{len(values)}I", *values)


def reg(*pairs):
    """A reg property: (address, size), each of two cells."""
    return b"".join(struct.pack(">2Q", *pair) for pair in pairs)


def encode_value(value):
    if value is True:
        return b""
    if isinstance(value, bytes):
        return value
    if isinstance(value, int):
        return cells(value)
    strings = [value] if isinstance(value, str) else value
    return b"".join(text.encode() + b"\0" for text in strings)


def padded(data):
    return data + bytes(-len(data) % 4)


def encode(root):
    """The flattened device tree of ROOT."""
    names, offsets, body = bytearray(), {}, bytearray()

    def visit(name, node):
        nonlocal body
        body += cells(BEGIN_NODE) + padded(name.encode() + b"\0")
        # Properties stand before child nodes.
        for key, value in sorted(node.items(),
                                 key=lambda item: isinstance(item[1], dict)):
            if isinstance(value, dict):
                visit(key, value)
                continue
            if key not in offsets:
                offsets[key] = len(names)
                names.extend(key.encode() + b"\0")
            data = encode_value(value)
            body += cells(PROPERTY, len(data), offsets[key]) + padded(data)
        body += cells(END_NODE)

    visit("", root)
    body += cells(END)
    reservations = bytes(16)
    structure = HEADER.size + len(reservations)
    total = structure + len(body) + len(names)
    return HEADER.pack(MAGIC, total, structure, structure + len(body),
                       HEADER.size, VERSION, LAST_COMPATIBLE, 0, len(names),
                       len(body)) + reservations + bytes(body) + bytes(names)


def interrupt_controller(gic, vcpus):
    if gic == 3:
        return {"compatible": "arm,gic-v3",
                "reg": reg((GICD, 0x10000), (GICR, vcpus * GICR_STRIDE)),
                "#interrupt-cells": 3, "interrupt-controller": True,
                "phandle": INTC}
    return {"compatible": "arm,cortex-a15-gic",
            "reg": reg((GICD, 0x1000), (GICC, 0x2000)),
            "#interrupt-cells": 3, "interrupt-controller": True,
            "phandle": INTC}


def timer_interrupt(gic, vcpus):
    # GICv2: bits 15:8 say which CPUs have it.
    mask = (1 << vcpus) - 1 << 8 if gic == 2 else 0
    return cells(PPI, VIRTUAL_TIMER_PPI, mask | LEVEL_HIGH)


def vm(memory, vcpus, gic, bootargs, initrd=None, psci_method="hvc",
       host_device=True, seed=None):
    """The device tree of a VM, as bytes.

    memory: bytes; initrd: (first, end) as IPAs; seed: what the kernel's random
    generator starts with, which is no secret, for figures that do not vary
    """
    chosen = {"bootargs": bootargs, "stdout-path": f"/pl011@{UART:x}"}
    if initrd:
        chosen["linux,initrd-start"] = struct.pack(">Q", initrd[0])
        chosen["linux,initrd-end"] = struct.pack(">Q", initrd[1])
    if seed:
        chosen["rng-seed"] = seed
    cpus = {f"cpu@{n}": {"device_type": "cpu", "compatible": "arm,armv8",
                         "reg": n, "enable-method": "psci"}
            for n in range(vcpus)}
    root = {
        "compatible": "linux,dummy-virt",
        "model": "hypsec-virt protected VM",
        "#address-cells": 2,
        "#size-cells": 2,
        "interrupt-parent": INTC,
        "chosen": chosen,
        f"memory@{RAM:x}": {"device_type": "memory",
                            "reg": reg((RAM, memory))},
        "cpus": {"#address-cells": 1, "#size-cells": 0, **cpus},
        "psci": {"compatible": ["arm,psci-1.0", "arm,psci-0.2"],
                 "method": psci_method},
        # Of the four timers it has the virtual one alone.
        "timer": {"compatible": "arm,armv8-timer", "always-on": True,
                  "interrupt-names": "virt",
                  "interrupts": timer_interrupt(gic, vcpus)},
        f"intc@{GICD:x}": interrupt_controller(gic, vcpus),
        "apb-pclk": {"compatible": "fixed-clock", "#clock-cells": 0,
                     "clock-frequency": 24_000_000,
                     "clock-output-names": "clk24mhz", "phandle": CLOCK},
        f"pl011@{UART:x}": {"compatible": ["arm,pl011", "arm,primecell"],
                            "arm,primecell-periphid": 0x00341011,
                            "reg": reg((UART, 0x1000)),
                            "interrupts": cells(SPI, UART_SPI, LEVEL_HIGH),
                            "clocks": cells(CLOCK, CLOCK),
                            "clock-names": ["uartclk", "apb_pclk"]},
    }
    if host_device:
        root[f"hostvisor@{DEVICE:x}"] = {"compatible": "hypsec,hostvisor",
                                         "reg": reg((DEVICE, 0x1000))}
    return encode(root)
