/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "harness.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arch/mem.h"
#include "core/boot_core.h"
#include "core/dma_identity.h"
#include "core/dma_owner.h"
#include "core/image_verify.h"
#include "core/instances.h"
#include "core/int_state.h"
#include "core/locks.h"
#include "core/mem_region.h"
#include "core/npt_ops.h"
#include "core/page_manager.h"
#include "core/panic.h"
#include "core/platform.h"
#include "core/psci.h"
#include "core/pt_alloc.h"
#include "core/reclaim.h"
#include "core/saved_vm.h"
#include "core/shadow_ctxt.h"
#include "core/smmu_ops.h"
#include "core/spt_ops.h"
#include "core/violation.h"
#include "core/vm_info.h"
#include "smmumodel.h"
#include "tlbmodel.h"

const struct machine test_machine = {
	.ram = { { TEST_RAM_BASE, TEST_RAM_BYTES } },
	.nr_ram = 1,
	.el2 = { TEST_EL2_BASE, TEST_EL2_BYTES },
	.pool_pages = 128,
	.arena_chunks = 24,
};

unsigned int test_resets[TEST_DMA_CHANNELS];

static struct dma_device dma_devices[TEST_DMA_CHANNELS];
bool test_without_records;
static struct machine current;
static paddr_t next_free;
static struct hypsec_inspect_cpu counters[TOTAL_CPU];

static uint64_t align_up(uint64_t value, uint64_t alignment)
{
	return (value + alignment - 1) / alignment * alignment;
}

static paddr_t take(uint64_t bytes, uint64_t alignment)
{
	paddr_t pa = align_up(next_free, alignment);

	next_free = pa + bytes;
	g_assert_cmpuint(next_free, <=, current.el2.base + current.el2.size);
	return pa;
}

static void start_cpus(void)
{
	memset(counters, 0, sizeof(counters));
	memset(&native_cpu, 0, sizeof(native_cpu));
	pcpu_reset();
	for (uint32_t i = 0; i < TEST_CPUS; i++) {
		g_assert_cmpint(pcpu_add(i, &counters[i]), ==, HV_OK);
	}
	native_cpu.pcpu = pcpu_boot();
	psci_cpu_entered(pcpu_boot());
}

/* The worst case's pages, and two for where devices signal. */
static uint64_t identity_pages(void)
{
	uint64_t pages = 2;

	for (uint32_t i = 0; i < current.nr_ram; i++) {
		pages += current.ram[i].size / PMD_SIZE + 2;
		pages += current.ram[i].size / PUD_SIZE + 2;
	}
	return pages;
}

uint64_t machine_spt_bytes(void)
{
	return TEST_SPT_BYTES + PT_ROOT_BYTES + identity_pages() * PAGE_SIZE;
}

/* Devices reach no RAM. */
static void empty_identity(void)
{
	for (uint32_t i = 0; i < current.nr_ram; i++) {
		dma_identity_remove(current.ram[i].base >> PAGE_SHIFT,
				    current.ram[i].size >> PAGE_SHIFT);
	}
}

static void start_identity(void)
{
	acquire_lock_s2page();
	dma_identity_init(TEST_SPT_BASE + TEST_SPT_BYTES,
			  TEST_SPT_BASE + TEST_SPT_BYTES + PT_ROOT_BYTES,
			  identity_pages() * PAGE_SIZE);
	if (test_without_records) {
		empty_identity();
	}
	release_lock_s2page();
}

static void start_records(void)
{
	uint64_t pages;
	paddr_t pa;

	mem_region_reset();
	for (uint32_t i = 0; i < current.nr_ram; i++) {
		g_assert_cmpint(mem_region_add(current.ram[i].base,
					       current.ram[i].size), ==, HV_OK);
	}
	pages = mem_region_pages();
	pa = take(pages * PAGE_RECORD_BYTES, PAGE_SIZE);
	page_manager_init(pa, pages);
	smmumodel_watch_records(pa, pages);
	start_identity();
	for (uint64_t offset = 0; offset < current.el2.size;
	     offset += PAGE_SIZE) {
		machine_set_page((current.el2.base + offset) >> PAGE_SHIFT,
				 COREVISOR, 0);
	}
}

/* RAM, and what EL2 has besides it. */
static void start_memory(void)
{
	native_memory_free();
	for (uint32_t i = 0; i < current.nr_ram; i++) {
		native_memory_add(current.ram[i].base, current.ram[i].size);
	}
	if (!native_memory_has(current.el2.base)) {
		native_memory_add(current.el2.base, current.el2.size);
	}
	native_memory_add(TEST_SHARED_BASE, HYPSEC_SHARED_SIZE);
	native_memory_add(TEST_SPT_BASE, machine_spt_bytes());
	int_state_init(TEST_SHARED_BASE);
}

