/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What EL2 writes to the SMMUs, and that it waits for their answers. */
#include "harness.h"

#include "core/dma_identity.h"
#include "core/locks.h"
#include "core/smmu_cfg.h"
#include "core/smmu_hw.h"
#include "core/smmu_regs.h"
#include "core/spt_ops.h"
#include "smmumodel.h"
#include "tlbmodel.h"

#define BANK	4u
#define VM	9u
/* GFRE, USFCFG, VMIDPNE, PTM, SMCFCFG. */
#define SCR0	0x00201c02u
/* M, CFRE, HUPCF. */
#define SCTLR	0x121u
#define CFIE	0x40u
#define CB(n, offset) (0x8000 + (n) * 0x1000 + (offset))

/* --- A bus that notes what is written ------------------------------------ */

struct note {
	unsigned int index;
	uint64_t offset;
	uint64_t value;
};

static const struct native_bus *model;
static struct note notes[96];
static unsigned int nr_notes;

/* What had happened when a register was read last. */
static size_t events_at_read;

static uint64_t noting_read(paddr_t pa, unsigned int bytes)
{
	native_events(&events_at_read);
	return model->read(pa, bytes);
}

static void noting_write(paddr_t pa, unsigned int bytes, uint64_t value)
{
	uint64_t offset = pa - SMMUMODEL_BASE(0);

	g_assert_cmpuint(nr_notes, <, ARRAY_SIZE(notes));
	notes[nr_notes++] = (struct note){
		.index = (unsigned int)(offset / SMMUMODEL_BYTES),
		.offset = offset % SMMUMODEL_BYTES,
		.value = value,
	};
	model->write(pa, bytes, value);
}

static void note_writes(void)
{
	static const struct native_bus noting = { noting_read, noting_write };

	nr_notes = 0;
	model = native_set_bus(&noting);
}

static void assert_note(unsigned int i, unsigned int index, uint64_t offset,
			uint64_t value)
{
	g_assert_cmpuint(i, <, nr_notes);
	g_assert_cmpuint(notes[i].index, ==, index);
	g_assert_cmphex(notes[i].offset, ==, offset);
	g_assert_cmphex(notes[i].value, ==, value);
}

/* --- What a bank records of faults ---------------------------------------- */

static const uint64_t fault_registers[] = {
	SMMU_CB_FSR, SMMU_CB_FAR, SMMU_CB_FAR + 4, SMMU_CB_FSYNR0,
	SMMU_CB_IPAFAR, SMMU_CB_IPAFAR + 4,
};

static void poke_fault(unsigned int index, uint64_t bank)
{
	for (size_t i = 0; i < ARRAY_SIZE(fault_registers); i++) {
		smmumodel_poke(index, CB(bank, fault_registers[i]), 0x32);
	}
	smmumodel_poke(index, SMMU_CBFRSYNRA(bank), 0x10);
}

static void assert_no_fault(unsigned int index, uint64_t bank)
{
	for (size_t i = 0; i < ARRAY_SIZE(fault_registers); i++) {
		g_assert_cmphex(smmumodel_peek(index,
					       CB(bank, fault_registers[i])),
				==, 0);
	}
	g_assert_cmphex(smmumodel_peek(index, SMMU_CBFRSYNRA(bank)), ==, 0);
}

/* --- Taking over --------------------------------------------------------- */

static void poke_all(unsigned int index)
{
	for (uint64_t n = 0; n < SMMUMODEL_STREAMS; n++) {
		smmumodel_poke(index, SMMU_SMR(n), 0xffff0000 | n);
		smmumodel_poke(index, SMMU_S2CR(n), SMMU_S2CR_BYPASS);
	}
	for (uint64_t n = 0; n < SMMUMODEL_BANKS; n++) {
		smmumodel_poke(index, CB(n, SMMU_CB_SCTLR), 0x1ff);
		poke_fault(index, n);
	}
	smmumodel_poke(index, SMMU_SCR0, 0x00000001);
	smmumodel_poke(index, SMMU_SCR2, 0x12);
	smmumodel_poke(index, SMMU_SGFSR, 0x800001ff);
}

