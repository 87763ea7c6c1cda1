/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MmioOps.v and MmioRaw.v: devices that EL2 emulates for the host. Source:
 * facts B.10. In the Coq these are the SMMUs; here any device of the board's
 * table, and what a device does with an access is its own.
 */
#include "spec/mmio_ops.h"

#include "spec/abstract_machine.h"
#include "spec/locks.h"

#define ESR_SSE	UINT64_C(0x200000)
#define ESR_SF	UINT64_C(0x8000)

/* is_smmu_range: the last match wins. */
static uint32_t is_emulated_range(uint64_t addr, const struct rdata *adt)
{
	uint32_t res = INVALID;

	for (uint32_t i = 0; i < adt->board.nr_emulated; i++) {
		const struct pa_window *d = &adt->board.emulated[i];

		if (addr >= d->base && addr - d->base < d->bytes) {
			res = i;
		}
	}
	return res;
}

/* What lands in the register: extended from bytes to 64 or 32 bits. */
static uint64_t extended(uint64_t value, uint32_t bytes, uint64_t esr)
{
	uint64_t sign = UINT64_C(1) << (bytes * 8 - 1);

	if ((esr & ESR_SSE) != 0) {
		value = (value ^ sign) - sign;
	}
	return (esr & ESR_SF) != 0 ? value : value & 0xffffffff;
}

/*
 * handle_host_mmio.
 * Corrected, G14 and G71: a data abort with a valid syndrome that is no table
 * walk's; register 31 is zero and takes nothing.
 */
static enum option handle_host_mmio(uint64_t addr, uint32_t index,
				    uint64_t esr, struct rdata *adt)
{
	const struct pa_window *device = &adt->board.emulated[index];
	uint64_t fault_ipa, data;
	uint32_t bytes, write, rd;

	RELY_OR(esr >> ESR_ELx_EC_SHIFT == ESR_ELx_EC_DABT_LOW &&
		(esr & ESR_ISV) != 0 &&
		(esr & ESR_ELx_S1PTW) == 0, NONE_PERM);
	WHEN(host_get_fault_ipa_spec(addr, adt, &fault_ipa));
	WHEN(host_dabt_get_as_spec(esr, &bytes));
	WHEN(host_dabt_is_write_spec(esr, &write));
	WHEN(host_dabt_get_rd_spec(esr, &rd));
	/* F.9: 4 or 8 bytes; and naturally aligned. */
	RELY_OR((bytes == 4 || bytes == 8) && is_aligned(fault_ipa, bytes) &&
		is_range(fault_ipa - device->base, bytes, device->bytes),
		NONE_PERM);
	if (write != 0) {
		data = rd == XZR ? 0 : adt->host_regs[rd];
		WHEN(write_relaxed(data, fault_ipa, bytes, adt));
	} else {
		WHEN(read_relaxed(fault_ipa, bytes, adt, &data));
		if (rd != XZR) {
			adt->host_regs[rd] = extended(data, bytes, esr);
		}
	}
	return host_skip_instr_spec(adt);
}

enum option emulate_mmio_spec(uint64_t addr, uint64_t esr, struct rdata *adt,
			      uint32_t *ret)
{
	WHEN(acquire_lock_smmu_spec(adt));
	*ret = is_emulated_range(addr, adt);
	if (*ret != INVALID) {
		WHEN(handle_host_mmio(addr, *ret, esr, adt));
	}
	return release_lock_smmu_spec(adt);
}
