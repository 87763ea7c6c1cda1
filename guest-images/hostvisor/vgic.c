/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From what is pending to list registers and back.
 *
 * The list registers of a vCPU are filled from what is ready just before it
 * runs, and read back when that matters: when something new is ready, when
 * the VM touches its distributor, when one reports its end. Between two such
 * times an entry costs nothing here.
 *
 * The virtual timer is a hardware interrupt: it is active on the physical
 * side from the moment that the host takes it until the VM deactivates the
 * virtual one. That state is the vCPU's: it goes and comes with it.
 *
 * Locks: the VM's vgic lock. The list registers themselves are touched on the
 * CPU only that has the vCPU loaded.
 */
#include <string.h>

#include "dt.h"
#include "gic.h"
#include "vm.h"

#include "hostvisor/device.h"

#define GICH_HCR	0x000
#define GICH_VTR	0x004
#define GICH_VMCR	0x008
#define GICH_APR	0x0f0
#define GICH_LR(n)	(0x100 + (n) * 4)
#define HCR_EN		BIT(0)
#define HCR_UIE		BIT(1)
#define VTR_LRS		0x3fu

#define V2_PENDING	BIT(28)
#define V2_ACTIVE	BIT(29)
#define V2_HW		BIT(31)
#define V2_EOI		BIT(19)
#define V2_PHYS_SHIFT	10
#define V2_PRIO_SHIFT	23

#define V3_PENDING	BIT(62)
#define V3_ACTIVE	BIT(63)
#define V3_HW		BIT(61)
#define V3_GROUP1	BIT(60)
#define V3_EOI		BIT(41)
#define V3_PHYS_SHIFT	32
#define V3_PRIO_SHIFT	48

#define VTIMER_BIT	((uint32_t)BIT(IRQ_VTIMER))
#define NR_SGIS		16u

/* What both versions call differently. */
static uint64_t lr_pending = V2_PENDING;
static uint64_t lr_active = V2_ACTIVE;
static uint32_t nr_lrs_v2 = 4;

static bool is_v3(void)
{
	return board.gic_version == 3;
}

static uint64_t gich(uint64_t reg)
{
	return board.gic[2].base + reg;
}

/**
 * vgic_init_cpu() - learn what this CPU's virtual interface offers
 */
void vgic_init_cpu(void)
{
	if (is_v3()) {
		lr_pending = V3_PENDING;
		lr_active = V3_ACTIVE;
		return;
	}
	nr_lrs_v2 = (mmio_read32(gich(GICH_VTR)) & VTR_LRS) + 1;
	if (nr_lrs_v2 > HYPSEC_VGIC_LRS) {
		nr_lrs_v2 = HYPSEC_VGIC_LRS;
	}
	mmio_write32(gich(GICH_HCR), 0);
}

/* EL2 tells a GICv3's number at the first exit; every one has four. */
static uint32_t nr_lrs(const struct vcpu *vcpu)
{
	uint64_t n;

	if (!is_v3()) {
		return nr_lrs_v2;
	}
	n = vcpu->shared->vgic.nr_lrs;
	return n == 0 ? 1 : n > HYPSEC_VGIC_LRS ? HYPSEC_VGIC_LRS :
						   (uint32_t)n;
}

static bool is_loaded(const struct vcpu *vcpu)
{
	return this_cpu()->loaded == vcpu;
}

static uint64_t lr_read(struct vcpu *vcpu, uint32_t n)
{
	if (is_v3()) {
		return vcpu->shared->vgic.lr[n];
	}
	return is_loaded(vcpu) ? mmio_read32(gich(GICH_LR(n))) :
				 vcpu->vgic.lr[n];
}

static void lr_write(struct vcpu *vcpu, uint32_t n, uint64_t value)
{
	if (is_v3()) {
		vcpu->shared->vgic.lr[n] = value;
	} else if (is_loaded(vcpu)) {
		mmio_write32(gich(GICH_LR(n)), (uint32_t)value);
	} else {
		vcpu->vgic.lr[n] = value;
	}
}

static struct vgic_bank *bank_of(struct vcpu *vcpu, uint32_t irq)
{
	return irq < VGIC_PRIVATE ? &vcpu->vgic.own : &vcpu->vm->vgic.spi;
}

static uint32_t bit_of(uint32_t irq)
{
	return (uint32_t)BIT(irq % 32);
}

