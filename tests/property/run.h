/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running sequences on both sides, and making a failing one small.
 */
#ifndef HYPSEC_TESTS_PROPERTY_RUN_H
#define HYPSEC_TESTS_PROPERTY_RUN_H

#include <stdio.h>

#include "calls.h"

struct rdata;

/**
 * struct run_result - what a run came to
 * @steps:   calls done by both sides
 * @failed:  whether they differ
 * @at:	     the call after which they do
 * @message: how
 * @answer:  of the last call
 * @answers: how often a call ended with each answer
 */
struct run_result {
	uint64_t steps;
	bool failed;
	uint32_t at;
	char message[400];
	enum answer answer;
	uint64_t answers[ANSWER_PANIC + 1];
};

/* Bytes of one random sequence, and how to fill them from a seed. */
#define RANDOM_BYTES	3000
void random_bytes(uint64_t seed, uint8_t *bytes, size_t n);

/**
 * run_bytes() - generate a sequence and run it
 * @bytes:    what it is made of
 * @n:	      how many
 * @sequence: gets every call before it is done
 * @result:   adds to the steps and answers
 */
void run_bytes(const uint8_t *bytes, size_t n, struct sequence *sequence,
	       struct run_result *result);

/* Starts both sides with @chunks of arena. */
void run_start(uint32_t chunks);

/* The specification's state, and the one before the last call. */
const struct rdata *run_state(void);
const struct rdata *run_state_before(void);

/* One call on both sides; false if they differ, with @result filled. */
bool run_call(const struct call *call, uint32_t at,
	      struct run_result *result);

/* Runs a sequence; calls that the state does not allow are left out. */
void run_sequence(const struct sequence *sequence, struct run_result *result);

/* As run_sequence(), in a process of its own: true if it fails or dies. */
bool sequence_fails(const struct sequence *sequence,
		    struct run_result *result);

/* Makes a failing sequence as short and plain as it gets. */
void shrink(struct sequence *sequence, struct run_result *result);

/* A sequence as text, readable and for sequence_read(). */
void sequence_write(FILE *file, const struct sequence *sequence,
		    const struct run_result *result);
bool sequence_read(FILE *file, struct sequence *sequence);

/* Memory that child processes share with this one; zero. */
void *shared_memory(size_t bytes);

#endif /* HYPSEC_TESTS_PROPERTY_RUN_H */
