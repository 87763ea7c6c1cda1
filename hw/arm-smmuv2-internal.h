/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm SMMUv2: what the parts of the device share.
 *
 * arm-smmuv2.c         properties, life cycle, migration
 * arm-smmuv2-mmio.c    registers
 * arm-smmuv2-stream.c  masters: which context, what becomes of an access
 * arm-smmuv2-ptw.c     table walks
 * arm-smmuv2-tlb.c     translations kept, and their invalidation
 *
 * Locking: registers and the TLB are written with the BQL and @lock, and read
 * with either. Register accesses and transactions hold the BQL throughout, so
 * that a register write happens before or after a transaction and never within
 * one; @lock is for looks from elsewhere. It is a leaf: nothing is called with
 * it held that could take the BQL or come back here.
 */
#ifndef HW_ARM_SMMUV2_INTERNAL_H
#define HW_ARM_SMMUV2_INTERNAL_H

#include "exec/memory.h"
#include "hw/irq.h"
#include "hw/pci/pci.h"
#include "hw/sysbus.h"
#include "qemu/thread.h"
#include "arm-smmuv2.h"
#include "arm-smmuv2-regs.h"

#define TYPE_ARM_SMMUV2_IOMMU_MEMORY_REGION "arm-smmuv2-iommu-memory-region"

#define SMMUV2_MAX_CB 128
#define SMMUV2_MAX_SMR 128

/* The TLB: sets of ways, by a hash of the page number. */
#define SMMUV2_TLB_WAYS 4
#define SMMUV2_TLB_SETS 128
#define SMMUV2_TLB_ENTRIES (SMMUV2_TLB_WAYS * SMMUV2_TLB_SETS)

/* Invalidations that wait for a sync; one more makes the oldest happen. */
#define SMMUV2_TLBI_MAX 64

/* Who may do what; stage 2 does not tell the two kinds of masters apart. */
#define SMMUV2_R 0x01
#define SMMUV2_W 0x02
#define SMMUV2_X 0x04
#define SMMUV2_PRIV(x) ((x) << 3)

/**
 * SMMUv2Bank - registers of a context bank, with those of it in GR1
 */
typedef struct SMMUv2Bank {
    uint32_t cbar;
    uint32_t cba2r;
    uint32_t cbfrsynra;
    uint32_t sctlr;
    uint32_t actlr;
    uint32_t tcr;
    uint32_t tcr2;
    uint32_t contextidr;
    uint32_t mair0;
    uint32_t mair1;
    uint32_t fsr;
    uint32_t fsynr0;
    uint64_t ttbr0;
    uint64_t ttbr1;
    uint64_t far;
    uint64_t ipafar;
} SMMUv2Bank;

/* What a TLB entry translates; part of its tag. */
typedef enum SMMUv2Kind {
    SMMUV2_KIND_NONE, /* an entry that is free */
    SMMUV2_KIND_S2,
    SMMUV2_KIND_S1,
    SMMUV2_KIND_NESTED,
} SMMUv2Kind;

/**
 * SMMUv2Entry - a translation, as walked and as kept in the TLB
 * @in: first input address
 * @out: first output address
 * @ipa: first intermediate address, of SMMUV2_KIND_NESTED
 * @vmid, @asid: tags
 * @kind: enum SMMUv2Kind, tag
 * @global: for all ASIDs
 * @shift: log2 of the bytes
 * @perm1, @perm2: what stage 1 and 2 allow, SMMUV2_R...; all if not walked
 * @level1, @level2: where the leaf was
 */
typedef struct SMMUv2Entry {
    uint64_t in;
    uint64_t out;
    uint64_t ipa;
    uint16_t vmid;
    uint16_t asid;
    uint8_t kind;
    bool global;
    uint8_t shift;
    uint8_t perm1;
    uint8_t perm2;
    uint8_t level1;
    uint8_t level2;
} SMMUv2Entry;

typedef struct SMMUv2TLB {
    SMMUv2Entry entry[SMMUV2_TLB_ENTRIES];
    uint8_t victim[SMMUV2_TLB_SETS];

    /* Derived: how many entries there are of each size. */
    uint16_t count[64];
    uint64_t shifts;
} SMMUv2TLB;

