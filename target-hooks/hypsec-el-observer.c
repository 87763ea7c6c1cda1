/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exception-level observer; see hypsec-el-observer.h for what it counts.
 *
 * The level-change hooks of target/arm say when a CPU leaves a level. They
 * are silent about resets, PSCI CPU_ON, loadvm and, since QEMU's instruction
 * counter is one for all CPUs, about which CPU was running. The hooks around
 * the execution loop (TCGCPUOps) say that: between the start of a CPU's
 * slice and the next level change or the end of the slice, every instruction
 * is that CPU's, at the level that it was in. Nothing of this is installed
 * unless the device exists.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "cpu.h"
#include "accel/tcg/cpu-ops.h"
#include "hw/core/cpu.h"
#include "hw/qdev-properties.h"
#include "hw/resettable.h"
#include "migration/vmstate.h"
#include "qemu/atomic.h"
#include "qemu/module.h"
#include "system/cpu-timers.h"
#include "system/reset.h"
#include "system/runstate.h"
#include "system/tcg.h"
#include "target/arm/internals.h"
#include "hypsec-el-observer.h"

/* The one that is realized: TCGCPUOps hooks have no opaque pointer. */
static HypsecElObserverState *el_observer;

/* Counts are read by the monitor while a CPU's thread writes them. */
static void el_observer_add(uint64_t *count, uint64_t n)
{
    qatomic_set_u64(count, qatomic_read_u64(count) + n);
}

/* Give the instructions since the mark to the level that @c was in. */
static void el_observer_account(HypsecElObserverCpu *c)
{
    HypsecElObserverState *s = c->observer;
    int64_t now;

    if (!icount_enabled() || s->frozen) {
        return;
    }
    now = icount_get_raw();
    el_observer_add(&s->instructions[c->el], now - c->mark);
    c->mark = now;
}

static void el_observer_exec_enter(CPUState *cs)
{
    HypsecElObserverCpu *c = &el_observer->cpus[cs->cpu_index];

    c->el = arm_current_el(cpu_env(cs));
    c->mark = icount_get_raw();
}

static void el_observer_exec_exit(CPUState *cs)
{
    el_observer_account(&el_observer->cpus[cs->cpu_index]);
}

static void el_observer_pre_change(ARMCPU *cpu, void *opaque)
{
    HypsecElObserverCpu *c = opaque;

    c->el = arm_current_el(&cpu->env);
}

