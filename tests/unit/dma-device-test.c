/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DMA masters of the platform: whose they are, who may touch their registers,
 * and what they reach, from the host to a VM and back.
 */
#include "opstate.h"

#include <pthread.h>

#include "core/boot_ops.h"
#include "core/dma_device.h"
#include "core/dma_owner.h"
#include "core/fault_handler.h"
#include "core/locks.h"
#include "core/mem_handler.h"
#include "core/npt_ops.h"
#include "core/pcpu.h"
#include "core/shadow_ctxt.h"
#include "core/smmu_cfg.h"
#include "core/smmu_ops.h"
#include "core/smmu_streams.h"
#include "smmumodel.h"
#include "walker.h"

#define SMMU	TEST_DMA_SMMU
#define BANK	3u
#define BANK2	5u
#define RW	UINT64_C(0xc0)
#define PFN	OPS_PFN(2, 37)
#define PA	(PFN << 12)
#define GFN	(OPS_GFN + 5)
#define IOVA	(GFN << 12)
#define SECRET	0x5a
#define UART	UINT64_C(0x09000000)
#define ACCEPT	0x84000
#define VCPU	2u

/* Channel @n: registers, stream, and where VMs of these tests have it. */
#define REGS(n)		(TEST_DMA_BASE + (n) * PAGE_SIZE)
#define STREAM(n)	(TEST_DMA_STREAM + (n))
#define GPA(n)		(UINT64_C(0x0c000000) + (n) * PAGE_SIZE)

static vmid_t device_owner(uint32_t n)
{
	vmid_t owner;

	acquire_lock_s2page();
	owner = dma_device_owner(REGS(n));
	release_lock_s2page();
	return owner;
}

static enum hv_status set_stream(uint32_t n, uint32_t bank)
{
	return dma_device_set_stream(SMMU, STREAM(n), bank);
}

/* Where a transaction of channel @n goes; INVALID64 if it faults. */
static uint64_t dma(uint32_t n, uint64_t iova)
{
	paddr_t pa;

	return smmumodel_dma(SMMU, STREAM(n), iova, true, &pa) ? pa :
								 INVALID64;
}

static bool host_maps(uint32_t n)
{
	return walker_lookup(machine_root(), REGS(n), &(struct leaf){ 0 });
}

static void assert_host_has(uint32_t n)
{
	g_assert_cmpuint(device_owner(n), ==, HOSTVISOR);
	assert_done(map_page_host(REGS(n)));
	g_assert_true(host_maps(n));
}

static enum hv_status ioremap(vmid_t vm, uint32_t n)
{
	return kvm_phys_addr_ioremap(vm, GPA(n), REGS(n), PAGE_SIZE);
}

static void destroy_whole(vmid_t vm)
{
	enum hv_status status;

	do {
		status = destroy_vm(vm);
	} while (status == HV_EAGAIN);
	assert_done(status);
}

/* What debuggers and the inspection page read. */
static void assert_array_shows(uint32_t n, vmid_t vmid, uint32_t cbndx)
{
	const struct dma_owner *owner = &dma_owner_array()[n];

	g_assert_cmpuint(owner->vmid, ==, vmid);
	g_assert_cmpuint(owner->cbndx, ==, cbndx);
}

/* A VM with BANK, which maps IOVA. */
static vmid_t start_vm(void)
{
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	assert_done(el2_alloc_smmu_pgd(BANK, vm, SMMU));
	assert_done(el2_arm_lpae_map(IOVA, PA, RW, BANK, SMMU));
	return vm;
}

/* It has channel 0 with its registers too, and runs. */
static vmid_t start_vm_with_device(void)
{
	vmid_t vm = start_vm();

	assert_done(set_stream(0, BANK));
	assert_done(ioremap(vm, 0));
	ops_set_vm_state(vm, VERIFIED);
	return vm;
}

static const uint32_t not_ready[] = { UNUSED, MAPPED, VERIFIED, POWEROFF };

