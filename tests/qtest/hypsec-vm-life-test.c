/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of a VM: made, loaded, verified, run, powered off, destroyed, its
 * id used again; and everything that a host may try out of order.
 */
#include "qemu/osdep.h"
#include "hypsec-vm.h"

#define PROGRAM "hypsec-vm-life"

static const HypsecConfig two_cpus = { .cpus = 2 };
static const HypsecConfig eight_cpus = { .cpus = 8 };

/*
 * The scenes of the attacks; VM is what all of them are about. Each goes one
 * step further than the one before.
 */
#define VM          1
#define FREE        HYPSEC_VM_SPARE
#define FREE_GPA    HYPSEC_VM_UNMAPPED
#define DEVICE_GPA  UINT64_C(0x0a000000)

static HypsecVm vm;

static HypsecSigned *images(void)
{
    static HypsecSigned *is;

    if (!is) {
        is = hypsec_signed("park2");
    }
    return is;
}

static void make_registered(HypsecBoard *board)
{
    vm = hypsec_vm_register(board, images(), 1);
    g_assert_cmpuint(vm.id, ==, VM);
}

static void make_announced(HypsecBoard *board)
{
    make_registered(board);
    hypsec_vm_announce(board, &vm, images());
    g_assert_cmpint(hypsec_vm_manifest(board, &vm, images()), ==, HYPSEC_OK);
}

static void make_loaded(HypsecBoard *board)
{
    make_announced(board);
    hypsec_vm_load(board, &vm, images());
}

/* A part is hashed: EL2 says AGAIN. */
static void make_half_verified(HypsecBoard *board)
{
    g_autoptr(HypsecSigned) five = hypsec_signed("five");

    vm = hypsec_vm_loaded(board, five, 1);
    g_assert_cmpuint(vm.id, ==, VM);
    g_assert_cmpint(hypsec_call(board, 0, HYPSEC_HVC_VERIFY_VM_IMAGES, VM, 0,
                                0, 0), ==, HYPSEC_AGAIN);
}

static void make_verified(HypsecBoard *board)
{
    vm = hypsec_vm_boot(board, "park2", 1);
    g_assert_cmpuint(vm.id, ==, VM);
}

/* Its first vCPU has run. */
static void make_parked(HypsecBoard *board)
{
    vm = hypsec_vm_parked(board, "park2", 1);
    g_assert_cmpuint(vm.id, ==, VM);
}

/* vCPU 0 makes a PSCI call that the host answers with @x0. */
static void psci(HypsecBoard *board, uint32_t fn, uint64_t x0)
{
    static const uint32_t code = INSN_HVC(0);
    HypsecRun run = { .x = { fn }, .code = &code, .count = 1 };
    HypsecExit e;

    hypsec_guest_start(board, &vm, 0, &run);
    e = hypsec_vcpu_run(board, 0, &vm, 0);
    hypsec_assert_exit(board, &e, .result = HYPSEC_EXIT_TRAP,
                       .esr = HYPSEC_EC(EC_HVC64), .mask = 1, .regs = { fn });
    hypsec_shared_set(board, &vm, 0, regs[0], x0);
}

static void make_off(HypsecBoard *board)
{
    make_parked(board);
    psci(board, PSCI_SYSTEM_OFF, 0);
    g_assert_cmpuint(hypsec_vm_state(board, VM), ==, VM_POWEROFF);
}

static void make_destroyed(HypsecBoard *board)
{
    make_parked(board);
    hypsec_vm_destroy(board, VM);
}

/* Another one with the same id, of which nothing is there yet. */
static void make_reused(HypsecBoard *board)
{
    make_destroyed(board);
    g_assert_cmpuint(hypsec_vm(board), ==, VM);
}

/* What is called in the wrong state. */

typedef struct Call {
    uint64_t nr;
    uint64_t x[4];
} Call;

static void call(HypsecBoard *board, HypsecAttempt *attempt, const void *data)
{
    const Call *c = data;

    hypsec_attempt_call(attempt, c->nr, c->x[0], c->x[1], c->x[2], c->x[3]);
}

