/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VM that has run is saved as ciphertext and goes on: on its own board, on
 * another one with the same sealing key, and nowhere else. One vCPU waits for
 * its host's answer meanwhile.
 */
#include "qemu/osdep.h"
#include "hypsec/sealed.h"
#include "hypsec-vm.h"

#define PROGRAM     "hypsec-vm-save"

#define KEY(data)   "-object secret,id=k,data=" data
#define KEY_A       KEY("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
#define KEY_B       KEY("BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB")

#define PAGES_MAX   64
#define VCPUS       2
#define OUT         (HYPSEC_VM_SPARE + HYPSEC_BLOCK)
#define TAG         (OUT + HYPSEC_PAGE)
#define DEVICE      UINT64_C(0x0a000000)

#define NAME(op0, op1, crn, crm, op2) \
    (((op0) - 2) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))
#define MRS(name, rt)   (0xd5300000u | (name) << 5 | (rt))
#define MSR(name, rt)   (0xd5100000u | (name) << 5 | (rt))
#define CPACR_EL1       NAME(3, 0, 1, 0, 2)
#define CONTEXTIDR_EL1  NAME(3, 0, 13, 0, 1)
#define INSN_ISB        0xd5033fdfu
#define FMOV_D_X(d, x)  (0x9e670000u | (x) << 5 | (d))
#define FMOV_X_D(x, d)  (0x9e660000u | (d) << 5 | (x))

/* What the VM knows. */
#define SECRET      UINT64_C(0x5ec2e75ec2e75ec2)
#define FP_SECRET   UINT64_C(0x400921fb54442d18)
#define CONTEXT     UINT64_C(0x12345678)
#define ANSWER      UINT64_C(0x0123456789abcdef)

static const HypsecConfig board_a = {
    .machine = "sealing-key=k", .args = KEY_A,
};
static const HypsecConfig board_b = {
    .machine = "sealing-key=k", .args = KEY_B,
};

/* What a host keeps of a VM. */
typedef struct Saved {
    unsigned int nr_pages;
    uint8_t page[PAGES_MAX][4096];
    struct hypsec_sealed_page tag[PAGES_MAX];
    uint8_t vcpu[VCPUS][4096];
    struct hypsec_seal seal;
} Saved;

static int64_t call(HypsecBoard *board, uint64_t nr, uint64_t x1, uint64_t x2,
                    uint64_t x3, uint64_t x4)
{
    return hypsec_call(board, 0, nr, x1, x2, x3, x4);
}

static void must(HypsecBoard *board, uint64_t nr, uint64_t x1, uint64_t x2,
                 uint64_t x3, uint64_t x4)
{
    g_assert_cmpint(call(board, nr, x1, x2, x3, x4), ==, HYPSEC_OK);
}

/* The VM */

/* vCPU 0 has secrets in registers and in a page that it faulted in. */
static void fill_vcpu0(HypsecBoard *board, const HypsecVm *vm)
{
    static const uint32_t code[] = {
        MSR(CPACR_EL1, 0u), INSN_ISB, FMOV_D_X(9u, 1u),
        MSR(CONTEXTIDR_EL1, 2u), INSN_STR(3, 3, 4),
    };
    HypsecRun run = {
        .x = { 3 << 20, FP_SECRET, CONTEXT, SECRET, HYPSEC_VM_UNMAPPED },
        .code = code, .count = ARRAY_SIZE(code),
    };
    HypsecExit e;

    hypsec_guest_start(board, vm, 0, &run);
    e = hypsec_vcpu_run(board, 0, vm, 0);
    g_assert_cmphex(e.v.fault_ipa, ==, HYPSEC_VM_UNMAPPED);
    hypsec_shared_set(board, vm, 0, new_pte, HYPSEC_VM_SPARE);
    hypsec_shared_set(board, vm, 0, new_level, 3);
    hypsec_vcpu_idle(board, 0, vm, 0);
    g_assert_true(hypsec_guest_take(board, vm, 0, &run));
}

