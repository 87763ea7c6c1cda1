/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MmioRaw.v, MmioCoreAux.v and MmioCore.v: the host's accesses to an SMMU's
 * registers. Source: facts B.10 and F.9 for what the Coq has; the
 * rule for each register is in docs/dma.rst, "Registers".
 *
 * Corrected, G66: the Coq looks at sCR0, sCR2, CBAR, TTBR0 and CONTEXTIDR and
 * lets all else pass, and of the first two at one field. Here a register that
 * is not named is not the host's, and of what decides where DMA goes the host
 * reads back what it wrote, and the hardware has what EL2 says.
 */
#include "spec/mmio_core.h"

#include <stddef.h>

#include "spec/abstract_machine.h"
#include "spec/dma.h"
#include "spec/smmu_cfg.h"

/* --- MmioRaw -------------------------------------------------------------- */

/* Corrected, G71: register 31 is zero. */
enum option host_get_mmio_data_spec(uint32_t esr, const struct rdata *adt,
				    uint64_t *data)
{
	uint32_t rd, bytes;

	WHEN(host_dabt_get_rd_spec(esr, &rd));
	WHEN(host_dabt_get_as_spec(esr, &bytes));
	*data = rd == XZR ? 0 : adt->host_regs[rd];
	*data &= bytes == 4 ? UINT32_MAX : UINT64_MAX;
	return SOME;
}

/* Corrected, G54 and G66: an architectural leaf, whose attributes are EL2's. */
uint64_t smmu_init_pte_spec(uint64_t prot, uint64_t paddr)
{
	return (paddr & PHYS_MASK) | (prot & S2_RDWR) | PAGE_S2_DMA;
}

uint32_t smmu_get_cbndx_spec(uint64_t offset)
{
	return (uint32_t)((offset - SMMU_GLOBAL_BASE) / PAGE_SIZE);
}

static bool is_hosts_bank(uint64_t cbndx, uint32_t index,
			  const struct rdata *adt)
{
	return cbndx < adt->board.smmus[index].banks &&
	       adt->smmus[index].bank[cbndx].vmid == HOSTVISOR;
}

/* --- MmioCoreAux: page 0 -------------------------------------------------- */

static bool is_in(uint64_t offset, uint64_t first, uint64_t bytes)
{
	return offset - first < bytes;
}

static enum smmu_rule page0_rule(uint64_t reg)
{
	if (is_in(reg, SMMU_SMR, 4 * SMMU_HOST_STREAMS) ||
	    is_in(reg, SMMU_S2CR, 4 * SMMU_HOST_STREAMS)) {
		return SMMU_SHADOW;
	}
	if (is_in(reg, SMMU_IDR0, 32)) {
		return SMMU_ID;
	}
	if (is_in(reg, SMMU_PIDR4, PAGE_SIZE - SMMU_PIDR4) ||
	    is_in(reg, SMMU_SGFSYNR0, 12)) {
		return SMMU_READ;
	}
	switch (reg) {
	case SMMU_SCR0:
	case SMMU_SACR:
		return SMMU_SHADOW;
	case SMMU_SCR2:
	case SMMU_SGFSRRESTORE:
	case SMMU_TLBIALLH:
		return SMMU_ZERO;
	case SMMU_SGFAR:
	case SMMU_SGFAR + 4:
	case SMMU_STLBGSTATUS:
		return SMMU_READ;
	case SMMU_TLBIVMID:
	case SMMU_TLBIALLNSNH:
		return SMMU_TAGS;
	case SMMU_STLBGSYNC:
		return SMMU_POKE;
	case SMMU_SGFSR:
		return SMMU_ALLOW;
	default:
		return SMMU_DENY;
	}
}

