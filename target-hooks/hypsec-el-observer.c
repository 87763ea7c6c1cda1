/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exception-level observer: the device. See hypsec-el-observer.h for what it
 * counts and hypsec-el-watch.c for how.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "hw/boards.h"
#include "hw/hypsec/hypsec-inspect.h"
#include "hw/qdev-properties.h"
#include "hw/resettable.h"
#include "migration/vmstate.h"
#include "qemu/atomic.h"
#include "qemu/module.h"
#include "qemu/timer.h"
#include "qemu/units.h"
#include "system/cpu-timers.h"
#include "system/reset.h"
#include "system/runstate.h"
#include "hypsec-el-observer.h"

#define DEFAULT_LOG_LIMIT (64 * MiB)

static void el_observer_run_state(void *opaque, bool running, RunState state)
{
    HypsecElObserverState *s = opaque;

    if (running && (s->frozen || s->loaded)) {
        hypsec_el_watch_skip(s);
        s->frozen = false;
    }
    if (running && s->loaded) {
        hypsec_el_watch_moved(s, HYPSEC_EL_LOADVM);
        s->loaded = false;
    }
    if (!running && s->log) {
        hypsec_el_log_sync(s->log, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL));
    }
}

static void el_observer_reset_enter(Object *obj, ResetType type)
{
    HypsecElObserverState *s = HYPSEC_EL_OBSERVER(obj);

    memset(s->instructions, 0, sizeof(s->instructions));
    memset(s->entries, 0, sizeof(s->entries));
    memset(s->causes, 0, sizeof(s->causes));
    memset(s->world_time, 0, sizeof(s->world_time));
    memset(s->world_instructions, 0, sizeof(s->world_instructions));
    memset(s->world_entries, 0, sizeof(s->world_entries));
    hypsec_el_watch_skip(s);
    s->first_el0_instructions = 0;
    s->el0_seen = false;
    s->base = icount_get_raw();
}

/* By now the CPUs have been reset too. */
static void el_observer_reset_exit(Object *obj, ResetType type)
{
    /* A snapshot follows: where it puts the CPUs is what counts. */
    if (type != RESET_TYPE_SNAPSHOT_LOAD) {
        hypsec_el_watch_skip(HYPSEC_EL_OBSERVER(obj));
        hypsec_el_watch_moved(HYPSEC_EL_OBSERVER(obj), HYPSEC_EL_RESET);
    }
}

static void el_observer_realize(DeviceState *dev, Error **errp)
{
    HypsecElObserverState *s = HYPSEC_EL_OBSERVER(dev);

    if (!hypsec_el_watch_possible(s, errp)) {
        return;
    }
    if (s->log_path) {
        s->log = hypsec_el_log_open(s->log_path, s->log_limit, s->num_cpus,
                                    errp);
        if (!s->log) {
            return;
        }
    }
    s->inspect = object_dynamic_cast(
        object_resolve_path_component(qdev_get_machine(), "inspect"),
        TYPE_HYPSEC_INSPECT);
    hypsec_el_watch_start(s);
    qemu_add_vm_change_state_handler(el_observer_run_state, s);
    qemu_register_resettable(OBJECT(s));
}

static int el_observer_pre_save(void *opaque)
{
    hypsec_el_watch_charge(opaque);
    return 0;
}

/* Where the CPUs are now is known once all of them have been loaded. */
static int el_observer_post_load(void *opaque, int version_id)
{
    HypsecElObserverState *s = opaque;

    s->loaded = true;
    return 0;
}

/* A snapshot of an older one has no counts by cause: they stay at zero. */
static const VMStateDescription vmstate_el_observer_causes = {
    .name = TYPE_HYPSEC_EL_OBSERVER "/causes",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64_2DARRAY(causes, HypsecElObserverState, HYPSEC_EL_ROWS,
                               HYPSEC_EL_MAX_CAUSES),
        VMSTATE_END_OF_LIST()
    }
};

/* Nor has one of these counts by world. */
static const VMStateDescription vmstate_el_observer_worlds = {
    .name = TYPE_HYPSEC_EL_OBSERVER "/worlds",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64_ARRAY(world_time, HypsecElObserverState,
                             HYPSEC_EL_WORLD_ROWS),
        VMSTATE_UINT64_ARRAY(world_instructions, HypsecElObserverState,
                             HYPSEC_EL_WORLD_ROWS),
        VMSTATE_UINT64_ARRAY(world_entries, HypsecElObserverState,
                             HYPSEC_EL_WORLD_ROWS),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_el_observer = {
    .name = TYPE_HYPSEC_EL_OBSERVER,
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_save = el_observer_pre_save,
    .post_load = el_observer_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64_ARRAY(instructions, HypsecElObserverState,
                             HYPSEC_EL_OBSERVER_LEVELS),
        VMSTATE_UINT64_ARRAY(entries, HypsecElObserverState,
                             HYPSEC_EL_OBSERVER_LEVELS),
        VMSTATE_UINT64(first_el0_instructions, HypsecElObserverState),
        VMSTATE_BOOL(el0_seen, HypsecElObserverState),
        VMSTATE_INT64(base, HypsecElObserverState),
        VMSTATE_END_OF_LIST()
    },
    .subsections = (const VMStateDescription * const []) {
        &vmstate_el_observer_causes,
        &vmstate_el_observer_worlds,
        NULL
    }
};

