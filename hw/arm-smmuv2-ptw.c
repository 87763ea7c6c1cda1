/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm SMMUv2: table walks (Arm DDI 0487, D8: VMSAv8-64).
 *
 * Tables are read from RAM and nowhere else: a descriptor behind a device's
 * registers is an external abort. So a walk has no effect on anything, needs
 * no lock but its own, and cannot come back here.
 */
#include "qemu/osdep.h"
#include "qemu/bitops.h"
#include "qemu/bswap.h"
#include "qemu/rcu.h"
#include "exec/address-spaces.h"
#include "arm-smmuv2-internal.h"
#include "trace.h"

#define DESC_VALID      (1ull << 0)
#define DESC_TABLE      (1ull << 1) /* and a page, at level 3 */
#define DESC_AF         (1ull << 10)
#define DESC_S1_USER    (1ull << 6)
#define DESC_S1_RO      (1ull << 7)
#define DESC_S1_NG      (1ull << 11)
#define DESC_S1_PXN     (1ull << 53)
#define DESC_S1_UXN     (1ull << 54)
#define DESC_S2_R       (1ull << 6)
#define DESC_S2_W       (1ull << 7)
#define DESC_S2_NORMAL  (3ull << 4) /* zero: device memory */
#define DESC_S2_XN      (1ull << 54)
/* Of tables of stage 1, for all that is below. */
#define DESC_PXN_TABLE  (1ull << 59)
#define DESC_UXN_TABLE  (1ull << 60)
#define DESC_USER_TABLE (1ull << 61) /* not for unprivileged masters */
#define DESC_RO_TABLE   (1ull << 62)

#define PERM_ALL (SMMUV2_R | SMMUV2_W | SMMUV2_X | \
                  SMMUV2_PRIV(SMMUV2_R | SMMUV2_W | SMMUV2_X))

#define ADDR_BITS 48

/**
 * Tables - one stage's tables and how to walk them
 * @base: of the table at @level, as in TTBRn
 * @in_bits: input address bits that they translate
 * @out_bits: width that no address exceeds
 * @granule: log2 of the page size
 * @level: to begin at
 * @big_endian: descriptors
 * @afd: the access flag does not matter
 * @s2: bank that translates the addresses of the tables, or NULL
 */
typedef struct Tables {
    uint64_t base;
    unsigned int in_bits;
    unsigned int out_bits;
    unsigned int granule;
    unsigned int level;
    bool big_endian;
    bool afd;
    const SMMUv2Bank *s2;
} Tables;

/* A leaf: its descriptor, what it maps, what the tables above it forbid. */
typedef struct Leaf {
    uint64_t desc;
    uint64_t out;
    uint64_t limits;
    unsigned int shift;
    unsigned int level;
} Leaf;

static bool fault_at(SMMUv2Fault *fault, uint32_t fsr, unsigned int level)
{
    fault->fsr = fsr;
    fault->level = level;
    return false;
}

static bool read_descriptor(uint64_t addr, bool big_endian, uint64_t *desc)
{
    hwaddr len = sizeof(*desc), offset;
    MemoryRegion *mr;

    RCU_READ_LOCK_GUARD();
    mr = address_space_translate(&address_space_memory, addr, &offset, &len,
                                 false, MEMTXATTRS_UNSPECIFIED);
    if (!memory_region_is_ram(mr) || memory_region_is_ram_device(mr) ||
        len < sizeof(*desc) || !QEMU_IS_ALIGNED(offset, sizeof(*desc))) {
        return false;
    }
    /* In one piece: a CPU may be writing it. */
    *desc = qatomic_read((uint64_t *)(memory_region_get_ram_ptr(mr) + offset));
    *desc = big_endian ? be64_to_cpu(*desc) : le64_to_cpu(*desc);
    return true;
}

/* A granule by its log2; 0 if this SMMU has no such granule. */
static unsigned int check_granule(const ARMSMMUv2State *s, unsigned int shift)
{
    return (shift == 16 && !s->granule_64k) ||
           (shift == 14 && !s->granule_16k) ? 0 : shift;
}

static unsigned int output_bits(const ARMSMMUv2State *s, unsigned int code)
{
    static const uint8_t sizes[] = { 32, 36, 40, 42, 44, 48, 48, 48 };

    return MIN(sizes[code & 7], s->oas);
}