/* Which banks a stream may use is the owner's choice, so far as it is his. */
static bool is_foreign_stream(uint64_t reg, uint64_t data, uint32_t index,
			      const struct rdata *adt)
{
	uint32_t type = data >> 16 & 3;

	if (is_in(reg, SMMU_S2CR, 4 * SMMU_HOST_STREAMS)) {
		return type == S2CR_TRANSLATE &&
		       !is_hosts_bank(data & 0xff, index, adt);
	}
	if (is_in(reg, SMMU_SMR, 4 * SMMU_HOST_STREAMS)) {
		for (uint32_t i = 0; i < adt->board.nr_dma; i++) {
			const struct dma_place *device = &adt->board.dma[i];

			if (device->index == index &&
			    is_vm(adt->dma[i].vmid) &&
			    smr_matches((uint32_t)data, device->stream)) {
				return true;
			}
		}
	}
	return false;
}

enum option handle_smmu_global_access_spec(uint64_t offset, uint32_t bytes,
					   bool write, uint64_t data,
					   uint32_t index,
					   const struct rdata *adt,
					   enum smmu_rule *rule)
{
	uint64_t n = offset % 0x400 / 4;

	RELY_CALLER(offset < SMMU_GLOBAL_BASE);
	/* One 64-bit register is there; any other is of 4 bytes. */
	RELY_OR(bytes == 4 || offset == SMMU_SGFAR, NONE_PERM);
	if (offset < PAGE_SIZE) {
		*rule = page0_rule(offset);
		if (write && is_foreign_stream(offset, data, index, adt)) {
			*rule = SMMU_DENY;
		}
	} else if (offset < SMMU_CBFRSYNRA) {
		*rule = is_hosts_bank(n, index, adt) ? SMMU_SHADOW : SMMU_DENY;
	} else if (offset < SMMU_CBA2R) {
		*rule = is_hosts_bank(n, index, adt) ? SMMU_READ : SMMU_DENY;
	} else if (offset < SMMU_CBA2R + 0x400) {
		*rule = is_hosts_bank(n, index, adt) ? SMMU_SHADOW : SMMU_DENY;
	} else {
		*rule = SMMU_DENY;
	}
	return SOME;
}

/* --- MmioCoreAux: banks --------------------------------------------------- */

static bool is_wide(uint64_t reg)
{
	switch (reg & ~UINT64_C(7)) {
	case SMMU_CB_TTBR0:
	case SMMU_CB_TTBR1:
	case SMMU_CB_PAR:
	case SMMU_CB_FAR:
	case SMMU_CB_IPAFAR:
	case SMMU_CB_TLBIVA:
	case SMMU_CB_TLBIVA + 0x08:	/* TLBIVAA */
	case SMMU_CB_TLBIVA + 0x20:	/* TLBIVAL */
	case SMMU_CB_TLBIVA + 0x28:	/* TLBIVAAL */
	case SMMU_CB_TLBIIPAS2:
	case SMMU_CB_TLBIIPAS2L:
		return true;
	default:
		return false;
	}
}

static enum smmu_rule bank_rule(uint64_t reg)
{
	/* What only stage 1 has. */
	if (is_in(reg, SMMU_CB_TLBIVA, 0x30) ||
	    is_in(reg, SMMU_CB_ATS1PR, 0x20) || reg == SMMU_CB_ATSR) {
		return SMMU_ZERO;
	}
	switch (reg) {
	case SMMU_CB_SCTLR:
	case SMMU_CB_ACTLR:
	case SMMU_CB_TCR:
		return SMMU_SHADOW;
	case SMMU_CB_TTBR0:
	case SMMU_CB_TTBR0 + 4:
		return SMMU_TTBR;
	case SMMU_CB_RESUME:
	case SMMU_CB_TCR2:
	case SMMU_CB_TTBR1:
	case SMMU_CB_TTBR1 + 4:
	case SMMU_CB_CONTEXTIDR:	/* the Coq denies it */
	case SMMU_CB_MAIR0:
	case SMMU_CB_MAIR1:
	case SMMU_CB_PAR:
	case SMMU_CB_PAR + 4:
	case SMMU_CB_FSRRESTORE:
		return SMMU_ZERO;
	case SMMU_CB_FAR:
	case SMMU_CB_FAR + 4:
	case SMMU_CB_FSYNR0:
	case SMMU_CB_FSYNR1:
	case SMMU_CB_IPAFAR:
	case SMMU_CB_IPAFAR + 4:
	case SMMU_CB_TLBSTATUS:
		return SMMU_READ;
	case SMMU_CB_FSR:
		return SMMU_ALLOW;
	case SMMU_CB_TLBIIPAS2:
	case SMMU_CB_TLBIIPAS2L:
	case SMMU_CB_TLBSYNC:
		return SMMU_POKE;
	case SMMU_CB_TLBIIPAS2 + 4:
	case SMMU_CB_TLBIIPAS2L + 4:
		return SMMU_ZERO;
	default:
		return SMMU_DENY;
	}
}

