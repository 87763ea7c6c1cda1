/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every reason for which a VM leaves: what the host gets of it, what the VM
 * takes back from the host, where it goes on. After each exit the host fills
 * all of the structure that the two share with values of its own; what EL2
 * did not ask for must not be found in the VM.
 */
#include "qemu/osdep.h"
#include "hypsec-vm.h"

#define PROGRAM "hypsec-vm-exit"

/* Addresses of the VM's: an emulated device; nothing; and no address at all. */
#define MMIO        UINT64_C(0x09000010)
#define NOWHERE     HYPSEC_VM_UNMAPPED
#define BEYOND      HYPSEC_IPA_END

#define INSN_MOV(rd, rm)    (0xaa0003e0u | ((rm) << 16) | (rd))
#define INSN_WFI            0xd503207fu
#define INSN_LDRS32(log2, rt, rn) \
    (0x39c00000u | ((uint32_t)(log2) << 30) | ((rn) << 5) | (rt))
#define INSN_STP(rt, rt2, rn) \
    (0xa9000000u | ((rt2) << 10) | ((rn) << 5) | (rt))
#define INSN_LDR_POST(rt, rn) (0xf8408400u | ((rn) << 5) | (rt))
#define INSN_STR_POST(rt, rn) (0xf8008400u | ((rn) << 5) | (rt))
#define INSN_LDXR(rt, rn)   (0xc85f7c00u | ((rn) << 5) | (rt))
#define INSN_DC_ZVA(rt)     (0xd50b7420u | (rt))
#define INSN_LDR_Q(rt, rn)  (0x3dc00000u | ((rn) << 5) | (rt))
#define INSN_STR_Q(rt, rn)  (0x3d800000u | ((rn) << 5) | (rt))
/* ISS of an MRS or MSR trap: op0, op1, CRn, CRm, op2. */
#define SYSREG(op0, op1, crn, crm, op2) \
    (((op0) << 20) | ((op2) << 17) | ((op1) << 14) | ((crn) << 10) | \
     ((crm) << 1))
#define ISS_READ            1
#define ISS_RT(rt)          ((rt) << 5)

#define HOST_VALUE          UINT64_C(0x4057beefcafe8421)

static const HypsecConfig two_cpus = { .cpus = 2 };

static HypsecVm vm;

static void make_parked(HypsecBoard *board)
{
    vm = hypsec_vm_parked(board, "park2", 1);
}

/* Some tests run a second time on this board. */
static const HypsecConfig max = { .cpus = 2, .args = "-cpu max" };
static const HypsecConfig halting = { .cpus = 2, .halt = true };
static const HypsecConfig *config = &two_cpus;

static HypsecBoard *begin(void)
{
    HypsecBoard *board = hypsec_board(config);

    hypsec_scene(board, make_parked);
    return board;
}

/* MSR or MRS of the register that @iss names. */
static uint32_t sysreg_insn(uint32_t iss, unsigned int rt)
{
    uint32_t op0 = iss >> 20 & 3, op2 = iss >> 17 & 7, op1 = iss >> 14 & 7;
    uint32_t crn = iss >> 10 & 15, crm = iss >> 1 & 15;

    return 0xd5000000u | (iss & ISS_READ) << 21 | op0 << 19 | op1 << 16 |
           crn << 12 | crm << 8 | op2 << 5 | rt;
}

/*
 * All that the host can write, wrong: registers that were not asked for, a
 * page that was not, an abort, bits of HCR_EL2 that are not the host's.
 */
static void write_rubbish(HypsecBoard *board, unsigned int vcpu)
{
    for (int i = 0; i < 31; i++) {
        hypsec_shared_set(board, &vm, vcpu, regs[i], 0xbad00000bad00000 + i);
    }
    hypsec_shared_set(board, &vm, vcpu, esr, 0xbad);
    hypsec_shared_set(board, &vm, vcpu, fault_ipa, 0xbad000);
    hypsec_shared_set(board, &vm, vcpu, deadline, 0xbad);
    hypsec_shared_set(board, &vm, vcpu, new_pte, HYPSEC_VM_SPARE);
    hypsec_shared_set(board, &vm, vcpu, new_level, 3);
    hypsec_shared_set(board, &vm, vcpu, answer, HYPSEC_ANSWER_ABORT);
    hypsec_shared_set(board, &vm, vcpu, hcr, ~(HCR_VI | HCR_VF));
}

/* What is to come of a turn of the mailbox. */
typedef struct Turn {
    HypsecRun before;
    HypsecRun run;
} Turn;

/* vCPU 0 carries out @code until it exits. Registers tell from each other. */
static HypsecExit start(HypsecBoard *board, Turn *t, const uint32_t *code,
                        size_t count, uint64_t x0, uint64_t x1, uint64_t x2,
                        uint64_t x3)
{
    HypsecExit e;

    memset(t, 0, sizeof(*t));
    t->run.code = code;
    t->run.count = count;
    for (int i = 0; i < PARK_NR_X; i++) {
        t->run.x[i] = 0x5ec0000000000000ULL + 0x100010001 * i;
    }
    t->run.x[0] = x0;
    t->run.x[1] = x1;
    t->run.x[2] = x2;
    t->run.x[3] = x3;
    t->before = t->run;
    hypsec_guest_start(board, &vm, 0, &t->run);
    e = hypsec_vcpu_run(board, 0, &vm, 0);
    write_rubbish(board, 0);
    return e;
}

/* And on to its end. */
static void finish(HypsecBoard *board, Turn *t)
{
    HypsecExit e = hypsec_vcpu_run(board, 0, &vm, 0);

    hypsec_assert_yield(board, &e);
    if (!hypsec_guest_take(board, &vm, 0, &t->run)) {
        HYPSEC_FAIL(board, "the VM goes on with ESR_EL1 0x%" PRIx64
                    " ELR_EL1 0x%" PRIx64, t->run.esr, t->run.elr);
    }
    g_assert_cmphex(hypsec_page(board, HYPSEC_VM_SPARE).owner, ==, 0);
}

/* Its registers are as before, but for one (31: for none). */
static void assert_only(const Turn *t, unsigned int reg, uint64_t value)
{
    for (unsigned int i = 0; i < PARK_NR_X; i++) {
        g_assert_cmphex(t->run.x[i], ==,
                        i == reg ? value : t->before.x[i]);
    }
}

/* It took an exception of class @ec in place of its last instruction. */
static void assert_excepted(HypsecBoard *board, Turn *t, uint64_t esr,
                            uint64_t far)
{
    g_assert_false(hypsec_guest_take(board, &vm, 0, &t->run));
    g_assert_cmphex(t->run.esr, ==, esr);
    g_assert_cmphex(t->run.elr, ==, t->run.code_pc + (t->run.count - 1) * 4);
    g_assert_cmphex(t->run.spsr & 0xf00003cf, ==, PSTATE_EL1H);
    g_assert_cmphex(t->run.vector, ==, VECTOR_EL1H);
    if (far) {
        g_assert_cmphex(t->run.far, ==, far);
    }
    assert_only(t, 31, 0);
}

/* WFx */

static void test_wfi(void)
{
    static const uint32_t code = INSN_WFI;
    HypsecBoard *board = begin();
    Turn t;
    HypsecExit e = start(board, &t, &code, 1, 0, 0, 0, 0);

    hypsec_assert_exit(board, &e, .result = HYPSEC_EXIT_TRAP,
                       .esr = HYPSEC_EC(EC_WFX),
                       .deadline = HYPSEC_NO_DEADLINE);
    finish(board, &t);
    assert_only(&t, 31, 0);
}

/* The virtual timer's deadline, in the host's time, if it can fire. */
static void test_wfi_deadline(const void *data)
{
    bool masked = *(const bool *)data;
    static const uint32_t code[] = {
        0xd51be340, /* msr cntv_cval_el0, x0 */
        0xd51be321, /* msr cntv_ctl_el0, x1 */
        INSN_WFI,
        0xd51be322, /* msr cntv_ctl_el0, x2 */
    };
    HypsecBoard *board = begin();
    uint64_t cval = 1ULL << 50;
    Turn t;
    HypsecExit e = start(board, &t, code, ARRAY_SIZE(code), cval,
                         masked ? 3 : 1, 0, 0);

    hypsec_assert_exit(board, &e, .result = HYPSEC_EXIT_TRAP,
                       .esr = HYPSEC_EC(EC_WFX),
                       .deadline = masked ? HYPSEC_NO_DEADLINE : cval);
    finish(board, &t);
    assert_only(&t, 31, 0);
}