static void start_tables(void)
{
	paddr_t root = take(PT_ROOT_BYTES, PT_ROOT_BYTES);
	uint64_t bytes = current.pool_pages * PAGE_SIZE;

	pt_pool_init(HOSTVISOR, root, take(bytes, PAGE_SIZE), bytes);
	/* One more for the arena itself. */
	bytes = (current.arena_chunks + 1) * PT_CHUNK_BYTES;
	pt_arena_init(take(bytes, PT_CHUNK_BYTES), bytes);
	native_cpu.vttbr = root;
}

void machine_add_vm(vmid_t vmid)
{
	acquire_lock_s2page();
	g_assert_cmpint(init_s2pt(vmid), ==, HV_OK);
	release_lock_s2page();
}

void machine_add_cpus(void)
{
	for (uint32_t i = pcpu_count(); i < TOTAL_CPU; i++) {
		g_assert_cmpint(pcpu_add(i, &counters[i]), ==, HV_OK);
	}
}

void machine_become_cpu(uint32_t index)
{
	native_cpu.pcpu = pcpu_get(index);
	native_cpu.vttbr = pt_pool_root(HOSTVISOR);
}

static void reset_channel(paddr_t base)
{
	test_resets[(base - TEST_DMA_BASE) / PAGE_SIZE]++;
	native_record(NATIVE_DEVICE_RESET, base, 0);
}

static void start_dma_devices(void)
{
	memset(test_resets, 0, sizeof(test_resets));
	for (uint32_t i = 0; i < TEST_DMA_CHANNELS; i++) {
		dma_devices[i] = (struct dma_device){
			.base = TEST_DMA_BASE + i * PAGE_SIZE,
			.bytes = PAGE_SIZE,
			.smmu = TEST_DMA_SMMU,
			.stream = TEST_DMA_STREAM + i,
			.reset = reset_channel,
		};
	}
	native_set_dma_devices(dma_devices, TEST_DMA_CHANNELS);
}

void machine_start(const struct machine *machine)
{
	current = *machine;
	next_free = current.el2.base;
	start_memory();
	start_cpus();
	start_dma_devices();
	dma_owner_reset();
	smmu_ops_reset();
	smmumodel_start_board(current.no_smmus ? 0 : SMMUMODEL_MAX);
	spt_init_pool(TEST_SPT_BASE, TEST_SPT_BYTES);
	start_records();
	start_tables();
	start_dma_devices();
	smmumodel_start_dma();
	boot_core_reset();
	vm_info_reset();
	for (vmid_t vmid = 1; vmid < COREVISOR; vmid++) {
		shadow_ctxt_wipe(vmid);
	}
	image_verify_reset();
	saved_vm_reset();
	instances_reset();
	reclaim_reset();
	violation_set_halt(false);
	native_console_reset();
	native_events_reset();
	tlbmodel_start();
}

paddr_t machine_root(void)
{
	return pt_pool_root(HOSTVISOR);
}

paddr_t machine_pool(void)
{
	return machine_root() + PT_ROOT_BYTES;
}

void machine_set_page(uint64_t pfn, uint32_t owner, uint32_t count)
{
	acquire_lock_s2page();
	set_pfn_owner(pfn, owner);
	set_pfn_count(pfn, count);
	release_lock_s2page();
}

void *machine_copy(void)
{
	return g_memdup2(el2_ptr(pa_to_el2_va(current.el2.base)),
			 current.el2.size);
}

void machine_assert_unchanged(void *copy)
{
	g_assert_cmpint(memcmp(el2_ptr(pa_to_el2_va(current.el2.base)), copy,
			       current.el2.size), ==, 0);
	g_free(copy);
}

void assert_panics(void (*fn)(void *data), void *data, const char *reason)
{
	g_assert_false(panic_is_halted());
	g_assert_true(native_parks(fn, data));
	g_assert_true(panic_is_halted());
	g_assert_cmpuint(native_panics(), ==, 1);
	g_assert_nonnull(strstr(native_console(), "EL2 panic: "));
	if (strstr(native_console(), reason) == NULL) {
		g_error("no \"%s\" in \"%s\"", reason, native_console());
	}
}

uint64_t random64(void)
{
	return (uint64_t)(uint32_t)g_test_rand_int() << 32 |
	       (uint32_t)g_test_rand_int();
}

uint64_t random_below(uint64_t limit)
{
	return random64() % limit;
}

void run_in_child(void (*run)(void))
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	g_assert_cmpint(pid, >=, 0);
	if (pid == 0) {
		/* A child that hangs ends with the program. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		run();
		exit(0);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void run_one(const void *data)
{
	const struct unit_test *test = data;

	machine_start(&test_machine);
	if (test->dies) {
		run_in_child(test->run);
	} else {
		test->run();
		g_assert_true(lock_none_is_held());
		g_assert_false(panic_is_halted());
		tlbmodel_check_events();
	}
	tlbmodel_stop();
	native_memory_free();
}

int unit_main(int argc, char **argv, const struct unit_test *tests, size_t n)
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < n; i++) {
		g_test_add_data_func(tests[i].path, &tests[i], run_one);
	}
	return g_test_run();
}
