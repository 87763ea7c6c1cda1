/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exception-level observer: counts instructions and entries per exception
 * level, on any Arm machine under TCG.
 *
 * All counts are since the last reset and of all CPUs together. An
 * instruction that changes the level (SVC, HVC, ERET, ...) counts for the
 * level it leaves; one that faults does not count. An entry is a change to
 * the level from another one; where a CPU starts (reset, PSCI CPU_ON) is
 * none. Instructions are counted under -icount only and read as 0 otherwise;
 * while the machine runs, the count of the level that a CPU is in may lag.
 *
 * QEMU interface:
 *  + property "stop-at-el0": pause the machine (QMP event STOP) at the first
 *    change to EL0; nothing is counted from there until it is resumed
 *  + read-only QOM properties "el0-instructions" to "el3-instructions",
 *    "el0-entries" to "el3-entries", "first-el0-instructions" (instructions
 *    up to the first change to EL0, 0 before it)
 *
 * At most one can exist, and only from the start (-device).
 */
#ifndef TARGET_ARM_HYPSEC_EL_OBSERVER_H
#define TARGET_ARM_HYPSEC_EL_OBSERVER_H

#include "hw/qdev-core.h"
#include "qom/object.h"

#define TYPE_HYPSEC_EL_OBSERVER "hypsec-el-observer"
OBJECT_DECLARE_SIMPLE_TYPE(HypsecElObserverState, HYPSEC_EL_OBSERVER)

#define HYPSEC_EL_OBSERVER_LEVELS 4

/* One CPU: how far it is accounted for. */
typedef struct HypsecElObserverCpu {
    HypsecElObserverState *observer;
    int el;
    int64_t mark;
} HypsecElObserverCpu;

struct HypsecElObserverState {
    DeviceState parent_obj;

    /* Properties. */
    bool stop_at_el0;

    /* Counts. */
    uint64_t instructions[HYPSEC_EL_OBSERVER_LEVELS];
    uint64_t entries[HYPSEC_EL_OBSERVER_LEVELS];
    uint64_t first_el0_instructions;
    bool el0_seen;

    /* The instruction counter's value at the last reset. */
    int64_t base;

    /* Derived state: set from the stop until the machine is resumed. */
    bool frozen;
    HypsecElObserverCpu *cpus;
};

#endif /* TARGET_ARM_HYPSEC_EL_OBSERVER_H */
