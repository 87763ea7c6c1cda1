/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device through which a VM speaks with the host as such, and its ring.
 *
 * The ring is the VM's page: everything in it is what the VM wants it to be,
 * read once and bounded. The VM may take it away at any time, so that each
 * access may end in an abort. That is a violation by the host in EL2's eyes:
 * with on-violation=halt there must be no rings, or a VM stops the machine.
 */
#include "dt.h"
#include "vm.h"

#include "hostvisor/device.h"

static bool read_word(const struct ring *ring, uint32_t offset, uint32_t *value)
{
	uint64_t both;

	/* Eight bytes at once, of which one word is wanted. */
	if (!try_read(ring->pa + (offset & ~7u), &both)) {
		return false;
	}
	*value = (uint32_t)(both >> offset % 8 * 8);
	return true;
}

/* Moves what is in "out" to "in", as far as there is room; false: an abort. */
static bool echo(struct ring *ring)
{
	uint32_t sent, read, count;

	if (!read_word(ring, HOSTVISOR_RING_SENT, &sent) ||
	    !read_word(ring, HOSTVISOR_RING_READ, &read)) {
		return false;
	}
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	count = sent - ring->taken;
	if (count > HOSTVISOR_RING_BYTES ||
	    ring->echoed - read > HOSTVISOR_RING_BYTES) {
		return true;
	}
	if (count > HOSTVISOR_RING_BYTES - (ring->echoed - read)) {
		count = HOSTVISOR_RING_BYTES - (ring->echoed - read);
	}
	for (; count > 0; count--) {
		uint8_t byte;

		if (!try_read8(ring->pa + HOSTVISOR_RING_OUT +
			       ring->taken % HOSTVISOR_RING_BYTES, &byte) ||
		    !try_write8(ring->pa + HOSTVISOR_RING_IN +
				ring->echoed % HOSTVISOR_RING_BYTES, byte)) {
			return false;
		}
		ring->taken++;
		ring->echoed++;
	}
	__atomic_thread_fence(__ATOMIC_RELEASE);
	return try_write32(ring->pa + HOSTVISOR_RING_TAKEN, ring->taken) &&
	       try_write32(ring->pa + HOSTVISOR_RING_ECHOED, ring->echoed);
}

static void kick(struct vm *vm)
{
	bool attached;

	lock_acquire(&vm->lock);
	attached = vm->ring.pa != 0;
	if (attached && !echo(&vm->ring)) {
		print("vm%u: its ring is gone", vm->number);
		vm->ring.pa = 0;
	}
	lock_release(&vm->lock);
	if (attached) {
		vgic_raise(vm, HOSTVISOR_IRQ_RING);
	}
}

static void attach(struct vm *vm, uint64_t ipa)
{
	uint64_t pa = ipa % PAGE_SIZE == 0 && options.rings ?
		      vm_memory_find(vm, ipa) : 0;
	uint64_t word;

	lock_acquire(&vm->lock);
	vm->ring = (struct ring){ 0 };
	if (ipa != 0 && (pa == 0 || !try_read(pa, &word))) {
		print("vm%u: no ring at 0x%lx", vm->number, ipa);
	} else if (ipa != 0) {
		vm->ring.pa = pa;
		keep(&vm->rings, pa);
		print_verbose("vm%u: ring at 0x%lx", vm->number, ipa);
	}
	lock_release(&vm->lock);
}

/**
 * device_read() - a VM reads a register
 *
 * Returns: false if there is none at @offset
 */
bool device_read(struct vcpu *vcpu, uint32_t offset, uint64_t *value)
{
	const struct vm *vm = vcpu->vm;

	if (offset >= HOSTVISOR_ARG0 && offset < HOSTVISOR_STATUS) {
		*value = vm->config.arg[(offset - HOSTVISOR_ARG0) / 8];
		return true;
	}
	if (offset >= HOSTVISOR_VICTIM0 &&
	    offset < HOSTVISOR_VICTIM0 + 8 * HOSTVISOR_VICTIMS) {
		*value = dma_victim(vm, (offset - HOSTVISOR_VICTIM0) / 8);
		return true;
	}
	switch (offset) {
	case HOSTVISOR_MAGIC:
		*value = HOSTVISOR_MAGIC_VALUE;
		return true;
	case HOSTVISOR_NUMBER:
		*value = vm->number;
		return true;
	case HOSTVISOR_VCPUS:
		*value = vm->nr_vcpus;
		return true;
	case HOSTVISOR_MEMORY:
		*value = vm->config.memory;
		return true;
	case HOSTVISOR_GIC:
		*value = board.gic_version;
		return true;
	case HOSTVISOR_RUN:
		*value = vm->run;
		return true;
	case HOSTVISOR_RING:
		*value = vm->ring.pa != 0;
		return true;
	case HOSTVISOR_DMA:
		*value = vm->config.dma;
		return true;
	case HOSTVISOR_DMA_AT:
		*value = vm->config.dma_at;
		return true;
	case HOSTVISOR_DMA_SIZE:
		*value = vm->config.dma_size;
		return true;
	default:
		return false;
	}
}

bool device_write(struct vcpu *vcpu, uint32_t offset, uint64_t value)
{
	struct vm *vm = vcpu->vm;

	switch (offset) {
	case HOSTVISOR_STATUS:
		vm->status = value;
		vm->reported = true;
		return true;
	case HOSTVISOR_RING:
		attach(vm, value);
		return true;
	case HOSTVISOR_KICK:
		kick(vm);
		return true;
	case HOSTVISOR_MARK:
		print("vm%u: mark %lu at %lu", vm->number, value, counter());
		return true;
	case HOSTVISOR_TEXT:
		vpl011_send(vm, (char)value);
		return true;
	default:
		return false;
	}
}
