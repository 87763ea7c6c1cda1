/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The referee's part for SMMUs.
 */
#ifndef HYPSEC_TESTS_PROPERTY_CHECK_SMMU_H
#define HYPSEC_TESTS_PROPERTY_CHECK_SMMU_H

#include "check.h"

/* A machine has started. */
void check_smmus_start(void);

/*
 * After a step: banks and devices have their owners, and of the registers none
 * has changed that the step may not change.
 */
const char *check_smmus(const struct call *call, const struct rdata *before,
			const struct rdata *after);

/*
 * The banks' tables exactly, and what they may map (I17, I18); the identity
 * table exactly: all of the host's and nothing else (I15). Behind
 * check_tables(): no page of a table is in any of those.
 */
const char *check_dma_tables(const struct rdata *adt);

/* What the registers hold (I19), for a choice of streams. */
const char *check_registers(const struct rdata *adt);

#endif /* HYPSEC_TESTS_PROPERTY_CHECK_SMMU_H */