/* The same with an offset, which EL2 has from before verification. */
static void test_wfi_offset(void)
{
    static const uint32_t code[] = {
        0xd51be340, /* msr cntv_cval_el0, x0 */
        0xd51be321, /* msr cntv_ctl_el0, x1 */
        INSN_WFI,
        0xd51be322, /* msr cntv_ctl_el0, x2 */
    };
    HypsecBoard *board = hypsec_board(&two_cpus);
    g_autoptr(HypsecSigned) is = hypsec_signed("park1");
    uint64_t cval = 1ULL << 50, offset = 0x123456789a;
    HypsecExit e;
    Turn t;

    vm = hypsec_vm_loaded(board, is, 1);
    g_assert_cmpint(hypsec_call(board, 0, HYPSEC_HVC_TIMER_SET_CNTVOFF, vm.id,
                                offset, 0, 0), ==, HYPSEC_OK);
    g_assert_cmpint(hypsec_vm_verify(board, &vm, NULL), ==, HYPSEC_OK);
    e = hypsec_vcpu_run(board, 0, &vm, 0);
    hypsec_assert_yield(board, &e);
    e = start(board, &t, code, ARRAY_SIZE(code), cval, 1, 0, 0);
    hypsec_assert_exit(board, &e, .result = HYPSEC_EXIT_TRAP,
                       .esr = HYPSEC_EC(EC_WFX), .deadline = cval + offset);
    finish(board, &t);
}

/* HVC, SMC, PSCI */

typedef struct Function {
    const char *name;
    uint32_t fn;
    unsigned int released;
} Function;

static const Function functions[] = {
    { "version", PSCI_VERSION, 1 },
    { "cpu-suspend", PSCI_CPU_SUSPEND, 0xf },
    { "cpu-suspend64", PSCI_CPU_SUSPEND | PSCI_64, 0xf },
    { "cpu-on", PSCI_CPU_ON, 0xf },
    { "cpu-on64", PSCI_CPU_ON | PSCI_64, 0xf },
    { "affinity-info", PSCI_AFFINITY_INFO, 7 },
    { "affinity-info64", PSCI_AFFINITY_INFO | PSCI_64, 7 },
    { "migrate", PSCI_MIGRATE, 1 },
    { "migrate-info-type", PSCI_MIGRATE_INFO_TYPE, 1 },
    { "features", PSCI_FEATURES, 3 },
    { "smccc-version", 0x80000000, 1 },
    { "smccc-arch-features", 0x80000001, 1 },
    { "workaround-1", 0x80008000, 1 },
    { "workaround-2", 0x80007fff, 1 },
    { "trng", 0x84000050, 1 },
    { "vendor", 0x86000000, 1 },
    { "balloon", 0x83000, 1 },
    { "zero", 0, 1 },
    { "all-ones", 0xffffffff, 1 },
};

/* The host gets what it needs to answer; the VM gets x0 of it. */
static void check_function(const Function *f, bool smc)
{
    const uint32_t code = smc ? INSN_SMC(0) : INSN_HVC(0);
    HypsecBoard *board = begin();
    uint64_t x[] = { f->fn, 1, HYPSEC_GPA + 0x40, 0x5ec0c0de };
    HypsecReleased released = {
        .result = HYPSEC_EXIT_TRAP, .mask = f->released,
        .esr = HYPSEC_EC(smc ? EC_SMC64 : EC_HVC64),
    };
    HypsecExit e;
    Turn t;

    /* The upper half of x0 is not part of a function's number. */
    memcpy(released.regs, x, sizeof(x));
    e = start(board, &t, &code, 1, x[0], x[1], x[2], x[3]);
    hypsec_check_exit(board, &e, &released, __FILE__, __LINE__, f->name);
    hypsec_shared_set(board, &vm, 0, regs[0], HOST_VALUE);
    finish(board, &t);
    assert_only(&t, 0, HOST_VALUE);
}

static void test_hvc(const void *data)
{
    check_function(data, false);
}

static void test_smc(const void *data)
{
    check_function(data, true);
}

/* Any other immediate is EL2's to answer. */
static void test_immediate(const void *data)
{
    const uint32_t code = *(const uint32_t *)data;
    HypsecBoard *board = begin();
    HypsecExit e;
    Turn t;

    e = start(board, &t, &code, 1, PSCI_VERSION, 1, 2, 3);
    hypsec_assert_yield(board, &e);
    g_assert_true(hypsec_guest_take(board, &vm, 0, &t.run));
    assert_only(&t, 0, HYPSEC_NOT_SUPPORTED);
}

/* CPU_OFF: it does not run again until the other one turns it on. */
static void test_cpu_off(void)
{
    static const uint32_t code = INSN_HVC(0);
    HypsecBoard *board = begin();
    HypsecRun run = {
        .x = { PSCI_CPU_OFF }, .code = &code, .count = 1,
    };
    HypsecExit e;

    hypsec_vcpu_on(board, 1, &vm, 1);
    hypsec_guest_start(board, &vm, 1, &run);
    e = hypsec_vcpu_run(board, 1, &vm, 1);
    hypsec_assert_exit(board, &e, .result = HYPSEC_EXIT_TRAP,
                       .esr = HYPSEC_EC(EC_HVC64), .mask = 1,
                       .regs = { PSCI_CPU_OFF });
    for (int i = 0; i < 3; i++) {
        e = hypsec_vcpu_run(board, i % 2, &vm, 1);
        g_assert_cmpint(e.result, ==, HYPSEC_BUSY);
    }
    hypsec_vcpu_on(board, 1, &vm, 1);
    /* It began anew: its orders of before are gone. */
    run = (HypsecRun){ .x = { 7 } };
    g_assert_true(hypsec_guest(board, 1, &vm, 1, &run));
    g_assert_cmpuint(run.x[0], ==, 7);
}

/* SYSTEM_OFF and its like end the VM, whatever the host makes of them. */
static void test_system(const void *data)
{
    static const uint32_t code = INSN_HVC(0);
    uint32_t fn = *(const uint32_t *)data;
    HypsecBoard *board = begin();
    Turn t;
    HypsecExit e = start(board, &t, &code, 1, fn, 1, 2, 3);

    hypsec_assert_exit(board, &e, .result = HYPSEC_EXIT_TRAP,
                       .esr = HYPSEC_EC(EC_HVC64), .mask = 1,
                       .regs = { fn });
    g_assert_cmpuint(hypsec_vm_state(board, vm.id), ==, VM_POWEROFF);
    e = hypsec_vcpu_run(board, 0, &vm, 0);
    g_assert_cmpint(e.result, ==, HYPSEC_BUSY);
}

/* What one exit released is gone at the next, if the host leaves it there. */
static void test_nothing_stays(void)
{
    static const uint32_t code[] = {
        INSN_HVC(0), INSN_WFI, INSN_STR(3, 6, 5), INSN_WFI,
    };
    HypsecBoard *board = begin();
    HypsecRun run = {
        .x = { PSCI_CPU_SUSPEND | PSCI_64, 0x5ec1, 0x5ec2, 0x5ec3, 0, MMIO,
               0x5ec6 },
        .code = code, .count = ARRAY_SIZE(code),
    };
    HypsecExit e;

    hypsec_guest_start(board, &vm, 0, &run);
    e = hypsec_vcpu_run(board, 0, &vm, 0);
    hypsec_assert_exit(board, &e, .result = HYPSEC_EXIT_TRAP,
                       .esr = HYPSEC_EC(EC_HVC64), .mask = 0xf,
                       .regs = { PSCI_CPU_SUSPEND | PSCI_64, 0x5ec1, 0x5ec2,
                                 0x5ec3 });
    e = hypsec_vcpu_run(board, 1, &vm, 0);
    hypsec_assert_exit(board, &e, .result = HYPSEC_EXIT_TRAP,
                       .esr = HYPSEC_EC(EC_WFX),
                       .deadline = HYPSEC_NO_DEADLINE);
    e = hypsec_vcpu_run(board, 0, &vm, 0);
    hypsec_assert_exit(board, &e, .result = HYPSEC_EXIT_TRAP,
                       .esr = HYPSEC_EC(EC_DABT_LOW) | ISS_WNR |
                              ISS_ACCESS(3, 0, 6, 1),
                       .fault_ipa = MMIO, .mask = 1 << 6,
                       .regs = { [6] = 0x5ec6 });
    e = hypsec_vcpu_run(board, 1, &vm, 0);
    hypsec_assert_exit(board, &e, .result = HYPSEC_EXIT_TRAP,
                       .esr = HYPSEC_EC(EC_WFX),
                       .deadline = HYPSEC_NO_DEADLINE);
}

