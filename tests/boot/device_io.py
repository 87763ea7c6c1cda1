# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of a host's disks and network share."""
IO_SECONDS = 300
# In /proc/interrupts: a vector of each device's that must have come.
VECTORS = ("nvme0q", "virtio[0-9]+-req", "virtio[0-9]+-input")
# By RAM: how much of it Linux uses, and where the rest is, which is ours.
SPARE = {"512M": ("mem=448M", 0x5c000000), "8G": ("mem=7936M", 0x230000000)}


def io_works(tap, machine, devices, prefix=""):
    """hypsec-io and what it leaves on the images."""
    status, lines = machine.shell("hypsec-io all", timeout=IO_SECONDS)
    cases = [line for line in lines if line.startswith(("PASS: ", "FAIL: "))]
    for line in cases:
        tap.result(line.startswith("PASS: "), prefix + line.split()[2], line)
    tap.result(status == 0 and len(cases) > 0, prefix + "io-is-done",
               "\n".join(lines))
    tap.equal(devices.check(lines[-1]), [], prefix + "images-hold-it-all")


def interrupts_are_messages(tap, machine, prefix=""):
    _, lines = machine.shell("cat /proc/interrupts")
    for vector in VECTORS:
        _, count = machine.shell(
            f"awk '/MSI.* {vector}/ {{ for (i = 2; $i ~ /^[0-9]+$/; i++) "
            "sum += $i } END { print sum + 0 }' /proc/interrupts")
        tap.result(int(count[-1]) > 0, f"{prefix}msi/{vector}-comes",
                   "\n".join(lines))
