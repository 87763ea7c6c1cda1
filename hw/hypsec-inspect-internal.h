/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of /machine/inspect share: hypsec-inspect.c reads the page
 * and has the counters, hypsec-inspect-state.c has VMs, CPUs, owners, SMMUs
 * and devices.
 */
#ifndef HW_HYPSEC_INSPECT_INTERNAL_H
#define HW_HYPSEC_INSPECT_INTERNAL_H

#include "exec/hwaddr.h"
#include "hypsec/inspect.h"
#include "hypsec-inspect.h"

struct HypsecInspectState {
    Object parent_obj;

    hwaddr carveout_base;
    uint64_t carveout_size;
};

/**
 * hypsec_inspect_read() - copy RAM
 * @addr: physical address, any value
 * @buf: where it goes
 * @len: bytes
 *
 * Returns: false, and nothing copied, unless all of it is RAM
 */
bool hypsec_inspect_read(hwaddr addr, void *buf, uint64_t len);

/**
 * hypsec_inspect_in_carveout() - may this be something that EL2 published?
 * @s: the object
 * @addr: any value
 * @len: bytes
 *
 * Returns: whether [@addr, @addr + @len) is in the carve-out
 */
bool hypsec_inspect_in_carveout(const HypsecInspectState *s, uint64_t addr,
                                uint64_t len);

/**
 * hypsec_inspect_page() - copy the page
 * @s: the object
 * @page: where it goes, little-endian
 *
 * The fields that version 2 has are sound then; others are not looked at.
 *
 * Returns: NULL if it is sound, or else what is wrong
 */
const char *hypsec_inspect_page(const HypsecInspectState *s,
                                struct hypsec_inspect *page);

/**
 * hypsec_inspect_cpu() - copy the entry of a CPU
 * @page: a sound page
 * @i: below its nr_cpus
 * @cpu: where it goes, little-endian
 *
 * Returns: false if it cannot be read
 */
bool hypsec_inspect_cpu(const struct hypsec_inspect *page, uint32_t i,
                        struct hypsec_inspect_cpu *cpu);

/**
 * hypsec_inspect_add_state() - add the properties of hypsec-inspect-state.c
 * @oc: the class
 */
void hypsec_inspect_add_state(ObjectClass *oc);

#endif /* HW_HYPSEC_INSPECT_INTERNAL_H */
