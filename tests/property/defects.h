/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of defects share. Each does on both sides what a defect is
 * about (they must agree), then the same by the uncorrected definition on a
 * copy of the state, and says how the two differ.
 */
#ifndef HYPSEC_TESTS_PROPERTY_DEFECTS_H
#define HYPSEC_TESTS_PROPERTY_DEFECTS_H

#include <stdio.h>

#include "fw.h"
#include "run.h"
#include "spec/abstract_machine.h"
#include "spec/npt.h"
#include "spec/uncorrected.h"
#include "spec/uncorrected_smmu.h"

#define PFN	UINT64_C(0x40010)
#define PA	(PFN * PAGE_SIZE)
#define BLOCK	UINT64_C(0x40a00)
#define GFN	UINT64_C(0x80005)
#define GPA	(GFN * PAGE_SIZE)
#define SECRET	UINT64_C(0x5ec2e7)

/**
 * struct defect_test - one test
 * @name:   begins with the numbers of facts section G that it is about
 * @run:    starts on a machine that has just booted
 * @chunks: of its arena
 */
struct defect_test {
	const char *name;
	void (*run)(void);
	uint32_t chunks;
};

/* Each ends with an entry without a name. */
extern const struct defect_test defects_faults[];
extern const struct defect_test defects_memory[];
extern const struct defect_test defects_smmu[];
extern const struct defect_test defects_vms[];
extern const struct defect_test defects_vcpus[];

/* The state of the uncorrected definitions. */
extern struct rdata coq;

/* The running test fails; goes on, to say all that is wrong. */
void fail_at(const char *file, int line, const char *text);

#define CHECK(condition) \
	do { \
		if (!(condition)) { \
			fail_at(__FILE__, __LINE__, #condition); \
		} \
	} while (0)

/* One call on both sides: how it ended. They must agree. */
enum answer call_with(struct call call);
#define CALL(op, ...)	call_with((struct call){ op, { __VA_ARGS__ } })

/* The uncorrected definitions go on from here. */
void fork_coq(void);

/* What a state says of a page of RAM and of a gfn. */
const struct s2page *page_of(const struct rdata *adt, uint64_t pfn);
uint64_t content_of(const struct rdata *adt, uint64_t pfn);
struct npt_entry maps(const struct rdata *adt, uint32_t vmid, uint64_t gfn);

/* VM 1, with PFN at GFN. */
void start_with_page(void);

#endif /* HYPSEC_TESTS_PROPERTY_DEFECTS_H */
