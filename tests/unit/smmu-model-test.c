/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model of the SMMUs finds what it is there for: each rule broken once, by
 * hand, and what comes nearest to it but is allowed.
 */
#include "opstate.h"

#include <string.h>

#include "arch/barrier.h"
#include "arch/mem.h"
#include "arch/mmio.h"
#include "core/dma_identity.h"
#include "core/locks.h"
#include "core/npt_walk.h"
#include "core/page_manager.h"
#include "core/phys_page.h"
#include "core/pt_alloc.h"
#include "core/pt_walk.h"
#include "core/smmu_cfg.h"
#include "core/smmu_hw.h"
#include "core/smmu_regs.h"
#include "core/spt_ops.h"
#include "smmumodel.h"
#include "tlbmodel.h"

#define PFN		OPS_PFN(1, 9)
#define PA		(PFN << PAGE_SHIFT)
#define BANK		4u
#define CB(n, offset)	(SMMU_CB(SMMUMODEL_BYTES, n) + (offset))

static void expect_error(const char *part)
{
	const char *error = smmumodel_error();

	if (error == NULL || strstr(error, part) == NULL) {
		g_error("no \"%s\" in \"%s\"", part, error);
	}
	g_assert_nonnull(tlbmodel_error());
	smmumodel_forget_error();
}

static void expect_none(void)
{
	g_assert_cmpstr(smmumodel_error(), ==, NULL);
}

static void write32(unsigned int index, uint64_t offset, uint32_t value)
{
	mmio_write32(SMMUMODEL_BASE(index) + offset, value);
}

static uint32_t read32(unsigned int index, uint64_t offset)
{
	return mmio_read32(SMMUMODEL_BASE(index) + offset);
}

/* A bank of SMMU 0. */
static void start_bank(uint32_t bank, vmid_t vmid)
{
	acquire_lock_smmu();
	acquire_lock_s2page();
	init_spt(bank, 0);
	release_lock_s2page();
	smmu_hw_bank_start(bank, 0, vmid);
	release_lock_smmu();
}

/* PFN has a level-3 entry of its own, which the model knows. */
static void start_with_a_page(void)
{
	ops_start();
	acquire_lock_s2page();
	dma_identity_remove(PFN + 1, 1);
	release_lock_s2page();
	expect_none();
}

static el2_va_t page_entry(void)
{
	uint64_t pmd = npt_pmd(PT_IDENTITY, PA);

	return pa_to_el2_va((pmd & S2_OA_MASK) + PFN % 512 * 8);
}

/* Steps of an invalidation, which tests leave out. */
enum step { DSB, TLBI, SYNC, WAIT, STEPS };

static void invalidate_without(unsigned int left_out, unsigned int smmus)
{
	if (left_out != DSB) {
		barrier_dsb_ishst();
	}
	for (unsigned int i = 0; i < smmus; i++) {
		if (left_out != TLBI) {
			mmio_write64(SMMUMODEL_BASE(i) +
				     CB(0, SMMU_CB_TLBIIPAS2L), PFN);
		}
		if (left_out != SYNC) {
			write32(i, CB(0, SMMU_CB_TLBSYNC), 0);
		}
		if (left_out != WAIT) {
			read32(i, CB(0, SMMU_CB_TLBSTATUS));
		}
	}
}

static void every_step_of_an_invalidation_counts(void)
{
	paddr_t pa;

	for (unsigned int left_out = DSB; left_out <= STEPS; left_out++) {
		start_with_a_page();
		acquire_lock_s2page();
		acquire_lock_spt();
		table_store(page_entry(), 0);
		invalidate_without(left_out, SMMUMODEL_MAX);
		g_assert_true(smmumodel_translate(0, 0, PA, true, &pa) ==
			      (left_out != STEPS));
		release_lock_spt();
		if (left_out == STEPS) {
			expect_none();
		} else {
			expect_error("spt is released while");
		}
		smmumodel_resync();
		release_lock_s2page();
	}
}

static void every_smmu_counts(void)
{
	paddr_t pa;

	start_with_a_page();
	acquire_lock_s2page();
	acquire_lock_spt();
	table_store(page_entry(), 0);
	invalidate_without(STEPS, 1);
	g_assert_false(smmumodel_translate(0, 0, PA, true, &pa));
	g_assert_true(smmumodel_translate(1, 0, PA, true, &pa));
	release_lock_spt();
	expect_error("SMMU 1");
	smmumodel_resync();
	release_lock_s2page();
}

