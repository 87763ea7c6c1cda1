/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * No reset reveals a VM. Layer: boot, on PageManager's record format.
 */
#ifndef COREVISOR_CORE_RESET_SCRUB_H
#define COREVISOR_CORE_RESET_SCRUB_H

#include "core/board_dt.h"
#include "core/el2_layout.h"
#include "core/types.h"
#include "hypsec/inspect.h"

/**
 * reset_scrub() - erase what an earlier boot kept from the host
 * @old:    the inspection page as that boot left it, or anything at all
 * @info:   the board; what it has just loaded is not touched
 * @layout: where this boot keeps its records, and so did the earlier one
 *
 * Where the old page records are still there, every byte of a page that was
 * not the host's is zeroed, except for freshly loaded images and the
 * carve-out, which the host never sees. Call before the records are reset.
 *
 * Returns: pages scrubbed
 * Locks:   none; boot CPU only
 */
uint64_t reset_scrub(const struct hypsec_inspect *old,
		     const struct board_info *info,
		     const struct el2_layout *layout);

#endif /* COREVISOR_CORE_RESET_SCRUB_H */
