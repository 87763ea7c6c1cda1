/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Accesses of a VM to the devices that the host emulates. */
#include "dt.h"
#include "vm.h"

#include "hostvisor/device.h"

#define DIST_BYTES	0x10000u
#define REDIST_BYTES	(MAX_VCPUS * 0x20000u)

/* An access; @value is what is written, or gets what is read. */
struct access {
	uint64_t ipa;
	uint32_t size;
	bool write;
	uint64_t value;
};

static bool in_window(const struct access *a, uint64_t base, uint64_t bytes)
{
	return a->ipa >= base && a->ipa < base + bytes;
}

static bool access_dist(struct vcpu *vcpu, struct access *a)
{
	uint32_t offset = (uint32_t)(a->ipa - HOSTVISOR_GICD_BASE);

	return a->write ? vgic_dist_write(vcpu, offset, a->size, a->value) :
			  vgic_dist_read(vcpu, offset, a->size, &a->value);
}

static bool access_redist(struct vcpu *vcpu, struct access *a)
{
	uint32_t offset = (uint32_t)(a->ipa - HOSTVISOR_GICR_BASE);

	return a->write ? vgic_redist_write(vcpu, offset, a->size, a->value) :
			  vgic_redist_read(vcpu, offset, a->size, &a->value);
}

static bool access_uart(struct vcpu *vcpu, struct access *a)
{
	uint32_t offset = (uint32_t)(a->ipa - HOSTVISOR_UART_BASE);

	if (a->write) {
		vpl011_write(vcpu->vm, offset & ~3u, a->value);
	} else {
		a->value = vpl011_read(vcpu->vm, offset & ~3u);
	}
	return true;
}

static bool access_device(struct vcpu *vcpu, struct access *a)
{
	uint32_t offset = (uint32_t)(a->ipa - HOSTVISOR_DEVICE_BASE);

	if (a->size < 4 || offset % 8 != 0) {
		return false;
	}
	return a->write ? device_write(vcpu, offset, a->value) :
			  device_read(vcpu, offset, &a->value);
}

static bool access(struct vcpu *vcpu, struct access *a)
{
	if (a->ipa % a->size != 0) {
		return false;
	}
	if (in_window(a, HOSTVISOR_UART_BASE, PAGE_SIZE)) {
		return access_uart(vcpu, a);
	}
	if (in_window(a, HOSTVISOR_GICD_BASE, DIST_BYTES)) {
		return access_dist(vcpu, a);
	}
	if (in_window(a, HOSTVISOR_DEVICE_BASE, PAGE_SIZE)) {
		return access_device(vcpu, a);
	}
	if (board.gic_version == 3 &&
	    in_window(a, HOSTVISOR_GICR_BASE, REDIST_BYTES)) {
		return access_redist(vcpu, a);
	}
	return false;
}

/**
 * mmio_exit() - answer an access below RAM
 * @vcpu: out on it
 * @esr:  as EL2 released it: ISV, SAS, SRT and WnR are there
 * @ipa:  of the access
 */
void mmio_exit(struct vcpu *vcpu, uint64_t esr, uint64_t ipa)
{
	volatile struct hypsec_vcpu *shared = vcpu->shared;
	uint32_t reg = (uint32_t)(esr >> 16 & 0x1f);
	struct access a = {
		.ipa = ipa,
		.size = 1u << (esr >> 22 & 3),
		.write = (esr & BIT(6)) != 0,
	};

	/* Register 31 is zero. */
	if (a.write && reg < 31) {
		a.value = shared->regs[reg];
	}
	if (!access(vcpu, &a)) {
		print_verbose("vm%u: vcpu %u: no device at 0x%lx",
			      vcpu->vm->number, vcpu->id, ipa);
		shared->answer = HYPSEC_ANSWER_ABORT;
		return;
	}
	if (!a.write && reg < 31) {
		shared->regs[reg] = a.value;
	}
	shared->answer = HYPSEC_ANSWER_DONE;
}
