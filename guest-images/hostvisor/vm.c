/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of a VM, as a task that does one bounded piece of it at a time.
 *
 * Locks: the VM's lock for its state, how it ended and which vCPUs are on.
 */
#include <string.h>

#include "alloc.h"
#include "dt.h"
#include "pl011.h"
#include "vm.h"

#include "hostvisor/device.h"

#define PAGES_PER_STEP	64u
#define MAX_RESETS	100u
#define GICV_BYTES	0x2000u
#define RETRY_US	100u

static uint32_t vms_left;
static bool time_is_up;

static const char *const end_names[] = {
	[END_NONE] = "?",
	[END_OFF] = "off",
	[END_RESET] = "reset",
	[END_REFUSED] = "refused",
	[END_ERROR] = "error",
	[END_TIMEOUT] = "timeout",
};

/* A call that has to do with the VM as a whole; says so if it is refused. */
static int64_t call(struct vm *vm, const char *name, uint64_t fn, uint64_t a2,
		    uint64_t a3, uint64_t a4)
{
	int64_t result = hvc_call(fn, vm->vmid, a2, a3, a4);

	if (result < 0 && result != HYPSEC_AGAIN && result != HYPSEC_BUSY) {
		print("vm%u: %s(0x%lx, 0x%lx): %ld", vm->number, name, a2, a3,
		      result);
	}
	return result;
}

static void set_state(struct vm *vm, enum vm_state state)
{
	__atomic_store_n(&vm->state, state, __ATOMIC_RELEASE);
}

/* EL2 did not take what the host brought: the end, before it began. */
static void refused(struct vm *vm)
{
	vm->end = END_REFUSED;
	set_state(vm, VM_DESTROYING);
}

/* The host itself cannot load it. */
static void gave_up(struct vm *vm)
{
	vm->end = END_ERROR;
	set_state(vm, VM_DESTROYING);
}

/* The vCPU counts as on. Locks: the VM's is held */
void vm_vcpu_on(struct vcpu *vcpu)
{
	__atomic_store_n(&vcpu->on, true, __ATOMIC_RELEASE);
	vcpu->vm->live++;
}

/* It does no longer; the last one lets the VM go on. Locks: the VM's is held */
void vm_vcpu_off(struct vcpu *vcpu)
{
	__atomic_store_n(&vcpu->on, false, __ATOMIC_RELEASE);
	vcpu->vm->live--;
	if (vcpu->vm->live == 0) {
		sched_wake(&vcpu->vm->task);
	}
}

/**
 * vm_stop() - end a VM that runs
 * @vm:  nothing happens if it does not run
 * @end: why
 *
 * Its vCPUs come out wherever they are; the VM's task does the rest.
 *
 * Locks: the VM's, then scheduler
 */
void vm_stop(struct vm *vm, enum vm_end end)
{
	lock_acquire(&vm->lock);
	if (vm->state == VM_RUNNING) {
		vm->end = end;
		vm->stopped_at = counter();
		set_state(vm, VM_STOPPING);
		for (uint32_t i = 0; i < vm->nr_vcpus; i++) {
			sched_wake(&vm->vcpus[i].task);
		}
		sched_wake(&vm->task);
	}
	lock_release(&vm->lock);
}

/* The answer to a fault has been taken: the page is the VM's. */
void vm_answered(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;

	lock_acquire(&vm->lock);
	keep(&vm->given, vcpu->answered);
	lock_release(&vm->lock);
	vcpu->answered = 0;
}

static void reset_vcpu(struct vm *vm, uint32_t i)
{
	struct vcpu *vcpu = &vm->vcpus[i];
	uint64_t page = vm->vmid * HYPSEC_MAX_VCPUS + i;

	vcpu->task = (struct task){
		.run = vcpu_task,
		.deadline = NEVER,
		.cpu = &cpus[(vm->number + i) % nr_cpus],
	};
	vcpu->vm = vm;
	vcpu->id = i;
	vcpu->on = false;
	vcpu->answered = 0;
	vcpu->ended = false;
	vcpu->in_wfi = false;
	vcpu->denied = 0;
	vcpu->shared = (volatile struct hypsec_vcpu *)(uintptr_t)
		       (board.shared.base + page * HYPSEC_SHARED_STRIDE);
	memset(vcpu->exits, 0, sizeof(vcpu->exits));
	vgic_reset_cpu(vcpu);
}