/* --- Whose ------------------------------------------------------------- */

static void good_devices_are_the_hosts_at_first(void)
{
	ops_start();
	for (uint32_t n = 0; n < TEST_DMA_CHANNELS; n++) {
		assert_host_has(n);
		g_assert_cmphex(dma(n, PA), ==, PA);
		g_assert_cmpuint(test_resets[n], ==, 0);
	}
	acquire_lock_s2page();
	g_assert_cmpuint(dma_device_owner(REGS(0) - 1), ==, INVALID);
	g_assert_cmpuint(dma_device_owner(REGS(7) + 0xfff), ==, HOSTVISOR);
	g_assert_cmpuint(dma_device_owner(REGS(8)), ==, INVALID);
	g_assert_cmpuint(dma_device_owner(~UINT64_C(0)), ==, INVALID);
	release_lock_s2page();
}

static void g33_device_becomes_a_vms(void)
{
	vmid_t vm = start_vm();

	assert_host_has(1);
	assert_host_has(2);
	assert_done(set_stream(1, BANK));
	g_assert_cmpuint(device_owner(1), ==, vm);
	assert_array_shows(1, vm, BANK);
	assert_array_shows(2, HOSTVISOR, 0);
	/* The host has lost it, for good. */
	g_assert_false(host_maps(1));
	assert_refused(map_page_host(REGS(1)), HV_EPERM);
	/* It does nothing, neither as the host told it nor for the VM. */
	g_assert_cmpuint(test_resets[1], ==, 1);
	g_assert_cmphex(dma(1, PA), ==, INVALID64);
	g_assert_cmphex(dma(1, IOVA), ==, INVALID64);
	/* The others go on. */
	assert_host_has(2);
	g_assert_cmphex(dma(2, PA + PAGE_SIZE), ==, PA + PAGE_SIZE);
	g_assert_cmpuint(test_resets[2], ==, 0);
}

/* The place of the first such event in the record. */
static size_t first_event(enum native_op op)
{
	size_t count;
	const struct native_event *events = native_events(&count);

	for (size_t i = 0; i < count; i++) {
		if (events[i].op == op) {
			return i;
		}
	}
	g_assert_not_reached();
}

/*
 * What the host could still tell it ends: the reset comes when no CPU has a
 * translation of its registers any more.
 */
static void g33_reset_when_nobody_can_reach_it(void)
{
	start_vm();
	assert_host_has(0);
	native_events_reset();
	assert_done(set_stream(0, BANK));
	g_assert_cmpuint(first_event(NATIVE_TLBI_IPAS2E1IS), <,
			 first_event(NATIVE_DEVICE_RESET));
}

static void bad_numbers_of_set_stream(void)
{
	static const uint32_t streams[] = { 0, STREAM(0) - 1, STREAM(8), 0xffff,
					    STREAM(0) | 0x8000, INVALID };

	start_vm();
	for (size_t i = 0; i < ARRAY_SIZE(streams); i++) {
		assert_refused(dma_device_set_stream(SMMU, streams[i], BANK),
			       HV_EINVAL);
	}
	/* Behind the other SMMU, where PCIe is, there is none. */
	assert_refused(dma_device_set_stream(0, STREAM(0), 0), HV_EINVAL);
	assert_refused(dma_device_set_stream(2, STREAM(0), 0), HV_EINVAL);
	assert_refused(set_stream(0, 8), HV_EINVAL);
	assert_refused(set_stream(0, INVALID), HV_EINVAL);
	assert_refused(set_stream(0, BANK2), HV_EPERM);
}

