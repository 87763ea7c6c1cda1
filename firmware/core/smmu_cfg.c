/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The board's SMMUs, and who owns each context bank. Layer: AbstractMachine.
 * Locks: bank owners under smmu; all else is written at boot, but for the
 * roots, which belong to spt and change while no bank uses them.
 */
#include "core/smmu_cfg.h"

#include "core/locks.h"
#include "core/panic.h"
#include "hypsec/inspect.h"

/**
 * struct smmu - one SMMU
 * @base:  PA of its registers
 * @bytes: their size
 * @banks: context banks
 * @owner: of each bank; INVALID is nobody
 * @ttbr:  PA of each bank's root, 0 without a table
 */
struct smmu {
	paddr_t base;
	uint64_t bytes;
	uint32_t banks;
	uint32_t owner[SMMU_NUM_CTXT_BANKS];
	paddr_t ttbr[SMMU_NUM_CTXT_BANKS];
};

static struct smmu smmus[SMMU_NUM];
static uint32_t nr_smmus;

_Static_assert(offsetof(struct smmu, base) == 0 &&
	       offsetof(struct smmu, bytes) == 8 &&
	       offsetof(struct smmu, banks) == 16 &&
	       INVALID == HYPSEC_INSPECT_FREE, "told by inspect.h");

const void *smmu_cfg_array(uint64_t *stride, uint64_t *owner_offset)
{
	*stride = sizeof(smmus[0]);
	*owner_offset = offsetof(struct smmu, owner);
	return smmus;
}

enum hv_status smmu_cfg_add(paddr_t base, uint64_t bytes, uint32_t banks)
{
	struct smmu *smmu = &smmus[nr_smmus];

	if (nr_smmus == SMMU_NUM) {
		return HV_ENOMEM;
	}
	/* Half of the registers are the banks', a page each. */
	if (((base | bytes) & (PAGE_SIZE - 1)) != 0 || banks == 0 ||
	    banks > SMMU_NUM_CTXT_BANKS || bytes / 2 < banks * PAGE_SIZE ||
	    base >= MAX_MMIO_ADDR || bytes > MAX_MMIO_ADDR - base) {
		return HV_EINVAL;
	}
	*smmu = (struct smmu){ .base = base, .bytes = bytes, .banks = banks };
	for (uint32_t i = 0; i < banks; i++) {
		smmu->owner[i] = INVALID;
	}
	smmu->owner[SMMU_IDENTITY_BANK] = COREVISOR;
	nr_smmus++;
	return HV_OK;
}

static struct smmu *smmu_at(uint32_t index)
{
	ASSERT(index < nr_smmus);
	return &smmus[index];
}

static struct smmu *smmu_of_bank(uint32_t cbndx, uint32_t index)
{
	struct smmu *smmu = smmu_at(index);

	ASSERT(cbndx < smmu->banks);
	return smmu;
}

/**
 * get_smmu_num() - how many SMMUs the board has
 *
 * Spec: AbstractMachine.get_smmu_num_spec
 */
uint32_t get_smmu_num(void)
{
	return nr_smmus;
}

/**
 * get_smmu_base() - PA of an SMMU's registers
 * @index: which one
 *
 * Spec:   AbstractMachine.get_smmu_base_spec
 * Panics: @index out of range - nobody
 */
uint64_t get_smmu_base(uint32_t index)
{
	return smmu_at(index)->base;
}

/**
 * get_smmu_size() - bytes of an SMMU's registers
 * @index: which one
 *
 * Spec:   AbstractMachine.get_smmu_size_spec
 * Panics: @index out of range - nobody
 */
uint64_t get_smmu_size(uint32_t index)
{
	return smmu_at(index)->bytes;
}

/**
 * get_smmu_num_context_banks() - how many banks an SMMU has
 * @index: which one
 *
 * Spec:   AbstractMachine.get_smmu_num_context_banks_spec
 * Panics: @index out of range - nobody
 */
uint32_t get_smmu_num_context_banks(uint32_t index)
{
	return smmu_at(index)->banks;
}

/**
 * get_smmu_cfg_vmid() - who owns a bank
 * @cbndx: the bank
 * @index: its SMMU
 *
 * Spec:    AbstractMachine.get_smmu_cfg_vmid_spec
 * Locks:   caller holds smmu
 * Returns: HOSTVISOR, a VM, COREVISOR or INVALID
 * Panics:  a number out of range - nobody
 */
uint32_t get_smmu_cfg_vmid(uint32_t cbndx, uint32_t index)
{
	ASSERT(lock_smmu_is_held());
	return smmu_of_bank(cbndx, index)->owner[cbndx];
}

/**
 * set_smmu_cfg_vmid() - change who owns a bank
 * @cbndx: the bank, not SMMU_IDENTITY_BANK
 * @index: its SMMU
 * @vmid:  HOSTVISOR, a VM or INVALID
 *
 * Spec:   AbstractMachine.set_smmu_cfg_vmid_spec
 * Locks:  caller holds smmu
 * Panics: a number out of range - nobody
 */
void set_smmu_cfg_vmid(uint32_t cbndx, uint32_t index, uint32_t vmid)
{
	ASSERT(lock_smmu_is_held() && cbndx != SMMU_IDENTITY_BANK);
	ASSERT(vmid < COREVISOR || vmid == INVALID);
	smmu_of_bank(cbndx, index)->owner[cbndx] = vmid;
}

/**
 * get_smmu_cfg_hw_ttbr() - the root that a bank must use
 * @cbndx: the bank
 * @index: its SMMU
 *
 * Spec:    AbstractMachine.get_smmu_cfg_hw_ttbr_spec
 * Delta:   D-050: a bank has a root from init_spt() to release_spt()
 * Returns: its PA, 0 if there is none
 * Panics:  a number out of range - nobody
 */
uint64_t get_smmu_cfg_hw_ttbr(uint32_t cbndx, uint32_t index)
{
	return smmu_of_bank(cbndx, index)->ttbr[cbndx];
}

/**
 * set_smmu_cfg_hw_ttbr() - say which root a bank must use
 * @cbndx:   the bank
 * @index:   its SMMU
 * @hw_ttbr: PA of PT_ROOT_BYTES, 0 for none
 *
 * Spec:   AbstractMachine.set_smmu_cfg_hw_ttbr (C)
 * Locks:  caller holds spt, or is the boot CPU alone
 * Panics: a number out of range - nobody
 */
void set_smmu_cfg_hw_ttbr(uint32_t cbndx, uint32_t index, uint64_t hw_ttbr)
{
	smmu_of_bank(cbndx, index)->ttbr[cbndx] = hw_ttbr;
}

void smmu_cfg_reset(void)
{
	nr_smmus = 0;
}
