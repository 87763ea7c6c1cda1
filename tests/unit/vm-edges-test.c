/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What mutations of the memory operations showed to be missing elsewhere: one
 * page too many or too few, an id that is lost, a lock that nobody misses.
 */
#include "opstate.h"

#include "core/boot_core.h"
#include "core/boot_ops.h"
#include "core/locks.h"
#include "core/mem_handler.h"
#include "core/mem_region.h"
#include "core/npt_ops.h"
#include "core/page_manager.h"
#include "core/reclaim.h"

#define PFN OPS_PFN(2, 37)
#define GFN (OPS_GFN + 5)
#define IMAGE (OPS_GFN << PAGE_SHIFT)
#define SECRET 0x5a

static enum hv_status try_register(void)
{
	uint32_t vmid;

	return register_kvm(&vmid);
}

/* Memory for three chunks of tables: two VMs, one of which has two. */
static void start_full_machine(void)
{
	ops_start_with_chunks(3);
	g_assert_cmpuint(ops_new_vm(), ==, 1);
	g_assert_cmpuint(ops_new_vm(), ==, 2);
	/* Each GiB takes two tables, and a chunk has fourteen. */
	for (uint64_t i = 0; i < 8; i++) {
		ops_give_page(1, i << (30 - PAGE_SHIFT), PFN + i);
	}
}

/* A VM that gets no table leaves its id to the next one. */
static void refused_id_is_free_again(void)
{
	start_full_machine();
	assert_refused(try_register(), HV_ENOMEM);
	assert_done(destroy_vm(1));
	g_assert_cmpuint(ops_new_vm(), ==, 1);
	g_assert_cmpuint(ops_new_vm(), ==, 3);
}

static struct native_cpu *other_cpu;
static vmid_t vm_of_call;

static void *call_on_cpu_1(void *data)
{
	machine_become_cpu(1);
	__atomic_store_n(&other_cpu, &native_cpu, __ATOMIC_RELEASE);
	return GUINT_TO_POINTER(((uint32_t (*)(void))data)());
}

/* What @call returns on another CPU, once that has waited for this one. */
static uint32_t result_after_waiting(uint32_t (*call)(void),
				     void (*acquire)(void),
				     void (*release)(void))
{
	GThread *thread;

	__atomic_store_n(&other_cpu, NULL, __ATOMIC_RELEASE);
	acquire();
	thread = g_thread_new(NULL, call_on_cpu_1, (void *)call);
	while (__atomic_load_n(&other_cpu, __ATOMIC_ACQUIRE) == NULL ||
	       !__atomic_load_n(&other_cpu->waits, __ATOMIC_ACQUIRE)) {
		g_thread_yield();
	}
	release();
	return GPOINTER_TO_UINT(g_thread_join(thread));
}

static uint32_t under_core(uint32_t (*call)(void))
{
	return result_after_waiting(call, acquire_lock_core,
				    release_lock_core);
}

static uint32_t free_vm_3(void)
{
	boot_core_free_vmid(3);
	return 0;
}

static uint32_t close_ids(void)
{
	boot_core_close();
	return 0;
}

static uint32_t ids_are_closed(void)
{
	return boot_core_is_closed() ? 1 : 0;
}

/* Two CPUs that want an id at once do not get the same one. */
static void ids_are_given_under_the_lock(void)
{
	ops_start();
	g_assert_cmpuint(under_core(gen_vmid), ==, 1);
	g_assert_cmpuint(gen_vmid(), ==, 2);
	g_assert_cmpuint(gen_vmid(), ==, 3);
	under_core(free_vm_3);
	g_assert_cmpuint(gen_vmid(), ==, 3);
	g_assert_cmpuint(under_core(ids_are_closed), ==, 0);
	under_core(close_ids);
	g_assert_cmpuint(under_core(ids_are_closed), ==, 1);
}

static void acquire_table(void)
{
	acquire_lock_pt(vm_of_call);
}

static void release_table(void)
{
	release_lock_pt(vm_of_call);
}

static uint32_t level_of_page(void)
{
	return get_level_s2pt(vm_of_call, GFN << PAGE_SHIFT);
}

static uint32_t pfn_of_page(void)
{
	return (uint32_t)((walk_s2pt(vm_of_call, GFN << PAGE_SHIFT) &
			   S2_OA_MASK) >> PAGE_SHIFT);
}

/* Nobody looks at a table that changes meanwhile. */
static void table_is_read_under_its_lock(void)
{
	ops_start();
	vm_of_call = ops_new_vm();
	ops_give_page(vm_of_call, GFN, PFN);
	g_assert_cmpuint(result_after_waiting(level_of_page, acquire_table,
					      release_table), ==, 3);
	g_assert_cmphex(result_after_waiting(pfn_of_page, acquire_table,
					     release_table), ==, PFN);
}

