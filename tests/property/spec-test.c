/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The specification by itself: where it is stuck, what a halt does, and that
 * its table is the map that it stands for. Everything else is tested beside
 * the firmware.
 */
#include <stdio.h>
#include <string.h>

#include "run.h"
#include "spec/abstract_machine.h"
#include "spec/dma.h"
#include "spec/fault_handler.h"
#include "spec/locks.h"
#include "spec/mem_manager.h"
#include "spec/mmio_spt.h"
#include "spec/npt.h"
#include "spec/page_manager.h"
#include "spec/smmu_cfg.h"
#include "spec/smmu_ops.h"
#include "spec/trap_dispatcher.h"

#define RAM_PAGES	UINT64_C(1024)
#define RAM_PFN		UINT64_C(0x40000)

static struct rdata adt;
static struct rdata copy;
static bool failed;

#define CHECK(condition) \
	do { \
		if (!(condition)) { \
			printf("# line %d: %s\n", __LINE__, #condition); \
			failed = true; \
		} \
	} while (0)

static void start(void)
{
	struct board board = {
		.regions = { { RAM_PFN * PAGE_SIZE, RAM_PAGES * PAGE_SIZE } },
		.nr_regions = 1,
		.smmus = { { 0x9050000, 0x10000, 8 } },
		.nr_smmus = 1,
		.spt_chunks = 1,
	};

	empty_adt(&board, 4, &adt);
}

static void lock_is_not_taken_twice(void)
{
	CHECK(acquire_lock_s2page_spec(&adt) == SOME);
	CHECK(acquire_lock_s2page_spec(&adt) == STUCK);
	CHECK(release_lock_s2page_spec(&adt) == SOME);
	CHECK(acquire_lock_s2page_spec(&adt) == SOME);
}

static void lock_is_released_by_its_holder(void)
{
	CHECK(release_lock_core_spec(&adt) == STUCK);
	CHECK(acquire_lock_vm_spec(3, &adt) == SOME);
	CHECK(release_lock_vm_spec(4, &adt) == STUCK);
	CHECK(release_lock_vm_spec(3, &adt) == SOME);
	CHECK(lock_all_free(&adt));
}

static void locks_have_an_order(void)
{
	CHECK(acquire_lock_s2page_spec(&adt) == SOME);
	CHECK(acquire_lock_vm_spec(1, &adt) == STUCK);
	CHECK(acquire_lock_smmu_spec(&adt) == STUCK);
	CHECK(acquire_lock_pt_spec(1, &adt) == SOME);
	CHECK(acquire_lock_pt_spec(HOSTVISOR, &adt) == STUCK);
}

#define S2PAGE(op, cpu)	{ op, LOCK_S2PAGE, 0, cpu }

/* What @log, of @n events, says of s2page. */
static enum option history(const struct lock_event *log, uint64_t n,
			   struct lock_queue *queue)
{
	return h_cal_lock(log, n, LOCK_S2PAGE, 0, queue);
}

static void lock_history_is_first_come_first_served(void)
{
	static const struct lock_event log[] = {
		S2PAGE(WAIT_LOCK, 2), S2PAGE(OPULL, 2), S2PAGE(WAIT_LOCK, 0),
		S2PAGE(WAIT_LOCK, 7), { WAIT_LOCK, LOCK_VM, 3, 7 },
		S2PAGE(OPUSH, 2), S2PAGE(REL_LOCK, 2), S2PAGE(OPULL, 0),
	};
	static const struct lock_event out_of_turn = S2PAGE(OPULL, 7);
	struct lock_event wrong[8];
	struct lock_queue queue;

	CHECK(history(log, 8, &queue) == SOME);
	CHECK(queue.length == 2 && queue.cpu[0] == 0 && queue.cpu[1] == 7);
	CHECK(queue.held && !queue.pushed);
	memcpy(wrong, log, sizeof(wrong));
	wrong[7] = out_of_turn;
	CHECK(history(wrong, 8, &queue) == STUCK);
}

static void lock_history_that_no_lock_has(void)
{
	static const struct lock_event logs[][4] = {
		/* Two tickets of one CPU. */
		{ S2PAGE(WAIT_LOCK, 1), S2PAGE(WAIT_LOCK, 1) },
		{ S2PAGE(WAIT_LOCK, 1), S2PAGE(OPULL, 1), S2PAGE(OPULL, 1) },
		/* Given back by another CPU, unpublished, or not held. */
		{ S2PAGE(WAIT_LOCK, 1), S2PAGE(OPULL, 1), S2PAGE(OPUSH, 2) },
		{ S2PAGE(WAIT_LOCK, 1), S2PAGE(OPULL, 1), S2PAGE(REL_LOCK, 1) },
		{ S2PAGE(WAIT_LOCK, 1), S2PAGE(OPUSH, 1) },
		{ S2PAGE(OPULL, 1) },
	};
	static const uint64_t lengths[] = { 2, 3, 3, 3, 2, 1 };
	struct lock_queue queue;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		CHECK(history(logs[i], lengths[i], &queue) == STUCK);
		CHECK(history(logs[i], lengths[i] - 1, &queue) == SOME);
	}
}