/* MMIO */

typedef struct Access {
    const char *name;
    unsigned int log2;
    bool sse, sf;
    bool write;
} Access;

static const Access accesses[] = {
    { "ldrb", 0 }, { "ldrh", 1 }, { "ldr32", 2 },
    { "ldr64", 3, .sf = true },
    { "ldrsb32", 0, .sse = true }, { "ldrsh32", 1, .sse = true },
    { "ldrsb64", 0, .sse = true, .sf = true },
    { "ldrsh64", 1, .sse = true, .sf = true },
    { "ldrsw", 2, .sse = true, .sf = true },
    { "strb", 0, .write = true }, { "strh", 1, .write = true },
    { "str32", 2, .write = true }, { "str64", 3, .sf = true, .write = true },
};

static uint32_t access_insn(const Access *a, unsigned int rt, unsigned int rn)
{
    if (a->write) {
        return INSN_STR(a->log2, rt, rn);
    }
    if (!a->sse) {
        return INSN_LDR(a->log2, rt, rn);
    }
    return a->sf ? INSN_LDRS(a->log2, rt, rn) : INSN_LDRS32(a->log2, rt, rn);
}

/* What a load makes of the value that the host has for it. */
static uint64_t loaded(const Access *a, uint64_t value)
{
    unsigned int bits = 8 << a->log2;

    if (bits < 64) {
        value &= (1ULL << bits) - 1;
        if (a->sse && value >> (bits - 1)) {
            value |= ~0ULL << bits;
        }
    }
    return a->sf ? value : (uint32_t)value;
}

static uint64_t stored(const Access *a, uint64_t value)
{
    return a->log2 == 3 ? value : value & ((1ULL << (8 << a->log2)) - 1);
}

static void check_access(HypsecBoard *board, const Access *a, unsigned int rt,
                         uint64_t value)
{
    /* x2 to the register, the access, the register to x4. */
    const uint32_t code[] = {
        rt == 1 || rt == 31 ? INSN_NOP : INSN_MOV(rt, 2),
        access_insn(a, rt, 1),
        rt == 1 || rt == 31 ? INSN_NOP : INSN_MOV(4, rt),
    };
    uint64_t x2 = 0xf1e2d3c4b5a69788, source = rt == 1 ? MMIO : x2, now;
    HypsecReleased released = {
        .result = HYPSEC_EXIT_TRAP,
        .esr = HYPSEC_EC(EC_DABT_LOW) |
               ISS_ACCESS(a->log2, (uint64_t)a->sse, rt, a->sf) |
               (a->write ? ISS_WNR : 0),
        .fault_ipa = MMIO,
    };
    HypsecExit e;
    Turn t;

    if (a->write && rt != 31) {
        released.mask = 1u << rt;
        released.regs[rt] = stored(a, source);
    }
    e = start(board, &t, code, ARRAY_SIZE(code), 0x5ec0, MMIO, x2, 3);
    hypsec_check_exit(board, &e, &released, __FILE__, __LINE__, a->name);
    if (rt != 31) {
        hypsec_shared_set(board, &vm, 0, regs[rt], value);
    }
    hypsec_shared_set(board, &vm, 0, answer, HYPSEC_ANSWER_DONE);
    finish(board, &t);
    now = a->write ? source : loaded(a, value);
    for (unsigned int i = 0; i < PARK_NR_X; i++) {
        uint64_t x = t.before.x[i];

        if (rt != 31 && (i == rt || (i == 4 && rt != 1))) {
            x = now;
        }
        g_assert_cmphex(t.run.x[i], ==, x);
    }
}

/* G45, G46: each size, sign and register, x30 and XZR included. */
static void test_access(const void *data)
{
    HypsecBoard *board = begin();

    for (unsigned int rt = 0; rt < 32; rt++) {
        check_access(board, data, rt, HOST_VALUE + rt);
    }
    check_access(board, data, 2, ~HOST_VALUE);
    check_access(board, data, 2, 0x7f7f7f7f7f7f7f7f);
    check_access(board, data, 2, 0x8080808080808080);
}

/* The host says that nothing is there. */
static void test_access_refused(const void *data)
{
    const Access *a = data;
    const uint32_t code = access_insn(a, 2, 1);
    HypsecBoard *board = begin();
    Turn t;
    HypsecExit e = start(board, &t, &code, 1, 0, MMIO, 2, 3);

    g_assert_cmphex(e.v.fault_ipa, ==, MMIO);
    hypsec_shared_set(board, &vm, 0, answer, HYPSEC_ANSWER_ABORT);
    e = hypsec_vcpu_run(board, 0, &vm, 0);
    hypsec_assert_yield(board, &e);
    assert_excepted(board, &t, ESR(EC_DABT_CUR, FSC_EXTERNAL |
                                   (a->write ? ISS_WNR : 0)), MMIO);
}

/* The offset in the page and the last byte below memory. */
static void test_access_address(void)
{
    static const uint64_t addresses[] = {
        0, 1, 0xfff, 0x09000fff, 0x08000000, 0x0801ffff, 0x3fffffff,
    };
    static const uint32_t code = INSN_LDR(0, 2, 1);
    HypsecBoard *board = begin();

    for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
        Turn t;
        HypsecExit e = start(board, &t, &code, 1, 0, addresses[i], 2, 3);

        hypsec_assert_exit(board, &e, .result = HYPSEC_EXIT_TRAP,
                           .esr = HYPSEC_EC(EC_DABT_LOW) |
                                  ISS_ACCESS(0, 0, 2, 0),
                           .fault_ipa = addresses[i]);
        hypsec_shared_set(board, &vm, 0, regs[2], 0x1ff);
        hypsec_shared_set(board, &vm, 0, answer, HYPSEC_ANSWER_DONE);
        finish(board, &t);
        assert_only(&t, 2, 0xff);
    }
}

/* G46, G71: what has no valid syndrome is nobody's to emulate. */

typedef struct Undecoded {
    const char *name;
    uint32_t insn;
    uint64_t at;
    bool write;
} Undecoded;

static const Undecoded undecoded[] = {
    { "ldp", INSN_LDP(2, 3, 1), MMIO },
    { "stp", INSN_STP(2, 3, 1), MMIO, true },
    { "ldr-post-index", INSN_LDR_POST(2, 1), MMIO },
    { "str-post-index", INSN_STR_POST(2, 1), MMIO, true },
    { "dc-zva", INSN_DC_ZVA(1), MMIO & ~63, true },
    { "ldr-q", INSN_LDR_Q(2, 1), MMIO },
    { "str-q", INSN_STR_Q(2, 1), MMIO, true },
};

