/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which saves of which VMs may still be restored in this boot.
 * Layer: BootCore.
 *
 * A VM that was verified is an instance, and its restored successors are the
 * same one. Each save of it has a higher generation. What has gone on running,
 * or has a later save, is not restored again.
 */
#ifndef COREVISOR_CORE_INSTANCES_H
#define COREVISOR_CORE_INSTANCES_H

#include "core/types.h"
#include "hypsec/sealed.h"

/* Instances that one boot remembers. */
#define MAX_INSTANCES	512u

/**
 * fresh_name() - a name that does not come again
 * @name:  filled in
 * @bytes: 16 to 32
 *
 * Locks: takes core
 */
void fresh_name(uint8_t *name, size_t bytes);

/**
 * instance_keep() - have room to remember an instance
 * @id:		its name
 * @generation: of its last save
 * @runs:	whether it exists as a VM that has run
 *
 * An instance that is known already stays as it is.
 *
 * Locks:   takes core
 * Returns: HV_OK; HV_ENOMEM if this boot remembers MAX_INSTANCES others
 */
enum hv_status WARN_UNUSED
instance_keep(const uint8_t id[HYPSEC_SEAL_INSTANCE_BYTES],
	      uint64_t generation, bool runs);

/**
 * instance_next_generation() - the number of a new save
 * @id:		a name that is kept
 * @generation: of the VM's last save
 *
 * Locks:   takes core
 * Returns: more than that of any save that this boot has seen
 */
uint64_t
instance_next_generation(const uint8_t id[HYPSEC_SEAL_INSTANCE_BYTES],
			 uint64_t generation);

/* A save is complete: only it may be restored. Locks: takes core. */
void instance_saved(const uint8_t id[HYPSEC_SEAL_INSTANCE_BYTES],
		    uint64_t generation);

/* Whether a save may be restored. Locks: takes core. */
bool instance_may_run(const uint8_t id[HYPSEC_SEAL_INSTANCE_BYTES],
		      uint64_t generation);

/* As above; if it may, it runs from now on. Locks: takes core. */
bool instance_run(const uint8_t id[HYPSEC_SEAL_INSTANCE_BYTES],
		  uint64_t generation);

/* Forgets all, as a reset does (tests). Locks: none; no other CPU runs. */
void instances_reset(void);

#endif /* COREVISOR_CORE_INSTANCES_H */
