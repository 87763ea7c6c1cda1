/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model of stale translations is itself tested here, with events that no
 * firmware code made: each rule once kept and once broken.
 */
#include "harness.h"

#include <string.h>

#include "arch/barrier.h"
#include "arch/mem.h"
#include "arch/tlbi.h"
#include "core/locks.h"
#include "core/npt_ops.h"
#include "core/pt_alloc.h"
#include "tlbmodel.h"

#define VM	2u
#define IPA	UINT64_C(0x80000000)
#define PA	(TEST_RAM_BASE + 8 * MIB)
#define PAGE_DESC(pa)	((pa) | PAGE_S2_KERNEL)
#define BLOCK_DESC(pa)	((pa) | (PAGE_S2_KERNEL & ~PMD_TABLE_BIT))

/* The VM's level-2 and level-3 table for IPA, and a page for another one. */
static paddr_t level2, level3, spare;

/*
 * A page at IPA and a block behind it are mapped, and the locks of the VM's
 * table are held.
 */
static void start(void)
{
	machine_add_vm(VM);
	acquire_lock_s2page();
	g_assert_cmpint(map_s2pt(VM, IPA, 3, PAGE_DESC(PA)), ==, HV_OK);
	g_assert_cmpint(map_s2pt(VM, IPA + PMD_SIZE, 2,
				 BLOCK_DESC(PA + PMD_SIZE)), ==, HV_OK);
	level2 = pt_pool_next_page(VM, 0);
	level3 = pt_pool_next_page(VM, level2);
	spare = level3 + PAGE_SIZE;
	acquire_lock_pt(VM);
}

static void stop(void)
{
	release_lock_pt(VM);
	release_lock_s2page();
}

static void store(paddr_t table, unsigned int index, uint64_t desc)
{
	table_store(pa_to_el2_va(table + index * 8), desc);
}

/* The VMID on this CPU, as a VM's trap has it. */
static void run_vm(void)
{
	native_cpu.vttbr = pt_pool_root(VM) | (uint64_t)VM << 48;
}

static void flush_ipa(ipa_t ipa)
{
	tlbi_ipas2e1is(ipa);
	barrier_dsb_ish();
	tlbi_vmalle1is();
	barrier_dsb_ish();
}

static void flush_vmid(void)
{
	tlbi_vmalls12e1is();
	barrier_dsb_ish();
}

/* The test ends well although the model found @words. */
static void expect_error(const char *words)
{
	const char *found = tlbmodel_error();

	if (found == NULL || strstr(found, words) == NULL) {
		g_error("\"%s\" expected, found \"%s\"", words, found);
	}
	tlbmodel_stop();
}

static void expect_clean(void)
{
	g_assert_cmpstr(tlbmodel_error(), ==, NULL);
	g_assert_cmpuint(tlbmodel_stale(), ==, 0);
}

/* --- Invalidation ----------------------------------------------------- */

static void good_by_ipa(void)
{
	start();
	run_vm();
	store(level3, 0, 0);
	g_assert_cmpuint(tlbmodel_stale(), ==, 1);
	barrier_dsb_ishst();
	flush_ipa(IPA + 0xfff);
	expect_clean();
	stop();
	expect_clean();
}

static void good_by_vmid(void)
{
	start();
	run_vm();
	store(level3, 0, 0);
	store(level2, 1, 0);
	g_assert_cmpuint(tlbmodel_stale(), ==, 2);
	barrier_dsb_sy();
	flush_vmid();
	stop();
	expect_clean();
}

static void bad_without_invalidation(void)
{
	start();
	store(level3, 0, 0);
	barrier_dsb_ishst();
	stop();
	expect_error("released while IPA 0x80000000 may be in a TLB");
}

/* Each step left out, or another in its place. */
static void expect_stale_after(void (*steps)(void))
{
	start();
	run_vm();
	store(level3, 0, 0);
	steps();
	g_assert_cmpuint(tlbmodel_stale(), ==, 1);
	stop();
	expect_error("may be in a TLB");
}

static void steps_without_first_barrier(void)
{
	flush_ipa(IPA);
}

static void steps_without_middle_barrier(void)
{
	barrier_dsb_ishst();
	tlbi_ipas2e1is(IPA);
	tlbi_vmalle1is();
	barrier_dsb_ish();
}

