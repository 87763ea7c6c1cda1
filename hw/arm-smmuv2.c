/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm SMMUv2: properties, life cycle and migration.
 *
 * A snapshot is as hostile as a guest: whatever register a guest could not
 * have given a value does not get it from there either.
 */
#include "qemu/osdep.h"
#include "qemu/bitops.h"
#include "qemu/module.h"
#include "qapi/error.h"
#include "hw/qdev-properties.h"
#include "hw/resettable.h"
#include "migration/vmstate.h"
#include "arm-smmuv2-internal.h"
#include "trace.h"

uint16_t smmuv2_vmid(const ARMSMMUv2State *s, const SMMUv2Bank *b)
{
    return FIELD_EX32(s->scr0, SMMU_SCR0, VMID16EN) ?
           FIELD_EX32(b->cba2r, SMMU_CBA2R, VMID16) :
           FIELD_EX32(b->cbar, SMMU_CBAR, VMID);
}

uint16_t smmuv2_asid(const SMMUv2Bank *b)
{
    uint64_t ttbr = FIELD_EX32(b->tcr, SMMU_CB_TCR, A1) ? b->ttbr1 : b->ttbr0;
    uint16_t asid = FIELD_EX64(ttbr, SMMU_CB_TTBR0, ASID);

    return FIELD_EX32(b->tcr2, SMMU_CB_TCR2, AS) ? asid : asid & 0xff;
}

/* In the exit phase: by then no master is in the middle of a transfer. */
static void smmuv2_reset_exit(Object *obj, ResetType type)
{
    ARMSMMUv2State *s = ARM_SMMUV2(obj);

    qemu_mutex_lock(&s->lock);
    s->scr0 = SMMUV2_SCR0_RESET;
    s->scr2 = 0;
    s->sacr = SMMUV2_SACR_RESET;
    s->sgfsr = 0;
    s->sgfsynr0 = 0;
    s->sgfsynr1 = 0;
    s->sgfar = 0;
    for (int i = 0; i < SMMUV2_MAX_SMR; i++) {
        s->smr[i] = 0;
        s->s2cr[i] = SMMUV2_S2CR_RESET;
    }
    for (int i = 0; i < SMMUV2_MAX_CB; i++) {
        s->bank[i] = (SMMUv2Bank) {
            .cbar = smmuv2_cbar_value(s, i, SMMUV2_CBAR_RESET),
            .sctlr = SMMUV2_SCTLR_RESET,
            .actlr = SMMUV2_ACTLR_RESET,
            .tcr2 = SMMUV2_TCR2_RESET,
        };
    }
    smmuv2_tlb_reset(s);
    qemu_mutex_unlock(&s->lock);
    smmuv2_update_irqs(s);
    trace_arm_smmuv2_reset(object_get_canonical_path_component(obj));
}

/* The code of an address size in IDR2, or -1. */
static int size_code(uint8_t bits)
{
    static const uint8_t sizes[] = { 32, 36, 40, 42, 44, 48 };

    for (int i = 0; i < ARRAY_SIZE(sizes); i++) {
        if (sizes[i] == bits) {
            return i;
        }
    }
    return -1;
}

static bool check_stages(ARMSMMUv2State *s, Error **errp)
{
    bool nested = !s->stages || !strcmp(s->stages, "nested");

    if (!nested && strcmp(s->stages, "1") && strcmp(s->stages, "2") &&
        strcmp(s->stages, "both")) {
        error_setg(errp, "stages is \"1\", \"2\", \"both\" or \"nested\", "
                   "not \"%s\"", s->stages);
        return false;
    }
    s->has_nested = nested;
    s->has_s1 = nested || strcmp(s->stages, "2");
    s->has_s2 = nested || strcmp(s->stages, "1");
    return true;
}

static bool check_numbers(const ARMSMMUv2State *s, Error **errp)
{
    if (s->numpagendxb > 7) {
        error_setg(errp, "numpagendxb is 0 to 7, not %d", s->numpagendxb);
        return false;
    }
    if (!s->num_cb || s->num_cb > MIN(smmuv2_numpage(s), SMMUV2_MAX_CB)) {
        error_setg(errp, "num-cb is 1 to %d with numpagendxb=%d, not %d",
                   MIN(smmuv2_numpage(s), SMMUV2_MAX_CB), s->numpagendxb,
                   s->num_cb);
        return false;
    }
    if (s->num_s2cb > s->num_cb) {
        error_setg(errp, "num-s2cb is 0 to num-cb (%d), not %d", s->num_cb,
                   s->num_s2cb);
        return false;
    }
    if (!s->num_smr || s->num_smr > SMMUV2_MAX_SMR) {
        error_setg(errp, "num-smr is 1 to %d, not %d", SMMUV2_MAX_SMR,
                   s->num_smr);
        return false;
    }
    if (!s->stream_matching && !is_power_of_2(s->num_smr)) {
        error_setg(errp, "num-smr is a power of 2 with stream-matching=off, "
                   "not %d", s->num_smr);
        return false;
    }
    if (size_code(s->ias) < 0 || size_code(s->oas) < 0) {
        error_setg(errp, "%s is 32, 36, 40, 42, 44 or 48, not %d",
                   size_code(s->ias) < 0 ? "ias" : "oas",
                   size_code(s->ias) < 0 ? s->ias : s->oas);
        return false;
    }
    return true;
}