static void bad_set_stream_twice(void)
{
	vmid_t vm = start_vm();
	vmid_t other = ops_new_vm();

	assert_done(el2_alloc_smmu_pgd(BANK2, other, SMMU));
	assert_done(el2_alloc_smmu_pgd(1, vm, SMMU));
	assert_done(el2_alloc_smmu_pgd(2, HOSTVISOR, SMMU));
	assert_done(set_stream(0, BANK));
	assert_refused(set_stream(0, BANK), HV_EPERM);
	assert_refused(set_stream(0, 1), HV_EPERM);
	assert_refused(set_stream(0, BANK2), HV_EPERM);
	assert_refused(set_stream(0, 2), HV_EPERM);
	assert_refused(set_stream(0, 0), HV_EPERM);
	g_assert_cmpuint(device_owner(0), ==, vm);
}

static void bad_set_stream_for_a_vm_that_is_not_ready(void)
{
	vmid_t vm = start_vm();

	for (size_t i = 0; i < ARRAY_SIZE(not_ready); i++) {
		ops_set_vm_state(vm, not_ready[i]);
		assert_refused(set_stream(0, BANK), HV_EPERM);
	}
}

/* --- The host's own use ------------------------------------------------ */

static void good_device_uses_the_hosts_bank(void)
{
	ops_start();
	assert_host_has(0);
	assert_done(el2_alloc_smmu_pgd(BANK, HOSTVISOR, SMMU));
	assert_done(el2_arm_lpae_map(PA, PA, RW, BANK, SMMU));
	assert_done(set_stream(0, BANK));
	g_assert_cmphex(dma(0, PA), ==, PA);
	g_assert_cmphex(dma(0, PA + PAGE_SIZE), ==, INVALID64);
	g_assert_cmphex(dma(1, PA + PAGE_SIZE), ==, PA + PAGE_SIZE);
	/* The host keeps it, as it is. */
	g_assert_true(host_maps(0));
	g_assert_cmpuint(test_resets[0], ==, 0);
	assert_done(set_stream(0, 0));
	g_assert_cmphex(dma(0, PA + PAGE_SIZE), ==, PA + PAGE_SIZE);
}

static void good_device_of_a_freed_bank_faults(void)
{
	ops_start();
	assert_done(el2_alloc_smmu_pgd(BANK, HOSTVISOR, SMMU));
	assert_done(el2_arm_lpae_map(PA, PA, RW, BANK, SMMU));
	assert_done(set_stream(0, BANK));
	assert_done(el2_free_smmu_pgd(BANK, SMMU));
	g_assert_cmphex(dma(0, PA), ==, INVALID64);
	/* Nor does it come to use the next owner's. */
	assert_done(el2_alloc_smmu_pgd(BANK, ops_new_vm(), SMMU));
	assert_done(el2_arm_lpae_map(IOVA, PA, RW, BANK, SMMU));
	g_assert_cmphex(dma(0, IOVA), ==, INVALID64);
	assert_done(set_stream(0, 0));
	g_assert_cmphex(dma(0, PA + PAGE_SIZE), ==, PA + PAGE_SIZE);
}

static enum hv_status write_smr(uint32_t n, uint32_t smr)
{
	enum hv_status status;

	acquire_lock_smmu();
	status = smmu_streams_write_smr(SMMU, n, smr);
	release_lock_smmu();
	return status;
}

#define VALID UINT32_C(0x80000000)

/* A stream that the host manages by the SMMU's registers, or this way. */
static void bad_stream_of_an_entry_of_the_hosts(void)
{
	vmid_t vm = start_vm();

	assert_done(el2_alloc_smmu_pgd(BANK2, HOSTVISOR, SMMU));
	assert_done(write_smr(7, VALID | STREAM(0)));
	assert_refused(set_stream(0, BANK), HV_EBUSY);
	assert_refused(set_stream(0, BANK2), HV_EBUSY);
	assert_refused(set_stream(0, 0), HV_EBUSY);
	assert_done(set_stream(1, BANK));
	assert_done(write_smr(7, STREAM(0)));
	assert_done(set_stream(0, BANK));
	/* And none matches a VM's. */
	assert_refused(write_smr(7, VALID | STREAM(0)), HV_EPERM);
	assert_refused(write_smr(7, VALID | UINT32_C(0xf0000) | STREAM(2)),
		       HV_EPERM);
	destroy_whole(vm);
	assert_done(write_smr(7, VALID | STREAM(0)));
}

