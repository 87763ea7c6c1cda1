/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "check_smmu.h"

#include <inttypes.h>
#include <string.h>

#include "check_tables.h"
#include "spec/dma.h"
#include "spec/npt.h"

#define WORDS	(FW_SMMU_BYTES / 4)

static struct fw_table table;

/* Registers as the last step left them. */
static uint32_t old_words[SMMU_NUM][WORDS];

static void read_words(uint32_t index, uint32_t *words)
{
	for (uint64_t i = 0; i < WORDS; i++) {
		words[i] = (uint32_t)fw_smmu_reg(index, i * 4, 4);
	}
}

void check_smmus_start(void)
{
	for (uint32_t i = 0; i < fw_nr_smmus(); i++) {
		read_words(i, old_words[i]);
	}
}

/* --- Tables --------------------------------------------------------------- */

/* I17: a bank shows its owner's pages, each at its place. */
static const char *check_bank_rule(uint32_t index, uint32_t cbndx,
				   const struct rdata *adt)
{
	const struct npt *spt = &adt->spts[index][cbndx];
	uint32_t owner = adt->smmus[index].bank[cbndx].vmid;

	for (uint32_t i = 0; i < spt->nr_runs; i++) {
		for (uint64_t k = 0; k < spt->runs[i].pages; k++) {
			uint64_t pfn = spt->runs[i].pfn + k;
			uint64_t gfn = spt->runs[i].gfn + k;
			uint64_t page = index_of(pfn, adt);

			if (page == INVALID64 ||
			    adt->s2page[page].owner != owner ||
			    gfn != (owner == HOSTVISOR ? pfn :
				    adt->s2page[page].gfn)) {
				return say("I17: bank %u.%u of %u has 0x%"
					   PRIx64 " at 0x%" PRIx64, index,
					   cbndx, owner, pfn, gfn);
			}
		}
	}
	return NULL;
}

/* The firmware's table is the specification's, and uses as much memory. */
static const char *check_bank_table(uint32_t index, uint32_t cbndx,
				    const struct rdata *adt)
{
	const struct smmu_bank *bank = &adt->smmus[index].bank[cbndx];
	const struct npt *spt = &adt->spts[index][cbndx];
	uint32_t nr_runs = bank->freeing ? 0 : spt->nr_runs;

	fw_read_bank(index, cbndx, &table);
	if (table.error != NULL || table.live != spt->live) {
		return say("bank %u.%u's table %s", index, cbndx,
			   table.error != NULL ? table.error :
			   table.live ? "is there" : "is gone");
	}
	if (!table.live) {
		return NULL;
	}
	for (uint32_t i = 0; i < table.nr_runs && i < nr_runs; i++) {
		const struct fw_run *a = &table.runs[i];
		const struct pt_run *b = &spt->runs[i];

		if (a->gfn != b->gfn || a->pfn != b->pfn ||
		    a->pages != b->pages || a->pte != b->pte ||
		    a->level != b->level) {
			return say("bank %u.%u maps 0x%" PRIx64 "+%" PRIu64
				   " to 0x%" PRIx64 " (0x%" PRIx64
				   "), specified 0x%" PRIx64 "+%" PRIu64
				   " to 0x%" PRIx64 " (0x%" PRIx64 ")",
				   index, cbndx, a->gfn, a->pages, a->pfn,
				   a->pte, b->gfn, b->pages, b->pfn, b->pte);
		}
	}
	if (table.nr_runs != nr_runs) {
		return say("bank %u.%u has %u ranges mapped, specified %u",
			   index, cbndx, table.nr_runs, nr_runs);
	}
	if (fw_spt_pool_free(index, cbndx) !=
	    (spt->chunks + adt->spt_free) * CHUNK_PAGES - spt->used) {
		return say("bank %u.%u has %" PRIu64 " pages for tables",
			   index, cbndx, fw_spt_pool_free(index, cbndx));
	}
	return NULL;
}

/* I18: a host's page counts each of its mappings. */
static const char *check_counts(const struct rdata *adt)
{
	static uint32_t mappings[MAX_RAM_PAGES];

	memset(mappings, 0, adt->nr_pages * sizeof(mappings[0]));
	for (uint32_t i = 0; i < EL2_SMMU_CFG_SIZE; i++) {
		const struct npt *spt = &adt->spts[i / SMMU_NUM_CTXT_BANKS]
						  [i % SMMU_NUM_CTXT_BANKS];

		for (uint32_t r = 0; r < spt->nr_runs; r++) {
			for (uint64_t k = 0; k < spt->runs[r].pages; k++) {
				mappings[index_of(spt->runs[r].pfn + k,
						  adt)]++;
			}
		}
	}
	for (uint64_t p = 0; p < adt->nr_pages; p++) {
		if (adt->s2page[p].owner == HOSTVISOR &&
		    adt->s2page[p].count < mappings[p]) {
			return say("I18: page 0x%" PRIx64 " counts %u of %u",
				   fw_pfn(p), adt->s2page[p].count,
				   mappings[p]);
		}
	}
	return NULL;
}

