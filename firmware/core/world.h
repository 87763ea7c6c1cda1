/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What EL2 holds in its own registers for a world. Layer: AbstractMachine.
 */
#ifndef COREVISOR_CORE_WORLD_H
#define COREVISOR_CORE_WORLD_H

#include "core/types.h"

/**
 * world_init() - prepare this CPU for switches of worlds
 *
 * EL2's registers are those of the host, and its features are known.
 * Locks: none; at boot of each CPU
 */
void world_init(void);

void host_el2_restore_state(void);
void vm_el2_restore_state(void);
void activate_traps(void);
void deactivate_traps(void);
void timer_enable_traps(void);
void timer_disable_traps(void);
void timer_set_cntvoff(void);

#endif /* COREVISOR_CORE_WORLD_H */