static const Call register_vcpu0 = { HYPSEC_HVC_REGISTER_VCPU, { VM, 0 } };
static const Call register_vcpu2 = { HYPSEC_HVC_REGISTER_VCPU, { VM, 2 } };
static const Call set_boot_info = {
    HYPSEC_HVC_SET_BOOT_INFO, { VM, FREE_GPA, HYPSEC_PAGE },
};
static const Call remap = {
    HYPSEC_HVC_REMAP_VM_IMAGE, { VM, FREE / HYPSEC_PAGE, 0 },
};
static const Call ioremap = {
    HYPSEC_HVC_PHYS_ADDR_IOREMAP, { VM, DEVICE_GPA, HYPSEC_UART0, HYPSEC_PAGE },
};
static const Call set_manifest = {
    HYPSEC_HVC_SET_MANIFEST, { VM, HYPSEC_VM_MANIFEST, 152 },
};
static const Call set_cntvoff = {
    HYPSEC_HVC_TIMER_SET_CNTVOFF, { VM, 0x1000 },
};
/* G65: each argument is checked, and not another one in its place. */
static const Call big_image = {
    HYPSEC_HVC_SET_BOOT_INFO, { VM, FREE_GPA, HYPSEC_IPA_END },
};
static const Call wild_pfn = {
    HYPSEC_HVC_REMAP_VM_IMAGE, { VM, HYPSEC_PFN_END + FREE / HYPSEC_PAGE, 0 },
};
static const Call wild_image = {
    HYPSEC_HVC_REMAP_VM_IMAGE, { VM, FREE / HYPSEC_PAGE, HYPSEC_MAX_IMAGES },
};
static const Call verify = { HYPSEC_HVC_VERIFY_VM_IMAGES, { VM } };
static const Call run0 = { HYPSEC_HVC_VCPU_RUN, { VM, 0 } };
static const Call run1 = { HYPSEC_HVC_VCPU_RUN, { VM, 1 } };
static const Call run2 = { HYPSEC_HVC_VCPU_RUN, { VM, 2 } };
static const Call clear = {
    HYPSEC_HVC_CLEAR_VM_S2_RANGE, { VM, 0, HYPSEC_IPA_END },
};
static const Call destroy = { HYPSEC_HVC_DESTROY_VM, { VM } };

/* One that a vCPU is ACTIVE in, on CPU 1. */
static void call_active(HypsecBoard *board, HypsecAttempt *attempt,
                        const void *data)
{
    hypsec_vcpu_spin(board, 1, &vm, 0);
    call(board, attempt, data);
}

/* Its page is answered for once the other vCPU has powered it off. */
static void off_while_it_waits(HypsecBoard *board, HypsecAttempt *attempt,
                               const void *data)
{
    static const uint32_t load = INSN_LDR(3, 0, 1);
    HypsecRun run = {
        .x = { 0, HYPSEC_VM_UNMAPPED }, .code = &load, .count = 1,
    };
    HypsecExit e;

    hypsec_vcpu_on(board, 0, &vm, 1);
    hypsec_guest_start(board, &vm, 1, &run);
    e = hypsec_vcpu_run(board, 0, &vm, 1);
    g_assert_cmphex(e.v.fault_ipa, ==, HYPSEC_VM_UNMAPPED);
    psci(board, PSCI_SYSTEM_OFF, 0);
    hypsec_shared_set(board, &vm, 1, new_pte, FREE);
    hypsec_shared_set(board, &vm, 1, new_level, 3);
    call(board, attempt, data);
}

static void free_is_the_hosts(HypsecBoard *board, const void *data)
{
    hypsec_assert_hosts(board, 0, FREE);
}

static void one_vcpu_missing(HypsecBoard *board, HypsecAttempt *attempt,
                             const void *data)
{
    g_autoptr(HypsecSigned) is = hypsec_signed("park2");

    is->vcpus = 1;
    hypsec_vm_loaded(board, is, 1);
    call(board, attempt, data);
}

static void one_vcpu_too_many(HypsecBoard *board, HypsecAttempt *attempt,
                              const void *data)
{
    g_autoptr(HypsecSigned) is = hypsec_signed("park2");

    is->vcpus = 3;
    hypsec_vm_loaded(board, is, 1);
    call(board, attempt, data);
}

static void another_vcpu(HypsecBoard *board, HypsecAttempt *attempt,
                         const void *data)
{
    g_autoptr(HypsecSigned) is = hypsec_signed("park2");

    is->vcpus = 1;
    vm = hypsec_vm_loaded(board, is, 1);
    g_assert_cmpint(hypsec_call(board, 0, HYPSEC_HVC_REGISTER_VCPU, VM, 2, 0,
                                0), ==, HYPSEC_OK);
    call(board, attempt, data);
}

static void no_vcpu(HypsecBoard *board, HypsecAttempt *attempt,
                    const void *data)
{
    g_autoptr(HypsecSigned) is = hypsec_signed("park2");

    is->vcpus = 0;
    hypsec_vm_loaded(board, is, 1);
    call(board, attempt, data);
}