static void write_scr0(uint32_t value)
{
	acquire_lock_smmu();
	smmu_streams_write_scr0(SMMU, value);
	release_lock_smmu();
}

/* Whatever the host makes of the others. */
static void g33_vms_device_in_either_mode(void)
{
	vmid_t vm = start_vm_with_device();

	write_scr0(0);
	g_assert_cmphex(dma(0, IOVA), ==, INVALID64);
	g_assert_cmphex(dma(1, PA + PAGE_SIZE), ==, INVALID64);
	assert_done(dma_device_accept(vm, GPA(0), PAGE_SIZE));
	g_assert_cmphex(dma(0, IOVA), ==, PA);
	write_scr0(1);
	g_assert_cmphex(dma(0, IOVA), ==, PA);
	g_assert_cmphex(dma(0, PA + PAGE_SIZE), ==, INVALID64);
	g_assert_cmphex(dma(1, PA + PAGE_SIZE), ==, PA + PAGE_SIZE);
}

/* --- Its registers ----------------------------------------------------- */

static void good_owner_gets_the_registers(void)
{
	vmid_t vm = start_vm();

	assert_done(set_stream(0, BANK));
	assert_done(ioremap(vm, 0));
	g_assert_cmphex(ops_vm_pfn(vm, GPA(0) >> 12), ==, REGS(0) >> 12);
}

/* G33: nobody keeps what a VM will own one day. */
static void g33_registers_are_the_owners_alone(void)
{
	vmid_t vm = start_vm();
	vmid_t other = ops_new_vm();

	assert_refused(ioremap(vm, 0), HV_EPERM);
	assert_refused(ioremap(other, 0), HV_EPERM);
	assert_done(set_stream(0, BANK));
	assert_refused(ioremap(other, 0), HV_EPERM);
	/* Not as a part of a range either. */
	assert_refused(kvm_phys_addr_ioremap(vm, GPA(0), REGS(0),
					     2 * PAGE_SIZE), HV_EPERM);
	assert_done(ioremap(vm, 0));
	assert_done(kvm_phys_addr_ioremap(other, UART, UART, PAGE_SIZE));
}

/* --- Consent ----------------------------------------------------------- */

static void g33_device_waits_for_the_vms_consent(void)
{
	vmid_t vm = start_vm_with_device();

	g_assert_cmphex(dma(0, IOVA), ==, INVALID64);
	assert_done(dma_device_accept(vm, GPA(0), PAGE_SIZE));
	g_assert_cmphex(dma(0, IOVA | 8), ==, PA | 8);
	/* Its memory and nothing else. */
	g_assert_cmphex(dma(0, IOVA + PAGE_SIZE), ==, INVALID64);
	g_assert_cmphex(dma(0, PA), ==, INVALID64);
	g_assert_cmphex(dma(0, PA + PAGE_SIZE), ==, INVALID64);
	/* Once more is nothing new. */
	assert_refused(dma_device_accept(vm, GPA(0) + 4, 8), HV_OK);
	g_assert_cmpuint(test_resets[0], ==, 1);
}

static void good_range_of_devices_is_accepted(void)
{
	vmid_t vm = start_vm();

	for (uint32_t n = 0; n < TEST_DMA_CHANNELS; n++) {
		assert_done(set_stream(n, BANK));
		assert_done(ioremap(vm, n));
	}
	ops_set_vm_state(vm, VERIFIED);
	/* From the last byte of one to the first of another. */
	assert_done(dma_device_accept(vm, GPA(1) + 0xfff, PAGE_SIZE + 2));
	for (uint32_t n = 0; n < TEST_DMA_CHANNELS; n++) {
		g_assert_cmphex(dma(n, IOVA), ==,
				n >= 1 && n <= 3 ? PA : INVALID64);
	}
	assert_done(dma_device_accept(vm, GPA(0), 8 * PAGE_SIZE));
	g_assert_cmphex(dma(7, IOVA), ==, PA);
}