/* What a leaf of the identity table has to be; 0: no leaf. */
static uint64_t identity_leaf(uint64_t pfn, const struct rdata *adt)
{
	if (dma_identity_allows(pfn, false, adt)) {
		return PAGE_S2_DMA | S2_RDWR;
	}
	return dma_identity_allows(pfn, true, adt) ?
	       (PAGE_S2_DEVICE & ~S2_RDWR) | UINT64_C(0x80) : 0;
}

/* I15: all of the host's pages and the doorbell, and nothing else. */
static const char *check_identity(uint32_t index, const struct rdata *adt)
{
	uint64_t pages = 0, allowed = 1;

	fw_read_bank(index, SMMU_IDENTITY_BANK, &table);
	if (table.error != NULL || !table.live) {
		return say("the identity table %s", table.error != NULL ?
			   table.error : "is off");
	}
	for (uint32_t i = 0; i < table.nr_runs; i++) {
		const struct fw_run *run = &table.runs[i];
		uint64_t pte = run->pte |
			       (run->level == 2 ? PMD_TABLE_BIT : 0);

		for (uint64_t k = 0; k < run->pages; k++, pages++) {
			if (run->gfn != run->pfn ||
			    identity_leaf(run->pfn + k, adt) != pte) {
				return say("I15: the host's devices reach 0x%"
					   PRIx64 " at 0x%" PRIx64,
					   run->pfn + k, run->gfn + k);
			}
		}
	}
	for (uint64_t i = 0; i < adt->nr_pages; i++) {
		allowed += adt->s2page[i].owner == HOSTVISOR ? 1 : 0;
	}
	return pages == allowed ? NULL :
	       say("devices of the host's reach %" PRIu64 " pages, specified %"
		   PRIu64, pages, allowed);
}

const char *check_dma_tables(const struct rdata *adt)
{
	for (uint32_t i = 0; i < adt->board.nr_smmus; i++) {
		for (uint32_t n = 1; n < SMMU_NUM_CTXT_BANKS; n++) {
			TRY(check_bank_table(i, n, adt));
			TRY(check_bank_rule(i, n, adt));
		}
	}
	if (adt->board.nr_smmus > 0) {
		TRY(check_identity(0, adt));
		TRY(check_counts(adt));
	}
	return NULL;
}

/* --- Registers (I19) ------------------------------------------------------ */

static const char *check_register(uint32_t index, uint64_t offset,
				  uint64_t spec)
{
	uint64_t value = fw_smmu_reg(index, offset, 4);

	return value == spec ? NULL :
	       say("I19: register 0x%" PRIx64 " of SMMU %u is 0x%" PRIx64
		   ", specified 0x%" PRIx64, offset, index, value, spec);
}

/* How a bank that has an owner translates. */
static const char *check_bank_registers(uint32_t index, uint32_t n,
					const struct rdata *adt)
{
	uint64_t page = SMMU_GLOBAL_BASE + n * PAGE_SIZE;
	uint32_t sctlr = smmu_hw_sctlr(n, index, adt);

	if (sctlr == 0) {
		sctlr = (uint32_t)fw_smmu_reg(index, page + SMMU_CB_SCTLR, 4);
		return (sctlr & CB_SCTLR_M) == 0 ? NULL :
		       say("I19: bank %u.%u is nobody's and on", index, n);
	}
	TRY(check_register(index, page + SMMU_CB_SCTLR, sctlr));
	TRY(check_register(index, page + SMMU_CB_TCR, CB_TCR_S2));
	TRY(check_register(index, SMMU_CBAR + 4 * n,
			   smmu_hw_vmid(n, index, adt)));
	return check_register(index, SMMU_CBA2R + 4 * n, CBA2R_VA64);
}

static const char *check_stream(uint32_t index, uint32_t stream,
				const struct rdata *adt)
{
	uint32_t spec = dma_stream_bank(index, stream, adt);
	uint32_t bank = fw_stream_bank(index, stream);

	_Static_assert(SMMU_STREAM_FAULT == FW_STREAM_FAULT, "same value");
	return bank == spec ? NULL :
	       say("I19: stream 0x%x of SMMU %u goes to 0x%x, specified 0x%x",
		   stream, index, bank, spec);
}