static void no_manifest(HypsecBoard *board, HypsecAttempt *attempt,
                        const void *data)
{
    hypsec_vm_announce(board, &vm, images());
    hypsec_vm_load(board, &vm, images());
    call(board, attempt, data);
}

static void one_page_missing(HypsecBoard *board, HypsecAttempt *attempt,
                             const void *data)
{
    for (int i = 0; i < PARK_VM_BYTES / HYPSEC_PAGE - 1; i++) {
        hypsec_vm_give(board, VM, 0, HYPSEC_VM_PA(1) + i * HYPSEC_PAGE);
    }
    call(board, attempt, data);
}

static const HypsecAttack attacks[] = {
    /* UNUSED */
    { "unused/register-vcpu", NULL, call, .data = &register_vcpu0,
      .result = HYPSEC_DENIED },
    { "unused/set-boot-info", NULL, call, .data = &set_boot_info,
      .result = HYPSEC_DENIED },
    { "unused/remap", NULL, call, .data = &remap, .result = HYPSEC_DENIED },
    { "unused/ioremap", NULL, call, .data = &ioremap,
      .result = HYPSEC_DENIED },
    { "unused/set-manifest", NULL, call, .data = &set_manifest,
      .result = HYPSEC_DENIED },
    { "unused/set-cntvoff", NULL, call, .data = &set_cntvoff,
      .result = HYPSEC_DENIED },
    { "unused/verify", NULL, call, .data = &verify, .result = HYPSEC_DENIED },
    { "unused/G13/run", NULL, call, .data = &run0, .result = HYPSEC_DENIED },
    { "unused/clear", NULL, call, .data = &clear, .result = HYPSEC_DENIED },
    { "unused/destroy", NULL, call, .data = &destroy,
      .result = HYPSEC_DENIED },

    /* READY, step by step */
    { "registered/register-vcpu-again", make_registered, call,
      .data = &register_vcpu0, .result = HYPSEC_BUSY },
    { "registered/verify", make_registered, call, .data = &verify,
      .result = HYPSEC_DENIED },
    { "registered/G13/run", make_registered, call, .data = &run0,
      .result = HYPSEC_DENIED },
    { "registered/run-no-vcpu", make_registered, call, .data = &run2,
      .result = HYPSEC_DENIED },
    { "registered/clear", make_registered, call, .data = &clear,
      .result = HYPSEC_DENIED },
    { "announced/verify", make_announced, call, .data = &verify,
      .result = HYPSEC_DENIED },
    { "announced/verify-one-page-missing", make_announced, one_page_missing,
      .data = &verify, .result = HYPSEC_DENIED },
    { "announced/run", make_announced, call, .data = &run0,
      .result = HYPSEC_DENIED },
    { "loaded/G13/run", make_loaded, call, .data = &run0,
      .result = HYPSEC_DENIED },
    { "announced/G65/image-size", make_announced, call, .data = &big_image,
      .result = HYPSEC_INVALID },
    { "announced/G65/pfn", make_announced, call, .data = &wild_pfn,
      .result = HYPSEC_INVALID },
    { "announced/G65/image", make_announced, call, .data = &wild_image,
      .result = HYPSEC_INVALID },
    { "loaded/clear", make_loaded, call, .data = &clear,
      .result = HYPSEC_DENIED },
    { "loaded/verify-without-a-manifest", make_registered, no_manifest,
      .data = &verify, .result = HYPSEC_DENIED },
    { "loaded/verify-without-vcpus", NULL, no_vcpu, .data = &verify,
      .result = HYPSEC_DENIED },
    { "loaded/verify-with-a-vcpu-missing", NULL, one_vcpu_missing,
      .data = &verify, .result = HYPSEC_DENIED },
    { "loaded/verify-with-a-vcpu-too-many", NULL, one_vcpu_too_many,
      .data = &verify, .result = HYPSEC_DENIED },
    { "loaded/verify-with-another-vcpu", NULL, another_vcpu,
      .data = &verify, .result = HYPSEC_DENIED },
    { "half-verified/run", make_half_verified, call, .data = &run0,
      .result = HYPSEC_DENIED },
    { "half-verified/clear", make_half_verified, call, .data = &clear,
      .result = HYPSEC_DENIED },

    /* VERIFIED */
    { "verified/G42/register-vcpu", make_verified, call,
      .data = &register_vcpu2, .result = HYPSEC_DENIED },
    { "verified/G42/register-vcpu-again", make_verified, call,
      .data = &register_vcpu0, .result = HYPSEC_DENIED },
    { "verified/set-boot-info", make_verified, call, .data = &set_boot_info,
      .result = HYPSEC_DENIED },
    { "verified/remap", make_verified, call, .data = &remap,
      .result = HYPSEC_DENIED },
    { "verified/ioremap", make_verified, call, .data = &ioremap,
      .result = HYPSEC_DENIED },
    { "verified/set-manifest", make_verified, call, .data = &set_manifest,
      .result = HYPSEC_DENIED },
    { "verified/G60/set-cntvoff", make_verified, call, .data = &set_cntvoff,
      .result = HYPSEC_DENIED },
    { "verified/verify", make_verified, call, .data = &verify,
      .result = HYPSEC_DENIED },
    { "verified/G20/clear", make_verified, call, .data = &clear,
      .result = HYPSEC_DENIED },
    { "verified/run-a-vcpu-that-is-off", make_verified, call, .data = &run1,
      .result = HYPSEC_BUSY },
    { "verified/run-no-vcpu", make_verified, call, .data = &run2,
      .result = HYPSEC_DENIED },

    /* Running */
    { "running/G20/clear", make_parked, call_active, .data = &clear,
      .result = HYPSEC_DENIED },
    { "running/G21/destroy", make_parked, call_active, .data = &destroy,
      .result = HYPSEC_BUSY },
    { "running/run-it-twice", make_parked, call_active, .data = &run0,
      .result = HYPSEC_BUSY },
    { "running/G42/register-vcpu-again", make_parked, call_active,
      .data = &register_vcpu0, .result = HYPSEC_DENIED },
    { "running/verify", make_parked, call_active, .data = &verify,
      .result = HYPSEC_DENIED },

    /* POWEROFF */
    { "off/G21/run", make_off, call, .data = &run0,
      .result = HYPSEC_BUSY },
    { "off/G21/run-another-vcpu", make_off, call, .data = &run1,
      .result = HYPSEC_BUSY },
    { "off/G21/run-with-a-page", make_parked, off_while_it_waits,
      free_is_the_hosts, .data = &run1, .result = HYPSEC_BUSY },
    { "off/register-vcpu", make_off, call, .data = &register_vcpu2,
      .result = HYPSEC_DENIED },
    { "off/set-boot-info", make_off, call, .data = &set_boot_info,
      .result = HYPSEC_DENIED },
    { "off/remap", make_off, call, .data = &remap, .result = HYPSEC_DENIED },
    { "off/ioremap", make_off, call, .data = &ioremap,
      .result = HYPSEC_DENIED },
    { "off/set-manifest", make_off, call, .data = &set_manifest,
      .result = HYPSEC_DENIED },
    { "off/set-cntvoff", make_off, call, .data = &set_cntvoff,
      .result = HYPSEC_DENIED },
    { "off/verify", make_off, call, .data = &verify,
      .result = HYPSEC_DENIED },

    /* Gone, and the id used again */
    { "destroyed/run", make_destroyed, call, .data = &run0,
      .result = HYPSEC_DENIED },
    { "destroyed/verify", make_destroyed, call, .data = &verify,
      .result = HYPSEC_DENIED },
    { "destroyed/destroy", make_destroyed, call, .data = &destroy,
      .result = HYPSEC_DENIED },
    { "reused/run", make_reused, call, .data = &run0,
      .result = HYPSEC_DENIED },
    { "reused/verify", make_reused, call, .data = &verify,
      .result = HYPSEC_DENIED },
};

