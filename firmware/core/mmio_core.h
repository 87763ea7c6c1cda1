/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's accesses to an SMMU's registers. Layer: MmioCore.
 */
#ifndef COREVISOR_CORE_MMIO_CORE_H
#define COREVISOR_CORE_MMIO_CORE_H

#include "core/types.h"

enum hv_status WARN_UNUSED handle_smmu_write(uint64_t fault_ipa, uint32_t len,
					     uint32_t index, uint64_t data);
enum hv_status WARN_UNUSED handle_smmu_read(uint64_t fault_ipa, uint32_t len,
					    uint32_t index, uint64_t *data);

#endif /* COREVISOR_CORE_MMIO_CORE_H */
