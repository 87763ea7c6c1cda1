/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm SMMUv2: the registers.
 *
 * A register of 32 bits takes accesses of 32 bits, one of 64 bits also takes
 * its two halves in any order. All else is a guest error that reads as zero
 * and ignores writes, as is what this SMMU does not have: secure registers,
 * translation operations (IDR0.ATOSNS), performance counters, stalls.
 */
#include "qemu/osdep.h"
#include "qemu/bitops.h"
#include "qemu/log.h"
#include "arm-smmuv2-internal.h"
#include "trace.h"

/* MMU-500 r2p1. */
#define IDR7_VALUE 0x21u

/**
 * Reg - a register that keeps what is written
 * @offset: in its page
 * @size: bytes
 * @field: where it is in its structure
 * @mask: bits of it that are kept
 * @s1: not there in a bank of stage 2
 */
typedef struct Reg {
    uint16_t offset;
    uint8_t size;
    uint32_t field;
    uint64_t mask;
    bool s1;
} Reg;

#define GR0(name, size_, field_, mask_) { \
    .offset = A_SMMU_##name, .size = size_, \
    .field = offsetof(ARMSMMUv2State, field_), .mask = mask_ }
#define CB(name, size_, field_, mask_) { \
    .offset = A_SMMU_CB_##name, .size = size_, \
    .field = offsetof(SMMUv2Bank, field_), .mask = mask_ }
#define CB_S1(name, size_, field_, mask_) { \
    .offset = A_SMMU_CB_##name, .size = size_, \
    .field = offsetof(SMMUv2Bank, field_), .mask = mask_, .s1 = true }

static const Reg gr0_regs[] = {
    GR0(SACR, 4, sacr, SMMUV2_SACR_MASK),
    GR0(SGFAR, 8, sgfar, UINT64_MAX),
    GR0(SGFSYNR0, 4, sgfsynr0, SMMUV2_SGFSYNR0_MASK),
    GR0(SGFSYNR1, 4, sgfsynr1, SMMUV2_SGFSYNR1_MASK),
};

static const Reg cb_regs[] = {
    CB(SCTLR, 4, sctlr, SMMUV2_SCTLR_MASK),
    CB_S1(TCR2, 4, tcr2, SMMUV2_TCR2_MASK),
    CB(TTBR0, 8, ttbr0, UINT64_MAX),
    CB_S1(TTBR1, 8, ttbr1, UINT64_MAX),
    CB(TCR, 4, tcr, UINT32_MAX),
    CB_S1(CONTEXTIDR, 4, contextidr, UINT32_MAX),
    CB_S1(MAIR0, 4, mair0, UINT32_MAX),
    CB_S1(MAIR1, 4, mair1, UINT32_MAX),
    CB(FAR, 8, far, UINT64_MAX),
    CB(FSYNR0, 4, fsynr0, SMMUV2_FSYNR0_MASK),
    CB(IPAFAR, 8, ipafar, SMMUV2_IPAFAR_MASK),
};

/* Registers of an action, not of a value; 64 bits where @size says so. */
static const struct {
    uint16_t offset;
    uint8_t size;
    uint8_t type;
    bool s1;
} cb_tlbi[] = {
    { A_SMMU_CB_TLBIVA, 8, SMMUV2_TLBI_VA, true },
    { A_SMMU_CB_TLBIVAA, 8, SMMUV2_TLBI_VAA, true },
    { A_SMMU_CB_TLBIASID, 4, SMMUV2_TLBI_ASID, true },
    { A_SMMU_CB_TLBIALL, 4, SMMUV2_TLBI_VMID_S1, true },
    { A_SMMU_CB_TLBIVAL, 8, SMMUV2_TLBI_VA, true },
    { A_SMMU_CB_TLBIVAAL, 8, SMMUV2_TLBI_VAA, true },
    { A_SMMU_CB_TLBIIPAS2, 8, SMMUV2_TLBI_IPA, false },
    { A_SMMU_CB_TLBIIPAS2L, 8, SMMUV2_TLBI_IPA, false },
};

/* A part of a register: offset from its start, and bytes. */
typedef struct Part {
    unsigned int shift;
    unsigned int bits;
} Part;

