/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hypsec-inject: makes CPUs take exceptions and records what EL2 did.
 *
 * The manual is docs/system/arm/hypsec-inject.rst, the register map
 * hypsec-inject-regs.h. hw/hypsec-inject.c has registers and queues,
 * hypsec-inject-faults.c the bus faults, hypsec-inject-text.c what people
 * read and write at the monitor; target-hooks/hypsec-inject-cpu.c touches the
 * CPUs. All state is protected by the BQL.
 *
 * QEMU interface:
 *  + sysbus MMIO region 0: registers and queues, 1 MiB
 *  + sysbus IRQ 0: see HYPSEC_INJECT_CTRL
 *  + QOM properties "fire", "last-completion", "cpu", "registers", "memory"
 */
#ifndef HW_HYPSEC_INJECT_H
#define HW_HYPSEC_INJECT_H

#include "exec/memory.h"
#include "hw/sysbus.h"
#include "hypsec-inject-regs.h"
#include "qemu/timer.h"
#include "qom/object.h"
#include "system/runstate.h"

#define TYPE_HYPSEC_INJECT "hypsec-inject"
OBJECT_DECLARE_SIMPLE_TYPE(HypsecInjectState, HYPSEC_INJECT)

#define HYPSEC_INJECT_MAX_CPUS 8

/* How often, in virtual ns, CPUs are looked at that have an event. */
#define HYPSEC_INJECT_WATCH_NS 10000000

enum HypsecInjectSlotState {
    HYPSEC_INJECT_IDLE,
    HYPSEC_INJECT_WAITING,   /* for the CPU to come to the right level */
    HYPSEC_INJECT_IN_FLIGHT, /* taken to EL2, not yet returned */
    HYPSEC_INJECT_LATE,      /* reported as HUNG or PANICKED, may return yet */
    HYPSEC_INJECT_NUM_STATES,
};

/* What an event that goes through EL2 must not change for the CPU. */
typedef struct HypsecInjectSaved {
    uint64_t x[31];
    uint64_t pc;
    uint64_t pstate;
    uint64_t sp_el0;
    uint64_t sp_el1;
    uint64_t esr_el1;
    uint64_t far_el1;
    uint64_t elr_el1;
    uint64_t spsr_el1;
    uint64_t hcr_virtual;
} HypsecInjectSaved;

/* One event that belongs to a CPU. */
typedef struct HypsecInjectSlot {
    uint32_t state;
    uint32_t sq_index;
    uint32_t flags; /* of the completion, as far as known */
    uint32_t el; /* at which the event happens */
    uint8_t raw[HYPSEC_INJECT_RECORD_BYTES];
    HypsecInjectSaved saved;
    uint64_t event_pc;
    uint64_t vttbr;
    uint64_t count;
    uint64_t insns;
    uint64_t insns_last;
    uint64_t ns;
    int64_t entered_ns;
    int64_t deadline_ns;
    int64_t due_ns; /* AT_EL2 with a delay: not before */
    bool restore; /* saved is valid and to be put back */

    /* Derived: raw in the host's byte order. */
    struct hypsec_inject_desc d;
} HypsecInjectSlot;

/* Events of the lower levels use the first slot, AT_EL2 the second. */
enum { HYPSEC_INJECT_LOWER, HYPSEC_INJECT_EL2, HYPSEC_INJECT_SLOTS };

typedef struct HypsecInjectCpu {
    HypsecInjectState *inject;
    CPUState *cs;
    HypsecInjectSlot slot[HYPSEC_INJECT_SLOTS];
    QEMUTimer *delay; /* for slot[HYPSEC_INJECT_EL2] */
    uint64_t blocked[HYPSEC_INJECT_SLOTS]; /* entries that wait, as sq_taken */
    int64_t mark; /* instruction count when insns were last added */
    bool active; /* the CPU is in our hands: no kick is needed */
    bool queued; /* a work item is on its way */
} HypsecInjectCpu;

typedef struct HypsecInjectFault {
    HypsecInjectState *inject;
    MemoryRegion region;
    uint64_t base;
    uint64_t size;
    uint64_t nth;
    uint64_t count;
    uint64_t seen;
    uint64_t failed;
    uint32_t ctrl;
    bool mapped;
} HypsecInjectFault;

struct HypsecInjectState {
    SysBusDevice parent_obj;

    MemoryRegion container;
    MemoryRegion regs;
    MemoryRegion sq;
    MemoryRegion cq;
    qemu_irq irq;
    Notifier machine_done;
    VMChangeStateEntry *run_state;

    /* Registers. */
    uint32_t ctrl;
    bool done;
    bool error;
    uint32_t sq_head;
    uint32_t sq_tail;
    uint64_t sq_taken; /* bit n: the entry n behind the head has started */
    uint32_t cq_head;
    uint32_t cq_tail;
    uint64_t events;
    uint64_t refusals;
    uint8_t desc[HYPSEC_INJECT_RECORD_BYTES];
    uint8_t comp[HYPSEC_INJECT_RECORD_BYTES];

    /* Not visible in registers. */
    uint8_t last[HYPSEC_INJECT_RECORD_BYTES];
    uint32_t scanned; /* entries behind the head that were looked at */
    bool ring_changed; /* since the queue was looked at */
    uint32_t num_cpus;
    HypsecInjectCpu cpu[HYPSEC_INJECT_MAX_CPUS];
    HypsecInjectFault fault[HYPSEC_INJECT_FAULTS];
    QEMUTimer *watch;
    bool unchecked; /* a snapshot was begun that has not loaded */