/* It still has them. */
static void check_vcpu0(HypsecBoard *board, const HypsecVm *vm)
{
    static const uint32_t code[] = {
        FMOV_X_D(1u, 9u), MRS(CONTEXTIDR_EL1, 2u), INSN_LDR(3, 3, 4),
    };
    HypsecRun run = {
        .x = { 0, 0, 0, 0, HYPSEC_VM_UNMAPPED },
        .code = code, .count = ARRAY_SIZE(code),
    };

    g_assert_true(hypsec_guest(board, 0, vm, 0, &run));
    g_assert_cmphex(run.x[1], ==, FP_SECRET);
    g_assert_cmphex(run.x[2], ==, CONTEXT);
    g_assert_cmphex(run.x[3], ==, SECRET);
}

/* What vCPU 1 is about, on whatever board. */
static HypsecRun asked;

/* vCPU 1 reads a device, and has no answer yet. */
static void ask_vcpu1(HypsecBoard *board, const HypsecVm *vm)
{
    static const uint32_t load = INSN_LDR(3, 0, 1);
    HypsecExit e;

    asked = (HypsecRun){ .x = { 0, DEVICE }, .code = &load, .count = 1 };
    hypsec_guest_start(board, vm, 1, &asked);
    e = hypsec_vcpu_run(board, 0, vm, 1);
    g_assert_cmphex(e.v.fault_ipa, ==, DEVICE);
}

static void answer_vcpu1(HypsecBoard *board, const HypsecVm *vm)
{
    hypsec_shared_set(board, vm, 1, regs[0], ANSWER);
    hypsec_vcpu_idle(board, 0, vm, 1);
    g_assert_true(hypsec_guest_take(board, vm, 1, &asked));
    g_assert_cmphex(asked.x[0], ==, ANSWER);
}

static HypsecVm make_vm(HypsecBoard *board)
{
    HypsecVm vm = hypsec_vm_parked(board, "park2", 1);

    fill_vcpu0(board, &vm);
    hypsec_vcpu_on(board, 0, &vm, 1);
    ask_vcpu1(board, &vm);
    return vm;
}

static void check_vm(HypsecBoard *board, const HypsecVm *vm)
{
    answer_vcpu1(board, vm);
    check_vcpu0(board, vm);
    /* And goes on as any other. */
    g_assert_true(hypsec_guest_insn(board, 0, vm, 1, INSN_NOP, 7, 0, 0, 0)
                  == 7);
}

/* What its host does */

static void save_page(HypsecBoard *board, const HypsecVm *vm, uint64_t pa,
                      Saved *s)
{
    unsigned int n = s->nr_pages++;

    g_assert_cmpuint(n, <, PAGES_MAX);
    must(board, HYPSEC_HVC_ENCRYPT_BUF, vm->id, pa, OUT, TAG);
    qtest_bufread(board->qts, OUT, s->page[n], HYPSEC_PAGE);
    qtest_bufread(board->qts, TAG, &s->tag[n], sizeof(s->tag[n]));
    hypsec_assert_scrubbed(board, 0, pa);
}

static void save_vm(HypsecBoard *board, const HypsecVm *vm, Saved *s)
{
    memset(s, 0, sizeof(*s));
    for (uint64_t pa = vm->pa; hypsec_page(board, pa).owner == vm->id;
         pa += HYPSEC_PAGE) {
        save_page(board, vm, pa, s);
    }
    save_page(board, vm, HYPSEC_VM_SPARE, s);
    for (unsigned int i = 0; i < VCPUS; i++) {
        must(board, HYPSEC_HVC_SAVE_CRYPT_VCPU, vm->id, i, 0, 0);
        qtest_bufread(board->qts, hypsec_shared(board, vm->id, i), s->vcpu[i],
                      HYPSEC_SHARED_STRIDE);
    }
    must(board, HYPSEC_HVC_SEAL_VM, vm->id, TAG, 0, 0);
    qtest_bufread(board->qts, TAG, &s->seal, sizeof(s->seal));
}

