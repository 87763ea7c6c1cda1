/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Secrets: host and VM fill every register that they can write, the VM leaves
 * for each reason there is, and both read every register that there may be,
 * before and after. G52, G58, G59.
 *
 * A world's program lies in 2 MiB of its memory. It fills its registers, reads
 * all 32,768 names of system registers, switches to the other world by one
 * instruction, and reads all of them again. What it reads must be the same
 * both times, whatever the other world had there meanwhile: then nothing of
 * that was left, and nothing of its own was lost. A name that is undefined is
 * read as UNDEFINED by the program's vectors.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qobject/qdict.h"
#include "hypsec/inspect.h"
#include "hypsec-vm.h"
#include "hypsec-test.h"

#define PROGRAM "hypsec-vm-secrets"

/* Blocks of 2 MiB: the host's; the VM's, and where it has it. */
#define HOST_BLOCK      (HYPSEC_FREE + 30 * HYPSEC_BLOCK)
#define VM_BLOCK_PA     HYPSEC_VM_SPARE
#define VM_BLOCK        HYPSEC_VM_UNMAPPED
/* The VM has nothing here. */
#define VM_NOWHERE      (HYPSEC_VM_UNMAPPED + 64 * HYPSEC_BLOCK)
#define VM_MMIO         UINT64_C(0x09000018)

/* Offsets in a block. */
#define CODE            0x00000
#define PARK_SAVED      0x10000 /* TPIDR_EL1, VBAR_EL1 */
#define GPRS            0x10200 /* x0 to x30, in and out */
#define LOOP_WORD       0x103f8 /* x0, each time round */
#define GPRS_OUT        0x10400
#define FPS             0x11000 /* v0 to v31 */
#define FPS_FRESH       0x11400
#define FPS_OUT         0x11800
#define EXCEPTION_REGS  0x12000 /* ELR, SPSR, ESR, FAR_EL1, NZCV, SP */
#define VALUES          0x13000 /* for the system registers */
#define VECTORS_SET     0x20000 /* z0 to z31, p0 to p15, FFR */
#define VECTORS_OUT     0x28000
#define SWEEP           0x40000
#define FRESH           0xa0000 /* what each sweep found */
#define BEFORE          0xe0000
#define AFTER           0x120000
#define HANDLERS        0x1f0000

#define NAMES           32768
#define SWEEP_BYTES     (NAMES * 8)
#define UNDEFINED       UINT64_C(0x00dead00dead00de)

/* System registers by number: op0 (2 or 3), op1, CRn, CRm, op2. */
#define NAME(op0, op1, crn, crm, op2) \
    (((op0) & 1) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))

#define ANY UINT64_MAX

/* The upper 16 bits of what a world fills its registers with. */
#define HOST_TAG        UINT64_C(0x4057)
#define VM_TAG          UINT64_C(0x5ec7)

/* Of RAS, which VMs do not have: it does not trap, and is lost. */
#define DISR_EL1 NAME(3, 0, 12, 1, 1)

typedef struct Register {
    unsigned int name;
    uint64_t mask; /* bits that may be written with anything */
    uint64_t set;  /* bits that must be written as 1 */
    bool host;     /* a VM has not got it */
} Register;

