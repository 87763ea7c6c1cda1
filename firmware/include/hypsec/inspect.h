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

#include <stddef.h>
#include <stdint.h>

/* "HPSECIN1" read as a little-endian 64-bit number. */
#define HYPSEC_INSPECT_MAGIC		0x314e494345535048
#define HYPSEC_INSPECT_VERSION		3
#define HYPSEC_INSPECT_MAX_CPUS		8

/* Version 2 ends before pool_count; in all that it has it is the same. */
#define HYPSEC_INSPECT_VERSION_2	2
#define HYPSEC_INSPECT_VERSION_2_BYTES	offsetof(struct hypsec_inspect, \
						 pool_count)

/* Values of hypsec_inspect_cpu.world: 0 is the host, 1 to 15 a VM. */
#define HYPSEC_INSPECT_WORLD_HOST	0
#define HYPSEC_INSPECT_WORLD_OFF	0xffffffff

/* State of a VM or a vCPU: the first 32 bits of its entry. */
#define HYPSEC_INSPECT_UNUSED		0
#define HYPSEC_INSPECT_MAPPED		1	/* VM: being verified */
#define HYPSEC_INSPECT_READY		2	/* VM: being set up */
#define HYPSEC_INSPECT_VERIFIED		3	/* VM: may run */
#define HYPSEC_INSPECT_POWEROFF		4	/* VM: has ended */
#define HYPSEC_INSPECT_ACTIVE		5	/* vCPU: some CPU runs it */

/* Power of a vCPU, as its VM sees it by PSCI: the next 32 bits. */
#define HYPSEC_INSPECT_POWER_OFF	0
#define HYPSEC_INSPECT_POWER_ON_PENDING	1	/* starts when it is run */
#define HYPSEC_INSPECT_POWER_ON		2

/* Owner of a context bank that is nobody's; other values are owner numbers. */
#define HYPSEC_INSPECT_FREE		0xffffffff

/*
 * A page record, 64 bits: the number of its owner; how often a VM shares it with
 * the host, or how many devices of the host's use a page of the host's, or
 * HYPSEC_INSPECT_COUNT_DMA for a page of a VM that a device of its uses; and
 * where its owner has it. The frame number there is
 *
 *	(map + pfn + HYPSEC_INSPECT_MAP_OFFSET) mod 2^48
 *
 * and means nothing unless a VM owns the page. HYPSEC_INSPECT_MAP_ANY: none.
 * So a record of zero is a page of the host's.
 */
#define HYPSEC_INSPECT_RECORD_OWNER(r)	((r) & 0xff)
#define HYPSEC_INSPECT_RECORD_COUNT(r)	((r) >> 8 & 0xff)
#define HYPSEC_INSPECT_RECORD_MAP(r)	((r) >> 16)
#define HYPSEC_INSPECT_COUNT_DMA	0xff
#define HYPSEC_INSPECT_MAP_ANY		0x800000000000
#define HYPSEC_INSPECT_MAP_OFFSET	1000000000

/*
 * Locks that a CPU holds, 32 bits: one for each class, and the numbers of the
 * two classes that have a lock for each VM. The classes in lock order.
 */
#define HYPSEC_INSPECT_HELD_SMMU	0x00010000
#define HYPSEC_INSPECT_HELD_VM		0x00020000
#define HYPSEC_INSPECT_HELD_CORE	0x00040000
#define HYPSEC_INSPECT_HELD_S2PAGE	0x00080000
#define HYPSEC_INSPECT_HELD_PT		0x00100000
#define HYPSEC_INSPECT_HELD_SPT		0x00200000
#define HYPSEC_INSPECT_HELD_CONSOLE	0x00400000
#define HYPSEC_INSPECT_HELD_PT_ID(held)	((held) & 0xff)
#define HYPSEC_INSPECT_HELD_VM_ID(held)	((held) >> 8 & 0xff)

/* Owner of the table of a bank of an SMMU: an index into the pools. */
#define HYPSEC_INSPECT_POOL_OF_BANK(corevisor, smmu, bank) \
	((corevisor) + (smmu) * 8 + (bank))

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
 * @vm_count:	VMs' entries in each of the two arrays, the host's with them
 *
 * From version 3 on:
 * @pool_count:	entries of the array at @pool_base: behind those of host and
 *		VMs the one of the SMMUs' identity table, then of their other
 *		banks: HYPSEC_INSPECT_POOL_OF_BANK()
 * @owned_base:	PA of an array of 64-bit numbers: the page records of each
 *		owner, from the host to @corevisor. For one who reads while EL2
 *		runs, one page may be in two of them, or in none
 * @vcpu_offset: where in a VM's entry the array of its vCPUs begins; one of
 *		them begins with its state and its power (32 bits each)
 * @vcpu_stride: bytes from one vCPU to the next
 * @vcpu_count:	vCPUs of a VM
 * @corevisor:	the number of the owner EL2; those below are the host's, 0, and
 *		the VMs'
 * @smmu_base:	PA of the array of SMMUs; an entry begins with the PA of its
 *		registers and their size in bytes (64 bits each) and the number
 *		of its context banks (32 bits)
 * @smmu_stride: bytes from one entry of it to the next
 * @smmu_count:	entries
 * @smmu_owner_offset: where in an entry the owner of each bank is (32 bits
 *		each): a number of an owner, or HYPSEC_INSPECT_FREE
 * @device_base: PA of the array of the devices that VMs can be given; an entry
 *		begins with the PA of its registers and their size in bytes (64
 *		bits each), its SMMU and its stream id there (32 bits each)
 * @device_stride: bytes from one entry of it to the next
 * @device_owner_base: PA of the array that says whose each of them is; an entry
 *		begins with the number of the owner and the bank of a VM that
 *		the device is for (32 bits each)
 * @device_owner_stride: bytes from one entry of it to the next
 * @device_count: entries in each of the two arrays
 * @pcpu_base:	PA of the array of what EL2 knows of each CPU, @nr_cpus entries
 * @pcpu_stride: bytes from one entry of it to the next
 * @pcpu_held_offset: where in an entry the locks are that the CPU holds:
 *		HYPSEC_INSPECT_HELD_*
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
	uint64_t pool_count;
	uint64_t owned_base;
	uint64_t vcpu_offset;
	uint64_t vcpu_stride;
	uint64_t vcpu_count;
	uint64_t corevisor;
	uint64_t smmu_base;
	uint64_t smmu_stride;
	uint64_t smmu_count;
	uint64_t smmu_owner_offset;
	uint64_t device_base;
	uint64_t device_stride;
	uint64_t device_owner_base;
	uint64_t device_owner_stride;
	uint64_t device_count;
	uint64_t pcpu_base;
	uint64_t pcpu_stride;
	uint64_t pcpu_held_offset;
};

#endif /* HYPSEC_INSPECT_H */
