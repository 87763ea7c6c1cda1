/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm SMMUv2: masters, and what becomes of their transactions.
 *
 * The IOMMU region that a master sees sends every access on, address
 * unchanged, to an I/O region of the same stream. That one translates it and
 * carries it out, both in one go under the BQL. So nothing is ever mapped:
 * QEMU's devices get bounce buffers, and no copy of a translation is left
 * anywhere that a sync does not reach.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/log.h"
#include "qemu/units.h"
#include "qapi/error.h"
#include "exec/address-spaces.h"
#include "hw/pci/pci_bus.h"
#include "arm-smmuv2-internal.h"
#include "trace.h"

/* Accesses within accesses: a master reaches another one's doorbell. */
#define MAX_DEPTH 8

/*
 * What a device of QEMU gets of one mapping (a bounce buffer). Guests choose
 * how many a request has, up to 1024; this bounds what they make QEMU copy.
 */
#define MAP_BYTES (64 * KiB)

/* What is done with an access. */
typedef enum Outcome {
    OUTCOME_PASS,
    OUTCOME_ABORT,
    OUTCOME_IGNORE, /* reads as zero */
} Outcome;

static const SMMUv2Access data_read = { .write = false };
static const SMMUv2Access data_write = { .write = true };

/* A PCI function's bus has its number from the guest, late. */
static uint16_t stream_id(const SMMUv2Stream *st)
{
    return st->bus ? PCI_BUILD_BDF(pci_bus_num(st->bus), st->devfn) : st->sid;
}

static Outcome global_fault(ARMSMMUv2State *s, uint16_t sid, uint64_t addr,
                            SMMUv2Access acc, uint32_t sgfsr, bool record)
{
    if (record) {
        QEMU_LOCK_GUARD(&s->lock);

        trace_arm_smmuv2_global_fault(sid, addr, acc.write, sgfsr);
        if (s->sgfsr) {
            s->sgfsr |= R_SMMU_SGFSR_MULTI_MASK;
        } else {
            s->sgfsr = sgfsr;
            s->sgfar = addr;
            s->sgfsynr0 = FIELD_DP32(0, SMMU_SGFSYNR0, WNR, acc.write);
            s->sgfsynr1 = sid;
        }
    }
    return FIELD_EX32(s->scr0, SMMU_SCR0, GFRE) ? OUTCOME_ABORT :
                                                  OUTCOME_IGNORE;
}

/* Index of the stream mapping entry; -1: none, -2: more than one. */
static int find_entry(const ARMSMMUv2State *s, uint16_t sid)
{
    int found = -1;

    if (!s->stream_matching) {
        return sid < s->num_smr ? sid : -1;
    }
    /* Bit 15 is neither in ID nor in MASK: wider ids have no entry. */
    for (int i = 0; i < s->num_smr; i++) {
        uint32_t smr = s->smr[i];

        if (FIELD_EX32(smr, SMMU_SMR, VALID) &&
            !((FIELD_EX32(smr, SMMU_SMR, ID) ^ sid) &
              ~FIELD_EX32(smr, SMMU_SMR, MASK))) {
            if (found >= 0) {
                return -2;
            }
            found = i;
        }
    }
    return found;
}

/**
 * Context - the banks that translate a stream
 * @s1, @s2: of either stage, or NULL
 * @s1_index, @s2_index: their numbers
 */
typedef struct Context {
    SMMUv2Bank *s1;
    SMMUv2Bank *s2;
    uint8_t s1_index;
    uint8_t s2_index;
} Context;

/* Returns 0 or the bit of SGFSR that says why there is no context. */
static uint32_t find_context(ARMSMMUv2State *s, unsigned int n, Context *c)
{
    SMMUv2Bank *b;

    *c = (Context) { };
    if (n >= s->num_cb) {
        return R_SMMU_SGFSR_UCBF_MASK;
    }
    b = &s->bank[n];
    switch (smmuv2_bank_type(b)) {
    case SMMUV2_CBAR_S2:
        c->s2 = b;
        c->s2_index = n;
        return s->has_s2 ? 0 : R_SMMU_SGFSR_UCBF_MASK;
    case SMMUV2_CBAR_S1:
        c->s1 = b;
        c->s1_index = n;
        return s->has_s1 ? 0 : R_SMMU_SGFSR_UCBF_MASK;
    case SMMUV2_CBAR_NESTED:
        c->s1 = b;
        c->s1_index = n;
        c->s2_index = FIELD_EX32(b->cbar, SMMU_CBAR, CBNDX);
        if (!s->has_nested || c->s2_index >= s->num_cb) {
            return R_SMMU_SGFSR_UCBF_MASK;
        }
        c->s2 = &s->bank[c->s2_index];
        return smmuv2_bank_type(c->s2) == SMMUV2_CBAR_S2 ?
               0 : R_SMMU_SGFSR_ICF_MASK;
    default: /* stage 1, and stage 2 faults */
        return s->has_s1 ? R_SMMU_SGFSR_ICF_MASK : R_SMMU_SGFSR_UCBF_MASK;
    }
}

