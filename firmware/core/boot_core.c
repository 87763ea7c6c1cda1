/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ids of VMs. Layer: BootCore. Locks: takes core.
 */
#include "core/boot_core.h"

#include "core/locks.h"
#include "core/panic.h"
#include "core/vm_info.h"

/* Bit n: id n is in use. Protected by core. */
static uint32_t used_vmids;
/* No new VMs. Protected by core. */
static bool closed;
_Static_assert(COREVISOR <= 32, "one bit per id");

/**
 * gen_vmid() - an id for a new VM
 *
 * Spec:    BootCore.gen_vmid_spec
 * Delta:   D-001: INVALID instead of a panic with all ids in use; D-015: the
 *	    lowest id that is free, so ids of VMs that are gone come again
 * Locks:   takes core
 * Returns: an id from 1 to COREVISOR - 1, now in use; INVALID if there is none
 */
uint32_t gen_vmid(void)
{
	uint32_t vmid = INVALID;

	acquire_lock_core();
	for (vmid_t i = HOSTVISOR + 1; i < COREVISOR; i++) {
		if ((used_vmids & (UINT32_C(1) << i)) == 0) {
			used_vmids |= UINT32_C(1) << i;
			vmid = i;
			break;
		}
	}
	release_lock_core();
	return vmid;
}

void boot_core_free_vmid(vmid_t vmid)
{
	acquire_lock_core();
	ASSERT(is_vm(vmid) && (used_vmids & (UINT32_C(1) << vmid)) != 0);
	used_vmids &= ~(UINT32_C(1) << vmid);
	release_lock_core();
}

void boot_core_close(void)
{
	acquire_lock_core();
	closed = true;
	release_lock_core();
}

bool boot_core_is_closed(void)
{
	bool is_closed;

	acquire_lock_core();
	is_closed = closed;
	release_lock_core();
	return is_closed;
}

void boot_core_reset(void)
{
	closed = false;
	used_vmids = 0;
}
