/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ticket locks under the specification's names. Layer: Locks.
 *
 * The only copy of the lock order, outer to inner; a lock of a class may be
 * taken only while every lock held is of a class before it:
 *
 *	s2page -> pt[vmid] -> console
 *
 * Each acquisition checks this order against what this CPU holds and panics
 * on a violation, which is a bug of EL2 and reachable by nobody else. Locks
 * are FIFO, held for bounded work only, and never across an ERET.
 */
#ifndef COREVISOR_CORE_LOCKS_H
#define COREVISOR_CORE_LOCKS_H

#include "core/types.h"

/* Protects the page records. */
void acquire_lock_s2page(void);
void release_lock_s2page(void);

/* Protects the stage-2 table of @vmid, which must be at most COREVISOR. */
void acquire_lock_pt(vmid_t vmid);
void release_lock_pt(vmid_t vmid);

/* Protects the EL2 console; not in the specification. */
void lock_console(void);
void unlock_console(void);

/* Whether this CPU holds the s2page lock, or a pt lock. */
bool lock_s2page_is_held(void);
bool lock_pt_is_held(void);

/* Whether this CPU holds no lock at all. */
bool lock_none_is_held(void);

#endif /* COREVISOR_CORE_LOCKS_H */