static void test_undecoded(const void *data)
{
    const Undecoded *u = data;
    static const uint32_t fp_on = 0xd5181045; /* msr cpacr_el1, x5 */
    const uint32_t code[] = { fp_on, u->insn };
    HypsecBoard *board = begin();
    HypsecExit e;
    Turn t;

    memset(&t, 0, sizeof(t));
    t.run.code = code;
    t.run.count = ARRAY_SIZE(code);
    t.run.x[1] = u->at;
    t.run.x[5] = 3 << 20;
    t.before = t.run;
    hypsec_guest_start(board, &vm, 0, &t.run);
    write_rubbish(board, 0);
    e = hypsec_vcpu_run(board, 0, &vm, 0);
    hypsec_assert_yield(board, &e);
    g_assert_false(hypsec_guest_take(board, &vm, 0, &t.run));
    g_assert_cmphex(t.run.elr, ==, t.run.code_pc + 4);
    g_assert_cmphex(t.run.far, ==, u->at);
    g_assert_cmphex(t.run.esr & ~(uint64_t)ISS_CM, ==,
                    ESR(EC_DABT_CUR, FSC_EXTERNAL |
                        (u->write ? ISS_WNR : 0)));
    for (int i = 0; i < PARK_NR_X; i++) {
        g_assert_cmphex(t.run.x[i], ==, t.before.x[i]);
    }
}

/* A fetch where a device would be. */
static void test_fetch_mmio(void)
{
    HypsecBoard *board = begin();
    HypsecRun run = { .pc = MMIO & ~3 };
    HypsecExit e;

    hypsec_guest_start(board, &vm, 0, &run);
    write_rubbish(board, 0);
    e = hypsec_vcpu_run(board, 0, &vm, 0);
    hypsec_assert_yield(board, &e);
    g_assert_false(hypsec_guest_take(board, &vm, 0, &run));
    g_assert_cmphex(run.esr, ==, ESR(EC_IABT_CUR, FSC_EXTERNAL));
    g_assert_cmphex(run.elr, ==, MMIO & ~3);
    g_assert_cmphex(run.far, ==, MMIO & ~3);
}

/* Beyond what stage 2 translates. */
static void test_beyond(void)
{
    static const uint32_t code = INSN_LDR(3, 2, 1);
    HypsecBoard *board = begin();
    Turn t;
    HypsecExit e = start(board, &t, &code, 1, 0, BEYOND, 2, 3);

    hypsec_assert_yield(board, &e);
    g_assert_false(hypsec_guest_take(board, &vm, 0, &t.run));
    g_assert_cmphex(ESR_EC(t.run.esr), ==, EC_DABT_CUR);
    g_assert_cmphex(t.run.far, ==, BEYOND);
}

/* Memory */

#define ACCESS_FETCH 2

typedef struct Fault {
    const char *name;
    int kind; /* 0 read, 1 write, ACCESS_FETCH */
    uint64_t offset;
    bool block;
} Fault;

static const Fault faults[] = {
    { "read", 0, 0x18 }, { "write", 1, 0x18 }, { "fetch", ACCESS_FETCH, 0x18 },
    { "read-block", 0, 0x123018, true }, { "write-block", 1, 0x123018, true },
    { "fetch-block", ACCESS_FETCH, 0x123018, true },
};

/*
 * The host gets the page's address and no more. The VM gets the page, without
 * what the host had in it (G34).
 */
static void test_fault(const void *data)
{
    const Fault *f = data;
    HypsecBoard *board = begin();
    uint64_t at = NOWHERE + f->offset, pa = HYPSEC_VM_SPARE;
    const uint32_t code =
        f->kind == ACCESS_FETCH ? INSN_BR(1) :
        f->kind ? INSN_STR(3, 2, 1) : INSN_LDR(3, 2, 1);
    uint64_t target = f->block ? pa + f->offset : pa + (at & 0xfff);
    HypsecReleased released = {
        .result = HYPSEC_EXIT_TRAP, .fault_ipa = at & ~(HYPSEC_PAGE - 1),
        .esr = HYPSEC_EC(f->kind == ACCESS_FETCH ? EC_IABT_LOW : EC_DABT_LOW) |
               (f->kind == 1 ? ISS_WNR : 0),
    };
    HypsecExit e;
    Turn t;

    qtest_memset(board->qts, pa, 0x77, HYPSEC_BLOCK);
    e = start(board, &t, &code, 1, 0, at, 2, 3);
    hypsec_check_exit(board, &e, &released, __FILE__, __LINE__, f->name);
    hypsec_shared_set(board, &vm, 0, new_pte, pa);
    hypsec_shared_set(board, &vm, 0, new_level, f->block ? 2 : 3);
    hypsec_shared_set(board, &vm, 0, answer, HYPSEC_ANSWER_DONE);
    e = hypsec_vcpu_run(board, 0, &vm, 0);
    hypsec_assert_yield(board, &e);
    if (f->kind == ACCESS_FETCH) {
        /* Zero is no instruction. */
        hypsec_guest_take(board, &vm, 0, &t.run);
        g_assert_cmphex(t.run.esr, ==, ESR(EC_UNKNOWN, 0));
        g_assert_cmphex(t.run.elr, ==, at);
    } else {
        g_assert_true(hypsec_guest_take(board, &vm, 0, &t.run));
        g_assert_cmphex(t.run.x[2], ==, f->kind ? 2 : 0);
        g_assert_cmphex(qtest_readq(board->qts, target), ==, t.run.x[2]);
        qtest_writeq(board->qts, target, 0);
    }
    for (uint64_t page = pa; page < pa + HYPSEC_BLOCK; page += HYPSEC_PAGE) {
        if (f->block || page == pa) {
            hypsec_assert_zero(board, page);
            hypsec_assert_vm_page(board, page, vm.id, (at & ~(HYPSEC_BLOCK -
                                                              1)) + page - pa);
        } else {
            g_assert_cmphex(qtest_readq(board->qts, page), ==,
                            0x7777777777777777);
        }
    }
    g_assert_cmphex(hypsec_vm_to_pa(board, &vm, at), ==, target);
    hypsec_assert_gone(board, 1, pa);
    if (f->block) {
        hypsec_assert_gone(board, 1, pa + 511 * HYPSEC_PAGE);
    }
    hypsec_check_tables(board);
}

/* No page: it asks again. Nothing is there: an abort. */
static void test_fault_unanswered(void)
{
    static const uint32_t code = INSN_LDR(3, 2, 1);
    HypsecBoard *board = begin();
    Turn t;
    HypsecExit e = start(board, &t, &code, 1, 0, NOWHERE, 2, 3);

    for (int i = 0; i < 3; i++) {
        hypsec_assert_exit(board, &e, .result = HYPSEC_EXIT_TRAP,
                           .fault_ipa = NOWHERE,
                           .esr = HYPSEC_EC(EC_DABT_LOW));
        hypsec_shared_set(board, &vm, 0, new_pte, 0);
        hypsec_shared_set(board, &vm, 0, answer, HYPSEC_ANSWER_DONE);
        e = hypsec_vcpu_run(board, i % 2, &vm, 0);
    }
    write_rubbish(board, 0);
    hypsec_shared_set(board, &vm, 0, new_pte, 0);
    hypsec_shared_set(board, &vm, 0, answer, HYPSEC_ANSWER_ABORT);
    e = hypsec_vcpu_run(board, 0, &vm, 0);
    hypsec_assert_yield(board, &e);
    assert_excepted(board, &t, ESR(EC_DABT_CUR, FSC_EXTERNAL), NOWHERE);
}

/* System registers */

typedef struct Sysreg {
    const char *name;
    uint32_t iss;
} Sysreg;

/* The host's to emulate: the physical timer, which a VM has not. */
static const Sysreg hosts[] = {
    { "cntp-tval", SYSREG(3u, 3, 14, 2, 0) },
    { "cntp-ctl", SYSREG(3u, 3, 14, 2, 1) },
    { "cntp-cval", SYSREG(3u, 3, 14, 2, 2) },
};

static void test_sysreg_read(const void *data)
{
    const Sysreg *r = data;
    HypsecBoard *board = begin();

    for (unsigned int rt = 0; rt < 32; rt += rt == 17 ? 14 : 1) {
        uint32_t code = sysreg_insn(r->iss | ISS_READ, rt);
        Turn t;
        HypsecExit e = start(board, &t, &code, 1, 0, 1, 2, 3);

        hypsec_assert_exit(board, &e, .result = HYPSEC_EXIT_TRAP,
                           .esr = HYPSEC_EC(EC_SYS64) | r->iss | ISS_READ |
                                  ISS_RT(rt));
        if (rt != 31) {
            hypsec_shared_set(board, &vm, 0, regs[rt], HOST_VALUE);
        }
        finish(board, &t);
        assert_only(&t, rt, HOST_VALUE);
    }
}