static void set_id_registers(ARMSMMUv2State *s)
{
    int numsidb = s->stream_matching ? 15 : ctz32(s->num_smr);
    uint32_t r = 0;

    r = FIELD_DP32(r, SMMU_IDR0, NUMSMRG, s->num_smr);
    r = FIELD_DP32(r, SMMU_IDR0, NUMSIDB, numsidb);
    r = FIELD_DP32(r, SMMU_IDR0, CTTW, 1);
    r = FIELD_DP32(r, SMMU_IDR0, NUMIRPT, 1);
    r = FIELD_DP32(r, SMMU_IDR0, PTFS, 2);
    r = FIELD_DP32(r, SMMU_IDR0, ATOSNS, 1);
    r = FIELD_DP32(r, SMMU_IDR0, SMS, s->stream_matching);
    r = FIELD_DP32(r, SMMU_IDR0, NTS, s->has_nested);
    r = FIELD_DP32(r, SMMU_IDR0, S2TS, s->has_s2);
    s->idr0 = FIELD_DP32(r, SMMU_IDR0, S1TS, s->has_s1);

    r = FIELD_DP32(0, SMMU_IDR1, NUMCB, s->num_cb);
    r = FIELD_DP32(r, SMMU_IDR1, SMCD, 1);
    r = FIELD_DP32(r, SMMU_IDR1, NUMS2CB, s->num_s2cb);
    s->idr1 = FIELD_DP32(r, SMMU_IDR1, NUMPAGENDXB, s->numpagendxb);

    r = FIELD_DP32(0, SMMU_IDR2, IAS, size_code(s->ias));
    r = FIELD_DP32(r, SMMU_IDR2, OAS, size_code(s->oas));
    r = FIELD_DP32(r, SMMU_IDR2, UBS, size_code(s->ias));
    r = FIELD_DP32(r, SMMU_IDR2, PTFSV8_4K, 1);
    r = FIELD_DP32(r, SMMU_IDR2, PTFSV8_16K, s->granule_16k);
    r = FIELD_DP32(r, SMMU_IDR2, PTFSV8_64K, s->granule_64k);
    s->idr2 = FIELD_DP32(r, SMMU_IDR2, VMID16S, s->vmid16);
}

static void smmuv2_realize(DeviceState *dev, Error **errp)
{
    ARMSMMUv2State *s = ARM_SMMUV2(dev);
    SysBusDevice *sbd = SYS_BUS_DEVICE(dev);

    if (!check_stages(s, errp) || !check_numbers(s, errp)) {
        return;
    }
    set_id_registers(s);

    memory_region_init_io(&s->mmio, OBJECT(s), &smmuv2_mmio_ops, s,
                          TYPE_ARM_SMMUV2,
                          2 * smmuv2_numpage(s) * SMMUV2_PAGE_BYTES);
    sysbus_init_mmio(sbd, &s->mmio);
    sysbus_init_irq(sbd, &s->irq_global);
    for (int i = 0; i < s->num_cb; i++) {
        sysbus_init_irq(sbd, &s->irq_bank[i]);
    }
    if (s->primary_bus) {
        smmuv2_setup_pci(s);
    }
}

static void smmuv2_instance_init(Object *obj)
{
    ARMSMMUv2State *s = ARM_SMMUV2(obj);

    qemu_mutex_init(&s->lock);
    s->pci_streams = g_hash_table_new(NULL, NULL);
    s->platform_streams = g_hash_table_new(NULL, NULL);
}

/* Only of a device that was never realized: then there are no streams. */
static void smmuv2_instance_finalize(Object *obj)
{
    ARMSMMUv2State *s = ARM_SMMUV2(obj);

    g_hash_table_destroy(s->pci_streams);
    g_hash_table_destroy(s->platform_streams);
    qemu_mutex_destroy(&s->lock);
}

