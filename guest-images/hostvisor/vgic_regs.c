/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The registers of a VM's distributor, and of a GICv3's redistributors and
 * SGI register. What Linux and small guests use is there; groups are ignored,
 * unknown registers read as zero.
 *
 * Locks: the VM's vgic lock, for each access.
 */
#include "dt.h"
#include "gic.h"
#include "vm.h"

#define DIST_IIDR		0x008
#define DIST_IGROUPR		0x080
#define DIST_ISENABLER		0x100
#define DIST_ICENABLER		0x180
#define DIST_ISPENDR		0x200
#define DIST_ICPENDR		0x280
#define DIST_ISACTIVER		0x300
#define DIST_ICACTIVER		0x380
#define DIST_IPRIORITYR		0x400
#define DIST_ITARGETSR		0x800
#define DIST_ICFGR		0xc00
#define DIST_ICFGR_END		0xd00
#define DIST_SGIR		0xf00
#define DIST_V2_PIDR2		0xfe8
#define DIST_IROUTER		0x6100
#define DIST_IROUTER_END	0x6200
#define DIST_V3_PIDR2		0xffe8

#define IIDR_VALUE		0x0000043bu
#define PIDR2_V2		0x2bu
#define PIDR2_V3		0x3bu
#define TYPER_V3_IDBITS		(9u << 19)
#define CTLR_V3_ARE		BIT(4)
#define CTLR_ENABLE		3u

#define REDIST_STRIDE		0x20000u
#define REDIST_SGI_FRAME	0x10000u
#define REDIST_IIDR		0x0004
#define REDIST_TYPER		0x0008
#define REDIST_TYPER_HIGH	0x000c
#define REDIST_WAKER		0x0014
#define REDIST_TYPER_LAST	BIT(4)
#define WAKER_SLEEP		BIT(1)
#define WAKER_ASLEEP		BIT(2)

#define SGI1R_ALL_OTHERS	BIT(40)

/* The interrupts of 32-bit register @index; NULL: this VM has none there. */
static struct vgic_bank *bank_at(struct vcpu *vcpu, uint32_t index)
{
	switch (index) {
	case 0:
		return &vcpu->vgic.own;
	case 1:
		return &vcpu->vm->vgic.spi;
	default:
		return NULL;
	}
}

/* Two bits for each interrupt: the upper one is "edge". */
static uint32_t config_read(const struct vgic_bank *bank, uint32_t half)
{
	uint32_t value = 0;

	for (uint32_t i = 0; i < 16; i++) {
		if ((bank->edge & BIT(half * 16 + i)) != 0) {
			value |= 2u << i * 2;
		}
	}
	return value;
}

static void config_write(struct vgic_bank *bank, uint32_t half, uint32_t value)
{
	for (uint32_t i = 0; i < 16; i++) {
		uint32_t bit = (uint32_t)BIT(half * 16 + i);

		bank->edge = (value & 2u << i * 2) != 0 ? bank->edge | bit :
							  bank->edge & ~bit;
	}
}

static uint32_t bytes_read(const uint8_t *bytes, uint32_t size)
{
	uint32_t value = 0;

	for (uint32_t i = size; i-- > 0;) {
		value = value << 8 | bytes[i];
	}
	return value;
}

static void bytes_write(uint8_t *bytes, uint32_t size, uint32_t value)
{
	for (uint32_t i = 0; i < size; i++) {
		bytes[i] = (uint8_t)(value >> i * 8);
	}
}

/* Registers that have one bit for each interrupt. */
static uint32_t bits_read(const struct vgic_bank *bank, uint32_t group)
{
	switch (group) {
	case DIST_ISENABLER:
	case DIST_ICENABLER:
		return bank->enabled;
	case DIST_ISPENDR:
	case DIST_ICPENDR:
		return bank->pending | (bank->line & ~bank->edge);
	case DIST_ISACTIVER:
	case DIST_ICACTIVER:
		return bank->inflight;
	default:
		return 0;
	}
}

/*
 * Ends interrupts that the VM has begun. List registers belong to the CPU that
 * has their vCPU loaded, so a vCPU can end its own only.
 */