static void take_over_stops_everything(void)
{
	paddr_t pa;

	smmumodel_start(SMMUMODEL_MAX);
	for (unsigned int i = 0; i < SMMUMODEL_MAX; i++) {
		poke_all(i);
		g_assert_true(smmumodel_dma(i, 7, TEST_EL2_BASE, true, &pa));
		smmu_hw_take_over(i);
		g_assert_cmphex(smmumodel_peek(i, SMMU_SCR0), ==, SCR0);
		g_assert_cmphex(smmumodel_peek(i, SMMU_SCR2), ==, 0);
		g_assert_cmphex(smmumodel_peek(i, SMMU_SGFSR), ==, 0);
		for (uint64_t n = 0; n < SMMUMODEL_STREAMS; n++) {
			g_assert_cmphex(smmumodel_peek(i, SMMU_SMR(n)), ==, 0);
			g_assert_cmphex(smmumodel_peek(i, SMMU_S2CR(n)), ==,
					SMMU_S2CR_FAULT);
		}
		for (uint64_t n = 0; n < SMMUMODEL_BANKS; n++) {
			g_assert_cmphex(smmumodel_peek(i,
					CB(n, SMMU_CB_SCTLR)), ==, 0);
			assert_no_fault(i, n);
		}
		g_assert_false(smmumodel_dma(i, 7, TEST_EL2_BASE, true, &pa));
	}
}

/* The last things it does: all TLBs, and a sync. */
static void take_over_empties_the_tlbs(void)
{
	smmumodel_start(SMMUMODEL_MAX);
	for (uint64_t n = 0; n < SMMUMODEL_STREAMS; n++) {
		smmumodel_poke(1, SMMU_IDR(0), 0x7e015e02);
	}
	note_writes();
	smmu_hw_take_over(1);
	assert_note(nr_notes - 3, 1, SMMU_TLBIALLH, 0);
	assert_note(nr_notes - 2, 1, SMMU_TLBIALLNSNH, 0);
	assert_note(nr_notes - 1, 1, SMMU_STLBGSYNC, 0);
}

static void an_smmu_is_looked_at(void)
{
	uint32_t banks;

	g_assert_null(smmu_hw_check(SMMUMODEL_BASE(0), SMMUMODEL_BYTES,
				    &banks));
	g_assert_cmpuint(banks, ==, SMMUMODEL_BANKS);
	g_assert_nonnull(smmu_hw_check(SMMUMODEL_BASE(0), SMMUMODEL_BYTES / 2,
				       &banks));
	g_assert_nonnull(smmu_hw_check(SMMUMODEL_BASE(0), SMMUMODEL_BYTES * 2,
				       &banks));
}

static void an_unfit_smmu_is_refused(void)
{
	const struct {
		uint64_t offset;
		uint32_t value;
	} bad[] = {
		{ SMMU_IDR(0), 0x5e015e20 },	/* no stage 2 */
		{ SMMU_IDR(0), 0x76015e20 },	/* no stream matching */
		{ SMMU_IDR(0), 0x7e011e20 },	/* walks are not coherent */
		{ SMMU_IDR(1), 0xa0008008 },	/* 64 KiB pages */
		{ SMMU_IDR(1), 0x30008008 },	/* 128 KiB */
		{ SMMU_IDR(0), 0x7e015e08 },	/* 8 stream entries */
		{ SMMU_IDR(2), 0x00000222 },	/* no pages of 4 KiB */
		{ SMMU_IDR(2), 0x00001221 },	/* 36 bits in */
		{ SMMU_IDR(2), 0x00001212 },	/* 36 bits out */
	};
	uint32_t banks;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		uint64_t old = smmumodel_peek(0, bad[i].offset);

		smmumodel_poke(0, bad[i].offset, bad[i].value);
		g_assert_nonnull(smmu_hw_check(SMMUMODEL_BASE(0),
					       SMMUMODEL_BYTES, &banks));
		smmumodel_poke(0, bad[i].offset, old);
	}
	smmumodel_poke(0, SMMU_IDR(0), 0x7e015e09);
	smmumodel_poke(0, SMMU_IDR(2), 0x00001355);
	smmumodel_poke(0, SMMU_IDR(1), 0x20008080);
	g_assert_null(smmu_hw_check(SMMUMODEL_BASE(0), SMMUMODEL_BYTES,
				    &banks));
	g_assert_cmpuint(banks, ==, 128);
}

/* --- Banks --------------------------------------------------------------- */

static void make_table(uint32_t bank, uint32_t index)
{
	acquire_lock_smmu();
	acquire_lock_s2page();
	init_spt(bank, index);
	release_lock_s2page();
	release_lock_smmu();
}

