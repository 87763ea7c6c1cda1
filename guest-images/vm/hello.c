/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The smallest VM: says where it is and ends. */
#include "vm.h"

const char vm_name[] = "hello";

void vm_main(const struct vm_params *params)
{
	uint64_t el = vm_sysreg_read(currentel) >> 2;
	uint32_t psci = (uint32_t)vm_hvc(PSCI_VERSION, 0, 0, 0);
	unsigned int vcpus = vm_count_vcpus();

	vm_print("hello: a protected VM speaks");
	if (el != 1) {
		vm_fail("runs at EL%lu", el);
	}
	if (vcpus < 1 || psci >> 16 == 0 || psci >> 31) {
		vm_fail("PSCI %x, %u vCPUs", psci, vcpus);
	}
	vm_ok("vcpus=%u mem=%luMiB gic=%u psci=%u.%u context=%lx", vcpus,
	      params->memory_bytes >> 20, vm_gic_version(), psci >> 16,
	      psci & 0xffff, params->context);
}