static void deactivate(struct vcpu *vcpu, uint32_t first, uint32_t bits)
{
	struct vgic_cpu *v = &vcpu->vgic;

	if (this_cpu()->loaded != vcpu) {
		return;
	}
	for (uint32_t used = v->lr_used; used != 0; used &= used - 1) {
		uint32_t n = (uint32_t)__builtin_ctz(used);
		uint32_t irq = v->lr_irq[n];

		if (irq >= first && irq < first + 32 &&
		    (bits & BIT(irq - first)) != 0) {
			vgic_end(vcpu, n);
		}
	}
}

static void bits_write(struct vcpu *vcpu, struct vgic_bank *bank,
		       uint32_t group, uint32_t bits)
{
	uint32_t first = bank == &vcpu->vgic.own ? 0 : VGIC_PRIVATE;
	/* SGIs cannot be disabled. */
	uint32_t fixed = first == 0 ? 0xffff : 0;

	switch (group) {
	case DIST_ISENABLER:
		bank->enabled |= bits;
		break;
	case DIST_ICENABLER:
		bank->enabled &= ~bits | fixed;
		break;
	case DIST_ISPENDR:
		bank->pending |= bits & ~fixed;
		break;
	case DIST_ICPENDR:
		bank->pending &= ~bits | fixed;
		break;
	case DIST_ICACTIVER:
		deactivate(vcpu, first, bits);
		break;
	default:
		break;
	}
}

/* Registers that distributor and redistributor have alike. */
static bool common_read(struct vcpu *vcpu, uint32_t offset, uint32_t size,
			uint64_t *value)
{
	const struct vgic_bank *bank;

	*value = 0;
	if (size > 4) {
		return false;
	}
	if (offset >= DIST_IPRIORITYR && offset < DIST_ITARGETSR) {
		bank = bank_at(vcpu, (offset - DIST_IPRIORITYR) / 32);
		if (bank != NULL) {
			*value = bytes_read(&bank->priority[offset % 32],
					    size);
		}
		return true;
	}
	if (size != 4) {
		return false;
	}
	if (offset >= DIST_ICFGR && offset < DIST_ICFGR_END) {
		bank = bank_at(vcpu, (offset - DIST_ICFGR) / 8);
		if (bank != NULL) {
			*value = config_read(bank, offset / 4 % 2);
		}
	} else if (offset >= DIST_IGROUPR && offset < DIST_IPRIORITYR) {
		bank = bank_at(vcpu, offset % 0x80 / 4);
		if (bank != NULL) {
			*value = bits_read(bank, offset & ~0x7fu);
		}
	}
	return true;
}

static bool common_write(struct vcpu *vcpu, uint32_t offset, uint32_t size,
			 uint32_t value)
{
	struct vgic_bank *bank;

	if (size > 4) {
		return false;
	}
	if (offset >= DIST_IPRIORITYR && offset < DIST_ITARGETSR) {
		bank = bank_at(vcpu, (offset - DIST_IPRIORITYR) / 32);
		if (bank != NULL) {
			bytes_write(&bank->priority[offset % 32], size, value);
		}
		return true;
	}
	if (size != 4) {
		return false;
	}
	if (offset >= DIST_ICFGR && offset < DIST_ICFGR_END) {
		bank = bank_at(vcpu, (offset - DIST_ICFGR) / 8);
		/* SGIs are edges. */
		if (bank != NULL && offset != DIST_ICFGR) {
			config_write(bank, offset / 4 % 2, value);
		}
	} else if (offset >= DIST_IGROUPR && offset < DIST_IPRIORITYR) {
		bank = bank_at(vcpu, offset % 0x80 / 4);
		if (bank != NULL) {
			bits_write(vcpu, bank, offset & ~0x7fu, value);
		}
	}
	return true;
}

/* Whose interrupt @irq is, as the version's register says it. */
static bool targets_read(struct vcpu *vcpu, uint32_t offset, uint32_t size,
			 uint64_t *value)
{
	uint32_t irq = offset - DIST_ITARGETSR;

	*value = 0;
	if (size > 4) {
		return false;
	}
	if (irq < VGIC_PRIVATE) {
		for (uint32_t i = 0; i < size; i++) {
			*value |= BIT(vcpu->id) << i * 8;
		}
	} else if (irq < VGIC_IRQS) {
		*value = bytes_read(&vcpu->vm->vgic.target[irq - VGIC_PRIVATE],
				    size);
	}
	return true;
}

