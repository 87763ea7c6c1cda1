/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A keeper of secrets: memory and registers full of numbers that nobody else
 * may see, for some time. The host may look for them; here it is checked that
 * they stay what they are.
 *
 * A secret is SECRET_MARK in its upper half and, below that, the VM's id, the
 * vCPU's number and which of its secrets it is.
 */
#include "vm.h"

#define SECRET_MARK	UINT64_C(0x5ec2e7a1)
#define DEFAULT_SECONDS	2u
#define LOOPS		UINT64_C(200000)
#define WAIT_SECONDS	120u
#define REPORTS		4u
#define KEPT_BYTES	(UINT64_C(1) << 20)

const char vm_name[] = "secret";

uint64_t secret_keep(uint64_t secret, uint64_t loops);

static uint64_t kept[VM_MAX_VCPUS][KEPT_BYTES / VM_MAX_VCPUS / 8];
static uint64_t begin;
static struct vm_deadline end;
static unsigned int vm_id;
static unsigned int done, total;

static void keep(unsigned int vcpu)
{
	uint64_t secret = SECRET_MARK << 32 | (uint64_t)vm_id << 24 |
			  (uint64_t)vcpu << 16;
	uint64_t *words = kept[vcpu];
	uint64_t count = sizeof(kept[vcpu]) / 8;
	unsigned int rounds = 0, reports = 0;

	for (uint64_t n = 0; n < count; n++) {
		words[n] = secret + 1024 + n;
	}
	do {
		uint64_t wrong = secret_keep(secret, LOOPS);

		if (wrong) {
			vm_fail("vcpu %u: %lu registers changed", vcpu, wrong);
		}
		for (uint64_t n = 0; n < count; n++) {
			if (words[n] != secret + 1024 + n) {
				vm_fail("vcpu %u: memory changed to %lx", vcpu,
					words[n]);
			}
		}
		rounds++;
		if (vcpu == 0 &&
		    vm_now() >= begin + (end.end - begin) * reports / REPORTS) {
			vm_print("secret: all there, round %u", rounds);
			reports++;
		}
	} while (vm_now() < end.end);
	vm_add(&total, rounds);
	vm_add(&done, 1);
}

void vm_main(const struct vm_params *params)
{
	unsigned int vcpus = vm_count_vcpus();
	struct vm_deadline deadline;

	vm_id = params->id & 0xff;
	begin = vm_now();
	end = vm_deadline(params->argument ? params->argument :
					     DEFAULT_SECONDS);
	vm_print("secret: %u vCPUs keep %lu KiB", vcpus, KEPT_BYTES >> 10);
	for (unsigned int vcpu = 1; vcpu < vcpus; vcpu++) {
		if (vm_cpu_on(vcpu, keep)) {
			vm_fail("CPU_ON of %u", vcpu);
		}
	}
	keep(0);
	deadline = vm_deadline(WAIT_SECONDS);
	while (vm_load(&done) < vcpus) {
		vm_relax(&deadline, "the other vCPUs");
	}
	vm_ok("vcpus=%u rounds=%u", vcpus, total);
}