static Outcome bank_response(const SMMUv2Bank *b)
{
    return FIELD_EX32(b->sctlr, SMMU_CB_SCTLR, CFRE) ? OUTCOME_ABORT :
                                                       OUTCOME_IGNORE;
}

/* With the lock held. */
static void record_fault(const Context *c, uint16_t sid, uint64_t addr,
                         SMMUv2Access acc, const SMMUv2Fault *fault)
{
    SMMUv2Bank *b = fault->stage2 ? c->s2 : c->s1;
    uint32_t syn = 0;

    trace_arm_smmuv2_context_fault(fault->stage2 ? c->s2_index : c->s1_index,
                                   sid, addr, fault->ipa, acc.write,
                                   fault->fsr, fault->level);
    if (b->fsr) {
        b->fsr |= R_SMMU_CB_FSR_MULTI_MASK;
        return;
    }
    syn = FIELD_DP32(syn, SMMU_CB_FSYNR0, PLVL, fault->level);
    syn = FIELD_DP32(syn, SMMU_CB_FSYNR0, WNR, acc.write);
    syn = FIELD_DP32(syn, SMMU_CB_FSYNR0, PNU, acc.priv);
    syn = FIELD_DP32(syn, SMMU_CB_FSYNR0, IND, acc.inst);
    if (fault->stage2 && c->s1) {
        syn = FIELD_DP32(syn, SMMU_CB_FSYNR0, NESTED, 1);
        syn = FIELD_DP32(syn, SMMU_CB_FSYNR0, S1PTWF, fault->s1ptw);
        syn = FIELD_DP32(syn, SMMU_CB_FSYNR0, S1CBNDX, c->s1_index);
    }
    b->fsr = fault->fsr;
    if (FIELD_EX32(b->cba2r, SMMU_CBA2R, VA64)) {
        b->fsr = FIELD_DP32(b->fsr, SMMU_CB_FSR, FORMAT,
                            SMMUV2_FSR_FORMAT_AARCH64);
    }
    b->fsynr0 = syn;
    b->far = addr;
    if (fault->stage2) {
        b->ipafar = fault->ipa & SMMUV2_IPAFAR_MASK;
    }
    b->cbfrsynra = sid;
}

static Outcome context_fault(ARMSMMUv2State *s, const Context *c, uint16_t sid,
                             uint64_t addr, SMMUv2Access acc,
                             const SMMUv2Fault *fault, bool record)
{
    if (record) {
        QEMU_LOCK_GUARD(&s->lock);

        record_fault(c, sid, addr, acc, fault);
    }
    return bank_response(fault->stage2 ? c->s2 : c->s1);
}

/* A fault that nobody has cleared holds up what comes after it. */
static bool is_blocked(const SMMUv2Bank *b)
{
    return b && b->fsr && !FIELD_EX32(b->sctlr, SMMU_CB_SCTLR, HUPCF);
}

static bool is_on(const SMMUv2Bank *b)
{
    return b && FIELD_EX32(b->sctlr, SMMU_CB_SCTLR, M);
}

static bool is_allowed(uint8_t perm, SMMUv2Access acc)
{
    uint8_t need = acc.write ? SMMUV2_W : acc.inst ? SMMUV2_X : SMMUV2_R;

    return perm & (acc.priv ? SMMUV2_PRIV(need) : need);
}

