/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the host's devices reach: its memory, at every moment, and never
 * anything else.
 */
#include "opstate.h"

#include "core/dma_identity.h"
#include "core/locks.h"
#include "core/mem_region.h"
#include "core/page_manager.h"
#include "core/platform.h"
#include "core/pt_alloc.h"
#include "core/shared_window.h"
#include "core/smmu_cfg.h"
#include "smmumodel.h"
#include "tlbmodel.h"
#include "walker.h"

#define BLOCK_ATTRIBUTES (PAGE_S2_KERNEL & ~PMD_TABLE_BIT)
#define PA(pfn)		((pfn) << PAGE_SHIFT)

static bool reaches(pfn_t pfn)
{
	paddr_t pa;
	bool all = true, none = true;

	for (unsigned int i = 0; i < SMMUMODEL_MAX; i++) {
		bool reads = smmumodel_translate(i, SMMU_IDENTITY_BANK,
						 PA(pfn) + 8, false, &pa);
		bool writes = smmumodel_translate(i, SMMU_IDENTITY_BANK,
						  PA(pfn) + 8, true, &pa);

		g_assert_true(reads == writes);
		g_assert_true(!reads || pa == PA(pfn) + 8);
		all = all && reads;
		none = none && !reads;
	}
	g_assert_true(all != none);
	return all;
}

/* Whether of block @b exactly the pages but [@first, @end) are reached. */
static void assert_block(uint64_t b, uint64_t first, uint64_t end)
{
	for (uint64_t n = 0; n < PMD_PAGE_NUM; n++) {
		g_assert_true(reaches(OPS_PFN(b, n)) !=
			      (n >= first && n < end));
	}
}

static void take_out(pfn_t pfn, uint64_t pages)
{
	acquire_lock_s2page();
	dma_identity_remove(pfn, pages);
	g_assert_cmpuint(smmumodel_stale(), ==, 0);
	release_lock_s2page();
}

static void add(pfn_t pfn)
{
	acquire_lock_s2page();
	dma_identity_add(pfn);
	release_lock_s2page();
}

static uint64_t free_pages(void)
{
	uint64_t pages;

	acquire_lock_s2page();
	pages = pt_pool_free_pages(PT_IDENTITY);
	release_lock_s2page();
	return pages;
}

/* --- At boot ------------------------------------------------------------ */

static void all_ram_of_the_host_is_reached(void)
{
	ops_start();
	for (paddr_t pa = OPS_RAM; pa < OPS_RAM + OPS_RAM_BYTES;
	     pa += PAGE_SIZE) {
		g_assert_true(reaches(pa >> PAGE_SHIFT));
	}
	for (paddr_t pa = OPS_RAM2; pa < OPS_EL2; pa += PAGE_SIZE) {
		g_assert_true(reaches(pa >> PAGE_SHIFT));
	}
}

static void nothing_else_is_reached(void)
{
	const paddr_t others[] = {
		0, 0x09000000, SMMUMODEL_BASE(0), OPS_RAM - PAGE_SIZE,
		OPS_RAM + OPS_RAM_BYTES, OPS_HOLE, OPS_RAM2 - PAGE_SIZE,
		OPS_EL2, OPS_EL2 + 4 * MIB - PAGE_SIZE, OPS_EL2 + 4 * MIB,
		KVM_PHYS_SIZE - PAGE_SIZE,
	};

	ops_start();
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		g_assert_false(reaches(others[i] >> PAGE_SHIFT));
	}
}

static void the_doorbell_is_written_only(void)
{
	paddr_t pa;

	g_assert_true(smmumodel_dma(0, 0x100, platform_msi_page() + 0x40, true,
				    &pa));
	g_assert_cmphex(pa, ==, 0x08020040);
	g_assert_false(smmumodel_dma(0, 0x100, platform_msi_page() + 0x40,
				     false, &pa));
	g_assert_false(smmumodel_dma(0, 0x100, platform_msi_page() + PAGE_SIZE,
				     true, &pa));
	g_assert_false(smmumodel_dma(0, 0x100, platform_msi_page() - 4, true,
				     &pa));
}

