/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mapping rules. Layer: MemManager.
 */
#ifndef COREVISOR_CORE_MEM_MANAGER_H
#define COREVISOR_CORE_MEM_MANAGER_H

#include "core/types.h"

enum hv_status WARN_UNUSED map_page_host(uint64_t addr);

#endif /* COREVISOR_CORE_MEM_MANAGER_H */