/* Fills in @entry, from the TLB if it is there. */
static bool get_entry(ARMSMMUv2State *s, const Context *c, uint64_t addr,
                      SMMUv2Entry *entry, SMMUv2Fault *fault, bool record)
{
    const SMMUv2Bank *s1 = is_on(c->s1) ? c->s1 : NULL;
    const SMMUv2Bank *s2 = is_on(c->s2) ? c->s2 : NULL;
    SMMUv2Kind kind = s1 && s2 ? SMMUV2_KIND_NESTED :
                      s1 ? SMMUV2_KIND_S1 : SMMUV2_KIND_S2;
    uint16_t vmid = smmuv2_vmid(s, c->s1 ?: c->s2);
    uint16_t asid = s1 ? smmuv2_asid(s1) : 0;
    const SMMUv2Entry *hit = smmuv2_tlb_lookup(s, kind, vmid, asid, addr);

    if (hit) {
        *entry = *hit;
        return true;
    }
    if (!smmuv2_walk(s, s1, s2, addr, entry, fault)) {
        return false;
    }
    entry->kind = kind;
    entry->vmid = vmid;
    entry->asid = asid;
    if (record) {
        QEMU_LOCK_GUARD(&s->lock);

        smmuv2_tlb_insert(s, entry);
    }
    return true;
}

static Outcome translate_context(ARMSMMUv2State *s, const Context *c,
                                 uint16_t sid, uint64_t addr, SMMUv2Access acc,
                                 uint64_t *out, bool record)
{
    SMMUv2Fault fault = { .stage2 = !c->s1, .ipa = addr };
    uint64_t offset, va = addr;
    SMMUv2Entry e;

    if (is_blocked(c->s1) || is_blocked(c->s2)) {
        return bank_response(is_blocked(c->s1) ? c->s1 : c->s2);
    }
    if (is_on(c->s1)) {
        va = smmuv2_canonical(c->s1, addr);
    }
    if (!is_on(c->s1) && !is_on(c->s2)) {
        if (addr >> s->oas) {
            fault.fsr = R_SMMU_CB_FSR_ASF_MASK;
            return context_fault(s, c, sid, addr, acc, &fault, record);
        }
        *out = addr;
        return OUTCOME_PASS;
    }
    if (!get_entry(s, c, va, &e, &fault, record)) {
        /* Stage 1 has had its say before stage 2 is asked. */
        if (fault.stage2 && !fault.s1ptw && !is_allowed(e.perm1, acc)) {
            fault = (SMMUv2Fault) {
                .fsr = R_SMMU_CB_FSR_PF_MASK, .level = e.level1,
            };
        }
        return context_fault(s, c, sid, addr, acc, &fault, record);
    }
    offset = addr & MAKE_64BIT_MASK(0, e.shift);
    fault.fsr = R_SMMU_CB_FSR_PF_MASK;
    if (!is_allowed(e.perm1, acc)) {
        fault.stage2 = false;
        fault.level = e.level1;
        return context_fault(s, c, sid, addr, acc, &fault, record);
    }
    if (!is_allowed(e.perm2, acc)) {
        fault.stage2 = true;
        fault.level = e.level2;
        fault.ipa = e.ipa | offset;
        return context_fault(s, c, sid, addr, acc, &fault, record);
    }
    *out = e.out | offset;
    return OUTCOME_PASS;
}

/*
 * The order of decisions for one transaction. @record is false for a look
 * that is nobody's access: it leaves no trace, not even in the TLB. Called
 * with the BQL, or with the lock if @record is false.
 */
static Outcome translate(ARMSMMUv2State *s, uint16_t sid, uint64_t addr,
                         SMMUv2Access acc, uint64_t *out, bool record)
{
    uint32_t s2cr, reason;
    Context c;
    int entry;

    *out = addr;
    if (FIELD_EX32(s->scr0, SMMU_SCR0, CLIENTPD)) {
        return OUTCOME_PASS;
    }
    entry = find_entry(s, sid);
    if (entry == -2) {
        return global_fault(s, sid, addr, acc, R_SMMU_SGFSR_SMCF_MASK, record);
    }
    if (entry < 0) {
        return FIELD_EX32(s->scr0, SMMU_SCR0, USFCFG) ?
               global_fault(s, sid, addr, acc, R_SMMU_SGFSR_USF_MASK, record) :
               OUTCOME_PASS;
    }
    s2cr = s->s2cr[entry];
    switch (FIELD_EX32(s2cr, SMMU_S2CR, TYPE)) {
    case SMMUV2_S2CR_BYPASS:
        return OUTCOME_PASS;
    case SMMUV2_S2CR_TRANSLATE:
        break;
    default:
        return global_fault(s, sid, addr, acc, R_SMMU_SGFSR_ICF_MASK, record);
    }
    acc.priv = FIELD_EX32(s2cr, SMMU_S2CR, PRIVCFG) == 3;
    acc.inst = !acc.write && FIELD_EX32(s2cr, SMMU_S2CR, INSTCFG) == 3;
    reason = find_context(s, FIELD_EX32(s2cr, SMMU_S2CR, CBNDX), &c);
    if (reason) {
        return global_fault(s, sid, addr, acc, reason, record);
    }
    return translate_context(s, &c, sid, addr, acc, out, record);
}