static void reset(struct vm *vm)
{
	vm->end = END_NONE;
	vm->status = 0;
	vm->reported = false;
	vm->live = 0;
	vm->pages_given = 0;
	vm->cursor_image = 0;
	vm->cursor_page = 0;
	vm->ring.pa = 0;
	vm->given.count = vm->rings.count = vm->suspects.count = 0;
	vm->bank = 0;
	vm->channels = 0;
	vgic_reset(vm);
	vpl011_reset(vm);
	for (uint32_t i = 0; i < vm->nr_vcpus; i++) {
		reset_vcpu(vm, i);
	}
}

static enum task_next wait_until(struct vm *vm, uint64_t deadline)
{
	vm->task.deadline = deadline;
	return TASK_WAIT;
}

static enum task_next begin(struct vm *vm)
{
	uint64_t start = us_to_ticks(vm->config.start_ms * 1000);
	int64_t vmid;

	if (counter() < start) {
		return wait_until(vm, start);
	}
	vmid = hvc_call(HYPSEC_HVC_REGISTER_KVM, 0, 0, 0, 0);
	if (vmid <= 0 || vmid > HYPSEC_MAX_VMS) {
		print("vm%u: REGISTER_KVM: %ld", vm->number, vmid);
		vm->vmid = 0;
		vm->end = END_ERROR;
		set_state(vm, VM_CHECKING);
		return TASK_REQUEUE;
	}
	vm->vmid = (uint32_t)vmid;
	reset(vm);
	if (!vm_memory_init(vm)) {
		vm->end = END_ERROR;
		set_state(vm, VM_DESTROYING);
		return TASK_REQUEUE;
	}
	set_state(vm, VM_LOADING);
	print_verbose("vm%u %s: EL2 calls it %u", vm->number, vm->name,
		      vm->vmid);
	return TASK_REQUEUE;
}

/* One page of an image, copied and given away; false: the end is set. */
static bool load_page(struct vm *vm, const struct image *image, uint64_t page)
{
	uint64_t offset = page * PAGE_SIZE;
	uint64_t bytes = image->size - offset < PAGE_SIZE ?
			 image->size - offset : PAGE_SIZE;
	uint64_t pa = vm_memory_new_page(vm, image->load_addr + offset);
	uint8_t *to = (uint8_t *)(uintptr_t)pa;

	if (pa == 0) {
		print("vm%u: no memory for its images", vm->number);
		gave_up(vm);
		return false;
	}
	memcpy(to, image->data + offset, bytes);
	memset(to + bytes, 0, PAGE_SIZE - bytes);
	if (call(vm, "REMAP_VM_IMAGE", HYPSEC_HVC_REMAP_VM_IMAGE,
		 pa / PAGE_SIZE, vm->cursor_image, 0) < 0) {
		free_page(pa);
		refused(vm);
		return false;
	}
	vm_memory_add_page(vm, image->load_addr + offset, pa);
	keep(&vm->given, pa);
	return true;
}

/* EL2 learns of an image; false: the end is set. */
static bool begin_image(struct vm *vm, const struct image *image)
{
	if (image->size == 0 || image->load_addr % PAGE_SIZE != 0 ||
	    image->load_addr < VM_RAM_BASE ||
	    image->load_addr - VM_RAM_BASE > vm->config.memory ||
	    image->size > vm->config.memory -
			  (image->load_addr - VM_RAM_BASE)) {
		print("vm%u: image %lu does not fit its memory", vm->number,
		      vm->cursor_image);
		gave_up(vm);
		return false;
	}
	if (call(vm, "SET_BOOT_INFO", HYPSEC_HVC_SET_BOOT_INFO,
		 image->load_addr, image->size, 0) !=
	    (int64_t)vm->cursor_image) {
		refused(vm);
		return false;
	}
	return true;
}

static bool set_manifest(struct vm *vm)
{
	uint64_t pa = alloc_page();
	bool done;

	if (pa == 0) {
		return false;
	}
	memcpy((void *)(uintptr_t)pa, vm->manifest, vm->manifest_size);
	done = call(vm, "SET_MANIFEST", HYPSEC_HVC_SET_MANIFEST, pa,
		    vm->manifest_size, 0) == HYPSEC_OK;
	free_page(pa);
	return done;
}

/* What remains when all images are there. */
static bool complete(struct vm *vm)
{
	if (!set_manifest(vm)) {
		return false;
	}
	for (uint32_t i = 0; i < vm->nr_vcpus; i++) {
		if (call(vm, "REGISTER_VCPU", HYPSEC_HVC_REGISTER_VCPU, i, 0,
			 0) < 0) {
			return false;
		}
	}
	if (board.gic_version == 2 &&
	    call(vm, "PHYS_ADDR_IOREMAP", HYPSEC_HVC_PHYS_ADDR_IOREMAP,
		 HOSTVISOR_GICC_BASE, board.gic[3].base, GICV_BYTES) < 0) {
		return false;
	}
	return dma_give(vm);
}