static void check_leaf(const struct leaf *leaf, void *data)
{
	bool device = leaf->ia == platform_msi_page();

	(void)data;
	g_assert_cmphex(leaf->ia, ==, leaf->pa);
	g_assert_cmphex(leaf->attributes, ==, device ?
			(PAGE_S2_DEVICE | S2_S2AP_W) & ~S2_S2AP_R :
			(leaf->level == 2 ? BLOCK_ATTRIBUTES : PAGE_S2_KERNEL) |
			S2_XN);
}

static void whole_blocks_are_blocks_nothing_is_executed(void)
{
	ops_start();
	/* 6 + 2 blocks, and the doorbell. */
	g_assert_cmpuint(walker_each(dma_identity_root(), check_leaf, NULL), ==,
			 9);
}

/* RAM that begins and ends inside of blocks, in three ranges. */
static void ranges_may_begin_anywhere(void)
{
	const struct machine machine = {
		.ram = { { 0x40000000 + 5 * PAGE_SIZE, 4 * MIB },
			 { 0x40800000, 3 * PAGE_SIZE },
			 { 0x7ff00000, 6 * MIB + PAGE_SIZE } },
		.nr_ram = 3,
		.el2 = { TEST_EL2_BASE + GIB, TEST_EL2_BYTES },
		.pool_pages = 16,
		.arena_chunks = 4,
	};

	machine_start(&machine);
	for (uint32_t i = 0; i < machine.nr_ram; i++) {
		pfn_t pfn = machine.ram[i].base >> PAGE_SHIFT;
		pfn_t end = pfn + (machine.ram[i].size >> PAGE_SHIFT);

		g_assert_false(reaches(pfn - 1));
		g_assert_false(reaches(end));
		for (; pfn < end; pfn++) {
			g_assert_true(reaches(pfn));
		}
	}
}

static void without_smmus_nothing_happens(void)
{
	struct machine machine = test_machine;

	machine.no_smmus = true;
	machine_start(&machine);
	g_assert_cmphex(dma_identity_root(), ==, 0);
	acquire_lock_s2page();
	dma_identity_remove(TEST_RAM_BASE >> PAGE_SHIFT, 512);
	dma_identity_add(TEST_RAM_BASE >> PAGE_SHIFT);
	release_lock_s2page();
	machine_set_page(TEST_RAM_BASE >> PAGE_SHIFT, 1, 0);
	machine_set_page(TEST_RAM_BASE >> PAGE_SHIFT, HOSTVISOR, 0);
}

static void the_shared_window_is_not_reached(void)
{
	pfn_t first = OPS_PFN(2, 100);
	uint64_t pages = HYPSEC_SHARED_SIZE >> PAGE_SHIFT;

	ops_start();
	shared_window_init(PA(first));
	assert_block(2, 100, 100 + pages);
	/* Nor when a neighbour comes and goes. */
	take_out(first - 1, 1);
	add(first - 1);
	assert_block(2, 100, 100 + pages);
}

