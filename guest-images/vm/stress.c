/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A wrong value ends the VM with HYPSEC-VM-FAIL. */
#include "stress.h"
#include "vm.h"

/* FPCR.RMode, FZ, DN; FPSR.QC and the cumulative flags. */
#define FPCR_BITS	UINT64_C(0x03c00000)
#define FPSR_BITS	UINT64_C(0x0800009f)

/* A number that looks like no other one's. */
static uint64_t mix(uint64_t value)
{
	value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
	return value ^ value >> 31;
}

/**
 * stress_fp() - keep values in all FP/SIMD registers for a while
 * @seed:  which values
 * @spins: for so many loops
 */
void stress_fp(uint64_t seed, uint64_t spins)
{
	struct fp_image in, out;

	in.fpcr = mix(seed) & FPCR_BITS;
	in.fpsr = mix(~seed) & FPSR_BITS;
	for (unsigned int i = 0; i < FP_BYTES / 8; i++) {
		in.v[i] = mix(seed + i);
	}
	fp_hold(&in, &out, spins);
	for (unsigned int i = 0; i < FP_BYTES / 8; i++) {
		if (in.v[i] != out.v[i]) {
			vm_fail("vcpu %u: V%u is %lx, not %lx", vm_vcpu(),
				i / 2, out.v[i], in.v[i]);
		}
	}
	if (in.fpcr != out.fpcr || in.fpsr != out.fpsr) {
		vm_fail("vcpu %u: FPCR %lx, not %lx; FPSR %lx, not %lx",
			vm_vcpu(), out.fpcr, in.fpcr, out.fpsr, in.fpsr);
	}
}

/**
 * stress_fp_sum() - compute with FP registers
 */
void stress_fp_sum(void)
{
	uint64_t sum = fp_sum(FP_STEPS);

	if (sum != FP_SUM) {
		vm_fail("vcpu %u: a sum is %lx, not %lx", vm_vcpu(), sum,
			FP_SUM);
	}
}

/**
 * stress_fill() - write a pattern that says where it belongs
 * @start: first word
 * @bytes: a multiple of 8
 * @seed:  tells patterns apart
 */
void stress_fill(uint64_t *start, uint64_t bytes, uint64_t seed)
{
	for (uint64_t i = 0; i < bytes / 8; i++) {
		start[i] = mix(seed ^ (uintptr_t)&start[i]);
	}
}

/**
 * stress_verify() - what stress_fill() wrote is still there
 * @start: first word
 * @bytes: a multiple of 8
 * @seed:  as it was written
 */
void stress_verify(const uint64_t *start, uint64_t bytes, uint64_t seed)
{
	for (uint64_t i = 0; i < bytes / 8; i++) {
		uint64_t expected = mix(seed ^ (uintptr_t)&start[i]);

		if (start[i] != expected) {
			vm_fail("vcpu %u: memory at %lx is %lx, not %lx",
				vm_vcpu(), (unsigned long)(uintptr_t)&start[i],
				start[i], expected);
		}
	}
}

/**
 * stress_free_memory() - the RAM behind this image
 * @memory_bytes: RAM of the VM
 * @start:        where to put its address
 *
 * Returns: bytes
 */
uint64_t stress_free_memory(uint64_t memory_bytes, uint64_t **start)
{
	*start = (uint64_t *)(void *)vm_end;
	return VM_RAM_BASE + memory_bytes - (uintptr_t)vm_end;
}
