/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GICv3: distributor and redistributors in memory, the rest by registers. */
#include "dt.h"
#include "gic.h"

#define GICD_CTLR_RWP		BIT(31)
#define GICD_CTLR_ARE		BIT(4)
#define GICD_CTLR_GRP1		BIT(1)
#define GICD_IROUTER(id)	(0x6000 + (id) * 8)

#define GICR_STRIDE		0x20000
#define GICR_TYPER		0x0008
#define GICR_WAKER		0x0014
#define GICR_SGI		0x10000
#define TYPER_LAST		BIT(4)
#define WAKER_SLEEP		BIT(1)
#define WAKER_ASLEEP		BIT(2)

#define ICC_PMR_EL1		s3_0_c4_c6_0
#define ICC_DIR_EL1		s3_0_c12_c11_1
#define ICC_SGI1R_EL1		s3_0_c12_c11_5
#define ICC_IAR1_EL1		s3_0_c12_c12_0
#define ICC_EOIR1_EL1		s3_0_c12_c12_1
#define ICC_CTLR_EL1		s3_0_c12_c12_4
#define ICC_SRE_EL1		s3_0_c12_c12_5
#define ICC_IGRPEN1_EL1		s3_0_c12_c12_7
#define CTLR_EOI_MODE		BIT(1)
#define IAR_ID			0xffffffu

static uint64_t gicr_sgi[MAX_CPUS];

static uint64_t gicd(uint64_t reg)
{
	return board.gic[0].base + reg;
}

/* This CPU's frame of private interrupts. */
static uint64_t gicr(uint64_t reg)
{
	return gicr_sgi[this_cpu()->index] + reg;
}

static void init(void)
{
	mmio_write32(gicd(GICD_CTLR), GICD_CTLR_ARE | GICD_CTLR_GRP1);
	mmio_write32(gicd(GICD_IGROUPR(IRQ_UART)), UINT32_MAX);
	mmio_write8(gicd(GICD_IPRIORITYR(IRQ_UART)), GIC_PRIORITY);
	mmio_write32(gicd(GICD_IROUTER(IRQ_UART)), (uint32_t)cpus[0].mpidr);
	mmio_write32(gicd(GICD_IROUTER(IRQ_UART) + 4), 0);
	mmio_write32(gicd(GICD_ISENABLER(IRQ_UART)), BIT(IRQ_UART % 32));
}

/* The redistributor whose affinity is this CPU's. */
static uint64_t find_redistributor(uint64_t mpidr)
{
	uint32_t affinity = (uint32_t)((mpidr & 0xffffff) |
				       (mpidr >> 8 & 0xff000000));

	for (uint64_t at = board.gic[1].base;
	     at < board.gic[1].base + board.gic[1].size; at += GICR_STRIDE) {
		if (mmio_read32(at + GICR_TYPER + 4) == affinity) {
			return at;
		}
		if ((mmio_read32(at + GICR_TYPER) & TYPER_LAST) != 0) {
			break;
		}
	}
	fatal("no redistributor for CPU 0x%lx", mpidr);
}

static void init_cpu(void)
{
	struct cpu *cpu = this_cpu();
	uint64_t base = find_redistributor(cpu->mpidr);
	static const uint32_t own[] = {
		IRQ_KICK, IRQ_MAINTENANCE, IRQ_VTIMER, IRQ_PTIMER,
	};

	mmio_write32(base + GICR_WAKER,
		     mmio_read32(base + GICR_WAKER) & ~(uint32_t)WAKER_SLEEP);
	while ((mmio_read32(base + GICR_WAKER) & WAKER_ASLEEP) != 0) {
		continue;
	}
	gicr_sgi[cpu->index] = base + GICR_SGI;
	mmio_write32(gicr(GICD_ICENABLER(0)), UINT32_MAX);
	mmio_write32(gicr(GICD_ICACTIVER(0)), UINT32_MAX);
	mmio_write32(gicr(GICD_IGROUPR(0)), UINT32_MAX);
	for (unsigned int i = 0; i < ARRAY_SIZE(own); i++) {
		mmio_write8(gicr(GICD_IPRIORITYR(own[i])), GIC_PRIORITY);
		mmio_write32(gicr(GICD_ISENABLER(0)), (uint32_t)BIT(own[i]));
	}
	sysreg_write(ICC_SRE_EL1, 1);
	isb();
	sysreg_write(ICC_PMR_EL1, 0xff);
	sysreg_write(ICC_CTLR_EL1, CTLR_EOI_MODE);
	sysreg_write(ICC_IGRPEN1_EL1, 1);
	isb();
}

static uint32_t ack(void)
{
	uint32_t id = (uint32_t)sysreg_read(ICC_IAR1_EL1) & IAR_ID;

	/* The device's state is read after the acknowledgement. */
	dsb_sy();
	return id;
}

static void drop(uint32_t id)
{
	sysreg_write(ICC_EOIR1_EL1, id);
	isb();
}

static void deactivate(uint32_t id)
{
	sysreg_write(ICC_DIR_EL1, id);
	isb();
}

static void set_active(uint32_t id, bool active)
{
	mmio_write32(gicr(active ? GICD_ISACTIVER(0) : GICD_ICACTIVER(0)),
		     (uint32_t)BIT(id));
}

static void kick(const struct cpu *cpu)
{
	uint64_t mpidr = cpu->mpidr;

	dsb_sy();
	/* Affinities 3, 2, 1, the INTID, and a bit for affinity 0. */
	sysreg_write(ICC_SGI1R_EL1,
		     (mpidr >> 32 & 0xff) << 48 | (mpidr >> 16 & 0xff) << 32 |
		     (mpidr >> 8 & 0xff) << 16 | (uint64_t)IRQ_KICK << 24 |
		     BIT(mpidr & 0xf));
	isb();
}

const struct gic_ops gicv3_ops = {
	.init = init,
	.init_cpu = init_cpu,
	.ack = ack,
	.drop = drop,
	.deactivate = deactivate,
	.set_active = set_active,
	.kick = kick,
};