static void good_accept_of_nothing(void)
{
	vmid_t vm = start_vm_with_device();

	assert_refused(dma_device_accept(vm, GPA(0), 0), HV_OK);
	assert_refused(dma_device_accept(vm, INVALID64, 0), HV_OK);
	g_assert_cmphex(dma(0, IOVA), ==, INVALID64);
}

static void bad_accept_of_what_is_no_own_device(void)
{
	vmid_t vm = start_vm();
	vmid_t other = ops_new_vm();

	assert_done(el2_alloc_smmu_pgd(BANK2, other, SMMU));
	assert_done(set_stream(0, BANK));
	assert_done(set_stream(1, BANK));
	assert_done(set_stream(2, BANK2));
	assert_done(ioremap(vm, 0));
	assert_done(ioremap(other, 2));
	assert_done(kvm_phys_addr_ioremap(vm, GPA(1), UART, PAGE_SIZE));
	ops_give_page(vm, GPA(3) >> 12, PFN + 1);
	ops_give_block(vm, OPS_GFN + 512, OPS_PFN(4, 0));
	/* Another device, RAM, a block, nothing. */
	assert_refused(dma_device_accept(vm, GPA(1), 1), HV_EPERM);
	assert_refused(dma_device_accept(vm, GPA(3), 1), HV_EPERM);
	assert_refused(dma_device_accept(vm, (OPS_GFN + 520) << 12, 1),
		       HV_EPERM);
	assert_refused(dma_device_accept(vm, GPA(2), 1), HV_EPERM);
	/* Another VM's, and an own one that the VM does not see. */
	assert_refused(dma_device_accept(other, GPA(0), 1), HV_EPERM);
	assert_refused(dma_device_accept(vm, REGS(1), 1), HV_EPERM);
	/* With one that it could accept. */
	assert_refused(dma_device_accept(vm, GPA(0), PAGE_SIZE + 1), HV_EPERM);
	assert_refused(dma_device_accept(vm, GPA(0) - 1, 2), HV_EPERM);
	g_assert_cmphex(dma(0, IOVA), ==, INVALID64);
	assert_done(dma_device_accept(vm, GPA(0), PAGE_SIZE));
}

/* Whose a device is decides, not who sees its registers. */
static void bad_accept_of_a_device_that_is_anothers_now(void)
{
	vmid_t vm = start_vm_with_device();

	acquire_lock_smmu();
	acquire_lock_s2page();
	dma_owner_set(0, (struct dma_owner){ .vmid = HOSTVISOR,
					     .cbndx = BANK });
	release_lock_s2page();
	release_lock_smmu();
	assert_refused(dma_device_accept(vm, GPA(0), PAGE_SIZE), HV_EPERM);
}

static void bad_ranges_of_accept(void)
{
	static const struct {
		uint64_t gpa, size;
	} ranges[] = {
		{ GPA(0), 512 * PAGE_SIZE + 1 },
		{ GPA(0) + 1, 512 * PAGE_SIZE },
		{ GPA(0), INVALID64 },
		{ GPA(0), KVM_PHYS_SIZE },
		{ KVM_PHYS_SIZE, 1 },
		{ KVM_PHYS_SIZE - 1, 2 },
		{ GPA(0) | BIT(40), PAGE_SIZE },
		{ INVALID64, 1 },
	};
	vmid_t vm = start_vm_with_device();

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		assert_refused(dma_device_accept(vm, ranges[i].gpa,
						 ranges[i].size), HV_EINVAL);
	}
	assert_refused(dma_device_accept(vm, GPA(0), 512 * PAGE_SIZE),
		       HV_EPERM);
}

