#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""To confine DMA costs what was aimed at (`bench smmu`, smallest board)."""
import boottest
import bench_smmu

# In GiB.
SIZES = (1,)


def main(tap):
    bench_smmu.check_built()
    figures = bench_smmu.measure(rounds=1, sizes=SIZES)
    tap.equal({"start": bench_smmu.start_costs(SIZES),
               "pages": bench_smmu.page_costs()},
              {name: figures[name] for name in ("start", "pages")},
              "two-runs-count-the-same")
    for what, figure, limit in bench_smmu.aims(figures):
        tap.result(figure <= limit,
                   what.lower().replace(" ", "-"),
                   f"{figure} of at most {limit}")


boottest.run(main)
