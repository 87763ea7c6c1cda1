/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VM with a device that does DMA: channels of the board's DMA tester. Before
 * the VM accepts them they do nothing; then they read, write and copy where
 * the host has let them, inside this VM's memory, and fault everywhere else.
 * The VM polls.
 *
 * The part of memory that they reach is the host's choice; the VM uses it for
 * nothing but this.
 */
#include "hostvisor/device.h"
#include "hypsec/abi.h"
#include "hypsec/dma.h"
#include "vm.h"

#define DEFAULT_ROUNDS	4u
#define WAIT_SECONDS	60u
#define NOTHING		UINT64_C(0x0dd0dd0dd0dd0dd0)

const char vm_name[] = "dma";

/* What the channels reach: descriptors in the first page, then data. */
static uint64_t *area;
static uint64_t area_words;
static uint64_t mask;
static unsigned int inside, outside;

/* The VM's own, which its devices do not reach. */
static uint64_t own[VM_PAGE_SIZE / 8] __attribute__((aligned(4096)));

static uint64_t base_of(unsigned int channel)
{
	return HOSTVISOR_DMA_BASE + channel * HYPSEC_DMA_CHANNEL_BYTES;
}

static bool is_mine(unsigned int channel)
{
	return (mask >> channel & 1) != 0;
}

static struct hypsec_dma_desc *desc_of(unsigned int channel)
{
	return &((struct hypsec_dma_desc *)(void *)area)[channel];
}

/* Starts what is at @desc and waits for its end. Returns: the error. */
static uint32_t run_at(unsigned int channel, uint64_t desc)
{
	struct vm_deadline deadline = vm_deadline(WAIT_SECONDS);
	uint64_t base = base_of(channel);

	__asm__ volatile("dsb sy" ::: "memory");
	vm_mmio_write64(base + HYPSEC_DMA_DESC, desc);
	vm_mmio_write(base + HYPSEC_DMA_COUNT, 1);
	vm_mmio_write(base + HYPSEC_DMA_CTRL, HYPSEC_DMA_CTRL_START);
	while (vm_mmio_read(base + HYPSEC_DMA_STATUS) &
	       HYPSEC_DMA_STATUS_BUSY) {
		vm_relax(&deadline, "a channel");
	}
	__asm__ volatile("dsb sy" ::: "memory");
	return vm_mmio_read(base + HYPSEC_DMA_ERROR);
}

static uint32_t run(unsigned int channel, uint32_t op, uint64_t src,
		    uint64_t dst, uint64_t length, uint64_t value)
{
	struct hypsec_dma_desc *desc = desc_of(channel);
	uint32_t error;

	*desc = (struct hypsec_dma_desc){
		.op = op, .src = src, .dst = dst, .length = length,
		.value = value,
	};
	error = run_at(channel, (uintptr_t)desc);
	if (*(volatile uint32_t *)&desc->status !=
	    (HYPSEC_DMA_DESC_DONE | error)) {
		vm_fail("channel %u: error %u, status %x", channel, error,
			desc->status);
	}
	return error;
}

static void must_run(unsigned int channel, uint32_t op, const uint64_t *src,
		     const uint64_t *dst, uint64_t length, uint64_t value)
{
	uint32_t error = run(channel, op, (uintptr_t)src, (uintptr_t)dst,
			     length, value);

	if (error != HYPSEC_DMA_ERROR_NONE) {
		vm_fail("channel %u: operation %u, error %u at %lx", channel,
			op, error, desc_of(channel)->fault);
	}
	inside++;
}

/* Ends with @error at @at. */
static void must_fault(unsigned int channel, uint32_t op, uint64_t src,
		       uint64_t dst, uint64_t length, uint32_t error,
		       uint64_t at)
{
	uint32_t seen = run(channel, op, src, dst, length, NOTHING);

	if (seen != error || desc_of(channel)->fault != at) {
		vm_fail("channel %u: operation %u from %lx to %lx: error %u "
			"at %lx", channel, op, src, dst, seen,
			desc_of(channel)->fault);
	}
	outside++;
}

static uint64_t word_of(unsigned int round, uint64_t n)
{
	return (n + 1) * UINT64_C(0x9e3779b97f4a7c15) + round;
}

static void check_words(const uint64_t *words, uint64_t count,
			unsigned int round, const char *what)
{
	for (uint64_t n = 0; n < count; n++) {
		uint64_t value = *(const volatile uint64_t *)&words[n];

		if (value != word_of(round, n)) {
			vm_fail("%s: word %lu is %lx", what, n, value);
		}
	}
}