static const Reg *find_reg(const Reg *regs, size_t n, unsigned int offset,
                           unsigned int size, Part *part)
{
    for (size_t i = 0; i < n; i++) {
        unsigned int at = offset - regs[i].offset;

        if (offset >= regs[i].offset && at + size <= regs[i].size) {
            *part = (Part) { .shift = at * 8, .bits = size * 8 };
            return &regs[i];
        }
    }
    return NULL;
}

static uint64_t load_reg(const void *base, const Reg *r)
{
    const void *p = (const char *)base + r->field;

    return r->size == 8 ? *(const uint64_t *)p : *(const uint32_t *)p;
}

static uint64_t read_reg(const void *base, const Reg *r, Part part)
{
    return extract64(load_reg(base, r), part.shift, part.bits);
}

static void write_reg(void *base, const Reg *r, Part part, uint64_t value)
{
    void *p = (char *)base + r->field;
    uint64_t v = deposit64(load_reg(base, r), part.shift, part.bits, value) &
                 r->mask;

    if (r->size == 8) {
        *(uint64_t *)p = v;
    } else {
        *(uint32_t *)p = v;
    }
}

uint32_t smmuv2_cbar_value(const ARMSMMUv2State *s, unsigned int n,
                           uint32_t value)
{
    value &= SMMUV2_CBAR_MASK;
    return n < s->num_s2cb || !s->has_s1 ?
           FIELD_DP32(value, SMMU_CBAR, TYPE, SMMUV2_CBAR_S2) : value;
}

static bool bank_line(const SMMUv2Bank *b)
{
    return (b->fsr & (SMMUV2_FSR_FAULTS | R_SMMU_CB_FSR_MULTI_MASK)) &&
           FIELD_EX32(b->sctlr, SMMU_CB_SCTLR, CFIE);
}

void smmuv2_update_irqs(ARMSMMUv2State *s)
{
    qemu_set_irq(s->irq_global,
                 s->sgfsr && FIELD_EX32(s->scr0, SMMU_SCR0, GFIE));
    for (int i = 0; i < s->num_cb; i++) {
        qemu_set_irq(s->irq_bank[i], bank_line(&s->bank[i]));
    }
}

/* Where a fault is to be found: nothing left of it, nothing of its format. */
static void clear_fsr(SMMUv2Bank *b, uint32_t bits)
{
    b->fsr &= ~(bits & SMMUV2_FSR_RESTORABLE);
    if (!(b->fsr & SMMUV2_FSR_RESTORABLE)) {
        b->fsr = 0;
    }
}

static bool read_id(const ARMSMMUv2State *s, unsigned int offset,
                    uint64_t *value)
{
    /* PIDR4-7, PIDR0-3, CIDR0-3: MMU-500. */
    static const uint8_t ids[] = {
        0x04, 0x00, 0x00, 0x00, 0x81, 0xb4, 0x1b, 0x00,
        0x0d, 0xf0, 0x05, 0xb1,
    };

    if (offset >= A_SMMU_PIDR4) {
        *value = ids[(offset - A_SMMU_PIDR4) / 4];
        return true;
    }
    if (offset < A_SMMU_IDR0 || offset > A_SMMU_IDR7) {
        return false;
    }
    *value = offset == A_SMMU_IDR0 ? s->idr0 :
             offset == A_SMMU_IDR1 ? s->idr1 :
             offset == A_SMMU_IDR2 ? s->idr2 :
             offset == A_SMMU_IDR7 ? IDR7_VALUE : 0;
    return true;
}

/* The stream mapping entry at @offset of an array, or NULL. */
static uint32_t *stream_entry(ARMSMMUv2State *s, unsigned int offset)
{
    unsigned int n = (offset & (A_SMMU_SMR - 1)) / 4;

    if (offset >= A_SMMU_S2CR) {
        n = (offset - A_SMMU_S2CR) / 4;
        return n < s->num_smr ? &s->s2cr[n] : NULL;
    }
    return offset >= A_SMMU_SMR && n < s->num_smr && s->stream_matching ?
           &s->smr[n] : NULL;
}

