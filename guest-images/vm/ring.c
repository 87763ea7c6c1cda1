/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A shared ring: one page of this VM's is granted to the host, which echoes
 * what goes into it; then the page is taken back.
 *
 * Arguments that are no number of rounds: a VM that lies about its ring, and
 * is well if the host bears that.
 */
#include "hostvisor/device.h"
#include "vm.h"

#define DEFAULT_ROUNDS	100u
#define WAIT_SECONDS	60u
/* The host is told of a page that is not shared, or is no more. */
#define NEVER_SHARED	0x8001u
#define TAKEN_BACK	0x8002u

const char vm_name[] = "ring";

static uint8_t ring[VM_PAGE_SIZE] __attribute__((aligned(4096)));
static unsigned int kicks;

static void on_irq(unsigned int intid)
{
	if (intid != HOSTVISOR_IRQ_RING) {
		vm_fail("interrupt %u", intid);
	}
	vm_add(&kicks, 1);
}

static uint32_t *count(unsigned int offset)
{
	return (uint32_t *)(void *)&ring[offset];
}

static uint8_t message_byte(unsigned int round, unsigned int n)
{
	return (uint8_t)(round * 7 + n * 13 + (n >> 3));
}

/* Of all lengths, so that the ring wraps everywhere. */
static unsigned int message_bytes(unsigned int round)
{
	return round * 37 % HOSTVISOR_RING_BYTES + 1;
}

static void send(unsigned int round)
{
	uint32_t sent = *count(HOSTVISOR_RING_SENT);
	unsigned int bytes = message_bytes(round);

	for (unsigned int n = 0; n < bytes; n++) {
		ring[HOSTVISOR_RING_OUT +
		     (sent + n) % HOSTVISOR_RING_BYTES] =
			message_byte(round, n);
	}
	vm_store(count(HOSTVISOR_RING_SENT), sent + bytes);
	vm_mmio_write(VM_DEVICE + HOSTVISOR_KICK, 1);
}

/* The host's count is read once for each look: it may change at any time. */
static void receive(unsigned int round)
{
	struct vm_deadline deadline = vm_deadline(WAIT_SECONDS);
	uint32_t read = *count(HOSTVISOR_RING_READ);
	unsigned int bytes = message_bytes(round), n = 0;

	while (n < bytes) {
		uint32_t there = vm_load(count(HOSTVISOR_RING_ECHOED)) - read;

		if (there > bytes) {
			vm_fail("round %u: %u bytes came back, %u were sent",
				round, there, bytes);
		}
		for (; n < there; n++) {
			uint8_t byte = ring[HOSTVISOR_RING_IN +
					    (read + n) % HOSTVISOR_RING_BYTES];

			if (byte != message_byte(round, n)) {
				vm_fail("round %u: byte %u is %x", round, n,
					byte);
			}
		}
		vm_relax(&deadline, "the echo");
	}
	vm_store(count(HOSTVISOR_RING_READ), read + bytes);
}

static bool attach(void)
{
	vm_mmio_write64(VM_DEVICE + HOSTVISOR_RING, (uintptr_t)ring);
	return vm_mmio_read64(VM_DEVICE + HOSTVISOR_RING) == 1;
}

static void never_share(void)
{
	ring[HOSTVISOR_RING_SENT] = 1;
	if (attach()) {
		vm_fail("the host has found a ring that is not shared");
	}
	vm_mmio_write(VM_DEVICE + HOSTVISOR_KICK, 1);
	vm_ok("mode=never-shared");
}

/* A host that gives no rings at all is all right. */
static void take_back(void)
{
	bool attached;

	if (vm_share(ring, sizeof(ring))) {
		vm_fail("EL2 does not share a page");
	}
	attached = attach();
	if (vm_unshare(ring, sizeof(ring))) {
		vm_fail("EL2 does not take a page back");
	}
	vm_mmio_write(VM_DEVICE + HOSTVISOR_KICK, 1);
	if (vm_mmio_read64(VM_DEVICE + HOSTVISOR_RING) != 0) {
		vm_fail("the host has not noticed");
	}
	vm_ok("mode=taken-back attached=%u", attached);
}

void vm_main(const struct vm_params *params)
{
	unsigned int rounds = params->argument ? params->argument :
						 DEFAULT_ROUNDS;
	unsigned int bytes = 0;

	if (!params->has_device) {
		vm_fail("the host has no ring");
	}
	vm_irq_init(on_irq);
	vm_irq_enable(HOSTVISOR_IRQ_RING);
	vm_irqs_on();
	if (rounds == NEVER_SHARED) {
		never_share();
	}
	if (rounds == TAKEN_BACK) {
		take_back();
	}
	if (vm_share(ring, sizeof(ring))) {
		vm_fail("EL2 does not share a page");
	}
	if (!attach()) {
		vm_fail("the host has not found the ring");
	}
	for (unsigned int round = 0; round < rounds; round++) {
		send(round);
		receive(round);
		bytes += message_bytes(round);
	}
	vm_mmio_write64(VM_DEVICE + HOSTVISOR_RING, 0);
	if (vm_unshare(ring, sizeof(ring))) {
		vm_fail("EL2 does not take a page back");
	}
	if (!vm_load(&kicks)) {
		vm_fail("the host never raised an interrupt");
	}
	vm_ok("rounds=%u bytes=%u interrupts=%u", rounds, bytes,
	      vm_load(&kicks));
}