static void test_sysreg_write(const void *data)
{
    const Sysreg *r = data;
    HypsecBoard *board = begin();

    for (unsigned int rt = 0; rt < 32; rt += rt == 17 ? 14 : 1) {
        uint32_t code = sysreg_insn(r->iss, rt);
        Turn t;
        HypsecExit e = start(board, &t, &code, 1, 0xa, 0xb, 0xc, 0xd);
        HypsecReleased released = {
            .result = HYPSEC_EXIT_TRAP,
            .esr = HYPSEC_EC(EC_SYS64) | r->iss | ISS_RT(rt),
            .mask = rt == 31 ? 0 : 1u << rt,
        };

        if (rt != 31) {
            released.regs[rt] = t.before.x[rt];
        }
        hypsec_check_exit(board, &e, &released, __FILE__, __LINE__, r->name);
        finish(board, &t);
        assert_only(&t, 31, 0);
    }
}

/* EL2's own: it reads as zero and ignores writes, or does not exist. */
typedef struct Hidden {
    const char *name;
    uint32_t iss;
    bool undefined;
} Hidden;

static const Hidden hidden[] = {
    { "mdscr", SYSREG(2u, 0, 0, 2, 2) },
    { "oslar", SYSREG(2u, 0, 1, 0, 4) },
    { "osdlr", SYSREG(2u, 0, 1, 3, 4) },
    { "dbgbvr0", SYSREG(2u, 0, 0, 0, 4) },
    { "dbgbcr0", SYSREG(2u, 0, 0, 0, 5) },
    { "dbgbcr5", SYSREG(2u, 0, 0, 5, 5) },
    { "dbgwvr0", SYSREG(2u, 0, 0, 0, 6) },
    { "dbgwcr3", SYSREG(2u, 0, 0, 3, 7) },
    { "actlr-el2", SYSREG(3u, 4, 1, 0, 1), true },
    { "vttbr-el2", SYSREG(3u, 4, 2, 1, 0), true },
    { "hcr-el2", SYSREG(3u, 4, 1, 1, 0), true },
    { "scr-el3", SYSREG(3u, 6, 1, 1, 0), true },
    { "nobody", SYSREG(3u, 1, 12, 9, 5), true },
    { "l2ctlr", SYSREG(3u, 1, 11, 0, 2), true },
};

static void test_hidden(const void *data)
{
    const Hidden *h = data;
    uint32_t code[] = {
        sysreg_insn(h->iss, 2), sysreg_insn(h->iss | ISS_READ, 4),
    };
    HypsecBoard *board = begin();
    HypsecExit e;
    Turn t;

    /* OSLAR_EL1 can only be written. */
    if (h->iss == SYSREG(2u, 0, 1, 0, 4)) {
        code[1] = INSN_MOV(4, 31);
    }
    e = start(board, &t, code, h->undefined ? 1 : 2, 0, 1, UINT64_MAX, 3);
    hypsec_assert_yield(board, &e);
    if (h->undefined) {
        assert_excepted(board, &t, ESR(EC_UNKNOWN, 0), 0);
        code[0] = code[1];
        e = start(board, &t, code, 1, 0, 1, UINT64_MAX, 3);
        hypsec_assert_yield(board, &e);
        assert_excepted(board, &t, ESR(EC_UNKNOWN, 0), 0);
        return;
    }
    g_assert_true(hypsec_guest_take(board, &vm, 0, &t.run));
    assert_only(&t, 4, 0);
}

/* ID registers */

typedef struct IdRegister {
    const char *name;
    uint32_t iss;
    uint64_t hidden; /* fields that must be 0 */
} IdRegister;

#define ID(crm, op2) SYSREG(3u, 0, 0, crm, op2)
#define BITS(high, low) ((~0ULL >> (63 - (high))) & (~0ULL << (low)))

static const IdRegister id_registers[] = {
    /* EL2, EL3, RAS, SVE, MPAM, AMU, RME */
    { "pfr0", ID(4, 0), BITS(15, 8) | BITS(35, 28) | BITS(47, 40) |
      BITS(55, 52) },
    /* MTE, RAS, MPAM, SME, CSV2_frac to the end */
    { "pfr1", ID(4, 1), BITS(19, 8) | BITS(27, 24) | BITS(63, 32) },
    { "pfr2", ID(4, 2), UINT64_MAX },
    { "zfr0", ID(4, 4), UINT64_MAX },
    { "smfr0", ID(4, 5), UINT64_MAX },
    { "fpfr0", ID(4, 7), UINT64_MAX },
    /* Trace, PMU, SPE, trace filter and buffer, BRBE */
    { "dfr0", ID(5, 0), BITS(11, 4) | BITS(35, 32) | BITS(55, 40) },
    { "dfr1", ID(5, 1), UINT64_MAX },
    { "afr0", ID(5, 4), UINT64_MAX },
    { "isar0", ID(6, 0), 0 },
    /* Pointer authentication */
    { "isar1", ID(6, 1), BITS(11, 4) | BITS(31, 24) },
    { "isar2", ID(6, 2), BITS(19, 8) },
    { "isar3", ID(6, 3), UINT64_MAX },
    { "mmfr0", ID(7, 0), BITS(59, 56) },
    /* VHE, HCX */
    { "mmfr1", ID(7, 1), BITS(11, 8) | BITS(43, 40) },
    /* Nested virtualization, EVT */
    { "mmfr2", ID(7, 2), BITS(27, 24) | BITS(59, 56) },
    { "mmfr3", ID(7, 3), UINT64_MAX },
    { "mmfr4", ID(7, 4), UINT64_MAX },
};

/* It has nothing of what is hidden, and nothing that the CPU has not. */
static void test_id_register(const void *data)
{
    const IdRegister *r = data;
    const uint32_t code = sysreg_insn(r->iss | ISS_READ, 0);
    HypsecBoard *board = begin();
    HypsecRun run = { .code = &code, .count = 1 };
    uint64_t value = hypsec_guest_insn(board, 0, &vm, 0, code, 0, 0, 0, 0);

    g_assert_true(hypsec_run(board, 0, &run));
    g_assert_cmphex(value & r->hidden, ==, 0);
    for (unsigned int shift = 0; shift < 64; shift += 4) {
        unsigned int has = run.x[0] >> shift & 15, shown = value >> shift & 15;

        /* 15 is "none" in the fields of FP and the small granules. */
        g_assert_true(shown <= has || shown == 15);
    }
}

/* All of that space can be read, and what is reserved reads as zero. */
static void test_id_space(void)
{
    HypsecBoard *board = begin();

    for (unsigned int crm = 1; crm < 8; crm++) {
        for (unsigned int op2 = 0; op2 < 8; op2++) {
            uint32_t iss = ID(crm, op2) | ISS_READ;

            hypsec_guest_insn(board, 0, &vm, 0, sysreg_insn(iss, 0), 0, 0, 0,
                              0);
        }
    }
}

/* G59: instructions of what a VM does not have. */
typedef struct Instruction {
    const char *name;
    uint32_t insn;
} Instruction;

static const Instruction undefined[] = {
    { "sve", 0x04bf5020 },      /* rdvl x0, #1 */
    { "sme", 0x04bf5820 },      /* rdsvl x0, #1 */
    { "smstart", 0xd503477f },
    { "pacga", 0x9ac23020 },    /* pacga x0, x1, x2 */
    { "pac-key", 0xd5182100 },  /* msr apiakeylo_el1, x0 */
    { "at-s12", 0xd50c7880 },   /* at s12e1r, x0 */
    { "tlbi-el2", 0xd50c871f }, /* tlbi alle2 */
    { "udf", 0 },
};

static void test_undefined(const void *data)
{
    const Instruction *i = data;
    /* msr cpacr_el1, x2: what may trap to EL1 does not. */
    const uint32_t code[] = { 0xd5181042, i->insn };
    HypsecBoard *board = begin();
    Turn t;
    HypsecExit e = start(board, &t, code, ARRAY_SIZE(code), 0, 1, 0x3330000,
                         3);

    hypsec_assert_yield(board, &e);
    assert_excepted(board, &t, ESR(EC_UNKNOWN, 0), 0);
}