/* All that EL1 can write, unless it would lose control by it. */
static const Register registers[] = {
    { NAME(3, 0, 1, 0, 1), ANY },           /* ACTLR_EL1 */
    { NAME(3, 0, 1, 0, 5), ANY },           /* RGSR_EL1 */
    { NAME(3, 0, 1, 0, 6), ANY },           /* GCR_EL1 */
    { NAME(3, 0, 1, 2, 0), 0xe, 1 },        /* ZCR_EL1: 256 bits and more */
    { NAME(3, 0, 1, 2, 1), ANY },           /* TRFCR_EL1 */
    { NAME(3, 0, 1, 2, 4), ANY },           /* SMPRI_EL1 */
    { NAME(3, 0, 1, 2, 6), 0x8000000f },    /* SMCR_EL1 */
    { NAME(3, 0, 2, 0, 0), ANY },           /* TTBR0_EL1 */
    { NAME(3, 0, 2, 0, 1), ANY },           /* TTBR1_EL1 */
    { NAME(3, 0, 2, 0, 2), ANY },           /* TCR_EL1 */
    { NAME(3, 0, 2, 0, 3), ANY },           /* TCR2_EL1 */
    { NAME(3, 0, 2, 1, 0), ANY },           /* APIAKeyLo_EL1 */
    { NAME(3, 0, 2, 1, 1), ANY },
    { NAME(3, 0, 2, 1, 2), ANY },           /* APIBKeyLo_EL1 */
    { NAME(3, 0, 2, 1, 3), ANY },
    { NAME(3, 0, 2, 2, 0), ANY },           /* APDAKeyLo_EL1 */
    { NAME(3, 0, 2, 2, 1), ANY },
    { NAME(3, 0, 2, 2, 2), ANY },           /* APDBKeyLo_EL1 */
    { NAME(3, 0, 2, 2, 3), ANY },
    { NAME(3, 0, 2, 3, 0), ANY },           /* APGAKeyLo_EL1 */
    { NAME(3, 0, 2, 3, 1), ANY },
    { NAME(3, 0, 4, 0, 0), ANY },           /* SPSR_EL1 */
    { NAME(3, 0, 4, 0, 1), ANY },           /* ELR_EL1 */
    { NAME(3, 0, 4, 1, 0), ANY },           /* SP_EL0 */
    { NAME(3, 0, 5, 1, 0), ANY },           /* AFSR0_EL1 */
    { NAME(3, 0, 5, 1, 1), ANY },           /* AFSR1_EL1 */
    { NAME(3, 0, 5, 2, 0), ANY },           /* ESR_EL1 */
    { NAME(3, 0, 5, 3, 1), ANY },           /* ERRSELR_EL1 */
    { NAME(3, 0, 5, 4, 1), ANY },           /* ERXCTLR_EL1 */
    { NAME(3, 0, 5, 6, 0), ANY },           /* TFSR_EL1 */
    { NAME(3, 0, 5, 6, 1), ANY },           /* TFSRE0_EL1 */
    { NAME(3, 0, 6, 0, 0), ANY },           /* FAR_EL1 */
    { NAME(3, 0, 7, 4, 0), ANY },           /* PAR_EL1 */
    { NAME(3, 0, 9, 14, 1), ANY },          /* PMINTENSET_EL1 */
    { NAME(3, 0, 10, 2, 0), ANY },          /* MAIR_EL1 */
    { NAME(3, 0, 10, 2, 2), ANY },          /* PIRE0_EL1 */
    { NAME(3, 0, 10, 2, 3), ANY },          /* PIR_EL1 */
    { NAME(3, 0, 10, 3, 0), ANY },          /* AMAIR_EL1 */
    { DISR_EL1, ANY },
    { NAME(3, 0, 13, 0, 1), ANY },          /* CONTEXTIDR_EL1 */
    { NAME(3, 0, 13, 0, 4), ANY },          /* TPIDR_EL1 */
    { NAME(3, 0, 13, 0, 7), ANY },          /* SCXTNUM_EL1 */
    { NAME(3, 0, 14, 1, 0), ANY },          /* CNTKCTL_EL1 */
    { NAME(3, 2, 0, 0, 0), ANY },           /* CSSELR_EL1 */
    { NAME(3, 3, 4, 4, 0), 0x07c00000 },    /* FPCR */
    { NAME(3, 3, 4, 4, 1), 0x0800009f },    /* FPSR */
    { NAME(3, 3, 9, 12, 0), 0x20 },         /* PMCR_EL0: nothing counts */
    { NAME(3, 3, 9, 12, 1), ANY },          /* PMCNTENSET_EL0 */
    { NAME(3, 3, 9, 12, 5), ANY },          /* PMSELR_EL0 */
    { NAME(3, 3, 9, 13, 0), ANY },          /* PMCCNTR_EL0 */
    { NAME(3, 3, 9, 14, 0), ANY },          /* PMUSERENR_EL0 */
    { NAME(3, 3, 13, 0, 2), ANY },          /* TPIDR_EL0 */
    { NAME(3, 3, 13, 0, 3), ANY },          /* TPIDRRO_EL0 */
    { NAME(3, 3, 13, 0, 5), ANY },          /* TPIDR2_EL0 */
    { NAME(3, 3, 13, 0, 7), ANY },          /* SCXTNUM_EL0 */
    { NAME(3, 3, 14, 2, 1), 0, 2, true },   /* CNTP_CTL_EL0 */
    { NAME(3, 3, 14, 2, 2), ANY, 0, true }, /* CNTP_CVAL_EL0 */
    { NAME(3, 3, 14, 3, 1), 0, 2 },         /* CNTV_CTL_EL0: never fires */
    { NAME(3, 3, 14, 3, 2), ANY },          /* CNTV_CVAL_EL0 */
    { NAME(3, 3, 14, 8, 0), ANY },          /* PMEVCNTR0_EL0 */
    { NAME(3, 3, 14, 8, 1), ANY },
    { NAME(3, 3, 14, 8, 2), ANY },
    { NAME(3, 3, 14, 8, 3), ANY },
    { NAME(3, 3, 14, 12, 0), ANY },         /* PMEVTYPER0_EL0 */
    { NAME(3, 3, 14, 12, 1), ANY },
    { NAME(3, 3, 14, 12, 2), ANY },
    { NAME(3, 3, 14, 12, 3), ANY },
    { NAME(3, 3, 14, 15, 7), ANY },         /* PMCCFILTR_EL0 */
    { NAME(2, 0, 0, 0, 2), ANY },           /* OSDTRRX_EL1 */
    { NAME(2, 0, 0, 2, 0), ANY },           /* MDCCINT_EL1 */
    { NAME(2, 0, 0, 2, 2), 0x1000 },        /* MDSCR_EL1 */
    { NAME(2, 0, 0, 3, 2), ANY },           /* OSDTRTX_EL1 */
    { NAME(2, 0, 0, 0, 4), ANY },           /* DBGBVR0_EL1 */
    { NAME(2, 0, 0, 1, 4), ANY },
    { NAME(2, 0, 0, 2, 4), ANY },
    { NAME(2, 0, 0, 3, 4), ANY },
    { NAME(2, 0, 0, 4, 4), ANY },
    { NAME(2, 0, 0, 5, 4), ANY },
    { NAME(2, 0, 0, 0, 5), 0xfe },          /* DBGBCR0_EL1: off */
    { NAME(2, 0, 0, 1, 5), 0xfe },
    { NAME(2, 0, 0, 5, 5), 0xfe },
    { NAME(2, 0, 0, 0, 6), ANY },           /* DBGWVR0_EL1 */
    { NAME(2, 0, 0, 1, 6), ANY },
    { NAME(2, 0, 0, 2, 6), ANY },
    { NAME(2, 0, 0, 3, 6), ANY },
    { NAME(2, 0, 0, 0, 7), 0x1ffe },        /* DBGWCR0_EL1: off */
    { NAME(2, 0, 0, 3, 7), 0x1ffe },
    { NAME(2, 0, 7, 8, 6), ANY },           /* DBGCLAIMSET_EL1 */
};