static void start(uint32_t bank, uint32_t index, vmid_t vmid)
{
	make_table(bank, index);
	acquire_lock_smmu();
	smmu_hw_bank_start(bank, index, vmid);
	release_lock_smmu();
}

static void a_started_bank_is_as_specified(void)
{
	start(BANK, 1, VM);
	g_assert_cmphex(smmumodel_peek(1, SMMU_CBAR(BANK)), ==, 0x49);
	g_assert_cmphex(smmumodel_peek(1, SMMU_CBA2R(BANK)), ==, 1);
	g_assert_cmphex(smmumodel_peek(1, CB(BANK, SMMU_CB_TCR)), ==,
			0x80023558);
	g_assert_cmphex(smmumodel_peek(1, CB(BANK, SMMU_CB_TTBR0)) |
			smmumodel_peek(1, CB(BANK, SMMU_CB_TTBR0 + 4)) << 32,
			==, get_smmu_cfg_hw_ttbr(BANK, 1));
	g_assert_cmphex(smmumodel_peek(1, CB(BANK, SMMU_CB_SCTLR)), ==, SCTLR);
	g_assert_cmphex(smmumodel_peek(0, SMMU_CBAR(BANK)), ==, 0x20000);
}

/* It translates only when all else is written. */
static void sctlr_is_written_last(void)
{
	make_table(BANK, 1);
	acquire_lock_smmu();
	note_writes();
	smmu_hw_bank_start(BANK, 1, VM);
	release_lock_smmu();
	assert_note(nr_notes - 1, 1, CB(BANK, SMMU_CB_SCTLR), SCTLR);
	assert_note(nr_notes - 2, 1, SMMU_STLBGSYNC, 0);
	assert_note(nr_notes - 3, 1, SMMU_TLBIVMID, 0x49);
}

static void tags_differ_between_banks(void)
{
	g_assert_cmphex(smmumodel_peek(0, SMMU_CBAR(0)), ==, 0);
	for (uint32_t n = 1; n < SMMUMODEL_BANKS; n++) {
		start(n, 0, n == 3 ? HOSTVISOR : 15);
		g_assert_cmphex(smmumodel_peek(0, SMMU_CBAR(n)), ==,
				n << 4 | (n == 3 ? 0u : 15u));
	}
}

static void a_stopped_bank_keeps_nothing(void)
{
	start(BANK, 1, VM);
	poke_fault(1, BANK);
	acquire_lock_smmu();
	smmu_hw_bank_stop(BANK, 1);
	release_lock_smmu();
	g_assert_cmphex(smmumodel_peek(1, CB(BANK, SMMU_CB_SCTLR)), ==, 0);
	g_assert_cmphex(smmumodel_peek(1, CB(BANK, SMMU_CB_TTBR0)), ==, 0);
	assert_no_fault(1, BANK);
	g_assert_cmpuint(smmumodel_stale(), ==, 0);
	/* For the next owner. */
	start(BANK, 1, VM + 1);
}

static void interrupts_are_as_asked(void)
{
	start(BANK, 1, HOSTVISOR);
	acquire_lock_smmu();
	smmu_hw_bank_set_irq(BANK, 1, true);
	g_assert_cmphex(smmumodel_peek(1, CB(BANK, SMMU_CB_SCTLR)), ==,
			SCTLR | CFIE);
	smmu_hw_bank_set_irq(BANK, 1, false);
	g_assert_cmphex(smmumodel_peek(1, CB(BANK, SMMU_CB_SCTLR)), ==, SCTLR);
	/* A stopped bank is not started by it. */
	smmu_hw_bank_set_irq(BANK, 0, true);
	g_assert_cmphex(smmumodel_peek(0, CB(BANK, SMMU_CB_SCTLR)), ==, 0);
	smmu_hw_set_global_irq(1, true);
	g_assert_cmphex(smmumodel_peek(1, SMMU_SCR0), ==, SCR0 | 4);
	g_assert_cmphex(smmumodel_peek(0, SMMU_SCR0), ==, SCR0);
	smmu_hw_set_global_irq(1, false);
	g_assert_cmphex(smmumodel_peek(1, SMMU_SCR0), ==, SCR0);
	release_lock_smmu();
}

static void start_bank_8(void *data)
{
	(void)data;
	acquire_lock_smmu();
	smmu_hw_bank_start(8, 0, VM);
}