/* After a reset: stage 1, caches and alignment checks off. G50 */
static void test_reset_values(void)
{
    HypsecBoard *board = begin();
    uint64_t sctlr = hypsec_guest_insn(board, 0, &vm, 0, 0xd5381000, 0, 0, 0,
                                       0);
    uint64_t mpidr = hypsec_guest_insn(board, 0, &vm, 0, 0xd53800a0, 0, 0, 0,
                                       0);

    g_assert_cmphex(sctlr & (1 | 2 | 4 | 1 << 12 | 1 << 19 | 1 << 25), ==, 0);
    g_assert_cmphex(mpidr, ==, 0x80000000);
    hypsec_vcpu_on(board, 1, &vm, 1);
    mpidr = hypsec_guest_insn(board, 1, &vm, 1, 0xd53800a0, 0, 0, 0, 0);
    g_assert_cmphex(mpidr, ==, 0x80000001);
}

/* Timers */

/*
 * The host sees the virtual timer only if its interrupt is asserted, so that
 * it can pass it on; else nothing of it.
 */
static void test_timer(const void *data)
{
    bool masked = *(const bool *)data;
    static const uint32_t code[] = {
        0xd51be340, /* msr cntv_cval_el0, x0 */
        0xd51be321, /* msr cntv_ctl_el0, x1 */
        INSN_WFI,
        0xd53be325, /* mrs x5, cntv_ctl_el0 */
        0xd53be346, /* mrs x6, cntv_cval_el0 */
        0xd51be322, /* msr cntv_ctl_el0, x2 */
    };
    static const uint32_t look[] = { 0xd53be320, 0xd53be341 };
    HypsecBoard *board = begin();
    HypsecRun run = { .code = look, .count = ARRAY_SIZE(look) };
    uint64_t cval = 12345;
    Turn t;
    HypsecExit e = start(board, &t, code, ARRAY_SIZE(code), cval,
                         masked ? 3 : 1, 0, 0);

    g_assert_cmphex(ESR_EC(e.v.esr), ==, EC_WFX);
    g_assert_cmphex(e.v.deadline, ==, masked ? HYPSEC_NO_DEADLINE : cval);
    g_assert_true(hypsec_run(board, 0, &run));
    if (masked) {
        g_assert_cmphex(run.x[0] & 1, ==, 0);
        g_assert_cmphex(run.x[1], !=, cval);
    } else {
        g_assert_cmphex(run.x[0], ==, 5);
    }
    /* The VM has it as it was, on another CPU. */
    e = hypsec_vcpu_run(board, 1, &vm, 0);
    hypsec_assert_yield(board, &e);
    g_assert_true(hypsec_guest_take(board, &vm, 0, &t.run));
    g_assert_cmphex(t.run.x[5], ==, masked ? 7 : 5);
    g_assert_cmphex(t.run.x[6], ==, cval);
    /* Off again: nothing is left for the host. */
    g_assert_true(hypsec_run(board, 1, &run));
    g_assert_cmphex(run.x[0] & 1, ==, 0);
}

/* CNTVOFF is the VM's while it runs, and 0 for the host. */
static void test_counter(void)
{
    /* isb; mrs x0, cntvct_el0; mrs x1, cntpct_el0; mrs x2, cntvct_el0 */
    static const uint32_t code[] = {
        0xd5033fdf, 0xd53be040, 0xd53be021, 0xd53be042,
    };
    HypsecBoard *board = hypsec_board(&two_cpus);
    g_autoptr(HypsecSigned) is = hypsec_signed("park1");
    HypsecRun run = { .code = code, .count = ARRAY_SIZE(code) };
    uint64_t offset = 0x123456789a;

    vm = hypsec_vm_loaded(board, is, 1);
    g_assert_cmpint(hypsec_call(board, 0, HYPSEC_HVC_TIMER_SET_CNTVOFF, vm.id,
                                offset, 0, 0), ==, HYPSEC_OK);
    g_assert_cmpint(hypsec_vm_verify(board, &vm, NULL), ==, HYPSEC_OK);
    hypsec_vcpu_idle(board, 0, &vm, 0);
    g_assert_true(hypsec_guest(board, 0, &vm, 0, &run));
    g_assert_cmpuint(run.x[0] + offset, <=, run.x[1]);
    g_assert_cmpuint(run.x[1], <=, run.x[2] + offset);
    g_assert_true(hypsec_run(board, 0, &run));
    g_assert_cmpuint(run.x[0], <=, run.x[1]);
    g_assert_cmpuint(run.x[1], <=, run.x[2]);
}

/* AArch32 at EL0: an instruction of 16 bits is one, behind an exit too. */
static void test_thumb(void)
{
    static const uint32_t traps[] = {
        0xd5381000, /* mrs x0, sctlr_el1 */
        0xb2700000, /* orr x0, x0, #0x10000: nTWI */
        0xd5181000, /* msr sctlr_el1, x0 */
    };
    static const uint32_t code[] = {
        0xbf302000, /* movs r0, #0; wfi */
        0x30013001, /* adds r0, #1, twice */
        0x30013001,
        0xdf00df00, /* svc #0 */
    };
    HypsecBoard *board = begin();
    HypsecRun run = { .code = traps, .count = ARRAY_SIZE(traps) };
    HypsecExit e;

    g_assert_true(hypsec_guest(board, 0, &vm, 0, &run));
    run = (HypsecRun){
        .code = code, .count = ARRAY_SIZE(code), .pstate = 0x1f0,
    };
    hypsec_guest_start(board, &vm, 0, &run);
    e = hypsec_vcpu_run(board, 0, &vm, 0);
    g_assert_cmphex(ESR_EC(e.v.esr), ==, EC_WFX);
    write_rubbish(board, 0);
    e = hypsec_vcpu_run(board, 0, &vm, 0);
    hypsec_assert_yield(board, &e);
    hypsec_guest_take(board, &vm, 0, &run);
    /* It has no vector for AArch32: zero is no instruction. */
    g_assert_cmphex(run.esr, ==, ESR(EC_UNKNOWN, 0));
    g_assert_cmphex(run.elr, ==, HYPSEC_GPA + PARK_VECTORS + 0x600);
    g_assert_cmphex(run.x[0], ==, 4);
}

/* GICv3 */

#define ICC_PMR_EL1     SYSREG(3u, 0, 4, 6, 0)
#define ICC_IAR1_EL1    SYSREG(3u, 0, 12, 12, 0)
#define ICC_EOIR1_EL1   SYSREG(3u, 0, 12, 12, 1)
#define ICC_IGRPEN1_EL1 SYSREG(3u, 0, 12, 12, 7)
#define ICC_SGI1R_EL1   SYSREG(3u, 0, 12, 11, 5)
#define ICC_ASGI1R_EL1  SYSREG(3u, 0, 12, 11, 6)
#define ICC_SGI0R_EL1   SYSREG(3u, 0, 12, 11, 7)
#define ICH_LR_PENDING  (1ULL << 62)
#define ICH_LR_ACTIVE   (1ULL << 63)
#define ICH_LR_GROUP1   (1ULL << 60)
#define SPURIOUS        1023

static const HypsecConfig gicv3 = {
    .cpus = 2, .machine = "gic-version=3",
};

/* G56b: what a VM sends to another vCPU is the host's to deliver. */
static void test_sgi(const void *data)
{
    const Sysreg *r = data;
    const uint32_t code = sysreg_insn(r->iss, 2);
    HypsecBoard *board = hypsec_board(&gicv3);
    HypsecExit e;
    Turn t;

    hypsec_scene(board, make_parked);
    e = start(board, &t, &code, 1, 0, 1, 0x1000002, 3);
    hypsec_assert_exit(board, &e, .result = HYPSEC_EXIT_TRAP,
                       .esr = HYPSEC_EC(EC_SYS64) | r->iss | ISS_RT(2),
                       .mask = 1 << 2, .regs = { [2] = 0x1000002 });
    finish(board, &t);
    assert_only(&t, 31, 0);
}