/* G6: numbers of VMs and vCPUs that do not exist. */

static const uint64_t no_vms[] = {
    0, 16, 17, 18, 255, 256, 0xffffffff, 1ULL << 32, (1ULL << 32) + VM,
    1ULL << 63, UINT64_MAX,
};

static const uint64_t no_vcpus[] = {
    8, 9, 255, 256, 0x7fffffff, 0x80000000, 0xffffffff, 1ULL << 32,
    (1ULL << 63) + 1, UINT64_MAX,
};

static const uint64_t vcpu_calls[] = {
    HYPSEC_HVC_REGISTER_VCPU, HYPSEC_HVC_VCPU_RUN,
};

static const uint64_t vm_calls[] = {
    HYPSEC_HVC_REGISTER_VCPU, HYPSEC_HVC_VCPU_RUN,
    HYPSEC_HVC_TIMER_SET_CNTVOFF, HYPSEC_HVC_VERIFY_VM_IMAGES,
    HYPSEC_HVC_SET_MANIFEST,
};

/* All numbers in one test; two of them as attacks, which also halt. */
static void check_numbers(HypsecBoard *board, const uint64_t *numbers,
                          size_t n, uint64_t nr, bool vcpus)
{
    g_autoptr(HypsecState) before = hypsec_state(board);

    for (size_t i = 0; i < n; i++) {
        g_assert_cmpint(hypsec_call(board, 0, nr, vcpus ? VM : numbers[i],
                                    vcpus ? numbers[i] : 0, 0, 0), ==,
                        HYPSEC_INVALID);
    }
    hypsec_assert_state(board, before);
    g_assert_cmpuint(hypsec_counters(board, 0).refusals, ==, n);
}