/* What a driver writes to all banks when it starts leaves them as they are. */
static enum smmu_rule other_bank_rule(uint64_t reg, uint64_t data)
{
	if (reg == SMMU_CB_FSR || reg == SMMU_CB_ACTLR ||
	    (reg == SMMU_CB_SCTLR && (data & CB_SCTLR_M) == 0)) {
		return SMMU_ZERO;
	}
	return SMMU_DENY;
}

/*
 * Corrected, G66: a bank has a number that there is; 4 bytes of TTBR0 are as
 * little the host's as 8 are.
 */
enum option handle_smmu_cb_access_spec(uint64_t offset, uint32_t bytes,
				       bool write, uint64_t data,
				       uint32_t index,
				       const struct rdata *adt,
				       enum smmu_rule *rule)
{
	uint64_t reg = offset % PAGE_SIZE;
	uint32_t cbndx = smmu_get_cbndx_spec(offset);

	RELY_CALLER(offset >= SMMU_GLOBAL_BASE);
	if (is_hosts_bank(cbndx, index, adt)) {
		RELY_OR(bytes == 4 || is_wide(reg), NONE_PERM);
		*rule = bank_rule(reg);
		return SOME;
	}
	RELY_OR(bytes == 4, NONE_PERM);
	*rule = cbndx < adt->board.smmus[index].banks ?
		other_bank_rule(reg, write ? data : 0) : SMMU_DENY;
	return SOME;
}

/* --- MmioCoreAux: what is done -------------------------------------------- */

/* What the host reads back, of 4 bytes. */
static uint32_t *shadow(uint64_t offset, uint32_t index, struct rdata *adt)
{
	struct smmu *smmu = &adt->smmus[index];
	struct smmu_bank *bank;

	if (is_in(offset, SMMU_SMR, 4 * SMMU_HOST_STREAMS)) {
		return &smmu->smr[(offset - SMMU_SMR) / 4];
	}
	if (is_in(offset, SMMU_S2CR, 4 * SMMU_HOST_STREAMS)) {
		return &smmu->s2cr[(offset - SMMU_S2CR) / 4];
	}
	if (is_in(offset, SMMU_CBAR, 4 * SMMU_NUM_CTXT_BANKS)) {
		return &smmu->bank[(offset - SMMU_CBAR) / 4].cbar;
	}
	if (is_in(offset, SMMU_CBA2R, 4 * SMMU_NUM_CTXT_BANKS)) {
		return &smmu->bank[(offset - SMMU_CBA2R) / 4].cba2r;
	}
	if (offset < SMMU_GLOBAL_BASE) {
		return offset == SMMU_SCR0 ? &smmu->scr0 : &smmu->sacr;
	}
	bank = &smmu->bank[smmu_get_cbndx_spec(offset)];
	switch (offset % PAGE_SIZE) {
	case SMMU_CB_SCTLR:
		return &bank->sctlr;
	case SMMU_CB_ACTLR:
		return &bank->actlr;
	case SMMU_CB_TCR:
		return &bank->tcr;
	case SMMU_CB_TTBR0:
		return &bank->ttbr0[0];
	default:
		return &bank->ttbr0[1];
	}
}

