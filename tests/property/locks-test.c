/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The firmware's locks by the specification's measure: what eight CPUs do with
 * them is, for each lock, a legal history of a ticket lock, and each CPU takes
 * them in their order and holds none in the end.
 */
#include "harness.h"

#include <pthread.h>

#include "core/boot_ops.h"
#include "core/locks.h"
#include "core/mem_handler.h"
#include "core/mem_manager.h"
#include "core/memory_ops.h"
#include "spec_locks.h"

#define CPUS		TOTAL_CPU
#define CALLS		150
#define FIRST_PFN	(TEST_RAM_BASE >> PAGE_SHIFT)
/* Few pages, so that the CPUs meet. */
#define PAGES		64u

/* Seeded per CPU, so that the calls are the same in every run. */
static uint32_t below(uint32_t *seed, uint32_t limit)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 16) % limit;
}

static enum hv_status some_call(uint32_t *seed)
{
	vmid_t vm = 1 + below(seed, 3);
	uint64_t pfn = FIRST_PFN + below(seed, PAGES);
	uint32_t ignored;

	switch (below(seed, 8)) {
	case 0:
		return register_kvm(&ignored);
	case 1:
		return destroy_vm(vm);
	case 2:
		return set_boot_info(vm, pfn << PAGE_SHIFT, PAGE_SIZE,
				     &ignored);
	case 3:
		return remap_vm_image(vm, pfn, below(seed, 5));
	case 4:
		return grant_stage2_sg_gpa(vm, pfn << PAGE_SHIFT, PAGE_SIZE);
	case 5:
		return prot_and_map_vm_s2pt(vm, pfn << PAGE_SHIFT,
					    pfn << PAGE_SHIFT, 3);
	default:
		return map_page_host(pfn << PAGE_SHIFT);
	}
}

static void *run_cpu(void *data)
{
	uint32_t cpu = GPOINTER_TO_UINT(data);
	uint32_t seed = cpu;
	unsigned int done = 0;

	machine_become_cpu(cpu);
	for (unsigned int i = 0; i < CALLS; i++) {
		done += some_call(&seed) == HV_OK ? 1 : 0;
	}
	return GUINT_TO_POINTER(done);
}

static void history_of_eight_cpus_is_legal(void)
{
	pthread_t threads[CPUS];
	void *done;

	machine_add_cpus();
	spec_locks_record();
	for (uint32_t i = 0; i < CPUS; i++) {
		g_assert_cmpint(pthread_create(&threads[i], NULL, run_cpu,
					       GUINT_TO_POINTER(i)), ==, 0);
	}
	for (uint32_t i = 0; i < CPUS; i++) {
		g_assert_cmpint(pthread_join(threads[i], &done), ==, 0);
		g_assert_cmpuint(GPOINTER_TO_UINT(done), >, 0);
	}
	spec_locks_check(CPUS * CALLS);
}

static const struct unit_test tests[] = {
	UNIT_TEST("/property/locks/history-of-eight-cpus-is-legal",
		  history_of_eight_cpus_is_legal),
};

int main(int argc, char **argv)
{
	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