/* Time, and what is different each time it is read. */
static const unsigned int restless[] = {
    NAME(3, 3, 14, 0, 1), NAME(3, 3, 14, 0, 2), /* CNTPCT, CNTVCT */
    NAME(3, 3, 14, 0, 5), NAME(3, 3, 14, 0, 6), /* CNTPCTSS, CNTVCTSS */
    NAME(3, 3, 14, 2, 0), NAME(3, 3, 14, 3, 0), /* CNTP_TVAL, CNTV_TVAL */
    NAME(3, 3, 2, 4, 0), NAME(3, 3, 2, 4, 1),   /* RNDR, RNDRRS */
};

/*
 * The virtual timer belongs to VMs: the host finds it off, or, if its
 * interrupt is asserted, as the VM has it.
 */
static const unsigned int vms_timer[] = {
    NAME(3, 3, 14, 3, 1), NAME(3, 3, 14, 3, 2), /* CNTV_CTL, CNTV_CVAL */
};

/* In a VM these are the host's to answer. */
static const unsigned int exiting[] = {
    NAME(3, 3, 14, 2, 0), NAME(3, 3, 14, 2, 1), NAME(3, 3, 14, 2, 2),
};

static bool is_in(unsigned int name, const unsigned int *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (list[i] == name) {
            return true;
        }
    }
    return false;
}

/* Programs */

#define MRS(name, rt)   (0xd5300000u | (name) << 5 | (rt))
#define MSR(name, rt)   (0xd5100000u | (name) << 5 | (rt))
#define MOVZ(rd, imm, hw) (0xd2800000u | (hw) << 21 | (imm) << 5 | (rd))
#define MOVK(rd, imm, hw) (0xf2800000u | (hw) << 21 | (imm) << 5 | (rd))
#define ADD(rd, rn, rm) (0x8b000000u | (rm) << 16 | (rn) << 5 | (rd))
#define ADDI(rd, rn, imm) (0x91000000u | (imm) << 10 | (rn) << 5 | (rd))
#define LDR_POST(rt, rn) (0xf8408400u | (rn) << 5 | (rt))
#define STR_POST(rt, rn) (0xf8008400u | (rn) << 5 | (rt))
#define LDRX(rt, rn, offset) \
    (0xf9400000u | (offset) / 8 << 10 | (rn) << 5 | (rt))
#define STRX(rt, rn, offset) \
    (0xf9000000u | (offset) / 8 << 10 | (rn) << 5 | (rt))
#define LDRQ(rt, rn, offset) \
    (0x3dc00000u | (offset) / 16 << 10 | (rn) << 5 | (rt))
#define STRQ(rt, rn, offset) \
    (0x3d800000u | (offset) / 16 << 10 | (rn) << 5 | (rt))
#define BRANCH(words)   (0x14000000u | ((uint32_t)(words) & 0x3ffffff))
#define LOOP_BACK       BRANCH(-1)
#define INSN_ERET       0xd69f03e0u
#define INSN_ISB        0xd5033fdfu
#define INSN_WFI        0xd503207fu
/* SVE: the n-th vector or predicate from [xn] on, and FFR by p0. */
#define LDRZ(zt, rn)    (0x85804000u | ((zt) >> 3) << 16 | ((zt) & 7) << 10 | \
                         (rn) << 5 | (zt))
#define STRZ(zt, rn)    (0xe5804000u | ((zt) >> 3) << 16 | ((zt) & 7) << 10 | \
                         (rn) << 5 | (zt))
#define LDRP(pt, n, rn) (0x85800000u | ((n) >> 3) << 16 | ((n) & 7) << 10 | \
                         (rn) << 5 | (pt))
#define STRP(pt, n, rn) (0xe5800000u | ((n) >> 3) << 16 | ((n) & 7) << 10 | \
                         (rn) << 5 | (pt))
#define WRFFR(pn)       (0x25289000u | (pn) << 5)
#define RDFFR(pd)       (0x2519f000u | (pd))

/**
 * World - one side of a switch
 * @pa: of its block
 * @va: where it has it
 * @vm: it is a VM's
 * @sve: it has SVE
 * @all: it reads names of higher levels, too
 */
typedef struct World {
    uint64_t pa;
    uint64_t va;
    bool vm;
    bool sve;
    bool all;
} World;

static const World host = { HOST_BLOCK, HOST_BLOCK };
static const World guest = { VM_BLOCK_PA, VM_BLOCK, .vm = true };

typedef struct Program {
    HypsecBoard *board;
    const World *world;
    uint32_t code[CODE + 0x10000 / 4];
    size_t n;
} Program;

static void emit(Program *p, uint32_t insn)
{
    g_assert_cmpuint(p->n, <, ARRAY_SIZE(p->code));
    p->code[p->n++] = insn;
}

/* xn := address of @offset in the block. */
static void emit_address(Program *p, unsigned int rd, uint64_t offset)
{
    uint64_t at = p->world->va + offset;

    emit(p, MOVZ(rd, (uint32_t)(at & 0xffff), 0u));
    emit(p, MOVK(rd, (uint32_t)(at >> 16 & 0xffff), 1u));
    emit(p, MOVK(rd, (uint32_t)(at >> 32 & 0xffff), 2u));
}

/* All names are read, to @to on. Uses x0 to x2. */
static void emit_sweep(Program *p, uint64_t to)
{
    emit_address(p, 1, to);
    emit_address(p, 2, CODE + (p->n + 4) * 4);
    emit(p, BRANCH((int64_t)(SWEEP - CODE) / 4 - p->n));
}

static void emit_fps(Program *p, uint64_t at, bool load)
{
    emit_address(p, 1, at);
    for (unsigned int i = 0; i < 32; i++) {
        emit(p, load ? LDRQ(i, 1u, i * 16) : STRQ(i, 1u, i * 16));
    }
}