static void test_no_vms(const void *data)
{
    HypsecBoard *board = hypsec_board(&two_cpus);

    make_verified(board);
    check_numbers(board, no_vms, ARRAY_SIZE(no_vms), *(const uint64_t *)data,
                  false);
}

static void test_no_vcpus(const void *data)
{
    uint64_t nr = *(const uint64_t *)data;
    HypsecBoard *board = hypsec_board(&two_cpus);

    if (nr == HYPSEC_HVC_VCPU_RUN) {
        make_verified(board);
    } else {
        make_registered(board);
    }
    check_numbers(board, no_vcpus, ARRAY_SIZE(no_vcpus), nr, true);
}

static void add_number(uint64_t nr, const char *what, uint64_t x1,
                       uint64_t x2)
{
    Call *data = g_new(Call, 1);
    HypsecAttack *attack = g_new(HypsecAttack, 1);

    *data = (Call){ nr, { x1, x2 } };
    *attack = (HypsecAttack){
        g_strdup_printf("G6/call-%" PRIu64 "/%s", nr, what),
        nr == HYPSEC_HVC_VCPU_RUN ? make_verified : make_registered,
        call, .data = data, .result = HYPSEC_INVALID,
    };
    hypsec_add_attack(PROGRAM, attack);
}

static void add_numbers(void)
{
    for (size_t c = 0; c < ARRAY_SIZE(vm_calls); c++) {
        g_autofree char *path = g_strdup_printf(PROGRAM "/G6/vms/call-%"
                                                PRIu64, vm_calls[c]);

        qtest_add_data_func(path, &vm_calls[c], test_no_vms);
        add_number(vm_calls[c], "host", 0, 0);
        add_number(vm_calls[c], "corevisor", HYPSEC_COREVISOR, 0);
    }
    for (size_t c = 0; c < ARRAY_SIZE(vcpu_calls); c++) {
        g_autofree char *path = g_strdup_printf(PROGRAM "/G6/vcpus/call-%"
                                                PRIu64, vcpu_calls[c]);

        qtest_add_data_func(path, &vcpu_calls[c], test_no_vcpus);
        add_number(vcpu_calls[c], "ninth-vcpu", VM, HYPSEC_MAX_VCPUS);
    }
}

/* What an honest host gets for the same calls. */

/* Each state is followed by the next, and nothing is skipped. */
static void test_in_order(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    int64_t x0;

    g_assert_cmpuint(hypsec_vm_state(board, VM), ==, VM_UNUSED);
    make_registered(board);
    g_assert_cmpuint(hypsec_vm_state(board, VM), ==, VM_READY);
    hypsec_vm_announce(board, &vm, images());
    g_assert_cmpint(hypsec_vm_manifest(board, &vm, images()), ==, HYPSEC_OK);
    hypsec_vm_load(board, &vm, images());
    g_assert_cmpuint(hypsec_vm_state(board, VM), ==, VM_READY);
    g_assert_cmpint(hypsec_vm_verify(board, &vm, NULL), ==, HYPSEC_OK);
    g_assert_cmpuint(hypsec_vm_state(board, VM), ==, VM_VERIFIED);
    hypsec_check_tables(board);
    hypsec_vcpu_run(board, 0, &vm, 0);
    g_assert_cmpuint(hypsec_vm_state(board, VM), ==, VM_VERIFIED);
    psci(board, PSCI_SYSTEM_OFF, 0);
    g_assert_cmpuint(hypsec_vm_state(board, VM), ==, VM_POWEROFF);
    do {
        x0 = hypsec_call(board, 0, clear.nr, VM, 0, HYPSEC_IPA_END, 0);
    } while (x0 == HYPSEC_AGAIN);
    g_assert_cmpint(x0, ==, HYPSEC_OK);
    hypsec_assert_scrubbed(board, 1, vm.pa);
    hypsec_vm_destroy(board, VM);
    g_assert_cmpuint(hypsec_vm_state(board, VM), ==, VM_UNUSED);
    hypsec_check_tables(board);
    g_assert_cmpuint(hypsec_counters(board, 0).refusals, ==, 0);
}

