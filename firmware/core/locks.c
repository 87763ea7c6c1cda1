/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ticket locks and the check of their order. Layer: Locks.
 */
#include "core/locks.h"

#include "arch/barrier.h"
#include "core/panic.h"
#include "core/pcpu.h"
#include "core/spec_constants.h"

struct ticket_lock {
	uint32_t next;
	uint32_t serving;
};

/*
 * What a CPU holds, pcpu.held: one bit for each rank, and below them the ids
 * of the ranks of which there are several locks.
 */
#define HELD_ID_WIDTH	8
#define HELD_ID_MASK	((UINT32_C(1) << HELD_ID_WIDTH) - 1)
#define HELD_RANK_SHIFT	16
_Static_assert(COREVISOR <= HELD_ID_MASK, "ids are 8 bits");

static struct ticket_lock smmu_lock;
static struct ticket_lock vm_lock[COREVISOR + 1];
static struct ticket_lock core_lock;
static struct ticket_lock s2page_lock;
static struct ticket_lock pt_lock[COREVISOR + 1];
static struct ticket_lock console_lock;

static uint32_t held_bit(enum lock_rank rank)
{
	return UINT32_C(1) << (HELD_RANK_SHIFT + rank);
}

/* Where a rank's @id stands; 0 for a rank with one lock. */
static uint32_t held_id(enum lock_rank rank, uint32_t id)
{
	if (rank == RANK_PT) {
		return id;
	}
	return rank == RANK_VM ? id << HELD_ID_WIDTH : 0;
}

/* Whether this CPU holds lock @id of @rank. */
static bool is_held(enum lock_rank rank, uint32_t id)
{
	uint32_t mask = held_bit(rank) | held_id(rank, HELD_ID_MASK);

	return (this_cpu()->held & mask) ==
	       (held_bit(rank) | held_id(rank, id));
}

static void ticket_acquire(struct ticket_lock *lock, enum lock_rank rank,
			   uint32_t id)
{
	uint32_t ticket;

	ASSERT((this_cpu()->held >> (HELD_RANK_SHIFT + rank)) == 0);
	ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);
	while (__atomic_load_n(&lock->serving, __ATOMIC_ACQUIRE) != ticket) {
		barrier_relax();
	}
	this_cpu()->held |= held_bit(rank) | held_id(rank, id);
	lock_taken(rank, id);
}

static void ticket_release(struct ticket_lock *lock, enum lock_rank rank,
			   uint32_t id)
{
	ASSERT(is_held(rank, id));
	lock_given(rank, id);
	this_cpu()->held &= ~(held_bit(rank) | held_id(rank, HELD_ID_MASK));
	__atomic_store_n(&lock->serving, lock->serving + 1, __ATOMIC_RELEASE);
}

/**
 * acquire_lock_smmu() - take the lock of the SMMUs' banks
 *
 * Spec:   Locks.acquire_lock_smmu_spec
 * Panics: lock order broken - nobody
 */
void acquire_lock_smmu(void)
{
	ticket_acquire(&smmu_lock, RANK_SMMU, 0);
}

/**
 * release_lock_smmu() - give the lock of the SMMUs' banks back
 *
 * Spec:   Locks.release_lock_smmu_spec
 * Panics: not held - nobody
 */
void release_lock_smmu(void)
{
	ticket_release(&smmu_lock, RANK_SMMU, 0);
}

/**
 * acquire_lock_vm() - take the lock of one VM's information
 * @vmid: which VM, 0 to COREVISOR
 *
 * Spec:   Locks.acquire_lock_vm_spec
 * Panics: @vmid out of range, lock order broken - nobody
 */
void acquire_lock_vm(vmid_t vmid)
{
	ASSERT(vmid <= COREVISOR);
	ticket_acquire(&vm_lock[vmid], RANK_VM, vmid);
}

/**
 * release_lock_vm() - give the lock of one VM's information back
 * @vmid: which VM
 *
 * Spec:   Locks.release_lock_vm_spec
 * Panics: @vmid out of range, not held - nobody
 */
void release_lock_vm(vmid_t vmid)
{
	ASSERT(vmid <= COREVISOR);
	ticket_release(&vm_lock[vmid], RANK_VM, vmid);
}

/**
 * acquire_lock_core() - take the lock of the set of VM ids
 *
 * Spec:   Locks.acquire_lock_core_spec
 * Panics: lock order broken - nobody
 */
void acquire_lock_core(void)
{
	ticket_acquire(&core_lock, RANK_CORE, 0);
}

/**
 * release_lock_core() - give the lock of the set of VM ids back
 *
 * Spec:   Locks.release_lock_core_spec
 * Panics: not held - nobody
 */
void release_lock_core(void)
{
	ticket_release(&core_lock, RANK_CORE, 0);
}

/**
 * acquire_lock_s2page() - take the lock of the page records
 *
 * Spec:   Locks.acquire_lock_s2page_spec
 * Panics: lock order broken - nobody
 */
void acquire_lock_s2page(void)
{
	ticket_acquire(&s2page_lock, RANK_S2PAGE, 0);
}

/**
 * release_lock_s2page() - give the lock of the page records back
 *
 * Spec:   Locks.release_lock_s2page_spec
 * Panics: not held - nobody
 */
void release_lock_s2page(void)
{
	ticket_release(&s2page_lock, RANK_S2PAGE, 0);
}

/**
 * acquire_lock_pt() - take the lock of one stage-2 table
 * @vmid: whose table, 0 to COREVISOR
 *
 * Spec:   Locks.acquire_lock_pt_spec
 * Panics: @vmid out of range, lock order broken - nobody
 */
void acquire_lock_pt(vmid_t vmid)
{
	ASSERT(vmid <= COREVISOR);
	ticket_acquire(&pt_lock[vmid], RANK_PT, vmid);
}

/**
 * release_lock_pt() - give the lock of one stage-2 table back
 * @vmid: whose table
 *
 * Spec:   Locks.release_lock_pt_spec
 * Panics: @vmid out of range, not held - nobody
 */
void release_lock_pt(vmid_t vmid)
{
	ASSERT(vmid <= COREVISOR);
	ticket_release(&pt_lock[vmid], RANK_PT, vmid);
}

void lock_console(void)
{
	ticket_acquire(&console_lock, RANK_CONSOLE, 0);
}

void unlock_console(void)
{
	ticket_release(&console_lock, RANK_CONSOLE, 0);
}

bool lock_smmu_is_held(void)
{
	return is_held(RANK_SMMU, 0);
}

bool lock_vm_is_held(vmid_t vmid)
{
	return is_held(RANK_VM, vmid);
}

bool lock_core_is_held(void)
{
	return is_held(RANK_CORE, 0);
}

bool lock_s2page_is_held(void)
{
	return is_held(RANK_S2PAGE, 0);
}

bool lock_pt_is_held(vmid_t vmid)
{
	return is_held(RANK_PT, vmid);
}

bool lock_table_is_held(vmid_t vmid)
{
	return lock_s2page_is_held() && lock_pt_is_held(vmid);
}

bool lock_none_is_held(void)
{
	return this_cpu()->held == 0;
}