static int64_t begin(HypsecBoard *board, uint64_t vmid, const Saved *s)
{
    qtest_bufwrite(board->qts, TAG, &s->seal, sizeof(s->seal));
    return call(board, HYPSEC_HVC_BOOT_FROM_SAVED_VM, vmid, TAG, 0, 0);
}

static HypsecVm restore_vm(HypsecBoard *board, const Saved *s, unsigned int n)
{
    HypsecVm vm = {
        .id = hypsec_vm(board), .vcpus = VCPUS, .gpa = HYPSEC_GPA,
        .pa = HYPSEC_VM_PA(n),
    };

    for (unsigned int i = 0; i < VCPUS; i++) {
        must(board, HYPSEC_HVC_REGISTER_VCPU, vm.id, i, 0, 0);
    }
    g_assert_cmpint(begin(board, vm.id, s), ==, HYPSEC_OK);
    for (unsigned int i = 0; i < s->nr_pages; i++) {
        uint64_t pa = vm.pa + i * HYPSEC_PAGE;

        qtest_bufwrite(board->qts, pa, s->page[i], HYPSEC_PAGE);
        qtest_bufwrite(board->qts, TAG, &s->tag[i], sizeof(s->tag[i]));
        must(board, HYPSEC_HVC_DECRYPT_BUF, vm.id, pa, TAG, 0);
        hypsec_assert_gone(board, 0, pa);
    }
    for (unsigned int i = 0; i < VCPUS; i++) {
        qtest_bufwrite(board->qts, hypsec_shared(board, vm.id, i), s->vcpu[i],
                       HYPSEC_SHARED_STRIDE);
        must(board, HYPSEC_HVC_LOAD_CRYPT_VCPU, vm.id, i, 0, 0);
    }
    must(board, HYPSEC_HVC_VERIFY_VM_IMAGES, vm.id, 0, 0, 0);
    g_assert_cmpuint(hypsec_vm_state(board, vm.id), ==, VM_VERIFIED);
    return vm;
}

/* Nothing in it that the VM knows. */
static void check_ciphertext(const Saved *s)
{
    static const uint64_t secrets[] = { SECRET, FP_SECRET };

    for (unsigned int i = 0; i < ARRAY_SIZE(secrets); i++) {
        g_assert_null(memmem(s, sizeof(*s), &secrets[i], sizeof(secrets[i])));
    }
}

/* On the board that saved it; and again. */
static void test_same_board(void)
{
    HypsecBoard *board = hypsec_board_new(&board_a);
    g_autofree Saved *s = g_new0(Saved, 1);
    HypsecVm vm = make_vm(board);

    save_vm(board, &vm, s);
    check_ciphertext(s);
    hypsec_vm_destroy(board, vm.id);
    vm = restore_vm(board, s, 2);
    check_vm(board, &vm);
    hypsec_check_tables(board);
    hypsec_board_free(board);
}

/* On another board; there is no trace of the VM on it. */
static void test_other_board(void)
{
    HypsecBoard *board = hypsec_board_new(&board_a);
    g_autofree Saved *s = g_new0(Saved, 1);
    HypsecVm vm = make_vm(board);

    save_vm(board, &vm, s);
    hypsec_board_free(board);
    board = hypsec_board_new(&board_a);
    vm = restore_vm(board, s, 3);
    check_vm(board, &vm);
    hypsec_check_tables(board);
    hypsec_board_free(board);
}

static void test_other_key(void)
{
    HypsecBoard *board = hypsec_board_new(&board_a);
    g_autofree Saved *s = g_new0(Saved, 1);
    HypsecVm vm = make_vm(board);
    uint64_t vmid;

    save_vm(board, &vm, s);
    hypsec_board_free(board);
    board = hypsec_board_new(&board_b);
    vmid = hypsec_vm(board);
    g_assert_cmpint(begin(board, vmid, s), ==, HYPSEC_DENIED);
    hypsec_board_free(board);
}