/* As a reset leaves it, whatever the host did with it; not yet accepted. */
static void check_untouched(unsigned int channel)
{
	uint64_t base = base_of(channel);
	uint32_t error;

	if (vm_mmio_read(base + HYPSEC_DMA_ID) != HYPSEC_DMA_ID_VALUE ||
	    vm_mmio_read(base + HYPSEC_DMA_STREAM) !=
	    HYPSEC_DMA_STREAM_BASE + channel) {
		vm_fail("channel %u is none", channel);
	}
	if (vm_mmio_read(base + HYPSEC_DMA_CTRL) ||
	    vm_mmio_read(base + HYPSEC_DMA_STATUS) ||
	    vm_mmio_read64(base + HYPSEC_DMA_DESC) ||
	    vm_mmio_read(base + HYPSEC_DMA_COUNT)) {
		vm_fail("channel %u is not reset", channel);
	}
	*desc_of(channel) = (struct hypsec_dma_desc){
		.op = HYPSEC_DMA_OP_WRITE, .dst = (uintptr_t)(area + 512),
		.length = 8, .value = NOTHING,
	};
	error = run_at(channel, (uintptr_t)desc_of(channel));
	if (error != HYPSEC_DMA_ERROR_FETCH || area[512]) {
		vm_fail("channel %u does DMA before it is accepted: %u",
			channel, error);
	}
	*desc_of(channel) = (struct hypsec_dma_desc){ 0 };
}

static void accept(unsigned int channel)
{
	uint64_t base = base_of(channel);
	int64_t result;

	/* Its own memory is no device. */
	result = vm_hvc(HYPSEC_PVOP_ACCEPT_DEVICE, 0, (uintptr_t)own,
			sizeof(own));
	if (result >= 0) {
		vm_fail("EL2 takes memory for a device: %ld", result);
	}
	result = vm_hvc(HYPSEC_PVOP_ACCEPT_DEVICE, 0, base,
			HYPSEC_DMA_CHANNEL_BYTES);
	vm_mmio_write(base + HYPSEC_DMA_CTRL, HYPSEC_DMA_CTRL_RESET);
	if (result) {
		vm_fail("ACCEPT_DEVICE of channel %u: %ld", channel, result);
	}
}

/* Pattern, sum, and copies all over the area: each word arrives. */
static void try_inside(unsigned int channel, unsigned int round)
{
	uint64_t half = (area_words - 512) / 2 / 8 * 8, sum = 0;
	uint64_t *from = area + 512, *to = from + half;

	for (uint64_t n = 0; n < half; n++) {
		from[n] = word_of(round, n);
		sum ^= from[n];
	}
	must_run(channel, HYPSEC_DMA_OP_WRITE, NULL, to, half * 8, NOTHING);
	for (uint64_t n = 0; n < half; n++) {
		if (*(volatile uint64_t *)&to[n] != NOTHING) {
			vm_fail("channel %u wrote %lx", channel, to[n]);
		}
	}
	must_run(channel, HYPSEC_DMA_OP_READ, from, NULL, half * 8, 0);
	if (desc_of(channel)->value != sum) {
		vm_fail("channel %u read %lx, not %lx", channel,
			desc_of(channel)->value, sum);
	}
	must_run(channel, HYPSEC_DMA_OP_COPY, from, to, half * 8, 0);
	check_words(from, half, round, "what was copied");
	check_words(to, half, round, "the copy");
}

/* Reading, writing, and both halves of a copy. */
static void try_address(unsigned int channel, uint64_t at)
{
	uint64_t *word = area + area_words - 1;

	*word = word_of(0, at);
	must_fault(channel, HYPSEC_DMA_OP_READ, at, 0, 8,
		   HYPSEC_DMA_ERROR_READ, at);
	must_fault(channel, HYPSEC_DMA_OP_WRITE, 0, at, 8,
		   HYPSEC_DMA_ERROR_WRITE, at);
	must_fault(channel, HYPSEC_DMA_OP_COPY, at, (uintptr_t)word, 8,
		   HYPSEC_DMA_ERROR_READ, at);
	must_fault(channel, HYPSEC_DMA_OP_COPY, (uintptr_t)word, at, 8,
		   HYPSEC_DMA_ERROR_WRITE, at);
	if (*(volatile uint64_t *)word != word_of(0, at)) {
		vm_fail("channel %u brought %lx from %lx", channel, *word, at);
	}
}