static uint32_t typer(const struct vcpu *vcpu)
{
	uint32_t value = VGIC_IRQS / 32 - 1;

	return board.gic_version == 3 ? value | TYPER_V3_IDBITS :
					value | (vcpu->vm->nr_vcpus - 1) << 5;
}

/* GICD_IROUTER of an SPI, half of it with 4 bytes. */
static uint64_t router_read(struct vcpu *vcpu, uint32_t offset)
{
	uint8_t target = vcpu->vm->vgic.target[(offset - DIST_IROUTER) / 8];

	return offset % 8 == 0 && target != 0 ?
	       (uint64_t)__builtin_ctz(target) : 0;
}

static void router_write(struct vcpu *vcpu, uint32_t offset, uint64_t value)
{
	uint64_t affinity = value & 0xffffff;

	if (offset % 8 == 0) {
		vcpu->vm->vgic.target[(offset - DIST_IROUTER) / 8] =
			affinity < MAX_VCPUS ? (uint8_t)BIT(affinity) : 0;
	}
}

static bool dist_read(struct vcpu *vcpu, uint32_t offset, uint32_t size,
		      uint64_t *value)
{
	bool v3 = board.gic_version == 3;

	if (v3 && offset >= DIST_IROUTER && offset < DIST_IROUTER_END) {
		*value = router_read(vcpu, offset);
		return size >= 4;
	}
	if (!v3 && offset >= DIST_ITARGETSR && offset < DIST_ICFGR) {
		return targets_read(vcpu, offset, size, value);
	}
	if (size == 4) {
		switch (offset) {
		case GICD_CTLR:
			*value = vcpu->vm->vgic.ctlr;
			return true;
		case GICD_TYPER:
			*value = typer(vcpu);
			return true;
		case DIST_IIDR:
			*value = IIDR_VALUE;
			return true;
		case DIST_V2_PIDR2:
			*value = v3 ? 0 : PIDR2_V2;
			return true;
		case DIST_V3_PIDR2:
			*value = v3 ? PIDR2_V3 : 0;
			return true;
		default:
			break;
		}
	}
	return common_read(vcpu, offset, size, value);
}

static bool dist_write(struct vcpu *vcpu, uint32_t offset, uint32_t size,
		       uint64_t value)
{
	struct vgic *vgic = &vcpu->vm->vgic;
	bool v3 = board.gic_version == 3;

	if (v3 && offset >= DIST_IROUTER && offset < DIST_IROUTER_END) {
		router_write(vcpu, offset, value);
		return size >= 4;
	}
	if (!v3 && size <= 4 && offset >= DIST_ITARGETSR + VGIC_PRIVATE &&
	    offset < DIST_ITARGETSR + VGIC_IRQS) {
		bytes_write(&vgic->target[offset - DIST_ITARGETSR -
					  VGIC_PRIVATE], size,
			    (uint32_t)value);
		return true;
	}
	if (offset == GICD_CTLR && size == 4) {
		vgic->ctlr = (uint32_t)value & CTLR_ENABLE;
		if (v3) {
			vgic->ctlr |= (uint32_t)CTLR_V3_ARE;
		}
		return true;
	}
	return common_write(vcpu, offset, size, (uint32_t)value);
}

/* The vCPUs that a write of GICv2's SGIR names. */
static uint32_t sgir_targets(const struct vcpu *vcpu, uint32_t value)
{
	switch (value >> 24 & 3) {
	case 0:
		return value >> 16 & 0xff;
	case 1:
		return 0xff & ~(uint32_t)BIT(vcpu->id);
	case 2:
		return (uint32_t)BIT(vcpu->id);
	default:
		return 0;
	}
}

bool vgic_dist_read(struct vcpu *vcpu, uint32_t offset, uint32_t size,
		    uint64_t *value)
{
	bool known;

	lock_acquire(&vcpu->vm->vgic.lock);
	if (offset >= DIST_ISPENDR && offset < DIST_IPRIORITYR) {
		vgic_recall(vcpu);
	}
	known = dist_read(vcpu, offset, size, value);
	lock_release(&vcpu->vm->vgic.lock);
	return known;
}

