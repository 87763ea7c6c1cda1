/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stage-2 faults of the host, and what a VM asks EL2 for. Layer: FaultHandler.
 */
#ifndef COREVISOR_CORE_FAULT_HANDLER_H
#define COREVISOR_CORE_FAULT_HANDLER_H

#include "core/trap_frame.h"
#include "core/types.h"
#include "hypsec/abi.h"

void handle_host_stage2_fault(struct trap_frame *frame);
uint32_t core_handle_pvops(void);

/* Whether core_handle_pvops() knows a call, which is in x0. */
static inline bool is_pvop(uint64_t call)
{
	return call == HYPSEC_PVOP_SET_DESC_PFN ||
	       call == HYPSEC_PVOP_UNSET_DESC_PFN ||
	       call == HYPSEC_PVOP_ACCEPT_DEVICE;
}

#endif /* COREVISOR_CORE_FAULT_HANDLER_H */
