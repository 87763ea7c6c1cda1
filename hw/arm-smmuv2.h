/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm SMMUv2 in the style of MMU-500 (Arm IHI 0062, DDI 0517).
 *
 * QEMU interface:
 *  + properties "num-cb", "num-s2cb", "num-smr", "numpagendxb", "stages",
 *    "ias", "oas", "lazy-tlb"
 *  + link "primary-bus": the PCI bus whose functions are masters, with their
 *    requester id as stream id; may be absent
 *  + sysbus MMIO region 0: the registers
 *  + sysbus IRQ 0: global faults; 1 + n: context bank n
 *
 * docs/system/arm/arm-smmuv2.rst is the description for users.
 */
#ifndef HW_ARM_SMMUV2_H
#define HW_ARM_SMMUV2_H

#include "exec/memory.h"
#include "qom/object.h"

#define TYPE_ARM_SMMUV2 "arm-smmuv2"
OBJECT_DECLARE_SIMPLE_TYPE(ARMSMMUv2State, ARM_SMMUV2)

/**
 * arm_smmuv2_stream_region() - what a platform master sees as its memory
 * @s:   the SMMU, realized
 * @sid: its stream id
 *
 * Every access to the region is a transaction of stream @sid. The region is
 * made at the first call and belongs to @s.
 *
 * Returns: the region, as large as the address space.
 */
MemoryRegion *arm_smmuv2_stream_region(ARMSMMUv2State *s, uint16_t sid);

#endif /* HW_ARM_SMMUV2_H */