/* Bits that no write sets are not set by a snapshot either. */
static bool mask_bank(const ARMSMMUv2State *s, unsigned int n)
{
    const SMMUv2Bank *b = &s->bank[n];
    uint32_t cba2r = SMMUV2_CBA2R_MASK |
                     (s->vmid16 ? R_SMMU_CBA2R_VMID16_MASK : 0);

    return b->cbar == smmuv2_cbar_value(s, n, b->cbar) &&
           !(b->cba2r & ~cba2r) &&
           !(b->cbfrsynra & ~SMMUV2_CBFRSYNRA_MASK) &&
           !(b->sctlr & ~SMMUV2_SCTLR_MASK) &&
           !(b->actlr & ~SMMUV2_ACTLR_MASK) &&
           !(b->tcr2 & ~SMMUV2_TCR2_MASK) &&
           !(b->fsr & ~(SMMUV2_FSR_RESTORABLE | R_SMMU_CB_FSR_FORMAT_MASK)) &&
           !(b->fsynr0 & ~SMMUV2_FSYNR0_MASK) &&
           !(b->ipafar & ~SMMUV2_IPAFAR_MASK);
}

static int smmuv2_pre_load(void *opaque)
{
    smmuv2_tlb_pre_load(opaque);
    return 0;
}

static int smmuv2_post_load(void *opaque, int version_id)
{
    ARMSMMUv2State *s = opaque;
    uint32_t scr0 = SMMUV2_SCR0_MASK |
                    (s->vmid16 ? R_SMMU_SCR0_VMID16EN_MASK : 0);

    if ((s->scr0 & ~scr0) != SMMUV2_SCR0_FIXED ||
        (s->scr2 & ~(s->vmid16 ? 0xffff : 0xff)) ||
        (s->sacr & ~SMMUV2_SACR_MASK) || (s->sgfsr & ~SMMUV2_SGFSR_MASK) ||
        (s->sgfsynr0 & ~SMMUV2_SGFSYNR0_MASK) ||
        (s->sgfsynr1 & ~SMMUV2_SGFSYNR1_MASK)) {
        return -EINVAL;
    }
    for (int i = 0; i < s->num_smr; i++) {
        if ((s->smr[i] & ~(s->stream_matching ? SMMUV2_SMR_MASK : 0)) ||
            (s->s2cr[i] & ~SMMUV2_S2CR_MASK)) {
            return -EINVAL;
        }
    }
    for (int i = 0; i < s->num_cb; i++) {
        if (!mask_bank(s, i)) {
            return -EINVAL;
        }
    }
    return smmuv2_tlb_post_load(s) ? 0 : -EINVAL;
}

