/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The entry of libFuzzer: bytes to a sequence to both sides. ./hypsec fuzz
 * memory and ./hypsec fuzz vcpus build it. HYPSEC_FUZZ_STEPS names a file of 8
 * bytes in which the steps are counted, HYPSEC_FUZZ_ABOUT what the sequences
 * are about.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "generate.h"
#include "run.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* The counter in its file; one in memory without a file. */
static uint64_t *map_counter(void)
{
	const char *name = getenv("HYPSEC_FUZZ_STEPS");
	static uint64_t alone;
	void *counter;
	int fd;

	if (name == NULL) {
		return &alone;
	}
	fd = open(name, O_RDWR);
	if (fd < 0) {
		perror(name);
		exit(1);
	}
	counter = mmap(NULL, sizeof(uint64_t), PROT_READ | PROT_WRITE,
		       MAP_SHARED, fd, 0);
	close(fd);
	if (counter == MAP_FAILED) {
		perror(name);
		exit(1);
	}
	return counter;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static struct sequence sequence;
	static uint64_t *counter;
	struct run_result result = { .steps = 0 };

	if (counter == NULL) {
		const char *about = getenv("HYPSEC_FUZZ_ABOUT");

		counter = map_counter();
		generate_about_vcpus(about != NULL &&
				     strcmp(about, "vcpus") == 0);
	}
	run_bytes(bytes, n, &sequence, &result);
	*counter += result.steps;
	if (result.failed) {
		fprintf(stderr, "difference: %s\n", result.message);
		abort();
	}
	return 0;
}