static Outcome translate_and_record(SMMUv2Stream *st, uint64_t addr,
                                    SMMUv2Access acc, uint64_t *out)
{
    ARMSMMUv2State *s = st->smmu;
    uint16_t sid = stream_id(st);
    Outcome outcome = translate(s, sid, addr, acc, out, true);

    if (outcome == OUTCOME_PASS) {
        trace_arm_smmuv2_translate(sid, addr, acc.write, *out);
    } else {
        smmuv2_update_irqs(s);
    }
    return outcome;
}

/* One access, or the part of one that is in one page. */
static MemTxResult forward(SMMUv2Stream *st, uint64_t addr, uint8_t *buf,
                           unsigned int size, SMMUv2Access acc,
                           MemTxAttrs attrs)
{
    ARMSMMUv2State *s = st->smmu;
    MemTxResult result;
    uint64_t out;

    switch (translate_and_record(st, addr, acc, &out)) {
    case OUTCOME_PASS:
        break;
    case OUTCOME_IGNORE:
        if (!acc.write) {
            memset(buf, 0, size);
        }
        return MEMTX_OK;
    default:
        return MEMTX_DECODE_ERROR;
    }
    if (s->depth >= MAX_DEPTH) {
        qemu_log_mask(LOG_GUEST_ERROR, "arm-smmuv2: masters go in circles, "
                      "stream 0x%x at 0x%" PRIx64 "\n", stream_id(st), addr);
        return MEMTX_ACCESS_ERROR;
    }
    s->depth++;
    result = address_space_rw(&address_space_memory, out, attrs, buf, size,
                              acc.write);
    s->depth--;
    return result;
}

static MemTxResult forward_all(SMMUv2Stream *st, uint64_t addr, uint8_t *buf,
                               unsigned int size, SMMUv2Access acc,
                               MemTxAttrs attrs)
{
    unsigned int left = SMMUV2_PAGE_BYTES - addr % SMMUV2_PAGE_BYTES;
    unsigned int first = MIN(size, left);
    MemTxResult result = forward(st, addr, buf, first, acc, attrs);

    if (result == MEMTX_OK && first < size) {
        result = forward(st, addr + first, buf + first, size - first, acc,
                         attrs);
    }
    return result;
}

static MemTxResult forward_read(void *opaque, hwaddr addr, uint64_t *data,
                                unsigned int size, MemTxAttrs attrs)
{
    uint8_t buf[8] = { };
    MemTxResult result = forward_all(opaque, addr, buf, size, data_read,
                                     attrs);

    *data = result == MEMTX_OK ? ldn_le_p(buf, size) : 0;
    return result;
}

static MemTxResult forward_write(void *opaque, hwaddr addr, uint64_t data,
                                 unsigned int size, MemTxAttrs attrs)
{
    uint8_t buf[8];

    stn_le_p(buf, size, data);
    return forward_all(opaque, addr, buf, size, data_write, attrs);
}

