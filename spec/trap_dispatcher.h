/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TrapDispatcher.v, the host's side. Source: facts C.9, D.1. */
#ifndef HYPSEC_SPEC_TRAP_DISPATCHER_H
#define HYPSEC_SPEC_TRAP_DISPATCHER_H

#include "spec/rdata.h"

/* The call in the host's x0 to x4; *@ret is x0 if it succeeds. */
enum option host_hvc_dispatcher_spec(struct rdata *adt, uint64_t *ret);

#endif /* HYPSEC_SPEC_TRAP_DISPATCHER_H */