static uint64_t lr_value(struct vcpu *vcpu, uint32_t irq, uint32_t source,
			 bool report_end)
{
	const struct vgic_bank *bank = bank_of(vcpu, irq);
	uint64_t priority = bank->priority[irq % 32];
	bool hw = irq == IRQ_VTIMER;

	if (is_v3()) {
		return irq | V3_PENDING | V3_GROUP1 |
		       priority << V3_PRIO_SHIFT |
		       (hw ? V3_HW | (uint64_t)irq << V3_PHYS_SHIFT :
			     report_end ? V3_EOI : 0);
	}
	return irq | V2_PENDING | priority >> 3 << V2_PRIO_SHIFT |
	       (hw ? V2_HW | (uint64_t)irq << V2_PHYS_SHIFT :
		     (uint64_t)source << V2_PHYS_SHIFT |
		     (report_end ? V2_EOI : 0));
}

/* Interrupts that want a list register: private ones, SPIs above them. */
static uint64_t ready(struct vcpu *vcpu)
{
	const struct vgic_bank *own = &vcpu->vgic.own;
	const struct vgic *vgic = &vcpu->vm->vgic;
	const struct vgic_bank *spi = &vgic->spi;
	uint64_t mine;
	uint32_t all;

	if ((vgic->ctlr & 3) == 0) {
		return 0;
	}
	mine = (own->pending | (own->line & ~own->edge)) & own->enabled &
	       ~own->inflight;
	all = (spi->pending | (spi->line & ~spi->edge)) & spi->enabled &
	      ~spi->inflight;
	for (; all != 0; all &= all - 1) {
		uint32_t n = (uint32_t)__builtin_ctz(all);

		if ((vgic->target[n] & BIT(vcpu->id)) != 0) {
			mine |= BIT(VGIC_PRIVATE + n);
		}
	}
	return mine;
}

/* The one of @irqs that goes first. */
static uint32_t most_urgent(struct vcpu *vcpu, uint64_t irqs)
{
	uint32_t best = (uint32_t)__builtin_ctzll(irqs);

	for (irqs &= irqs - 1; irqs != 0; irqs &= irqs - 1) {
		uint32_t irq = (uint32_t)__builtin_ctzll(irqs);

		if (bank_of(vcpu, irq)->priority[irq % 32] <
		    bank_of(vcpu, best)->priority[best % 32]) {
			best = irq;
		}
	}
	return best;
}

static void release_lr(struct vcpu *vcpu, uint32_t n)
{
	uint32_t irq = vcpu->vgic.lr_irq[n];

	lr_write(vcpu, n, 0);
	vcpu->vgic.lr_used &= ~(uint32_t)BIT(n);
	bank_of(vcpu, irq)->inflight &= ~bit_of(irq);
}

/* The VM ends what is active in list register @n. Locks: vgic is held */
void vgic_end(struct vcpu *vcpu, uint32_t n)
{
	if (vcpu->vgic.lr_irq[n] == IRQ_VTIMER) {
		gic_set_active(IRQ_VTIMER, false);
	}
	release_lr(vcpu, n);
}

/* What waits in list register @n is pending in the distributor again. */
static void pull_back(struct vcpu *vcpu, uint32_t n, uint64_t value)
{
	uint32_t irq = vcpu->vgic.lr_irq[n];
	struct vgic_bank *bank = bank_of(vcpu, irq);

	if (irq < NR_SGIS && !is_v3()) {
		vcpu->vgic.sources[irq] |=
			(uint8_t)BIT(value >> V2_PHYS_SHIFT & 7);
	}
	if (irq == IRQ_VTIMER || (bank->edge & bit_of(irq)) != 0) {
		bank->pending |= bit_of(irq);
	}
	release_lr(vcpu, n);
}

/* Takes back what the VM is done with, and with @all what it has not seen. */
static void fold(struct vcpu *vcpu, bool all)
{
	uint32_t used = vcpu->vgic.lr_used;

	for (; used != 0; used &= used - 1) {
		uint32_t n = (uint32_t)__builtin_ctz(used);
		uint64_t value = lr_read(vcpu, n);

		if ((value & (lr_pending | lr_active)) == 0) {
			release_lr(vcpu, n);
		} else if (all && (value & lr_active) == 0) {
			pull_back(vcpu, n, value);
		}
	}
}

