/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A vCPU on a CPU, from when it is loaded until it makes room. */
#include "gic.h"
#include "pl011.h"
#include "vm.h"

#define MAX_DENIED	1000u
#define DENIED_US	1000u

static struct vm *input_vm(void)
{
	for (unsigned int i = 0; i < nr_vms; i++) {
		if (vms[i]->config.input && vms[i]->state == VM_RUNNING) {
			return vms[i];
		}
	}
	return NULL;
}

/* Nobody's input is nobody's loss. */
static void console_input(void)
{
	struct vm *vm = input_vm();
	int byte;

	while (vm == NULL || vpl011_input_room(vm)) {
		byte = pl011_get();
		if (byte < 0) {
			break;
		}
		if (vm != NULL) {
			vpl011_input(vm, (uint8_t)byte);
		}
	}
}

static void take_irq(uint32_t irq)
{
	struct vcpu *vcpu = this_cpu()->loaded;

	switch (irq) {
	case IRQ_PTIMER:
		sched_tick();
		break;
	case IRQ_VTIMER:
		/* Stays active: the VM deactivates it, or the next load. */
		if (vcpu != NULL) {
			vgic_vtimer(vcpu);
		}
		gic_drop(irq);
		return;
	case IRQ_MAINTENANCE:
		if (vcpu != NULL) {
			vgic_maintenance(vcpu);
		}
		break;
	case IRQ_UART:
		console_input();
		break;
	case IRQ_KICK:
		sched_kicked();
		break;
	default:
		break;
	}
	gic_drop(irq);
	gic_deactivate(irq);
}

/**
 * cpu_poll_irqs() - take all interrupts that are pending on this CPU
 */
void cpu_poll_irqs(void)
{
	uint32_t irq;

	while ((irq = gic_ack()) < IRQ_NONE) {
		take_irq(irq);
	}
}

/*
 * EL2 does not run the vCPU. If it is because the VM has powered off, another
 * vCPU is on its way out with that; so it is asked again for a while.
 */
static void run_failed(struct vcpu *vcpu, int64_t result)
{
	struct vm *vm = vcpu->vm;

	if ((result == HYPSEC_DENIED || result == HYPSEC_BUSY) &&
	    vcpu->denied++ < MAX_DENIED) {
		vcpu->task.deadline = counter() + us_to_ticks(DENIED_US);
		return;
	}
	if (vm->state == VM_RUNNING) {
		print("vm%u: vcpu %u does not run: result %ld", vm->number,
		      vcpu->id, result);
		vm_stop(vm, END_ERROR);
	}
}

static void ran(struct vcpu *vcpu)
{
	vcpu->denied = 0;
	if (vcpu->answered != 0) {
		vm_answered(vcpu);
	}
}

/* One time in the VM. Returns: whether there may be another at once. */
static bool run_once(struct vcpu *vcpu, enum task_next *next)
{
	int64_t result;

	vgic_flush(vcpu);
	result = hvc_call(HYPSEC_HVC_VCPU_RUN, vcpu->vm->vmid, vcpu->id, 0, 0);
	if (result >= 0) {
		ran(vcpu);
	}
	switch (result) {
	case HYPSEC_EXIT_TRAP:
		return exit_handle(vcpu, next);
	case HYPSEC_EXIT_IRQ:
		vcpu->exits[EXIT_IRQ]++;
		/* A GICv3's virtual interface is off by now, but EL2 saw it. */
		if (vcpu->shared->vgic.misr != 0) {
			vgic_maintenance(vcpu);
		}
		cpu_poll_irqs();
		return true;
	case HYPSEC_EXIT_SERROR:
		vcpu->exits[EXIT_OTHER]++;
		return true;
	default:
		run_failed(vcpu, result);
		*next = TASK_WAIT;
		return false;
	}
}

/* The vCPU is powered off, or its VM is no more; it has been accounted for. */
static bool is_over(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;

	if (__atomic_load_n(&vm->state, __ATOMIC_ACQUIRE) == VM_RUNNING &&
	    vcpu->on) {
		return false;
	}
	lock_acquire(&vm->lock);
	if (vcpu->on) {
		vm_vcpu_off(vcpu);
	}
	lock_release(&vm->lock);
	return true;
}

static void forget_wake(struct task *task)
{
	if (__atomic_load_n(&task->woken, __ATOMIC_RELAXED)) {
		(void)__atomic_exchange_n(&task->woken, false,
					  __ATOMIC_SEQ_CST);
	}
}

/**
 * vcpu_task() - run a vCPU until it waits, is off, or others want the CPU
 */
enum task_next vcpu_task(struct task *task)
{
	struct vcpu *vcpu = (struct vcpu *)task;
	struct cpu *cpu = this_cpu();
	enum task_next next = TASK_REQUEUE;

	if (is_over(vcpu)) {
		return TASK_STOP;
	}
	/* It waited for its timer: that has fired, or is about to. */
	if (vcpu->in_wfi && task->deadline <= counter()) {
		vgic_vtimer_due(vcpu);
	}
	vcpu->in_wfi = false;
	task->deadline = NEVER;
	vgic_load(vcpu);
	do {
		/* What woke it is seen from here on. */
		forget_wake(task);
		if (!run_once(vcpu, &next)) {
			break;
		}
		if (vcpu->vm->state != VM_RUNNING || vcpu->ended) {
			next = TASK_REQUEUE;
			break;
		}
	} while (!cpu->resched);
	/* The timer's interrupt is this vCPU's while it is loaded. */
	cpu_poll_irqs();
	vgic_put(vcpu);
	attack_check_cpu(vcpu);
	if (vcpu->ended) {
		vcpu->ended = false;
		vgic_reset_cpu(vcpu);
	}
	if (next == TASK_WAIT && vgic_has_pending(vcpu)) {
		next = TASK_REQUEUE;
	}
	return is_over(vcpu) ? TASK_STOP : next;
}
