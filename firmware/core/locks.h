/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ticket locks under the specification's names. Layer: Locks.
 *
 * The only copy of the lock order, outer to inner; a lock of a class may be
 * taken only while every lock held is of a class before it, so never two of
 * one class:
 *
 *	smmu -> vm[vmid] -> core -> s2page -> pt[vmid] -> console
 *
 * Each acquisition checks this order against what this CPU holds and panics
 * on a violation, which is a bug of EL2 and reachable by nobody else. Locks
 * are FIFO, held for bounded work only, and never across an ERET.
 *
 * Page records change with s2page held. A stage-2 table, its pool and the
 * arena change with s2page and pt of the table's owner held, both; so either
 * of them is enough to read a table, and what was read under s2page is true
 * until s2page is released.
 */
#ifndef COREVISOR_CORE_LOCKS_H
#define COREVISOR_CORE_LOCKS_H

#include "core/types.h"

/* The classes, in lock order. */
enum lock_rank {
	RANK_SMMU,
	RANK_VM,
	RANK_CORE,
	RANK_S2PAGE,
	RANK_PT,
	RANK_CONSOLE,
};

/* Protects the banks of the SMMUs and the emulation of their registers. */
void acquire_lock_smmu(void);
void release_lock_smmu(void);

/* Protects what EL2 knows of one VM; @vmid at most COREVISOR. */
void acquire_lock_vm(vmid_t vmid);
void release_lock_vm(vmid_t vmid);

/* Protects which VM ids are in use. */
void acquire_lock_core(void);
void release_lock_core(void);

/* Protects the page records and, with pt, all tables. */
void acquire_lock_s2page(void);
void release_lock_s2page(void);

/* Protects the stage-2 table of @vmid, which must be at most COREVISOR. */
void acquire_lock_pt(vmid_t vmid);
void release_lock_pt(vmid_t vmid);

/* Protects the EL2 console; not in the specification. */
void lock_console(void);
void unlock_console(void);

/* Whether this CPU holds the lock. */
bool lock_smmu_is_held(void);
bool lock_vm_is_held(vmid_t vmid);
bool lock_core_is_held(void);
bool lock_s2page_is_held(void);
bool lock_pt_is_held(vmid_t vmid);

/* Whether this CPU may change the table of @vmid: holds s2page and its pt. */
bool lock_table_is_held(vmid_t vmid);

/* Whether this CPU holds no lock at all. */
bool lock_none_is_held(void);

#endif /* COREVISOR_CORE_LOCKS_H */
