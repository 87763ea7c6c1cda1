/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a VM is powered. Layer: VMPower.
 */
#ifndef COREVISOR_CORE_VM_POWER_H
#define COREVISOR_CORE_VM_POWER_H

#include "core/types.h"

void set_vm_poweroff(uint32_t vmid);
uint32_t get_vm_poweron(uint32_t vmid);

#endif /* COREVISOR_CORE_VM_POWER_H */
