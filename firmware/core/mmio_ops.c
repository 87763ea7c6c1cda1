/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SMMUs as the host sees them. Layer: MmioOps and MmioOpsAux on MmioCore,
 * with the decoding of the host's loads and stores from AbstractMachine and
 * MmioRaw.
 * Locks: takes smmu.
 */
#include "core/mmio_ops.h"

#include "core/locks.h"
#include "core/mmio_core.h"
#include "core/pcpu.h"
#include "core/smmu_cfg.h"
#include "core/spec_constants.h"
#include "core/trap_frame.h"

/* Rt of a load to nowhere, or of a store of zero. */
#define RD_XZR	31u

/* Length of an A64 instruction. */
#define INSTRUCTION_BYTES 4

/**
 * host_dabt_get_as() - size of the host's access
 * @esr: syndrome with ISV
 *
 * Spec:    AbstractMachine.host_dabt_get_as_spec
 * Returns: 1, 2, 4 or 8 bytes
 */
uint32_t host_dabt_get_as(uint32_t esr)
{
	return UINT32_C(1) << EXTRACT(ESR_ELX_SAS, esr);
}

/**
 * host_dabt_is_write() - direction of the host's access
 * @esr: syndrome
 *
 * Spec:    AbstractMachine.host_dabt_is_write_spec
 * Returns: not 0 for a store
 */
uint32_t host_dabt_is_write(uint32_t esr)
{
	return esr & (uint32_t)ESR_ELX_WNR;
}

/**
 * host_dabt_get_rd() - register of the host's access
 * @esr: syndrome with ISV
 *
 * Spec:    AbstractMachine.host_dabt_get_rd_spec
 * Returns: 0 to 30, or 31 for XZR
 */
uint32_t host_dabt_get_rd(uint32_t esr)
{
	return (uint32_t)EXTRACT(ESR_ELX_SRT, esr);
}

/**
 * host_get_fault_ipa() - address of the host's access
 * @addr: IPA of the page, from HPFAR_EL2
 *
 * Spec:    AbstractMachine.host_get_fault_ipa_spec
 * Returns: IPA in bytes
 */
uint64_t host_get_fault_ipa(uint64_t addr)
{
	return addr | (this_cpu()->frame->far & (PAGE_SIZE - 1));
}

/**
 * host_skip_instr() - go on behind the trapped instruction
 *
 * As if it had been executed: BTYPE is cleared and a software step is over.
 *
 * Spec:  AbstractMachine.host_skip_instr_spec
 * Delta: D-019: ELR_EL2 is moved; the specification writes ESR_EL2 (G53)
 */
void host_skip_instr(void)
{
	struct trap_frame *frame = this_cpu()->frame;

	frame->elr += INSTRUCTION_BYTES;
	frame->spsr &= ~(SPSR_BTYPE | SPSR_SS);
}

static uint64_t low_bytes(uint64_t value, uint32_t bytes)
{
	return value & GENMASK(bytes * 8 - 1, 0);
}

static uint64_t host_get_mmio_data(uint32_t esr)
{
	uint32_t rd = host_dabt_get_rd(esr);
	uint64_t value = rd == RD_XZR ? 0 : this_cpu()->frame->regs[rd];

	return low_bytes(value, host_dabt_get_as(esr));
}

/* What a load of @value leaves in its register. */
static uint64_t extended(uint64_t value, uint32_t esr)
{
	uint32_t bytes = host_dabt_get_as(esr);
	uint64_t sign = BIT(bytes * 8 - 1);

	value = low_bytes(value, bytes);
	if ((esr & ESR_ELX_SSE) != 0) {
		value = (value ^ sign) - sign;
	}
	return (esr & ESR_ELX_SF) != 0 ? value : low_bytes(value, 4);
}

static void host_set_mmio_data(uint32_t esr, uint64_t value)
{
	uint32_t rd = host_dabt_get_rd(esr);

	if (rd != RD_XZR) {
		this_cpu()->frame->regs[rd] = extended(value, esr);
	}
}

