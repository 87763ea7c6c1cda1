/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm SMMUv2: the TLB.
 *
 * It is as unforgiving as the architecture allows: an entry lives until it is
 * invalidated, whatever becomes of the tables and of the bank's registers;
 * an invalidation happens at the sync and not before; entries are tagged by
 * what the architecture tags them with and not by bank, so that two banks
 * with one VMID share them. Software that forgets something notices here.
 * With lazy-tlb=off there is none and every access is a walk.
 */
#include "qemu/osdep.h"
#include "qemu/bitops.h"
#include "arm-smmuv2-internal.h"
#include "trace.h"

/* Sizes of pages and blocks, of any granule, and of what nesting leaves. */
#define MIN_SHIFT 12
#define MAX_SHIFT 47

#define ALL_PERMS (SMMUV2_R | SMMUV2_W | SMMUV2_X | \
                   SMMUV2_PRIV(SMMUV2_R | SMMUV2_W | SMMUV2_X))

static unsigned int set_of(uint64_t addr, unsigned int shift)
{
    uint64_t page = addr >> shift;

    return (page ^ page >> 7 ^ page >> 14 ^ shift) % SMMUV2_TLB_SETS;
}

static void count_entry(SMMUv2TLB *tlb, unsigned int shift, int by)
{
    tlb->count[shift] += by;
    tlb->shifts = deposit64(tlb->shifts, shift, 1, tlb->count[shift] != 0);
}

static void remove_entry(SMMUv2TLB *tlb, SMMUv2Entry *e)
{
    if (e->kind != SMMUV2_KIND_NONE) {
        count_entry(tlb, e->shift, -1);
        *e = (SMMUv2Entry) { };
    }
}

static bool is_at(const SMMUv2Entry *e, uint64_t addr)
{
    return (addr & ~MAKE_64BIT_MASK(0, e->shift)) == e->in;
}

static bool is_asid(const SMMUv2Entry *e, uint16_t asid)
{
    return e->kind == SMMUV2_KIND_S2 || e->global || e->asid == asid;
}

const SMMUv2Entry *smmuv2_tlb_lookup(const ARMSMMUv2State *s, SMMUv2Kind kind,
                                     uint16_t vmid, uint16_t asid,
                                     uint64_t addr)
{
    const SMMUv2TLB *tlb = &s->tlb;

    for (uint64_t shifts = tlb->shifts; shifts; shifts &= shifts - 1) {
        unsigned int shift = ctz64(shifts);
        const SMMUv2Entry *e =
            &tlb->entry[set_of(addr, shift) * SMMUV2_TLB_WAYS];

        for (int i = 0; i < SMMUV2_TLB_WAYS; i++, e++) {
            if (e->kind == kind && e->shift == shift && e->vmid == vmid &&
                is_asid(e, asid) && is_at(e, addr)) {
                return e;
            }
        }
    }
    return NULL;
}

/* Left by a snapshot that did not load: the board may go on all the same. */
static void drop_unchecked(ARMSMMUv2State *s)
{
    if (s->tlb_unchecked) {
        smmuv2_tlb_reset(s);
    }
}

void smmuv2_tlb_insert(ARMSMMUv2State *s, const SMMUv2Entry *entry)
{
    SMMUv2TLB *tlb = &s->tlb;
    unsigned int set = set_of(entry->in, entry->shift);
    SMMUv2Entry *way = &tlb->entry[set * SMMUV2_TLB_WAYS];
    SMMUv2Entry *e = NULL;

    drop_unchecked(s);
    if (!s->lazy_tlb) {
        return;
    }
    for (int i = 0; i < SMMUV2_TLB_WAYS && !e; i++) {
        e = way[i].kind == SMMUV2_KIND_NONE ? &way[i] : NULL;
    }
    if (!e) {
        e = &way[tlb->victim[set]];
        tlb->victim[set] = (tlb->victim[set] + 1) % SMMUV2_TLB_WAYS;
    }
    remove_entry(tlb, e);
    *e = *entry;
    count_entry(tlb, e->shift, 1);
}

static bool is_meant(const SMMUv2TLBI *t, const SMMUv2Entry *e)
{
    if (t->type == SMMUV2_TLBI_ALL) {
        return true;
    }
    if (e->vmid != t->vmid) {
        return false;
    }
    switch (t->type) {
    case SMMUV2_TLBI_VMID:
        return true;
    case SMMUV2_TLBI_VMID_S1:
        return e->kind != SMMUV2_KIND_S2;
    case SMMUV2_TLBI_ASID:
        return e->kind != SMMUV2_KIND_S2 && !e->global && e->asid == t->asid;
    case SMMUV2_TLBI_VA:
        return e->kind != SMMUV2_KIND_S2 && is_asid(e, t->asid) &&
               is_at(e, t->addr);
    case SMMUV2_TLBI_VAA:
        return e->kind != SMMUV2_KIND_S2 && is_at(e, t->addr);
    default:
        return e->kind == SMMUV2_KIND_S2 && is_at(e, t->addr);
    }
}