static bool read_gr0(ARMSMMUv2State *s, unsigned int offset,
                     unsigned int size, uint64_t *value)
{
    Part part;
    const Reg *r = find_reg(gr0_regs, ARRAY_SIZE(gr0_regs), offset, size,
                            &part);

    if (r) {
        *value = read_reg(s, r, part);
        return true;
    }
    if (size != 4) {
        return false;
    }
    if (read_id(s, offset, value)) {
        return true;
    }
    switch (offset) {
    case A_SMMU_SCR0:
        *value = s->scr0;
        return true;
    case A_SMMU_SCR2:
        *value = s->scr2;
        return true;
    case A_SMMU_SGFSR:
        *value = s->sgfsr;
        return true;
    case A_SMMU_SGFSYNR2:
    case A_SMMU_STLBGSTATUS: /* a sync takes no time */
        return true;
    default:
        if (!stream_entry(s, offset)) {
            return false;
        }
        *value = *stream_entry(s, offset);
        return true;
    }
}

static void global_tlbi(ARMSMMUv2State *s, SMMUv2TLBIType type, uint32_t value)
{
    SMMUv2TLBI tlbi = {
        .type = type,
        .vmid = FIELD_EX32(s->scr0, SMMU_SCR0, VMID16EN) ? value & 0xffff :
                                                           value & 0xff,
        .bank = SMMUV2_TLBI_GLOBAL,
    };

    smmuv2_tlb_invalidate(s, &tlbi);
}

static void write_scr0(ARMSMMUv2State *s, uint32_t value)
{
    uint32_t mask = SMMUV2_SCR0_MASK;

    if (s->vmid16) {
        mask |= R_SMMU_SCR0_VMID16EN_MASK;
    }
    s->scr0 = (value & mask & ~SMMUV2_SCR0_FIXED) | SMMUV2_SCR0_FIXED;
}

/* An action; false if there is none at @offset. */
static bool write_gr0_action(ARMSMMUv2State *s, unsigned int offset,
                             uint32_t value)
{
    switch (offset) {
    case A_SMMU_SCR0:
        write_scr0(s, value);
        return true;
    case A_SMMU_SCR2:
        s->scr2 = value & (s->vmid16 ? 0xffff : 0xff);
        return true;
    case A_SMMU_SGFSR:
        s->sgfsr &= ~value;
        return true;
    case A_SMMU_SGFSRRESTORE:
        s->sgfsr |= value & SMMUV2_SGFSR_MASK;
        return true;
    case A_SMMU_TLBIVMID:
        global_tlbi(s, SMMUV2_TLBI_VMID, value);
        return true;
    case A_SMMU_TLBIVMIDS1:
        global_tlbi(s, SMMUV2_TLBI_VMID_S1, value);
        return true;
    case A_SMMU_TLBIALLNSNH:
        global_tlbi(s, SMMUV2_TLBI_ALL, 0);
        return true;
    case A_SMMU_TLBIALLH: /* there are no hyp contexts */
    case A_SMMU_TLBIVAH:
        return true;
    case A_SMMU_STLBGSYNC:
        smmuv2_tlb_sync(s, SMMUV2_TLBI_GLOBAL);
        return true;
    default:
        return false;
    }
}

static bool write_gr0(ARMSMMUv2State *s, unsigned int offset,
                      unsigned int size, uint64_t value)
{
    Part part;
    const Reg *r = find_reg(gr0_regs, ARRAY_SIZE(gr0_regs), offset, size,
                            &part);
    uint32_t *entry;

    if (r) {
        write_reg(s, r, part, value);
        return true;
    }
    if (size != 4) {
        return false;
    }
    if (write_gr0_action(s, offset, value)) {
        return true;
    }
    entry = offset >= A_SMMU_SMR && offset < A_SMMU_PIDR4 ?
            stream_entry(s, offset) : NULL;
    if (!entry) {
        return false;
    }
    *entry = value & (offset >= A_SMMU_S2CR ? SMMUV2_S2CR_MASK :
                                              SMMUV2_SMR_MASK);
    return true;
}

