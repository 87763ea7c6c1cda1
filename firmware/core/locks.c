/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ticket locks and the check of their order. Layer: Locks.
 */
#include "core/locks.h"

#include "core/panic.h"
#include "core/pcpu.h"
#include "core/spec_constants.h"
#include "hypsec/inspect.h"

struct ticket_lock vm_lock[COREVISOR + 1];
static struct ticket_lock smmu_lock;
static struct ticket_lock core_lock;
static struct ticket_lock s2page_lock;
static struct ticket_lock pt_lock[COREVISOR + 1];
static struct ticket_lock spt_lock;
static struct ticket_lock console_lock;

_Static_assert(HELD_RANK(RANK_SMMU) == HYPSEC_INSPECT_HELD_SMMU &&
	       HELD_RANK(RANK_VM) == HYPSEC_INSPECT_HELD_VM &&
	       HELD_RANK(RANK_CORE) == HYPSEC_INSPECT_HELD_CORE &&
	       HELD_RANK(RANK_S2PAGE) == HYPSEC_INSPECT_HELD_S2PAGE &&
	       HELD_RANK(RANK_PT) == HYPSEC_INSPECT_HELD_PT &&
	       HELD_RANK(RANK_SPT) == HYPSEC_INSPECT_HELD_SPT &&
	       HELD_RANK(RANK_CONSOLE) == HYPSEC_INSPECT_HELD_CONSOLE &&
	       HYPSEC_INSPECT_HELD_PT_ID(1u << HELD_PT_SHIFT) == 1 &&
	       HYPSEC_INSPECT_HELD_VM_ID(1u << HELD_VM_SHIFT) == 1,
	       "told by inspect.h");

static uint32_t lock_held_pt(vmid_t vmid)
{
	return HELD_RANK(RANK_PT) | vmid << HELD_PT_SHIFT;
}

/* ticket_release() of a rank that has one lock. */
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
	ticket_acquire(&pt_lock[vmid], lock_held_pt(vmid));
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
	ticket_release(&pt_lock[vmid], MASK_PT, lock_held_pt(vmid));
}

/**
 * acquire_lock_spt() - take the lock of the SMMUs' tables
 *
 * Spec:   Locks.acquire_lock_spt_spec
 * Panics: lock order broken - nobody
 */
void acquire_lock_spt(void)
{
	ticket_acquire(&spt_lock, HELD_RANK(RANK_SPT));
}

/**
 * release_lock_spt() - give the lock of the SMMUs' tables back
 *
 * Spec:   Locks.release_lock_spt_spec
 * Panics: not held - nobody
 */
void release_lock_spt(void)
{
	single_release(&spt_lock, RANK_SPT);
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
	return lock_holds(HELD_RANK(RANK_SMMU), HELD_RANK(RANK_SMMU));
}

bool lock_vm_is_held(vmid_t vmid)
{
	return lock_holds(MASK_VM, lock_held_vm(vmid));
}

bool lock_core_is_held(void)
{
	return lock_holds(HELD_RANK(RANK_CORE), HELD_RANK(RANK_CORE));
}

bool lock_s2page_is_held(void)
{
	return lock_holds(HELD_RANK(RANK_S2PAGE), HELD_RANK(RANK_S2PAGE));
}

bool lock_pt_is_held(vmid_t vmid)
{
	return lock_holds(MASK_PT, lock_held_pt(vmid));
}

bool lock_spt_is_held(void)
{
	return lock_holds(HELD_RANK(RANK_SPT), HELD_RANK(RANK_SPT));
}

bool lock_table_is_held(vmid_t vmid)
{
	if (vmid >= COREVISOR) {
		return lock_s2page_is_held() && lock_spt_is_held();
	}
	return lock_holds(MASK_PT | HELD_RANK(RANK_S2PAGE),
		     lock_held_pt(vmid) | HELD_RANK(RANK_S2PAGE));
}