/**
 * is_smmu_range() - the SMMU whose registers are at an address
 * @addr: any IPA
 *
 * Spec:    MmioOpsAux.is_smmu_range_spec
 * Delta:   none; SMMUs do not change after boot
 * Locks:   none
 * Returns: its number, INVALID if there is none
 */
uint32_t is_smmu_range(uint64_t addr)
{
	uint32_t n = get_smmu_num();
	uint32_t found = INVALID;

	for (uint32_t i = 0; i < n; i++) {
		if (addr >= get_smmu_base(i) &&
		    addr - get_smmu_base(i) < get_smmu_size(i)) {
			found = i;
		}
	}
	return found;
}

/* Whether the syndrome says all that an emulation needs. */
static bool is_decoded(uint32_t esr)
{
	return EXTRACT(ESR_ELX_EC, esr) == EC_DABT_LOW &&
	       (esr & ESR_ELX_ISV) != 0 &&
	       (esr & (ESR_ELX_S1PTW | ESR_ELX_CM)) == 0;
}

/* Whether it is A64 code of 4-byte instructions, with little-endian data. */
static bool is_little_a64(uint64_t spsr)
{
	uint64_t big = (spsr & SPSR_MODE_MASK) == SPSR_MODE_EL0T ?
			       SCTLR_EL1_E0E : SCTLR_EL1_EE;

	return (spsr & SPSR_M4_AARCH32) == 0 && (cpu_el1_sctlr() & big) == 0;
}

/**
 * handle_host_mmio() - do the host's load or store on an SMMU
 * @addr:  IPA of the page that it faulted on, one of the SMMU's
 * @index: the SMMU
 * @esr:   syndrome with ISV
 *
 * Spec:    MmioOpsAux.handle_host_mmio_spec
 * Delta:   D-020: a refusal has done nothing, and skips nothing
 * Locks:   caller holds smmu
 * Returns: HV_OK if it is done and the instruction skipped; HV_EPERM
 * Refuses: sizes other than 4 and 8, addresses that are not a multiple of the
 *	    size, and what handle_smmu_read() and handle_smmu_write() refuse -
 *	    host can reach this
 */
enum hv_status handle_host_mmio(uint64_t addr, uint32_t index, uint32_t esr)
{
	uint64_t fault_ipa = host_get_fault_ipa(addr);
	uint32_t len = host_dabt_get_as(esr);
	enum hv_status status;
	uint64_t data;

	if (len < 4 || (fault_ipa & (len - 1)) != 0) {
		return HV_EPERM;
	}
	if (host_dabt_is_write(esr) != 0) {
		status = handle_smmu_write(fault_ipa, len, index,
					   host_get_mmio_data(esr));
	} else {
		status = handle_smmu_read(fault_ipa, len, index, &data);
		if (status == HV_OK) {
			host_set_mmio_data(esr, data);
		}
	}
	if (status == HV_OK) {
		host_skip_instr();
	}
	return status;
}

/**
 * emulate_mmio() - do the host's load or store, if it is on an SMMU
 * @addr: IPA of the page that it faulted on
 * @esr:  syndrome of the fault
 *
 * Spec:    MmioOps.emulate_mmio_spec
 * Delta:   D-001. D-020: a status instead of the SMMU's number, and only
 *	    accesses that the syndrome describes in full (G14, G71)
 * Locks:   takes smmu; caller holds none
 * Returns: HV_OK if it is done and the instruction skipped; HV_ENOTSUP if no
 *	    SMMU is there; HV_EPERM if the access is refused, and nothing has
 *	    changed
 * Refuses: fetches, accesses without syndrome, of a walk, of AArch32 or
 *	    big-endian code, and what handle_host_mmio() refuses - host can
 *	    reach this
 */
enum hv_status emulate_mmio(uint64_t addr, uint32_t esr)
{
	uint32_t index = is_smmu_range(addr);
	enum hv_status status;

	if (index == INVALID) {
		return HV_ENOTSUP;
	}
	if (!is_decoded(esr) || !is_little_a64(this_cpu()->frame->spsr)) {
		return HV_EPERM;
	}
	acquire_lock_smmu();
	status = handle_host_mmio(addr, index, esr);
	release_lock_smmu();
	return status;
}