/* The register of GR1 at @offset and the bits of it that are kept. */
static uint32_t *gr1_reg(ARMSMMUv2State *s, unsigned int offset,
                         uint32_t *mask)
{
    unsigned int n = (offset & (A_SMMU_CBFRSYNRA - 1)) / 4;

    if (n >= s->num_cb) {
        return NULL;
    }
    switch (offset & ~(A_SMMU_CBFRSYNRA - 1)) {
    case A_SMMU_CBAR:
        *mask = smmuv2_cbar_value(s, n, UINT32_MAX);
        return &s->bank[n].cbar;
    case A_SMMU_CBFRSYNRA:
        *mask = SMMUV2_CBFRSYNRA_MASK;
        return &s->bank[n].cbfrsynra;
    case A_SMMU_CBA2R:
        *mask = SMMUV2_CBA2R_MASK |
                (s->vmid16 ? R_SMMU_CBA2R_VMID16_MASK : 0);
        return &s->bank[n].cba2r;
    default:
        return NULL;
    }
}

static bool read_gr1(ARMSMMUv2State *s, unsigned int offset,
                     unsigned int size, uint64_t *value)
{
    uint32_t mask;
    uint32_t *reg = size == 4 ? gr1_reg(s, offset, &mask) : NULL;

    if (!reg) {
        return false;
    }
    *value = *reg;
    return true;
}

static bool write_gr1(ARMSMMUv2State *s, unsigned int offset,
                      unsigned int size, uint64_t value)
{
    uint32_t mask;
    uint32_t *reg = size == 4 ? gr1_reg(s, offset, &mask) : NULL;

    if (!reg) {
        return false;
    }
    *reg = value & mask;
    return true;
}

static bool is_s2(const SMMUv2Bank *b)
{
    return smmuv2_bank_type(b) == SMMUV2_CBAR_S2;
}

static bool read_cb(ARMSMMUv2State *s, unsigned int n, unsigned int offset,
                    unsigned int size, uint64_t *value)
{
    const SMMUv2Bank *b = &s->bank[n];
    Part part;
    const Reg *r = find_reg(cb_regs, ARRAY_SIZE(cb_regs), offset, size, &part);

    if (r) {
        *value = r->s1 && is_s2(b) ? 0 : read_reg(b, r, part);
        return true;
    }
    if (size != 4) {
        return false;
    }
    switch (offset) {
    case A_SMMU_CB_ACTLR:
        *value = b->actlr;
        return true;
    case A_SMMU_CB_FSR:
        *value = b->fsr;
        return true;
    case A_SMMU_CB_FSYNR1:
    case A_SMMU_CB_TLBSTATUS:
    case A_SMMU_CB_PAR:
    case A_SMMU_CB_PAR + 4:
    case A_SMMU_CB_ATSR:
        return true;
    default:
        return false;
    }
}

/* Operands: an address in pages and an ASID; AArch32 has both in 32 bits. */
static bool write_tlbi(ARMSMMUv2State *s, unsigned int n, unsigned int offset,
                       unsigned int size, uint64_t value)
{
    const SMMUv2Bank *b = &s->bank[n];
    SMMUv2TLBI tlbi = { .bank = n, .vmid = smmuv2_vmid(s, b) };
    int i;

    for (i = 0; i < ARRAY_SIZE(cb_tlbi); i++) {
        if (cb_tlbi[i].offset == offset && cb_tlbi[i].size >= size) {
            break;
        }
    }
    if (i == ARRAY_SIZE(cb_tlbi) || cb_tlbi[i].s1 == is_s2(b)) {
        return false;
    }
    tlbi.type = cb_tlbi[i].type;
    if (tlbi.type == SMMUV2_TLBI_ASID) {
        tlbi.asid = value;
    } else if (tlbi.type == SMMUV2_TLBI_IPA) {
        tlbi.addr = extract64(value, 0, 36) << 12;
    } else if (FIELD_EX32(b->cba2r, SMMU_CBA2R, VA64)) {
        tlbi.addr = sextract64(value, 0, 44) << 12;
        tlbi.asid = extract64(value, 48, 16);
    } else {
        tlbi.addr = value & 0xfffff000;
        tlbi.asid = value & 0xff;
    }
    smmuv2_tlb_invalidate(s, &tlbi);
    return true;
}

