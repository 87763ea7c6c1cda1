/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Locks.v: ticket locks as logs. Source: facts A.13, A.14 and B.3; S3 names
 * the primitives.
 *
 * An acquire appends WAIT_LOCK and OPULL to the log, a release OPUSH and
 * REL_LOCK; who holds a lock is what the log says. To acquire what this CPU
 * holds, to release what it does not hold, and to break the order of A.13 is
 * stuck. The specification runs one CPU, so an acquire's turn comes at once;
 * histories of several CPUs are given to h_cal_lock().
 */
#include "spec/locks.h"

#include <stddef.h>

static enum option take_ticket(struct lock_queue *queue, uint32_t cpu)
{
	for (uint32_t i = 0; i < queue->length; i++) {
		RELY_CALLER(queue->cpu[i] != cpu);
	}
	RELY_CALLER(queue->length < TOTAL_CPU);
	queue->cpu[queue->length++] = cpu;
	return SOME;
}

static enum option leave_queue(struct lock_queue *queue)
{
	RELY_CALLER(queue->held && queue->pushed);
	queue->length--;
	for (uint32_t i = 0; i < queue->length; i++) {
		queue->cpu[i] = queue->cpu[i + 1];
	}
	queue->held = queue->pushed = false;
	return SOME;
}

static enum option cal_event(struct lock_queue *queue,
			     const struct lock_event *event)
{
	if (event->op == WAIT_LOCK) {
		return take_ticket(queue, event->cpu);
	}
	/* First come, first served. */
	RELY_CALLER(queue->length > 0 && queue->cpu[0] == event->cpu);
	if (event->op == REL_LOCK) {
		return leave_queue(queue);
	}
	if (event->op == OPUSH) {
		RELY_CALLER(queue->held && !queue->pushed);
		queue->pushed = true;
		return SOME;
	}
	RELY_CALLER(!queue->held);
	queue->held = true;
	return SOME;
}

enum option h_cal_lock(const struct lock_event *log, uint64_t n,
		       enum lock_class class, uint32_t id,
		       struct lock_queue *queue)
{
	*queue = (struct lock_queue){ .length = 0 };
	for (uint64_t i = 0; i < n; i++) {
		if (log[i].class == class && log[i].id == id) {
			WHEN(cal_event(queue, &log[i]));
		}
	}
	return SOME;
}

/* The last event of a lock, NULL if the log has none. */
static const struct lock_event *last_event(const struct rdata *adt,
					   enum lock_class class, uint32_t id)
{
	for (uint32_t i = adt->nr_lock_events; i > 0; i--) {
		const struct lock_event *event = &adt->lock_log[i - 1];

		if (event->class == class && event->id == id) {
			return event;
		}
	}
	return NULL;
}

/* As h_cal_lock() says of one CPU: the last it did is to pull. */
bool lock_own(const struct rdata *adt, enum lock_class class, uint32_t id)
{
	const struct lock_event *event = last_event(adt, class, id);

	return event != NULL && event->op == OPULL && event->cpu == adt->curid;
}

static bool is_free(const struct rdata *adt, const struct lock_event *event)
{
	return last_event(adt, event->class, event->id)->op == REL_LOCK;
}

bool lock_all_free(const struct rdata *adt)
{
	for (uint32_t i = 0; i < adt->nr_lock_events; i++) {
		if (!is_free(adt, &adt->lock_log[i])) {
			return false;
		}
	}
	return true;
}

/* The histories of free locks are over: others know of them. */
static void forget_published(struct rdata *adt)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < adt->nr_lock_events; i++) {
		if (!is_free(adt, &adt->lock_log[i])) {
			adt->lock_log[kept++] = adt->lock_log[i];
		}
	}
	adt->nr_lock_events = kept;
}

static enum option append(enum lock_op op, enum lock_class class, uint32_t id,
			  struct rdata *adt)
{
	RELY_CALLER(adt->nr_lock_events < MAX_LOCK_EVENTS);
	adt->lock_log[adt->nr_lock_events++] =
		(struct lock_event){ op, class, id, adt->curid };
	return SOME;
}

static enum option acquire(enum lock_class class, uint32_t id,
			   struct rdata *adt)
{
	struct lock_queue queue;

	if (adt->halt) {
		return SOME;
	}
	for (uint32_t i = 0; i < adt->nr_lock_events; i++) {
		const struct lock_event *event = &adt->lock_log[i];

		RELY_CALLER(event->class < class ||
			    !lock_own(adt, event->class, event->id));
	}
	WHEN(append(WAIT_LOCK, class, id, adt));
	WHEN(append(OPULL, class, id, adt));
	return h_cal_lock(adt->lock_log, adt->nr_lock_events, class, id,
			  &queue);
}

static enum option release(enum lock_class class, uint32_t id,
			   struct rdata *adt)
{
	struct lock_queue queue;

	if (adt->halt) {
		return SOME;
	}
	RELY_CALLER(lock_own(adt, class, id));
	WHEN(append(OPUSH, class, id, adt));
	WHEN(append(REL_LOCK, class, id, adt));
	WHEN(h_cal_lock(adt->lock_log, adt->nr_lock_events, class, id,
			&queue));
	if (adt->nr_lock_events > MAX_LOCK_EVENTS / 4) {
		forget_published(adt);
	}
	return SOME;
}

enum option acquire_lock_core_spec(struct rdata *adt)
{
	return acquire(LOCK_CORE, 0, adt);
}

enum option release_lock_core_spec(struct rdata *adt)
{
	return release(LOCK_CORE, 0, adt);
}

enum option acquire_lock_s2page_spec(struct rdata *adt)
{
	return acquire(LOCK_S2PAGE, 0, adt);
}

enum option release_lock_s2page_spec(struct rdata *adt)
{
	return release(LOCK_S2PAGE, 0, adt);
}

enum option acquire_lock_smmu_spec(struct rdata *adt)
{
	return acquire(LOCK_SMMU, 0, adt);
}

enum option release_lock_smmu_spec(struct rdata *adt)
{
	return release(LOCK_SMMU, 0, adt);
}

enum option acquire_lock_vm_spec(uint32_t vmid, struct rdata *adt)
{
	RELY_CALLER(is_vmid(vmid));
	return acquire(LOCK_VM, vmid, adt);
}

enum option release_lock_vm_spec(uint32_t vmid, struct rdata *adt)
{
	RELY_CALLER(is_vmid(vmid));
	return release(LOCK_VM, vmid, adt);
}

enum option acquire_lock_pt_spec(uint32_t vmid, struct rdata *adt)
{
	RELY_CALLER(is_vmid(vmid));
	return acquire(LOCK_PT, vmid, adt);
}

enum option release_lock_pt_spec(uint32_t vmid, struct rdata *adt)
{
	RELY_CALLER(is_vmid(vmid));
	return release(LOCK_PT, vmid, adt);
}

enum option acquire_lock_spt_spec(struct rdata *adt)
{
	return acquire(LOCK_SPT, 0, adt);
}

enum option release_lock_spt_spec(struct rdata *adt)
{
	return release(LOCK_SPT, 0, adt);
}