/* As the VM calls it. */
static int64_t call(vmid_t vm, uint64_t gpa, uint64_t size)
{
	uint32_t ret;

	set_per_cpu(vm, VCPU);
	set_shadow_ctxt(vm, VCPU, X0, ACCEPT);
	set_shadow_ctxt(vm, VCPU, X2, gpa);
	set_shadow_ctxt(vm, VCPU, X3, size);
	ret = core_handle_pvops();
	set_per_cpu(HOSTVISOR, 0);
	g_assert_cmpuint(ret, ==, 0);
	return (int64_t)get_shadow_ctxt(vm, VCPU, X0);
}

static void pvop_accepts(void)
{
	vmid_t vm = start_vm_with_device();

	g_assert_cmpint(call(vm, GPA(0), 2 * PAGE_SIZE), ==, -3);
	g_assert_cmpint(call(vm, GPA(0), INVALID64), ==, -2);
	g_assert_cmphex(dma(0, IOVA), ==, INVALID64);
	g_assert_cmpint(call(vm, GPA(0), PAGE_SIZE), ==, 0);
	g_assert_cmphex(dma(0, IOVA), ==, PA);
	/* A VM's mistakes are its own. */
	g_assert_cmpuint(pcpu_boot()->counters->refusals, ==, 0);
}

/* --- The way back ------------------------------------------------------ */

/* Channel 0 is the host's as at boot, and was reset once more. */
static void assert_back(void)
{
	assert_host_has(0);
	g_assert_cmpuint(test_resets[0], ==, 2);
	g_assert_cmphex(dma(0, PA + PAGE_SIZE), ==, PA + PAGE_SIZE);
	g_assert_cmphex(dma(0, IOVA), ==, INVALID64);
}

static void g33_destroyed_vms_device_is_reset(void)
{
	vmid_t vm = start_vm_with_device();

	assert_done(dma_device_accept(vm, GPA(0), PAGE_SIZE));
	native_events_reset();
	destroy_whole(vm);
	assert_back();
	g_assert_cmphex(dma(0, PA), ==, PA);
	/* The VM's CPUs had lost it before the reset. */
	g_assert_cmpuint(first_event(NATIVE_TLBI_VMALLS12E1IS), <,
			 first_event(NATIVE_DEVICE_RESET));
	/* It can be given again. */
	g_assert_cmpuint(ops_new_vm(), ==, vm);
	assert_done(el2_alloc_smmu_pgd(BANK, vm, SMMU));
	assert_done(set_stream(0, BANK));
}

static void g33_device_is_back_when_the_first_page_is(void)
{
	vmid_t vm = start_vm_with_device();

	assert_done(dma_device_accept(vm, GPA(0), PAGE_SIZE));
	for (uint64_t i = 1; i <= 600; i++) {
		ops_give_page(vm, GFN + i, PFN + i);
	}
	g_assert_cmpint(destroy_vm(vm), ==, HV_EAGAIN);
	g_assert_cmpuint(test_resets[0], ==, 2);
	g_assert_cmphex(dma(0, IOVA), ==, INVALID64);
	assert_host_has(0);
	destroy_whole(vm);
	/* The host's own use of it is not disturbed a second time. */
	assert_back();
}

static void g33_device_comes_back_with_clear(void)
{
	vmid_t vm = start_vm_with_device();

	assert_done(dma_device_accept(vm, GPA(0), PAGE_SIZE));
	assert_refused(clear_vm_stage2_range(vm, 0, KVM_PHYS_SIZE), HV_EPERM);
	ops_set_vm_state(vm, POWEROFF);
	/* Powered off is not taken away: it does DMA until then. */
	g_assert_cmphex(dma(0, IOVA), ==, PA);
	assert_refused(map_page_host(REGS(0)), HV_EPERM);
	ops_set_vcpu_state(vm, VCPU, ACTIVE);
	assert_refused(clear_vm_stage2_range(vm, 0, KVM_PHYS_SIZE), HV_EBUSY);
	ops_set_vcpu_state(vm, VCPU, READY);
	assert_done(clear_vm_stage2_range(vm, 0, PAGE_SIZE));
	assert_back();
	g_assert_cmphex(ops_vm_pfn(vm, GPA(0) >> 12), ==, INVALID64);
	assert_refused(dma_device_accept(vm, GPA(0), PAGE_SIZE), HV_EPERM);
}

