/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables of the SMMUs' banks: what is mapped is translated, what is not is
 * not, in no table and no TLB, and their memory comes back.
 */
#include "harness.h"

#include "core/locks.h"
#include "core/pt_alloc.h"
#include "core/smmu_cfg.h"
#include "core/smmu_hw.h"
#include "core/spt_ops.h"
#include "smmumodel.h"

#define BANK	3u
#define SMMU	1u
#define VM	5u
#define IOVA	UINT64_C(0x123456789000)
#define LAST	(KVM_PHYS_SIZE - PAGE_SIZE)
#define PA(n)	(TEST_RAM_BASE + (n) * PAGE_SIZE)
#define PTE(n)	(PA(n) | PAGE_S2_KERNEL | S2_XN)

_Static_assert((IOVA & (KVM_PHYS_SIZE - 1)) != IOVA, "more than 40 bits");
#define AT	(IOVA & (KVM_PHYS_SIZE - 1))

static void lock(void)
{
	acquire_lock_smmu();
	acquire_lock_s2page();
}

static void unlock(void)
{
	release_lock_s2page();
	release_lock_smmu();
}

/* A VM's pages, which its bank may map. */
static void give_pages(uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		machine_set_page(PA(i) >> PAGE_SHIFT, VM, 0);
	}
}

/* The bank is the VM's and translates. */
static void start_bank(uint32_t bank)
{
	lock();
	init_spt(bank, SMMU);
	release_lock_s2page();
	set_smmu_cfg_vmid(bank, SMMU, VM);
	smmu_hw_bank_start(bank, SMMU, VM);
	release_lock_smmu();
}

static bool reaches(uint32_t bank, uint64_t iova, paddr_t expected)
{
	paddr_t pa;

	return smmumodel_translate(SMMU, bank, iova, true, &pa) &&
	       pa == expected;
}

static bool faults(uint32_t bank, uint64_t iova)
{
	paddr_t pa;

	return !smmumodel_translate(SMMU, bank, iova, false, &pa);
}

static uint64_t free_pages(uint32_t bank)
{
	uint64_t pages;

	acquire_lock_s2page();
	pages = pt_pool_free_pages(pt_spt(bank, SMMU));
	release_lock_s2page();
	return pages;
}

static void a_bank_without_a_table_maps_nothing(void)
{
	lock();
	g_assert_cmphex(get_smmu_cfg_hw_ttbr(BANK, SMMU), ==, 0);
	g_assert_cmphex(walk_spt(BANK, SMMU, AT), ==, 0);
	g_assert_cmpint(map_spt(BANK, SMMU, AT, PTE(0)), ==, HV_EPERM);
	g_assert_cmphex(unmap_spt(BANK, SMMU, AT), ==, 0);
	clear_spt(BANK, SMMU);
	release_spt(BANK, SMMU);
	g_assert_cmphex(get_smmu_cfg_hw_ttbr(BANK, SMMU), ==, 0);
	unlock();
}

static void init_gives_an_empty_table(void)
{
	paddr_t root;

	lock();
	init_spt(BANK, SMMU);
	root = get_smmu_cfg_hw_ttbr(BANK, SMMU);
	g_assert_cmphex(root, >=, TEST_SPT_BASE);
	g_assert_cmphex(root, <, TEST_SPT_BASE + TEST_SPT_BYTES);
	g_assert_cmphex(root % PT_ROOT_BYTES, ==, 0);
	g_assert_cmphex(walk_spt(BANK, SMMU, AT), ==, 0);
	g_assert_cmphex(get_smmu_cfg_hw_ttbr(BANK, 0), ==, 0);
	g_assert_cmphex(get_smmu_cfg_hw_ttbr(BANK + 1, SMMU), ==, 0);
	unlock();
}

