#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Memory operations cost what was aimed at (`bench memory`, smallest board)."""
import boottest
import bench_memory

# In GiB.
SIZES = (1,)


def main(tap):
    bench_memory.check_built()
    figures = bench_memory.measure(SIZES)
    tap.result(bench_memory.measure(SIZES) == figures,
               "two-runs-count-the-same")
    for item, values in bench_memory.rows(figures):
        tap.result(bench_memory.judge(item, values), item.name,
                   f"{max(values):.0f} of at most {item.limit}, "
                   f"{bench_memory.growth(values)}")
    for gib, used, given, limit, good in bench_memory.memory_rows(figures):
        tap.result(good, f"el2-memory-{gib}-gib",
                   f"{used} used, {given} given, limit {limit}")


boottest.run(main)
