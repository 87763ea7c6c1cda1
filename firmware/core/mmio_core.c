/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's accesses to an SMMU's registers. Layer: MmioCore, on MmioCoreAux.
 * Locks: takes spt; the caller holds smmu.
 */
#include "core/mmio_core.h"

#include "core/locks.h"
#include "core/mmio_core_aux.h"
#include "core/mmio_raw.h"
#include "core/smmu_cfg.h"
#include "core/smmu_hw.h"
#include "core/smmu_regs.h"
#include "core/smmu_shadow.h"
#include "core/smmu_streams.h"
#include "core/spec_constants.h"

static enum smmu_rule rule_of_access(uint64_t offset, uint32_t len,
				     uint32_t index)
{
	return offset < get_smmu_size(index) / 2 ?
		       handle_smmu_global_access(offset, len, index) :
		       handle_smmu_cb_access(offset, len, index);
}

/* One word of a shadow, and what hardware does about it. */
static enum hv_status write_shadow(uint64_t offset, uint32_t index,
				   uint32_t data)
{
	uint32_t mask;
	uint32_t *word = smmu_shadow_word(index, offset, &mask);
	uint32_t value = (*word & ~mask) | (data & mask);
	uint32_t n = (uint32_t)(offset & 0x3ff) / 4;
	uint32_t cbndx;

	if (offset == SMMU_SCR0) {
		smmu_streams_write_scr0(index, value);
		return HV_OK;
	}
	if (offset >= SMMU_S2CR(0) && offset < SMMU_GR1) {
		return smmu_streams_write_s2cr(index, n, value);
	}
	if (offset >= SMMU_SMR(0) && offset < SMMU_GR1) {
		return smmu_streams_write_smr(index, n, value);
	}
	*word = value;
	cbndx = smmu_get_cbndx(offset, index);
	if (offset == SMMU_CB(get_smmu_size(index), cbndx) + SMMU_CB_SCTLR) {
		smmu_hw_bank_set_irq(cbndx, index,
				     (value & SMMU_SCTLR_CFIE) != 0);
	}
	return HV_OK;
}

/*
 * Whatever VMID the host names, the host's tag differs for each bank: all that
 * its banks have goes, and nothing of others'.
 */
static void invalidate_host_banks(uint32_t index)
{
	uint32_t banks = get_smmu_num_context_banks(index);

	for (uint32_t cbndx = 0; cbndx < banks; cbndx++) {
		if (get_smmu_cfg_vmid(cbndx, index) == HOSTVISOR) {
			writel_relaxed(SMMU_VMID_TAG(HOSTVISOR, cbndx),
				       get_smmu_base(index) + SMMU_TLBIVMID);
		}
	}
}

/* A write that hardware gets; spt keeps EL2's own invalidations apart. */
static void forward(uint64_t fault_ipa, uint32_t len, uint64_t data)
{
	acquire_lock_spt();
	__handle_smmu_write(fault_ipa, len, data);
	release_lock_spt();
}

/**
 * handle_smmu_write() - the host stores to an SMMU's register
 * @fault_ipa: address, inside the SMMU and aligned to @len
 * @len:       4 or 8 bytes
 * @index:     the SMMU
 * @data:      what it stores
 *
 * Spec:    MmioCore.handle_smmu_write_spec
 * Delta:   D-060: a rule for each register, where the specification has one
 *	    for three and lets the rest pass (G66); D-061: the data is an
 *	    argument (G67); D-063: VMIDs of the host's
 * Locks:   takes spt; caller holds smmu
 * Returns: HV_OK, or HV_EPERM and nothing has changed
 * Refuses: registers that are not the host's, stream entries that reach what
 *	    is not the host's, other widths than the register's - host can
 *	    reach this
 */