static void another_page_does_not_count(void)
{
	start_with_a_page();
	acquire_lock_s2page();
	acquire_lock_spt();
	table_store(page_entry(), 0);
	for (uint32_t i = 0; i < SMMUMODEL_MAX; i++) {
		smmu_hw_invalidate(0, i, PA + PAGE_SIZE, 1);
	}
	release_lock_spt();
	expect_error("spt is released while");
	smmumodel_resync();
	release_lock_s2page();
}

static void another_bank_does_not_count(void)
{
	start_with_a_page();
	start_bank(BANK, 3);
	acquire_lock_s2page();
	acquire_lock_spt();
	table_store(page_entry(), 0);
	smmu_hw_invalidate(BANK, 0, PA, 1);
	smmu_hw_invalidate(0, 1, PA, 1);
	release_lock_spt();
	expect_error("SMMU 0");
	smmumodel_resync();
	release_lock_s2page();
}

static void a_busy_sync_is_not_complete(void)
{
	start_with_a_page();
	smmumodel_set_polls(1);
	acquire_lock_s2page();
	acquire_lock_spt();
	table_store(page_entry(), 0);
	invalidate_without(STEPS, SMMUMODEL_MAX);
	g_assert_cmpuint(smmumodel_stale(), ==, 2);
	g_assert_cmphex(read32(0, CB(0, SMMU_CB_TLBSTATUS)), ==, 0);
	g_assert_cmphex(read32(1, CB(0, SMMU_CB_TLBSTATUS)), ==, 0);
	g_assert_cmpuint(smmumodel_stale(), ==, 0);
	release_lock_spt();
	smmumodel_resync();
	release_lock_s2page();
}

/* The record changes and the table does not: a forgotten removal. */
static void a_forgotten_removal(void)
{
	uint64_t *record;

	ops_start();
	/* page_manager.c's array is the first thing in EL2's memory. */
	record = el2_ptr(pa_to_el2_va(OPS_EL2));
	acquire_lock_s2page();
	record[PFN - OPS_PFN(0, 0)] |= 3;
	g_assert_cmpuint(get_pfn_owner(PFN), ==, 3);
	release_lock_s2page();
	expect_error("another owner's");
	/* And back to the host. */
	acquire_lock_s2page();
	record[PFN - OPS_PFN(0, 0)] &= ~UINT64_C(3);
	release_lock_s2page();
	expect_none();
}

static void zeroed_too_early(void)
{
	ops_start();
	acquire_lock_s2page();
	clear_phys_page(PFN);
	expect_error("is zeroed while bank 0");
	icache_invalidate_all();
	release_lock_s2page();
}

static void a_vm_sees_it_too_early(void)
{
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	acquire_lock_s2page();
	assert_done(map_pfn_vm(vm, OPS_GFN << PAGE_SHIFT, PA, 3));
	release_lock_s2page();
	expect_error("is a VM's while bank 0");
}

static void what_is_the_vms_is_not_added(void)
{
	ops_start();
	machine_set_page(PFN, 3, 0);
	acquire_lock_s2page();
	dma_identity_add(PFN);
	release_lock_s2page();
	expect_error("is in a table of 0, but owned by 0x3");
	acquire_lock_s2page();
	dma_identity_remove(PFN, 1);
	release_lock_s2page();
	expect_none();
}

static void a_table_changes_without_its_lock(void)
{
	start_with_a_page();
	acquire_lock_s2page();
	table_store(page_entry(), 0);
	release_lock_s2page();
	expect_error("without its locks");
	smmumodel_resync();
}

static void a_page_is_replaced_without_a_break(void)
{
	start_with_a_page();
	acquire_lock_s2page();
	acquire_lock_spt();
	table_store(page_entry(), (PA + 2 * PAGE_SIZE) | PAGE_S2_KERNEL);
	release_lock_spt();
	release_lock_s2page();
	expect_error("without a break");
	smmumodel_resync();
}

/* --- Registers ----------------------------------------------------------- */