/* z0 to z31, p0 to p15 and FFR, which is p0 in between. */
static void emit_vectors(Program *p, uint64_t at, bool load)
{
    emit_address(p, 1, at);
    emit_address(p, 2, at + 0x4000);
    if (load) {
        emit(p, LDRP(0u, 16u, 2u));
        emit(p, WRFFR(0u));
    }
    for (unsigned int i = 0; i < 32; i++) {
        emit(p, load ? LDRZ(i, 1u) : STRZ(i, 1u));
        if (i < 16) {
            emit(p, load ? LDRP(i, i, 2u) : STRP(i, i, 2u));
        }
    }
    if (!load) {
        emit(p, RDFFR(0u));
        emit(p, STRP(0u, 16u, 2u));
    }
}

/*
 * Names that are left out: those of higher levels, but for one VM that looks
 * at them as well, and what is an exit or a line on EL2's console.
 */
static bool is_skipped(const World *w, unsigned int name)
{
    unsigned int crn = name >> 7 & 15, op1 = name >> 11 & 7;

    if (op1 >= 4 && !w->all) {
        return true;
    }
    return w->vm ? is_in(name, exiting, ARRAY_SIZE(exiting))
                 : name >> 14 && (crn == 11 || crn == 15);
}

static void write_sweep(HypsecBoard *board, const World *w)
{
    g_autofree uint32_t *code = g_new(uint32_t, NAMES * 2 + 1);
    size_t n = 0;

    for (unsigned int name = 0; name < NAMES; name++) {
        if (!is_skipped(w, name)) {
            code[n++] = cpu_to_le32(MRS(name, 0u));
            code[n++] = cpu_to_le32(STR_POST(0u, 1u));
        }
    }
    code[n++] = cpu_to_le32(INSN_BR(2u));
    qtest_bufwrite(board->qts, w->pa + SWEEP, code, n * sizeof(*code));
}

/* An undefined instruction is skipped and leaves UNDEFINED in x0. */
static void write_handlers(HypsecBoard *board, const World *w)
{
    static const uint32_t handler[] = {
        MRS(NAME(3, 0, 4, 0, 1), 0u), ADDI(0u, 0u, 4u),
        MSR(NAME(3, 0, 4, 0, 1), 0u),
        MOVZ(0u, (uint32_t)(UNDEFINED & 0xffff), 0u),
        MOVK(0u, (uint32_t)(UNDEFINED >> 16 & 0xffff), 1u),
        MOVK(0u, (uint32_t)(UNDEFINED >> 32 & 0xffff), 2u),
        MOVK(0u, (uint32_t)(UNDEFINED >> 48), 3u), INSN_ERET,
    };

    for (size_t i = 0; i < ARRAY_SIZE(handler); i++) {
        qtest_writel(board->qts, w->pa + HANDLERS + VECTOR_EL1H + i * 4,
                     handler[i]);
    }
}

/**
 * write_program() - put a world's program into its block
 * @board: the board
 * @w: the world
 * @insn: takes it to the other one
 * @fp: it uses FP/SIMD
 */
static void write_program(HypsecBoard *board, const World *w, uint32_t insn,
                          bool fp)
{
    g_autofree Program *p = g_new0(Program, 1);

    p->board = board;
    p->world = w;
    /* Out of the park's hands, with FP, SVE and SME on. */
    emit_address(p, 1, PARK_SAVED);
    emit(p, MRS(NAME(3, 0, 13, 0, 4), 0u));
    emit(p, STRX(0u, 1u, 0u));
    emit(p, MRS(NAME(3, 0, 12, 0, 0), 0u));
    emit(p, STRX(0u, 1u, 8u));
    emit_address(p, 0, HANDLERS);
    emit(p, MSR(NAME(3, 0, 12, 0, 0), 0u));
    emit(p, MOVZ(0u, 0x333u, 1u));
    emit(p, MSR(NAME(3, 0, 1, 0, 2), 0u));
    emit(p, INSN_ISB);
    if (fp) {
        emit_fps(p, FPS_FRESH, false);
    }
    if (w->vm) {
        emit_sweep(p, FRESH);
    }
    /* Fill. */
    for (size_t i = 0; i < ARRAY_SIZE(registers); i++) {
        if (registers[i].host && w->vm) {
            continue;
        }
        emit_address(p, 1, VALUES + i * 8);
        emit(p, LDRX(0u, 1u, 0u));
        emit(p, MSR(registers[i].name, 0u));
    }
    emit(p, INSN_ISB);
    if (w->sve) {
        emit_vectors(p, VECTORS_SET, true);
    } else if (fp) {
        emit_fps(p, FPS, true);
    }
    emit_address(p, 1, GPRS);
    emit(p, LDRX(0u, 1u, 248u));
    emit(p, 0xd51b4200u); /* msr nzcv, x0 */
    emit_sweep(p, BEFORE);
    /* ELR_EL1 and the like again: each undefined name was an exception. */
    for (size_t i = 0; i < ARRAY_SIZE(registers); i++) {
        unsigned int name = registers[i].name;

        if (name == NAME(3, 0, 4, 0, 0) || name == NAME(3, 0, 4, 0, 1) ||
            name == NAME(3, 0, 5, 2, 0) || name == NAME(3, 0, 6, 0, 0)) {
            emit_address(p, 1, VALUES + i * 8);
            emit(p, LDRX(0u, 1u, 0u));
            emit(p, MSR(name, 0u));
        }
    }
    emit_address(p, 30, GPRS);
    emit(p, LDRX(0u, 30u, 248u));
    emit(p, 0x9100001fu); /* mov sp, x0 */
    emit(p, 0xd51b4200u); /* msr nzcv, x0 */
    for (unsigned int i = 0; i < 30; i++) {
        emit(p, LDRX(i, 30u, i * 8));
    }
    if (insn == INSN_LOOP) {
        emit(p, STRX(0u, 30u, LOOP_WORD - GPRS));
        emit(p, LOOP_BACK);
    } else {
        emit(p, insn);
    }
    for (unsigned int i = 0; i < 30; i++) {
        emit(p, STRX(i, 30u, GPRS_OUT - GPRS + i * 8));
    }
    emit_address(p, 1, EXCEPTION_REGS);
    emit(p, 0xd53b4200u); /* mrs x0, nzcv */
    emit(p, STRX(0u, 1u, 32u));
    emit(p, MRS(NAME(3, 0, 4, 0, 1), 0u));
    emit(p, STRX(0u, 1u, 0u));
    emit(p, MRS(NAME(3, 0, 4, 0, 0), 0u));
    emit(p, STRX(0u, 1u, 8u));
    emit(p, MRS(NAME(3, 0, 5, 2, 0), 0u));
    emit(p, STRX(0u, 1u, 16u));
    emit(p, MRS(NAME(3, 0, 6, 0, 0), 0u));
    emit(p, STRX(0u, 1u, 24u));
    emit(p, 0x910003e0u); /* mov x0, sp */
    emit(p, STRX(0u, 1u, 40u));
    if (w->sve) {
        emit(p, 0x04bf5020u); /* rdvl x0, #1 */
        emit(p, STRX(0u, 1u, 48u));
    }
    if (w->sve) {
        emit_vectors(p, VECTORS_OUT, false);
    } else if (fp) {
        emit_fps(p, FPS_OUT, false);
    }
    emit_sweep(p, AFTER);
    emit_address(p, 1, PARK_SAVED);
    emit(p, LDRX(0u, 1u, 0u));
    emit(p, MSR(NAME(3, 0, 13, 0, 4), 0u));
    emit(p, LDRX(0u, 1u, 8u));
    emit(p, MSR(NAME(3, 0, 12, 0, 0), 0u));
    emit(p, INSN_ISB);
    emit(p, INSN_BRK);
    for (size_t i = 0; i < p->n; i++) {
        p->code[i] = cpu_to_le32(p->code[i]);
    }
    qtest_bufwrite(board->qts, w->pa + CODE, p->code, p->n * 4);
}