static void good_scrub_stops_devices(void)
{
	vmid_t vm = start_vm_with_device();

	assert_done(dma_device_accept(vm, GPA(0), PAGE_SIZE));
	mem_handler_scrub_all();
	assert_back();
	/* A vCPU that runs still cannot start it again. */
	assert_refused(dma_device_accept(vm, GPA(0), PAGE_SIZE), HV_EPERM);
	assert_refused(set_stream(0, BANK), HV_EPERM);
}

/* The bank goes first: its stream is fenced, and no other bank's. */
static void g69_device_without_its_bank(void)
{
	vmid_t vm = start_vm_with_device();
	vmid_t other;

	ops_set_vm_state(vm, POWEROFF);
	assert_done(dma_device_accept(vm, GPA(0), PAGE_SIZE));
	assert_done(el2_free_smmu_pgd(BANK, SMMU));
	g_assert_cmphex(dma(0, IOVA), ==, INVALID64);
	/* Still the VM's. */
	assert_refused(map_page_host(REGS(0)), HV_EPERM);
	assert_refused(dma_device_accept(vm, GPA(0), PAGE_SIZE), HV_EPERM);
	other = ops_new_vm();
	assert_done(el2_alloc_smmu_pgd(BANK, other, SMMU));
	assert_done(el2_arm_lpae_map(IOVA, PA + PAGE_SIZE, RW, BANK, SMMU));
	assert_refused(dma_device_accept(vm, GPA(0), PAGE_SIZE), HV_EPERM);
	g_assert_cmphex(dma(0, IOVA), ==, INVALID64);
	destroy_whole(vm);
	assert_host_has(0);
	g_assert_cmphex(dma(0, IOVA), ==, INVALID64);
	g_assert_cmphex(dma(0, PA), ==, PA);
}

/* Another VM's end leaves it alone. */
static void good_other_vms_end(void)
{
	vmid_t vm = start_vm_with_device();
	vmid_t other = ops_new_vm();

	assert_done(el2_alloc_smmu_pgd(BANK2, other, SMMU));
	assert_done(dma_device_accept(vm, GPA(0), PAGE_SIZE));
	destroy_whole(other);
	g_assert_cmphex(dma(0, IOVA), ==, PA);
	g_assert_cmpuint(device_owner(0), ==, vm);
	g_assert_cmpuint(test_resets[0], ==, 1);
}

/* --- G33, from end to end ---------------------------------------------- */

/*
 * The host binds a device to a VM, reserves pages for it, and wants to have
 * it read what becomes the VM's RAM: the device obeys the VM alone by then.
 */
static void g33_host_never_drives_a_vms_device(void)
{
	vmid_t vm = start_vm();

	assert_host_has(0);
	assert_done(set_stream(0, BANK));
	assert_refused(map_page_host(REGS(0)), HV_EPERM);
	assert_done(ioremap(vm, 0));
	ops_set_vm_state(vm, VERIFIED);
	ops_give_page(vm, GFN, PFN);
	ops_fill(PFN, SECRET);
	g_assert_cmphex(dma(0, IOVA), ==, INVALID64);
	assert_refused(set_stream(0, 0), HV_EPERM);
	assert_refused(el2_free_smmu_pgd(BANK, SMMU), HV_EPERM);
	assert_done(dma_device_accept(vm, GPA(0), PAGE_SIZE));
	assert_refused(map_page_host(REGS(0)), HV_EPERM);
	destroy_whole(vm);
	ops_assert_reclaimed(PFN);
	assert_back();
}

/* --- Two CPUs ---------------------------------------------------------- */

static void *give_on_cpu_1(void *data)
{
	(void)data;
	machine_become_cpu(1);
	for (uint32_t n = 1; n < TEST_DMA_CHANNELS; n++) {
		enum hv_status status = set_stream(n, BANK);

		g_assert_true(status == HV_OK || status == HV_EPERM);
	}
	return NULL;
}