static const Property el_observer_properties[] = {
    DEFINE_PROP_BOOL("stop-at-el0", HypsecElObserverState, stop_at_el0,
                     false),
    DEFINE_PROP_STRING("log", HypsecElObserverState, log_path),
    DEFINE_PROP_SIZE("log-limit", HypsecElObserverState, log_limit,
                     DEFAULT_LOG_LIMIT),
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

static void el_observer_get_log_count(Object *obj, Visitor *v,
                                      const char *name, void *opaque,
                                      Error **errp)
{
    HypsecElObserverState *s = HYPSEC_EL_OBSERVER(obj);
    uint64_t (*get)(HypsecElLog *log) = opaque;
    uint64_t value = s->log ? get(s->log) : 0;

    visit_type_uint64(v, name, &value, errp);
}

/* The world of a row of counts; to be freed. */
static char *el_observer_row_name(int row)
{
    return row == HYPSEC_EL_ROW_UNKNOWN ? g_strdup("unknown") :
           row == HYPSEC_EL_ROW_HOST ? g_strdup("host") :
           row == HYPSEC_EL_ROW_EL2 ? g_strdup("el2") :
           row == HYPSEC_EL_ROW_OFF ? g_strdup("off") :
           g_strdup_printf("vm%d", row - HYPSEC_EL_ROW_VM1 + 1);
}

static void el_observer_get_causes(Object *obj, Visitor *v, const char *name,
                                   void *opaque, Error **errp)
{
    HypsecElObserverState *s = HYPSEC_EL_OBSERVER(obj);
    uint64_t *counts = s->causes[GPOINTER_TO_UINT(opaque)];
    bool ok = visit_start_struct(v, name, NULL, 0, errp);

    if (!ok) {
        return;
    }
    for (int i = 0; ok && i < HYPSEC_EL_CAUSES; i++) {
        uint64_t value = counts[i];

        ok = visit_type_uint64(v, hypsec_el_cause_name(i), &value, errp);
    }
    if (ok) {
        visit_check_struct(v, errp);
    }
    visit_end_struct(v, NULL);
}

static void el_observer_add_causes(ObjectClass *oc, const char *name, int row)
{
    object_class_property_add(oc, name, "dict", el_observer_get_causes, NULL,
                              NULL, GUINT_TO_POINTER(row));
    object_class_property_set_description(oc, name,
                                          "Changes of level by cause");
}

static void el_observer_get_worlds(Object *obj, Visitor *v, const char *name,
                                   void *opaque, Error **errp)
{
    uint64_t *counts = (void *)((char *)obj + GPOINTER_TO_SIZE(opaque));
    bool ok = visit_start_struct(v, name, NULL, 0, errp);

    if (!ok) {
        return;
    }
    hypsec_el_watch_charge(HYPSEC_EL_OBSERVER(obj));
    for (int row = 0; ok && row < HYPSEC_EL_WORLD_ROWS; row++) {
        g_autofree char *world = el_observer_row_name(row);
        uint64_t value = qatomic_read_u64(&counts[row]);

        ok = visit_type_uint64(v, world, &value, errp);
    }
    if (ok) {
        visit_check_struct(v, errp);
    }
    visit_end_struct(v, NULL);
}

static void el_observer_add_worlds(ObjectClass *oc, const char *name,
                                   size_t offset, const char *description)
{
    object_class_property_add(oc, name, "dict", el_observer_get_worlds, NULL,
                              NULL, GSIZE_TO_POINTER(offset));
    object_class_property_set_description(oc, name, description);
}

static void el_observer_class_init(ObjectClass *oc, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);
    ResettableClass *rc = RESETTABLE_CLASS(oc);

    dc->desc = "Counts and records changes of exception level";
    dc->realize = el_observer_realize;
    dc->vmsd = &vmstate_el_observer;
    /* The hooks cannot be taken back. */
    dc->hotpluggable = false;
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
    device_class_set_props(dc, el_observer_properties);
    rc->phases.enter = el_observer_reset_enter;
    rc->phases.exit = el_observer_reset_exit;

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
    for (int row = 0; row < HYPSEC_EL_ROWS; row++) {
        g_autofree char *world = el_observer_row_name(row);
        g_autofree char *name = g_strdup_printf("causes-%s", world);

        el_observer_add_causes(oc, name, row);
    }
    el_observer_add_worlds(oc, "world-time",
                           offsetof(HypsecElObserverState, world_time),
                           "Nanoseconds of the CPUs in each world");
    el_observer_add_worlds(oc, "world-instructions",
                           offsetof(HypsecElObserverState,
                                    world_instructions),
                           "Instructions in each world (with -icount)");
    el_observer_add_worlds(oc, "world-entries",
                           offsetof(HypsecElObserverState, world_entries),
                           "Changes to each world from another");
    object_class_property_add(oc, "log-records", "uint64",
                              el_observer_get_log_count, NULL, NULL,
                              hypsec_el_log_records);
    object_class_property_set_description(oc, "log-records",
                                          "Records in the log");
    object_class_property_add(oc, "log-dropped", "uint64",
                              el_observer_get_log_count, NULL, NULL,
                              hypsec_el_log_dropped);
    object_class_property_set_description(oc, "log-dropped",
                                          "Records that had no room in it");
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
