/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the core asks of the board. Provided by plat/ and by the host build.
 * Layer: AbstractMachine.
 */
#ifndef COREVISOR_CORE_PLATFORM_H
#define COREVISOR_CORE_PLATFORM_H

#include "core/types.h"

/* Marks the inspection page as panicked and tells the board, once. */
void platform_report_panic(void);

/**
 * platform_host_device() - may the host map this device address?
 * @pa:    first byte
 * @bytes: length, at least 1
 *
 * Returns: true if the whole range lies inside one window of devices that are
 * the host's
 */
bool platform_host_device(paddr_t pa, uint64_t bytes);

#endif /* COREVISOR_CORE_PLATFORM_H */