/* The largest board, a few pages of it. */
static void a_64_gib_board(void)
{
	const struct pa_range ram = { 0x40000000, 64 * GIB };
	const uint64_t pool = (65 * 512 + 80) * PAGE_SIZE;
	const paddr_t memory = UINT64_C(0xf200000000);
	uint64_t before;

	tlbmodel_stop();
	mem_region_reset();
	g_assert_cmpint(mem_region_add(ram.base, ram.size), ==, HV_OK);
	native_memory_add(memory, PT_ROOT_BYTES + pool);
	acquire_lock_s2page();
	dma_identity_init(memory, memory + PT_ROOT_BYTES, pool);
	before = pt_pool_free_pages(PT_IDENTITY);
	/* 64 level-2 tables, and two for the doorbell. */
	g_assert_cmpuint(before, ==, pool / PAGE_SIZE - 66);
	for (uint64_t gib = 0; gib < 64; gib++) {
		struct leaf leaf;
		paddr_t pa = ram.base + gib * GIB + gib * 5 * MIB;

		g_assert_true(walker_lookup(memory, pa, &leaf));
		g_assert_true(leaf.pa <= pa && leaf.level == 2);
		dma_identity_remove(pa >> PAGE_SHIFT, 1);
		g_assert_false(walker_lookup(memory, pa, &leaf));
		g_assert_true(walker_lookup(memory, pa + PAGE_SIZE, &leaf));
		g_assert_true(leaf.level == 3);
	}
	g_assert_cmpuint(pt_pool_free_pages(PT_IDENTITY), ==, before - 64);
	g_assert_true(walker_lookup(memory, ram.base + ram.size - 1,
				    &(struct leaf){ 0 }));
	g_assert_false(walker_lookup(memory, ram.base + ram.size,
				     &(struct leaf){ 0 }));
	release_lock_s2page();
	machine_start(&test_machine);
}

/* --- Leaving and coming back -------------------------------------------- */

static void one_page_leaves_a_block(void)
{
	uint64_t pages;

	ops_start();
	pages = free_pages();
	take_out(OPS_PFN(1, 77), 1);
	assert_block(1, 77, 78);
	assert_block(0, 0, 0);
	assert_block(2, 0, 0);
	g_assert_cmpuint(free_pages(), ==, pages - 1);
	/* Another one needs no table. */
	take_out(OPS_PFN(1, 78), 1);
	assert_block(1, 77, 79);
	g_assert_cmpuint(free_pages(), ==, pages - 1);
}

static void a_block_leaves_without_a_table(void)
{
	uint64_t pages;

	ops_start();
	pages = free_pages();
	take_out(OPS_PFN(1, 0), PMD_PAGE_NUM);
	assert_block(1, 0, 512);
	g_assert_cmpuint(free_pages(), ==, pages);
	/* Its pages come back one by one. */
	add(OPS_PFN(1, 511));
	assert_block(1, 0, 511);
	g_assert_cmpuint(free_pages(), ==, pages - 1);
}

static void a_range_leaves_across_blocks(void)
{
	ops_start();
	take_out(OPS_PFN(1, 500), 12 + 512 + 3);
	assert_block(1, 500, 512);
	assert_block(2, 0, 512);
	assert_block(3, 0, 3);
	assert_block(4, 0, 0);
}

static void what_is_out_stays_out(void)
{
	ops_start();
	take_out(OPS_PFN(1, 5), 1);
	take_out(OPS_PFN(1, 5), 1);
	take_out(OPS_PFN(1, 0), PMD_PAGE_NUM);
	take_out(OPS_PFN(1, 0), PMD_PAGE_NUM);
	take_out(OPS_PFN(1, 7), 1);
	take_out(OPS_HOLE >> PAGE_SHIFT, 3);
	assert_block(1, 0, 512);
	assert_block(0, 0, 0);
}

static void what_comes_back_is_reached(void)
{
	ops_start();
	for (uint64_t n = 0; n < PMD_PAGE_NUM; n += 3) {
		take_out(OPS_PFN(1, n), 1);
		g_assert_false(reaches(OPS_PFN(1, n)));
	}
	for (uint64_t n = 0; n < PMD_PAGE_NUM; n += 3) {
		add(OPS_PFN(1, n));
		g_assert_true(reaches(OPS_PFN(1, n)));
	}
	assert_block(1, 0, 0);
	add(OPS_PFN(1, 3));
	assert_block(1, 0, 0);
}

/* Looks at block 1 whenever anything happens. */
static unsigned int looks;

static void look(const struct native_event *event)
{
	smmumodel_event(event);
	for (uint64_t n = 0; n < PMD_PAGE_NUM; n++) {
		if (n != 77) {
			g_assert_true(reaches(OPS_PFN(1, n)));
		}
	}
	looks++;
}