/* Secrets: no two are the same, and all of a world's have its tag. */
static uint64_t secret(uint64_t tag, unsigned int i)
{
    return tag << 48 | ((i + 1) * UINT64_C(0x9e3779b97f4a7c15) >> 16);
}

static void write_words(HypsecBoard *board, uint64_t pa, uint64_t tag,
                        unsigned int first, unsigned int n)
{
    g_autofree uint64_t *words = g_new(uint64_t, n);

    for (unsigned int i = 0; i < n; i++) {
        words[i] = cpu_to_le64(secret(tag, first + i));
    }
    qtest_bufwrite(board->qts, pa, words, n * 8);
}

static void write_secrets(HypsecBoard *board, const World *w, uint64_t tag)
{
    write_words(board, w->pa + GPRS, tag, 0, 32);
    write_words(board, w->pa + FPS, tag, 100, 64);
    for (unsigned int i = 0; i < ARRAY_SIZE(registers); i++) {
        qtest_writeq(board->qts, w->pa + VALUES + i * 8,
                     (secret(tag, 200 + i) & registers[i].mask) |
                     registers[i].set);
    }
    if (w->sve) {
        write_words(board, w->pa + VECTORS_SET, tag, 400, 32 * 32 + 4);
        write_words(board, w->pa + VECTORS_SET + 0x4000, tag, 2000, 68);
    }
}

static void set_gpr(HypsecBoard *board, const World *w, unsigned int i,
                    uint64_t value)
{
    qtest_writeq(board->qts, w->pa + GPRS + i * 8, value);
}

/* What a world found. */

/* By name; 0 for what was left out. */
static uint64_t *read_sweep(HypsecBoard *board, const World *w, uint64_t at)
{
    g_autofree uint64_t *words = g_new(uint64_t, NAMES);
    uint64_t *found = g_new0(uint64_t, NAMES);
    size_t n = 0;

    qtest_bufread(board->qts, w->pa + at, words, SWEEP_BYTES);
    for (unsigned int name = 0; name < NAMES; name++) {
        if (!is_skipped(w, name)) {
            found[name] = le64_to_cpu(words[n++]);
        }
    }
    return found;
}

static char *describe_name(unsigned int name)
{
    return g_strdup_printf("S%u_%u_C%u_C%u_%u", 2 + (name >> 14),
                           name >> 11 & 7, name >> 7 & 15, name >> 3 & 15,
                           name & 7);
}

/* All names but the restless were read as the same. */
static void check_sweeps(HypsecBoard *board, const char *what,
                         const uint64_t *a, const uint64_t *b, bool is_host)
{
    g_autoptr(GString) s = g_string_new("");

    for (unsigned int name = 0; name < NAMES; name++) {
        if (a[name] != b[name] &&
            !is_in(name, restless, ARRAY_SIZE(restless)) &&
            !(is_host && is_in(name, vms_timer, ARRAY_SIZE(vms_timer)))) {
            g_autofree char *text = describe_name(name);

            g_string_append_printf(s, "%s 0x%" PRIx64 " 0x%" PRIx64 "\n",
                                   text, a[name], b[name]);
        }
    }
    if (s->len) {
        HYPSEC_FAIL(board, "%s: registers differ:\n%s", what, s->str);
    }
}