static bool write_cb_action(ARMSMMUv2State *s, unsigned int n,
                            unsigned int offset, uint32_t value)
{
    SMMUv2Bank *b = &s->bank[n];

    switch (offset) {
    case A_SMMU_CB_ACTLR:
        if (FIELD_EX32(s->sacr, SMMU_SACR, CACHE_LOCK)) {
            value = FIELD_DP32(value, SMMU_CB_ACTLR, CPRE,
                               FIELD_EX32(b->actlr, SMMU_CB_ACTLR, CPRE));
        }
        b->actlr = value & SMMUV2_ACTLR_MASK;
        return true;
    case A_SMMU_CB_FSR:
        clear_fsr(b, value);
        return true;
    case A_SMMU_CB_FSRRESTORE:
        b->fsr |= value & SMMUV2_FSR_RESTORABLE;
        return true;
    case A_SMMU_CB_TLBSYNC:
        smmuv2_tlb_sync(s, n);
        return true;
    case A_SMMU_CB_RESUME: /* nothing ever stalls */
        return true;
    default:
        return false;
    }
}

static bool write_cb(ARMSMMUv2State *s, unsigned int n, unsigned int offset,
                     unsigned int size, uint64_t value)
{
    SMMUv2Bank *b = &s->bank[n];
    Part part;
    const Reg *r = find_reg(cb_regs, ARRAY_SIZE(cb_regs), offset, size, &part);

    if (r) {
        if (!r->s1 || !is_s2(b)) {
            write_reg(b, r, part, value);
        }
        return true;
    }
    return write_tlbi(s, n, offset, size, value) ||
           (size == 4 && write_cb_action(s, n, offset, value));
}

/* The bank of a page, or -1. */
static int page_bank(const ARMSMMUv2State *s, unsigned int page)
{
    unsigned int n = page - smmuv2_numpage(s);

    return page >= smmuv2_numpage(s) && n < s->num_cb ? n : -1;
}

static bool is_access(hwaddr addr, unsigned int size)
{
    return size >= 4 && !(addr & (size - 1));
}

static uint64_t smmuv2_read(void *opaque, hwaddr addr, unsigned int size)
{
    ARMSMMUv2State *s = opaque;
    unsigned int page = addr / SMMUV2_PAGE_BYTES;
    unsigned int offset = addr % SMMUV2_PAGE_BYTES;
    int bank = page_bank(s, page);
    uint64_t value = 0;
    bool ok = false;

    if (is_access(addr, size)) {
        QEMU_LOCK_GUARD(&s->lock);
        ok = page == 0 ? read_gr0(s, offset, size, &value) :
             page == 1 ? read_gr1(s, offset, size, &value) :
             bank >= 0 ? read_cb(s, bank, offset, size, &value) : false;
    }
    if (!ok) {
        qemu_log_mask(LOG_GUEST_ERROR, "arm-smmuv2: no register to read at "
                      "0x%" HWADDR_PRIx " with size %u\n", addr, size);
    }
    trace_arm_smmuv2_read(addr, value, size);
    return value;
}

static void smmuv2_write(void *opaque, hwaddr addr, uint64_t value,
                         unsigned int size)
{
    ARMSMMUv2State *s = opaque;
    unsigned int page = addr / SMMUV2_PAGE_BYTES;
    unsigned int offset = addr % SMMUV2_PAGE_BYTES;
    int bank = page_bank(s, page);
    bool ok = false;

    trace_arm_smmuv2_write(addr, value, size);
    if (is_access(addr, size)) {
        QEMU_LOCK_GUARD(&s->lock);
        ok = page == 0 ? write_gr0(s, offset, size, value) :
             page == 1 ? write_gr1(s, offset, size, value) :
             bank >= 0 ? write_cb(s, bank, offset, size, value) : false;
    }
    if (!ok) {
        qemu_log_mask(LOG_GUEST_ERROR, "arm-smmuv2: no register to write "
                      "0x%" PRIx64 " to at 0x%" HWADDR_PRIx " with size %u\n",
                      value, addr, size);
    }
    smmuv2_update_irqs(s);
}

const MemoryRegionOps smmuv2_mmio_ops = {
    .read = smmuv2_read,
    .write = smmuv2_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {
        .min_access_size = 1,
        .max_access_size = 8,
        .unaligned = true,
    },
    .impl = {
        .min_access_size = 1,
        .max_access_size = 8,
        .unaligned = true,
    },
};
