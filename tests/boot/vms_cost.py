#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Round trips and Linux as a VM cost no more than they did (bench switch and
linux-vm)."""
import boottest
import bench_linux_vm
import bench_switch


def main(tap):
    bench_switch.check_built()
    figures = bench_switch.measure()
    tap.equal(bench_switch.measure(), figures,
              "switch/two-runs-count-the-same")
    el2 = figures["hypercall"]["el2"]
    tap.result(el2 <= bench_switch.HYPERCALL_TODAY, "switch/hypercall",
               f"{el2} of at most {bench_switch.HYPERCALL_TODAY}")
    ratio = bench_linux_vm.measure()["ratio"]
    tap.result(ratio <= bench_linux_vm.MAX_RATIO, "linux-vm/ratio",
               f"{ratio:.4f} of at most {bench_linux_vm.MAX_RATIO}")


boottest.run(main)
