/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making a VM and loading it. Layer: BootOps.
 */
#ifndef COREVISOR_CORE_BOOT_OPS_H
#define COREVISOR_CORE_BOOT_OPS_H

#include "core/types.h"

enum hv_status WARN_UNUSED register_kvm(uint32_t *vmid);
enum hv_status WARN_UNUSED set_boot_info(uint32_t vmid, uint64_t load_addr,
					 uint64_t size, uint32_t *load_idx);
enum hv_status WARN_UNUSED remap_vm_image(uint32_t vmid, uint64_t pfn,
					  uint32_t load_idx);

#endif /* COREVISOR_CORE_BOOT_OPS_H */