static void a_page_is_mapped_where_asked(void)
{
	const uint64_t iovas[] = { 0, AT, AT + PAGE_SIZE, PUD_SIZE,
				   KVM_PHYS_SIZE / 2, LAST };

	give_pages(ARRAY_SIZE(iovas));
	start_bank(BANK);
	start_bank(BANK + 1);
	lock();
	for (size_t i = 0; i < ARRAY_SIZE(iovas); i++) {
		g_assert_cmpint(map_spt(BANK, SMMU, iovas[i], PTE(i)), ==,
				HV_OK);
		g_assert_cmphex(walk_spt(BANK, SMMU, iovas[i]), ==, PTE(i));
		g_assert_cmphex(walk_spt(BANK + 1, SMMU, iovas[i]), ==, 0);
	}
	unlock();
	for (size_t i = 0; i < ARRAY_SIZE(iovas); i++) {
		g_assert_true(reaches(BANK, iovas[i] + 8, PA(i) + 8));
		g_assert_true(faults(BANK + 1, iovas[i]));
	}
	g_assert_true(faults(BANK, AT - PAGE_SIZE));
	g_assert_true(faults(BANK, AT + 2 * PAGE_SIZE));
}

static void a_mapped_iova_keeps_its_page(void)
{
	give_pages(2);
	start_bank(BANK);
	lock();
	g_assert_cmpint(map_spt(BANK, SMMU, AT, PTE(0)), ==, HV_OK);
	g_assert_cmpint(map_spt(BANK, SMMU, AT, PTE(0)), ==, HV_OK);
	g_assert_cmpint(map_spt(BANK, SMMU, AT, PTE(1)), ==, HV_EBUSY);
	g_assert_cmphex(walk_spt(BANK, SMMU, AT), ==, PTE(0));
	unlock();
	g_assert_true(reaches(BANK, AT, PA(0)));
}

static void unmapped_is_gone_from_table_and_tlb(void)
{
	give_pages(3);
	start_bank(BANK);
	lock();
	g_assert_cmpint(map_spt(BANK, SMMU, AT, PTE(0)), ==, HV_OK);
	g_assert_cmpint(map_spt(BANK, SMMU, AT + PAGE_SIZE, PTE(1)), ==, HV_OK);
	g_assert_cmphex(unmap_spt(BANK, SMMU, AT), ==, PTE(0));
	g_assert_cmpuint(smmumodel_stale(), ==, 0);
	g_assert_true(faults(BANK, AT));
	g_assert_true(reaches(BANK, AT + PAGE_SIZE, PA(1)));
	g_assert_cmphex(unmap_spt(BANK, SMMU, AT), ==, 0);
	g_assert_cmphex(unmap_spt(BANK, SMMU, AT + PUD_SIZE), ==, 0);
	g_assert_cmpint(map_spt(BANK, SMMU, AT, PTE(2)), ==, HV_OK);
	g_assert_true(reaches(BANK, AT, PA(2)));
	unlock();
}

static void init_again_empties_the_table(void)
{
	uint64_t pages = free_pages(BANK);

	give_pages(1);
	lock();
	init_spt(BANK, SMMU);
	g_assert_cmpint(map_spt(BANK, SMMU, AT, PTE(0)), ==, HV_OK);
	init_spt(BANK, SMMU);
	g_assert_cmphex(walk_spt(BANK, SMMU, AT), ==, 0);
	release_spt(BANK, SMMU);
	unlock();
	g_assert_cmpuint(free_pages(BANK), ==, pages);
}

/* Leaves that spt_next_leaf() finds, as a sum, and how many. */
static uint64_t sum_leaves(uint64_t *count)
{
	struct spt_cursor cursor = { 0 };
	uint64_t sum = 0, pte;

	*count = 0;
	while (spt_next_leaf(BANK, SMMU, &cursor, &pte)) {
		sum += pte;
		*count += pte != 0 ? 1 : 0;
	}
	return sum;
}

