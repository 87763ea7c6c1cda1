/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RData.v and AbstractMachine.v, contexts by themselves. Source: facts A.4,
 * B.5; the _specx are the functions of S1 that have no RData. */
#ifndef HYPSEC_SPEC_CTXT_H
#define HYPSEC_SPEC_CTXT_H

#include "spec/rdata.h"

/* Where an index lies; NULL for one that names nothing. */
uint64_t *ctxt_field(uint32_t index, struct ctxt_regs *regs,
		     struct ctxt_states *states);

/* Whether a world's system registers have that index (47 ..., A.4). */
bool is_sys_reg(uint32_t index);

uint64_t get_shadow_ctxt_specx(uint32_t index, const struct ctxt_regs *regs,
			       const struct ctxt_states *states);
void set_shadow_ctxt_specx(uint32_t index, uint64_t value,
			   struct ctxt_regs *regs,
			   struct ctxt_states *states);
void clear_shadow_gp_regs_specx(struct ctxt_regs *regs);
void reset_fp_regs_specx(struct ctxt_regs *regs);

#endif /* HYPSEC_SPEC_CTXT_H */