/* log2 of the bytes that an entry at @level covers. */
static unsigned int level_shift(const Tables *t, unsigned int level)
{
    return t->granule + (t->granule - 3) * (3 - level);
}

/* Blocks: at levels 1 and 2 with 4 KiB, only at level 2 otherwise. */
static bool has_blocks(const Tables *t, unsigned int level)
{
    return level == 2 || (level == 1 && t->granule == 12);
}

static bool walk_s2(const ARMSMMUv2State *s, const SMMUv2Bank *b, uint64_t ipa,
                    Leaf *leaf, SMMUv2Fault *fault);

/* The address of a table of stage 1, which stage 2 may translate. */
static bool table_address(const ARMSMMUv2State *s, const Tables *t,
                          uint64_t *addr, SMMUv2Fault *fault)
{
    SMMUv2Fault inner = { .stage2 = true, .s1ptw = true, .ipa = *addr };
    Leaf leaf;

    if (!t->s2) {
        return true;
    }
    if (walk_s2(s, t->s2, *addr, &leaf, &inner)) {
        if ((leaf.desc & DESC_S2_R) &&
            (!FIELD_EX32(t->s2->sctlr, SMMU_CB_SCTLR, PTW) ||
             (leaf.desc & DESC_S2_NORMAL))) {
            *addr = leaf.out | (*addr & MAKE_64BIT_MASK(0, leaf.shift));
            return true;
        }
        fault_at(&inner, R_SMMU_CB_FSR_PF_MASK, leaf.level);
    }
    *fault = inner;
    return false;
}

/* Descends from @t->level; each round is one level, so there are up to 4. */
static bool walk(const ARMSMMUv2State *s, const Tables *t, uint64_t in,
                 Leaf *leaf, SMMUv2Fault *fault)
{
    uint64_t addr_mask = MAKE_64BIT_MASK(0, ADDR_BITS);
    unsigned int top = t->in_bits;
    uint64_t base = t->base & addr_mask;

    *leaf = (Leaf) { .level = t->level };
    base &= ~MAKE_64BIT_MASK(0, top - level_shift(t, t->level) + 3);
    if (base >> t->out_bits) {
        return fault_at(fault, R_SMMU_CB_FSR_ASF_MASK, 0);
    }
    for (;; leaf->level++) {
        uint64_t at, desc;

        leaf->shift = level_shift(t, leaf->level);
        at = base | extract64(in, leaf->shift, top - leaf->shift) << 3;
        if (!table_address(s, t, &at, fault)) {
            return false;
        }
        if (!read_descriptor(at, t->big_endian, &desc)) {
            return fault_at(fault, R_SMMU_CB_FSR_EF_MASK, leaf->level);
        }
        trace_arm_smmuv2_walk(leaf->level, in, at, desc);
        if (!(desc & DESC_VALID)) {
            return fault_at(fault, R_SMMU_CB_FSR_TF_MASK, leaf->level);
        }
        leaf->desc = desc;
        if (leaf->level == 3 || !(desc & DESC_TABLE)) {
            break;
        }
        leaf->limits |= desc;
        base = desc & addr_mask & ~MAKE_64BIT_MASK(0, t->granule);
        if (base >> t->out_bits) {
            return fault_at(fault, R_SMMU_CB_FSR_ASF_MASK, leaf->level);
        }
        top = leaf->shift;
    }
    if (leaf->level == 3 ? !(leaf->desc & DESC_TABLE) :
                           !has_blocks(t, leaf->level)) {
        return fault_at(fault, R_SMMU_CB_FSR_TF_MASK, leaf->level);
    }
    leaf->out = leaf->desc & addr_mask & ~MAKE_64BIT_MASK(0, leaf->shift);
    if (leaf->out >> t->out_bits) {
        return fault_at(fault, R_SMMU_CB_FSR_ASF_MASK, leaf->level);
    }
    if (!(leaf->desc & DESC_AF) && !t->afd) {
        return fault_at(fault, R_SMMU_CB_FSR_AFF_MASK, leaf->level);
    }
    return true;
}

static void tables_of_bank(const SMMUv2Bank *b, Tables *t)
{
    *t = (Tables) {
        .big_endian = FIELD_EX32(b->sctlr, SMMU_CB_SCTLR, E),
        .afd = FIELD_EX32(b->sctlr, SMMU_CB_SCTLR, AFFD),
    };
}

