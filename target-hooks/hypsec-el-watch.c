/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exception-level observer: how it watches the CPUs.
 *
 * The level-change hooks of target/arm say when a CPU leaves a level. They
 * are silent about resets, PSCI CPU_ON and CPU_OFF, loadvm and, since QEMU's
 * instruction counter is one for all CPUs, about which CPU was running. The
 * hooks around the execution loop (TCGCPUOps) say that: between the start of
 * a CPU's slice and the next level change or the end of the slice, every
 * instruction is that CPU's, at the level that it was in; and a level that
 * differs from the one that we know was set by something else. Nothing of
 * this is installed unless the device exists.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "cpu.h"
#include "accel/tcg/cpu-ops.h"
#include "hw/core/cpu.h"
#include "qemu/atomic.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "system/cpu-timers.h"
#include "system/runstate.h"
#include "system/tcg.h"
#include "target/arm/internals.h"
#include "trace.h"
#include "hypsec-el-observer.h"

/* The one that is realized: TCGCPUOps hooks have no opaque pointer. */
static HypsecElObserverState *el_observer;

/* The hooks before ours; another device may have set some. */
static const TCGCPUOps *el_observer_next;

/* Counts are read by the monitor while a CPU's thread writes them. */
static void el_observer_add(uint64_t *count, uint64_t n)
{
    qatomic_set_u64(count, qatomic_read_u64(count) + n);
}

static int el_observer_row(const HypsecElWorld *world)
{
    switch (world->kind) {
    case HYPSEC_EL_WORLD_HOST:
        return HYPSEC_EL_ROW_HOST;
    case HYPSEC_EL_WORLD_VM:
        return HYPSEC_EL_ROW_VM1 + world->vm - 1;
    case HYPSEC_EL_WORLD_EL2:
        return HYPSEC_EL_ROW_EL2;
    case HYPSEC_EL_WORLD_OFF:
        return HYPSEC_EL_ROW_OFF;
    default:
        return HYPSEC_EL_ROW_UNKNOWN;
    }
}

/* Give the instructions since the mark to where @c was: level and world. */
static void el_observer_account(HypsecElObserverCpu *c)
{
    HypsecElObserverState *s = c->observer;
    int64_t now;

    if (!icount_enabled() || s->frozen || !c->running) {
        return;
    }
    now = icount_get_raw();
    el_observer_add(&s->instructions[c->el], now - c->mark);
    el_observer_add(&s->world_instructions[el_observer_row(&c->world)],
                    now - c->mark);
    c->mark = now;
}

/* Give the time up to now to the world that @c was in. Needs the BQL. */
static void el_observer_charge(HypsecElObserverCpu *c)
{
    HypsecElObserverState *s = c->observer;
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);

    /* A snapshot sets the clock, also back. */
    if (!s->frozen && !s->loaded && now > c->since) {
        s->world_time[el_observer_row(&c->world)] += now - c->since;
    }
    c->since = now;
}

void hypsec_el_watch_charge(HypsecElObserverState *s)
{
    for (int i = 0; i < s->num_cpus; i++) {
        if (s->cpus[i].cpu) {
            el_observer_charge(&s->cpus[i]);
        }
    }
}

void hypsec_el_watch_skip(HypsecElObserverState *s)
{
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);

    for (int i = 0; i < s->num_cpus; i++) {
        s->cpus[i].since = now;
    }
}

static void el_observer_count(HypsecElObserverState *s, HypsecElCause cause,
                              bool leaves, const HypsecElWorld *left,
                              const HypsecElWorld *world)
{
    int from = el_observer_row(left);
    int to = el_observer_row(world);
    int row = leaves ? from : to;

    if (s->frozen || cause == HYPSEC_EL_RESET || cause == HYPSEC_EL_LOADVM) {
        return;
    }
    s->causes[row == HYPSEC_EL_ROW_OFF ? HYPSEC_EL_ROW_UNKNOWN : row][cause]++;
    if (from != to) {
        s->world_entries[to]++;
    }
}