static void do_invalidate(ARMSMMUv2State *s, const SMMUv2TLBI *t)
{
    unsigned int removed = 0;

    for (int i = 0; i < SMMUV2_TLB_ENTRIES; i++) {
        SMMUv2Entry *e = &s->tlb.entry[i];

        if (e->kind != SMMUV2_KIND_NONE && is_meant(t, e)) {
            remove_entry(&s->tlb, e);
            removed++;
        }
    }
    trace_arm_smmuv2_tlbi_done(t->type, t->vmid, t->asid, t->addr, removed);
}

void smmuv2_tlb_invalidate(ARMSMMUv2State *s, const SMMUv2TLBI *t)
{
    drop_unchecked(s);
    trace_arm_smmuv2_tlbi(t->bank, t->type, t->vmid, t->asid, t->addr);
    if (s->tlbi_count == SMMUV2_TLBI_MAX) {
        do_invalidate(s, &s->tlbi[0]);
        memmove(&s->tlbi[0], &s->tlbi[1],
                (SMMUV2_TLBI_MAX - 1) * sizeof(s->tlbi[0]));
        s->tlbi_count--;
    }
    s->tlbi[s->tlbi_count++] = *t;
}

void smmuv2_tlb_sync(ARMSMMUv2State *s, uint8_t bank)
{
    unsigned int left = 0;

    drop_unchecked(s);
    for (int i = 0; i < s->tlbi_count; i++) {
        if (bank == SMMUV2_TLBI_GLOBAL || s->tlbi[i].bank == bank) {
            do_invalidate(s, &s->tlbi[i]);
        } else {
            s->tlbi[left++] = s->tlbi[i];
        }
    }
    trace_arm_smmuv2_sync(bank, s->tlbi_count - left);
    memset(&s->tlbi[left], 0, (s->tlbi_count - left) * sizeof(s->tlbi[0]));
    s->tlbi_count = left;
}

void smmuv2_tlb_reset(ARMSMMUv2State *s)
{
    memset(&s->tlb, 0, sizeof(s->tlb));
    memset(s->tlbi, 0, sizeof(s->tlbi));
    s->tlbi_count = 0;
    s->tlb_unchecked = false;
}

static bool is_possible(const SMMUv2Entry *e)
{
    uint64_t low;

    if (e->kind == SMMUV2_KIND_NONE) {
        return true;
    }
    if (e->shift < MIN_SHIFT || e->shift > MAX_SHIFT) {
        return false;
    }
    low = MAKE_64BIT_MASK(0, e->shift);
    return e->kind <= SMMUV2_KIND_NESTED &&
           !(e->in & low) && !(e->out & low) && !(e->ipa & low) &&
           !(e->out >> 48) && !(e->perm1 & ~ALL_PERMS) &&
           !(e->perm2 & ~ALL_PERMS) && e->level1 <= 3 && e->level2 <= 3;
}

void smmuv2_tlb_pre_load(ARMSMMUv2State *s)
{
    smmuv2_tlb_reset(s);
    s->tlb_unchecked = true;
}

bool smmuv2_tlb_post_load(ARMSMMUv2State *s)
{
    SMMUv2TLB *tlb = &s->tlb;

    if (s->tlbi_count > SMMUV2_TLBI_MAX) {
        return false;
    }
    for (int i = 0; i < s->tlbi_count; i++) {
        if (s->tlbi[i].type >= SMMUV2_TLBI_TYPES) {
            return false;
        }
    }
    for (int i = 0; i < SMMUV2_TLB_SETS; i++) {
        if (tlb->victim[i] >= SMMUV2_TLB_WAYS) {
            return false;
        }
    }
    memset(tlb->count, 0, sizeof(tlb->count));
    tlb->shifts = 0;
    for (int i = 0; i < SMMUV2_TLB_ENTRIES; i++) {
        SMMUv2Entry *e = &tlb->entry[i];

        if (!is_possible(e)) {
            return false;
        }
        if (e->kind == SMMUV2_KIND_NONE) {
            *e = (SMMUv2Entry) { };
            continue;
        }
        if (set_of(e->in, e->shift) != i / SMMUV2_TLB_WAYS) {
            return false;
        }
        count_entry(tlb, e->shift, 1);
    }
    s->tlb_unchecked = false;
    if (!s->lazy_tlb) {
        smmuv2_tlb_reset(s);
    }
    return true;
}
