/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pieces of the platform that boot code needs. */
#ifndef COREVISOR_PLAT_PLAT_H
#define COREVISOR_PLAT_PLAT_H

#include "core/types.h"
#include "hypsec/inspect.h"

/* Enables the EL2 console. */
void pl011_init(void);

/**
 * platform_set_inspect() - the page that a panic marks
 * @page: EL2 address of the inspection page
 */
void platform_set_inspect(struct hypsec_inspect *page);

/**
 * platform_set_dma_channels() - say which DMA masters the board has
 * @n: channels of hypsec-dma; 0 without it
 *
 * Panics: more than there can be - nobody
 */
void platform_set_dma_channels(uint64_t n);

/**
 * platform_partial_blocks() - 2 MiB blocks that device windows cover in part
 *
 * Returns: an upper bound; each needs a level-3 table of the host's
 */
uint64_t platform_partial_blocks(void);

#endif /* COREVISOR_PLAT_PLAT_H */