static void assert_pages_scrubbed(HypsecBoard *board, unsigned int pages)
{
    for (unsigned int i = 0; i < pages; i++) {
        hypsec_assert_scrubbed(board, 1, vm.pa + i * HYPSEC_PAGE);
    }
}

typedef struct Stage {
    const char *path;
    void (*make)(HypsecBoard *board);
    unsigned int pages;
} Stage;

static const Stage stages[] = {
    { "registered", make_registered, 0 },
    { "announced", make_announced, 0 },
    { "loaded", make_loaded, 9 },
    { "half-verified", make_half_verified, 54 },
    { "verified", make_verified, 9 },
    { "parked", make_parked, 9 },
    { "off", make_off, 9 },
};

/* G22: the host gets rid of a VM in any state, and gets its pages, scrubbed. */
static void test_destroy(const void *data)
{
    const Stage *stage = data;
    HypsecBoard *board = hypsec_board(&two_cpus);

    stage->make(board);
    hypsec_vm_destroy(board, VM);
    g_assert_cmpuint(hypsec_vm_state(board, VM), ==, VM_UNUSED);
    assert_pages_scrubbed(board, stage->pages);
    hypsec_check_tables(board);
    /* The next one is not mixed up with it. */
    make_parked(board);
    hypsec_check_tables(board);
}

/* G22: one that does nothing, and one that waits for a page. */
static void test_destroy_hung(void)
{
    static const uint32_t load = INSN_LDR(3, 0, 1);
    HypsecBoard *board = hypsec_board(&two_cpus);
    HypsecEvent irq = hypsec_event(HYPSEC_INJECT_IRQ, 1);
    HypsecRun run = {
        .x = { 0, HYPSEC_VM_UNMAPPED }, .code = &load, .count = 1,
    };
    HypsecExit e;

    make_parked(board);
    hypsec_vcpu_spin(board, 1, &vm, 0);
    irq = hypsec_vm_event(irq, &vm);
    hypsec_try(board, &irq);
    e = hypsec_vcpu_wait(board, 1, &vm, 0);
    g_assert_cmpint(e.result, ==, HYPSEC_EXIT_IRQ);
    hypsec_vm_destroy(board, VM);
    assert_pages_scrubbed(board, 9);

    make_parked(board);
    hypsec_guest_start(board, &vm, 0, &run);
    e = hypsec_vcpu_run(board, 0, &vm, 0);
    g_assert_cmphex(e.v.fault_ipa, ==, HYPSEC_VM_UNMAPPED);
    hypsec_vm_destroy(board, VM);
    assert_pages_scrubbed(board, 9);
    /* What it waited for is nobody's; the next VM does not ask for it. */
    make_parked(board);
}

/* G23: ids are used again, and begin anew each time. */
static void test_reuse(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);

    for (int i = 0; i < 20; i++) {
        HypsecRun run = { .count = 0 };
        const uint64_t at = HYPSEC_GPA + PARK_VM_MAILBOXES + PARK_X;

        vm = hypsec_vm_parked(board, i % 2 ? "park1" : "park8", 1 + i % 3);
        g_assert_cmpuint(vm.id, ==, VM);
        for (int x = 0; x < PARK_NR_X; x++) {
            run.x[x] = 0x11fe000000000000ULL + i * 0x1000 + x;
        }
        g_assert_true(hypsec_guest(board, i % 2, &vm, 0, &run));
        g_assert_cmphex(qtest_readq(board->qts,
                                    hypsec_vm_to_pa(board, &vm, at)), ==,
                        run.x[0]);
        hypsec_vm_destroy(board, VM);
    }
    hypsec_check_tables(board);
}

/*
 * G41: at its first run a vCPU has the manifest's entry and context and zeroes
 * in all other registers, whatever the host and the id's last VM had there.
 */