/* Streams of devices and around them, of PCIe, and what the host has named. */
static const char *check_streams(uint32_t index, const struct rdata *adt)
{
	static const uint32_t some[] = { 0, 1, 0x100, 0x4000, 0x7fff };

	for (uint32_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		TRY(check_stream(index, some[i], adt));
	}
	for (uint32_t i = 0; i < FW_DMA_DEVICES + 2; i++) {
		TRY(check_stream(index, FW_DMA_STREAM - 1 + i, adt));
	}
	for (uint32_t n = 0; n < SMMU_HOST_STREAMS; n++) {
		uint32_t smr = adt->smmus[index].smr[n];

		if ((smr & SMR_VALID) != 0) {
			TRY(check_stream(index, smr & 0x7fff, adt));
			TRY(check_stream(index, (smr ^ smr >> 16) & 0x7fff,
					 adt));
		}
	}
	return NULL;
}

const char *check_registers(const struct rdata *adt)
{
	for (uint32_t i = 0; i < adt->board.nr_smmus; i++) {
		TRY(check_register(i, SMMU_SCR0, smmu_hw_scr0(i, adt)));
		TRY(check_register(i, SMMU_SCR2, 0));
		for (uint32_t n = 0; n < SMMU_NUM_CTXT_BANKS; n++) {
			TRY(check_bank_registers(i, n, adt));
		}
		TRY(check_streams(i, adt));
	}
	return NULL;
}

/* --- What a step may change ----------------------------------------------- */

/* Registers of which check_registers() says what they hold, and commands. */
static bool is_el2s(uint64_t offset)
{
	uint64_t reg = offset % PAGE_SIZE;

	if (offset >= SMMU_GLOBAL_BASE) {
		return reg == SMMU_CB_SCTLR || reg == SMMU_CB_TCR ||
		       reg == SMMU_CB_TTBR0 || reg == SMMU_CB_TTBR0 + 4 ||
		       reg == SMMU_CB_TLBSYNC || reg == SMMU_CB_TLBSTATUS ||
		       (reg >= SMMU_CB_TLBIIPAS2 && reg < 0x640);
	}
	return offset == SMMU_SCR0 || offset == SMMU_TLBIVMID ||
	       offset == SMMU_STLBGSYNC || offset == SMMU_STLBGSTATUS ||
	       (offset >= SMMU_SMR && offset < SMMU_SMR + 0x80) ||
	       (offset >= SMMU_S2CR && offset < SMMU_S2CR + 0x80) ||
	       (offset >= SMMU_CBAR && offset < SMMU_CBAR + 0x20) ||
	       (offset >= SMMU_CBA2R && offset < SMMU_CBA2R + 0x20);
}

/* The bank that a register tells of, SMMU_NUM_CTXT_BANKS if it is none's. */
static uint64_t bank_of(uint64_t offset)
{
	if (offset >= SMMU_GLOBAL_BASE) {
		return (offset - SMMU_GLOBAL_BASE) / PAGE_SIZE;
	}
	return offset >= SMMU_CBFRSYNRA &&
	       offset < SMMU_CBFRSYNRA + 4 * SMMU_NUM_CTXT_BANKS ?
		       (offset - SMMU_CBFRSYNRA) / 4 : SMMU_NUM_CTXT_BANKS;
}

/* Where it says what went wrong: whether, where, how, and who did it. */
static bool is_record(uint64_t offset)
{
	uint64_t reg = offset % PAGE_SIZE;

	return offset < SMMU_GLOBAL_BASE || reg == SMMU_CB_FSR ||
	       reg == SMMU_CB_FAR || reg == SMMU_CB_FAR + 4 ||
	       reg == SMMU_CB_FSYNR0 ||
	       reg == SMMU_CB_IPAFAR || reg == SMMU_CB_IPAFAR + 4;
}

/* A bank that comes to somebody or leaves him has no fault recorded. */
static bool has_moved(uint32_t index, uint64_t offset,
		      const struct rdata *before, const struct rdata *after)
{
	uint64_t n = bank_of(offset);

	return n < SMMU_NUM_CTXT_BANKS && is_record(offset) &&
	       before->smmus[index].bank[n].vmid !=
		       after->smmus[index].bank[n].vmid;
}