static void el_observer_report(HypsecElObserverCpu *c, int el,
                               const HypsecElEvent *event)
{
    HypsecElObserverState *s = c->observer;
    HypsecElLogRecord r;

    if (!s->log && !trace_event_get_state_backends(TRACE_HYPSEC_EL_CHANGE)) {
        return;
    }
    r = (HypsecElLogRecord) {
        .ns = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL),
        .instructions = icount_enabled() ? icount_get_raw() : 0,
        .value = event->value,
        .esr = event->esr,
        .vmid = c->world.vmid,
        .cpu = CPU(c->cpu)->cpu_index,
        .from = c->el,
        .to = el,
        .cause = event->cause,
        .world = c->world.kind,
        .vm = c->world.vm,
        .vcpu = c->world.vcpu,
    };
    trace_hypsec_el_change(r.cpu, c->el == HYPSEC_EL_OFF ? -1 : c->el,
                           el == HYPSEC_EL_OFF ? -1 : el,
                           hypsec_el_cause_name(event->cause),
                           hypsec_el_world_name(c->world.kind), r.vm, r.vcpu,
                           r.esr, r.value, r.instructions);
    if (s->log) {
        hypsec_el_log_add(s->log, &r);
    }
}

/* @c is now at @el because of @event. Needs the BQL. */
static void el_observer_move(HypsecElObserverCpu *c, int el,
                             const HypsecElEvent *event)
{
    HypsecElObserverState *s = c->observer;
    bool leaves = event->cause >= HYPSEC_EL_IRQ ||
                  event->cause == HYPSEC_EL_CPU_OFF;
    HypsecElWorld left = c->world;

    el_observer_charge(c);
    /* Only EL2 changes whom a CPU runs for, or something from outside. */
    if (el >= 2 || c->el >= 2 ||
        (!leaves && event->cause != HYPSEC_EL_ERET)) {
        c->world = hypsec_el_world(c->cpu, el, s->inspect);
    }
    el_observer_count(s, event->cause, leaves, &left, &c->world);
    el_observer_report(c, el, event);
    c->el = el;
}

/* The level of @c, which may not run. */
static int el_observer_level(HypsecElObserverCpu *c)
{
    return c->cpu->power_state == PSCI_OFF ? HYPSEC_EL_OFF :
           arm_current_el(&c->cpu->env);
}

/* Something that no hook tells of has put @c at @el. */
static void el_observer_resync(HypsecElObserverCpu *c, int el)
{
    HypsecElEvent event = {
        .cause = c->el == HYPSEC_EL_OFF ? HYPSEC_EL_CPU_ON :
                 el == HYPSEC_EL_OFF ? HYPSEC_EL_CPU_OFF : HYPSEC_EL_STATE,
    };
    BQL_LOCK_GUARD();

    el_observer_move(c, el, &event);
}

static void el_observer_exec_enter(CPUState *cs)
{
    HypsecElObserverCpu *c = &el_observer->cpus[cs->cpu_index];
    int el = arm_current_el(cpu_env(cs));

    if (el_observer_next->cpu_exec_enter) {
        el_observer_next->cpu_exec_enter(cs);
    }
    if (el != c->el) {
        el_observer_resync(c, el);
    }
    if (icount_enabled()) {
        c->mark = icount_get_raw();
    }
    c->running = true;
}

static void el_observer_exec_exit(CPUState *cs)
{
    HypsecElObserverCpu *c = &el_observer->cpus[cs->cpu_index];

    el_observer_account(c);
    c->running = false;
    if (el_observer_next->cpu_exec_exit) {
        el_observer_next->cpu_exec_exit(cs);
    }
}

static bool el_observer_exec_halt(CPUState *cs)
{
    HypsecElObserverCpu *c = &el_observer->cpus[cs->cpu_index];

    if (c->el != HYPSEC_EL_OFF && c->cpu->power_state == PSCI_OFF) {
        el_observer_resync(c, HYPSEC_EL_OFF);
    }
    return el_observer_next->cpu_exec_halt(cs);
}