static void check_first_run(HypsecBoard *board, unsigned int vcpu,
                            uint64_t pc, uint64_t x0)
{
    HypsecReturn r = hypsec_vcpu_enter(board, 0, &vm, vcpu);

    g_assert_true(hypsec_in_vm(&r, &vm));
    g_assert_cmphex(r.c.pc, ==, pc);
    g_assert_cmphex(r.c.pstate, ==, PSTATE_EL1H);
    g_assert_cmphex(r.c.x[0], ==, x0);
    for (int i = 1; i < 31; i++) {
        g_assert_cmphex(r.c.x[i], ==, 0);
    }
    g_assert_cmphex(r.c.sp_el0, ==, 0);
    g_assert_cmphex(r.c.sp_el1, ==, 0);
    g_assert_cmphex(r.c.elr_el1, ==, 0);
    g_assert_cmphex(r.c.spsr_el1, ==, 0);
    g_assert_cmphex(r.c.esr_el1, ==, 0);
    g_assert_cmphex(r.c.far_el1, ==, 0);
    g_assert_cmphex(r.c.vbar_el1, ==, 0);
    /* It goes on to its wait, and the host to its own. */
    hypsec_vcpu_left(board, &vm, vcpu);
}

static void test_first_run(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);

    make_destroyed(board);
    vm = hypsec_vm_boot(board, "five", 2);
    /* The code is image 1. */
    check_first_run(board, 0, HYPSEC_GPA, 0x1122334455667788);
}

/* G41: the others have what CPU_ON said. The host's say is not asked for. */
static void test_first_run_secondary(void)
{
    static const uint32_t code = INSN_HVC(0);
    HypsecBoard *board = hypsec_board(&two_cpus);
    HypsecRun run = {
        .x = { PSCI_CPU_ON | PSCI_64, 1, HYPSEC_GPA + 0x40,
               0xc0de00000000c0de },
        .code = &code, .count = 1,
    };
    HypsecExit e;

    make_parked(board);
    hypsec_guest_start(board, &vm, 0, &run);
    e = hypsec_vcpu_run(board, 0, &vm, 0);
    g_assert_cmphex(e.v.regs[2], ==, HYPSEC_GPA + 0x40);
    for (int i = 0; i < 4; i++) {
        hypsec_shared_set(board, &vm, 0, regs[i], 0xbad0000 + i);
        hypsec_shared_set(board, &vm, 1, regs[i], 0xbad0000 + i);
    }
    check_first_run(board, 1, HYPSEC_GPA + 0x40, 0xc0de00000000c0de);
}

/* 15 VMs of 8 vCPUs, each of which runs, on eight CPUs at once; no more. */
static void test_all(void)
{
    HypsecBoard *board = hypsec_board_new(&eight_cpus);
    HypsecVm vms[HYPSEC_MAX_VMS];

    for (unsigned int i = 0; i < HYPSEC_MAX_VMS; i++) {
        vms[i] = hypsec_vm_parked(board, "park8", i + 1);
        g_assert_cmpuint(vms[i].id, ==, i + 1);
        for (unsigned int vcpu = 1; vcpu < HYPSEC_MAX_VCPUS; vcpu++) {
            hypsec_vcpu_on(board, vcpu, &vms[i], vcpu);
        }
    }
    g_assert_cmpint(hypsec_call(board, 0, HYPSEC_HVC_REGISTER_KVM, 0, 0, 0,
                                0), ==, HYPSEC_NO_MEMORY);
    /* Each CPU runs vCPUs of all VMs, all CPUs at once. */
    for (unsigned int i = 0; i < HYPSEC_MAX_VMS; i++) {
        HypsecRun runs[HYPSEC_MAX_VCPUS];

        for (unsigned int cpu = 0; cpu < board->cpus; cpu++) {
            HypsecVm *v = &vms[(i + cpu) % HYPSEC_MAX_VMS];

            runs[cpu] = (HypsecRun){ .x = { v->id, cpu, i } };
            hypsec_guest_start(board, v, cpu, &runs[cpu]);
            hypsec_vcpu_start(board, cpu, v, cpu);
        }
        for (unsigned int cpu = 0; cpu < board->cpus; cpu++) {
            HypsecVm *v = &vms[(i + cpu) % HYPSEC_MAX_VMS];
            HypsecExit e = hypsec_vcpu_wait(board, cpu, v, cpu);

            hypsec_assert_yield(board, &e);
            g_assert_true(hypsec_guest_take(board, v, cpu, &runs[cpu]));
            g_assert_cmphex(runs[cpu].x[0], ==, v->id);
            g_assert_cmphex(runs[cpu].x[1], ==, cpu);
            g_assert_cmphex(runs[cpu].x[2], ==, i);
        }
    }
    hypsec_check_tables(board);
    for (unsigned int i = 0; i < HYPSEC_MAX_VMS; i++) {
        hypsec_vm_destroy(board, vms[i].id);
    }
    g_assert_cmpuint(hypsec_vm(board), ==, 1);
    hypsec_board_free(board);
}

