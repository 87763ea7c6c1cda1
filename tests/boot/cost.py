#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A boot costs what was aimed at, and the same in each run (`bench boot`)."""
import boottest
import bench


def main(tap):
    figures, differences = bench.measure_boot(runs=2)
    tap.result(not differences, "two-runs-count-the-same",
               "\n".join(differences))
    for what, figure, limit in bench.boot_aims(figures):
        name = what.lower().replace(" ", "-")
        if limit is None:
            tap.skip(name, "the kernel does not say what RAM was touched")
        else:
            tap.result(figure <= limit, name, f"{figure} of at most {limit}")


boottest.run(main)
