/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From an address to the number of its page record. Layer: PageIndex.
 */
#ifndef COREVISOR_CORE_PAGE_INDEX_H
#define COREVISOR_CORE_PAGE_INDEX_H

#include "core/types.h"

uint64_t get_s2_page_index(uint64_t addr);

#endif /* COREVISOR_CORE_PAGE_INDEX_H */
