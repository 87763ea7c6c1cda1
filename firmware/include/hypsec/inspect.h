/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the firmware publishes for tools: observers, gdb, reports.
 *
 * The firmware keeps one struct hypsec_inspect in the second page of the EL2
 * carve-out (HYPSEC_INSPECT_OFFSET in boot_block.h). Neither host nor VM can
 * map it. Tools outside the machine read it from physical memory as hostile
 * input: a firmware that is broken, or another one that knows nothing of this
 * page, may hold anything there. All fields are little-endian; addresses are
 * physical and in bytes. Fields are only ever added, at the end, with a new
 * version; strides let a tool read arrays of a later version.
 */
#ifndef HYPSEC_INSPECT_H
#define HYPSEC_INSPECT_H

#include <stdint.h>

/* "HPSECIN1" read as a little-endian 64-bit number. */
#define HYPSEC_INSPECT_MAGIC		0x314e494345535048
#define HYPSEC_INSPECT_VERSION		2
#define HYPSEC_INSPECT_MAX_CPUS		8

/* Values of hypsec_inspect_cpu.world: 0 is the host, 1 to 15 a VM. */
#define HYPSEC_INSPECT_WORLD_HOST	0
#define HYPSEC_INSPECT_WORLD_OFF	0xffffffff

/**
 * struct hypsec_inspect_cpu - one CPU's world and event counts
 * @world:	who runs on this CPU when it is not at EL2: a VM id, or
 *		HYPSEC_INSPECT_WORLD_OFF while the CPU is off
 * @vcpu:	vCPU id inside that world (the CPU number for the host)
 * @refusals:	events that EL2 refused (aborts injected, traps denied)
 * @host_s2_faults: host stage-2 faults taken
 * @hypercalls:	HVCs from the host
 * @smcs:	SMCs from the host
 */
struct hypsec_inspect_cpu {
	uint32_t world;
	uint32_t vcpu;
	uint64_t refusals;
	uint64_t host_s2_faults;
	uint64_t hypercalls;
	uint64_t smcs;
	uint64_t reserved[3];
};

/**
 * struct hypsec_inspect - the published description
 * @magic:	HYPSEC_INSPECT_MAGIC, written last
 * @version:	HYPSEC_INSPECT_VERSION
 * @size:	bytes of this structure
 * @panicked:	0, or 1 once EL2 has stopped for good
 * @nr_cpus:	CPUs that EL2 knows of
 * @cpu_base:	PA of the array of hypsec_inspect_cpu
 * @cpu_stride:	bytes from one entry of that array to the next
 * @page_record_bytes: bytes of one page record
 * @image_pa:	PA that the image was relocated to
 * @image_va:	VA that the image is linked and mapped at
 * @image_bytes: bytes of the image with its zeroed data
 * @linear_base: VA at which EL2 maps PA 0 of its linear map
 * @page_base:	PA of the page-ownership array
 * @page_first_pfn: pfn of its first record
 * @page_count:	records in it
 * @host_root:	PA of the host's stage-2 root table
 * @pool_base:	PA of an array with one entry per owner of a stage-2 table, from
 *		the host on; an entry begins with the PA of the root, 0 if none
 * @pool_stride: bytes from one entry of it to the next
 * @vm_base:	PA of the array of what EL2 knows of each VM, entry 0 not used;
 *		an entry begins with the state (32 bits), the rest changes with
 *		the firmware
 * @vm_stride:	bytes from one entry of it to the next
 * @vm_count:	entries in each of the two arrays
 */
struct hypsec_inspect {
	uint64_t magic;
	uint32_t version;
	uint32_t size;
	uint32_t panicked;
	uint32_t nr_cpus;
	uint64_t cpu_base;
	uint32_t cpu_stride;
	uint32_t page_record_bytes;
	uint64_t image_pa;
	uint64_t image_va;
	uint64_t image_bytes;
	uint64_t linear_base;
	uint64_t page_base;
	uint64_t page_first_pfn;
	uint64_t page_count;
	uint64_t host_root;
	uint64_t pool_base;
	uint64_t pool_stride;
	uint64_t vm_base;
	uint64_t vm_stride;
	uint64_t vm_count;
};

#endif /* HYPSEC_INSPECT_H */