static void start_of_bank_8_panics(void)
{
	assert_panics(start_bank_8, NULL, "cbndx");
}

static void start_without_a_table(void *data)
{
	(void)data;
	acquire_lock_smmu();
	smmu_hw_bank_start(BANK, 0, VM);
}

static void start_without_a_table_panics(void)
{
	assert_panics(start_without_a_table, NULL, "ttbr != 0");
}

static void start_without_the_lock(void *data)
{
	(void)data;
	make_table(BANK, 0);
	smmu_hw_bank_start(BANK, 0, VM);
}

static void start_without_the_lock_panics(void)
{
	assert_panics(start_without_the_lock, NULL, "lock_smmu_is_held");
}

/* --- Streams ------------------------------------------------------------- */

#define ENTRY	5u
#define SMR	0x80000123u

static void set_stream(uint32_t smr, uint32_t bank)
{
	acquire_lock_smmu();
	smmu_hw_set_stream(0, ENTRY, smr, bank);
	release_lock_smmu();
}

static void a_new_match_is_never_with_the_old_bank(void)
{
	start(BANK, 0, HOSTVISOR);
	start(BANK + 1, 0, HOSTVISOR);
	set_stream(0x80000321, BANK);
	note_writes();
	set_stream(SMR, BANK + 1);
	assert_note(0, 0, SMMU_SMR(ENTRY), 0);
	assert_note(1, 0, SMMU_S2CR(ENTRY), BANK + 1);
	assert_note(2, 0, SMMU_SMR(ENTRY), SMR);
	/* After the transactions through the old bank. */
	assert_note(3, 0, CB(BANK, SMMU_CB_TLBSYNC), 0);
	g_assert_cmpuint(nr_notes, ==, 4);
}

static void a_new_bank_is_one_store(void)
{
	start(BANK, 0, HOSTVISOR);
	set_stream(SMR, SMMU_STREAM_FAULT);
	note_writes();
	set_stream(SMR, BANK);
	assert_note(0, 0, SMMU_S2CR(ENTRY), BANK);
	g_assert_cmpuint(nr_notes, ==, 1);
	set_stream(SMR, BANK);
	g_assert_cmpuint(nr_notes, ==, 1);
	set_stream(SMR, SMMU_STREAM_FAULT);
	assert_note(1, 0, SMMU_S2CR(ENTRY), 0x20000);
	assert_note(2, 0, CB(BANK, SMMU_CB_TLBSYNC), 0);
	g_assert_cmpuint(nr_notes, ==, 3);
}

static void set_entry_32(void *data)
{
	(void)data;
	acquire_lock_smmu();
	smmu_hw_set_stream(0, SMMUMODEL_STREAMS, SMR, SMMU_STREAM_FAULT);
}

static void entry_32_panics(void)
{
	g_assert_cmpuint(smmu_hw_num_streams(0), ==, SMMUMODEL_STREAMS);
	assert_panics(set_entry_32, NULL, "smmu_hw_num_streams");
}

static void set_bank_8(void *data)
{
	(void)data;
	acquire_lock_smmu();
	smmu_hw_set_stream(0, ENTRY, SMR, 8);
}

static void stream_to_bank_8_panics(void)
{
	assert_panics(set_bank_8, NULL, "get_smmu_num_context_banks");
}

/* --- Invalidation -------------------------------------------------------- */

static void invalidate(uint64_t iova, uint64_t pages)
{
	acquire_lock_spt();
	smmu_hw_invalidate(SMMU_IDENTITY_BANK, 1, iova, pages);
	release_lock_spt();
}

static void pages_go_by_the_banks_own_registers(void)
{
	note_writes();
	invalidate(0xfedcba9876, 3);
	assert_note(0, 1, CB(0, SMMU_CB_TLBIIPAS2L), 0xfedcba9);
	assert_note(1, 1, CB(0, SMMU_CB_TLBIIPAS2L), 0xfedcbaa);
	assert_note(2, 1, CB(0, SMMU_CB_TLBIIPAS2L), 0xfedcbab);
	assert_note(3, 1, CB(0, SMMU_CB_TLBSYNC), 0);
	g_assert_cmpuint(nr_notes, ==, 4);
}

static void a_slow_sync_is_waited_for(void)
{
	smmumodel_set_polls(1000);
	machine_set_page(TEST_RAM_BASE >> PAGE_SHIFT, 1, 0);
	start(BANK, 1, VM);
	g_assert_cmpuint(smmumodel_stale(), ==, 0);
}