static void check_same(HypsecBoard *board, const World *w, uint64_t a,
                       uint64_t b, size_t bytes, const char *what)
{
    g_autofree uint8_t *x = g_malloc(bytes);
    g_autofree uint8_t *y = g_malloc(bytes);

    qtest_bufread(board->qts, w->pa + a, x, bytes);
    qtest_bufread(board->qts, w->pa + b, y, bytes);
    for (size_t i = 0; i < bytes; i++) {
        if (x[i] != y[i]) {
            HYPSEC_FAIL(board, "%s's %s differ at byte %zu",
                        w->vm ? "the VM" : "the host", what, i);
        }
    }
}

/* A world has its own after the switch, all of it, and nothing else. */
static void check_kept(HypsecBoard *board, const World *w, bool fp,
                       unsigned int reg, uint64_t value)
{
    g_autofree uint64_t *before = read_sweep(board, w, BEFORE);
    g_autofree uint64_t *after = read_sweep(board, w, AFTER);
    const char *who = w->vm ? "the VM" : "the host";
    unsigned int filled = 0;

    if (w->vm && !after[DISR_EL1]) {
        before[DISR_EL1] = 0;
    }
    if (!w->vm && value == HYPSEC_EXIT_SERROR) {
        /* ISR_EL1.A: the error is pending for the host. */
        before[NAME(3, 0, 12, 1, 0)] |= 1 << 8;
    }
    check_sweeps(board, who, before, after, !w->vm);
    if (!w->vm) {
        g_assert_cmphex(after[NAME(3, 3, 14, 3, 1)] & 1, ==, 0);
        g_assert_cmphex(after[NAME(3, 3, 14, 3, 2)] >> 48, !=, VM_TAG);
    }
    for (unsigned int i = 0; i < 30; i++) {
        uint64_t x = qtest_readq(board->qts, w->pa + GPRS + i * 8);
        uint64_t now = qtest_readq(board->qts, w->pa + GPRS_OUT + i * 8);

        if (now != (i == reg ? value : x)) {
            HYPSEC_FAIL(board, "%s's x%u is 0x%" PRIx64, who, i, now);
        }
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(registers); i++) {
        static const unsigned int places[] = {
            NAME(3, 0, 4, 0, 1), NAME(3, 0, 4, 0, 0), NAME(3, 0, 5, 2, 0),
            NAME(3, 0, 6, 0, 0),
        };
        uint64_t x = qtest_readq(board->qts, w->pa + VALUES + i * 8);

        filled += before[registers[i].name] == x;
        for (unsigned int k = 0; k < ARRAY_SIZE(places); k++) {
            uint64_t now = qtest_readq(board->qts, w->pa + EXCEPTION_REGS +
                                       k * 8);

            /* SPSR_EL1 and ESR_EL1 have reserved bits. */
            if (registers[i].name == places[k] && now != x &&
                (k == 0 || k == 3 || (now & ~x))) {
                HYPSEC_FAIL(board, "%s's exception register %u is 0x%" PRIx64,
                            who, k, now);
            }
        }
    }
    /* Those that hold all 64 bits on any CPU. */
    g_assert_cmpuint(filled, >=, 8);
    g_assert_cmphex(qtest_readq(board->qts, w->pa + EXCEPTION_REGS + 32), ==,
                    qtest_readq(board->qts, w->pa + GPRS + 248) & 0xf0000000);
    g_assert_cmphex(qtest_readq(board->qts, w->pa + EXCEPTION_REGS + 40), ==,
                    qtest_readq(board->qts, w->pa + GPRS + 248));
    if (w->sve) {
        uint64_t bytes = qtest_readq(board->qts, w->pa + EXCEPTION_REGS + 48);

        g_assert_cmpuint(bytes, >, 16);
        check_same(board, w, VECTORS_SET, VECTORS_OUT, 32 * bytes, "vectors");
        check_same(board, w, VECTORS_SET + 0x4000, VECTORS_OUT + 0x4000,
                   17 * bytes / 8, "predicates");
    } else if (fp) {
        check_same(board, w, FPS, FPS_OUT, 32 * 16, "FP registers");
    }
}

/* The board */

/* A model that differs in little from another has not all of the reasons. */
typedef struct Model {
    const char *name;
    const char *args;
    bool sve;
    bool some;
    const char *machine;
} Model;

static const Model models[] = {
    { "cortex-a57", "-cpu cortex-a57" },
    { "cortex-a72", "-cpu cortex-a72", .some = true },
    { "max", "-cpu max", .sve = true },
    { "max-gicv3", "-cpu max", .sve = true, .some = true,
      .machine = "gic-version=3" },
};

static HypsecVm vm;

/* The VM gets its block, as one, when it first looks at it. */
static void give_block(HypsecBoard *board, const HypsecVm *v, uint64_t pa)
{
    static const uint32_t load = INSN_LDR(3, 0, 1);
    HypsecRun run = { .x = { 0, VM_BLOCK }, .code = &load, .count = 1 };
    HypsecExit e;

    hypsec_guest_start(board, v, 0, &run);
    e = hypsec_vcpu_run(board, 0, v, 0);
    g_assert_cmphex(e.v.fault_ipa, ==, VM_BLOCK);
    hypsec_shared_set(board, v, 0, new_pte, pa);
    hypsec_shared_set(board, v, 0, new_level, 2);
    e = hypsec_vcpu_run(board, 0, v, 0);
    hypsec_assert_yield(board, &e);
}

static void make_worlds(HypsecBoard *board)
{
    vm = hypsec_vm_parked(board, "park1", 1);
    give_block(board, &vm, VM_BLOCK_PA);
    write_sweep(board, &host);
    write_sweep(board, &guest);
    write_handlers(board, &host);
    write_handlers(board, &guest);
}

static HypsecBoard *begin(const Model *model)
{
    HypsecBoard *board = hypsec_board(&(HypsecConfig){
        .cpus = 1, .args = model->args, .machine = model->machine,
    });

    hypsec_scene(board, make_worlds);
    return board;
}

