/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TrapHandler.v, what runs a VM. Source: facts C.9. host_to_core, core_to_host
 * and vm_to_core move x0 to x30, which are in the contexts all the time.
 */
#include "spec/trap_handler.h"

#include "spec/abstract_machine.h"
#include "spec/ctxt_switch.h"
#include "spec/trap_dispatcher.h"
#include "spec/world.h"

enum option host_vcpu_run_handler_spec(struct rdata *adt)
{
	WHEN(save_host_spec(adt));
	WHEN(restore_vm_spec(adt));
	return adt->halt ? SOME : core_to_vm_spec(adt);
}

/* Any other ec panics in the Coq; G61: there are no more than these. */
enum option vm_exit_handler_spec(uint64_t ec, struct rdata *adt,
				 uint32_t *res)
{
	WHEN(exit_populate_fault_spec(ec, adt));
	WHEN(vm_exit_dispatcher_spec(adt, res));
	if (adt->halt) {
		return SOME;
	}
	if (*res == 0) {
		return core_to_vm_spec(adt);
	}
	WHEN(save_vm_spec(adt));
	WHEN(restore_host_spec(adt));
	return set_shadow_ctxt_spec(HOSTVISOR, adt->curid, X0, ec, adt);
}