static const Sysreg sgis[] = {
    { "sgi1r", ICC_SGI1R_EL1 }, { "asgi1r", ICC_ASGI1R_EL1 },
    { "sgi0r", ICC_SGI0R_EL1 },
};

/*
 * A list register reaches the vCPU that it is for, and no other VM; its state
 * comes back, and a bit that is not the host's does nothing.
 */
static void test_list_registers(void)
{
    const uint32_t code[] = {
        sysreg_insn(ICC_PMR_EL1, 0), sysreg_insn(ICC_IGRPEN1_EL1, 1),
        0xd5033fdf, sysreg_insn(ICC_IAR1_EL1 | ISS_READ, 2),
    };
    const uint32_t end = sysreg_insn(ICC_EOIR1_EL1, 0);
    HypsecBoard *board = hypsec_board(&gicv3);
    HypsecRun run = {
        .x = { 0xff, 1 }, .code = code, .count = ARRAY_SIZE(code),
    };
    struct hypsec_vcpu v;
    HypsecVm other;

    hypsec_scene(board, make_parked);
    other = hypsec_vm_parked(board, "park1", 2);
    hypsec_shared_read(board, vm.id, 0, &v);
    g_assert_cmpuint(v.vgic.nr_lrs, >=, 1);
    g_assert_cmpuint(v.vgic.nr_lrs, <=, HYPSEC_VGIC_LRS);
    hypsec_shared_set(board, &vm, 0, vgic.lr[0],
                      ICH_LR_PENDING | ICH_LR_GROUP1 | 40);
    hypsec_shared_set(board, &vm, 0, vgic.hcr, UINT64_MAX);
    g_assert_true(hypsec_guest(board, 0, &vm, 0, &run));
    g_assert_cmpuint(run.x[2], ==, 40);
    hypsec_shared_read(board, vm.id, 0, &v);
    g_assert_cmphex(v.vgic.lr[0], ==, ICH_LR_ACTIVE | ICH_LR_GROUP1 | 40);
    /* The other VM, on the same CPU, with the first one's still active. */
    run.x[0] = 0xff;
    run.x[1] = 1;
    g_assert_true(hypsec_guest(board, 0, &other, 0, &run));
    g_assert_cmpuint(run.x[2], ==, SPURIOUS);
    hypsec_shared_read(board, other.id, 0, &v);
    g_assert_cmphex(v.vgic.lr[0], ==, 0);
    /* It ends where it began, on another CPU. */
    hypsec_guest_insn(board, 1, &vm, 0, end, 40, 0, 0, 0);
    hypsec_shared_read(board, vm.id, 0, &v);
    g_assert_cmphex(v.vgic.lr[0] & (ICH_LR_PENDING | ICH_LR_ACTIVE), ==, 0);
}

/* G53: each access that EL2 answers is one instruction, and done once. */
static void test_g53(void)
{
    static const uint32_t code[] = {
        0xd5300240,         /* mrs x0, mdscr_el1 */
        0x910004a5,         /* add x5, x5, #1 */
        0xd5100241,         /* msr mdscr_el1, x1 */
        0x910004a5,
        0xd5380402,         /* mrs x2, id_aa64pfr0_el1 */
        0x910004a5,
    };
    HypsecBoard *board = begin();
    HypsecRun run = {
        .x = { 0x5ec0, 0x5ec1, 0x5ec2, 0x5ec3, 0x5ec4 }, .code = code,
        .count = ARRAY_SIZE(code),
    };

    g_assert_true(hypsec_guest(board, 0, &vm, 0, &run));
    g_assert_cmphex(run.x[0], ==, 0);
    g_assert_cmphex(run.x[1], ==, 0x5ec1);
    g_assert_cmphex(run.x[2] & 0xf, !=, 0);
    g_assert_cmphex(run.x[3], ==, 0x5ec3);
    g_assert_cmphex(run.x[4], ==, 0x5ec4);
    g_assert_cmphex(run.x[5], ==, 3);
    g_assert_cmphex(run.esr, ==, ESR(EC_BRK64, 0));
}

/* G52: the physical timer is the host's again after an exit, as it was. */
static void test_g52(void)
{
    static const uint32_t set[] = { 0xd51be240, 0xd51be221 };
    static const uint32_t look[] = { 0xd53be240, 0xd53be221 };
    HypsecBoard *board = begin();
    HypsecRun run = {
        .x = { 1ULL << 50, 1 }, .code = set, .count = ARRAY_SIZE(set),
    };

    g_assert_true(hypsec_run(board, 0, &run));
    hypsec_vcpu_idle(board, 0, &vm, 0);
    run = (HypsecRun){ .code = look, .count = ARRAY_SIZE(look) };
    g_assert_true(hypsec_run(board, 0, &run));
    g_assert_cmphex(run.x[0], ==, 1ULL << 50);
    g_assert_cmphex(run.x[1], ==, 1);
}

/* Interrupts and errors: nothing of the VM's is released. */

typedef struct Asynchronous {
    const char *name;
    uint32_t type;
    uint64_t esr;
    int64_t result;
} Asynchronous;

static const Asynchronous asynchronous[] = {
    { "irq", HYPSEC_INJECT_IRQ, 0, HYPSEC_EXIT_IRQ },
    { "fiq", HYPSEC_INJECT_FIQ, 0, HYPSEC_EXIT_IRQ },
    { "serror", HYPSEC_INJECT_SERROR, ESR(EC_SERROR, 0x12345),
      HYPSEC_EXIT_SERROR },
};

static void test_asynchronous(const void *data)
{
    const Asynchronous *a = data;
    HypsecBoard *board = begin();
    HypsecEvent event;
    HypsecReturn r;
    HypsecExit e;

    hypsec_vcpu_spin(board, 1, &vm, 0);
    event = hypsec_vm_event(hypsec_event(a->type, 1), &vm);
    event.pstate &= ~(7ull << 6);
    event.esr = a->esr;
    r = hypsec_try(board, &event);
    g_assert_cmpuint(r.c.status, ==, HYPSEC_INJECT_S_DONE_EL2);
    g_assert_cmphex(r.c.vttbr_el2, ==, board->vttbr);
    g_assert_cmpuint(r.c.x[0], ==, a->result);
    for (int i = 1; i < 31; i++) {
        g_assert_cmphex(r.c.x[i], !=, event.x[i]);
    }
    e = hypsec_vcpu_wait(board, 1, &vm, 0);
    hypsec_assert_exit(board, &e, .result = a->result);
    /* It goes on where it was, with what it had. */
    write_rubbish(board, 0);
    r = hypsec_vcpu_enter(board, 0, &vm, 0);
    g_assert_true(hypsec_in_vm(&r, &vm));
    g_assert_cmphex(r.c.pc, ==, event.pc);
    g_assert_cmphex(r.c.pstate, ==, event.pstate);
    for (int i = 0; i < 31; i++) {
        g_assert_cmphex(r.c.x[i], ==, event.x[i]);
    }
}

/* BRK and its like stay in the VM. */
static void test_brk(void)
{
    static const uint32_t code = 0xd4200000u | 0x123 << 5;
    HypsecBoard *board = begin();
    Turn t;
    HypsecExit e = start(board, &t, &code, 1, 0, 1, 2, 3);

    hypsec_assert_yield(board, &e);
    assert_excepted(board, &t, ESR(EC_BRK64, 0x123), 0);
}

static void test_brk_el0(void)
{
    static const uint32_t code = 0xd4200000u | 0x123 << 5;
    HypsecBoard *board = begin();
    HypsecRun run = { .code = &code, .count = 1, .pstate = PSTATE_EL0 };

    g_assert_false(hypsec_guest(board, 0, &vm, 0, &run));
    g_assert_cmphex(run.esr, ==, ESR(EC_BRK64, 0x123));
    g_assert_cmphex(run.elr, ==, run.code_pc);
    g_assert_cmphex(run.spsr & 0xf00003cf, ==, PSTATE_EL0);
    g_assert_cmphex(run.vector, ==, VECTOR_EL0);
}