bool vgic_dist_write(struct vcpu *vcpu, uint32_t offset, uint32_t size,
		     uint64_t value)
{
	uint32_t wanted;
	bool known;

	if (offset == DIST_SGIR && size == 4 && board.gic_version == 2) {
		vgic_sgi(vcpu, (uint32_t)value & 0xf,
			 sgir_targets(vcpu, (uint32_t)value));
		return true;
	}
	lock_acquire(&vcpu->vm->vgic.lock);
	vgic_recall(vcpu);
	known = dist_write(vcpu, offset, size, value);
	wanted = vgic_changed(vcpu->vm);
	lock_release(&vcpu->vm->vgic.lock);
	vgic_wake(vcpu->vm, wanted);
	return known;
}

static bool redist_read(struct vcpu *vcpu, uint32_t offset, uint32_t size,
			uint64_t *value)
{
	bool last = vcpu->id == vcpu->vm->nr_vcpus - 1;
	uint64_t id = vcpu->id;
	uint64_t type = id << 32 | id << 8 | (last ? REDIST_TYPER_LAST : 0);

	if (offset >= REDIST_SGI_FRAME) {
		return common_read(vcpu, offset - REDIST_SGI_FRAME, size,
				   value);
	}
	switch (offset) {
	case REDIST_IIDR:
		*value = IIDR_VALUE;
		break;
	case REDIST_TYPER:
		*value = size == 8 ? type : type & UINT32_MAX;
		break;
	case REDIST_TYPER_HIGH:
		*value = type >> 32;
		break;
	case REDIST_WAKER:
		*value = vcpu->vgic.asleep ? WAKER_SLEEP | WAKER_ASLEEP : 0;
		break;
	case DIST_V3_PIDR2:
		*value = PIDR2_V3;
		break;
	default:
		*value = 0;
		break;
	}
	return size >= 4;
}

/* The vCPU whose redistributor is at @offset, which becomes that in it. */
static struct vcpu *redist_of(struct vm *vm, uint32_t *offset)
{
	uint32_t n = *offset / REDIST_STRIDE;

	*offset %= REDIST_STRIDE;
	return n < vm->nr_vcpus ? &vm->vcpus[n] : NULL;
}

bool vgic_redist_read(struct vcpu *vcpu, uint32_t offset, uint32_t size,
		      uint64_t *value)
{
	struct vcpu *of = redist_of(vcpu->vm, &offset);
	bool known;

	if (of == NULL) {
		return false;
	}
	lock_acquire(&vcpu->vm->vgic.lock);
	if (of == vcpu) {
		vgic_recall(vcpu);
	}
	known = redist_read(of, offset, size, value);
	lock_release(&vcpu->vm->vgic.lock);
	return known;
}

bool vgic_redist_write(struct vcpu *vcpu, uint32_t offset, uint32_t size,
		       uint64_t value)
{
	struct vcpu *of = redist_of(vcpu->vm, &offset);
	bool known = size >= 4;

	if (of == NULL) {
		return false;
	}
	lock_acquire(&vcpu->vm->vgic.lock);
	if (of == vcpu) {
		vgic_recall(vcpu);
	}
	if (offset >= REDIST_SGI_FRAME) {
		known = common_write(of, offset - REDIST_SGI_FRAME, size,
				     (uint32_t)value);
	} else if (offset == REDIST_WAKER) {
		of->vgic.asleep = (value & WAKER_SLEEP) != 0;
	}
	vgic_changed_cpu(of);
	lock_release(&vcpu->vm->vgic.lock);
	return known;
}

/**
 * vgic_sgi1r() - a write of ICC_SGI1R_EL1: interrupt other vCPUs
 */
void vgic_sgi1r(struct vcpu *vcpu, uint64_t value)
{
	uint32_t targets = (uint32_t)(value & 0xffff);

	/* All vCPUs have affinities 0.0.0.id. */
	if ((value & SGI1R_ALL_OTHERS) != 0) {
		targets = 0xff & ~(uint32_t)BIT(vcpu->id);
	} else if ((value & UINT64_C(0x00ff00ff00ff0000)) != 0) {
		targets = 0;
	}
	vgic_sgi(vcpu, (uint32_t)(value >> 24 & 0xf), targets);
}