static void give(struct vcpu *vcpu, uint32_t n, uint32_t irq)
{
	struct vgic_cpu *v = &vcpu->vgic;
	struct vgic_bank *bank = bank_of(vcpu, irq);
	uint32_t bit = bit_of(irq), source = 0;
	bool report_end = (bank->line & ~bank->edge & bit) != 0;

	bank->pending &= ~bit;
	if (irq < NR_SGIS && !is_v3() && v->sources[irq] != 0) {
		source = (uint32_t)__builtin_ctz(v->sources[irq]);
		v->sources[irq] &= (uint8_t)(v->sources[irq] - 1);
		if (v->sources[irq] != 0) {
			bank->pending |= bit;
			report_end = true;
		}
	}
	bank->inflight |= bit;
	v->lr_irq[n] = (uint8_t)irq;
	v->lr_used |= (uint32_t)BIT(n);
	lr_write(vcpu, n, lr_value(vcpu, irq, source, report_end));
}

/* Reports when the list registers run empty. */
static void set_starved(struct vcpu *vcpu, bool starved)
{
	if (vcpu->vgic.starved == starved) {
		return;
	}
	vcpu->vgic.starved = starved;
	if (is_v3()) {
		vcpu->shared->vgic.hcr = starved ? HCR_UIE : 0;
	} else if (is_loaded(vcpu)) {
		mmio_write32(gich(GICH_HCR),
			     HCR_EN | (starved ? HCR_UIE : 0));
	}
}

/*
 * An interrupt that is pending again while a list register has it: the same
 * one if the VM has not taken it yet, the next one if it has, which comes when
 * the VM ends this one.
 */
static void pend_again(struct vcpu *vcpu, uint32_t n)
{
	uint32_t irq = vcpu->vgic.lr_irq[n];
	struct vgic_bank *bank = bank_of(vcpu, irq);
	uint8_t *sources = &vcpu->vgic.sources[irq % NR_SGIS];
	uint64_t value;

	if ((bank->pending & bank->enabled & bit_of(irq)) == 0 ||
	    irq == IRQ_VTIMER) {
		return;
	}
	value = lr_read(vcpu, n);
	if ((value & lr_active) == 0) {
		if (irq < NR_SGIS && !is_v3()) {
			*sources &= (uint8_t)~BIT(value >> V2_PHYS_SHIFT & 7);
		}
		if (irq >= NR_SGIS || is_v3() || *sources == 0) {
			bank->pending &= ~bit_of(irq);
			return;
		}
	}
	lr_write(vcpu, n, value | (is_v3() ? V3_EOI : V2_EOI));
}

static void give_free(struct vcpu *vcpu)
{
	uint32_t free = (uint32_t)(BIT(nr_lrs(vcpu)) - 1) &
			~vcpu->vgic.lr_used;
	uint64_t irqs = ready(vcpu);

	while (irqs != 0 && free != 0) {
		uint32_t n = (uint32_t)__builtin_ctz(free);
		uint32_t irq = most_urgent(vcpu, irqs);

		give(vcpu, n, irq);
		irqs &= ~BIT(irq);
		free &= free - 1;
	}
	set_starved(vcpu, irqs != 0);
}

static void fill(struct vcpu *vcpu)
{
	for (uint32_t used = vcpu->vgic.lr_used; used != 0; used &= used - 1) {
		pend_again(vcpu, (uint32_t)__builtin_ctz(used));
	}
	give_free(vcpu);
}

/**
 * vgic_flush() - put what is ready into list registers
 * @vcpu: loaded on this CPU, about to run
 */
void vgic_flush(struct vcpu *vcpu)
{
	if (!__atomic_load_n(&vcpu->vgic.dirty, __ATOMIC_ACQUIRE)) {
		return;
	}
	lock_acquire(&vcpu->vm->vgic.lock);
	vcpu->vgic.dirty = false;
	fold(vcpu, false);
	fill(vcpu);
	lock_release(&vcpu->vm->vgic.lock);
}

/**
 * vgic_recall() - make the distributor's view complete
 * @vcpu: loaded on this CPU
 *
 * Locks: the VM's vgic lock is held
 */
void vgic_recall(struct vcpu *vcpu)
{
	fold(vcpu, true);
	vcpu->vgic.dirty = true;
}

/**
 * vgic_maintenance() - a list register reports its end, or they run empty
 * @vcpu: loaded on this CPU
 */
void vgic_maintenance(struct vcpu *vcpu)
{
	lock_acquire(&vcpu->vm->vgic.lock);
	fold(vcpu, false);
	set_starved(vcpu, false);
	vcpu->vgic.dirty = true;
	lock_release(&vcpu->vm->vgic.lock);
}

