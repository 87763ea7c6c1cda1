/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a bad host tries while VMs run: to read and write their pages, and
 * calls that are not for it. Every attempt has to be refused.
 *
 * A page that the VM shares may be read. The host knows of rings, but may hear
 * of one only after it has read it, so a page that could be read is judged at
 * the end of the VM.
 *
 * And what VMs might do to the host: its FP/SIMD registers keep what is in
 * them, whatever the VMs do with theirs.
 *
 * Locks: the VM's.
 */
#include "dt.h"
#include "vm.h"

#define PERIOD_US	1000u

/* fp.S */
void fp_fill(uint64_t seed);
bool fp_is(uint64_t seed);

static uint64_t attempts;
static uint64_t refusals;
static uint64_t wrongs;

static void expect(const char *what, struct vm *vm, bool was_refused)
{
	attempts++;
	if (was_refused) {
		refusals++;
	} else {
		wrongs++;
		print("attack: vm%u: %s was not refused", vm->number, what);
	}
}

static bool contains(const struct kept *kept, uint64_t pa)
{
	for (uint32_t i = 0; i < kept->count && i < MAX_KEPT; i++) {
		if (kept->pa[i] == pa) {
			return true;
		}
	}
	return false;
}

static void try_memory(struct vm *vm, uint64_t pa)
{
	uint64_t value;

	attempts += 2;
	if (try_read(pa, &value)) {
		keep(&vm->suspects, pa);
		return;
	}
	refusals++;
	if (try_write(pa, ~value)) {
		keep(&vm->suspects, pa);
		return;
	}
	refusals++;
}

static bool refused(uint64_t fn, uint64_t a1, uint64_t a2, uint64_t a3,
		    uint64_t a4)
{
	return hvc_call(fn, a1, a2, a3, a4) < 0;
}

/* Calls that a running VM's host must not get through with. */
static void try_call(struct vm *vm, uint64_t pa, uint64_t which)
{
	uint64_t own = board.dtb.base & ~(PAGE_SIZE - 1);

	switch (which % 8) {
	case 0:
		/* Of the VM's own it is right once that has powered off. */
		expect("CLEAR_VM_S2_RANGE of no VM", vm,
		       refused(HYPSEC_HVC_CLEAR_VM_S2_RANGE, 0, pa, PAGE_SIZE,
			       0));
		break;
	case 1:
		expect("REMAP_VM_IMAGE", vm,
		       refused(HYPSEC_HVC_REMAP_VM_IMAGE, vm->vmid,
			       own / PAGE_SIZE, 0, 0));
		break;
	case 2:
		expect("SET_BOOT_INFO", vm,
		       refused(HYPSEC_HVC_SET_BOOT_INFO, vm->vmid,
			       VM_RAM_BASE, PAGE_SIZE, 0));
		break;
	case 3:
		expect("SET_MANIFEST", vm,
		       refused(HYPSEC_HVC_SET_MANIFEST, vm->vmid, pa,
			       PAGE_SIZE, 0));
		break;
	case 4:
		expect("VERIFY_VM_IMAGES", vm,
		       refused(HYPSEC_HVC_VERIFY_VM_IMAGES, vm->vmid, 0, 0,
			       0));
		break;
	case 5:
		expect("REGISTER_VCPU", vm,
		       refused(HYPSEC_HVC_REGISTER_VCPU, vm->vmid,
			       MAX_VCPUS - 1, 0, 0));
		break;
	case 6:
		expect("PHYS_ADDR_IOREMAP", vm,
		       refused(HYPSEC_HVC_PHYS_ADDR_IOREMAP, vm->vmid,
			       VM_RAM_BASE, board.uart.base, PAGE_SIZE));
		break;
	default:
		expect("VCPU_RUN of no vCPU", vm,
		       refused(HYPSEC_HVC_VCPU_RUN, vm->vmid, MAX_VCPUS, 0,
			       0));
		break;
	}
}

static uint64_t random(void)
{
	static uint64_t state = UINT64_C(0x9e3779b97f4a7c15);

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void attack_vm(struct vm *vm)
{
	uint32_t count;
	uint64_t pa;

	lock_acquire(&vm->lock);
	count = vm->given.count < MAX_KEPT ? vm->given.count : MAX_KEPT;
	if (vm->state == VM_RUNNING && count > 0) {
		pa = vm->given.pa[random() % count] + random() % 512 * 8;
		if (vm->ring.pa != (pa & ~(PAGE_SIZE - 1))) {
			try_memory(vm, pa);
		}
		try_call(vm, pa & ~(PAGE_SIZE - 1), random() >> 32);
	}
	lock_release(&vm->lock);
}

static enum task_next attack_task(struct task *task)
{
	static unsigned int next;

	attack_vm(vms[next]);
	next = (next + 1) % nr_vms;
	task->deadline = counter() + us_to_ticks(PERIOD_US);
	return TASK_WAIT;
}

static uint64_t fp_seed(void)
{
	return UINT64_C(0x486f7374) << 32 | (this_cpu()->index + 1) << 8;
}

/* This CPU's registers get their pattern. */
void attack_prepare_cpu(void)
{
	fp_fill(fp_seed());
}

/* A vCPU was on this CPU. */
void attack_check_cpu(const struct vcpu *vcpu)
{
	if (options.attack && !fp_is(fp_seed())) {
		print("attack: vm%u: vcpu %u changed the host's FP registers",
		      vcpu->vm->number, vcpu->id);
		__atomic_add_fetch(&wrongs, 1, __ATOMIC_RELAXED);
		fp_fill(fp_seed());
	}
}

/**
 * attack_start() - let the attacker run beside the VMs
 */
void attack_start(void)
{
	static struct task task = { .run = attack_task };

	if (options.attack) {
		sched_start(&task);
	}
}

/**
 * attack_judge() - which of the pages that could be read were not shared?
 * @vm: has ended
 *
 * Returns: their number
 */
uint64_t attack_judge(struct vm *vm)
{
	uint64_t leaks = 0;

	for (uint32_t i = 0; i < vm->suspects.count && i < MAX_KEPT; i++) {
		uint64_t page = vm->suspects.pa[i] & ~(PAGE_SIZE - 1);

		leaks += !vm->config.shares && !contains(&vm->rings, page);
	}
	wrongs += leaks;
	return leaks;
}

/**
 * attack_report() - say how it went
 *
 * Returns: how many attempts were not refused
 */
uint64_t attack_report(void)
{
	if (options.attack) {
		print("attack: %lu attempts, %lu refused, %lu succeeded",
		      attempts, refusals, wrongs);
	}
	return wrongs;
}
