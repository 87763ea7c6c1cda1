/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CtxtSwitchSpec.v. Source: S0. */
#ifndef HYPSEC_SPEC_CTXT_SWITCH_H
#define HYPSEC_SPEC_CTXT_SWITCH_H

#include "spec/rdata.h"

enum option save_host_spec(struct rdata *adt);
enum option restore_host_spec(struct rdata *adt);
enum option save_vm_spec(struct rdata *adt);
enum option restore_vm_spec(struct rdata *adt);

#endif /* HYPSEC_SPEC_CTXT_SWITCH_H */