/* What EL2 does to the page next, it does not begin before. */
static void a_barrier_follows_the_answer(void)
{
	const struct native_event *events;
	unsigned int barriers = 0;
	size_t n;

	note_writes();
	smmumodel_set_polls(3);
	native_events_reset();
	invalidate(TEST_RAM_BASE, 1);
	events = native_events(&n);
	for (size_t i = events_at_read; i < n; i++) {
		barriers += events[i].op == NATIVE_DSB_SY;
	}
	g_assert_cmpuint(barriers, ==, 1);
}

static void never_answers(void *data)
{
	(void)data;
	smmumodel_set_polls(UINT32_MAX);
	invalidate(0, 1);
}

static void no_answer_is_a_panic(void)
{
	assert_panics(never_answers, NULL, "SMMU: no answer");
}

static void global_never_answers(void *data)
{
	(void)data;
	make_table(BANK, 0);
	smmumodel_set_polls(UINT32_MAX);
	acquire_lock_smmu();
	smmu_hw_bank_start(BANK, 0, VM);
}

static void no_global_answer_is_a_panic(void)
{
	assert_panics(global_never_answers, NULL, "SMMU: no answer");
}

static void invalidate_unlocked(void *data)
{
	(void)data;
	smmu_hw_invalidate(SMMU_IDENTITY_BANK, 1, 0, 1);
}

static void invalidate_without_spt_panics(void)
{
	assert_panics(invalidate_unlocked, NULL, "lock_spt_is_held");
}

static const struct unit_test tests[] = {
	UNIT_TEST("/smmu-hw/take-over/stops-everything",
		  take_over_stops_everything),
	UNIT_TEST("/smmu-hw/take-over/empties-the-tlbs",
		  take_over_empties_the_tlbs),
	UNIT_TEST("/smmu-hw/check/is-looked-at", an_smmu_is_looked_at),
	UNIT_TEST("/smmu-hw/check/unfit-is-refused", an_unfit_smmu_is_refused),
	UNIT_TEST("/smmu-hw/bank/started-as-specified",
		  a_started_bank_is_as_specified),
	UNIT_TEST("/smmu-hw/bank/sctlr-last", sctlr_is_written_last),
	UNIT_TEST("/smmu-hw/bank/tags-differ", tags_differ_between_banks),
	UNIT_TEST("/smmu-hw/bank/stopped-keeps-nothing",
		  a_stopped_bank_keeps_nothing),
	UNIT_TEST("/smmu-hw/irq/as-asked", interrupts_are_as_asked),
	UNIT_TEST_DIES("/smmu-hw/bank/start-of-8-panics",
		       start_of_bank_8_panics),
	UNIT_TEST_DIES("/smmu-hw/bank/start-without-table-panics",
		       start_without_a_table_panics),
	UNIT_TEST_DIES("/smmu-hw/bank/start-without-lock-panics",
		       start_without_the_lock_panics),
	UNIT_TEST("/smmu-hw/stream/new-match-never-with-old-bank",
		  a_new_match_is_never_with_the_old_bank),
	UNIT_TEST("/smmu-hw/stream/new-bank-is-one-store",
		  a_new_bank_is_one_store),
	UNIT_TEST_DIES("/smmu-hw/stream/entry-32-panics", entry_32_panics),
	UNIT_TEST_DIES("/smmu-hw/stream/bank-8-panics",
		       stream_to_bank_8_panics),
	UNIT_TEST("/smmu-hw/tlb/pages-by-the-banks-registers",
		  pages_go_by_the_banks_own_registers),
	UNIT_TEST("/smmu-hw/tlb/slow-sync-is-waited-for",
		  a_slow_sync_is_waited_for),
	UNIT_TEST("/smmu-hw/tlb/barrier", a_barrier_follows_the_answer),
	UNIT_TEST_DIES("/smmu-hw/tlb/no-answer-is-a-panic",
		       no_answer_is_a_panic),
	UNIT_TEST_DIES("/smmu-hw/tlb/no-global-answer-is-a-panic",
		       no_global_answer_is_a_panic),
	UNIT_TEST_DIES("/smmu-hw/tlb/without-spt-panics",
		       invalidate_without_spt_panics),
};

int main(int argc, char **argv)
{
	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