static void scr0_lets_nothing_pass(void)
{
	const uint32_t bad[] = {
		0x00201c03,	/* CLIENTPD */
		0x00201802,	/* no USFCFG */
		0x00001c02,	/* no SMCFCFG */
		0x00201c00,	/* no GFRE */
		0x00201e02,	/* GSE */
		0x80201c02,	/* VMID16EN */
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		write32(0, SMMU_SCR0, bad[i]);
		expect_error("sCR0");
	}
	write32(0, SMMU_SCR0, 0x00201c06);
	expect_none();
}

static void a_stream_has_a_bank_that_translates(void)
{
	write32(0, SMMU_S2CR(3), SMMU_S2CR_BYPASS);
	expect_none();
	write32(0, SMMU_SMR(3), SMMU_SMR_VALID | 9);
	expect_error("stream entry 3");
	write32(0, SMMU_S2CR(3), BANK);
	expect_error("stream entry 3");
	write32(0, SMMU_S2CR(3), SMMU_S2CR_FAULT);
	expect_none();
	write32(0, SMMU_S2CR(3), SMMU_IDENTITY_BANK);
	expect_none();
	write32(0, SMMU_S2CR(3), 9);
	expect_error("stream entry 3");
	write32(0, SMMU_SMR(3), 0);
	expect_none();
}

static void a_live_bank_does_not_change(void)
{
	const uint64_t offsets[] = {
		SMMU_CBAR(BANK), SMMU_CBA2R(BANK), CB(BANK, SMMU_CB_TCR),
		CB(BANK, SMMU_CB_TTBR0), CB(BANK, SMMU_CB_TTBR0 + 4),
	};

	start_bank(BANK, 3);
	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		uint32_t old = read32(0, offsets[i]);

		write32(0, offsets[i], old);
		expect_none();
		write32(0, offsets[i], old ^ 8);
		expect_error("changes while it translates");
		write32(0, offsets[i], old);
		smmumodel_forget_error();
	}
}

/* A bank that is started by hand but for one register. */
static void start_by_hand(uint64_t offset, uint32_t value)
{
	write32(0, SMMU_CBA2R(BANK), 1);
	write32(0, SMMU_CBAR(BANK), 0x43);
	write32(0, CB(BANK, SMMU_CB_TCR), 0x80023558);
	mmio_write64(SMMUMODEL_BASE(0) + CB(BANK, SMMU_CB_TTBR0),
		     get_smmu_cfg_hw_ttbr(BANK, 0));
	if (offset != 0) {
		write32(0, offset, value);
	}
	write32(0, CB(BANK, SMMU_CB_SCTLR), 0x121);
}

static void stop_by_hand(void)
{
	write32(0, CB(BANK, SMMU_CB_SCTLR), 0);
	smmumodel_resync();
}

static void a_bank_starts_as_stage_2_with_a_table(void)
{
	acquire_lock_smmu();
	acquire_lock_s2page();
	init_spt(BANK, 0);
	release_lock_s2page();
	release_lock_smmu();
	start_by_hand(0, 0);
	expect_none();
	stop_by_hand();
	start_by_hand(SMMU_CBAR(BANK), 0x10043);
	expect_error("another kind");
	stop_by_hand();
	start_by_hand(SMMU_CBA2R(BANK), 0);
	expect_error("another kind");
	stop_by_hand();
	start_by_hand(CB(BANK, SMMU_CB_TCR), 0x80023559);
	expect_error("another kind");
	stop_by_hand();
	start_by_hand(SMMU_CBAR(BANK), 0);
	expect_error("one TLB tag");
	stop_by_hand();
	start_by_hand(CB(BANK, SMMU_CB_TTBR0),
		      (uint32_t)get_smmu_cfg_hw_ttbr(BANK, 0) | 0x1000);
	expect_error("without a table");
}

static void a_bank_starts_with_an_empty_tlb(void)
{
	start_bank(BANK, 3);
	write32(0, CB(BANK, SMMU_CB_SCTLR), 0);
	write32(0, CB(BANK, SMMU_CB_SCTLR), 0x121);
	expect_error("stale translations");
	smmumodel_resync();
}