    /* The monitor's. */
    uint32_t shown_cpu;
    uint64_t shown_addr;
    uint32_t shown_bytes;
};

/* ---- hypsec-inject.c ---- */

/**
 * hypsec_inject_fire() - start a single event
 * @s: the device
 * @raw: a descriptor as in the window
 *
 * Returns: false if one is under way (nothing is done then)
 */
bool hypsec_inject_fire(HypsecInjectState *s, const uint8_t *raw);

/**
 * hypsec_inject_complete() - end the event of a slot
 * @c: the CPU
 * @slot: its slot, IDLE or LATE afterwards as the caller decides
 * @comp: the completion; cookie, type and the like are filled in
 *
 * Reports to where the event came from. The caller runs
 * hypsec_inject_run_ring() when it is done with the CPU.
 */
void hypsec_inject_complete(HypsecInjectCpu *c, HypsecInjectSlot *slot,
                            struct hypsec_inject_comp *comp);

/**
 * hypsec_inject_run_ring() - give CPUs that are free what the queue has
 * @s: the device
 */
void hypsec_inject_run_ring(HypsecInjectState *s);

/**
 * hypsec_inject_desc_read() - bring a descriptor into the host's byte order
 * @d: the result
 * @raw: the little-endian record
 */
void hypsec_inject_desc_read(struct hypsec_inject_desc *d, const uint8_t *raw);

/**
 * hypsec_inject_comp_read() - the same for a completion
 * @comp: the result
 * @raw: the little-endian record
 */
void hypsec_inject_comp_read(struct hypsec_inject_comp *comp,
                             const uint8_t *raw);

/* ---- hypsec-inject-cpu.c ---- */

/**
 * hypsec_inject_cpu_init() - find the CPUs
 * @s: the device; the board's CPUs are realized
 *
 * Returns: false if there are none, or too many
 */
bool hypsec_inject_cpu_init(HypsecInjectState *s);

/**
 * hypsec_inject_cpu_install() - be told of changes of exception level
 * @s: the device, once all other devices have installed their hooks
 */
void hypsec_inject_cpu_install(HypsecInjectState *s);

/**
 * hypsec_inject_cpu_kick() - have a CPU look at its slots
 * @c: the CPU
 */
void hypsec_inject_cpu_kick(HypsecInjectCpu *c);

/**
 * hypsec_inject_cpu_panicked() - report every event in flight as PANICKED
 * @c: the CPU, not running
 */
void hypsec_inject_cpu_panicked(HypsecInjectCpu *c);

/**
 * hypsec_inject_cpu_deadline() - when an event that starts now is hung
 * @d: its descriptor
 *
 * Returns: virtual time in ns
 */
int64_t hypsec_inject_cpu_deadline(const struct hypsec_inject_desc *d);

/**
 * hypsec_inject_cpu_delay() - arm the delay of an AT_EL2 event anew
 * @c: the CPU, whose second slot has such an event
 */
void hypsec_inject_cpu_delay(HypsecInjectCpu *c);

/**
 * hypsec_inject_cpu_pstate_ok() - is it a PSTATE for an event to have?
 * @c: the CPU
 * @pstate: from a descriptor or a snapshot
 *
 * Returns: true for EL0t, EL1t and EL1h in AArch64 without unknown bits
 */
bool hypsec_inject_cpu_pstate_ok(const HypsecInjectCpu *c, uint64_t pstate);

/**
 * hypsec_inject_cpu_registers() - describe a CPU to a person
 * @c: the CPU
 * @buf: where to add the text
 */
void hypsec_inject_cpu_registers(const HypsecInjectCpu *c, GString *buf);

/**
 * hypsec_inject_cpu_caps() - CAPS_RUNS and CAPS_ICOUNT
 *
 * Returns: bits of HYPSEC_INJECT_CAPS
 */
uint32_t hypsec_inject_cpu_caps(void);

/* ---- hypsec-inject-faults.c ---- */

/**
 * hypsec_inject_fault_init() - create the region of a range, disabled
 * @f: the range
 */
void hypsec_inject_fault_init(HypsecInjectFault *f);

/**
 * hypsec_inject_fault_read() - read a register of a fault range
 * @f: the range
 * @offset: of 4 bytes, from the range's first register on
 *
 * Returns: its value
 */
uint32_t hypsec_inject_fault_read(const HypsecInjectFault *f,
                                  unsigned int offset);

/**
 * hypsec_inject_fault_write() - write a register of a fault range
 * @f: the range
 * @offset: of 4 bytes, from the range's first register on
 * @value: what is written
 *
 * Returns: false if the value is refused
 */
bool hypsec_inject_fault_write(HypsecInjectFault *f, unsigned int offset,
                               uint32_t value);

/**
 * hypsec_inject_fault_reset() - remove a range and zero its registers
 * @f: the range
 */
void hypsec_inject_fault_reset(HypsecInjectFault *f);

/**
 * hypsec_inject_fault_loaded() - put the range of a snapshot into effect
 * @f: the range
 *
 * Returns: false if no such range can have been saved
 */
bool hypsec_inject_fault_loaded(HypsecInjectFault *f);

/* ---- hypsec-inject-text.c ---- */

/**
 * hypsec_inject_add_text_properties() - add the monitor's properties
 * @oc: the device's class
 */
void hypsec_inject_add_text_properties(ObjectClass *oc);

#endif /* HW_HYPSEC_INJECT_H */
