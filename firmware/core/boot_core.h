/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ids of VMs. Layer: BootCore.
 */
#ifndef COREVISOR_CORE_BOOT_CORE_H
#define COREVISOR_CORE_BOOT_CORE_H

#include "core/types.h"

uint32_t gen_vmid(void);

/**
 * boot_core_close() - let no VM be made any more, because the machine goes
 *
 * Locks: takes core
 */
void boot_core_close(void);

/* Whether boot_core_close() was called. Locks: takes core. */
bool boot_core_is_closed(void);

/**
 * boot_core_free_vmid() - take an id back
 * @vmid: what gen_vmid() gave, whose VM is gone without a trace
 *
 * Locks:  takes core
 * Panics: @vmid is not in use - nobody
 */
void boot_core_free_vmid(vmid_t vmid);

/* Takes all ids back and opens again (tests). Locks: none; no other CPU runs. */
void boot_core_reset(void);

#endif /* COREVISOR_CORE_BOOT_CORE_H */