enum hv_status handle_smmu_write(uint64_t fault_ipa, uint32_t len,
				 uint32_t index, uint64_t data)
{
	uint64_t offset = fault_ipa - get_smmu_base(index);
	enum hv_status status;

	switch (rule_of_access(offset, len, index)) {
	case SMMU_ALLOW:
	case SMMU_WRITE:
		forward(fault_ipa, len, data);
		return HV_OK;
	case SMMU_REPLACE:
		status = write_shadow(offset, index, (uint32_t)data);
		if (status == HV_OK && len == 8) {
			status = write_shadow(offset + 4, index,
					      (uint32_t)(data >> 32));
		}
		return status;
	case SMMU_TLBI:
		invalidate_host_banks(index);
		return HV_OK;
	case SMMU_TLBI_IPA:
		/* The register's lower half starts the operation. */
		if (fault_ipa % 8 == 0) {
			forward(fault_ipa, 8, data);
		}
		return HV_OK;
	case SMMU_IDLE:
		return (data & SMMU_SCTLR_M) == 0 ? HV_OK : HV_EPERM;
	case SMMU_READ:
	case SMMU_IGNORE:
	case SMMU_IDENT:
		return HV_OK;
	case SMMU_DENY:
	case SMMU_REFUSE:
	default:
		return HV_EPERM;
	}
}

static uint32_t read_shadow(uint64_t offset, uint32_t index)
{
	uint32_t mask;

	return *smmu_shadow_word(index, offset, &mask);
}

/*
 * An identification register without what the host has not: stage 1 and
 * nesting, wide stream ids and VMIDs, CPU broadcasts, and EL2's entries.
 */
static uint64_t identification(uint64_t offset, uint32_t index, uint64_t value)
{
	uint64_t banks = get_smmu_num_context_banks(index);

	switch (offset) {
	case SMMU_IDR(0):
		value &= ~(SMMU_IDR0_SES | SMMU_IDR0_S1TS | SMMU_IDR0_NTS |
			   SMMU_IDR0_EXSMRGS | SMMU_IDR0_BTM | SMMU_IDR0_EXIDS |
			   SMMU_IDR0_NUMSMRG);
		return value | SMMU_IDR0_ATOSNS | smmu_shadow(index)->streams;
	case SMMU_IDR(1):
		value &= ~(SMMU_IDR1_NUMS2CB | SMMU_IDR1_NUMCB);
		return value | banks << SMMU_IDR1_NUMS2CB_SHIFT | banks;
	case SMMU_IDR(2):
		return value & SMMU_IDR2_GRANULES_AND_SIZES;
	case SMMU_IDR(7):
		return value;
	default:
		return 0;
	}
}

/**
 * handle_smmu_read() - the host loads from an SMMU's register
 * @fault_ipa: address, inside the SMMU and aligned to @len
 * @len:       4 or 8 bytes
 * @index:     the SMMU
 * @data:      where the value goes
 *
 * Spec:    MmioCore.handle_smmu_read_spec
 * Delta:   D-060: a rule for each register, where the specification lets the
 *	    host read all; D-061: the caller fills the host's register
 * Locks:   caller holds smmu
 * Returns: HV_OK, or HV_EPERM
 * Refuses: other widths than the register's - host can reach this
 */
enum hv_status handle_smmu_read(uint64_t fault_ipa, uint32_t len,
				uint32_t index, uint64_t *data)
{
	uint64_t offset = fault_ipa - get_smmu_base(index);

	*data = 0;
	switch (rule_of_access(offset, len, index)) {
	case SMMU_ALLOW:
	case SMMU_READ:
		*data = __handle_smmu_read(fault_ipa, len);
		return HV_OK;
	case SMMU_REPLACE:
		*data = read_shadow(offset, index);
		if (len == 8) {
			*data |= (uint64_t)read_shadow(offset + 4, index) << 32;
		}
		return HV_OK;
	case SMMU_IDENT:
		*data = identification(offset, index,
				       __handle_smmu_read(fault_ipa, len));
		return HV_OK;
	case SMMU_REFUSE:
		return HV_EPERM;
	case SMMU_DENY:
	case SMMU_WRITE:
	case SMMU_IGNORE:
	case SMMU_TLBI:
	case SMMU_TLBI_IPA:
	case SMMU_IDLE:
	default:
		return HV_OK;
	}
}
