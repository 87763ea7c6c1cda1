/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GICv2: distributor and CPU interface in memory. */
#include "dt.h"
#include "gic.h"

#define GICD_ITARGETSR(id)	(0x800 + (id))
#define GICD_SGIR		0xf00
#define SGIR_TARGETS_SHIFT	16

#define GICC_CTLR		0x0000
#define GICC_PMR		0x0004
#define GICC_IAR		0x000c
#define GICC_EOIR		0x0010
#define GICC_DIR		0x1000
#define CTLR_ENABLE		BIT(0)
#define CTLR_EOI_MODE		BIT(9)
#define IAR_ID			0x3ffu

static uint64_t gicd(uint64_t reg)
{
	return board.gic[0].base + reg;
}

static uint64_t gicc(uint64_t reg)
{
	return board.gic[1].base + reg;
}

static void init(void)
{
	mmio_write32(gicd(GICD_CTLR), 1);
	mmio_write8(gicd(GICD_IPRIORITYR(IRQ_UART)), GIC_PRIORITY);
	mmio_write8(gicd(GICD_ITARGETSR(IRQ_UART)), 1);
	mmio_write32(gicd(GICD_ISENABLER(IRQ_UART)), BIT(IRQ_UART % 32));
}

static void init_cpu(void)
{
	struct cpu *cpu = this_cpu();
	static const uint32_t own[] = {
		IRQ_KICK, IRQ_MAINTENANCE, IRQ_VTIMER, IRQ_PTIMER,
	};

	/* Banked: which bit this CPU is. A lone CPU reads 0. */
	cpu->gic_bit = mmio_read32(gicd(GICD_ITARGETSR(0))) & 0xff;
	mmio_write32(gicd(GICD_ICENABLER(0)), UINT32_MAX);
	mmio_write32(gicd(GICD_ICACTIVER(0)), UINT32_MAX);
	for (unsigned int i = 0; i < ARRAY_SIZE(own); i++) {
		mmio_write8(gicd(GICD_IPRIORITYR(own[i])), GIC_PRIORITY);
		mmio_write32(gicd(GICD_ISENABLER(0)), (uint32_t)BIT(own[i]));
	}
	mmio_write32(gicc(GICC_PMR), 0xff);
	mmio_write32(gicc(GICC_CTLR), CTLR_ENABLE | CTLR_EOI_MODE);
}

/* What was acknowledged last with its CPU, for an SGI's deactivation. */
static uint32_t last_sgi[MAX_CPUS];

static uint32_t ack(void)
{
	uint32_t iar = mmio_read32(gicc(GICC_IAR));

	if ((iar & IAR_ID) < 16) {
		last_sgi[this_cpu()->index] = iar;
	}
	return iar & IAR_ID;
}

static uint32_t with_source(uint32_t id)
{
	return id < 16 ? last_sgi[this_cpu()->index] : id;
}

static void drop(uint32_t id)
{
	mmio_write32(gicc(GICC_EOIR), with_source(id));
}

static void deactivate(uint32_t id)
{
	mmio_write32(gicc(GICC_DIR), with_source(id));
}

static void set_active(uint32_t id, bool active)
{
	mmio_write32(gicd(active ? GICD_ISACTIVER(0) : GICD_ICACTIVER(0)),
		     (uint32_t)BIT(id));
}

static void kick(const struct cpu *cpu)
{
	dsb_sy();
	mmio_write32(gicd(GICD_SGIR),
		     cpu->gic_bit << SGIR_TARGETS_SHIFT | IRQ_KICK);
}

const struct gic_ops gicv2_ops = {
	.init = init,
	.init_cpu = init_cpu,
	.ack = ack,
	.drop = drop,
	.deactivate = deactivate,
	.set_active = set_active,
	.kick = kick,
};