static void cleared_maps_nothing_and_names_all(void)
{
	const uint64_t iovas[] = { 0, 511 * PAGE_SIZE, AT, LAST };
	uint64_t sum = 0, count;

	give_pages(ARRAY_SIZE(iovas));
	start_bank(BANK);
	lock();
	for (size_t i = 0; i < ARRAY_SIZE(iovas); i++) {
		g_assert_cmpint(map_spt(BANK, SMMU, iovas[i], PTE(i)), ==,
				HV_OK);
		sum += PTE(i);
	}
	g_assert_cmphex(sum_leaves(&count), ==, sum);
	clear_spt(BANK, SMMU);
	for (size_t i = 0; i < ARRAY_SIZE(iovas); i++) {
		g_assert_cmphex(walk_spt(BANK, SMMU, iovas[i]), ==, 0);
		g_assert_true(faults(BANK, iovas[i]));
	}
	g_assert_cmphex(sum_leaves(&count), ==, sum);
	g_assert_cmpuint(count, ==, ARRAY_SIZE(iovas));
	unlock();
}

/* One call looks at one table page, whatever it holds. */
static void next_leaf_is_bounded(void)
{
	struct spt_cursor cursor = { 0 };
	unsigned int calls = 0;
	uint64_t pte;

	give_pages(1);
	lock();
	init_spt(BANK, SMMU);
	g_assert_false(spt_next_leaf(BANK, SMMU, &cursor, &pte));
	g_assert_cmpint(map_spt(BANK, SMMU, AT, PTE(0)), ==, HV_OK);
	g_assert_cmphex(unmap_spt(BANK, SMMU, AT), ==, PTE(0));
	cursor = (struct spt_cursor){ 0 };
	while (spt_next_leaf(BANK, SMMU, &cursor, &pte)) {
		g_assert_cmphex(pte, ==, 0);
		calls++;
	}
	/* A level-2 and a level-3 table. */
	g_assert_cmpuint(calls, ==, 2);
	unlock();
}

/* Takes all memory that a bank can get; each page has its own two tables. */
static uint64_t exhaust(uint32_t bank)
{
	uint64_t mapped = 0;

	while (map_spt(bank, SMMU, mapped * PUD_SIZE, PTE(0)) == HV_OK) {
		mapped++;
	}
	return mapped;
}

static void an_empty_pool_refuses_and_changes_nothing(void)
{
	uint64_t mapped;

	give_pages(1);
	lock();
	init_spt(BANK, SMMU);
	mapped = exhaust(BANK);
	g_assert_cmpint(map_spt(BANK, SMMU, mapped * PUD_SIZE, PTE(0)), ==,
			HV_ENOMEM);
	g_assert_cmphex(walk_spt(BANK, SMMU, mapped * PUD_SIZE), ==, 0);
	g_assert_cmphex(walk_spt(BANK, SMMU, 0), ==, PTE(0));
	/* Where the tables are there already a page needs nothing. */
	g_assert_cmpint(map_spt(BANK, SMMU, PAGE_SIZE, PTE(0)), ==, HV_OK);
	unlock();
}

/* What one bank takes leaves every other a table of some size. */
static void every_bank_gets_a_table(void)
{
	give_pages(1);
	lock();
	init_spt(BANK, SMMU);
	exhaust(BANK);
	for (uint32_t i = 0; i < SMMUMODEL_MAX; i++) {
		for (uint32_t n = 1; n < SMMUMODEL_BANKS; n++) {
			if (n == BANK && i == SMMU) {
				continue;
			}
			init_spt(n, i);
			g_assert_cmpint(map_spt(n, i, LAST, PTE(0)), ==, HV_OK);
		}
	}
	unlock();
}