/* The VM that is saved is no more, and its save is good for one VM. */
static void test_once(void)
{
    HypsecBoard *board = hypsec_board_new(&board_a);
    g_autofree Saved *s = g_new0(Saved, 1);
    HypsecVm vm = make_vm(board), again;
    uint64_t other;

    save_vm(board, &vm, s);
    g_assert_cmpint(call(board, HYPSEC_HVC_VCPU_RUN, vm.id, 0, 0, 0), ==,
                    HYPSEC_BUSY);
    again = restore_vm(board, s, 2);
    other = hypsec_vm(board);
    g_assert_cmpint(begin(board, other, s), ==, HYPSEC_DENIED);
    check_vm(board, &again);
    hypsec_vm_destroy(board, again.id);
    g_assert_cmpint(begin(board, other, s), ==, HYPSEC_DENIED);
    hypsec_board_free(board);
}

/* A changed part does no harm: the right one still fits. */
static void test_changed(void)
{
    HypsecBoard *board = hypsec_board_new(&board_a);
    g_autofree Saved *s = g_new0(Saved, 1);
    HypsecVm vm = make_vm(board);
    uint64_t other;

    save_vm(board, &vm, s);
    other = hypsec_vm(board);
    s->seal.nr_pages--;
    g_assert_cmpint(begin(board, other, s), ==, HYPSEC_DENIED);
    s->seal.nr_pages++;
    g_assert_cmpint(begin(board, other, s), ==, HYPSEC_OK);
    qtest_bufwrite(board->qts, HYPSEC_VM_PA(4), s->page[0], HYPSEC_PAGE);
    qtest_writeb(board->qts, HYPSEC_VM_PA(4) + 77, s->page[0][77] ^ 1);
    qtest_bufwrite(board->qts, TAG, &s->tag[0], sizeof(s->tag[0]));
    g_assert_cmpint(call(board, HYPSEC_HVC_DECRYPT_BUF, other,
                         HYPSEC_VM_PA(4), TAG, 0), ==, HYPSEC_DENIED);
    hypsec_assert_hosts(board, 0, HYPSEC_VM_PA(4));
    hypsec_vm_destroy(board, other);
    hypsec_vm_destroy(board, vm.id);
    vm = restore_vm(board, s, 2);
    check_vm(board, &vm);
    hypsec_board_free(board);
}

/* Attacks: calls that are refused, whatever they are about */

#define BOARD   KEY_A " -machine sealing-key=k"
#define VM2_PA  HYPSEC_VM_PA(5)
#define FREE    (OUT + 8 * HYPSEC_PAGE)

static HypsecVm scene_vm;
static Saved scene_save;

/* VM 1, which could be saved, and another one. */
static void make_running(HypsecBoard *board)
{
    scene_vm = make_vm(board);
    hypsec_vm_boot(board, "park1", 5);
}

/* Its first page is saved. */
static void make_frozen(HypsecBoard *board)
{
    make_running(board);
    memset(&scene_save, 0, sizeof(scene_save));
    save_page(board, &scene_vm, scene_vm.pa, &scene_save);
}

/* A new VM 1 is to become what the last one was; its first page and its tag lie ready. */
static void make_restoring(HypsecBoard *board)
{
    scene_vm = make_vm(board);
    save_vm(board, &scene_vm, &scene_save);
    hypsec_vm_destroy(board, scene_vm.id);
    scene_vm.id = hypsec_vm(board);
    hypsec_vm_boot(board, "park1", 5);
    for (unsigned int i = 0; i < VCPUS; i++) {
        must(board, HYPSEC_HVC_REGISTER_VCPU, scene_vm.id, i, 0, 0);
    }
    g_assert_cmpint(begin(board, scene_vm.id, &scene_save), ==, HYPSEC_OK);
    qtest_bufwrite(board->qts, FREE, scene_save.page[0], HYPSEC_PAGE);
    qtest_bufwrite(board->qts, TAG, &scene_save.tag[0],
                   sizeof(scene_save.tag[0]));
}

