/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exits of a VM that EL2 answers itself. Layer: TrapDispatcher.
 */
#ifndef COREVISOR_CORE_VM_EXIT_H
#define COREVISOR_CORE_VM_EXIT_H

#include "core/fault_handler.h"
#include "core/pcpu.h"
#include "core/shadow_ctxt.h"
#include "core/trap_frame.h"
#include "core/types.h"
#include "hypsec/abi.h"

/* vm_exit_dispatcher() for a trap with syndrome @esr. */
bool vm_exit_answer(struct shadow_ctxt *ctxt, uint64_t esr);

/* HVC #0 with what core_handle_pvops() would leave to the host. */
static inline bool is_call_for_host(const struct shadow_ctxt *ctxt, uint64_t esr)
{
	return EXTRACT(ESR_ELX_EC, esr) == EC_HVC64 &&
	       EXTRACT(ESR_ELX_IMM16, esr) == 0 && !is_pvop(ctxt->regs[X0]);
}

/**
 * vm_exit_dispatcher() - answer the current VM's exit, if it is EL2's
 *
 * Spec:    TrapDispatcher.vm_exit_dispatcher_spec
 * Delta:   D-037: every class has an answer, and none of them is a panic (G55)
 * Locks:   what core_handle_pvops() takes; caller holds none
 * Returns: whether the VM goes on; if not, the exit is the host's
 */
static inline bool vm_exit_dispatcher(void)
{
	struct shadow_ctxt *ctxt = this_cpu()->ctxt;
	uint64_t esr = ctxt->regs[ESR_EL2];

	if (ctxt->regs[EC] != HYPSEC_EXIT_TRAP || is_call_for_host(ctxt, esr)) {
		return false;
	}
	return vm_exit_answer(ctxt, esr);
}
uint32_t core_handle_sys64(void);

#endif /* COREVISOR_CORE_VM_EXIT_H */