static void el_observer_first_el0(HypsecElObserverState *s)
{
    s->el0_seen = true;
    if (icount_enabled()) {
        qatomic_set_u64(&s->first_el0_instructions,
                        icount_get_raw() - s->base);
    }
    if (s->stop_at_el0) {
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
    c->el = el;
    if (s->frozen) {
        return;
    }
    el_observer_add(&s->entries[el], 1);
    if (el == 0 && !s->el0_seen) {
        el_observer_first_el0(s);
    }
}

static void el_observer_run_state(void *opaque, bool running, RunState state)
{
    HypsecElObserverState *s = opaque;

    if (running) {
        s->frozen = false;
    }
}

static void el_observer_reset_enter(Object *obj, ResetType type)
{
    HypsecElObserverState *s = HYPSEC_EL_OBSERVER(obj);

    memset(s->instructions, 0, sizeof(s->instructions));
    memset(s->entries, 0, sizeof(s->entries));
    s->first_el0_instructions = 0;
    s->el0_seen = false;
    s->base = icount_get_raw();
}

/* Makes @cc's CPUs tell us when they run. */
static void el_observer_hook_exec(CPUClass *cc)
{
    TCGCPUOps *ops;

    if (cc->tcg_ops->cpu_exec_enter == el_observer_exec_enter) {
        return;
    }
    ops = g_memdup2(cc->tcg_ops, sizeof(*ops));
    ops->cpu_exec_enter = el_observer_exec_enter;
    ops->cpu_exec_exit = el_observer_exec_exit;
    cc->tcg_ops = ops;
}

static bool el_observer_check_cpus(Error **errp)
{
    CPUState *cs;

    if (!tcg_enabled() || !first_cpu) {
        error_setg(errp, "%s needs CPUs under -accel tcg",
                   TYPE_HYPSEC_EL_OBSERVER);
        return false;
    }
    CPU_FOREACH(cs) {
        const TCGCPUOps *ops = cs->cc->tcg_ops;

        if (!object_dynamic_cast(OBJECT(cs), TYPE_ARM_CPU) ||
            arm_feature(cpu_env(cs), ARM_FEATURE_M)) {
            error_setg(errp, "%s needs Arm CPUs of the A or R profile",
                       TYPE_HYPSEC_EL_OBSERVER);
            return false;
        }
        if (ops->cpu_exec_enter || ops->cpu_exec_exit) {
            error_setg(errp, "only one %s is possible",
                       TYPE_HYPSEC_EL_OBSERVER);
            return false;
        }
    }
    return true;
}

static void el_observer_realize(DeviceState *dev, Error **errp)
{
    HypsecElObserverState *s = HYPSEC_EL_OBSERVER(dev);
    int cpus = 0;
    CPUState *cs;

    if (el_observer) {
        error_setg(errp, "only one %s is possible", TYPE_HYPSEC_EL_OBSERVER);
        return;
    }
    if (!el_observer_check_cpus(errp)) {
        return;
    }
    el_observer = s;
    CPU_FOREACH(cs) {
        cpus = MAX(cpus, cs->cpu_index + 1);
    }
    s->cpus = g_new0(HypsecElObserverCpu, cpus);
    CPU_FOREACH(cs) {
        HypsecElObserverCpu *c = &s->cpus[cs->cpu_index];

        c->observer = s;
        arm_register_pre_el_change_hook(ARM_CPU(cs), el_observer_pre_change,
                                        c);
        arm_register_el_change_hook(ARM_CPU(cs), el_observer_change, c);
        if (icount_enabled()) {
            el_observer_hook_exec(CPU_GET_CLASS(cs));
        }
    }
    qemu_add_vm_change_state_handler(el_observer_run_state, s);
    qemu_register_resettable(OBJECT(s));
}

static const VMStateDescription vmstate_el_observer = {
    .name = TYPE_HYPSEC_EL_OBSERVER,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64_ARRAY(instructions, HypsecElObserverState,
                             HYPSEC_EL_OBSERVER_LEVELS),
        VMSTATE_UINT64_ARRAY(entries, HypsecElObserverState,
                             HYPSEC_EL_OBSERVER_LEVELS),
        VMSTATE_UINT64(first_el0_instructions, HypsecElObserverState),
        VMSTATE_BOOL(el0_seen, HypsecElObserverState),
        VMSTATE_INT64(base, HypsecElObserverState),
        VMSTATE_END_OF_LIST()
    }
};

static const Property el_observer_properties[] = {
    DEFINE_PROP_BOOL("stop-at-el0", HypsecElObserverState, stop_at_el0,
                     false),
};

static void el_observer_get_count(Object *obj, Visitor *v, const char *name,
                                  void *opaque, Error **errp)
{
    uint64_t *count = (void *)((char *)obj + GPOINTER_TO_SIZE(opaque));
    uint64_t value = qatomic_read_u64(count);

    visit_type_uint64(v, name, &value, errp);
}

static void el_observer_add_count(ObjectClass *oc, const char *name,
                                  size_t offset, const char *description)
{
    object_class_property_add(oc, name, "uint64", el_observer_get_count, NULL,
                              NULL, GSIZE_TO_POINTER(offset));
    object_class_property_set_description(oc, name, description);
}

static void el_observer_class_init(ObjectClass *oc, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);
    ResettableClass *rc = RESETTABLE_CLASS(oc);

    dc->desc = "Counts instructions and entries per exception level";
    dc->realize = el_observer_realize;
    dc->vmsd = &vmstate_el_observer;
    /* The hooks cannot be taken back. */
    dc->hotpluggable = false;
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
    device_class_set_props(dc, el_observer_properties);
    rc->phases.enter = el_observer_reset_enter;

    for (int el = 0; el < HYPSEC_EL_OBSERVER_LEVELS; el++) {
        g_autofree char *instructions =
            g_strdup_printf("el%d-instructions", el);
        g_autofree char *entries = g_strdup_printf("el%d-entries", el);

        el_observer_add_count(oc, instructions,
                              offsetof(HypsecElObserverState,
                                       instructions[el]),
                              "Instructions at this level (with -icount)");
        el_observer_add_count(oc, entries,
                              offsetof(HypsecElObserverState, entries[el]),
                              "Changes to this level from another");
    }
    el_observer_add_count(oc, "first-el0-instructions",
                          offsetof(HypsecElObserverState,
                                   first_el0_instructions),
                          "Instructions up to the first change to EL0");
}

static const TypeInfo el_observer_types[] = {
    {
        .name = TYPE_HYPSEC_EL_OBSERVER,
        .parent = TYPE_DEVICE,
        .instance_size = sizeof(HypsecElObserverState),
        .class_init = el_observer_class_init,
    },
};

DEFINE_TYPES(el_observer_types)
