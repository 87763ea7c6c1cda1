/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The referee: is the firmware's state the specification's?
 */
#ifndef HYPSEC_TESTS_PROPERTY_CHECK_H
#define HYPSEC_TESTS_PROPERTY_CHECK_H

#include "fw.h"
#include "model.h"

/* A machine has started: nothing has been compared yet. */
void check_start(const struct rdata *adt);

/**
 * check_step() - compare after a step
 * @call:   what was done
 * @fw:	    what the firmware answered
 * @model:  what the specification answered
 * @before: the specification's state before the step
 * @after:  and after it
 *
 * Page records, tables, pools, VM table, contexts, contents, locks, and the
 * invariants of facts H. The host's table by the referee's rule (D-006),
 * all else exactly.
 *
 * Returns: NULL, or what differs
 */
const char *check_step(const struct call *call, const struct fw_result *fw,
		       const struct model_result *model,
		       const struct rdata *before, const struct rdata *after);

/* Whether a VM has found what it should, each time that it was entered. */
const char *check_entries(const struct script *script);

/* All that a step compares only where something has changed, everywhere. */
const char *check_all(const struct rdata *adt);

#endif /* HYPSEC_TESTS_PROPERTY_CHECK_H */
