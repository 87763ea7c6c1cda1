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

/* LockOwn true: this CPU holds it. @id is 0 for a class of one lock. */
bool lock_own(const struct rdata *adt, enum lock_class class, uint32_t id);

#endif /* HYPSEC_SPEC_LOCKS_H */