typedef struct Call {
    const char *path;
    void (*scene)(HypsecBoard *board);
    uint64_t nr;
    uint64_t x[4];
    int result;
} Call;

#define PA1     HYPSEC_VM_PA(1)
#define SAVE    HYPSEC_HVC_ENCRYPT_BUF
#define LOAD    HYPSEC_HVC_DECRYPT_BUF

static const Call calls[] = {
    { "save/hosts-page", make_running, SAVE, { 1, FREE, OUT, TAG },
      HYPSEC_DENIED },
    { "save/other-vms-page", make_running, SAVE, { 1, VM2_PA, OUT, TAG },
      HYPSEC_DENIED },
    { "save/el2s-page", make_running, SAVE, { 1, HYPSEC_CARVEOUT, OUT, TAG },
      HYPSEC_DENIED },
    { "save/to-el2", make_running, SAVE, { 1, PA1, HYPSEC_CARVEOUT, TAG },
      HYPSEC_DENIED },
    { "save/to-a-vm", make_running, SAVE, { 1, PA1, VM2_PA, TAG },
      HYPSEC_DENIED },
    { "save/to-itself", make_running, SAVE, { 1, PA1, PA1, TAG },
      HYPSEC_DENIED },
    { "save/to-a-device", make_running, SAVE, { 1, PA1, HYPSEC_UART0, TAG },
      HYPSEC_DENIED },
    { "save/tag-to-el2", make_running, SAVE, { 1, PA1, OUT, HYPSEC_CARVEOUT },
      HYPSEC_DENIED },
    { "save/tag-to-a-vm", make_running, SAVE, { 1, PA1, OUT, VM2_PA },
      HYPSEC_DENIED },
    { "save/unaligned", make_running, SAVE, { 1, PA1 + 8, OUT, TAG },
      HYPSEC_INVALID },
    { "save/to-unaligned", make_running, SAVE, { 1, PA1, OUT + 8, TAG },
      HYPSEC_INVALID },
    { "save/tag-in-two-pages", make_running, SAVE,
      { 1, PA1, OUT, TAG + HYPSEC_PAGE - 8 }, HYPSEC_DENIED },
    { "save/beyond", make_running, SAVE, { 1, HYPSEC_IPA_END, OUT, TAG },
      HYPSEC_INVALID },
    { "save/host", make_running, SAVE, { 0, FREE, OUT, TAG },
      HYPSEC_INVALID },
    { "save/corevisor", make_running, SAVE, { 16, FREE, OUT, TAG },
      HYPSEC_INVALID },
    { "save/ninth-vcpu", make_running, HYPSEC_HVC_SAVE_CRYPT_VCPU, { 1, 8 },
      HYPSEC_INVALID },
    { "save/no-vcpu", make_running, HYPSEC_HVC_SAVE_CRYPT_VCPU, { 1, 2 },
      HYPSEC_DENIED },
    { "save/seal-what-runs", make_running, HYPSEC_HVC_SEAL_VM, { 1, TAG },
      HYPSEC_DENIED },
    { "frozen/page-twice", make_frozen, SAVE, { 1, PA1, OUT, TAG },
      HYPSEC_DENIED },
    { "frozen/seal-a-part", make_frozen, HYPSEC_HVC_SEAL_VM, { 1, TAG },
      HYPSEC_DENIED },
    { "frozen/remap", make_frozen, HYPSEC_HVC_REMAP_VM_IMAGE,
      { 1, FREE / HYPSEC_PAGE, 0 }, HYPSEC_DENIED },
    { "frozen/verify", make_frozen, HYPSEC_HVC_VERIFY_VM_IMAGES, { 1 },
      HYPSEC_DENIED },
    { "G62/restoring/image", make_restoring, HYPSEC_HVC_SET_BOOT_INFO,
      { 1, HYPSEC_GPA, HYPSEC_PAGE }, HYPSEC_DENIED },
    { "G62/restoring/manifest", make_restoring, HYPSEC_HVC_SET_MANIFEST,
      { 1, HYPSEC_VM_MANIFEST, 152 }, HYPSEC_DENIED },
    { "restoring/verify-a-part", make_restoring, HYPSEC_HVC_VERIFY_VM_IMAGES,
      { 1 }, HYPSEC_DENIED },
    { "restoring/run", make_restoring, HYPSEC_HVC_VCPU_RUN, { 1, 0 },
      HYPSEC_DENIED },
    { "restoring/vms-page", make_restoring, LOAD, { 1, VM2_PA, TAG },
      HYPSEC_DENIED },
    { "restoring/el2s-page", make_restoring, LOAD,
      { 1, HYPSEC_CARVEOUT, TAG }, HYPSEC_DENIED },
    { "restoring/other-bytes", make_restoring, LOAD,
      { 1, FREE + HYPSEC_PAGE, TAG }, HYPSEC_DENIED },
    { "restoring/other-vm", make_restoring, LOAD, { 2, FREE, TAG },
      HYPSEC_DENIED },
    { "restoring/unaligned", make_restoring, LOAD, { 1, FREE + 8, TAG },
      HYPSEC_INVALID },
};

