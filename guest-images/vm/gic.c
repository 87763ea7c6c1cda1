/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interrupt controller: GICv2, whose CPU interface is memory, or GICv3,
 * whose CPU interface is system registers. One handler takes all interrupts.
 */
#include "vm.h"

#define GICD			UINT64_C(0x08000000)
#define GICC			UINT64_C(0x08010000)
#define GICR			UINT64_C(0x080a0000)
#define GICR_STRIDE		UINT64_C(0x20000)
#define GICR_SGI		UINT64_C(0x10000)

#define GICD_CTLR		UINT64_C(0x0)
#define GICD_IGROUPR		UINT64_C(0x80)
#define GICD_ISENABLER		UINT64_C(0x100)
#define GICD_IPRIORITYR		UINT64_C(0x400)
#define GICD_ITARGETSR		UINT64_C(0x800)
#define GICD_SGIR		UINT64_C(0xf00)
#define GICC_CTLR		UINT64_C(0x0)
#define GICC_PMR		UINT64_C(0x4)
#define GICC_IAR		UINT64_C(0xc)
#define GICC_EOIR		UINT64_C(0x10)
#define GICR_WAKER		UINT64_C(0x14)

#define GICD_ENABLE_GROUP1	1u
#define GICD_V3_ENABLE		0x12u	/* ARE, group 1 */
#define GICR_ASLEEP		6u	/* ProcessorSleep, ChildrenAsleep */
#define PRIORITY		0xa0u
#define PRIORITIES_ALL		0xf8u
#define INTID_MASK		0x3ffu
#define FIRST_SPI		32u
#define WAKE_SECONDS		10u

static vm_irq_handler irq_handler;

/**
 * vm_gic_version() - which interrupt controller this VM has
 *
 * Returns: 2 or 3
 */
unsigned int vm_gic_version(void)
{
	/* EL2 answers each read of an ID register: once is enough. */
	static unsigned int version;

	if (!version) {
		version = (vm_sysreg_read(id_aa64pfr0_el1) >> 24) & 0xf ? 3 : 2;
	}
	return version;
}

static uint64_t redistributor(void)
{
	return GICR + vm_vcpu() * GICR_STRIDE;
}

/* Where this vCPU's private interrupts are set up. */
static uint64_t private_base(void)
{
	return vm_gic_version() == 3 ? redistributor() + GICR_SGI : GICD;
}

static void wake_redistributor(void)
{
	struct vm_deadline deadline = vm_deadline(WAKE_SECONDS);
	uint64_t waker = redistributor() + GICR_WAKER;

	vm_mmio_write(waker, 0);
	while (vm_mmio_read(waker) & GICR_ASLEEP) {
		vm_relax(&deadline, "the redistributor");
	}
}

/**
 * vm_irq_init_vcpu() - interrupts of this vCPU; they stay masked by PSTATE
 */
void vm_irq_init_vcpu(void)
{
	if (vm_gic_version() == 3) {
		wake_redistributor();
		vm_sysreg_write(s3_0_c12_c12_5, 7);	/* ICC_SRE_EL1 */
		vm_isb();
		vm_sysreg_write(s3_0_c4_c6_0, PRIORITIES_ALL); /* ICC_PMR_EL1 */
		vm_sysreg_write(s3_0_c12_c12_7, 1);	/* ICC_IGRPEN1_EL1 */
		vm_isb();
		vm_mmio_write(private_base() + GICD_IGROUPR, 0xffffffff);
	} else {
		vm_mmio_write(GICC + GICC_PMR, PRIORITIES_ALL);
		vm_mmio_write(GICC + GICC_CTLR, 1);
	}
	/* Software-generated interrupts. */
	vm_mmio_write(private_base() + GICD_ISENABLER, 0xffff);
}

/**
 * vm_irq_init() - the distributor, and interrupts of this vCPU
 * @handler: called for each interrupt, with interrupts masked
 */
void vm_irq_init(vm_irq_handler handler)
{
	irq_handler = handler;
	vm_mmio_write(GICD + GICD_CTLR, vm_gic_version() == 3 ?
		      GICD_V3_ENABLE : GICD_ENABLE_GROUP1);
	vm_irq_init_vcpu();
}

/**
 * vm_irq_enable() - let an interrupt come
 * @intid: private ones for this vCPU, others for vCPU 0
 */
void vm_irq_enable(unsigned int intid)
{
	uint64_t base = intid < FIRST_SPI ? private_base() : GICD;

	vm_mmio_write8(base + GICD_IPRIORITYR + intid, PRIORITY);
	if (intid >= FIRST_SPI && vm_gic_version() == 2) {
		vm_mmio_write8(base + GICD_ITARGETSR + intid, 1);
	}
	vm_mmio_write(base + GICD_ISENABLER + intid / 32 * 4,
		      1u << (intid % 32));
}

/**
 * vm_send_sgi() - interrupt a vCPU
 * @vcpu: which
 * @sgi:  0 to 15
 */
void vm_send_sgi(unsigned int vcpu, unsigned int sgi)
{
	__asm__ volatile("dsb ish" ::: "memory");
	if (vm_gic_version() == 3) {
		/* ICC_SGI1R_EL1 */
		vm_sysreg_write(s3_0_c12_c11_5,
				(uint64_t)sgi << 24 | UINT64_C(1) << vcpu);
		vm_isb();
	} else {
		vm_mmio_write(GICD + GICD_SGIR, 1u << (16 + vcpu) | sgi);
	}
}

/* Takes one interrupt; called with interrupts masked. */
void vm_irq(void)
{
	uint32_t iar;

	if (vm_gic_version() == 3) {
		iar = (uint32_t)vm_sysreg_read(s3_0_c12_c12_0);
		__asm__ volatile("dsb sy" ::: "memory");
	} else {
		iar = vm_mmio_read(GICC + GICC_IAR);
	}
	if ((iar & INTID_MASK) >= VM_SPURIOUS - 3) {
		return;
	}
	if (irq_handler) {
		irq_handler(iar & INTID_MASK);
	}
	if (vm_gic_version() == 3) {
		vm_sysreg_write(s3_0_c12_c12_1, iar);
		vm_isb();
	} else {
		vm_mmio_write(GICC + GICC_EOIR, iar);
	}
}