/* The host's program from its beginning; it runs a vCPU. */
static void start_host(HypsecBoard *board, const World *w, const HypsecVm *v,
                       uint64_t tag)
{
    HypsecRun run = { .pc = w->va + CODE };

    write_program(board, w, INSN_HVC(0), true);
    write_secrets(board, w, tag);
    set_gpr(board, w, 0, HYPSEC_HVC_VCPU_RUN);
    set_gpr(board, w, 1, v->id);
    set_gpr(board, w, 2, 0);
    hypsec_shared(board, v->id, 0);
    hypsec_run_start(board, 0, &run);
}

static void finish_host(HypsecBoard *board, const World *w, int64_t result)
{
    HypsecRun run = { .count = 0 };

    hypsec_run_wait(board, 0, &run);
    g_assert_cmphex(ESR_EC(run.esr), ==, EC_BRK64);
    g_assert_cmphex(run.elr & ~0xffffULL, ==, w->va);
    check_kept(board, w, true, 0, result);
}

/* Reasons to leave */

typedef struct Reason {
    const char *name;
    uint32_t insn;
    bool fp;
    uint32_t event;
    uint64_t x[3];
    int64_t result;
    unsigned int reg; /* that the VM gets from the host; 31: none */
    bool zero;        /* and it is 0, of a page that was the host's */
    bool memory;      /* look through all RAM for what is the VM's */
} Reason;

#define ANSWER UINT64_C(0x4057a15e4057a15e)

static const Reason reasons[] = {
    { "wfi", INSN_WFI, .result = HYPSEC_EXIT_TRAP, .reg = 31 },
    { "wfi-fp", INSN_WFI, .fp = true, .result = HYPSEC_EXIT_TRAP, .reg = 31 },
    { "hvc", INSN_HVC(0), .fp = true, .x = { PSCI_VERSION },
      .result = HYPSEC_EXIT_TRAP },
    { "smc", INSN_SMC(0), .fp = true, .x = { PSCI_VERSION },
      .result = HYPSEC_EXIT_TRAP },
    { "mmio-read", INSN_LDR(3, 2u, 1u), .fp = true, .x = { 0, VM_MMIO },
      .result = HYPSEC_EXIT_TRAP, .reg = 2 },
    { "mmio-write", INSN_STR(3, 2u, 1u), .fp = true,
      .x = { 0, VM_MMIO, 0xda7ada7a }, .result = HYPSEC_EXIT_TRAP,
      .reg = 31 },
    { "fault", INSN_LDR(3, 2u, 1u), .fp = true, .x = { 0, VM_NOWHERE },
      .result = HYPSEC_EXIT_TRAP, .reg = 2, .zero = true,
      .memory = true },
    { "mrs", MRS(NAME(3, 3, 14, 2, 1), 2u), .fp = true,
      .result = HYPSEC_EXIT_TRAP, .reg = 2 },
    { "msr", MSR(NAME(3, 3, 14, 2, 1), 2u), .fp = true,
      .x = { 0, 0, 0xda7ada7a }, .result = HYPSEC_EXIT_TRAP, .reg = 31 },
    { "irq", INSN_LOOP, .event = HYPSEC_INJECT_IRQ,
      .result = HYPSEC_EXIT_IRQ, .reg = 31 },
    { "irq-fp", INSN_LOOP, .fp = true, .event = HYPSEC_INJECT_IRQ,
      .result = HYPSEC_EXIT_IRQ, .reg = 31 },
    { "serror", INSN_LOOP, .fp = true, .event = HYPSEC_INJECT_SERROR,
      .result = HYPSEC_EXIT_SERROR, .reg = 31 },
};

/* The VM is at its loop, with all of its registers filled. */
static void wait_for_loop(HypsecBoard *board)
{
    hypsec_wait_word(board, guest.pa + LOOP_WORD, 0, false, "the VM's loop");
}

/* Where the loop is: overwritten, the VM goes on. */
static void end_loop(HypsecBoard *board)
{
    for (uint64_t at = guest.pa; at < guest.pa + 0x10000; at += 4) {
        if (qtest_readl(board->qts, at) == LOOP_BACK) {
            qtest_writel(board->qts, at, INSN_NOP);
            return;
        }
    }
    g_assert_not_reached();
}

/* Words of a VM's that are in memory which the host can read. */
static void check_memory(HypsecBoard *board)
{
    g_autofree char *path = hypsec_tmp_path("ram");
    g_autofree char *bytes = NULL;
    const uint64_t *words;
    uint64_t size = board->carveout - HYPSEC_RAM, allowed = 0;
    gsize length;

    qtest_qmp_assert_success(board->qts, "{'execute': 'pmemsave', "
                             "'arguments': {'val': %" PRIu64 ", 'size': %"
                             PRIu64 ", 'filename': %s}}",
                             (uint64_t)HYPSEC_RAM, size,
                             hypsec_tmp_file("ram", "", 0));
    g_assert_true(g_file_get_contents(path, &bytes, &length, NULL));
    g_assert_cmpuint(length, ==, size);
    words = (const uint64_t *)bytes;
    for (uint64_t i = 0; i < size / 8; i++) {
        uint64_t pa = HYPSEC_RAM + i * 8;

        if (le64_to_cpu(words[i]) >> 48 != VM_TAG) {
            continue;
        }
        if (hypsec_page(board, pa).owner != vm.id) {
            HYPSEC_FAIL(board, "0x%" PRIx64 " of the VM's is at 0x%" PRIx64,
                        le64_to_cpu(words[i]), pa);
        }
        allowed++;
    }
    /* They are where the test put them. */
    g_assert_cmpuint(allowed, >, 100);
}

