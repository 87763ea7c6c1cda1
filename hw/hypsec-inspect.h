/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The object /machine/inspect: what the EL2 firmware publishes
 * (hypsec/inspect.h), read as hostile input.
 *
 * QEMU interface:
 *  + read-only string properties "status", "cpus", "panicked", "refusals",
 *    "host-s2-faults", "hypercalls" and "smcs"
 *  + read-only property "page-address": where the page is, a number
 *  + read-only properties "vms", "pcpus", "owners", "smmus" and "devices":
 *    lists and dictionaries, or an error that says what is wrong with the page
 *  + the class method cpu_world(), for observers
 */
#ifndef HW_HYPSEC_INSPECT_H
#define HW_HYPSEC_INSPECT_H

#include "qom/object.h"

#define TYPE_HYPSEC_INSPECT "hypsec-inspect"
OBJECT_DECLARE_TYPE(HypsecInspectState, HypsecInspectClass, HYPSEC_INSPECT)

struct HypsecInspectClass {
    ObjectClass parent_class;

    /**
     * @cpu_world: who runs on a CPU when it is not at EL2
     *
     * Reads struct hypsec_inspect_cpu of CPU @cpu into @world and @vcpu,
     * whatever they hold; they are the firmware's word. A method, so that
     * its callers link without the board.
     *
     * Returns: false when no sound page is there or it has no such CPU.
     */
    bool (*cpu_world)(HypsecInspectState *s, uint32_t cpu, uint32_t *world,
                      uint32_t *vcpu);
};

#endif /* HW_HYPSEC_INSPECT_H */
