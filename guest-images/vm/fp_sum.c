/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compiled with FP registers, unlike the rest. */
#include "stress.h"

/**
 * fp_sum() - a chaotic series, in which a wrong bit changes the result
 * @steps: how many
 *
 * Returns: the bits of the result
 */
uint64_t fp_sum(uint32_t steps)
{
	double x = 0.5, sum = 0.0;
	uint64_t bits;

	while (steps--) {
		x = 3.875 * x * (1.0 - x);
		sum += x / 3.0;
	}
	__asm__("fmov %0, %d1" : "=r"(bits) : "w"(sum));
	return bits;
}