/* An image must not lie over any of the others. */
static void image_overlaps_a_later_one(void)
{
	uint32_t idx;
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	for (uint64_t i = 0; i < 4; i++) {
		assert_done(set_boot_info(vm, IMAGE + i * MIB, MIB, &idx));
	}
	for (uint64_t i = 0; i < 4; i++) {
		assert_refused(set_boot_info(vm, IMAGE + i * MIB, PAGE_SIZE,
					     &idx), HV_EINVAL);
	}
}

/* The last pfn that an address of 40 bits can have is no RAM. */
static void last_pfn_is_denied_not_malformed(void)
{
	uint32_t idx;
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	assert_done(set_boot_info(vm, IMAGE, PAGE_SIZE, &idx));
	assert_refused(remap_vm_image(vm, (UINT64_C(1) << 28) - 1, idx),
		       HV_EPERM);
	assert_refused(remap_vm_image(vm, UINT64_C(1) << 28, idx), HV_EINVAL);
}

/* The VM's pages right before and behind the range stay its own. */
static void pages_around_the_range_stay(void)
{
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	for (uint64_t i = 0; i < 4; i++) {
		ops_give_page(vm, GFN + i, PFN + i);
		ops_fill(PFN + i, SECRET);
	}
	ops_set_vm_state(vm, POWEROFF);
	assert_done(clear_vm_stage2_range(vm, (PFN + 1) << PAGE_SHIFT,
					  2 * PAGE_SIZE));
	ops_assert_record(PFN, vm, 0, GFN);
	ops_assert_filled(PFN, SECRET);
	ops_assert_reclaimed(PFN + 1);
	ops_assert_reclaimed(PFN + 2);
	ops_assert_record(PFN + 3, vm, 0, GFN + 3);
	ops_assert_filled(PFN + 3, SECRET);
}

/* Pages that the VM's table names are all it looks at: RAM may be large. */
static void destroy_does_not_look_at_all_ram(void)
{
	static const struct machine big = {
		.ram = { { OPS_RAM, 96 * MIB } },
		.nr_ram = 1,
		.el2 = { OPS_RAM + 92 * MIB, 4 * MIB },
		.pool_pages = 128,
		.arena_chunks = 20,
	};
	vmid_t vm;

	machine_start(&big);
	vm = ops_new_vm();
	ops_give_page(vm, GFN, (OPS_RAM >> PAGE_SHIFT) + 1);
	ops_give_page(vm, GFN + 1, (OPS_RAM >> PAGE_SHIFT) +
				   MAX_RECORDS_PER_CALL + 1);
	assert_done(destroy_vm(vm));
}

/* Not only with the first. */
static void region_overlaps_with_a_later_one(void)
{
	g_assert_cmpint(mem_region_add(OPS_RAM2, MIB), ==, HV_OK);
	g_assert_cmpint(mem_region_add(OPS_RAM2 + MIB, MIB), ==, HV_OK);
	g_assert_cmpint(mem_region_add(OPS_RAM2, PAGE_SIZE), ==, HV_EINVAL);
	g_assert_cmpint(mem_region_add(OPS_RAM2 + MIB, PAGE_SIZE), ==,
			HV_EINVAL);
}

/* What is in no region is looked for in all there can be, and no further. */
static void search_ends_with_a_full_table(void)
{
	while (mem_region_count() < MAX_MEMBLOCK_NUM) {
		g_assert_cmpint(mem_region_add(OPS_RAM2 + mem_region_count() *
					       2 * PAGE_SIZE, PAGE_SIZE), ==,
				HV_OK);
	}
	g_assert_cmpuint(mem_region_search(0), ==, INVALID);
	g_assert_cmpuint(mem_region_search(OPS_RAM2 - PAGE_SIZE), ==, INVALID);
}

static const struct unit_test tests[] = {
	UNIT_TEST("/vm-edges/region/overlaps-with-a-later-one",
		  region_overlaps_with_a_later_one),
	UNIT_TEST("/vm-edges/region/search-ends-with-a-full-table",
		  search_ends_with_a_full_table),
	UNIT_TEST("/vm-edges/register/refused-id-is-free-again",
		  refused_id_is_free_again),
	UNIT_TEST("/vm-edges/register/ids-are-given-under-the-lock",
		  ids_are_given_under_the_lock),
	UNIT_TEST("/vm-edges/table/read-under-its-lock",
		  table_is_read_under_its_lock),
	UNIT_TEST("/vm-edges/image/overlaps-a-later-one",
		  image_overlaps_a_later_one),
	UNIT_TEST("/vm-edges/image/last-pfn-is-denied-not-malformed",
		  last_pfn_is_denied_not_malformed),
	UNIT_TEST("/vm-edges/clear/pages-around-the-range-stay",
		  pages_around_the_range_stay),
	UNIT_TEST("/vm-edges/destroy/does-not-look-at-all-ram",
		  destroy_does_not_look_at_all_ram),
};

int main(int argc, char **argv)
{
	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
