/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Channels of the board's DMA tester as devices of VMs: a bank of the SMMU
 * with the pages that they may reach, their streams, and their registers in
 * the VM. All of it is there before EL2 verifies the VM; the VM itself lets
 * the DMA begin. Interrupts are not passed on.
 */
#include "dma.h"

#include <string.h>

#include "alloc.h"
#include "vm.h"

#include "hostvisor/device.h"

/* Bounds a hang: time goes on while QEMU is kept from working. */
#define WAIT_US		60000000u
#define GIVEN_BYTE	0xd1
#define CANARY_BYTE	0xca

/* The host's own, which VMs are told of so that they can try it. */
static uint8_t canary[4096] __attribute__((aligned(4096)));

void dma_start(unsigned int channel, struct hypsec_dma_desc *desc,
	       uint32_t ctrl)
{
	uint64_t base = dma_base(channel), pa = (uintptr_t)desc;

	dsb_sy();
	mmio_write32(base + HYPSEC_DMA_CTRL, HYPSEC_DMA_CTRL_RESET);
	mmio_write32(base + HYPSEC_DMA_DESC, (uint32_t)pa);
	mmio_write32(base + HYPSEC_DMA_DESC + 4, (uint32_t)(pa >> 32));
	mmio_write32(base + HYPSEC_DMA_COUNT, 1);
	mmio_write32(base + HYPSEC_DMA_CTRL, ctrl | HYPSEC_DMA_CTRL_START);
}

uint32_t dma_wait(unsigned int channel)
{
	uint64_t limit = counter() + us_to_ticks(WAIT_US);
	uint64_t base = dma_base(channel);

	while ((mmio_read32(base + HYPSEC_DMA_STATUS) &
		HYPSEC_DMA_STATUS_BUSY) != 0) {
		if (counter() > limit) {
			return DMA_LATE;
		}
	}
	dsb_sy();
	return mmio_read32(base + HYPSEC_DMA_ERROR);
}

unsigned int dma_spare_channel(void)
{
	unsigned int channel = 0;
	uint64_t taken = 0;

	if (board.dma.size == 0) {
		return HYPSEC_DMA_CHANNELS;
	}
	for (unsigned int i = 0; i < nr_vms; i++) {
		taken |= vms[i]->config.dma;
	}
	while (channel < HYPSEC_DMA_CHANNELS && (taken & BIT(channel)) != 0) {
		channel++;
	}
	return channel;
}

static bool refused(struct vm *vm, const char *what, int64_t result)
{
	print("vm%u: %s: %ld", vm->number, what, result);
	return false;
}

/* The first bank that is free. */
static bool take_bank(struct vm *vm)
{
	uint32_t bank = HYPSEC_SMMU_IDENTITY_BANK;
	int64_t result;

	do {
		result = hvc_call(HYPSEC_HVC_SMMU_ALLOC_PGD, ++bank, vm->vmid,
				  DMA_SMMU, 0);
	} while (result == HYPSEC_BUSY);
	if (result < 0) {
		return refused(vm, "SMMU_ALLOC_PGD", result);
	}
	vm->bank = bank;
	return true;
}

/* A page for the VM that its devices reach; one of its images stays. */
static bool map_page(struct vm *vm, uint64_t ipa)
{
	uint64_t there = vm_memory_find(vm, ipa);
	uint64_t pa = there != 0 ? there : vm_memory_new_page(vm, ipa);
	int64_t result;

	if (pa == 0) {
		return refused(vm, "no memory for DMA", 0);
	}
	if (there == 0) {
		/* The VM looks whether it gets it zeroed. */
		memset((void *)(uintptr_t)pa, GIVEN_BYTE, PAGE_SIZE);
		if (ipa == vm->config.dma_at) {
			attack_dma_loop(vm, pa);
		}
	}
	result = hvc_call5(HYPSEC_HVC_SMMU_LPAE_MAP, ipa, pa,
			   HYPSEC_SMMU_READ | HYPSEC_SMMU_WRITE, vm->bank,
			   DMA_SMMU);
	if (there == 0 && result >= 0) {
		vm_memory_add_page(vm, ipa, pa);
		keep(&vm->given, pa);
	} else if (there == 0) {
		free_page(pa);
	}
	return result >= 0 || refused(vm, "SMMU_LPAE_MAP", result);
}