/* Devices given to a VM that is destroyed: all of them come back. */
static void g33_given_while_another_cpu_destroys(void)
{
	for (uint32_t round = 0; round < 20; round++) {
		vmid_t vm = start_vm();
		pthread_t thread;

		g_assert_cmpint(pthread_create(&thread, NULL, give_on_cpu_1,
					       NULL), ==, 0);
		destroy_whole(vm);
		g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
		for (uint32_t n = 0; n < TEST_DMA_CHANNELS; n++) {
			assert_host_has(n);
			g_assert_cmphex(dma(n, PA), ==, PA);
		}
	}
}

int main(int argc, char **argv)
{
	static const struct unit_test tests[] = {
		UNIT_TEST("/dma-device/owner/good_hosts-at-first",
			  good_devices_are_the_hosts_at_first),
		UNIT_TEST("/dma-device/owner/g33_becomes-a-vms",
			  g33_device_becomes_a_vms),
		UNIT_TEST("/dma-device/owner/g33_reset-when-unreachable",
			  g33_reset_when_nobody_can_reach_it),
		UNIT_TEST("/dma-device/owner/bad_numbers",
			  bad_numbers_of_set_stream),
		UNIT_TEST("/dma-device/owner/bad_twice", bad_set_stream_twice),
		UNIT_TEST("/dma-device/owner/bad_not-ready",
			  bad_set_stream_for_a_vm_that_is_not_ready),
		UNIT_TEST("/dma-device/host/good_bank",
			  good_device_uses_the_hosts_bank),
		UNIT_TEST("/dma-device/host/good_freed-bank",
			  good_device_of_a_freed_bank_faults),
		UNIT_TEST("/dma-device/host/bad_hosts-entry",
			  bad_stream_of_an_entry_of_the_hosts),
		UNIT_TEST("/dma-device/host/g33_either-mode",
			  g33_vms_device_in_either_mode),
		UNIT_TEST("/dma-device/registers/good_owner",
			  good_owner_gets_the_registers),
		UNIT_TEST("/dma-device/registers/g33_owner-alone",
			  g33_registers_are_the_owners_alone),
		UNIT_TEST("/dma-device/consent/g33_waits",
			  g33_device_waits_for_the_vms_consent),
		UNIT_TEST("/dma-device/consent/good_range",
			  good_range_of_devices_is_accepted),
		UNIT_TEST("/dma-device/consent/good_nothing",
			  good_accept_of_nothing),
		UNIT_TEST("/dma-device/consent/bad_no-own-device",
			  bad_accept_of_what_is_no_own_device),
		UNIT_TEST("/dma-device/consent/bad_anothers",
			  bad_accept_of_a_device_that_is_anothers_now),
		UNIT_TEST("/dma-device/consent/bad_ranges",
			  bad_ranges_of_accept),
		UNIT_TEST("/dma-device/consent/pvop", pvop_accepts),
		UNIT_TEST("/dma-device/back/g33_destroy",
			  g33_destroyed_vms_device_is_reset),
		UNIT_TEST("/dma-device/back/g33_first-page",
			  g33_device_is_back_when_the_first_page_is),
		UNIT_TEST("/dma-device/back/g33_clear",
			  g33_device_comes_back_with_clear),
		UNIT_TEST("/dma-device/back/good_scrub",
			  good_scrub_stops_devices),
		UNIT_TEST("/dma-device/back/g69_bank-first",
			  g69_device_without_its_bank),
		UNIT_TEST("/dma-device/back/good_other-vm", good_other_vms_end),
		UNIT_TEST("/dma-device/g33_host-never-drives-it",
			  g33_host_never_drives_a_vms_device),
		UNIT_TEST("/dma-device/g33_given-while-destroyed",
			  g33_given_while_another_cpu_destroys),
	};

	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