static void try_outside(unsigned int channel,
			const struct vm_params *params)
{
	uint64_t begin = (uintptr_t)area;
	uint64_t end = begin + area_words * 8;
	const uint64_t places[] = {
		0, HOSTVISOR_GICD_BASE, 0x08020000, HOSTVISOR_UART_BASE,
		VM_DEVICE, base_of(channel), VM_RAM_BASE, begin - 8, end,
		VM_RAM_BASE + params->memory_bytes - 8,
		VM_RAM_BASE + params->memory_bytes,
		(uintptr_t)own, UINT64_C(0xfffffff000), UINT64_C(1) << 40,
		UINT64_C(1) << 40 | begin, ~UINT64_C(0xfff),
	};

	for (unsigned int n = 0; n < sizeof(places) / sizeof(places[0]);
	     n++) {
		try_address(channel, places[n]);
	}
	for (unsigned int n = 0; n < HOSTVISOR_VICTIMS; n++) {
		uint64_t at = vm_mmio_read64(VM_DEVICE + HOSTVISOR_VICTIM0 +
					     n * 8);

		/* A PA that means something else here proves nothing. */
		if (at && (at + 8 <= begin || at >= end)) {
			try_address(channel, at);
		}
	}
	/* Half of it: as far as it goes. */
	area[area_words - 1] = 0;
	must_fault(channel, HYPSEC_DMA_OP_WRITE, 0, end - 8, 16,
		   HYPSEC_DMA_ERROR_WRITE, end);
	if (*(volatile uint64_t *)&area[area_words - 1] != NOTHING) {
		vm_fail("channel %u stopped before it had to", channel);
	}
}

/* A descriptor where the channel reaches nothing. */
static void try_own_descriptor(unsigned int channel)
{
	struct hypsec_dma_desc *desc = (struct hypsec_dma_desc *)(void *)own;
	uint32_t error;

	*desc = (struct hypsec_dma_desc){
		.op = HYPSEC_DMA_OP_WRITE, .dst = (uintptr_t)(area + 512),
		.length = 8,
	};
	error = run_at(channel, (uintptr_t)desc);
	if (error != HYPSEC_DMA_ERROR_FETCH || desc->status) {
		vm_fail("channel %u took a descriptor: %u", channel, error);
	}
	*desc = (struct hypsec_dma_desc){ 0 };
	outside++;
}

static void check_own(void)
{
	for (uint64_t n = 16; n < VM_PAGE_SIZE / 8; n++) {
		if (*(volatile uint64_t *)&own[n] != word_of(1, n)) {
			vm_fail("own word %lu became %lx", n, own[n]);
		}
	}
}

static void prepare(const struct vm_params *params)
{
	if (params->has_device) {
		mask = vm_mmio_read64(VM_DEVICE + HOSTVISOR_DMA);
		area = (uint64_t *)(uintptr_t)
		       vm_mmio_read64(VM_DEVICE + HOSTVISOR_DMA_AT);
		area_words = vm_mmio_read64(VM_DEVICE + HOSTVISOR_DMA_SIZE) / 8;
	}
	if (!mask || mask >> HYPSEC_DMA_CHANNELS || area_words < 3 * 512 ||
	    (uintptr_t)area < (uintptr_t)vm_end) {
		vm_fail("no channels: mask %lx, %lx words", mask, area_words);
	}
	for (uint64_t n = 0; n < area_words; n++) {
		if (area[n]) {
			vm_fail("memory for DMA arrives with %lx", area[n]);
		}
	}
	for (uint64_t n = 16; n < VM_PAGE_SIZE / 8; n++) {
		own[n] = word_of(1, n);
	}
}

void vm_main(const struct vm_params *params)
{
	unsigned int rounds = params->argument ? params->argument :
						 DEFAULT_ROUNDS;
	unsigned int channels = 0;

	prepare(params);
	for (unsigned int i = 0; i < HYPSEC_DMA_CHANNELS; i++) {
		if (is_mine(i)) {
			check_untouched(i);
			accept(i);
			channels++;
		}
	}
	vm_print("dma: %u channels reach %lu KiB", channels, area_words >> 7);
	for (unsigned int round = 0; round < rounds; round++) {
		for (unsigned int i = 0; i < HYPSEC_DMA_CHANNELS; i++) {
			if (is_mine(i)) {
				try_inside(i, round);
				try_outside(i, params);
				try_own_descriptor(i);
				check_own();
			}
		}
	}
	vm_ok("channels=%u inside=%u outside=%u", channels, inside, outside);
}