/* Which bits of it are there. */
static uint32_t writable(uint64_t offset)
{
	if (offset == SMMU_SCR0) {
		return SCR0_WRITABLE;
	}
	if (is_in(offset, SMMU_SMR, 4 * SMMU_HOST_STREAMS)) {
		return SMR_WRITABLE;
	}
	if (is_in(offset, SMMU_S2CR, 4 * SMMU_HOST_STREAMS)) {
		return S2CR_WRITABLE;
	}
	if (is_in(offset, SMMU_CBAR, 4 * SMMU_NUM_CTXT_BANKS)) {
		return CBAR_WRITABLE;
	}
	if (is_in(offset, SMMU_CBA2R, 4 * SMMU_NUM_CTXT_BANKS)) {
		return CBA2R_WRITABLE;
	}
	return offset >= SMMU_GLOBAL_BASE &&
	       offset % PAGE_SIZE == SMMU_CB_SCTLR ? CB_SCTLR_WRITABLE :
						     UINT32_MAX;
}

static void write_shadow(uint64_t offset, uint32_t data, uint32_t index,
			 struct rdata *adt)
{
	uint32_t *word = shadow(offset, index, adt);
	uint32_t mask = writable(offset);

	*word = (*word & ~mask) | (data & mask);
}

/* Corrected, G67: what the host gives is written; the Coq writes 0. */
static enum option write_through(uint64_t offset, uint32_t bytes,
				 uint64_t data, uint32_t index,
				 struct rdata *adt)
{
	uint64_t base;

	WHEN(get_smmu_base_spec(index, adt, &base));
	return bytes == 8 ? writeq_relaxed_spec(data, base + offset, adt) :
			    writel_relaxed_spec(data, base + offset, adt);
}

/* Corrected, G66: TLB entries of others are not the host's to take. */
static enum option invalidate_tags(uint32_t index, struct rdata *adt)
{
	for (uint32_t n = 0; n < adt->board.smmus[index].banks; n++) {
		if (is_hosts_bank(n, index, adt)) {
			WHEN(write_through(SMMU_TLBIVMID, 4, n << 4, index,
					   adt));
		}
	}
	return SOME;
}

enum option __handle_smmu_write_spec(enum smmu_rule rule, uint64_t offset,
				     uint32_t bytes, uint64_t data,
				     uint32_t index, struct rdata *adt)
{
	uint64_t reg = offset % PAGE_SIZE;

	switch (rule) {
	case SMMU_POKE:
		/* Half of an address that has no more than 32 bits. */
		bytes = reg == SMMU_CB_TLBIIPAS2 || reg == SMMU_CB_TLBIIPAS2L ?
			8 : bytes;
		return write_through(offset, bytes, data, index, adt);
	case SMMU_ALLOW:
		return write_through(offset, bytes, data, index, adt);
	case SMMU_TTBR:
	case SMMU_SHADOW:
		write_shadow(offset, (uint32_t)data, index, adt);
		if (bytes == 8) {
			write_shadow(offset + 4, (uint32_t)(data >> 32), index,
				     adt);
		}
		return SOME;
	case SMMU_TAGS:
		return invalidate_tags(index, adt);
	case SMMU_ZERO:
	case SMMU_ID:
	case SMMU_READ:
		return SOME;
	case SMMU_DENY:
	default:
		return NONE_PERM;
	}
}

static enum option read_through(uint64_t offset, uint32_t bytes,
				uint32_t index, struct rdata *adt,
				uint64_t *data)
{
	uint64_t base;

	WHEN(get_smmu_base_spec(index, adt, &base));
	return bytes == 8 ? readq_relaxed_spec(base + offset, adt, data) :
			    readl_relaxed_spec(base + offset, adt, data);
}

