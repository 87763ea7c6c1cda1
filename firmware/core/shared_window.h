/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory of what host and EL2 tell each other. Layer: boot, on
 * PageManager and the intermediate state.
 */
#ifndef COREVISOR_CORE_SHARED_WINDOW_H
#define COREVISOR_CORE_SHARED_WINDOW_H

#include "core/types.h"

/**
 * shared_window_init() - set the window aside
 * @base: PA of HYPSEC_SHARED_SIZE bytes of the host's RAM, page aligned
 *
 * It is zeroed and stays the host's for ever: one share that nobody takes back
 * keeps every page of it from ever becoming a VM's.
 *
 * Locks: takes s2page; boot CPU only, after the page records are there
 */
void shared_window_init(paddr_t base);

#endif /* COREVISOR_CORE_SHARED_WINDOW_H */