/* What an invalidation removes. */
typedef enum SMMUv2TLBIType {
    SMMUV2_TLBI_ALL,        /* everything */
    SMMUV2_TLBI_VMID,       /* of a VMID */
    SMMUV2_TLBI_VMID_S1,    /* of it with a stage 1 */
    SMMUV2_TLBI_ASID,       /* of a VMID and an ASID */
    SMMUV2_TLBI_VA,         /* of them at an address, or global at it */
    SMMUV2_TLBI_VAA,        /* of a VMID at an address */
    SMMUV2_TLBI_IPA,        /* of a VMID, stage 2 only, at an address */
    SMMUV2_TLBI_TYPES
} SMMUv2TLBIType;

#define SMMUV2_TLBI_GLOBAL 0xff

/**
 * SMMUv2TLBI - an invalidation
 * @addr: address in a page
 * @vmid, @asid: whose
 * @type: enum SMMUv2TLBIType
 * @bank: where it was asked for, or SMMUV2_TLBI_GLOBAL
 */
typedef struct SMMUv2TLBI {
    uint64_t addr;
    uint16_t vmid;
    uint16_t asid;
    uint8_t type;
    uint8_t bank;
} SMMUv2TLBI;

/**
 * SMMUv2Stream - one master
 * @smmu: whose
 * @bus: of a PCI function, else NULL
 * @devfn: of a PCI function
 * @sid: of a platform master
 * @iommu: the memory that it sees
 * @as: the same as an address space, for PCI
 * @forward: carries out each access that @iommu lets through
 * @forward_as: the same as an address space
 */
typedef struct SMMUv2Stream {
    ARMSMMUv2State *smmu;
    PCIBus *bus;
    uint8_t devfn;
    uint16_t sid;
    IOMMUMemoryRegion iommu;
    AddressSpace as;
    MemoryRegion forward;
    AddressSpace forward_as;
} SMMUv2Stream;

struct ARMSMMUv2State {
    SysBusDevice parent_obj;

    /* Properties. */
    uint8_t num_cb;
    uint8_t num_s2cb;
    uint8_t num_smr;
    uint8_t numpagendxb;
    uint8_t ias;
    uint8_t oas;
    char *stages;
    bool stream_matching;
    bool granule_16k;
    bool granule_64k;
    bool vmid16;
    bool lazy_tlb;
    PCIBus *primary_bus;

    /* What the guest sees; of @lock. */
    uint32_t scr0;
    uint32_t scr2;
    uint32_t sacr;
    uint32_t sgfsr;
    uint32_t sgfsynr0;
    uint32_t sgfsynr1;
    uint64_t sgfar;
    uint32_t smr[SMMUV2_MAX_SMR];
    uint32_t s2cr[SMMUV2_MAX_SMR];
    SMMUv2Bank bank[SMMUV2_MAX_CB];
    SMMUv2TLB tlb;
    SMMUv2TLBI tlbi[SMMUV2_TLBI_MAX];
    uint32_t tlbi_count;
    bool tlb_unchecked; /* a snapshot put something there, and then failed */

    /* Made at realize. */
    QemuMutex lock;
    uint32_t idr0;
    uint32_t idr1;
    uint32_t idr2;
    bool has_s1;
    bool has_s2;
    bool has_nested;
    MemoryRegion mmio;
    qemu_irq irq_global;
    qemu_irq irq_bank[SMMUV2_MAX_CB];

    /* Masters, made as they are asked for; of the BQL. */
    GHashTable *pci_streams;
    GHashTable *platform_streams;
    unsigned int num_streams;
    unsigned int depth;
};

/**
 * SMMUv2Access - how a master accesses an address
 * @write: or reads
 * @priv: privileged
 * @inst: instruction fetch
 */
typedef struct SMMUv2Access {
    bool write;
    bool priv;
    bool inst;
} SMMUv2Access;

/**
 * SMMUv2Fault - why a walk did not end in a translation
 * @fsr: its bit in FSR
 * @level: of the walk
 * @stage2: of stage 2
 * @s1ptw: at stage 2, reading a table of stage 1
 * @ipa: what stage 2 was to translate
 */
