/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TrapHandler.v, what runs a VM. Source: facts C.9. */
#ifndef HYPSEC_SPEC_TRAP_HANDLER_H
#define HYPSEC_SPEC_TRAP_HANDLER_H

#include "spec/rdata.h"

/*
 * The host's VCPU_RUN to the VM's first instruction. Corrected, G13: a refusal
 * is an error that the host finds in x0.
 */
enum option host_vcpu_run_handler_spec(struct rdata *adt);

/*
 * The VM has stopped, by @ec, with its syndrome in esr_el2, far_el2 and
 * hpfar_el2. *@res: 0, it goes on; 1, the host does, with @ec in x0.
 */
enum option vm_exit_handler_spec(uint64_t ec, struct rdata *adt,
				 uint32_t *res);

#endif /* HYPSEC_SPEC_TRAP_HANDLER_H */
