/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The specification's side of a call.
 */
#ifndef HYPSEC_TESTS_PROPERTY_MODEL_H
#define HYPSEC_TESTS_PROPERTY_MODEL_H

#include "calls.h"
#include "fw.h"
#include "spec/rdata.h"

/**
 * struct model_result - what the specification says of a call
 * @answer: how it ends
 * @value:  its results, as in struct fw_result
 */
struct model_result {
	enum answer answer;
	uint64_t value[3];
};

/* The state of a machine that has just booted. */
void model_start(uint32_t chunks, struct rdata *adt);

/*
 * May the call be made now? Not if it breaks a rule that its callers keep, or
 * if the state does not fit into the model's arrays any more.
 */
bool model_allows(const struct call *call, const struct rdata *adt);

/**
 * model_do() - one step of the specification
 * @call:   what to do
 * @fw:	    what the firmware has answered, for oracles
 * @adt:    the state, changed
 * @before: gets the state that a refusal must have left
 * @result: the answer
 *
 * Returns: false if the specification is stuck: the test is wrong
 */
bool model_do(const struct call *call, const struct script *script,
	      const struct fw_result *fw, struct rdata *adt,
	      struct rdata *before, struct model_result *result);

/* --- model_vcpu.c --------------------------------------------------------- */

/* Registers of worlds as they are at the start. */
void model_start_worlds(struct rdata *adt);

/* The calls that are about vCPUs; *@value as in struct model_result. */
bool is_vcpu_call(enum op op);
enum option vcpu_call(const struct call *call, struct rdata *adt);

/*
 * VCPU_RUN, with what the VM does: @entered gets what it finds each time,
 * *@nr how often.
 */
enum option model_vcpu_run(const struct script *script, struct rdata *adt,
			   struct view *entered, uint32_t *nr);
extern struct view model_entered[MAX_SCRIPT + 1];
extern uint32_t model_nr_entered;

/* A register of a context, or of the world that runs, by number. */
uint64_t model_reg(uint32_t reg, const struct ctxt_regs *regs,
		   const struct ctxt_states *states);

/* A field of a window by number. */
uint64_t *model_window(uint32_t field, struct int_vcpu *window);

#endif /* HYPSEC_TESTS_PROPERTY_MODEL_H */
