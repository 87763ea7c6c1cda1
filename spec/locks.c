/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Locks.v: ticket locks as logs. Source: facts B.3 and A.13; S3 names them.
 *
 * An acquire appends WAIT_LOCK and the pull to the lock's log, a release
 * REL_LOCK and the push. To acquire what this CPU holds, to release what it
 * does not hold, and to break the order of A.13 is stuck. Other CPUs' effects
 * are the oracle's; here there is one CPU, so a pull finds nothing new.
 */
#include "spec/locks.h"

bool lock_own(const struct rdata *adt, enum lock_class class, uint32_t id)
{
	for (uint32_t i = 0; i < adt->nr_locks; i++) {
		if (adt->locks[i].class == class && adt->locks[i].id == id) {
			return true;
		}
	}
	return false;
}

static enum option acquire(enum lock_class class, uint32_t id,
			   struct rdata *adt)
{
	if (adt->halt) {
		return SOME;
	}
	for (uint32_t i = 0; i < adt->nr_locks; i++) {
		RELY_CALLER(adt->locks[i].class < class);
	}
	RELY_CALLER(adt->nr_locks < MAX_LOCKS_HELD);
	adt->locks[adt->nr_locks] = (struct lock_event){ class, id };
	adt->nr_locks++;
	return SOME;
}

static enum option release(enum lock_class class, uint32_t id,
			   struct rdata *adt)
{
	uint32_t i = 0;

	if (adt->halt) {
		return SOME;
	}
	RELY_CALLER(lock_own(adt, class, id));
	while (adt->locks[i].class != class || adt->locks[i].id != id) {
		i++;
	}
	adt->nr_locks--;
	for (; i < adt->nr_locks; i++) {
		adt->locks[i] = adt->locks[i + 1];
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
