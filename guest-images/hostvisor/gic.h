/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The board's interrupt controller, version 2 or 3, as the host uses it: its
 * own few interrupts, priority drop and deactivation apart, so that a VM can
 * deactivate its timer's.
 */
#ifndef HOSTVISOR_GIC_H
#define HOSTVISOR_GIC_H

#include "host.h"

#define IRQ_KICK	0u	/* SGI: look at the scheduler */
#define IRQ_MAINTENANCE	25u	/* PPI: list registers */
#define IRQ_VTIMER	27u	/* PPI: the timer of the vCPU that is loaded */
#define IRQ_PTIMER	30u	/* PPI: the host's */
#define IRQ_UART	33u	/* SPI: the host's console */
#define IRQ_NONE	1020u	/* and above: nothing is pending */

/* The distributor; on the first CPU, before gic_init_cpu(). */
void gic_init(void);

/* This CPU's part. */
void gic_init_cpu(void);

/* Acknowledge: an INTID, or IRQ_NONE and above. */
uint32_t gic_ack(void);

/* Priority drop: @id stays active. */
void gic_drop(uint32_t id);

/* Deactivate what was acknowledged on this CPU. */
void gic_deactivate(uint32_t id);

/* Make a private interrupt of this CPU active, or not. */
void gic_set_active(uint32_t id, bool active);

/* IRQ_KICK on another CPU. */
void gic_kick(const struct cpu *cpu);

/* gicv2.c and gicv3.c */
struct gic_ops {
	void (*init)(void);
	void (*init_cpu)(void);
	uint32_t (*ack)(void);
	void (*drop)(uint32_t id);
	void (*deactivate)(uint32_t id);
	void (*set_active)(uint32_t id, bool active);
	void (*kick)(const struct cpu *cpu);
};

extern const struct gic_ops gicv2_ops;
extern const struct gic_ops gicv3_ops;

/* Distributor registers that both versions have, by INTID. */
#define GICD_CTLR		0x000
#define GICD_TYPER		0x004
#define GICD_IGROUPR(id)	(0x080 + (id) / 32 * 4)
#define GICD_ISENABLER(id)	(0x100 + (id) / 32 * 4)
#define GICD_ICENABLER(id)	(0x180 + (id) / 32 * 4)
#define GICD_ISACTIVER(id)	(0x300 + (id) / 32 * 4)
#define GICD_ICACTIVER(id)	(0x380 + (id) / 32 * 4)
#define GICD_IPRIORITYR(id)	(0x400 + (id))

#define GIC_PRIORITY		0xa0

#endif /* HOSTVISOR_GIC_H */
