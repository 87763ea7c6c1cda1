/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual interrupts of a GICv3. Layer: AbstractMachine. Not in the
 * specification.
 *
 * Which interrupts a VM gets is the host's to say, in struct hypsec_vgic. The
 * VM's own settings and the priorities it handles are in its context. With a
 * GICv2 there is nothing to do: its registers are in memory, and the host's.
 */
#ifndef COREVISOR_CORE_VGIC_H
#define COREVISOR_CORE_VGIC_H

#include "core/pcpu.h"

/* The two below on a board that has a GICv3. */
void vgic_restore(void);
void vgic_save(void);

/* Loads the current VM's virtual interrupts, and lets it see them. */
static inline void vgic_restore_state(void)
{
	if (this_cpu()->features.nr_lrs != 0) {
		vgic_restore();
	}
}

/* Tells the host what became of them; the CPU signals no more. */
static inline void vgic_save_state(void)
{
	if (this_cpu()->features.nr_lrs != 0) {
		vgic_save();
	}
}

#endif /* COREVISOR_CORE_VGIC_H */
