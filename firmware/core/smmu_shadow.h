/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the host wrote to the SMMUs' registers and reads back, where hardware
 * holds what EL2 chose. Not specified. Layer: below MmioCoreAux.
 * Locks: all of it is protected by smmu.
 */
#ifndef COREVISOR_CORE_SMMU_SHADOW_H
#define COREVISOR_CORE_SMMU_SHADOW_H

#include "core/spec_constants.h"
#include "core/types.h"

/* Stream entries that the host has at most; hardware has EL2's as well. */
#define SMMU_HOST_STREAMS 24u

/* Of one context bank; in the order of no register. */
struct smmu_shadow_bank {
	uint32_t cbar;
	uint32_t cba2r;
	uint32_t sctlr;
	uint32_t actlr;
	uint32_t ttbr0[2];
	uint32_t tcr;
};

/**
 * struct smmu_shadow - of one SMMU
 * @streams:  stream entries that the host sees
 * @smr_mask: the bits of SMR that it has
 */
struct smmu_shadow {
	uint32_t streams;
	uint32_t smr_mask;
	uint32_t scr0;
	uint32_t sacr;
	uint32_t smr[SMMU_HOST_STREAMS];
	uint32_t s2cr[SMMU_HOST_STREAMS];
	struct smmu_shadow_bank banks[SMMU_NUM_CTXT_BANKS];
};

struct smmu_shadow *smmu_shadow(uint32_t index);

/* The state that the host finds: that of an MMU-500 after reset. */
void smmu_shadow_reset(uint32_t index);
void smmu_shadow_reset_bank(uint32_t index, uint32_t cbndx);

/**
 * smmu_shadow_word() - where a register is kept
 * @index:  which SMMU
 * @offset: of a register that has a shadow, or of the upper half of one
 * @mask:   where the bits that the host can change go
 *
 * Panics: there is none - nobody
 */
uint32_t *smmu_shadow_word(uint32_t index, uint64_t offset, uint32_t *mask);

#endif /* COREVISOR_CORE_SMMU_SHADOW_H */