/*
 * The level to begin at must leave 1 to 9 (4 KiB) bits for a table, and up
 * to 4 more for concatenated ones.
 */
static bool is_start_possible(const Tables *t)
{
    unsigned int shift = level_shift(t, t->level);

    return t->in_bits > shift && t->in_bits - shift <= t->granule - 3 + 4;
}

static bool walk_s2(const ARMSMMUv2State *s, const SMMUv2Bank *b, uint64_t ipa,
                    Leaf *leaf, SMMUv2Fault *fault)
{
    static const uint8_t granules[] = { 12, 16, 14, 0 };
    unsigned int t0sz = FIELD_EX32(b->tcr, SMMU_CB_TCR, T0SZ);
    unsigned int sl0 = FIELD_EX32(b->tcr, SMMU_CB_TCR, SL0);
    unsigned int tg0 = FIELD_EX32(b->tcr, SMMU_CB_TCR, TG0);
    Tables t;

    fault->stage2 = true;
    fault->ipa = ipa;
    tables_of_bank(b, &t);
    t.base = b->ttbr0;
    t.in_bits = 64 - t0sz;
    t.out_bits = output_bits(s, FIELD_EX32(b->tcr, SMMU_CB_TCR, PASIZE));
    t.granule = check_granule(s, granules[tg0]);
    t.level = (t.granule == 12 ? 2 : 3) - sl0;
    if (!FIELD_EX32(b->cba2r, SMMU_CBA2R, VA64) || !t.granule || sl0 == 3 ||
        t0sz < 64 - ADDR_BITS || t0sz > 39 || !is_start_possible(&t) ||
        ipa >> t.in_bits) {
        return fault_at(fault, R_SMMU_CB_FSR_TF_MASK, 0);
    }
    return walk(s, &t, ipa, leaf, fault);
}

/* The tables that translate a canonical address: lower or upper half. */
static bool tables_of_s1(const ARMSMMUv2State *s, const SMMUv2Bank *b,
                         uint64_t va, Tables *t)
{
    static const uint8_t granules0[] = { 12, 16, 14, 0 };
    static const uint8_t granules1[] = { 0, 14, 12, 16 };
    bool upper = va >> 63;
    unsigned int tsz, bits;

    tables_of_bank(b, t);
    if (upper) {
        tsz = FIELD_EX32(b->tcr, SMMU_CB_TCR, T1SZ);
        t->base = b->ttbr1;
        t->granule = granules1[FIELD_EX32(b->tcr, SMMU_CB_TCR, TG1)];
    } else {
        tsz = FIELD_EX32(b->tcr, SMMU_CB_TCR, T0SZ);
        t->base = b->ttbr0;
        t->granule = granules0[FIELD_EX32(b->tcr, SMMU_CB_TCR, TG0)];
    }
    t->granule = check_granule(s, t->granule);
    if (!FIELD_EX32(b->cba2r, SMMU_CBA2R, VA64) || !t->granule ||
        (upper ? FIELD_EX32(b->tcr, SMMU_CB_TCR, EPD1) :
                 FIELD_EX32(b->tcr, SMMU_CB_TCR, EPD0)) ||
        tsz < 64 - ADDR_BITS || tsz > 39) {
        return false;
    }
    t->in_bits = 64 - tsz;
    t->out_bits = output_bits(s, FIELD_EX32(b->tcr2, SMMU_CB_TCR2, PASIZE));
    bits = t->in_bits - t->granule;
    t->level = 4 - DIV_ROUND_UP(bits, t->granule - 3);
    return (upper ? ~va : va) >> t->in_bits == 0;
}

uint64_t smmuv2_canonical(const SMMUv2Bank *b, uint64_t addr)
{
    /* The bit that is the sign, by SEP; otherwise all bits are there. */
    static const uint8_t signs[] = { 31, 35, 39, 41, 43, 47, 63, 63 };
    uint64_t va = sextract64(addr, 0,
                             signs[FIELD_EX32(b->tcr2, SMMU_CB_TCR2, SEP)] + 1);
    bool tbi = va & (1ull << 55) ? FIELD_EX32(b->tcr2, SMMU_CB_TCR2, TBI1) :
                                   FIELD_EX32(b->tcr2, SMMU_CB_TCR2, TBI0);

    return tbi ? sextract64(va, 0, 56) : va;
}

