/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ticket locks and the check of their order. Layer: Locks.
 */
#include "core/locks.h"

#include "arch/barrier.h"
#include "core/panic.h"
#include "core/pcpu.h"
#include "core/spec_constants.h"

/* Tickets wrap around; there are never more of them out than CPUs. */
struct ticket_lock {
	uint16_t next;
	uint16_t serving;
};

/*
 * What a CPU holds, pcpu.held: one bit for each rank, and below all of them
 * the ids of the two ranks of which there are several locks.
 */
#define HELD_RANK_SHIFT	16
#define HELD_RANK(rank)	(UINT32_C(1) << (HELD_RANK_SHIFT + (rank)))
#define HELD_RANKS	(~UINT32_C(0) << HELD_RANK_SHIFT)
#define HELD_PT_SHIFT	0
#define HELD_VM_SHIFT	8
#define HELD_ID_MASK	UINT32_C(0xff)
_Static_assert(COREVISOR <= HELD_ID_MASK, "ids are 8 bits");

/* All that pcpu.held has of a rank. */
#define MASK_VM		(HELD_RANK(RANK_VM) | HELD_ID_MASK << HELD_VM_SHIFT)
#define MASK_PT		(HELD_RANK(RANK_PT) | HELD_ID_MASK << HELD_PT_SHIFT)

static struct ticket_lock smmu_lock;
static struct ticket_lock vm_lock[COREVISOR + 1];
static struct ticket_lock core_lock;
static struct ticket_lock s2page_lock;
static struct ticket_lock pt_lock[COREVISOR + 1];
static struct ticket_lock console_lock;

static uint32_t held_vm(vmid_t vmid)
{
	return HELD_RANK(RANK_VM) | vmid << HELD_VM_SHIFT;
}

static uint32_t held_pt(vmid_t vmid)
{
	return HELD_RANK(RANK_PT) | vmid << HELD_PT_SHIFT;
}

/* Of one lock's @held: the rank, and the id in whichever place it is. */
static uint32_t rank_of(uint32_t held)
{
	return (uint32_t)__builtin_ctz(held >> HELD_RANK_SHIFT);
}

static uint32_t id_of(uint32_t held)
{
	return (held >> HELD_PT_SHIFT | held >> HELD_VM_SHIFT) & HELD_ID_MASK;
}

/* Whether of the bits in @mask this CPU has exactly @held. */
static bool holds(uint32_t mask, uint32_t held)
{
	return (this_cpu()->held & mask) == held;
}

/* @held: what the CPU holds of this lock's rank afterwards. */
static void ticket_acquire(struct ticket_lock *lock, uint32_t held)
{
	uint16_t ticket;

	/* The highest rank held is the highest bit that is set. */
	ASSERT(this_cpu()->held < (held & HELD_RANKS));
	ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);
	while (__atomic_load_n(&lock->serving, __ATOMIC_ACQUIRE) != ticket) {
		barrier_relax();
	}
	this_cpu()->held |= held;
	lock_taken(rank_of(held), id_of(held));
}

/* @mask: all that the CPU can hold of the rank; @held: what it holds. */
static void ticket_release(struct ticket_lock *lock, uint32_t mask,
			   uint32_t held)
{
	ASSERT(holds(mask, held));
	lock_given(rank_of(held), id_of(held));
	this_cpu()->held &= ~held;
	__atomic_store_n(&lock->serving, (uint16_t)(lock->serving + 1),
			 __ATOMIC_RELEASE);
}

/* The same of a rank that has one lock. */
static void single_release(struct ticket_lock *lock, enum lock_rank rank)
{
	ticket_release(lock, HELD_RANK(rank), HELD_RANK(rank));
}

/**
 * acquire_lock_smmu() - take the lock of the SMMUs' banks
 *
 * Spec:   Locks.acquire_lock_smmu_spec
 * Panics: lock order broken - nobody
 */
void acquire_lock_smmu(void)
{
	ticket_acquire(&smmu_lock, HELD_RANK(RANK_SMMU));
}

/**
 * release_lock_smmu() - give the lock of the SMMUs' banks back
 *
 * Spec:   Locks.release_lock_smmu_spec
 * Panics: not held - nobody
 */
void release_lock_smmu(void)
{
	single_release(&smmu_lock, RANK_SMMU);
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
	ticket_acquire(&vm_lock[vmid], held_vm(vmid));
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
	ticket_release(&vm_lock[vmid], MASK_VM, held_vm(vmid));
}

/**
 * acquire_lock_core() - take the lock of the set of VM ids
 *
 * Spec:   Locks.acquire_lock_core_spec
 * Panics: lock order broken - nobody
 */
void acquire_lock_core(void)
{
	ticket_acquire(&core_lock, HELD_RANK(RANK_CORE));
}

/**
 * release_lock_core() - give the lock of the set of VM ids back
 *
 * Spec:   Locks.release_lock_core_spec
 * Panics: not held - nobody
 */
void release_lock_core(void)
{
	single_release(&core_lock, RANK_CORE);
}

/**
 * acquire_lock_s2page() - take the lock of the page records
 *
 * Spec:   Locks.acquire_lock_s2page_spec
 * Panics: lock order broken - nobody
 */
void acquire_lock_s2page(void)
{
	ticket_acquire(&s2page_lock, HELD_RANK(RANK_S2PAGE));
}

/**
 * release_lock_s2page() - give the lock of the page records back
 *
 * Spec:   Locks.release_lock_s2page_spec
 * Panics: not held - nobody
 */
void release_lock_s2page(void)
{
	single_release(&s2page_lock, RANK_S2PAGE);
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
	ticket_acquire(&pt_lock[vmid], held_pt(vmid));
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
	ticket_release(&pt_lock[vmid], MASK_PT, held_pt(vmid));
}

void lock_console(void)
{
	ticket_acquire(&console_lock, HELD_RANK(RANK_CONSOLE));
}

void unlock_console(void)
{
	single_release(&console_lock, RANK_CONSOLE);
}

bool lock_smmu_is_held(void)
{
	return holds(HELD_RANK(RANK_SMMU), HELD_RANK(RANK_SMMU));
}

bool lock_vm_is_held(vmid_t vmid)
{
	return holds(MASK_VM, held_vm(vmid));
}

bool lock_core_is_held(void)
{
	return holds(HELD_RANK(RANK_CORE), HELD_RANK(RANK_CORE));
}

bool lock_s2page_is_held(void)
{
	return holds(HELD_RANK(RANK_S2PAGE), HELD_RANK(RANK_S2PAGE));
}

bool lock_pt_is_held(vmid_t vmid)
{
	return holds(MASK_PT, held_pt(vmid));
}

bool lock_table_is_held(vmid_t vmid)
{
	return holds(MASK_PT | HELD_RANK(RANK_S2PAGE),
		     held_pt(vmid) | HELD_RANK(RANK_S2PAGE));
}

bool lock_none_is_held(void)
{
	return this_cpu()->held == 0;
}