/*
 * G55: every class that there is or may be, whatever its syndrome: the VM
 * takes an exception of its own or leaves; EL2 goes on, and does not count it
 * as a violation of anybody's.
 */
static void test_classes(void)
{
    static const uint32_t isss[] = {
        0, 0x1ffffff, 0x1000047, 1, 0x7, 0x87, 0x1000007, 0x13c00c7, 0x3f,
    };
    HypsecBoard *board = begin();

    for (unsigned int ec = 0; ec < 64; ec++) {
        bool rich = ec == EC_WFX || ec == EC_SYS64 ||
                    (ec >= EC_IABT_LOW && ec <= EC_DABT_CUR);

        for (size_t i = 0; i < (rich ? ARRAY_SIZE(isss) : 2); i++) {
            HypsecEvent event;
            HypsecReturn r;

            hypsec_vcpu_spin(board, 1, &vm, 0);
            event = hypsec_vm_event(hypsec_event_trap(1, ec, isss[i]), &vm);
            event.far = HYPSEC_GPA;
            event.hpfar = HYPSEC_HPFAR(i % 2 ? NOWHERE : MMIO);
            r = hypsec_try(board, &event);
            if (r.c.status != HYPSEC_INJECT_S_DONE_EL2) {
                g_autofree char *text = hypsec_describe(&r);

                HYPSEC_FAIL(board, "class 0x%x ISS 0x%x: %s", ec, isss[i],
                            text);
            }
            /* Whoever has the CPU: the host gets it back, sound. */
            if (hypsec_in_vm(&r, &vm)) {
                if (!(r.c.flags & HYPSEC_INJECT_CF_INJECTED)) {
                    event = hypsec_vm_event(hypsec_event(HYPSEC_INJECT_IRQ,
                                                         1), &vm);
                    hypsec_try(board, &event);
                }
            }
            hypsec_vcpu_wait(board, 1, &vm, 0);
            hypsec_loadvm(board, "scene");
        }
    }
}

static void add(const char *topic, const char *name, const void *data,
                void (*test)(const void *data))
{
    g_autofree char *path = g_strdup_printf(PROGRAM "/%s/%s", topic, name);

    qtest_add_data_func(path, data, test);
}

/* The same on a board that halts. */
static void test_classes_halt(void)
{
    config = &halting;
    test_classes();
    config = &two_cpus;
}

/* Also on a CPU that has all there is. */
typedef struct OnMax {
    void (*test)(const void *data);
    void (*plain)(void);
    const void *data;
} OnMax;

static void test_on_max(const void *data)
{
    const OnMax *m = data;

    config = &max;
    if (m->test) {
        m->test(m->data);
    } else {
        m->plain();
    }
    config = &two_cpus;
}

static void add_on_max(const char *topic, const char *name, OnMax max_test)
{
    g_autofree char *path = g_strdup_printf(PROGRAM "/max/%s/%s", topic, name);

    qtest_add_data_func(path, g_memdup2(&max_test, sizeof(max_test)),
                        test_on_max);
}

static void add_twice(const char *topic, const char *name, const void *data,
                      void (*test)(const void *data))
{
    add(topic, name, data, test);
    add_on_max(topic, name, (OnMax){ .test = test, .data = data });
}

static const bool yes = true, no;

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        uint32_t insn;
    } immediates[] = {
        { "hvc-1", INSN_HVC(1) }, { "hvc-ffff", INSN_HVC(0xffffu) },
        { "smc-1", INSN_SMC(1) }, { "smc-ffff", INSN_SMC(0xffffu) },
    };
    static const struct {
        const char *name;
        uint32_t fn;
    } system[] = {
        { "off", PSCI_SYSTEM_OFF }, { "reset", PSCI_SYSTEM_RESET },
        { "reset2", 0x84000012 }, { "reset2-64", 0xc4000012 },
    };

    if (!hypsec_lib_init(&argc, &argv)) {
        return EXIT_FAILURE;
    }
    qtest_add_func(PROGRAM "/wfx/wfi", test_wfi);
    add_on_max("wfx", "wfi", (OnMax){ .plain = test_wfi });
    add("wfx", "deadline", &no, test_wfi_deadline);
    add("wfx", "masked-timer", &yes, test_wfi_deadline);
    qtest_add_func(PROGRAM "/wfx/offset", test_wfi_offset);
    for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
        add("G47/hvc", functions[i].name, &functions[i], test_hvc);
        add("G56/smc", functions[i].name, &functions[i], test_smc);
    }
    for (size_t i = 0; i < ARRAY_SIZE(immediates); i++) {
        add("immediate", immediates[i].name, &immediates[i].insn,
            test_immediate);
    }
    qtest_add_func(PROGRAM "/G58/nothing-stays", test_nothing_stays);
    qtest_add_func(PROGRAM "/psci/cpu-off", test_cpu_off);
    for (size_t i = 0; i < ARRAY_SIZE(system); i++) {
        add("psci/system", system[i].name, &system[i].fn, test_system);
    }
    for (size_t i = 0; i < ARRAY_SIZE(accesses); i++) {
        add("G45/mmio", accesses[i].name, &accesses[i], test_access);
        add("G48/nothing-there", accesses[i].name, &accesses[i],
            test_access_refused);
    }
    qtest_add_func(PROGRAM "/mmio/address", test_access_address);
    for (size_t i = 0; i < ARRAY_SIZE(undecoded); i++) {
        add_twice("G46/undecoded", undecoded[i].name, &undecoded[i],
                  test_undecoded);
    }
    qtest_add_func(PROGRAM "/G46/fetch", test_fetch_mmio);
    qtest_add_func(PROGRAM "/memory/beyond", test_beyond);
    for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
        add("memory", faults[i].name, &faults[i], test_fault);
    }
    qtest_add_func(PROGRAM "/memory/unanswered", test_fault_unanswered);
    for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
        add("G56b/mrs", hosts[i].name, &hosts[i], test_sysreg_read);
        add("G56b/msr", hosts[i].name, &hosts[i], test_sysreg_write);
    }
    for (size_t i = 0; i < ARRAY_SIZE(hidden); i++) {
        add_twice("G59/hidden", hidden[i].name, &hidden[i], test_hidden);
    }
    for (size_t i = 0; i < ARRAY_SIZE(asynchronous); i++) {
        add_twice("G61/asynchronous", asynchronous[i].name, &asynchronous[i],
                  test_asynchronous);
    }
    for (size_t i = 0; i < ARRAY_SIZE(id_registers); i++) {
        add_twice("G59/id", id_registers[i].name, &id_registers[i],
                  test_id_register);
    }
    add_on_max("G59", "id-space", (OnMax){ .plain = test_id_space });
    for (size_t i = 0; i < ARRAY_SIZE(undefined); i++) {
        add_twice("G49/undefined", undefined[i].name, &undefined[i],
                  test_undefined);
    }
    qtest_add_func(PROGRAM "/G50/reset-values", test_reset_values);
    add_on_max("G50", "reset-values", (OnMax){ .plain = test_reset_values });
    add("timer", "asserted", &no, test_timer);
    add("timer", "masked", &yes, test_timer);
    qtest_add_func(PROGRAM "/timer/offset", test_counter);
    qtest_add_func(PROGRAM "/timer/G52", test_g52);
    qtest_add_func(PROGRAM "/G53/once", test_g53);
    qtest_add_func(PROGRAM "/aarch32/thumb", test_thumb);
    for (size_t i = 0; i < ARRAY_SIZE(sgis); i++) {
        add("gicv3/G56b", sgis[i].name, &sgis[i], test_sgi);
    }
    qtest_add_func(PROGRAM "/gicv3/list-registers", test_list_registers);
    qtest_add_func(PROGRAM "/debug/brk", test_brk);
    qtest_add_func(PROGRAM "/debug/brk-el0", test_brk_el0);
    add_on_max("debug", "brk", (OnMax){ .plain = test_brk });
    qtest_add_func(PROGRAM "/G55/classes", test_classes_halt);
    add_on_max("G55", "classes", (OnMax){ .plain = test_classes });
    return hypsec_lib_run();
}
