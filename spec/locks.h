/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Locks.v. Source: facts B.3 and A.13; S3 names the primitives.
 */
#ifndef HYPSEC_SPEC_LOCKS_H
#define HYPSEC_SPEC_LOCKS_H

#include "spec/rdata.h"

enum option acquire_lock_core_spec(struct rdata *adt);
enum option release_lock_core_spec(struct rdata *adt);
enum option acquire_lock_s2page_spec(struct rdata *adt);
enum option release_lock_s2page_spec(struct rdata *adt);
enum option acquire_lock_smmu_spec(struct rdata *adt);
enum option release_lock_smmu_spec(struct rdata *adt);
enum option acquire_lock_vm_spec(uint32_t vmid, struct rdata *adt);
enum option release_lock_vm_spec(uint32_t vmid, struct rdata *adt);
enum option acquire_lock_pt_spec(uint32_t vmid, struct rdata *adt);
enum option release_lock_pt_spec(uint32_t vmid, struct rdata *adt);
enum option acquire_lock_spt_spec(struct rdata *adt);
enum option release_lock_spt_spec(struct rdata *adt);

/* LockOwn true: this CPU holds it. @id is 0 for a class of one lock. */
bool lock_own(const struct rdata *adt, enum lock_class class, uint32_t id);

/* Whether no lock is held or waited for. */
bool lock_all_free(const struct rdata *adt);

/**
 * struct lock_queue - who has tickets of a lock, in their order
 * @cpu:    CPUs, the one whose turn it is first
 * @length: how many
 * @held:   whether the first one has pulled
 * @pushed: whether it has pushed
 */
struct lock_queue {
	uint32_t cpu[TOTAL_CPU];
	uint32_t length;
	bool held;
	bool pushed;
};

/**
 * h_cal_lock() - H_CalLock: what a log says of one lock
 * @log, @n: events of all locks and CPUs, the oldest first
 * @class, @id: which lock
 * @queue: where its state after the log goes
 *
 * STUCK where the log is no legal history of a ticket lock: a turn out of
 * order, a lock taken twice or given back by who does not hold it.
 */
enum option h_cal_lock(const struct lock_event *log, uint64_t n,
		       enum lock_class class, uint32_t id,
		       struct lock_queue *queue);

#endif /* HYPSEC_SPEC_LOCKS_H */