/*
 * Hashing begins anew for a VM with an id whose last owner was half done: the
 * new one's first page is not the one that was hashed.
 */
static void test_hashing_restarts(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    g_autoptr(HypsecSigned) five = hypsec_signed("five");
    unsigned int calls, again;

    make_half_verified(board);
    hypsec_vm_destroy(board, VM);
    five->image[0].data[0] ^= 1;
    vm = hypsec_vm_loaded(board, five, 1);
    g_assert_cmpint(hypsec_vm_verify(board, &vm, NULL), ==, HYPSEC_DENIED);
    hypsec_vm_destroy(board, VM);
    /* And takes as many calls as ever. */
    five->image[0].data[0] ^= 1;
    vm = hypsec_vm_loaded(board, five, 1);
    g_assert_cmpint(hypsec_vm_verify(board, &vm, &calls), ==, HYPSEC_OK);
    g_assert_cmpuint(calls, >, 2);
    hypsec_vm_destroy(board, VM);
    make_half_verified(board);
    g_assert_cmpint(hypsec_vm_verify(board, &vm, &again), ==, HYPSEC_OK);
    g_assert_cmpuint(again, ==, calls - 1);
}

/* G28: there is no window that images use up, however many there are. */
static void test_g28(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);

    for (int i = 0; i < 60; i++) {
        uint64_t id = hypsec_vm(board);

        for (uint64_t idx = 0; idx < HYPSEC_MAX_IMAGES; idx++) {
            hypsec_vm_image(board, id, HYPSEC_GPA + idx * HYPSEC_BLOCK,
                            HYPSEC_PAGE);
            hypsec_vm_give(board, id, idx, FREE + idx * HYPSEC_PAGE);
        }
        hypsec_vm_destroy(board, id);
    }
    hypsec_check_tables(board);
    make_parked(board);
}

/*
 * G36: a page that was an image's and came back is the host's alone: what it
 * writes there is no part of the next VM, whose image lies elsewhere.
 */
static void test_g36(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    uint64_t old = HYPSEC_VM_PA(1);

    make_parked(board);
    hypsec_vm_destroy(board, VM);
    for (unsigned int i = 0; i < PARK_VM_BYTES / HYPSEC_PAGE; i++) {
        g_assert_true(hypsec_host_store(board, 1, old + i * HYPSEC_PAGE,
                                        0xbadbadbad));
    }
    vm = hypsec_vm_parked(board, "park2", 2);
    for (unsigned int i = 0; i < PARK_VM_BYTES / HYPSEC_PAGE; i++) {
        hypsec_assert_hosts(board, 0, old + i * HYPSEC_PAGE);
    }
    g_assert_true(hypsec_guest(board, 1, &vm, 0,
                               &(HypsecRun){ .x = { 0 } }));
    hypsec_check_tables(board);
}

int main(int argc, char **argv)
{
    if (!hypsec_lib_init(&argc, &argv)) {
        return EXIT_FAILURE;
    }
    qtest_add_func(PROGRAM "/in-order", test_in_order);
    for (size_t i = 0; i < ARRAY_SIZE(stages); i++) {
        g_autofree char *path = g_strdup_printf(PROGRAM "/G22/destroy/%s",
                                                stages[i].path);

        qtest_add_data_func(path, &stages[i], test_destroy);
    }
    qtest_add_func(PROGRAM "/G22/destroy/hung", test_destroy_hung);
    qtest_add_func(PROGRAM "/G23/reuse", test_reuse);
    qtest_add_func(PROGRAM "/G28/images-for-ever", test_g28);
    qtest_add_func(PROGRAM "/G36/images-of-before", test_g36);
    qtest_add_func(PROGRAM "/G41/first-run", test_first_run);
    qtest_add_func(PROGRAM "/G41/first-run-secondary",
                   test_first_run_secondary);
    qtest_add_func(PROGRAM "/G39/hashing-restarts", test_hashing_restarts);
    for (size_t i = 0; i < ARRAY_SIZE(attacks); i++) {
        hypsec_add_attack(PROGRAM, &attacks[i]);
    }
    add_numbers();
    qtest_add_func(PROGRAM "/G7/all", test_all);
    return hypsec_lib_run();
}