static void prepare(HypsecBoard *board, HypsecAttempt *attempt,
                    const void *data)
{
    const Call *c = data;

    hypsec_attempt_call(attempt, c->nr, c->x[0], c->x[1], c->x[2], c->x[3]);
}

/* A vCPU that is about to be saved runs: nothing is frozen. */
static void test_active(void)
{
    HypsecBoard *board = hypsec_board(&(HypsecConfig){
        .cpus = 2, .args = BOARD,
    });
    HypsecExit e;
    HypsecEvent irq;

    hypsec_scene(board, make_running);
    hypsec_vcpu_spin(board, 1, &scene_vm, 0);
    g_assert_cmpint(call(board, SAVE, 1, PA1, OUT, TAG), ==, HYPSEC_BUSY);
    g_assert_cmpint(call(board, HYPSEC_HVC_SAVE_CRYPT_VCPU, 1, 0, 0, 0), ==,
                    HYPSEC_BUSY);
    irq = hypsec_vm_event(hypsec_event(HYPSEC_INJECT_IRQ, 1), &scene_vm);
    hypsec_try(board, &irq);
    e = hypsec_vcpu_wait(board, 1, &scene_vm, 0);
    g_assert_cmpint(e.result, ==, HYPSEC_EXIT_IRQ);
    /* The other one still can run, too: nothing is being saved. */
    answer_vcpu1(board, &scene_vm);
}

int main(int argc, char **argv)
{
    if (!hypsec_lib_init(&argc, &argv)) {
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        HypsecAttack *attack = g_new(HypsecAttack, 1);

        *attack = (HypsecAttack){
            calls[i].path, calls[i].scene, prepare, .data = &calls[i],
            .result = calls[i].result, .args = BOARD,
        };
        hypsec_add_attack(PROGRAM, attack);
    }
    qtest_add_func(PROGRAM "/save/active", test_active);
    qtest_add_func(PROGRAM "/G64/goes-on/same-board", test_same_board);
    qtest_add_func(PROGRAM "/G64/goes-on/other-board", test_other_board);
    qtest_add_func(PROGRAM "/refused/other-key", test_other_key);
    qtest_add_func(PROGRAM "/refused/twice", test_once);
    qtest_add_func(PROGRAM "/G64/refused/changed", test_changed);
    return hypsec_lib_run();
}
