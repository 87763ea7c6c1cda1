/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exception-level observer: counts, traces and records how CPUs change their
 * exception level, on any Arm machine under TCG. docs/tracing.rst is its
 * page.
 *
 * All counts are since the last reset and of all CPUs together. An
 * instruction that changes the level (SVC, HVC, ERET, ...) counts for the
 * level it leaves; one that faults does not count. An entry is a change to
 * the level from another one; where a CPU starts (reset, PSCI CPU_ON) is
 * none. Instructions are counted under -icount only and read as 0 otherwise;
 * while the machine runs, the count of the level that a CPU is in may lag.
 *
 * A change has a cause and a world (hypsec-el-event.h). It is counted for
 * the world that an exception or CPU_OFF leaves, and for the one that
 * everything else enters; RESET and LOADVM are not counted.
 *
 * All the time of each CPU belongs to a world: while nothing is frozen, the
 * sum over the worlds is the time since the last reset, times the CPUs.
 *
 * QEMU interface:
 *  + property "stop-at-el0": pause the machine (QMP event STOP) at the first
 *    change to EL0; nothing is counted from there until it is resumed
 *  + property "log": a file for the recorder (hypsec-el-log.h)
 *  + property "log-limit": bytes that this file may grow to
 *  + read-only QOM properties "el0-instructions" to "el3-instructions",
 *    "el0-entries" to "el3-entries", "first-el0-instructions" (instructions
 *    up to the first change to EL0, 0 before it)
 *  + read-only QOM properties "causes-host", "causes-el2", "causes-unknown",
 *    "causes-vm1" to "causes-vm15": changes by cause, as a dictionary
 *  + read-only QOM properties "world-time" (ns of QEMU's virtual clock),
 *    "world-instructions" and "world-entries" (changes to the world from
 *    another one), each a dictionary with a value for each world, "off"
 *    among them
 *  + read-only QOM properties "log-records", "log-dropped"
 *
 * At most one can exist, and only from the start (-device).
 */
#ifndef TARGET_ARM_HYPSEC_EL_OBSERVER_H
#define TARGET_ARM_HYPSEC_EL_OBSERVER_H

#include "hw/qdev-core.h"
#include "qom/object.h"
#include "hypsec-el-event.h"
#include "hypsec-el-log.h"

#define TYPE_HYPSEC_EL_OBSERVER "hypsec-el-observer"
OBJECT_DECLARE_SIMPLE_TYPE(HypsecElObserverState, HYPSEC_EL_OBSERVER)

#define HYPSEC_EL_OBSERVER_LEVELS 4

/* Rows of counts by cause; the number of a VM follows. */
enum {
    HYPSEC_EL_ROW_UNKNOWN,
    HYPSEC_EL_ROW_HOST,
    HYPSEC_EL_ROW_EL2,
    HYPSEC_EL_ROW_VM1,
    HYPSEC_EL_ROWS = HYPSEC_EL_ROW_VM1 + HYPSEC_EL_MAX_VM,
    /* Of what is counted by world only. */
    HYPSEC_EL_ROW_OFF = HYPSEC_EL_ROWS,
    HYPSEC_EL_WORLD_ROWS,
};

/* One CPU: where it is, and how far it is accounted for. */
typedef struct HypsecElObserverCpu {
    HypsecElObserverState *observer;
    ARMCPU *cpu;
    int el;
    HypsecElWorld world;
    HypsecElEvent event;
    /* In the execution loop; its instructions are accounted up to @mark. */
    bool running;
    int64_t mark;
    /* Its time is accounted up to then, ns of the virtual clock. */
    int64_t since;
} HypsecElObserverCpu;

struct HypsecElObserverState {
    DeviceState parent_obj;

    /* Properties. */
    bool stop_at_el0;
    char *log_path;
    uint64_t log_limit;

    /* Counts. */
    uint64_t instructions[HYPSEC_EL_OBSERVER_LEVELS];
    uint64_t entries[HYPSEC_EL_OBSERVER_LEVELS];
    uint64_t first_el0_instructions;
    bool el0_seen;
    uint64_t causes[HYPSEC_EL_ROWS][HYPSEC_EL_MAX_CAUSES];
    uint64_t world_time[HYPSEC_EL_WORLD_ROWS];
    uint64_t world_instructions[HYPSEC_EL_WORLD_ROWS];
    uint64_t world_entries[HYPSEC_EL_WORLD_ROWS];

    /* The instruction counter's value at the last reset. */
    int64_t base;

    /* Derived state: set from the stop until the machine is resumed. */
    bool frozen;
    /* A snapshot was loaded since the machine last ran. */
    bool loaded;
    Object *inspect;
    HypsecElLog *log;
    int num_cpus;
    HypsecElObserverCpu *cpus;
};

/**
 * hypsec_el_watch_possible() - whether the machine's CPUs can be watched
 * @s: the observer; its @num_cpus is set
 * @errp: set when they are no Arm CPUs under TCG, or are watched already
 *
 * Returns: true if they can
 */
bool hypsec_el_watch_possible(HypsecElObserverState *s, Error **errp);

/**
 * hypsec_el_watch_start() - watch the machine's CPUs from now on
 * @s: the observer, the only one, its @log and @inspect set
 */
void hypsec_el_watch_start(HypsecElObserverState *s);

/**
 * hypsec_el_watch_charge() - give the time up to now to the CPUs' worlds
 * @s: the observer
 *
 * Does nothing while the counts are frozen, or a snapshot that was loaded has
 * not run. Needs the BQL.
 */
void hypsec_el_watch_charge(HypsecElObserverState *s);

/**
 * hypsec_el_watch_skip() - give the time up to now to nobody
 * @s: the observer
 *
 * Needs the BQL.
 */
void hypsec_el_watch_skip(HypsecElObserverState *s);

/**
 * hypsec_el_watch_moved() - note where all CPUs are now
 * @s: the observer
 * @cause: what has put them there
 */
void hypsec_el_watch_moved(HypsecElObserverState *s, HypsecElCause cause);

#endif /* TARGET_ARM_HYPSEC_EL_OBSERVER_H */
