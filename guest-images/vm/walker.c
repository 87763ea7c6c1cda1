/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A walk through all of the VM's RAM, a pattern at a time: pages come from the
 * host one by one, and each word keeps what was written into it.
 */
#include "stress.h"
#include "vm.h"

#define DEFAULT_ROUNDS	2u

const char vm_name[] = "walker";

void vm_main(const struct vm_params *params)
{
	unsigned int rounds = params->argument ? params->argument :
						 DEFAULT_ROUNDS;
	uint64_t *start;
	uint64_t bytes = stress_free_memory(params->memory_bytes, &start);
	uint64_t pages = bytes / VM_PAGE_SIZE;

	for (unsigned int round = 0; round < rounds; round++) {
		uint64_t seed = (uint64_t)params->id << 32 | round;

		/* Backwards: blocks are not touched at their start first. */
		for (uint64_t page = pages; page--;) {
			stress_fill(start + page * VM_PAGE_SIZE / 8,
				    VM_PAGE_SIZE, seed);
		}
		stress_verify(start, bytes, seed);
		vm_print("walker: round %u of %u, %lu MiB", round + 1, rounds,
			 bytes >> 20);
	}
	vm_ok("bytes=%lu rounds=%u", bytes, rounds);
}
