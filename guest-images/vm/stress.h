/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Work whose result is known, for guests that are interrupted meanwhile. */
#ifndef VM_STRESS_H
#define VM_STRESS_H

#include <stdint.h>

#define FP_BYTES	512u	/* V0 to V31 */

/* fp_sum(FP_STEPS), computed elsewhere. */
#define FP_STEPS	20000u
#define FP_SUM		UINT64_C(0x40af509184b67aad)

/**
 * struct fp_image - all that an FP/SIMD program can see
 * @fpcr: control
 * @fpsr: status
 * @v:    V0 to V31
 */
struct fp_image {
	uint64_t fpcr;
	uint64_t fpsr;
	uint64_t v[FP_BYTES / 8];
};

/* fp.S: load all registers, count down @spins, store all registers. */
void fp_hold(const struct fp_image *in, struct fp_image *out, uint64_t spins);

/* fp.S: use the FP/SIMD registers, and no more. */
void fp_touch(void);

/* fp_sum.c: a sum that depends on every bit of every step. */
uint64_t fp_sum(uint32_t steps);

/* stress.c */
void stress_fp(uint64_t seed, uint64_t spins);
void stress_fp_sum(void);
void stress_fill(uint64_t *start, uint64_t bytes, uint64_t seed);
void stress_verify(const uint64_t *start, uint64_t bytes, uint64_t seed);
uint64_t stress_free_memory(uint64_t memory_bytes, uint64_t **start);

#endif /* VM_STRESS_H */
