/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Firmware and specification side by side on random sequences.
 *
 *   --about WHAT  memory (the default) or vcpus: what the sequences mostly do
 *   --seed N      first seed; each sequence has the next one
 *   --steps N     how many steps
 *   --replay FILE run the sequence in FILE instead, and shrink it if it fails
 *   --bytes FILE  the same for bytes of the fuzzer
 *   --save FILE   where a failing sequence goes
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "generate.h"
#include "run.h"

#define DEFAULT_SEED	1
#define DEFAULT_STEPS	20000

struct options {
	uint64_t seed;
	uint64_t steps;
	const char *replay;
	const char *bytes;
	const char *save;
};

/* What the process that runs the sequences leaves to its parent. */
struct shared {
	uint64_t seed;
	struct sequence sequence;
	struct run_result result;
};

static int usage(void)
{
	fprintf(stderr, "usage: memory-test [--tap] [--about memory|vcpus] "
			"[--seed N] [--steps N] [--replay FILE] "
			"[--bytes FILE] [--save FILE]\n");
	return 2;
}

static void report(const struct options *options,
		   struct sequence *sequence, struct run_result *result)
{
	shrink(sequence, result);
	printf("# %s\n# a shortest sequence, for --replay:\n", result->message);
	for (uint32_t i = 0; i < sequence->nr; i++) {
		char text[200];

		call_print(&sequence->calls[i], text, sizeof(text));
		printf("#   %s\n", text);
	}
	if (options->save != NULL) {
		FILE *file = fopen(options->save, "w");

		if (file != NULL) {
			sequence_write(file, sequence, result);
			fclose(file);
			printf("# kept in %s\n", options->save);
		}
	}
}

static void run_seeds(const struct options *options, struct shared *shared)
{
	static uint8_t bytes[RANDOM_BYTES];

	shared->seed = options->seed;
	while (shared->result.steps < options->steps) {
		random_bytes(shared->seed, bytes, sizeof(bytes));
		run_bytes(bytes, sizeof(bytes), &shared->sequence,
			  &shared->result);
		if (shared->result.failed) {
			return;
		}
		shared->seed++;
	}
}

static bool random_test(const struct options *options)
{
	struct shared *shared = shared_memory(sizeof(*shared));
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		run_seeds(options, shared);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		perror("fork");
		exit(1);
	}
	printf("# %" PRIu64 " steps, of which", shared->result.steps);
	for (int i = 0; i < ANSWER_PANIC; i++) {
		printf(" %" PRIu64 " %s", shared->result.answers[i],
		       answer_name((enum answer)i));
	}
	printf("\n");
	if (!shared->result.failed && status == 0) {
		return true;
	}
	/* Before the shortest sequence, which may take a while. */
	printf("# seed %" PRIu64 ", step %" PRIu64 ": %s\n", shared->seed,
	       shared->result.steps, shared->result.message);
	fflush(stdout);
	report(options, &shared->sequence, &shared->result);
	return false;
}

static bool replay_test(const struct options *options)
{
	static struct sequence sequence;
	static struct run_result result;
	FILE *file = fopen(options->replay, "r");

	if (file == NULL || !sequence_read(file, &sequence)) {
		fprintf(stderr, "%s is no sequence\n", options->replay);
		exit(2);
	}
	fclose(file);
	if (!sequence_fails(&sequence, &result)) {
		printf("# %" PRIu64 " steps\n", result.steps);
		return true;
	}
	report(options, &sequence, &result);
	return false;
}

/* Runs in a child, since it may die: the sequence stays in shared memory. */
static bool bytes_test(const struct options *options)
{
	struct shared *shared = shared_memory(sizeof(*shared));
	static uint8_t bytes[65536];
	FILE *file = fopen(options->bytes, "rb");
	size_t n;
	int status;
	pid_t pid;

	if (file == NULL) {
		perror(options->bytes);
		exit(2);
	}
	n = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		run_bytes(bytes, n, &shared->sequence, &shared->result);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		perror("fork");
		exit(1);
	}
	if (!shared->result.failed && status == 0) {
		return true;
	}
	report(options, &shared->sequence, &shared->result);
	return false;
}

int main(int argc, char **argv)
{
	struct options options = {
		.seed = DEFAULT_SEED, .steps = DEFAULT_STEPS,
	};
	bool passed;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--tap") == 0) {
			continue;
		}
		if (i + 1 == argc) {
			return usage();
		}
		if (strcmp(argv[i], "--about") == 0) {
			generate_about_vcpus(strcmp(argv[++i], "vcpus") == 0);
		} else if (strcmp(argv[i], "--seed") == 0) {
			options.seed = strtoull(argv[++i], NULL, 0);
		} else if (strcmp(argv[i], "--steps") == 0) {
			options.steps = strtoull(argv[++i], NULL, 0);
		} else if (strcmp(argv[i], "--replay") == 0) {
			options.replay = argv[++i];
		} else if (strcmp(argv[i], "--bytes") == 0) {
			options.bytes = argv[++i];
		} else if (strcmp(argv[i], "--save") == 0) {
			options.save = argv[++i];
		} else {
			return usage();
		}
	}
	printf("1..1\n");
	passed = options.replay != NULL ? replay_test(&options) :
		 options.bytes != NULL ? bytes_test(&options) :
		 random_test(&options);
	printf("%sok 1 - %s\n", passed ? "" : "not ", options.replay != NULL ?
	       "replay" : "firmware and specification agree");
	return passed ? 0 : 1;
}