typedef struct SMMUv2Fault {
    uint32_t fsr;
    uint8_t level;
    bool stage2;
    bool s1ptw;
    uint64_t ipa;
} SMMUv2Fault;

/* arm-smmuv2.c */

static inline unsigned int smmuv2_numpage(const ARMSMMUv2State *s)
{
    return 2u << s->numpagendxb;
}

static inline uint32_t smmuv2_bank_type(const SMMUv2Bank *b)
{
    return FIELD_EX32(b->cbar, SMMU_CBAR, TYPE);
}

/* The VMID that tags what a bank translates. */
uint16_t smmuv2_vmid(const ARMSMMUv2State *s, const SMMUv2Bank *b);

/* The ASID of a stage-1 bank. */
uint16_t smmuv2_asid(const SMMUv2Bank *b);

/* arm-smmuv2-mmio.c */
extern const MemoryRegionOps smmuv2_mmio_ops;

/* Drives all lines as the registers have it. Called with the BQL held. */
void smmuv2_update_irqs(ARMSMMUv2State *s);

/* Bits that CBAR of bank @n keeps of @value. */
uint32_t smmuv2_cbar_value(const ARMSMMUv2State *s, unsigned int n,
                           uint32_t value);

/* arm-smmuv2-stream.c */

/* Makes the SMMU the one of a PCI bus. */
void smmuv2_setup_pci(ARMSMMUv2State *s);

/* arm-smmuv2-ptw.c */

/**
 * smmuv2_canonical() - the address that a stage-1 bank translates
 * @b: the bank
 * @addr: as the master has it
 *
 * Returns: the same, extended from its sign bit, without an ignored top byte
 */
uint64_t smmuv2_canonical(const SMMUv2Bank *b, uint64_t addr);

/**
 * smmuv2_walk() - translate by the tables
 * @s: the SMMU
 * @s1: bank of stage 1, or NULL
 * @s2: bank of stage 2, or NULL; at least one is there and has SCTLR.M
 * @addr: input address, canonical if there is a stage 1
 * @entry: what it translates to, without the tags VMID and ASID
 * @fault: why it does not
 *
 * Permissions are not checked but those of table walks. What stage 1 says of
 * them is in @entry even if stage 2 has no translation.
 *
 * Returns: whether there is a translation
 */
bool smmuv2_walk(const ARMSMMUv2State *s, const SMMUv2Bank *s1,
                 const SMMUv2Bank *s2, uint64_t addr, SMMUv2Entry *entry,
                 SMMUv2Fault *fault);

/* arm-smmuv2-tlb.c: all called with @lock; to look up, the BQL does as well. */

/**
 * smmuv2_tlb_lookup() - find a translation
 * @s: the SMMU
 * @kind, @vmid, @asid: tags
 * @addr: input address
 *
 * Returns: the entry or NULL
 */
const SMMUv2Entry *smmuv2_tlb_lookup(const ARMSMMUv2State *s, SMMUv2Kind kind,
                                     uint16_t vmid, uint16_t asid,
                                     uint64_t addr);

/* Keeps a translation, in place of another if need be. */
void smmuv2_tlb_insert(ARMSMMUv2State *s, const SMMUv2Entry *entry);

/* Asks for an invalidation. */
void smmuv2_tlb_invalidate(ARMSMMUv2State *s, const SMMUv2TLBI *tlbi);

/* Completes those asked for at @bank, or all of them (SMMUV2_TLBI_GLOBAL). */
void smmuv2_tlb_sync(ARMSMMUv2State *s, uint8_t bank);

/* Forgets everything. */
void smmuv2_tlb_reset(ARMSMMUv2State *s);

/* What a migration brings is not to be used before it is checked. */
void smmuv2_tlb_pre_load(ARMSMMUv2State *s);

/**
 * smmuv2_tlb_post_load() - check what a migration brought
 * @s: the SMMU
 *
 * Returns: whether it can have been saved by such a device
 */
bool smmuv2_tlb_post_load(ARMSMMUv2State *s);

#endif /* HW_ARM_SMMUV2_INTERNAL_H */