static const VMStateDescription vmstate_bank = {
    .name = TYPE_ARM_SMMUV2 "/bank",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(cbar, SMMUv2Bank),
        VMSTATE_UINT32(cba2r, SMMUv2Bank),
        VMSTATE_UINT32(cbfrsynra, SMMUv2Bank),
        VMSTATE_UINT32(sctlr, SMMUv2Bank),
        VMSTATE_UINT32(actlr, SMMUv2Bank),
        VMSTATE_UINT32(tcr, SMMUv2Bank),
        VMSTATE_UINT32(tcr2, SMMUv2Bank),
        VMSTATE_UINT32(contextidr, SMMUv2Bank),
        VMSTATE_UINT32(mair0, SMMUv2Bank),
        VMSTATE_UINT32(mair1, SMMUv2Bank),
        VMSTATE_UINT32(fsr, SMMUv2Bank),
        VMSTATE_UINT32(fsynr0, SMMUv2Bank),
        VMSTATE_UINT64(ttbr0, SMMUv2Bank),
        VMSTATE_UINT64(ttbr1, SMMUv2Bank),
        VMSTATE_UINT64(far, SMMUv2Bank),
        VMSTATE_UINT64(ipafar, SMMUv2Bank),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_entry = {
    .name = TYPE_ARM_SMMUV2 "/tlb-entry",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64(in, SMMUv2Entry),
        VMSTATE_UINT64(out, SMMUv2Entry),
        VMSTATE_UINT64(ipa, SMMUv2Entry),
        VMSTATE_UINT16(vmid, SMMUv2Entry),
        VMSTATE_UINT16(asid, SMMUv2Entry),
        VMSTATE_UINT8(kind, SMMUv2Entry),
        VMSTATE_BOOL(global, SMMUv2Entry),
        VMSTATE_UINT8(shift, SMMUv2Entry),
        VMSTATE_UINT8(perm1, SMMUv2Entry),
        VMSTATE_UINT8(perm2, SMMUv2Entry),
        VMSTATE_UINT8(level1, SMMUv2Entry),
        VMSTATE_UINT8(level2, SMMUv2Entry),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_tlbi = {
    .name = TYPE_ARM_SMMUV2 "/tlbi",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64(addr, SMMUv2TLBI),
        VMSTATE_UINT16(vmid, SMMUv2TLBI),
        VMSTATE_UINT16(asid, SMMUv2TLBI),
        VMSTATE_UINT8(type, SMMUv2TLBI),
        VMSTATE_UINT8(bank, SMMUv2TLBI),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_arm_smmuv2 = {
    .name = TYPE_ARM_SMMUV2,
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_load = smmuv2_pre_load,
    .post_load = smmuv2_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32_EQUAL(idr0, ARMSMMUv2State, "another SMMU"),
        VMSTATE_UINT32_EQUAL(idr1, ARMSMMUv2State, "another SMMU"),
        VMSTATE_UINT32_EQUAL(idr2, ARMSMMUv2State, "another SMMU"),
        VMSTATE_UINT32(scr0, ARMSMMUv2State),
        VMSTATE_UINT32(scr2, ARMSMMUv2State),
        VMSTATE_UINT32(sacr, ARMSMMUv2State),
        VMSTATE_UINT32(sgfsr, ARMSMMUv2State),
        VMSTATE_UINT32(sgfsynr0, ARMSMMUv2State),
        VMSTATE_UINT32(sgfsynr1, ARMSMMUv2State),
        VMSTATE_UINT64(sgfar, ARMSMMUv2State),
        VMSTATE_UINT32_ARRAY(smr, ARMSMMUv2State, SMMUV2_MAX_SMR),
        VMSTATE_UINT32_ARRAY(s2cr, ARMSMMUv2State, SMMUV2_MAX_SMR),
        VMSTATE_STRUCT_VARRAY_UINT8(bank, ARMSMMUv2State, num_cb, 1,
                                    vmstate_bank, SMMUv2Bank),
        VMSTATE_STRUCT_ARRAY(tlb.entry, ARMSMMUv2State, SMMUV2_TLB_ENTRIES, 1,
                             vmstate_entry, SMMUv2Entry),
        VMSTATE_UINT8_ARRAY(tlb.victim, ARMSMMUv2State, SMMUV2_TLB_SETS),
        VMSTATE_STRUCT_ARRAY(tlbi, ARMSMMUv2State, SMMUV2_TLBI_MAX, 1,
                             vmstate_tlbi, SMMUv2TLBI),
        VMSTATE_UINT32(tlbi_count, ARMSMMUv2State),
        VMSTATE_END_OF_LIST()
    }
};

static const Property smmuv2_properties[] = {
    DEFINE_PROP_UINT8("num-cb", ARMSMMUv2State, num_cb, 8),
    DEFINE_PROP_UINT8("num-s2cb", ARMSMMUv2State, num_s2cb, 0),
    DEFINE_PROP_UINT8("num-smr", ARMSMMUv2State, num_smr, 32),
    DEFINE_PROP_UINT8("numpagendxb", ARMSMMUv2State, numpagendxb, 2),
    DEFINE_PROP_STRING("stages", ARMSMMUv2State, stages),
    DEFINE_PROP_UINT8("ias", ARMSMMUv2State, ias, 40),
    DEFINE_PROP_UINT8("oas", ARMSMMUv2State, oas, 40),
    DEFINE_PROP_BOOL("stream-matching", ARMSMMUv2State, stream_matching, true),
    DEFINE_PROP_BOOL("granule-16k", ARMSMMUv2State, granule_16k, false),
    DEFINE_PROP_BOOL("granule-64k", ARMSMMUv2State, granule_64k, false),
    DEFINE_PROP_BOOL("vmid16", ARMSMMUv2State, vmid16, false),
    DEFINE_PROP_BOOL("lazy-tlb", ARMSMMUv2State, lazy_tlb, true),
    DEFINE_PROP_LINK("primary-bus", ARMSMMUv2State, primary_bus, TYPE_PCI_BUS,
                     PCIBus *),
};

static void smmuv2_class_init(ObjectClass *oc, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);
    ResettableClass *rc = RESETTABLE_CLASS(oc);

    dc->desc = "Arm SMMUv2";
    dc->realize = smmuv2_realize;
    dc->vmsd = &vmstate_arm_smmuv2;
    /* A part of the board: masters are wired to it and stay so. */
    dc->user_creatable = false;
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
    rc->phases.exit = smmuv2_reset_exit;
    device_class_set_props(dc, smmuv2_properties);
}

static const TypeInfo smmuv2_types[] = {
    {
        .name = TYPE_ARM_SMMUV2,
        .parent = TYPE_SYS_BUS_DEVICE,
        .instance_size = sizeof(ARMSMMUv2State),
        .instance_init = smmuv2_instance_init,
        .instance_finalize = smmuv2_instance_finalize,
        .class_init = smmuv2_class_init,
    },
};

DEFINE_TYPES(smmuv2_types)