static void released_memory_is_anothers(void)
{
	uint64_t pages = free_pages(BANK);
	uint64_t first = 0;

	give_pages(1);
	for (unsigned int round = 0; round < 20; round++) {
		uint32_t bank = 1 + round % 7;
		uint64_t mapped;

		lock();
		init_spt(bank, SMMU);
		mapped = exhaust(bank);
		first = first == 0 ? mapped : first;
		g_assert_cmpuint(mapped, ==, first);
		release_spt(bank, SMMU);
		g_assert_cmphex(get_smmu_cfg_hw_ttbr(bank, SMMU), ==, 0);
		unlock();
	}
	g_assert_cmpuint(free_pages(BANK), ==, pages);
}

static void iova_beyond_40_bits(void *data)
{
	(void)data;
	lock();
	init_spt(BANK, SMMU);
	g_assert_cmpint(map_spt(BANK, SMMU, KVM_PHYS_SIZE, PTE(0)), ==, HV_OK);
}

static void iova_beyond_40_bits_panics(void)
{
	assert_panics(iova_beyond_40_bits, NULL, "addr < KVM_PHYS_SIZE");
}

static void walk_identity_bank(void *data)
{
	(void)data;
	lock();
	walk_spt(SMMU_IDENTITY_BANK, SMMU, AT);
}

static void the_identity_bank_has_no_such_table(void)
{
	assert_panics(walk_identity_bank, NULL, "cbndx > 0");
}

static void map_without_s2page(void *data)
{
	(void)data;
	g_assert_cmpint(map_spt(BANK, SMMU, AT, PTE(0)), ==, HV_OK);
}

static void map_without_s2page_panics(void)
{
	assert_panics(map_without_s2page, NULL, "lock_table_is_held");
}

static void clear_without_smmu(void *data)
{
	(void)data;
	lock();
	init_spt(BANK, SMMU);
	unlock();
	acquire_lock_s2page();
	clear_spt(BANK, SMMU);
}

static void clear_without_smmu_panics(void)
{
	assert_panics(clear_without_smmu, NULL, "lock_smmu_is_held");
}

static const struct unit_test tests[] = {
	UNIT_TEST("/smmu-spt/init/without-it-nothing-is-mapped",
		  a_bank_without_a_table_maps_nothing),
	UNIT_TEST("/smmu-spt/init/gives-an-empty-table",
		  init_gives_an_empty_table),
	UNIT_TEST("/smmu-spt/init/again-empties-the-table",
		  init_again_empties_the_table),
	UNIT_TEST("/smmu-spt/map/where-asked", a_page_is_mapped_where_asked),
	UNIT_TEST("/smmu-spt/map/a-mapped-iova-keeps-its-page",
		  a_mapped_iova_keeps_its_page),
	UNIT_TEST("/smmu-spt/unmap/gone-from-table-and-tlb",
		  unmapped_is_gone_from_table_and_tlb),
	UNIT_TEST("/smmu-spt/clear/maps-nothing-and-names-all",
		  cleared_maps_nothing_and_names_all),
	UNIT_TEST("/smmu-spt/next-leaf/is-bounded", next_leaf_is_bounded),
	UNIT_TEST("/smmu-spt/pool/empty-refuses-and-changes-nothing",
		  an_empty_pool_refuses_and_changes_nothing),
	UNIT_TEST("/smmu-spt/pool/every-bank-gets-a-table",
		  every_bank_gets_a_table),
	UNIT_TEST("/smmu-spt/pool/released-memory-is-anothers",
		  released_memory_is_anothers),
	UNIT_TEST_DIES("/smmu-spt/map/iova-beyond-40-bits-panics",
		       iova_beyond_40_bits_panics),
	UNIT_TEST_DIES("/smmu-spt/walk/identity-bank-panics",
		       the_identity_bank_has_no_such_table),
	UNIT_TEST_DIES("/smmu-spt/map/without-s2page-panics",
		       map_without_s2page_panics),
	UNIT_TEST_DIES("/smmu-spt/clear/without-smmu-panics",
		       clear_without_smmu_panics),
};

int main(int argc, char **argv)
{
	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