static void the_511_others_are_reached_at_every_moment(void)
{
	ops_start();
	looks = 0;
	native_watch(look);
	acquire_lock_s2page();
	dma_identity_remove(OPS_PFN(1, 77), 1);
	release_lock_s2page();
	tlbmodel_start();
	g_assert_cmpuint(looks, >, 512);
	assert_block(1, 77, 78);
}

/* In the end nothing but the model of a set. */
static void random_pages_come_and_go(void)
{
	static bool in[6 * 512];

	ops_start();
	for (size_t i = 0; i < ARRAY_SIZE(in); i++) {
		in[i] = true;
	}
	for (unsigned int step = 0; step < 4000; step++) {
		uint64_t first = random_below(ARRAY_SIZE(in));
		uint64_t pages = random_below(20) == 0 ?
				 random_below(ARRAY_SIZE(in) - first) + 1 : 1;

		if (random_below(2) == 0) {
			take_out(OPS_PFN(0, first), pages);
			for (uint64_t i = first; i < first + pages; i++) {
				in[i] = false;
			}
		} else if (!in[first]) {
			add(OPS_PFN(0, first));
			in[first] = true;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(in); i++) {
		g_assert_true(reaches(OPS_PFN(0, i)) == in[i]);
	}
}

static void remove_without_s2page(void *data)
{
	(void)data;
	dma_identity_remove(TEST_RAM_BASE >> PAGE_SHIFT, 1);
}

static void remove_without_s2page_panics(void)
{
	assert_panics(remove_without_s2page, NULL, "lock_s2page_is_held");
}

static void add_a_page_of_a_block(void *data)
{
	(void)data;
	acquire_lock_s2page();
	dma_identity_add(TEST_RAM_BASE >> PAGE_SHIFT);
}

/* It is in a block: nobody took it out. */
static void add_of_what_is_in_a_block_panics(void)
{
	assert_panics(add_a_page_of_a_block, NULL, "status == HV_OK");
}

/* --- Every change of owner ---------------------------------------------- */

static void the_records_decide(void)
{
	pfn_t pfn = OPS_PFN(1, 9);

	ops_start();
	for (uint32_t owner = 1; owner <= COREVISOR; owner++) {
		machine_set_page(pfn, owner, 0);
		g_assert_false(reaches(pfn));
		machine_set_page(pfn, owner == COREVISOR ? 1 : owner + 1, 0);
		g_assert_false(reaches(pfn));
		machine_set_page(pfn, HOSTVISOR, 0);
		g_assert_true(reaches(pfn));
		machine_set_page(pfn, HOSTVISOR, 3);
		g_assert_true(reaches(pfn));
	}
}

static void reserved_pages_are_not_reached(void)
{
	ops_start();
	acquire_lock_s2page();
	page_manager_reserve(OPS_PFN(1, 510), 515);
	release_lock_s2page();
	assert_block(1, 510, 512);
	assert_block(2, 0, 512);
	assert_block(3, 0, 1);
}

static void a_vms_page_is_not_reached_shared_or_not(void)
{
	pfn_t pfn = OPS_PFN(1, 9);
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	ops_fill(pfn, 0x77);
	ops_host_touches(pfn);
	ops_give_page(vm, OPS_GFN, pfn);
	assert_block(1, 9, 10);
	assert_done(grant_stage2_sg_gpa(vm, OPS_GFN << PAGE_SHIFT, PAGE_SIZE));
	ops_host_touches(pfn);
	assert_block(1, 9, 10);
	assert_done(revoke_stage2_sg_gpa(vm, OPS_GFN << PAGE_SHIFT, PAGE_SIZE));
	assert_block(1, 9, 10);
}

static void a_vms_block_is_not_reached(void)
{
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	ops_give_block(vm, OPS_GFN, OPS_PFN(1, 0));
	assert_block(1, 0, 512);
	assert_block(2, 0, 0);
}

/* A block of which one page is the VM's already. */
static void a_mixed_block_is_not_reached(void)
{
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	assert_done(ops_assign(vm, OPS_GFN + 3, OPS_PFN(1, 3)));
	assert_block(1, 3, 4);
	ops_give_block(vm, OPS_GFN, OPS_PFN(1, 0));
	assert_block(1, 0, 512);
}

static void a_cleared_page_is_reached_and_zero(void)
{
	pfn_t pfn = OPS_PFN(1, 9);
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	assert_done(ops_assign(vm, OPS_GFN, pfn));
	ops_fill(pfn, 0x55);
	ops_clear(vm, pfn);
	assert_block(1, 0, 0);
	ops_assert_filled(pfn, 0);
}

static void a_refused_page_is_still_reached(void)
{
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	/* The host shares it with its own devices. */
	machine_set_page(OPS_PFN(1, 9), HOSTVISOR, 1);
	assert_refused(ops_assign(vm, OPS_GFN, OPS_PFN(1, 9)), HV_EPERM);
	assert_block(1, 0, 0);
}

static const struct unit_test tests[] = {
	UNIT_TEST("/smmu-identity/boot/all-ram-of-the-host",
		  all_ram_of_the_host_is_reached),
	UNIT_TEST("/smmu-identity/boot/nothing-else", nothing_else_is_reached),
	UNIT_TEST("/smmu-identity/boot/doorbell-is-written-only",
		  the_doorbell_is_written_only),
	UNIT_TEST("/smmu-identity/boot/whole-blocks",
		  whole_blocks_are_blocks_nothing_is_executed),
	UNIT_TEST("/smmu-identity/boot/ranges-begin-anywhere",
		  ranges_may_begin_anywhere),
	UNIT_TEST("/smmu-identity/boot/without-smmus-nothing",
		  without_smmus_nothing_happens),
	UNIT_TEST("/smmu-identity/boot/not-the-shared-window",
		  the_shared_window_is_not_reached),
	UNIT_TEST("/smmu-identity/boot/64-gib", a_64_gib_board),
	UNIT_TEST("/smmu-identity/remove/one-page", one_page_leaves_a_block),
	UNIT_TEST("/smmu-identity/remove/a-block",
		  a_block_leaves_without_a_table),
	UNIT_TEST("/smmu-identity/remove/a-range",
		  a_range_leaves_across_blocks),
	UNIT_TEST("/smmu-identity/remove/what-is-out-stays-out",
		  what_is_out_stays_out),
	UNIT_TEST("/smmu-identity/remove/the-others-at-every-moment",
		  the_511_others_are_reached_at_every_moment),
	UNIT_TEST("/smmu-identity/add/what-comes-back",
		  what_comes_back_is_reached),
	UNIT_TEST("/smmu-identity/model/random-pages",
		  random_pages_come_and_go),
	UNIT_TEST_DIES("/smmu-identity/remove/without-s2page-panics",
		       remove_without_s2page_panics),
	UNIT_TEST_DIES("/smmu-identity/add/in-a-block-panics",
		       add_of_what_is_in_a_block_panics),
	UNIT_TEST("/smmu-identity/owner/records-decide", the_records_decide),
	UNIT_TEST("/smmu-identity/owner/reserved",
		  reserved_pages_are_not_reached),
	UNIT_TEST("/smmu-identity/owner/vm-page-shared-or-not",
		  a_vms_page_is_not_reached_shared_or_not),
	UNIT_TEST("/smmu-identity/owner/vm-block", a_vms_block_is_not_reached),
	UNIT_TEST("/smmu-identity/owner/mixed-block",
		  a_mixed_block_is_not_reached),
	UNIT_TEST("/smmu-identity/owner/cleared-page",
		  a_cleared_page_is_reached_and_zero),
	UNIT_TEST("/smmu-identity/owner/refused-page",
		  a_refused_page_is_still_reached),
};

int main(int argc, char **argv)
{
	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
