/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Round robin over all CPUs.
 *
 * A task that becomes ready goes to the end of the queue, and an idle CPU is
 * woken for it, the one that it ran on if that is idle. If none is, the CPU
 * that it ran on makes room within a slice. The timer of a CPU fires at the
 * end of a slice and when one of its sleepers is due; whatever runs then makes
 * room if somebody waits.
 *
 * Slices are short while somebody waits: a guest that spins for a lock, whose
 * holder waits for the CPU, spins to the end of its slice. They are long
 * otherwise, so that a lone vCPU is not disturbed.
 *
 * Locks: "scheduler", for all of it.
 */
#include "sched.h"

#include "gic.h"

#define LONG_SLICES	10u

static struct lock sched_lock;
static struct task *queue_head;
static struct task **queue_tail = &queue_head;
static struct task *sleepers[MAX_CPUS];

static void enqueue(struct task *task)
{
	task->state = TASK_QUEUED;
	task->next = NULL;
	*queue_tail = task;
	queue_tail = &task->next;
}

static struct task *dequeue(void)
{
	struct task *task = queue_head;

	if (task != NULL) {
		queue_head = task->next;
		if (queue_head == NULL) {
			queue_tail = &queue_head;
		}
	}
	return task;
}

static void remove_sleeper(struct task *task)
{
	struct task **at = &sleepers[task->cpu->index];

	while (*at != NULL && *at != task) {
		at = &(*at)->next;
	}
	if (*at == task) {
		*at = task->next;
	}
}

/* A CPU that waits for work, best @first; none of them twice. */
static struct cpu *claim_idle_cpu(struct cpu *first)
{
	struct cpu *cpu = first;

	for (unsigned int i = 0; cpu == NULL || !cpu->idle; i++) {
		if (i == nr_cpus) {
			return NULL;
		}
		cpu = &cpus[i];
	}
	cpu->idle = false;
	return cpu;
}

/* Sets the timer to the first of @limit and the sleepers' deadlines. */
static void arm_timer(struct cpu *cpu, uint64_t limit)
{
	for (struct task *t = sleepers[cpu->index]; t != NULL; t = t->next) {
		if (t->deadline < limit) {
			limit = t->deadline;
		}
	}
	if (limit == NEVER) {
		sysreg_write(cntp_ctl_el0, 0);
	} else {
		sysreg_write(cntp_cval_el0, limit);
		sysreg_write(cntp_ctl_el0, 1);
	}
	isb();
}

static uint64_t slice_end(uint64_t now)
{
	uint64_t slice = us_to_ticks(options.slice_us);

	return now + (queue_head != NULL ? slice : LONG_SLICES * slice);
}

/* @cpu is busy, and somebody waits for it; the CPU to kick, or NULL. */
static struct cpu *shorten_slice(struct cpu *cpu)
{
	uint64_t end = slice_end(counter());

	if (cpu->slice_end <= end) {
		return NULL;
	}
	cpu->slice_end = end;
	if (cpu == this_cpu()) {
		arm_timer(cpu, end);
		return NULL;
	}
	return cpu;
}

/* Makes @task ready; the CPU to kick for it, or NULL. */
static struct cpu *make_ready(struct task *task)
{
	struct cpu *cpu;

	enqueue(task);
	cpu = claim_idle_cpu(task->cpu);
	return cpu != NULL || task->cpu == NULL ? cpu :
						  shorten_slice(task->cpu);
}

static void kick(struct cpu *cpu)
{
	if (cpu != NULL && cpu != this_cpu()) {
		gic_kick(cpu);
	}
}

static void wake(struct task *task, bool start)
{
	struct cpu *cpu = NULL;

	lock_acquire(&sched_lock);
	switch (task->state) {
	case TASK_OFF:
		if (start) {
			cpu = make_ready(task);
		}
		break;
	case TASK_WAITING:
		remove_sleeper(task);
		cpu = make_ready(task);
		break;
	case TASK_RUNNING:
		task->woken = true;
		cpu = task->cpu;
		break;
	case TASK_QUEUED:
	default:
		break;
	}
	lock_release(&sched_lock);
	kick(cpu);
}

/**
 * sched_start() - let a task run that is off
 *
 * One that has not gone off yet is run once more.
 *
 * Locks: scheduler
 */
void sched_start(struct task *task)
{
	wake(task, true);
}

/**
 * sched_wake() - a task that waits has something to do
 *
 * One that runs on another CPU is interrupted, and will not wait without
 * having run again. One that is off stays so.
 *
 * Locks: scheduler
 */
void sched_wake(struct task *task)
{
	wake(task, false);
}

bool sched_is_off(struct task *task)
{
	bool off;

	lock_acquire(&sched_lock);
	off = task->state == TASK_OFF;
	lock_release(&sched_lock);
	return off;
}

/* Sleepers of this CPU that are due become ready. */
static void expire(struct cpu *cpu)
{
	struct task **at = &sleepers[cpu->index];
	uint64_t now;

	if (*at == NULL) {
		return;
	}
	now = counter();
	while (*at != NULL) {
		struct task *task = *at;

		if (task->deadline > now) {
			at = &task->next;
		} else {
			*at = task->next;
			enqueue(task);
		}
	}
}

void sched_tick(void)
{
	struct cpu *cpu = this_cpu();
	uint64_t now = counter();
	struct cpu *other = NULL;

	lock_acquire(&sched_lock);
	expire(cpu);
	if (queue_head != NULL) {
		cpu->resched = true;
		/* One of them is for us. */
		if (queue_head->next != NULL) {
			other = claim_idle_cpu(NULL);
		}
	}
	if (now >= cpu->slice_end) {
		cpu->slice_end = slice_end(now);
	}
	arm_timer(cpu, cpu->slice_end);
	lock_release(&sched_lock);
	kick(other);
}

void sched_kicked(void)
{
	struct cpu *cpu = this_cpu();

	lock_acquire(&sched_lock);
	if (cpu->slice_end != NEVER) {
		arm_timer(cpu, cpu->slice_end);
	}
	lock_release(&sched_lock);
}

static void put_back(struct cpu *cpu, struct task *task, enum task_next next)
{
	if (next == TASK_REQUEUE || task->woken) {
		enqueue(task);
	} else if (next == TASK_STOP) {
		task->state = TASK_OFF;
	} else {
		task->state = TASK_WAITING;
		task->next = NULL;
		if (task->deadline != NEVER) {
			task->next = sleepers[cpu->index];
			sleepers[cpu->index] = task;
		}
	}
}

/* The scheduler's lock is held, and given back. */
static void idle(struct cpu *cpu)
{
	cpu->idle = true;
	cpu->slice_end = NEVER;
	arm_timer(cpu, NEVER);
	lock_release(&sched_lock);
	wfi();
	cpu_poll_irqs();
	lock_acquire(&sched_lock);
	cpu->idle = false;
}

void sched_loop(void)
{
	struct cpu *cpu = this_cpu();

	lock_acquire(&sched_lock);
	for (;;) {
		enum task_next next;
		struct task *task;

		expire(cpu);
		task = dequeue();
		if (task == NULL) {
			idle(cpu);
			continue;
		}
		task->state = TASK_RUNNING;
		task->woken = false;
		task->cpu = cpu;
		cpu->resched = false;
		cpu->slice_end = slice_end(counter());
		arm_timer(cpu, cpu->slice_end);
		lock_release(&sched_lock);
		next = task->run(task);
		lock_acquire(&sched_lock);
		put_back(cpu, task, next);
	}
}
