/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every unit test starts from: a small machine in memory, fresh for each
 * test, and a child process for tests that end the machine.
 */
#ifndef HYPSEC_TESTS_UNIT_HARNESS_H
#define HYPSEC_TESTS_UNIT_HARNESS_H

#include <glib.h>

#include "arch/cpu.h"
#include "arch/native.h"
#include "core/board_dt.h"
#include "core/pcpu.h"
#include "core/spec_constants.h"
#include "core/types.h"

#define MIB UINT64_C(0x100000)
#define GIB UINT64_C(0x40000000)

/* The machine that a test finds: RAM, of which the top is EL2's. */
#define TEST_RAM_BASE	UINT64_C(0x40000000)
#define TEST_RAM_BYTES	(64 * MIB)
#define TEST_EL2_BYTES	(4 * MIB)
#define TEST_EL2_BASE	(TEST_RAM_BASE + TEST_RAM_BYTES - TEST_EL2_BYTES)
#define TEST_CPUS	2
/* What host and EL2 share lies apart from all RAM of a test. */
#define TEST_SHARED_BASE UINT64_C(0xf000000000)
/* Tables of the SMMUs as well. */
#define TEST_SPT_BASE	UINT64_C(0xf100000000)
#define TEST_SPT_BYTES	(2 * MIB)

/**
 * struct machine - memory of a machine
 * @ram:	RAM in the order in which it is registered
 * @nr_ram:	ranges of it
 * @el2:	what EL2 keeps its records and tables in; COREVISOR's pages
 * @pool_pages:	table pages in the host's pool
 * @arena_chunks: chunks of table pages for VMs
 * @no_smmus:	DMA is not confined
 */
struct machine {
	struct pa_range ram[4];
	uint32_t nr_ram;
	struct pa_range el2;
	uint64_t pool_pages;
	uint64_t arena_chunks;
	bool no_smmus;
};

extern const struct machine test_machine;

/*
 * For programs about layers below the page records, before unit_main(): the
 * identity table is emptied, since such tests give pages to VMs unrecorded.
 */
extern bool test_without_records;

/*
 * The DMA masters of a machine: channels with a page of registers each, behind
 * SMMU 1 with streams one after the other. test_resets counts, of each, how
 * often it was reset since the machine started.
 */
#define TEST_DMA_BASE		UINT64_C(0x0b010000)
#define TEST_DMA_CHANNELS	8
#define TEST_DMA_SMMU		1
#define TEST_DMA_STREAM		0x10
extern unsigned int test_resets[TEST_DMA_CHANNELS];

/*
 * Starts @machine: fresh memory, records, host table and arena, the SMMUs with
 * the identity table, TEST_CPUS CPUs of which number 0 runs, and tlbmodel.h
 * watching.
 */
void machine_start(const struct machine *machine);

/* Bytes from TEST_SPT_BASE on that have the SMMUs' tables. */
uint64_t machine_spt_bytes(void);

/* PA of the host's root and pool of the machine that runs. */
paddr_t machine_root(void);
paddr_t machine_pool(void);

/* A table for @vmid, out of the arena. */
void machine_add_vm(vmid_t vmid);

/* Registers all CPUs that there can be. */
void machine_add_cpus(void);

/* Makes the calling thread CPU @index, which runs the host. */
void machine_become_cpu(uint32_t index);

/* Sets a page record, with the lock. */
void machine_set_page(uint64_t pfn, uint32_t owner, uint32_t count);

/* A copy of EL2's memory, for the caller to g_free(). */
void *machine_copy(void);

/* Frees @copy and fails the test if EL2's memory differs from it. */
void machine_assert_unchanged(void *copy);

/**
 * struct unit_test - one behaviour
 * @path: /subject/topic/behaviour
 * @run:  the test; it finds the machine above and CPU 0 running
 * @dies: it panics on purpose, so it runs in a process of its own
 */
struct unit_test {
	const char *path;
	void (*run)(void);
	bool dies;
};

#define UNIT_TEST(path, run)		{ path, run, false }
#define UNIT_TEST_DIES(path, run)	{ path, run, true }

/* A program's main(). */
int unit_main(int argc, char **argv, const struct unit_test *tests, size_t n);

/* Runs @run in a process of its own; fails the test if that one fails. */
void run_in_child(void (*run)(void));

/* Fails the test unless @fn panics with @reason in its report. */
void assert_panics(void (*fn)(void *data), void *data, const char *reason);

/* Runs @run in a process of its own, which must end well. */
void run_in_child(void (*run)(void));

/* Seeded random numbers: 64 bits, and one below @limit. */
uint64_t random64(void);
uint64_t random_below(uint64_t limit);

#endif /* HYPSEC_TESTS_UNIT_HARNESS_H */