/* The log of a lock that is free again is over. */
static void lock_log_does_not_grow(void)
{
	CHECK(acquire_lock_vm_spec(3, &adt) == SOME);
	for (int i = 0; i < 1000; i++) {
		CHECK(acquire_lock_s2page_spec(&adt) == SOME);
		CHECK(acquire_lock_pt_spec(3, &adt) == SOME);
		CHECK(release_lock_pt_spec(3, &adt) == SOME);
		CHECK(release_lock_s2page_spec(&adt) == SOME);
	}
	CHECK(lock_own(&adt, LOCK_VM, 3) && !lock_all_free(&adt));
	CHECK(release_lock_vm_spec(3, &adt) == SOME && lock_all_free(&adt));
}

static void shared_state_needs_its_lock(void)
{
	uint32_t value;

	CHECK(get_pfn_owner_spec(RAM_PFN, &adt, &value) == STUCK);
	CHECK(set_pfn_count_spec(RAM_PFN, 1, &adt) == STUCK);
	CHECK(get_vm_state_spec(1, &adt, &value) == STUCK);
	CHECK(acquire_lock_vm_spec(2, &adt) == SOME);
	CHECK(set_vm_state_spec(1, READY, &adt) == STUCK);
	CHECK(clear_pfn_host_spec(RAM_PFN, &adt) == STUCK);
	CHECK(grant_vm_page_spec(1, RAM_PFN, &adt) == STUCK);
}

static void halt_stops_every_step(void)
{
	uint64_t ret64;
	uint32_t ret;

	CHECK(panic_spec(&adt) == SOME);
	rdata_copy(&copy, &adt);
	adt.host_regs[0] = HVC_REGISTER_KVM;
	CHECK(host_hvc_dispatcher_spec(&adt, &ret64) == SOME && ret64 == 0);
	CHECK(map_page_host_spec(RAM_PFN * PAGE_SIZE, &adt) == SOME);
	CHECK(clear_phys_page_spec(RAM_PFN, &adt) == SOME);
	CHECK(set_pfn_owner_spec(RAM_PFN, 1, &adt) == SOME);
	CHECK(get_pfn_owner_spec(RAM_PFN, &adt, &ret) == SOME && ret == 0);
	CHECK(check_spec(7, &adt, &ret) == SOME && ret == 0);
	CHECK(check64_spec(7, &adt, &ret64) == SOME && ret64 == 0);
	CHECK(adt.npts[HOSTVISOR].nr_runs == 0 && adt.vmids == 0);
	CHECK(memcmp(adt.s2page, copy.s2page, sizeof(adt.s2page)) == 0);
}

static void results_pass_without_a_halt(void)
{
	uint64_t ret64;
	uint32_t ret;

	CHECK(check_spec(7, &adt, &ret) == SOME && ret == 7);
	CHECK(check64_spec(UINT64_MAX, &adt, &ret64) == SOME &&
	      ret64 == UINT64_MAX);
}

static void pvop_of_no_vm_panics(void)
{
	uint32_t ret;

	adt.cur_vmid = HOSTVISOR;
	CHECK(core_handle_pvops_spec(&adt, &ret) == SOME);
	CHECK(adt.halt && ret == 0);
}

/* The map that the runs stand for, gfn by gfn. */
static uint64_t plain[RAM_PAGES];

static void check_map(void)
{
	for (uint64_t gfn = 0; gfn < RAM_PAGES; gfn++) {
		struct npt_entry entry = npt_get(&adt.npts[HOSTVISOR],
						 RAM_PFN + gfn);

		CHECK((entry.level == 3) == (plain[gfn] != 0));
		CHECK(entry.level == 0 || entry.pfn == RAM_PFN + gfn);
	}
}

static void runs_are_the_map(void)
{
	uint8_t bytes[2048];

	memset(plain, 0, sizeof(plain));
	random_bytes(7, bytes, sizeof(bytes));
	for (size_t i = 0; i + 2 < sizeof(bytes); i += 3) {
		uint64_t gfn = (bytes[i] % 4 * 256 + bytes[i + 1] % 64) %
			       RAM_PAGES;

		if (bytes[i + 2] % 3 != 0) {
			CHECK(map_page_host_spec((RAM_PFN + gfn) * PAGE_SIZE,
						 &adt) == SOME);
			plain[gfn] = 1;
		} else {
			CHECK(acquire_lock_s2page_spec(&adt) == SOME);
			CHECK(clear_pfn_host_spec(RAM_PFN + gfn, &adt) ==
			      SOME);
			CHECK(release_lock_s2page_spec(&adt) == SOME);
			plain[gfn] = 0;
		}
	}
	check_map();
}

