/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which interrupt controller it is. */
#include "gic.h"

#include "dt.h"

static const struct gic_ops *ops;

void gic_init(void)
{
	ops = board.gic_version == 2 ? &gicv2_ops : &gicv3_ops;
	ops->init();
}

void gic_init_cpu(void)
{
	ops->init_cpu();
}

uint32_t gic_ack(void)
{
	return ops->ack();
}

void gic_drop(uint32_t id)
{
	ops->drop(id);
}

void gic_deactivate(uint32_t id)
{
	ops->deactivate(id);
}

void gic_set_active(uint32_t id, bool active)
{
	ops->set_active(id, active);
}

void gic_kick(const struct cpu *cpu)
{
	ops->kick(cpu);
}
