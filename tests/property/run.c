/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "fw.h"
#include "generate.h"
#include "model.h"

/* Every so many generated sequences all of memory is compared at the end. */
#define CHECK_ALL_EVERY	8
/* A run that takes longer hangs. */
#define TIMEOUT_SECONDS	20

static struct rdata adt;
static struct rdata before;

/* For the next VM that runs. */
static struct script script;

void *shared_memory(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return memory;
}

void random_bytes(uint64_t seed, uint8_t *bytes, size_t n)
{
	uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15);

	for (size_t i = 0; i < n; i++) {
		uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

		z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
		bytes[i] = (uint8_t)(z >> 56);
	}
}

void run_start(uint32_t chunks)
{
	fw_start(chunks);
	model_start((uint32_t)fw_arena_free(), &adt);
	check_start(&adt);
	script.nr = 0;
}

static bool fail(struct run_result *result, uint32_t at, const char *message)
{
	result->failed = true;
	result->at = at;
	snprintf(result->message, sizeof(result->message), "%s", message);
	return false;
}

const struct rdata *run_state(void)
{
	return &adt;
}

const struct rdata *run_state_before(void)
{
	return &before;
}

bool run_call(const struct call *call, uint32_t at, struct run_result *result)
{
	struct model_result model;
	struct fw_result fw;
	const char *error;

	if (call->op == OP_VM_SET || call->op == OP_VM_EXIT) {
		if (script.nr < MAX_SCRIPT) {
			script.calls[script.nr++] = *call;
		}
		result->answer = ANSWER_OK;
		return true;
	}
	fw_do(call, &script, &fw);
	if (!model_do(call, &script, &fw, &adt, &before, &model)) {
		return fail(result, at, "the specification is stuck");
	}
	result->steps++;
	result->answers[model.answer]++;
	result->answer = model.answer;
	error = check_step(call, &fw, &model, &before, &adt);
	if (call->op == OP_VCPU_RUN) {
		error = error == NULL ? check_entries(&script) : error;
		script.nr = 0;
	}
	return error == NULL || fail(result, at, error);
}

void run_bytes(const uint8_t *bytes, size_t n, struct sequence *sequence,
	       struct run_result *result)
{
	struct bytes source = { bytes, bytes + n };
	static unsigned int runs;

	sequence->nr = 0;
	sequence->chunks = generate_chunks(&source);
	run_start(sequence->chunks);
	while (sequence->nr < MAX_CALLS) {
		struct call *call = &sequence->calls[sequence->nr];

		if (!generate_call(&source, &adt, call)) {
			break;
		}
		if (!model_allows(call, &adt)) {
			continue;
		}
		sequence->nr++;
		if (!run_call(call, sequence->nr - 1, result)) {
			return;
		}
	}
	if (runs++ % CHECK_ALL_EVERY == 0) {
		const char *error = check_all(&adt);

		if (error != NULL) {
			fail(result, sequence->nr, error);
		}
	}
}

void run_sequence(const struct sequence *sequence, struct run_result *result)
{
	const char *error;

	run_start(sequence->chunks);
	for (uint32_t i = 0; i < sequence->nr; i++) {
		const struct call *call = &sequence->calls[i];

		result->at = i;
		if (model_allows(call, &adt) && !run_call(call, i, result)) {
			return;
		}
	}
	error = check_all(&adt);
	if (error != NULL) {
		fail(result, sequence->nr, error);
	}
}

/* --- In a process of its own ---------------------------------------------- */

bool sequence_fails(const struct sequence *sequence, struct run_result *result)
{
	static struct run_result *shared;
	int status;
	pid_t pid;

	if (shared == NULL) {
		shared = shared_memory(sizeof(*shared));
	}
	memset(shared, 0, sizeof(*shared));
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		alarm(TIMEOUT_SECONDS);
		if (freopen("/dev/null", "w", stderr) == NULL) {
			_exit(1);
		}
		run_sequence(sequence, shared);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		perror("fork");
		exit(1);
	}
	*result = *shared;
	if (!result->failed && status != 0) {
		result->failed = true;
		snprintf(result->message, sizeof(result->message),
			 "the firmware dies (status 0x%x)", (unsigned)status);
	}
	return result->failed;
}