static void steps_without_last_barrier(void)
{
	barrier_dsb_ishst();
	tlbi_ipas2e1is(IPA);
	barrier_dsb_ish();
	tlbi_vmalle1is();
}

static void steps_with_store_barriers_only(void)
{
	barrier_dsb_ishst();
	tlbi_ipas2e1is(IPA);
	barrier_dsb_ishst();
	tlbi_vmalle1is();
	barrier_dsb_ishst();
}

static void steps_without_stage_1(void)
{
	barrier_dsb_ishst();
	tlbi_ipas2e1is(IPA);
	barrier_dsb_ish();
}

static void steps_without_stage_2(void)
{
	barrier_dsb_ishst();
	tlbi_vmalle1is();
	barrier_dsb_ish();
}

static void steps_for_the_next_page(void)
{
	barrier_dsb_ishst();
	flush_ipa(IPA + PAGE_SIZE);
}

static void steps_for_the_page_before(void)
{
	barrier_dsb_ishst();
	flush_ipa(IPA - 1);
}

static void steps_for_another_vmid(void)
{
	native_cpu.vttbr = pt_pool_root(HOSTVISOR);
	barrier_dsb_ishst();
	flush_ipa(IPA);
	flush_vmid();
}

static void steps_vmid_without_barrier(void)
{
	barrier_dsb_ishst();
	tlbi_vmalls12e1is();
}

static void steps_vmid_with_store_barrier(void)
{
	barrier_dsb_ishst();
	tlbi_vmalls12e1is();
	barrier_dsb_ishst();
}

static void steps_of_two_cpus(void)
{
	/* The other CPU's barrier does not wait for this one's store. */
	native_cpu.pcpu = pcpu_get(1);
	barrier_dsb_ish();
	native_cpu.pcpu = pcpu_get(0);
	tlbi_vmalls12e1is();
	native_cpu.pcpu = pcpu_get(1);
	barrier_dsb_ish();
	native_cpu.pcpu = pcpu_get(0);
}

