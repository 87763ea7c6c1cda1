/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers of vCPUs while they do not run. Layer: AbstractMachine.
 *
 * No lock: a context belongs to the CPU on which its vCPU is ACTIVE.
 */
#ifndef COREVISOR_CORE_SHADOW_CTXT_H
#define COREVISOR_CORE_SHADOW_CTXT_H

#include "core/types.h"

/* Indices of the general-purpose registers: x0 is X0, and so on to x30. */
#define X0		0u
#define X1		1u
#define X2		2u
#define X3		3u
#define X30		30u

uint64_t get_shadow_ctxt(uint32_t vmid, uint32_t vcpuid, uint32_t index);
void set_shadow_ctxt(uint32_t vmid, uint32_t vcpuid, uint32_t index,
		     uint64_t value);

/* Zeroes the contexts of a VM. Locks: caller holds vm[vmid], no vCPU ACTIVE. */
void shadow_ctxt_wipe(vmid_t vmid);

#endif /* COREVISOR_CORE_SHADOW_CTXT_H */