/* --- Shrinking ------------------------------------------------------------ */

/* Takes @try over if it still fails. */
static bool keep_failing(struct sequence *sequence, struct sequence *try,
			 struct run_result *result)
{
	struct run_result other;

	if (!sequence_fails(try, &other)) {
		return false;
	}
	*sequence = *try;
	*result = other;
	/* Nothing behind the failing call matters. */
	if (result->at + 1 < sequence->nr) {
		sequence->nr = result->at + 1;
	}
	return true;
}

static bool drop_calls(struct sequence *sequence, struct run_result *result)
{
	static struct sequence try;
	bool smaller = false;

	for (uint32_t n = sequence->nr / 2; n > 0; n /= 2) {
		uint32_t i = 0;

		while (i + n <= sequence->nr && sequence->nr > 1) {
			try = *sequence;
			memmove(&try.calls[i], &try.calls[i + n],
				(try.nr - i - n) * sizeof(try.calls[0]));
			try.nr -= n;
			if (keep_failing(sequence, &try, result)) {
				smaller = true;
			} else {
				i += n;
			}
		}
	}
	return smaller;
}

/* Tries plainer values for one argument. */
static bool simplify(struct sequence *sequence, uint32_t i, unsigned int arg,
		     struct run_result *result)
{
	static struct sequence try;
	uint64_t value = sequence->calls[i].arg[arg];
	const uint64_t plainer[] = {
		0, 1, 2, 3, 4096, value & ~UINT64_C(0xfff), value / 2,
		value - 1,
	};

	for (size_t k = 0; k < sizeof(plainer) / sizeof(plainer[0]); k++) {
		if (plainer[k] >= value) {
			continue;
		}
		try = *sequence;
		try.calls[i].arg[arg] = plainer[k];
		if (keep_failing(sequence, &try, result)) {
			return true;
		}
	}
	return false;
}

static bool simplify_all(struct sequence *sequence, struct run_result *result)
{
	bool simpler = false;

	for (uint32_t i = 0; i < sequence->nr; i++) {
		unsigned int args = call_args(sequence->calls[i].op);

		for (unsigned int arg = 0; arg < args; arg++) {
			if (i < sequence->nr &&
			    simplify(sequence, i, arg, result)) {
				simpler = true;
			}
		}
	}
	return simpler;
}

void shrink(struct sequence *sequence, struct run_result *result)
{
	static struct sequence try;
	bool changed = true;

	try = *sequence;
	if (!keep_failing(sequence, &try, result)) {
		return;
	}
	try = *sequence;
	try.chunks = FW_MAX_CHUNKS;
	keep_failing(sequence, &try, result);
	for (int round = 0; changed && round < 8; round++) {
		changed = drop_calls(sequence, result);
		changed = simplify_all(sequence, result) || changed;
	}
}

/* --- Text ----------------------------------------------------------------- */

void sequence_write(FILE *file, const struct sequence *sequence,
		    const struct run_result *result)
{
	char text[200];

	fprintf(file, "chunks %u\n", sequence->chunks);
	for (uint32_t i = 0; i < sequence->nr; i++) {
		call_print(&sequence->calls[i], text, sizeof(text));
		fprintf(file, "%s\n", text);
	}
	if (result != NULL) {
		fprintf(file, "# %s\n", result->message);
	}
}

bool sequence_read(FILE *file, struct sequence *sequence)
{
	char line[300];

	sequence->nr = 0;
	sequence->chunks = FW_MAX_CHUNKS;
	while (fgets(line, sizeof(line), file) != NULL) {
		if (line[0] == '#' || line[0] == '\n' ||
		    sscanf(line, "chunks %u", &sequence->chunks) == 1) {
			continue;
		}
		if (sequence->nr == MAX_CALLS ||
		    !call_parse(line, &sequence->calls[sequence->nr])) {
			return false;
		}
		sequence->nr++;
	}
	return sequence->chunks >= 2 && sequence->chunks <= FW_MAX_CHUNKS;
}