#define BAD_STEPS(name) \
	static void bad_##name(void) \
	{ \
		expect_stale_after(steps_##name); \
	}

BAD_STEPS(without_first_barrier)
BAD_STEPS(without_middle_barrier)
BAD_STEPS(without_last_barrier)
BAD_STEPS(with_store_barriers_only)
BAD_STEPS(without_stage_1)
BAD_STEPS(without_stage_2)
BAD_STEPS(for_the_next_page)
BAD_STEPS(for_the_page_before)
BAD_STEPS(for_another_vmid)
BAD_STEPS(vmid_without_barrier)
BAD_STEPS(vmid_with_store_barrier)
BAD_STEPS(of_two_cpus)

/* An IPA anywhere in a block will do, but not for a table's pages. */
static void good_block_by_any_ipa(void)
{
	start();
	run_vm();
	store(level2, 1, 0);
	barrier_dsb_ishst();
	flush_ipa(IPA + PMD_SIZE + 300 * PAGE_SIZE);
	stop();
	expect_clean();
}

static void bad_table_by_one_ipa(void)
{
	start();
	run_vm();
	store(level3, 7, PAGE_DESC(PA + 7 * PAGE_SIZE));
	barrier_dsb_ishst();
	store(level2, 0, 0);
	barrier_dsb_ishst();
	flush_ipa(IPA);
	g_assert_cmpuint(tlbmodel_stale(), ==, 1);
	stop();
	expect_error("released while IPA 0x80007000 may be in a TLB");
}

/* --- Break before make ------------------------------------------------ */

static void bad_change_without_break(void)
{
	start();
	store(level3, 0, PAGE_DESC(PA + PAGE_SIZE));
	expect_error("without a break");
	stop();
}

static void bad_make_before_invalidation(void)
{
	start();
	run_vm();
	store(level3, 0, 0);
	barrier_dsb_ishst();
	store(level3, 0, PAGE_DESC(PA + PAGE_SIZE));
	expect_error("is mapped while what was there before");
	stop();
}

static void good_make_after_invalidation(void)
{
	start();
	run_vm();
	store(level3, 0, 0);
	barrier_dsb_ishst();
	flush_ipa(IPA);
	store(level3, 0, PAGE_DESC(PA + PAGE_SIZE));
	barrier_dsb_ishst();
	stop();
	expect_clean();
}

static void good_same_value_again(void)
{
	start();
	store(level3, 0, PAGE_DESC(PA));
	barrier_dsb_ishst();
	stop();
	expect_clean();
}

/* A page made in the table that takes a block's place is what was stale. */
static void bad_split_without_invalidation(void)
{
	start();
	run_vm();
	mem_zero(pa_to_el2_va(spare), PAGE_SIZE);
	store(spare, 3, PAGE_DESC(PA + PMD_SIZE + 3 * PAGE_SIZE));
	store(level2, 1, 0);
	barrier_dsb_ishst();
	store(level2, 1, spare | PMD_TYPE_TABLE);
	expect_error("IPA 0x80200000 of VMID 2 is mapped while");
	stop();
}

/* --- Links ------------------------------------------------------------ */

static void bad_link_before_content_is_visible(void)
{
	start();
	mem_zero(pa_to_el2_va(spare), PAGE_SIZE);
	store(level2, 2, spare | PMD_TYPE_TABLE);
	expect_error("before its content is visible");
	stop();
}

static void bad_link_before_last_store_is_visible(void)
{
	start();
	mem_zero(pa_to_el2_va(spare), PAGE_SIZE);
	barrier_dsb_ishst();
	store(spare, 511, PAGE_DESC(PA + PAGE_SIZE));
	store(level2, 2, spare | PMD_TYPE_TABLE);
	expect_error("before its content is visible");
	stop();
}

static void bad_link_of_what_was_never_zeroed(void)
{
	start();
	store(level2, 2, (spare + PAGE_SIZE) | PMD_TYPE_TABLE);
	expect_error("was never zeroed");
	stop();
}

static void bad_link_twice(void)
{
	start();
	store(level2, 2, level3 | PMD_TYPE_TABLE);
	expect_error("is linked twice");
	stop();
}

static void good_link(void)
{
	start();
	mem_zero(pa_to_el2_va(spare), PAGE_SIZE);
	store(spare, 511, PAGE_DESC(PA + PAGE_SIZE));
	barrier_dsb_ishst();
	store(level2, 2, spare | PMD_TYPE_TABLE);
	barrier_dsb_ishst();
	stop();
	expect_clean();
}

static void bad_zero_of_a_linked_table(void)
{
	start();
	mem_zero(pa_to_el2_va(level3), PAGE_SIZE);
	expect_error("is zeroed while it is linked");
	stop();
}

static void bad_block_at_level_1(void)
{
	start();
	store(pt_pool_root(VM), 9, BLOCK_DESC(PA));
	expect_error("a block at level 1");
	stop();
}

static void bad_entry_not_visible_at_release(void)
{
	start();
	store(level3, 1, PAGE_DESC(PA + PAGE_SIZE));
	stop();
	expect_error("may not be visible");
}

/* --- Memory ----------------------------------------------------------- */

static void bad_zero_while_reachable(void)
{
	start();
	store(level3, 0, 0);
	mem_zero(pa_to_el2_va(PA), PAGE_SIZE);
	expect_error("is zeroed while VMID 2 may still reach it");
	stop();
}

static void bad_clean_while_reachable(void)
{
	start();
	store(level2, 1, 0);
	mem_clean_poc(pa_to_el2_va(PA + PMD_SIZE + 9 * PAGE_SIZE), 64);
	expect_error("is cleaned while VMID 2 may still reach it");
	stop();
}

static void good_zero_of_another_page(void)
{
	start();
	run_vm();
	store(level3, 0, 0);
	mem_zero(pa_to_el2_va(PA + PAGE_SIZE), PAGE_SIZE);
	g_assert_cmpstr(tlbmodel_error(), ==, NULL);
	barrier_dsb_ishst();
	flush_ipa(IPA);
	stop();
	expect_clean();
}

static void bad_mapped_for_another_while_reachable(void)
{
	machine_add_vm(VM + 1);
	start();
	store(level3, 0, 0);
	barrier_dsb_ishst();
	/* At another address of the same one is as bad. */
	store(level3, 8, PAGE_DESC(PA));
	expect_error("is mapped while VMID 2 may still reach it");
	stop();
}

static void bad_zero_while_mapped(void)
{
	start();
	release_lock_pt(VM);
	mem_zero(pa_to_el2_va(PA), PAGE_SIZE);
	expect_error("is zeroed while it is still mapped");
	release_lock_s2page();
}

static void bad_zero_while_in_a_block(void)
{
	start();
	release_lock_pt(VM);
	mem_zero(pa_to_el2_va(PA + PMD_SIZE + 7 * PAGE_SIZE), PAGE_SIZE);
	expect_error("is zeroed while it is still mapped");
	release_lock_s2page();
}

static void bad_clean_while_the_host_maps_it(void)
{
	acquire_lock_s2page();
	g_assert_cmpint(map_s2pt(HOSTVISOR, PA, 3, PAGE_DESC(PA)), ==, HV_OK);
	mem_clean_poc(pa_to_el2_va(PA), PAGE_SIZE);
	expect_error("is cleaned while it is still mapped");
	release_lock_s2page();
}

/* What was shared goes back to the VM, which has it mapped all the time. */
static void good_clean_while_a_vm_maps_it(void)
{
	start();
	release_lock_pt(VM);
	mem_clean_poc(pa_to_el2_va(PA), PAGE_SIZE);
	icache_invalidate_all();
	release_lock_s2page();
	expect_clean();
}

static void good_zero_after_all_mappings_went(void)
{
	start();
	run_vm();
	store(level3, 0, 0);
	store(level2, 1, 0);
	barrier_dsb_ishst();
	flush_vmid();
	release_lock_pt(VM);
	mem_zero(pa_to_el2_va(PA), PAGE_SIZE);
	mem_zero(pa_to_el2_va(PA + PMD_SIZE), PMD_SIZE);
	icache_invalidate_all();
	release_lock_s2page();
	expect_clean();
}

static void bad_instruction_caches_left(void)
{
	acquire_lock_s2page();
	mem_zero(pa_to_el2_va(PA), PAGE_SIZE);
	release_lock_s2page();
	expect_error("instruction caches");
}

static void bad_instruction_caches_before_the_clean(void)
{
	acquire_lock_s2page();
	icache_invalidate_all();
	mem_clean_poc(pa_to_el2_va(PA), PAGE_SIZE);
	release_lock_s2page();
	expect_error("instruction caches");
}

static void good_instruction_caches_before_the_last_lock(void)
{
	acquire_lock_vm(1);
	acquire_lock_s2page();
	mem_zero(pa_to_el2_va(PA), PAGE_SIZE);
	mem_clean_poc(pa_to_el2_va(PA), PAGE_SIZE);
	release_lock_s2page();
	icache_invalidate_all();
	release_lock_vm(1);
	expect_clean();
}

/* --- Locks and VTTBR_EL2 ---------------------------------------------- */

static void bad_change_without_pt(void)
{
	start();
	release_lock_pt(VM);
	store(level3, 5, PAGE_DESC(PA + PAGE_SIZE));
	expect_error("without its locks");
	release_lock_s2page();
}

static void bad_change_without_s2page(void)
{
	start();
	release_lock_s2page();
	store(level3, 5, PAGE_DESC(PA + PAGE_SIZE));
	expect_error("without its locks");
	release_lock_pt(VM);
}

static void bad_change_with_another_pt(void)
{
	start();
	release_lock_pt(VM);
	acquire_lock_pt(VM + 1);
	store(level3, 5, PAGE_DESC(PA + PAGE_SIZE));
	expect_error("without its locks");
	release_lock_pt(VM + 1);
	release_lock_s2page();
}

static void bad_tlbi_before_isb(void)
{
	start();
	el1_walks_stop();
	vttbr_write(UINT64_C(5) << 48);
	tlbi_vmalle1is();
	expect_error("before the new VMID 5 is in effect");
	stop();
}

static void bad_vttbr_with_walks_on(void)
{
	start();
	vttbr_write(UINT64_C(5) << 48);
	expect_error("with EL1's walks on");
	stop();
}

static void bad_walks_on_under_another_vmid(void)
{
	struct el1_walks walks;

	start();
	walks = el1_walks_stop();
	vttbr_write(UINT64_C(5) << 48);
	barrier_isb();
	el1_walks_resume(walks);
	expect_error("on again under another's VMID");
	stop();
}

static void bad_walks_on_before_isb(void)
{
	uint64_t home = native_cpu.vttbr;
	struct el1_walks walks;

	start();
	walks = el1_walks_stop();
	vttbr_write(UINT64_C(5) << 48);
	barrier_isb();
	vttbr_write(home);
	el1_walks_resume(walks);
	expect_error("on again under another's VMID");
	stop();
}

static void bad_vttbr_not_given_back(void)
{
	start();
	el1_walks_stop();
	vttbr_write(UINT64_C(5) << 48);
	barrier_isb();
	stop();
	expect_error("released under another's VMID");
}

static void bad_walks_stay_stopped(void)
{
	start();
	el1_walks_stop();
	stop();
	expect_error("released under another's VMID");
}

/* A switch of worlds holds no lock. */
static void good_vttbr_without_lock(void)
{
	vttbr_write(UINT64_C(5) << 48);
	barrier_isb();
	acquire_lock_s2page();
	release_lock_s2page();
	expect_clean();
}

/* It stops the walks first, and what it does then may need a lock. */
static void good_walks_stopped_without_lock(void)
{
	el1_walks_stop();
	acquire_lock_s2page();
	release_lock_s2page();
	expect_clean();
}

/* --- What it starts from ---------------------------------------------- */

static void start_takes_tables_over(void)
{
	start();
	stop();
	tlbmodel_start();
	acquire_lock_s2page();
	acquire_lock_pt(VM);
	store(level3, 0, 0);
	store(level2, 1, 0);
	g_assert_cmpuint(tlbmodel_stale(), ==, 2);
	stop();
	expect_error("may be in a TLB");
}

static void cleared_root_leaves_all_of_it_stale(void)
{
	start();
	store(pt_pool_root(VM), IPA >> PUD_SHIFT, 0);
	/* Two links, a page and a block. */
	g_assert_cmpuint(tlbmodel_stale(), ==, 4);
	barrier_dsb_ishst();
	run_vm();
	flush_vmid();
	stop();
	expect_clean();
}

static void first_error_stays(void)
{
	start();
	store(level3, 0, PAGE_DESC(PA + PAGE_SIZE));
	store(pt_pool_root(VM), 9, BLOCK_DESC(PA));
	g_assert_nonnull(strstr(tlbmodel_error(), "without a break"));
	tlbmodel_start();
	g_assert_null(tlbmodel_error());
	tlbmodel_stop();
	stop();
}

static const struct unit_test tests[] = {
	UNIT_TEST("/tlbmodel/flush/good-by-ipa", good_by_ipa),
	UNIT_TEST("/tlbmodel/flush/good-by-vmid", good_by_vmid),
	UNIT_TEST("/tlbmodel/flush/bad-none", bad_without_invalidation),
	UNIT_TEST("/tlbmodel/flush/bad-no-first-barrier",
		  bad_without_first_barrier),
	UNIT_TEST("/tlbmodel/flush/bad-no-middle-barrier",
		  bad_without_middle_barrier),
	UNIT_TEST("/tlbmodel/flush/bad-no-last-barrier",
		  bad_without_last_barrier),
	UNIT_TEST("/tlbmodel/flush/bad-store-barriers",
		  bad_with_store_barriers_only),
	UNIT_TEST("/tlbmodel/flush/bad-no-stage-1", bad_without_stage_1),
	UNIT_TEST("/tlbmodel/flush/bad-no-stage-2", bad_without_stage_2),
	UNIT_TEST("/tlbmodel/flush/bad-next-page", bad_for_the_next_page),
	UNIT_TEST("/tlbmodel/flush/bad-page-before", bad_for_the_page_before),
	UNIT_TEST("/tlbmodel/flush/bad-other-vmid", bad_for_another_vmid),
	UNIT_TEST("/tlbmodel/flush/bad-vmid-no-barrier",
		  bad_vmid_without_barrier),
	UNIT_TEST("/tlbmodel/flush/bad-vmid-store-barrier",
		  bad_vmid_with_store_barrier),
	UNIT_TEST("/tlbmodel/flush/bad-two-cpus", bad_of_two_cpus),
	UNIT_TEST("/tlbmodel/flush/good-block-by-any-ipa",
		  good_block_by_any_ipa),
	UNIT_TEST("/tlbmodel/flush/bad-table-by-one-ipa",
		  bad_table_by_one_ipa),
	UNIT_TEST("/tlbmodel/break/bad-none", bad_change_without_break),
	UNIT_TEST("/tlbmodel/break/bad-make-before-flush",
		  bad_make_before_invalidation),
	UNIT_TEST("/tlbmodel/break/good-make-after-flush",
		  good_make_after_invalidation),
	UNIT_TEST("/tlbmodel/break/good-same-value", good_same_value_again),
	UNIT_TEST("/tlbmodel/break/bad-split-without-flush",
		  bad_split_without_invalidation),
	UNIT_TEST("/tlbmodel/link/good", good_link),
	UNIT_TEST("/tlbmodel/link/bad-zeros-not-visible",
		  bad_link_before_content_is_visible),
	UNIT_TEST("/tlbmodel/link/bad-store-not-visible",
		  bad_link_before_last_store_is_visible),
	UNIT_TEST("/tlbmodel/link/bad-never-zeroed",
		  bad_link_of_what_was_never_zeroed),
	UNIT_TEST("/tlbmodel/link/bad-twice", bad_link_twice),
	UNIT_TEST("/tlbmodel/link/bad-zeroed-while-linked",
		  bad_zero_of_a_linked_table),
	UNIT_TEST("/tlbmodel/link/bad-block-at-level-1", bad_block_at_level_1),
	UNIT_TEST("/tlbmodel/link/bad-not-visible-at-release",
		  bad_entry_not_visible_at_release),
	UNIT_TEST("/tlbmodel/memory/bad-zero", bad_zero_while_reachable),
	UNIT_TEST("/tlbmodel/memory/bad-clean", bad_clean_while_reachable),
	UNIT_TEST("/tlbmodel/memory/good-zero", good_zero_of_another_page),
	UNIT_TEST("/tlbmodel/memory/bad-mapped-again",
		  bad_mapped_for_another_while_reachable),
	UNIT_TEST("/tlbmodel/memory/bad-zero-while-mapped",
		  bad_zero_while_mapped),
	UNIT_TEST("/tlbmodel/memory/bad-zero-in-a-block",
		  bad_zero_while_in_a_block),
	UNIT_TEST("/tlbmodel/memory/bad-clean-while-mapped",
		  bad_clean_while_the_host_maps_it),
	UNIT_TEST("/tlbmodel/memory/good-clean-while-a-vm-maps",
		  good_clean_while_a_vm_maps_it),
	UNIT_TEST("/tlbmodel/memory/good-zero-after-all-went",
		  good_zero_after_all_mappings_went),
	UNIT_TEST("/tlbmodel/memory/bad-icache", bad_instruction_caches_left),
	UNIT_TEST("/tlbmodel/memory/bad-icache-too-early",
		  bad_instruction_caches_before_the_clean),
	UNIT_TEST("/tlbmodel/memory/good-icache",
		  good_instruction_caches_before_the_last_lock),
	UNIT_TEST("/tlbmodel/locks/bad-no-pt", bad_change_without_pt),
	UNIT_TEST("/tlbmodel/locks/bad-no-s2page", bad_change_without_s2page),
	UNIT_TEST("/tlbmodel/locks/bad-other-pt", bad_change_with_another_pt),
	UNIT_TEST("/tlbmodel/vttbr/bad-tlbi-before-isb", bad_tlbi_before_isb),
	UNIT_TEST("/tlbmodel/vttbr/bad-walks-on", bad_vttbr_with_walks_on),
	UNIT_TEST("/tlbmodel/vttbr/bad-walks-on-again",
		  bad_walks_on_under_another_vmid),
	UNIT_TEST("/tlbmodel/vttbr/bad-walks-on-before-isb",
		  bad_walks_on_before_isb),
	UNIT_TEST("/tlbmodel/vttbr/bad-not-given-back",
		  bad_vttbr_not_given_back),
	UNIT_TEST("/tlbmodel/vttbr/bad-walks-stay-stopped",
		  bad_walks_stay_stopped),
	UNIT_TEST("/tlbmodel/vttbr/good-without-lock",
		  good_vttbr_without_lock),
	UNIT_TEST("/tlbmodel/vttbr/good-walks-stopped-without-lock",
		  good_walks_stopped_without_lock),
	UNIT_TEST("/tlbmodel/start/takes-tables-over",
		  start_takes_tables_over),
	UNIT_TEST("/tlbmodel/start/cleared-root",
		  cleared_root_leaves_all_of_it_stale),
	UNIT_TEST("/tlbmodel/start/first-error-stays", first_error_stays),
};

int main(int argc, char **argv)
{
	test_without_records = true;
	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