/* From here on the registers are out of the host's reach. */
static bool give_channel(struct vm *vm, unsigned int channel)
{
	int64_t result = hvc_call(HYPSEC_HVC_SMMU_SET_STREAM, DMA_SMMU,
				  dma_stream(channel), vm->bank, 0);

	if (result < 0) {
		return refused(vm, "SMMU_SET_STREAM", result);
	}
	vm->channels |= BIT(channel);
	result = hvc_call(HYPSEC_HVC_PHYS_ADDR_IOREMAP, vm->vmid,
			  HOSTVISOR_DMA_BASE +
			  channel * HYPSEC_DMA_CHANNEL_BYTES,
			  dma_base(channel), HYPSEC_DMA_CHANNEL_BYTES);
	return result >= 0 || refused(vm, "PHYS_ADDR_IOREMAP", result);
}

/**
 * dma_give() - give a VM its channels, if it is to have any
 * @vm: loaded, not verified
 *
 * Returns: false with a message if EL2 refuses
 */
bool dma_give(struct vm *vm)
{
	const struct vm_config *config = &vm->config;

	if (config->dma == 0) {
		return true;
	}
	memset(canary, CANARY_BYTE, sizeof(canary));
	if (!take_bank(vm)) {
		return false;
	}
	for (uint64_t at = 0; at < config->dma_size; at += PAGE_SIZE) {
		if (!map_page(vm, config->dma_at + at)) {
			return false;
		}
	}
	attack_dma_looped(vm);
	for (unsigned int i = 0; i < HYPSEC_DMA_CHANNELS; i++) {
		if ((config->dma & BIT(i)) != 0 && !give_channel(vm, i)) {
			return false;
		}
	}
	attack_dma_given(vm);
	print_verbose("vm%u %s: channels 0x%lx go through bank %u", vm->number,
		      vm->name, vm->channels, vm->bank);
	return true;
}

/* One of the VM's had been running, or knows an address of the VM's. */
static bool is_reset(unsigned int channel)
{
	uint64_t base = dma_base(channel), desc;

	return try_read(base + HYPSEC_DMA_DESC, &desc) && desc == 0 &&
	       mmio_read32(base + HYPSEC_DMA_ID) == HYPSEC_DMA_ID_VALUE &&
	       mmio_read32(base + HYPSEC_DMA_CTRL) == 0 &&
	       mmio_read32(base + HYPSEC_DMA_STATUS) == 0 &&
	       mmio_read32(base + HYPSEC_DMA_DONE) == 0;
}

/**
 * dma_came_back() - look at channels of a VM that is gone
 * @vm: destroyed
 *
 * Returns: whether they are reset and the host's, and never wrote to it
 */
bool dma_came_back(struct vm *vm)
{
	bool good = true;

	for (unsigned int i = 0; i < HYPSEC_DMA_CHANNELS; i++) {
		if ((vm->channels & BIT(i)) != 0 && !is_reset(i)) {
			print("vm%u: channel %u did not come back reset",
			      vm->number, i);
			good = false;
		}
	}
	for (unsigned int i = 0; vm->channels != 0 && i < sizeof(canary);
	     i++) {
		if (*(volatile uint8_t *)&canary[i] != CANARY_BYTE) {
			print("vm%u: its DMA changed the host's memory",
			      vm->number);
			return false;
		}
	}
	return good;
}

/**
 * dma_victim() - what a VM's channels must not reach
 * @vm: asks
 * @n:  which
 *
 * Returns: a PA: of the host's memory, of another VM's, of EL2's, of the
 * SMMU's registers; 0 if there is none
 */
uint64_t dma_victim(const struct vm *vm, unsigned int n)
{
	switch (n) {
	case 0:
		return (uintptr_t)canary;
	case 1:
		for (unsigned int i = 0; i < nr_vms; i++) {
			if (vms[i] != vm && vms[i]->given.count != 0) {
				return vms[i]->given.pa[0];
			}
		}
		return 0;
	case 2:
		return board.ram[0].base + board.ram[0].size;
	default:
		return board.smmu[DMA_SMMU].base;
	}
}