static enum task_next load(struct vm *vm)
{
	for (uint32_t i = 0; i < PAGES_PER_STEP; i++) {
		const struct image *image = &vm->images[vm->cursor_image];

		if (vm->cursor_image == vm->nr_images) {
			if (!complete(vm)) {
				refused(vm);
			} else {
				set_state(vm, VM_VERIFYING);
			}
			break;
		}
		if ((vm->cursor_page == 0 && !begin_image(vm, image)) ||
		    !load_page(vm, image, vm->cursor_page)) {
			break;
		}
		vm->cursor_page++;
		if (vm->cursor_page * PAGE_SIZE >= image->size) {
			vm->cursor_image++;
			vm->cursor_page = 0;
		}
	}
	return TASK_REQUEUE;
}

static enum task_next verify(struct vm *vm)
{
	int64_t result = call(vm, "VERIFY_VM_IMAGES",
			      HYPSEC_HVC_VERIFY_VM_IMAGES, 0, 0, 0);

	if (result == HYPSEC_AGAIN) {
		return TASK_REQUEUE;
	}
	if (result < 0) {
		refused(vm);
		return TASK_REQUEUE;
	}
	print_verbose("vm%u %s: verified, %lu pages", vm->number, vm->name,
		      vm->pages_given);
	lock_acquire(&vm->lock);
	vm->started_at = counter();
	vm_vcpu_on(&vm->vcpus[0]);
	set_state(vm, VM_RUNNING);
	lock_release(&vm->lock);
	sched_start(&vm->vcpus[0].task);
	return wait_until(vm, NEVER);
}

/* Nothing to do, unless nobody is left who could do anything. */
static enum task_next watch_run(struct vm *vm)
{
	bool all_off;

	lock_acquire(&vm->lock);
	all_off = vm->state == VM_RUNNING && vm->live == 0;
	lock_release(&vm->lock);
	if (all_off) {
		print("vm%u: all its vCPUs are off", vm->number);
		vm_stop(vm, END_ERROR);
		return TASK_REQUEUE;
	}
	return wait_until(vm, NEVER);
}

/* Are all vCPUs out, and nobody touches them any more? */
static enum task_next stop(struct vm *vm)
{
	bool all_off;

	lock_acquire(&vm->lock);
	all_off = vm->live == 0;
	lock_release(&vm->lock);
	if (!all_off) {
		return wait_until(vm, NEVER);
	}
	for (uint32_t i = 0; i < vm->nr_vcpus; i++) {
		if (!sched_is_off(&vm->vcpus[i].task)) {
			return wait_until(vm, counter() +
					      us_to_ticks(RETRY_US));
		}
	}
	/* Whoever tries the VM's memory has its lock. */
	lock_acquire(&vm->lock);
	set_state(vm, VM_DESTROYING);
	lock_release(&vm->lock);
	return TASK_REQUEUE;
}

static enum task_next destroy(struct vm *vm)
{
	int64_t result = call(vm, "DESTROY_VM", HYPSEC_HVC_DESTROY_VM, 0, 0,
			      0);

	if (result == HYPSEC_AGAIN || result == HYPSEC_BUSY) {
		return TASK_REQUEUE;
	}
	if (result < 0) {
		fatal("vm%u is not destroyed", vm->number);
	}
	vm->cursor_page = 0;
	vm->not_zero = 0;
	set_state(vm, VM_CHECKING);
	return TASK_REQUEUE;
}

static bool was_good(const struct vm *vm, uint64_t leaks)
{
	if (vm->not_zero != 0 || leaks != 0 || vm->end == END_TIMEOUT) {
		return false;
	}
	switch (vm->config.expect) {
	case EXPECT_REFUSED:
		return vm->end == END_REFUSED;
	case EXPECT_ANY:
		return true;
	case EXPECT_OFF:
	default:
		return (vm->end == END_OFF || vm->end == END_RESET) &&
		       vm->status == 0 &&
		       (vm->reported || !vm->config.report);
	}
}