/* What the host is told of it holds no secret. */
static void check_shared(HypsecBoard *board)
{
    for (unsigned int i = 0; i < HYPSEC_SHARED_STRIDE; i += 8) {
        uint64_t word = qtest_readq(board->qts,
                                    hypsec_shared(board, vm.id, 0) + i);

        if (word >> 48 == VM_TAG) {
            HYPSEC_FAIL(board, "the shared structure has 0x%" PRIx64
                        " at %u", word, i);
        }
    }
}

typedef struct Case {
    const Model *model;
    const Reason *reason;
} Case;

static void test_reason(const void *data)
{
    const Case *c = data;
    const Reason *r = c->reason;
    HypsecBoard *board = begin(c->model);
    World mine = host;
    HypsecRun run = { .pc = guest.va + CODE };
    HypsecEvent event;

    mine.sve = c->model->sve;
    write_program(board, &guest, r->insn, r->fp);
    write_secrets(board, &guest, VM_TAG);
    for (unsigned int i = 0; i < ARRAY_SIZE(r->x); i++) {
        if (r->x[i]) {
            set_gpr(board, &guest, i, r->x[i]);
        }
    }
    qtest_writeq(board->qts, guest.pa + LOOP_WORD, 0);
    hypsec_guest_start(board, &vm, 0, &run);
    start_host(board, &mine, &vm, HOST_TAG);
    if (r->event) {
        wait_for_loop(board);
        event = hypsec_event(r->event, 0);
        event.flags = HYPSEC_INJECT_F_KEEP;
        event.xmask = 0;
        hypsec_try(board, &event);
    }
    finish_host(board, &mine, r->result);
    check_shared(board);
    if (r->memory) {
        check_memory(board);
    }

    /* Back, with the host's answer; other values in the host's registers. */
    if (r->event) {
        end_loop(board);
    }
    hypsec_shared_set(board, &vm, 0, new_pte, HYPSEC_VM_SPARE + HYPSEC_BLOCK);
    hypsec_shared_set(board, &vm, 0, new_level, 3);
    for (unsigned int i = 0; i < 31; i++) {
        hypsec_shared_set(board, &vm, 0, regs[i], ANSWER);
    }
    start_host(board, &mine, &vm, HOST_TAG + 1);
    finish_host(board, &mine, HYPSEC_EXIT_TRAP);
    g_assert_true(qtest_readq(board->qts, hypsec_shared(board, vm.id, 0) +
                              offsetof(struct hypsec_vcpu, regs)) ==
                  PARK_YIELD);
    check_kept(board, &guest, r->fp, r->reg, r->zero ? 0 : ANSWER);
    if (r->memory) {
        check_memory(board);
    }
}

/*
 * What a VM finds at first does not depend on what the host has in its
 * registers, nor on what another VM had in them on this CPU before.
 */
static void test_fresh(const void *data)
{
    const Model *model = data;
    uint64_t *found[3] = { NULL }, fps[64];

    for (int i = 0; i < 3; i++) {
        HypsecBoard *board = begin(model);
        World mine = host, other = guest;
        HypsecRun run = { .pc = guest.va + CODE };
        HypsecVm v = vm;

        mine.sve = model->sve;
        other.all = true;
        write_sweep(board, &other);
        if (i == 2) {
            /* One before it, which leaves its secrets. */
            write_sweep(board, &guest);
            write_program(board, &guest, INSN_WFI, true);
            write_secrets(board, &guest, VM_TAG);
            hypsec_guest_start(board, &vm, 0, &run);
            start_host(board, &mine, &vm, HOST_TAG);
            finish_host(board, &mine, HYPSEC_EXIT_TRAP);
            v = hypsec_vm_parked(board, "park1", 2);
            other.pa = HYPSEC_VM_SPARE + 2 * HYPSEC_BLOCK;
            give_block(board, &v, other.pa);
            write_sweep(board, &other);
            write_handlers(board, &other);
        }
        write_program(board, &other, INSN_WFI, true);
        write_secrets(board, &other, VM_TAG + 1);
        hypsec_guest_start(board, &v, 0, &run);
        start_host(board, &mine, &v, i == 1 ? ~HOST_TAG & 0xffff : HOST_TAG);
        finish_host(board, &mine, HYPSEC_EXIT_TRAP);
        found[i] = read_sweep(board, &other, FRESH);
        qtest_bufread(board->qts, other.pa + FPS_FRESH, fps, sizeof(fps));
        for (unsigned int k = 0; k < ARRAY_SIZE(fps); k++) {
            g_assert_cmphex(fps[k], ==, 0);
        }
        if (i) {
            check_sweeps(board, i == 1 ? "with other values of the host's" :
                         "with another VM's before it", found[0], found[i],
                         false);
        }
    }
    for (int i = 0; i < 3; i++) {
        g_free(found[i]);
    }
}

int main(int argc, char **argv)
{
    if (!hypsec_lib_init(&argc, &argv)) {
        return EXIT_FAILURE;
    }
    for (size_t m = 0; m < ARRAY_SIZE(models); m++) {
        g_autofree char *fresh = g_strdup_printf(PROGRAM "/G51/%s/fresh",
                                                 models[m].name);

        qtest_add_data_func(fresh, &models[m], test_fresh);
        for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
            Case *c;
            g_autofree char *path = g_strdup_printf(
                PROGRAM "/G59/%s/%s", models[m].name, reasons[i].name);

            if (models[m].some && i % 4) {
                continue;
            }
            c = g_new(Case, 1);
            *c = (Case){ &models[m], &reasons[i] };
            qtest_add_data_func(path, c, test_reason);
        }
    }
    return hypsec_lib_run();
}
