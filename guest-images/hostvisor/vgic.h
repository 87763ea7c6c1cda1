/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VM's interrupt controller: the distributor is memory of ours and traps
 * to us, the CPU interface is hardware that list registers feed.
 */
#ifndef HOSTVISOR_VGIC_H
#define HOSTVISOR_VGIC_H

#include "host.h"

#include "hypsec/abi.h"

#define VGIC_PRIVATE	32u
#define VGIC_SPIS	32u
#define VGIC_IRQS	(VGIC_PRIVATE + VGIC_SPIS)

struct vm;
struct vcpu;

/**
 * struct vgic_bank - 32 interrupts
 * @enabled:  may be taken
 * @pending:  an edge that was seen
 * @line:     the level of those that have one
 * @edge:     those that have none; the configuration
 * @inflight: in a list register
 * @priority: 0 first
 */
struct vgic_bank {
	uint32_t enabled;
	uint32_t pending;
	uint32_t line;
	uint32_t edge;
	uint32_t inflight;
	uint8_t priority[32];
};

/**
 * struct vgic_cpu - of one vCPU
 * @own:     SGIs and PPIs
 * @sources: GICv2: the vCPUs that sent an SGI
 * @lr:      list registers while the vCPU is not loaded
 * @lr_irq:  the interrupt in each
 * @lr_used: those that hold one
 * @starved: an interrupt found no list register
 * @dirty:   something has changed since the list registers were filled;
 *	     set by everyone, the rest needs the VM's vgic lock
 * @asleep:  GICv3: GICR_WAKER
 * @vmcr, @apr: GICv2: the CPU interface while the vCPU is not loaded
 */
struct vgic_cpu {
	struct vgic_bank own;
	uint8_t sources[16];
	uint64_t lr[HYPSEC_VGIC_LRS];
	uint8_t lr_irq[HYPSEC_VGIC_LRS];
	uint32_t lr_used;
	bool starved;
	bool dirty;
	bool asleep;
	uint32_t vmcr;
	uint32_t apr;
};

/**
 * struct vgic - of one VM
 * @ctlr:    GICD_CTLR
 * @spi:     interrupts from 32 on
 * @target:  masks of vCPUs
 */
struct vgic {
	struct lock lock;
	uint32_t ctlr;
	struct vgic_bank spi;
	uint8_t target[VGIC_SPIS];
};

void vgic_reset(struct vm *vm);
void vgic_reset_cpu(struct vcpu *vcpu);
void vgic_init_cpu(void);

void vgic_load(struct vcpu *vcpu);
void vgic_put(struct vcpu *vcpu);
void vgic_flush(struct vcpu *vcpu);
void vgic_maintenance(struct vcpu *vcpu);
bool vgic_has_pending(struct vcpu *vcpu);

void vgic_set_line(struct vm *vm, uint32_t irq, bool level);
void vgic_raise(struct vm *vm, uint32_t irq);
void vgic_vtimer(struct vcpu *vcpu);
void vgic_vtimer_due(struct vcpu *vcpu);
void vgic_sgi(struct vcpu *from, uint32_t sgi, uint32_t targets);

/* vgic_regs.c; @size in bytes. False: there is no such register. */
bool vgic_dist_read(struct vcpu *vcpu, uint32_t offset, uint32_t size,
		    uint64_t *value);
bool vgic_dist_write(struct vcpu *vcpu, uint32_t offset, uint32_t size,
		     uint64_t value);
bool vgic_redist_read(struct vcpu *vcpu, uint32_t offset, uint32_t size,
		      uint64_t *value);
bool vgic_redist_write(struct vcpu *vcpu, uint32_t offset, uint32_t size,
		       uint64_t value);
void vgic_sgi1r(struct vcpu *vcpu, uint64_t value);

/* For vgic_regs.c: every vCPU of the VM looks at its interrupts again. */
uint32_t vgic_changed(struct vm *vm);
void vgic_wake(struct vm *vm, uint32_t vcpus);
void vgic_changed_cpu(struct vcpu *vcpu);
void vgic_recall(struct vcpu *vcpu);
void vgic_end(struct vcpu *vcpu, uint32_t lr);

#endif /* HOSTVISOR_VGIC_H */