static const MemoryRegionOps forward_ops = {
    .read_with_attrs = forward_read,
    .write_with_attrs = forward_write,
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

/* What would become of accesses at @addr, for one who only asks. */
static IOMMUAccessFlags allowed_at(SMMUv2Stream *st, uint64_t addr)
{
    ARMSMMUv2State *s = st->smmu;
    uint16_t sid = stream_id(st);
    IOMMUAccessFlags flags = IOMMU_NONE;
    uint64_t out;

    QEMU_LOCK_GUARD(&s->lock);
    if (translate(s, sid, addr, data_read, &out, false) == OUTCOME_PASS) {
        flags |= IOMMU_RO;
    }
    if (translate(s, sid, addr, data_write, &out, false) == OUTCOME_PASS) {
        flags |= IOMMU_WO;
    }
    return flags;
}

/* An access goes on to @forward with its address, whatever comes of it. */
static IOMMUTLBEntry smmuv2_translate(IOMMUMemoryRegion *iommu, hwaddr addr,
                                      IOMMUAccessFlags flag, int iommu_idx)
{
    SMMUv2Stream *st = container_of(iommu, SMMUv2Stream, iommu);
    hwaddr mask = (flag == IOMMU_NONE ? SMMUV2_PAGE_BYTES : MAP_BYTES) - 1;

    return (IOMMUTLBEntry) {
        .target_as = &st->forward_as,
        .iova = addr & ~mask,
        .translated_addr = addr & ~mask,
        .addr_mask = mask,
        .perm = flag == IOMMU_NONE ? allowed_at(st, addr) : flag,
    };
}

/*
 * Who wants to be notified wants to translate by itself and access memory
 * behind this device's back (vhost, VFIO).
 */
static int smmuv2_notify_flag_changed(IOMMUMemoryRegion *iommu,
                                      IOMMUNotifierFlag old,
                                      IOMMUNotifierFlag new, Error **errp)
{
    if (new == IOMMU_NOTIFIER_NONE) {
        return 0;
    }
    error_setg(errp, "arm-smmuv2 translates each access when it happens: "
               "devices that access memory by themselves (vhost, VFIO) are "
               "not supported behind it");
    return -EINVAL;
}

static SMMUv2Stream *new_stream(ARMSMMUv2State *s)
{
    SMMUv2Stream *st = g_new0(SMMUv2Stream, 1);
    g_autofree char *name = g_strdup_printf("smmu-stream-%u", s->num_streams);
    g_autofree char *to = g_strdup_printf("smmu-forward-%u", s->num_streams);

    s->num_streams++;
    st->smmu = s;
    memory_region_init_iommu(&st->iommu, sizeof(st->iommu),
                             TYPE_ARM_SMMUV2_IOMMU_MEMORY_REGION, OBJECT(s),
                             name, UINT64_MAX);
    memory_region_init_io(&st->forward, OBJECT(s), &forward_ops, st, to,
                          UINT64_MAX);
    /*
     * A master may well reach another master's registers, and that one's
     * answer is DMA, too. The depth is bounded in forward().
     */
    st->forward.disable_reentrancy_guard = true;
    address_space_init(&st->forward_as, &st->forward, to);
    return st;
}

MemoryRegion *arm_smmuv2_stream_region(ARMSMMUv2State *s, uint16_t sid)
{
    gpointer key = GUINT_TO_POINTER(sid);
    SMMUv2Stream *st = g_hash_table_lookup(s->platform_streams, key);

    if (!st) {
        st = new_stream(s);
        st->sid = sid;
        g_hash_table_insert(s->platform_streams, key, st);
    }
    return MEMORY_REGION(&st->iommu);
}

/* A stream per function, for each bus that has a device behind the bridge. */
static AddressSpace *smmuv2_pci_address_space(PCIBus *bus, void *opaque,
                                              int devfn)
{
    ARMSMMUv2State *s = opaque;
    SMMUv2Stream **streams = g_hash_table_lookup(s->pci_streams, bus);

    if (!streams) {
        streams = g_new0(SMMUv2Stream *, PCI_DEVFN_MAX);
        g_hash_table_insert(s->pci_streams, bus, streams);
    }
    if (!streams[devfn]) {
        SMMUv2Stream *st = new_stream(s);

        st->bus = bus;
        st->devfn = devfn;
        address_space_init(&st->as, MEMORY_REGION(&st->iommu),
                           memory_region_name(MEMORY_REGION(&st->iommu)));
        streams[devfn] = st;
    }
    return &streams[devfn]->as;
}

static const PCIIOMMUOps smmuv2_pci_ops = {
    .get_address_space = smmuv2_pci_address_space,
};

void smmuv2_setup_pci(ARMSMMUv2State *s)
{
    pci_setup_iommu(s->primary_bus, &smmuv2_pci_ops, s);
}

static void smmuv2_iommu_class_init(ObjectClass *oc, void *data)
{
    IOMMUMemoryRegionClass *imrc = IOMMU_MEMORY_REGION_CLASS(oc);

    imrc->translate = smmuv2_translate;
    imrc->notify_flag_changed = smmuv2_notify_flag_changed;
}

static const TypeInfo smmuv2_iommu_types[] = {
    {
        .name = TYPE_ARM_SMMUV2_IOMMU_MEMORY_REGION,
        .parent = TYPE_IOMMU_MEMORY_REGION,
        .class_init = smmuv2_iommu_class_init,
    },
};

DEFINE_TYPES(smmuv2_iommu_types)