/* dev_load_ref, dev_store_ref: through a bank of the world's, if it maps. */
static void device_uses_its_worlds_bank(void)
{
	uint64_t pa = RAM_PFN * PAGE_SIZE;

	CHECK(el2_alloc_smmu_pgd_spec(2, HOSTVISOR, 0, &adt) == SOME);
	CHECK(el2_arm_lpae_map_spec(pa, pa, 0x80, 2, 0, &adt) == SOME);
	adt.host_regs[3] = 7;
	CHECK(dev_store_ref_spec(RAM_PFN, 3, 2, 0, &adt) == SOME);
	CHECK(adt.flatmem[0] == 7);
	/* It may be written, not read; no other page is mapped. */
	CHECK(dev_load_ref_spec(RAM_PFN, 4, 2, 0, &adt) == NONE_PERM);
	CHECK(dev_store_ref_spec(RAM_PFN + 1, 3, 2, 0, &adt) == NONE_PERM);
	/* By the identity table each page of the host's. */
	CHECK(dev_load_ref_spec(RAM_PFN, 4, 0, 0, &adt) == SOME);
	CHECK(adt.host_regs[4] == 7);
	adt.s2page[0].owner = 1;
	CHECK(dev_load_ref_spec(RAM_PFN, 4, 0, 0, &adt) == NONE_PERM);
	/* Another world's bank, and one that is not there. */
	CHECK(set_per_cpu_spec(1, 0, &adt) == SOME);
	CHECK(dev_store_ref_spec(RAM_PFN, 3, 2, 0, &adt) == NONE_PERM);
	CHECK(dev_store_ref_spec(RAM_PFN, 3, 8, 0, &adt) == STUCK);
	CHECK(dev_load_ref_spec(RAM_PFN, 30, 2, 0, &adt) == STUCK);
}

static void smmus_need_their_locks(void)
{
	uint64_t pte;
	uint32_t vmid;

	CHECK(get_smmu_cfg_vmid_spec(1, 0, &adt, &vmid) == STUCK);
	CHECK(set_smmu_cfg_vmid_spec(1, 0, 1, &adt) == STUCK);
	CHECK(writel_relaxed_spec(0, 0x9050000, &adt) == STUCK);
	CHECK(map_spt_spec(1, 0, 0, PAGE_S2_DMA | S2_RDWR, &adt) == STUCK);
	CHECK(unmap_spt_spec(1, 0, 0, &adt, &pte) == STUCK);
	CHECK(set_smmu_pt_spec(1, 0, 0, 0, &adt) == STUCK);
	CHECK(walk_spt_spec(1, 1, 0, &adt, &pte) == STUCK);
	CHECK(walk_spt_spec(8, 0, 0, &adt, &pte) == STUCK);
	CHECK(walk_spt_spec(1, 0, KVM_PHYS_SIZE, &adt, &pte) == STUCK);
}

/* A root for each bank, at 64 KiB and on, as the Coq has them. */
static void roots_are_apart(void)
{
	uint64_t root, bytes;
	uint32_t n;

	for (uint32_t i = 0; i < SMMU_NUM_CTXT_BANKS; i++) {
		CHECK(get_smmu_cfg_hw_ttbr_spec(i, 0, &adt, &root) == SOME);
		CHECK(root == 65536 + i * 8192);
	}
	CHECK(get_smmu_size_spec(0, &adt, &bytes) == SOME && bytes == 65536);
	CHECK(get_smmu_num_context_banks_spec(0, &adt, &n) == SOME && n == 8);
	CHECK(get_smmu_base_spec(1, &adt, &root) == STUCK);
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "a lock is not taken twice", lock_is_not_taken_twice },
	{ "a lock is released by its holder", lock_is_released_by_its_holder },
	{ "locks have an order", locks_have_an_order },
	{ "a lock's history is first come, first served",
	  lock_history_is_first_come_first_served },
	{ "a history that no lock has", lock_history_that_no_lock_has },
	{ "the locks' log does not grow", lock_log_does_not_grow },
	{ "shared state needs its lock", shared_state_needs_its_lock },
	{ "a halt stops every step", halt_stops_every_step },
	{ "results pass without a halt", results_pass_without_a_halt },
	{ "a pvop of no VM panics", pvop_of_no_vm_panics },
	{ "runs are the map", runs_are_the_map },
	{ "a device uses its world's bank", device_uses_its_worlds_bank },
	{ "SMMUs need their locks", smmus_need_their_locks },
	{ "roots are apart", roots_are_apart },
};

int main(void)
{
	size_t n = sizeof(tests) / sizeof(tests[0]);
	bool any = false;

	printf("1..%zu\n", n);
	for (size_t i = 0; i < n; i++) {
		failed = false;
		start();
		tests[i].run();
		printf("%sok %zu - %s\n", failed ? "not " : "", i + 1,
		       tests[i].name);
		any = any || failed;
	}
	return any ? 1 : 0;
}