/* Stage 2 alone, for as many streams and banks as there are for the host. */
static uint64_t shown_id(uint64_t offset, uint64_t id, uint32_t index,
			 const struct rdata *adt)
{
	uint64_t banks = adt->board.smmus[index].banks;

	switch (offset) {
	case SMMU_IDR0:
		return (id & ~(IDR0_NO | IDR0_NUMSMRG)) | IDR0_ATOSNS |
		       SMMU_HOST_STREAMS;
	case SMMU_IDR0 + 4:
		return (id & ~(IDR1_NUMS2CB | IDR1_NUMCB)) | banks << 16 |
		       banks;
	case SMMU_IDR0 + 8:
		return id & IDR2_SHOWN;
	case SMMU_IDR7:
		return id;
	default:
		return 0;
	}
}

enum option __handle_smmu_read_spec(enum smmu_rule rule, uint64_t offset,
				    uint32_t bytes, uint32_t index,
				    struct rdata *adt, uint64_t *data)
{
	*data = 0;
	switch (rule) {
	case SMMU_ALLOW:
	case SMMU_READ:
		return read_through(offset, bytes, index, adt, data);
	case SMMU_ID:
		WHEN(read_through(offset, bytes, index, adt, data));
		*data = shown_id(offset, *data, index, adt);
		return SOME;
	case SMMU_TTBR:
	case SMMU_SHADOW:
		*data = *shadow(offset, index, adt);
		if (bytes == 8) {
			*data |= (uint64_t)*shadow(offset + 4, index, adt)
				 << 32;
		}
		return SOME;
	case SMMU_DENY:
	case SMMU_ZERO:
	case SMMU_POKE:
	case SMMU_TAGS:
	default:
		/* Also what is denied: a load gives nothing away. */
		return SOME;
	}
}

/* --- MmioCore ------------------------------------------------------------- */

static enum option rule_for(uint64_t offset, uint32_t bytes, bool write,
			    uint64_t data, uint32_t index,
			    const struct rdata *adt, enum smmu_rule *rule)
{
	return offset < SMMU_GLOBAL_BASE ?
	       handle_smmu_global_access_spec(offset, bytes, write, data,
					      index, adt, rule) :
	       handle_smmu_cb_access_spec(offset, bytes, write, data, index,
					  adt, rule);
}

enum option handle_smmu_write_spec(uint32_t esr, uint64_t offset,
				   uint32_t bytes, uint32_t index,
				   struct rdata *adt)
{
	enum smmu_rule rule;
	uint64_t data;

	WHEN(host_get_mmio_data_spec(esr, adt, &data));
	WHEN(rule_for(offset, bytes, true, data, index, adt, &rule));
	return __handle_smmu_write_spec(rule, offset, bytes, data, index, adt);
}

/* What lands in the register: extended from bytes to 64 or 32 bits. */
static uint64_t extended(uint64_t value, uint32_t bytes, uint32_t esr)
{
	uint64_t sign = UINT64_C(1) << (bytes * 8 - 1);

	if ((esr & ESR_SSE) != 0) {
		value = (value ^ sign) - sign;
	}
	return (esr & ESR_SF) != 0 ? value : value & UINT32_MAX;
}

/* Corrected, G71: register 31 takes nothing. */
enum option handle_smmu_read_spec(uint32_t esr, uint64_t offset,
				  uint32_t bytes, uint32_t index,
				  struct rdata *adt)
{
	enum smmu_rule rule;
	uint64_t data;
	uint32_t rd;

	WHEN(host_dabt_get_rd_spec(esr, &rd));
	WHEN(rule_for(offset, bytes, false, 0, index, adt, &rule));
	WHEN(__handle_smmu_read_spec(rule, offset, bytes, index, adt, &data));
	if (rd != XZR) {
		adt->host_regs[rd] = extended(data, bytes, esr);
	}
	return SOME;
}