/**
 * vgic_load() - this CPU's virtual interface becomes the vCPU's
 */
void vgic_load(struct vcpu *vcpu)
{
	struct vgic_cpu *v = &vcpu->vgic;
	uint32_t vtimer = (v->own.inflight | v->own.pending) & VTIMER_BIT;

	this_cpu()->loaded = vcpu;
	if (!is_v3()) {
		for (uint32_t n = 0; n < nr_lrs_v2; n++) {
			mmio_write32(gich(GICH_LR(n)),
				     (v->lr_used & BIT(n)) != 0 ?
				     (uint32_t)v->lr[n] : 0);
		}
		mmio_write32(gich(GICH_VMCR), v->vmcr);
		mmio_write32(gich(GICH_APR), v->apr);
		mmio_write32(gich(GICH_HCR),
			     HCR_EN | (v->starved ? HCR_UIE : 0));
	}
	gic_set_active(IRQ_VTIMER, vtimer != 0);
}

/**
 * vgic_put() - take the vCPU's virtual interface off this CPU
 * @vcpu: loaded on this CPU, whose interrupts have all been taken
 *
 * The virtual timer's interrupt is left active, since the timer may be left
 * firing: nobody wants to hear of it before the next vCPU is loaded.
 */
void vgic_put(struct vcpu *vcpu)
{
	struct vgic_cpu *v = &vcpu->vgic;

	if (!is_v3()) {
		for (uint32_t n = 0; n < nr_lrs_v2; n++) {
			if ((v->lr_used & BIT(n)) != 0) {
				v->lr[n] = mmio_read32(gich(GICH_LR(n)));
			}
		}
		v->vmcr = mmio_read32(gich(GICH_VMCR));
		v->apr = mmio_read32(gich(GICH_APR));
		mmio_write32(gich(GICH_HCR), 0);
	}
	this_cpu()->loaded = NULL;
	/* A timer interrupt that the VM has ended shall not be active again. */
	lock_acquire(&vcpu->vm->vgic.lock);
	fold(vcpu, false);
	lock_release(&vcpu->vm->vgic.lock);
}

/**
 * vgic_has_pending() - is there an interrupt that ends a WFI?
 * @vcpu: not running
 */
bool vgic_has_pending(struct vcpu *vcpu)
{
	uint32_t used;
	bool pending;

	lock_acquire(&vcpu->vm->vgic.lock);
	pending = ready(vcpu) != 0;
	for (used = vcpu->vgic.lr_used; used != 0 && !pending;
	     used &= used - 1) {
		pending = (lr_read(vcpu, (uint32_t)__builtin_ctz(used)) &
			   lr_pending) != 0;
	}
	lock_release(&vcpu->vm->vgic.lock);
	return pending;
}

/* Has @vcpu look again. Locks: the VM's vgic lock is held */
void vgic_changed_cpu(struct vcpu *vcpu)
{
	__atomic_store_n(&vcpu->vgic.dirty, true, __ATOMIC_RELEASE);
}

/* All of them; those to wake. Locks: the VM's vgic lock is held */
uint32_t vgic_changed(struct vm *vm)
{
	uint32_t wanted = 0;

	for (uint32_t i = 0; i < vm->nr_vcpus; i++) {
		vgic_changed_cpu(&vm->vcpus[i]);
		if (ready(&vm->vcpus[i]) != 0) {
			wanted |= (uint32_t)BIT(i);
		}
	}
	return wanted;
}

/* The first vCPU that SPI @n goes to, told of it; NULL if there is none. */
static struct vcpu *tell_target(struct vm *vm, uint32_t n)
{
	uint32_t targets = vm->vgic.target[n] &
			   (uint32_t)(BIT(vm->nr_vcpus) - 1);
	struct vcpu *vcpu;

	if (targets == 0) {
		return NULL;
	}
	vcpu = &vm->vcpus[__builtin_ctz(targets)];
	vgic_changed_cpu(vcpu);
	return vcpu;
}

static void wake(struct vcpu *vcpu)
{
	if (vcpu != NULL && this_cpu()->loaded != vcpu) {
		sched_wake(&vcpu->task);
	}
}

/* Wakes a mask of vCPUs. Locks: scheduler */
void vgic_wake(struct vm *vm, uint32_t vcpus)
{
	for (; vcpus != 0; vcpus &= vcpus - 1) {
		wake(&vm->vcpus[__builtin_ctz(vcpus)]);
	}
}

