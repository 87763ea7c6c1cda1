/* SPDX-License-Identifier: GPL-2.0-or-later */
/* FaultHandlerSpec.v. Source: S2. */
#ifndef HYPSEC_SPEC_FAULT_HANDLER_H
#define HYPSEC_SPEC_FAULT_HANDLER_H

#include "spec/rdata.h"

enum option handle_host_stage2_fault_spec(struct rdata *adt);
enum option core_handle_pvops_spec(struct rdata *adt, uint32_t *res);

#endif /* HYPSEC_SPEC_FAULT_HANDLER_H */