static uint8_t perm_s1(const SMMUv2Bank *b, const Leaf *leaf)
{
    bool user = (leaf->desc & DESC_S1_USER) &&
                !(leaf->limits & DESC_USER_TABLE);
    bool ro = (leaf->desc & DESC_S1_RO) || (leaf->limits & DESC_RO_TABLE);
    bool uxn = (leaf->desc & DESC_S1_UXN) || (leaf->limits & DESC_UXN_TABLE);
    bool pxn = (leaf->desc & DESC_S1_PXN) || (leaf->limits & DESC_PXN_TABLE);
    uint8_t perm = SMMUV2_PRIV(SMMUV2_R) | (user ? SMMUV2_R : 0);

    if (!ro) {
        perm |= SMMUV2_PRIV(SMMUV2_W) | (user ? SMMUV2_W : 0);
        uxn |= FIELD_EX32(b->sctlr, SMMU_CB_SCTLR, WXN);
        /* What an unprivileged master may write is not to be fetched. */
        pxn |= user || FIELD_EX32(b->sctlr, SMMU_CB_SCTLR, WXN);
    }
    return perm | (uxn ? 0 : SMMUV2_X) | (pxn ? 0 : SMMUV2_PRIV(SMMUV2_X));
}

static uint8_t perm_s2(const Leaf *leaf)
{
    uint8_t perm = (leaf->desc & DESC_S2_R ? SMMUV2_R : 0) |
                   (leaf->desc & DESC_S2_W ? SMMUV2_W : 0) |
                   ((leaf->desc & DESC_S2_R) &&
                    !(leaf->desc & DESC_S2_XN) ? SMMUV2_X : 0);

    return perm | SMMUV2_PRIV(perm);
}

/* Narrows a translation to @shift around @addr. */
static void narrow(SMMUv2Entry *e, uint64_t addr, unsigned int shift)
{
    uint64_t in = addr & ~MAKE_64BIT_MASK(0, shift);

    e->out += in - e->in;
    e->ipa += in - e->in;
    e->in = in;
    e->shift = shift;
}

bool smmuv2_walk(const ARMSMMUv2State *s, const SMMUv2Bank *s1,
                 const SMMUv2Bank *s2, uint64_t addr, SMMUv2Entry *entry,
                 SMMUv2Fault *fault)
{
    uint64_t ipa = addr;
    Leaf leaf;
    Tables t;

    *entry = (SMMUv2Entry) {
        .shift = ADDR_BITS - 1,
        .perm1 = PERM_ALL, .perm2 = PERM_ALL,
    };
    if (s1) {
        fault->stage2 = false;
        if (!tables_of_s1(s, s1, addr, &t)) {
            return fault_at(fault, R_SMMU_CB_FSR_TF_MASK, 0);
        }
        t.s2 = s2;
        if (!walk(s, &t, addr, &leaf, fault)) {
            return false;
        }
        entry->shift = leaf.shift;
        entry->in = addr & ~MAKE_64BIT_MASK(0, leaf.shift);
        entry->ipa = entry->out = leaf.out;
        entry->perm1 = perm_s1(s1, &leaf);
        entry->level1 = leaf.level;
        entry->global = !(leaf.desc & DESC_S1_NG);
        ipa = leaf.out | (addr & MAKE_64BIT_MASK(0, leaf.shift));
    }
    if (s2) {
        if (!walk_s2(s, s2, ipa, &leaf, fault)) {
            return false;
        }
        if (!s1) {
            entry->in = entry->ipa = addr & ~MAKE_64BIT_MASK(0, leaf.shift);
            entry->shift = leaf.shift;
        } else if (leaf.shift < entry->shift) {
            narrow(entry, addr, leaf.shift);
        }
        /* Of what stage 2 maps, the part that stage 1 does. */
        entry->out = leaf.out |
                     (ipa & MAKE_64BIT_MASK(0, leaf.shift) &
                      ~MAKE_64BIT_MASK(0, entry->shift));
        entry->perm2 = perm_s2(&leaf);
        entry->level2 = leaf.level;
    }
    return true;
}