static void a_bank_in_use_is_not_stopped(void)
{
	start_bank(BANK, 3);
	acquire_lock_smmu();
	smmu_hw_set_stream(0, 3, SMMU_SMR_VALID | 9, BANK);
	expect_none();
	smmu_hw_bank_stop(BANK, 0);
	expect_error("stream entry 3");
	smmu_hw_set_stream(0, 3, 0, SMMU_STREAM_FAULT);
	release_lock_smmu();
	smmumodel_resync();
}

static void a_device_goes_where_its_stream_leads(void)
{
	paddr_t pa;

	ops_start();
	start_bank(BANK, 3);
	machine_set_page(PFN, 3, 0);
	acquire_lock_smmu();
	acquire_lock_s2page();
	assert_done(map_spt(BANK, 0, 0x5000, PA | PAGE_S2_KERNEL));
	release_lock_s2page();
	for (unsigned int n = 0; n < SMMUMODEL_STREAMS; n++) {
		smmu_hw_set_stream(0, n, 0, SMMU_STREAM_FAULT);
	}
	smmu_hw_set_stream(0, 3, SMMU_SMR_VALID | 0x00ff0900, BANK);
	smmu_hw_set_stream(0, 7, SMMU_SMR_VALID | 0x0a00, SMMU_IDENTITY_BANK);
	release_lock_smmu();
	g_assert_true(smmumodel_dma(0, 0x912, 0x5010, true, &pa));
	g_assert_cmphex(pa, ==, PA + 0x10);
	g_assert_false(smmumodel_dma(0, 0x912, 0x6000, false, &pa));
	g_assert_false(smmumodel_dma(0, 0x812, 0x5010, false, &pa));
	g_assert_true(smmumodel_dma(0, 0xa00, OPS_RAM, false, &pa));
	g_assert_false(smmumodel_dma(0, 0xa01, OPS_RAM, false, &pa));
	/* Two entries. */
	acquire_lock_smmu();
	smmu_hw_set_stream(0, 8, SMMU_SMR_VALID | 0x0a00, SMMU_IDENTITY_BANK);
	release_lock_smmu();
	g_assert_false(smmumodel_dma(0, 0xa00, OPS_RAM, false, &pa));
}

static const struct unit_test tests[] = {
	UNIT_TEST("/smmu-model/tlb/every-step-counts",
		  every_step_of_an_invalidation_counts),
	UNIT_TEST("/smmu-model/tlb/every-smmu-counts", every_smmu_counts),
	UNIT_TEST("/smmu-model/tlb/another-page-does-not",
		  another_page_does_not_count),
	UNIT_TEST("/smmu-model/tlb/another-bank-does-not",
		  another_bank_does_not_count),
	UNIT_TEST("/smmu-model/tlb/busy-sync-is-not-complete",
		  a_busy_sync_is_not_complete),
	UNIT_TEST("/smmu-model/owner/forgotten-removal", a_forgotten_removal),
	UNIT_TEST("/smmu-model/owner/zeroed-too-early", zeroed_too_early),
	UNIT_TEST("/smmu-model/owner/vm-sees-it-too-early",
		  a_vm_sees_it_too_early),
	UNIT_TEST("/smmu-model/owner/vm-page-is-not-added",
		  what_is_the_vms_is_not_added),
	UNIT_TEST("/smmu-model/table/changes-without-lock",
		  a_table_changes_without_its_lock),
	UNIT_TEST("/smmu-model/table/replaced-without-break",
		  a_page_is_replaced_without_a_break),
	UNIT_TEST("/smmu-model/registers/scr0", scr0_lets_nothing_pass),
	UNIT_TEST("/smmu-model/registers/streams",
		  a_stream_has_a_bank_that_translates),
	UNIT_TEST("/smmu-model/registers/live-bank-does-not-change",
		  a_live_bank_does_not_change),
	UNIT_TEST("/smmu-model/registers/bank-starts-as-stage-2",
		  a_bank_starts_as_stage_2_with_a_table),
	UNIT_TEST("/smmu-model/registers/bank-starts-with-empty-tlb",
		  a_bank_starts_with_an_empty_tlb),
	UNIT_TEST("/smmu-model/registers/bank-in-use-is-not-stopped",
		  a_bank_in_use_is_not_stopped),
	UNIT_TEST("/smmu-model/dma/goes-where-its-stream-leads",
		  a_device_goes_where_its_stream_leads),
};

int main(int argc, char **argv)
{
	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