static bool is_fault_status(uint64_t offset)
{
	return offset == SMMU_SGFSR || (offset >= SMMU_GLOBAL_BASE &&
	       offset % PAGE_SIZE == SMMU_CB_FSR);
}

/* What the register must hold now. */
static uint32_t expected(uint32_t index, uint64_t offset,
			 const struct call *call, const struct rdata *before,
			 const struct rdata *after)
{
	uint32_t value = old_words[index][offset / 4];

	if (call->op == OP_SMMU_FAULT && call->arg[0] == index &&
	    call->arg[1] == offset) {
		return (uint32_t)call->arg[2];
	}
	if (has_moved(index, offset, before, after)) {
		return 0;
	}
	if (is_fault_status(offset) && after->nr_mmio != before->nr_mmio &&
	    after->mmio.write && after->mmio.addr - offset ==
	    after->board.smmus[index].base) {
		return value & ~(uint32_t)after->mmio.value;
	}
	return value;
}

static const char *check_changes(uint32_t index, const struct call *call,
				 const struct rdata *before,
				 const struct rdata *after)
{
	static uint32_t words[WORDS];
	uint32_t spec;

	read_words(index, words);
	for (uint64_t i = 0; i < WORDS; i++) {
		if (is_el2s(i * 4)) {
			continue;
		}
		spec = expected(index, i * 4, call, before, after);
		if (words[i] != spec) {
			return say("register 0x%" PRIx64 " of SMMU %u becomes "
				   "0x%x, specified 0x%x", i * 4, index,
				   words[i], spec);
		}
	}
	memcpy(old_words[index], words, sizeof(words));
	return NULL;
}

static const char *check_owners(const struct rdata *adt)
{
	for (uint32_t i = 0; i < adt->board.nr_smmus; i++) {
		for (uint32_t n = 0; n < SMMU_NUM_CTXT_BANKS; n++) {
			uint32_t owner = adt->smmus[i].bank[n].vmid;

			if (fw_bank_owner(i, n) != owner) {
				return say("bank %u.%u is %u's, specified %u's",
					   i, n, fw_bank_owner(i, n), owner);
			}
		}
	}
	for (uint32_t i = 0; i < adt->board.nr_dma; i++) {
		if (fw_dma_owner(i) != adt->dma[i].vmid) {
			return say("device %u is %u's, specified %u's", i,
				   fw_dma_owner(i), adt->dma[i].vmid);
		}
	}
	return NULL;
}

/* G33: a device is reset when it changes hands, and never else. */
static const char *check_resets(const struct rdata *before,
				const struct rdata *after)
{
	for (uint32_t i = 0; i < after->board.nr_dma; i++) {
		bool moved = before->dma[i].vmid != after->dma[i].vmid;

		if ((fw_dma_resets(i) != 0) != moved) {
			return say("device %u is reset %" PRIu64 " times", i,
				   fw_dma_resets(i));
		}
	}
	return NULL;
}

/* What the specification lets pass is what the SMMU has seen last. */
static const char *check_passed(const struct rdata *before,
				const struct rdata *after)
{
	const struct mmio_access *spec = &after->mmio;
	struct fw_bus seen = fw_bus();

	if (after->nr_mmio == before->nr_mmio) {
		return NULL;
	}
	return seen.accesses > 0 && seen.addr == spec->addr &&
	       seen.bytes == spec->bytes && seen.write == spec->write &&
	       (!seen.write || seen.value == spec->value) ? NULL :
	       say("the SMMU saw 0x%" PRIx64 " at 0x%" PRIx64 ", specified 0x%"
		   PRIx64 " at 0x%" PRIx64, seen.value, seen.addr, spec->value,
		   spec->addr);
}

/* And what is refused, or only the host's view, it never sees. */
static bool is_host_access(const struct call *call)
{
	return call->op == OP_SMMU_READ || call->op == OP_SMMU_WRITE ||
	       call->op == OP_HOST_FAULT;
}

const char *check_smmus(const struct call *call, const struct rdata *before,
			const struct rdata *after)
{
	TRY(check_resets(before, after));
	if (is_host_access(call)) {
		TRY(check_passed(before, after));
	}
	if (fw_bus().writes == 0 && call->op != OP_SMMU_FAULT &&
	    memcmp(before->smmus, after->smmus, sizeof(after->smmus)) == 0 &&
	    memcmp(before->dma, after->dma, sizeof(after->dma)) == 0) {
		return NULL;
	}
	for (uint32_t i = 0; i < after->board.nr_smmus; i++) {
		TRY(check_changes(i, call, before, after));
	}
	TRY(check_owners(after));
	return check_registers(after);
}