/**
 * vgic_set_line() - the level of a device's interrupt
 * @vm:    whose device
 * @irq:   an SPI
 * @level: asserted
 *
 * Locks: vgic, then scheduler
 */
void vgic_set_line(struct vm *vm, uint32_t irq, bool level)
{
	struct vgic_bank *spi = &vm->vgic.spi;
	struct vcpu *vcpu = NULL;
	uint32_t bit = bit_of(irq);

	lock_acquire(&vm->vgic.lock);
	if (((spi->line & bit) != 0) != level) {
		spi->line ^= bit;
		if (level) {
			spi->pending |= spi->edge & bit;
			vcpu = tell_target(vm, irq - VGIC_PRIVATE);
		}
	}
	lock_release(&vm->vgic.lock);
	wake(vcpu);
}

/**
 * vgic_raise() - an edge of a device's interrupt
 * @vm:  whose device
 * @irq: an SPI
 *
 * Locks: vgic, then scheduler
 */
void vgic_raise(struct vm *vm, uint32_t irq)
{
	struct vcpu *vcpu;

	lock_acquire(&vm->vgic.lock);
	vm->vgic.spi.pending |= bit_of(irq);
	vcpu = tell_target(vm, irq - VGIC_PRIVATE);
	lock_release(&vm->vgic.lock);
	wake(vcpu);
}

/**
 * vgic_vtimer() - the virtual timer of a vCPU has fired
 * @vcpu: its physical interrupt is active, or will be when it is loaded
 */
void vgic_vtimer(struct vcpu *vcpu)
{
	lock_acquire(&vcpu->vm->vgic.lock);
	vcpu->vgic.own.pending |= VTIMER_BIT;
	vgic_changed_cpu(vcpu);
	lock_release(&vcpu->vm->vgic.lock);
}

/**
 * vgic_vtimer_due() - the virtual timer of a vCPU that waited has fired
 * @vcpu: not loaded
 *
 * Spares it the physical interrupt, unless it has one in hand.
 */
void vgic_vtimer_due(struct vcpu *vcpu)
{
	lock_acquire(&vcpu->vm->vgic.lock);
	fold(vcpu, false);
	if ((vcpu->vgic.own.inflight & VTIMER_BIT) == 0) {
		vcpu->vgic.own.pending |= VTIMER_BIT;
		vgic_changed_cpu(vcpu);
	}
	lock_release(&vcpu->vm->vgic.lock);
}

/**
 * vgic_sgi() - a vCPU interrupts others of its VM
 * @from:    the sender
 * @sgi:     0 to 15
 * @targets: mask of vCPUs; what does not exist is ignored
 */
void vgic_sgi(struct vcpu *from, uint32_t sgi, uint32_t targets)
{
	struct vm *vm = from->vm;
	uint32_t left = targets & (uint32_t)(BIT(vm->nr_vcpus) - 1);

	lock_acquire(&vm->vgic.lock);
	for (targets = left; left != 0; left &= left - 1) {
		struct vcpu *to = &vm->vcpus[__builtin_ctz(left)];

		to->vgic.own.pending |= (uint32_t)BIT(sgi);
		to->vgic.sources[sgi] |= (uint8_t)BIT(from->id);
		vgic_changed_cpu(to);
	}
	lock_release(&vm->vgic.lock);
	vgic_wake(vm, targets);
}

/**
 * vgic_reset() - as after power-on
 */
void vgic_reset(struct vm *vm)
{
	struct vgic *vgic = &vm->vgic;

	vgic->ctlr = 0;
	memset(&vgic->spi, 0, sizeof(vgic->spi));
	memset(vgic->target, 1, sizeof(vgic->target));
	vgic->spi.edge = bit_of(HOSTVISOR_IRQ_RING);
}

/* The same of a vCPU that is off. Locks: vgic */
void vgic_reset_cpu(struct vcpu *vcpu)
{
	struct vgic_cpu *v = &vcpu->vgic;

	lock_acquire(&vcpu->vm->vgic.lock);
	memset(v, 0, sizeof(*v));
	v->own.edge = 0xffff;
	v->own.enabled = 0xffff;
	if (is_v3()) {
		for (uint32_t n = 0; n < HYPSEC_VGIC_LRS; n++) {
			vcpu->shared->vgic.lr[n] = 0;
		}
		vcpu->shared->vgic.hcr = 0;
	}
	lock_release(&vcpu->vm->vgic.lock);
}
