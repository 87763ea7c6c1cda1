/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ticket locks under the specification's names. Layer: Locks.
 *
 * The only copy of the lock order, outer to inner; a lock of a class may be
 * taken only while every lock held is of a class before it, so never two of
 * one class:
 *
 *	smmu -> vm[vmid] -> core -> s2page -> pt[vmid] -> spt -> console
 *
 * Each acquisition checks this order against what this CPU holds and panics
 * on a violation, which is a bug of EL2 and reachable by nobody else. Locks
 * are FIFO, held for bounded work only, and never across an ERET.
 *
 * Page records change with s2page held. A stage-2 table, its pool and the
 * arena change with s2page and pt of the table's owner held, both; so either
 * of them is enough to read a table, and what was read under s2page is true
 * until s2page is released. The SMMUs' tables are the same with spt for pt.
 */
#ifndef COREVISOR_CORE_LOCKS_H
#define COREVISOR_CORE_LOCKS_H

#include "arch/barrier.h"
#include "core/panic.h"
#include "core/pcpu.h"
#include "core/spec_constants.h"
#include "core/types.h"

/* The classes, in lock order. */
enum lock_rank {
	RANK_SMMU,
	RANK_VM,
	RANK_CORE,
	RANK_S2PAGE,
	RANK_PT,
	RANK_SPT,
	RANK_CONSOLE,
};

/* Protects the banks of the SMMUs and the emulation of their registers. */
void acquire_lock_smmu(void);
void release_lock_smmu(void);

/* Protects which VM ids are in use. */
void acquire_lock_core(void);
void release_lock_core(void);

/* Protects the page records and, with pt, all tables. */
void acquire_lock_s2page(void);
void release_lock_s2page(void);

/* Protects the stage-2 table of @vmid, which must be at most COREVISOR. */
void acquire_lock_pt(vmid_t vmid);
void release_lock_pt(vmid_t vmid);

/* Protects all tables of the SMMUs, and EL2's use of the SMMUs' TLBs. */
void acquire_lock_spt(void);
void release_lock_spt(void);

/* Protects the EL2 console; not in the specification. */
void lock_console(void);
void unlock_console(void);

/* Whether this CPU holds the lock. */
bool lock_smmu_is_held(void);
bool lock_vm_is_held(vmid_t vmid);
bool lock_core_is_held(void);
bool lock_s2page_is_held(void);
bool lock_pt_is_held(vmid_t vmid);
bool lock_spt_is_held(void);

/*
 * Whether this CPU may change the table of @vmid: holds s2page and its pt; of
 * an owner from COREVISOR on, see pt_alloc.h: s2page and spt.
 */
bool lock_table_is_held(vmid_t vmid);

/* Whether this CPU holds no lock at all. */
static inline bool lock_none_is_held(void)
{
	return this_cpu()->held == 0;
}

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

/* Of one lock's @held: the rank, and the id in whichever place it is. */
static inline uint32_t lock_rank_of(uint32_t held)
{
	return (uint32_t)__builtin_ctz(held >> HELD_RANK_SHIFT);
}

static inline uint32_t lock_id_of(uint32_t held)
{
	return (held >> HELD_PT_SHIFT | held >> HELD_VM_SHIFT) & HELD_ID_MASK;
}

/* Whether of the bits in @mask this CPU has exactly @held. */
static inline bool lock_holds(uint32_t mask, uint32_t held)
{
	return (this_cpu()->held & mask) == held;
}

/* @held: what the CPU holds of this lock's rank afterwards. */
static inline void ticket_acquire(struct ticket_lock *lock, uint32_t held)
{
	struct pcpu *cpu = this_cpu();
	uint16_t ticket;

	/* The highest rank held is the highest bit that is set. */
	ASSERT(cpu->held < (held & HELD_RANKS));
	ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);
	while (__atomic_load_n(&lock->serving, __ATOMIC_ACQUIRE) != ticket) {
		barrier_relax();
	}
	cpu->held |= held;
	lock_taken(lock_rank_of(held), lock_id_of(held));
}

/* @mask: all that the CPU can hold of the rank; @held: what it holds. */
static inline void ticket_release(struct ticket_lock *lock, uint32_t mask,
				  uint32_t held)
{
	struct pcpu *cpu = this_cpu();

	ASSERT(lock_holds(mask, held));
	lock_given(lock_rank_of(held), lock_id_of(held));
	cpu->held &= ~held;
	__atomic_store_n(&lock->serving, (uint16_t)(lock->serving + 1),
			 __ATOMIC_RELEASE);
}

/* Protects what EL2 knows of one VM. */
extern struct ticket_lock vm_lock[COREVISOR + 1];

static inline uint32_t lock_held_vm(vmid_t vmid)
{
	return HELD_RANK(RANK_VM) | vmid << HELD_VM_SHIFT;
}

/**
 * acquire_lock_vm() - take the lock of one VM's information
 * @vmid: which VM, 0 to COREVISOR
 *
 * Spec:   Locks.acquire_lock_vm_spec
 * Panics: @vmid out of range, lock order broken - nobody
 */
static inline void acquire_lock_vm(vmid_t vmid)
{
	struct ticket_lock *lock;

	ASSERT(vmid <= COREVISOR);
	lock = &vm_lock[vmid];
	KEEP_POINTER(lock);
	ticket_acquire(lock, lock_held_vm(vmid));
}

/**
 * release_lock_vm() - give the lock of one VM's information back
 * @vmid: which VM
 *
 * Spec:   Locks.release_lock_vm_spec
 * Panics: @vmid out of range, not held - nobody
 */
static inline void release_lock_vm(vmid_t vmid)
{
	struct ticket_lock *lock;

	ASSERT(vmid <= COREVISOR);
	lock = &vm_lock[vmid];
	KEEP_POINTER(lock);
	ticket_release(lock, MASK_VM, lock_held_vm(vmid));
}

#endif /* COREVISOR_CORE_LOCKS_H */
