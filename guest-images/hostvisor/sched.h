/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who runs where: one queue of tasks for all CPUs, each CPU takes the first.
 * A task is a vCPU, or a piece of the host's own work.
 */
#ifndef HOSTVISOR_SCHED_H
#define HOSTVISOR_SCHED_H

#include "host.h"

/* TASK_OFF: until sched_start(). TASK_WAITING: until sched_wake() or its time. */
enum task_state {
	TASK_OFF,
	TASK_QUEUED,
	TASK_RUNNING,
	TASK_WAITING,
};

/* What a task wants when it returns. */
enum task_next {
	TASK_REQUEUE,		/* its turn again, after the others */
	TASK_WAIT,		/* nothing until its deadline, or woken */
	TASK_STOP,		/* nothing until started */
};

/**
 * struct task - something that a CPU can run for a while
 * @run:      does that, and says how to go on
 * @next:     in the queue, or among the sleepers of @cpu
 * @state:    scheduler lock
 * @woken:    while it ran; it does not wait then
 * @deadline: counter value at which a waiting task wakes; NEVER
 * @cpu:      where it ran last
 */
struct task {
	enum task_next (*run)(struct task *task);
	struct task *next;
	enum task_state state;
	bool woken;
	uint64_t deadline;
	struct cpu *cpu;
};

void sched_start(struct task *task);
void sched_wake(struct task *task);
bool sched_is_off(struct task *task);

/* The timer of this CPU has fired. */
void sched_tick(void);

/* Another CPU wants this one to look at its slice. */
void sched_kicked(void);

/* This CPU's life. */
void sched_loop(void) NORETURN;

/* run.c: take this CPU's interrupts. */
void cpu_poll_irqs(void);

#endif /* HOSTVISOR_SCHED_H */
