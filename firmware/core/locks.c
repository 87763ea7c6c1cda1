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

/* Ranks in lock order; see locks.h. */
enum lock_rank {
	RANK_S2PAGE,
	RANK_PT,
	RANK_CONSOLE,
};

static struct ticket_lock s2page_lock;
static struct ticket_lock pt_lock[COREVISOR + 1];
static struct ticket_lock console_lock;

static bool rank_held(enum lock_rank rank)
{
	return (this_cpu()->held & (UINT32_C(1) << rank)) != 0;
}

static void ticket_acquire(struct ticket_lock *lock, enum lock_rank rank)
{
	uint32_t ticket;

	ASSERT((this_cpu()->held >> rank) == 0);
	ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);
	while (__atomic_load_n(&lock->serving, __ATOMIC_ACQUIRE) != ticket) {
		barrier_relax();
	}
	this_cpu()->held |= UINT32_C(1) << rank;
}

static void ticket_release(struct ticket_lock *lock, enum lock_rank rank)
{
	ASSERT(rank_held(rank));
	this_cpu()->held &= ~(UINT32_C(1) << rank);
	__atomic_store_n(&lock->serving, lock->serving + 1, __ATOMIC_RELEASE);
}

/**
 * acquire_lock_s2page() - take the lock of the page records
 *
 * Spec:   Locks.acquire_lock_s2page_spec
 * Panics: lock order broken - nobody
 */
void acquire_lock_s2page(void)
{
	ticket_acquire(&s2page_lock, RANK_S2PAGE);
}

/**
 * release_lock_s2page() - give the lock of the page records back
 *
 * Spec:   Locks.release_lock_s2page_spec
 * Panics: not held - nobody
 */
void release_lock_s2page(void)
{
	ticket_release(&s2page_lock, RANK_S2PAGE);
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
	ticket_acquire(&pt_lock[vmid], RANK_PT);
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
	ticket_release(&pt_lock[vmid], RANK_PT);
}

void lock_console(void)
{
	ticket_acquire(&console_lock, RANK_CONSOLE);
}

void unlock_console(void)
{
	ticket_release(&console_lock, RANK_CONSOLE);
}

bool lock_s2page_is_held(void)
{
	return rank_held(RANK_S2PAGE);
}

bool lock_pt_is_held(void)
{
	return rank_held(RANK_PT);
}

bool lock_none_is_held(void)
{
	return this_cpu()->held == 0;
}
