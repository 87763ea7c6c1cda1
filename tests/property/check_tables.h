/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The referee's part for tables and their memory.
 */
#ifndef HYPSEC_TESTS_PROPERTY_CHECK_TABLES_H
#define HYPSEC_TESTS_PROPERTY_CHECK_TABLES_H

#include "check.h"

/* Goes on unless there is something to say. */
#define TRY(check) \
	do { \
		const char *error_ = (check); \
		if (error_ != NULL) { \
			return error_; \
		} \
	} while (0)

/* A sentence, until the next one. */
const char *say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The page's number in the arrays, INVALID64 for what is not RAM. */
uint64_t index_of(uint64_t pfn, const struct rdata *adt);

/*
 * All tables: the host's by the referee's rule (I3 to I5), the VMs' exactly
 * (I6, I7, I9), no table page in two tables (I11).
 */
const char *check_tables(const struct rdata *adt);

/* What is left for tables. */
const char *check_pools(const struct rdata *adt);

#endif /* HYPSEC_TESTS_PROPERTY_CHECK_TABLES_H */
