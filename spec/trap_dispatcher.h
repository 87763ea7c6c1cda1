/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TrapDispatcher.v. Source: facts C.9, D.1. */
#ifndef HYPSEC_SPEC_TRAP_DISPATCHER_H
#define HYPSEC_SPEC_TRAP_DISPATCHER_H

#include "spec/rdata.h"

/* The call in the host's x0 to x5; *@ret is x0 if it succeeds. */
enum option host_hvc_dispatcher_spec(struct rdata *adt, uint64_t *ret);

/*
 * What EL2 does about the trap of the current VM: *@res is 0 if the VM goes on,
 * 1 if it is the host's.
 */
enum option core_handle_sys64_spec(struct rdata *adt, uint32_t *res);
enum option vm_exit_dispatcher_spec(struct rdata *adt, uint32_t *res);

#endif /* HYPSEC_SPEC_TRAP_DISPATCHER_H */
