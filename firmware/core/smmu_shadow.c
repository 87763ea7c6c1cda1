/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the host wrote to the SMMUs' registers and reads back. Layer: below
 * MmioCoreAux.
 * Locks: none taken; the caller holds smmu.
 */
#include "core/smmu_shadow.h"

#include "core/panic.h"
#include "core/smmu_cfg.h"
#include "core/smmu_hw.h"
#include "core/smmu_regs.h"
#include "core/smmu_streams.h"
#include "core/mmio_raw.h"

/* After reset, where it is not 0. */
#define SCR0_RESET	((uint32_t)(SMMU_SCR0_SMCFCFG | SMMU_SCR0_CLIENTPD))
#define SACR_RESET	UINT32_C(0x0400001c)
#define S2CR_RESET	((uint32_t)SMMU_S2CR_FAULT)
#define CBAR_RESET	UINT32_C(0x00020000)
#define SCTLR_RESET	((uint32_t)SMMU_SCTLR_HUPCF)
#define ACTLR_RESET	UINT32_C(0x3)

/*
 * Bits that the host can change. What it cannot have reads as on an MMU-500:
 * no stalls, no extended stream ids, no VMIDs of 16 bits, and conflicts fault.
 */
#define SCR0_MASK	UINT32_C(0x0fdffcc7)
#define S2CR_MASK	UINT32_C(0x3ff3fbff)
#define CBAR_MASK	UINT32_C(0x00ffffff)
#define CBA2R_MASK	UINT32_C(0x00000003)
#define SCTLR_MASK	UINT32_C(0x3ffff77f)
#define ALL_BITS	UINT32_C(0xffffffff)

static struct smmu_shadow shadows[SMMU_NUM];

/* What an SMMU's host has. Locks: caller holds smmu. */
struct smmu_shadow *smmu_shadow(uint32_t index)
{
	ASSERT(index < SMMU_NUM);
	return &shadows[index];
}

/* Locks: caller holds smmu. */
void smmu_shadow_reset_bank(uint32_t index, uint32_t cbndx)
{
	ASSERT(cbndx < SMMU_NUM_CTXT_BANKS);
	smmu_shadow(index)->banks[cbndx] = (struct smmu_shadow_bank){
		.cbar = CBAR_RESET,
		.sctlr = SCTLR_RESET,
		.actlr = ACTLR_RESET,
	};
}

/* Panics: an SMMU without stream matching, or too small - nobody. */
void smmu_shadow_reset(uint32_t index)
{
	struct smmu_shadow *s = smmu_shadow(index);
	uint32_t idr0 = readl_relaxed(get_smmu_base(index) + SMMU_IDR(0));
	uint32_t entries = smmu_hw_num_streams(index);
	uint64_t ids = GENMASK(EXTRACT(SMMU_IDR0_NUMSIDB, idr0), 0) >> 1;

	ASSERT((idr0 & SMMU_IDR0_SMS) != 0 && entries > SMMU_EL2_STREAMS);
	entries -= SMMU_EL2_STREAMS;
	*s = (struct smmu_shadow){
		.streams = entries < SMMU_HOST_STREAMS ? entries :
							 SMMU_HOST_STREAMS,
		.smr_mask = (uint32_t)(SMMU_SMR_VALID | ids |
				       ids << SMMU_SMR_MASK_SHIFT),
		.scr0 = SCR0_RESET,
		.sacr = SACR_RESET,
	};
	for (uint32_t n = 0; n < SMMU_HOST_STREAMS; n++) {
		s->s2cr[n] = S2CR_RESET;
	}
	for (uint32_t n = 0; n < SMMU_NUM_CTXT_BANKS; n++) {
		smmu_shadow_reset_bank(index, n);
	}
}

/* A register of a context bank: @offset in its page. */
static uint32_t *bank_word(struct smmu_shadow_bank *bank, uint64_t offset,
			   uint32_t *mask)
{
	*mask = ALL_BITS;
	switch (offset) {
	case SMMU_CB_SCTLR:
		*mask = SCTLR_MASK;
		return &bank->sctlr;
	case SMMU_CB_ACTLR:
		return &bank->actlr;
	case SMMU_CB_TTBR0:
	case SMMU_CB_TTBR0 + 4:
		return &bank->ttbr0[(offset - SMMU_CB_TTBR0) / 4];
	case SMMU_CB_TCR:
		return &bank->tcr;
	default:
		panic("no shadow of bank register 0x%x", (uint32_t)offset);
	}
}

/* Locks: caller holds smmu. */
uint32_t *smmu_shadow_word(uint32_t index, uint64_t offset, uint32_t *mask)
{
	struct smmu_shadow *s = smmu_shadow(index);
	uint64_t half = get_smmu_size(index) / 2;
	uint64_t n = (offset & 0x3ff) / 4;

	if (offset >= half) {
		n = (offset - half) >> SMMU_PAGE_SHIFT;
		ASSERT(n < SMMU_NUM_CTXT_BANKS);
		return bank_word(&s->banks[n], offset & (SMMU_PAGE_BYTES - 1),
				 mask);
	}
	if (offset == SMMU_SCR0) {
		*mask = SCR0_MASK;
		return &s->scr0;
	}
	if (offset == SMMU_SACR) {
		*mask = ALL_BITS;
		return &s->sacr;
	}
	if (offset >= SMMU_GR1) {
		ASSERT(n < SMMU_NUM_CTXT_BANKS);
		*mask = offset < SMMU_CBA2R(0) ? CBAR_MASK : CBA2R_MASK;
		return offset < SMMU_CBA2R(0) ? &s->banks[n].cbar :
						&s->banks[n].cba2r;
	}
	ASSERT(offset >= SMMU_SMR(0) && n < s->streams);
	*mask = offset < SMMU_S2CR(0) ? s->smr_mask : S2CR_MASK;
	return offset < SMMU_S2CR(0) ? &s->smr[n] : &s->s2cr[n];
}