static void report(struct vm *vm, bool good, uint64_t leaks)
{
	uint64_t exits[NR_EXITS] = { 0 };
	uint64_t ticks = vm->started_at != 0 ?
			 vm->stopped_at - vm->started_at : 0;

	for (uint32_t i = 0; i < vm->nr_vcpus; i++) {
		for (uint32_t kind = 0; kind < NR_EXITS; kind++) {
			exits[kind] += vm->vcpus[i].exits[kind];
		}
	}
	print("vm%u %s: %s: %s, status %lu, %lu us, %lu pages came back%s",
	      vm->number, vm->name, good ? "ok" : "FAILED",
	      end_names[vm->end], vm->status, ticks_to_us(ticks),
	      vm->pages_given, vm->not_zero != 0 ? " NOT ZEROED" : " zeroed");
	if (leaks != 0) {
		print("vm%u %s: the host could read %lu of its pages",
		      vm->number, vm->name, leaks);
	}
	print_verbose("vm%u %s: exits: irq %lu wfx %lu hvc %lu mmio %lu "
		      "memory %lu sysreg %lu other %lu", vm->number, vm->name,
		      exits[EXIT_IRQ], exits[EXIT_WFX], exits[EXIT_HVC],
		      exits[EXIT_MMIO], exits[EXIT_MEMORY],
		      exits[EXIT_SYSREG], exits[EXIT_OTHER]);
}

static void finish_all(void)
{
	uint32_t failed = 0;

	for (unsigned int i = 0; i < nr_vms; i++) {
		failed += vms[i]->failures != 0;
	}
	host_exit(failed + (attack_report() != 0 ? 100 : 0));
}

/* Once more, or never again? */
static bool goes_on(struct vm *vm)
{
	if (__atomic_load_n(&time_is_up, __ATOMIC_RELAXED)) {
		return false;
	}
	if (vm->end == END_RESET && vm->resets < MAX_RESETS) {
		vm->resets++;
		return true;
	}
	vm->run++;
	return vm->failures == 0 &&
	       (vm->config.repeat == 0 || vm->run < vm->config.repeat);
}

static enum task_next check(struct vm *vm)
{
	uint64_t leaks;
	bool good;

	if (vm->vmid != 0 && !vm_memory_take_back(vm, &vm->not_zero)) {
		return TASK_REQUEUE;
	}
	vpl011_flush(vm);
	pl011_input_on(true);
	leaks = attack_judge(vm);
	good = dma_came_back(vm) && was_good(vm, leaks);
	vm->failures += !good;
	report(vm, good, leaks);
	vm->vmid = 0;
	vm->started_at = 0;
	if (goes_on(vm)) {
		set_state(vm, VM_WAITING);
		return TASK_REQUEUE;
	}
	set_state(vm, VM_DONE);
	if (__atomic_sub_fetch(&vms_left, 1, __ATOMIC_ACQ_REL) == 0) {
		finish_all();
	}
	return TASK_STOP;
}

/**
 * vm_task() - the next piece of a VM's life
 */
enum task_next vm_task(struct task *task)
{
	struct vm *vm = (struct vm *)task;

	switch (vm->state) {
	case VM_WAITING:
		return begin(vm);
	case VM_LOADING:
		return load(vm);
	case VM_VERIFYING:
		return verify(vm);
	case VM_RUNNING:
		return watch_run(vm);
	case VM_STOPPING:
		return stop(vm);
	case VM_DESTROYING:
		return destroy(vm);
	case VM_CHECKING:
		return check(vm);
	case VM_DONE:
	default:
		return TASK_STOP;
	}
}

/* hypsec.seconds: first no new runs, then no runs at all. */
static enum task_next watch(struct task *task)
{
	if (!time_is_up) {
		__atomic_store_n(&time_is_up, true, __ATOMIC_RELAXED);
	} else {
		for (unsigned int i = 0; i < nr_vms; i++) {
			vm_stop(vms[i], END_TIMEOUT);
		}
	}
	task->deadline = counter() + us_to_ticks(options.grace * 1000000);
	return TASK_WAIT;
}

static enum task_next start_watch(struct task *task)
{
	task->run = watch;
	task->deadline = us_to_ticks(options.seconds * 1000000);
	return TASK_WAIT;
}

/**
 * vm_start_all() - let the scheduler have every VM of the bundle
 */
void vm_start_all(void)
{
	static struct task watch_task = { .run = start_watch };

	vms_left = nr_vms;
	for (unsigned int i = 0; i < nr_vms; i++) {
		struct vm *vm = vms[i];

		vm->task = (struct task){ .run = vm_task, .deadline = NEVER,
					  .cpu = &cpus[i % nr_cpus] };
		sched_start(&vm->task);
	}
	if (options.seconds != 0) {
		sched_start(&watch_task);
	}
}
