/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which saves of which VMs may still be restored in this boot.
 * Layer: BootCore.
 *
 * A VM that was verified is an instance, and its restored successors are the
 * same one. Each save of it has a higher generation. What has gone on running
 * is not restored again; once it was saved in this boot, only that save is.
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
 * instance_keep() - have room to remember a VM that is to be saved
 * @id: its name
 *
 * Until it is saved it counts as one that runs. One that is known already
 * stays as it is.
 *
 * Locks:   takes core
 * Returns: HV_OK; HV_ENOMEM if this boot remembers MAX_INSTANCES others
 */
enum hv_status WARN_UNUSED
instance_keep(const uint8_t id[HYPSEC_SEAL_INSTANCE_BYTES]);

/*
 * Forgets a VM that was kept but neither saved nor restored in this boot:
 * there is no save of it. Locks: takes core.
 */
void instance_release(const uint8_t id[HYPSEC_SEAL_INSTANCE_BYTES]);

/**
 * instance_saved() - a save is complete: only it may be restored
 * @seal: what it says; the generation is that of the save before, and becomes
 *	  more than that of any save that this boot has seen
 *
 * The VM is kept.
 *
 * Locks: takes core
 */
void instance_saved(struct hypsec_seal *seal);

/* Whether a save may be restored. Locks: takes core. */
bool instance_may_run(const struct hypsec_seal *seal);

/**
 * instance_run() - a restored VM goes on
 * @seal: of its save
 *
 * Locks:   takes core
 * Returns: HV_OK, it runs from now on; HV_EPERM if the save may not be
 *	    restored; HV_ENOMEM if this boot remembers MAX_INSTANCES others
 */
enum hv_status WARN_UNUSED instance_run(const struct hypsec_seal *seal);

/* Forgets all, as a reset does (tests). Locks: none; no other CPU runs. */
void instances_reset(void);

#endif /* COREVISOR_CORE_INSTANCES_H */