static void el_observer_pre_change(ARMCPU *cpu, void *opaque)
{
    HypsecElObserverCpu *c = opaque;
    int el = arm_current_el(&cpu->env);

    if (el != c->el) {
        el_observer_resync(c, el);
    }
    c->event = hypsec_el_event(cpu);
}

static void el_observer_first_el0(HypsecElObserverState *s)
{
    s->el0_seen = true;
    if (icount_enabled()) {
        qatomic_set_u64(&s->first_el0_instructions,
                        icount_get_raw() - s->base);
    }
    if (s->stop_at_el0) {
        hypsec_el_watch_charge(s);
        s->frozen = true;
        vm_stop(RUN_STATE_PAUSED);
    }
}

static void el_observer_change(ARMCPU *cpu, void *opaque)
{
    HypsecElObserverCpu *c = opaque;
    HypsecElObserverState *s = c->observer;
    int el = arm_current_el(&cpu->env);

    el_observer_account(c);
    if (el == c->el) {
        return;
    }
    el_observer_move(c, el, &c->event);
    if (s->frozen) {
        return;
    }
    el_observer_add(&s->entries[el], 1);
    if (el == 0 && !s->el0_seen) {
        el_observer_first_el0(s);
    }
}

void hypsec_el_watch_moved(HypsecElObserverState *s, HypsecElCause cause)
{
    HypsecElEvent event = { .cause = cause };

    for (int i = 0; i < s->num_cpus; i++) {
        HypsecElObserverCpu *c = &s->cpus[i];

        if (c->cpu) {
            el_observer_move(c, el_observer_level(c), &event);
        }
    }
}

/* Makes @cc's CPUs tell us when they run. */
static void el_observer_hook_exec(CPUClass *cc)
{
    TCGCPUOps *ops;

    if (cc->tcg_ops->cpu_exec_enter == el_observer_exec_enter) {
        return;
    }
    /* The same for all CPUs of the A and R profiles. */
    el_observer_next = cc->tcg_ops;
    ops = g_memdup2(cc->tcg_ops, sizeof(*ops));
    ops->cpu_exec_enter = el_observer_exec_enter;
    ops->cpu_exec_exit = el_observer_exec_exit;
    ops->cpu_exec_halt = el_observer_exec_halt;
    cc->tcg_ops = ops;
}

bool hypsec_el_watch_possible(HypsecElObserverState *s, Error **errp)
{
    CPUState *cs;

    if (el_observer) {
        error_setg(errp, "only one %s is possible", TYPE_HYPSEC_EL_OBSERVER);
        return false;
    }
    if (!tcg_enabled() || !first_cpu) {
        error_setg(errp, "%s needs CPUs under -accel tcg",
                   TYPE_HYPSEC_EL_OBSERVER);
        return false;
    }
    s->num_cpus = 0;
    CPU_FOREACH(cs) {
        s->num_cpus = MAX(s->num_cpus, cs->cpu_index + 1);
        if (!object_dynamic_cast(OBJECT(cs), TYPE_ARM_CPU) ||
            arm_feature(cpu_env(cs), ARM_FEATURE_M)) {
            error_setg(errp, "%s needs Arm CPUs of the A or R profile",
                       TYPE_HYPSEC_EL_OBSERVER);
            return false;
        }
    }
    return true;
}

static void el_observer_watch(HypsecElObserverState *s, CPUState *cs)
{
    HypsecElObserverCpu *c = &s->cpus[cs->cpu_index];

    c->observer = s;
    c->cpu = ARM_CPU(cs);
    c->el = HYPSEC_EL_OFF;
    c->world.kind = HYPSEC_EL_WORLD_OFF;
    arm_register_pre_el_change_hook(c->cpu, el_observer_pre_change, c);
    arm_register_el_change_hook(c->cpu, el_observer_change, c);
    el_observer_hook_exec(CPU_GET_CLASS(cs));
}

void hypsec_el_watch_start(HypsecElObserverState *s)
{
    CPUState *cs;

    el_observer = s;
    s->cpus = g_new0(HypsecElObserverCpu, s->num_cpus);
    CPU_FOREACH(cs) {
        el_observer_watch(s, cs);
    }
}
