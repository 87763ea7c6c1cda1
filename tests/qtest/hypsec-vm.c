/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual machines on the board, from outside; see hypsec-vm.h.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hypsec/inspect.h"
#include "hypsec-vm.h"
#include "hypsec-test.h"

/* A verification that goes on for longer never ends. */
#define CALLS_MAX 1000

#define VTTBR_VMID_SHIFT 48
#define ESR_IL (1ULL << 25)

/* What the host has in x3 to x17 when it runs a vCPU. */
#define HOST_X(i) (0x4057000000000000ULL + 0x10001 * (i))

/* Images */

uint8_t *hypsec_vms_value(const char *group, const char *key, gsize *size)
{
    static GKeyFile *file;
    g_autofree char *text = NULL;

    if (!file) {
        g_assert_nonnull(getenv("HYPSEC_VMS"));
        file = g_key_file_new();
        g_assert_true(g_key_file_load_from_file(file, getenv("HYPSEC_VMS"),
                                                G_KEY_FILE_NONE, NULL));
    }
    text = g_key_file_get_string(file, group, key, NULL);
    return text ? g_base64_decode(text, size) : NULL;
}

struct hypsec_manifest *hypsec_signed_manifest(HypsecSigned *is)
{
    return (struct hypsec_manifest *)is->manifest;
}

HypsecSigned *hypsec_signed(const char *name)
{
    HypsecSigned *is = g_new0(HypsecSigned, 1);
    struct hypsec_manifest *m;

    is->manifest = hypsec_vms_value(name, "manifest", &is->manifest_size);
    if (!is->manifest) {
        g_error("no VM %s in %s", name, getenv("HYPSEC_VMS"));
    }
    m = hypsec_signed_manifest(is);
    is->vcpus = MIN(le32_to_cpu(m->nr_vcpus), HYPSEC_MAX_VCPUS);
    for (unsigned int i = 0; i < ARRAY_SIZE(is->image); i++) {
        g_autofree char *key = g_strdup_printf("image%u", i);
        gsize size;

        is->image[i].data = hypsec_vms_value(name, key, &size);
        if (!is->image[i].data) {
            break;
        }
        is->image[i].gpa = le64_to_cpu(m->images[i].load_addr);
        is->image[i].size = size;
        is->nr_images = i + 1;
    }
    return is;
}

void hypsec_signed_free(HypsecSigned *is)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(is->image); i++) {
        g_free(is->image[i].data);
    }
    g_free(is->manifest);
    g_free(is);
}

/* The steps to a VM that runs */

static int64_t call(HypsecBoard *board, uint64_t nr, uint64_t x1, uint64_t x2,
                    uint64_t x3)
{
    return hypsec_call(board, 0, nr, x1, x2, x3, 0);
}

HypsecVm hypsec_vm_register(HypsecBoard *board, const HypsecSigned *is,
                            unsigned int n)
{
    HypsecVm vm = {
        .id = hypsec_vm(board), .vcpus = is->vcpus,
        .gpa = is->image[0].gpa, .pa = HYPSEC_VM_PA(n),
    };

    for (unsigned int i = 0; i < vm.vcpus; i++) {
        g_assert_cmpint(call(board, HYPSEC_HVC_REGISTER_VCPU, vm.id, i, 0),
                        ==, HYPSEC_OK);
    }
    return vm;
}

static uint64_t image_pages(const HypsecSigned *is, unsigned int i)
{
    return DIV_ROUND_UP(is->image[i].size, HYPSEC_PAGE);
}

void hypsec_vm_announce(HypsecBoard *board, const HypsecVm *vm,
                        const HypsecSigned *is)
{
    for (unsigned int i = 0; i < is->nr_images; i++) {
        g_assert_cmpuint(hypsec_vm_image(board, vm->id, is->image[i].gpa,
                                         is->image[i].size), ==, i);
    }
}

int64_t hypsec_vm_manifest(HypsecBoard *board, const HypsecVm *vm,
                           const HypsecSigned *is)
{
    qtest_bufwrite(board->qts, HYPSEC_VM_MANIFEST, is->manifest,
                   is->manifest_size);
    return call(board, HYPSEC_HVC_SET_MANIFEST, vm->id, HYPSEC_VM_MANIFEST,
                is->manifest_size);
}

void hypsec_vm_load(HypsecBoard *board, const HypsecVm *vm,
                    const HypsecSigned *is)
{
    uint64_t pa = vm->pa;

    for (unsigned int i = 0; i < is->nr_images; i++) {
        uint64_t pages = image_pages(is, i);
        g_autofree HypsecEvent *events = g_new(HypsecEvent, pages);
        g_autofree HypsecReturn *returns = g_new(HypsecReturn, pages);
        g_autofree uint8_t *bytes = g_malloc0(pages * HYPSEC_PAGE);

        memcpy(bytes, is->image[i].data, is->image[i].size);
        qtest_bufwrite(board->qts, pa, bytes, pages * HYPSEC_PAGE);
        for (uint64_t page = 0; page < pages; page++) {
            events[page] = hypsec_event_call(0, HYPSEC_HVC_REMAP_VM_IMAGE,
                                             vm->id, pa / HYPSEC_PAGE + page,
                                             i, 0);
        }
        hypsec_ring(board, events, pages, returns);
        for (uint64_t page = 0; page < pages; page++) {
            hypsec_assert_returned(&returns[page], HYPSEC_OK);
        }
        pa += pages * HYPSEC_PAGE;
    }
}

int64_t hypsec_vm_verify(HypsecBoard *board, const HypsecVm *vm,
                         unsigned int *calls)
{
    unsigned int n = 0;
    int64_t x0;

    do {
        x0 = call(board, HYPSEC_HVC_VERIFY_VM_IMAGES, vm->id, 0, 0);
        g_assert_cmpuint(++n, <, CALLS_MAX);
    } while (x0 == HYPSEC_AGAIN);
    if (calls) {
        *calls = n;
    }
    return x0;
}

HypsecVm hypsec_vm_loaded(HypsecBoard *board, const HypsecSigned *is,
                          unsigned int n)
{
    HypsecVm vm = hypsec_vm_register(board, is, n);

    hypsec_vm_announce(board, &vm, is);
    g_assert_cmpint(hypsec_vm_manifest(board, &vm, is), ==, HYPSEC_OK);
    hypsec_vm_load(board, &vm, is);
    return vm;
}

HypsecVm hypsec_vm_boot(HypsecBoard *board, const char *name, unsigned int n)
{
    g_autoptr(HypsecSigned) is = hypsec_signed(name);
    HypsecVm vm = hypsec_vm_loaded(board, is, n);

    g_assert_cmpint(hypsec_vm_verify(board, &vm, NULL), ==, HYPSEC_OK);
    g_assert_cmpuint(hypsec_vm_state(board, vm.id), ==, VM_VERIFIED);
    return vm;
}

HypsecVm hypsec_vm_parked(HypsecBoard *board, const char *name,
                          unsigned int n)
{
    HypsecVm vm = hypsec_vm_boot(board, name, n);

    hypsec_vcpu_idle(board, 0, &vm, 0);
    return vm;
}

uint64_t hypsec_vm_to_pa(HypsecBoard *board, const HypsecVm *vm, uint64_t gpa)
{
    uint64_t pa = hypsec_vm_page_at(board, vm->id, gpa);

    if (!pa) {
        HYPSEC_FAIL(board, "VM %" PRIu64 " has nothing at 0x%" PRIx64, vm->id,
                    gpa);
    }
    return pa | (gpa & (HYPSEC_PAGE - 1));
}

uint32_t hypsec_vm_state(HypsecBoard *board, uint64_t vmid)
{
    return qtest_readl(board->qts,
                       hypsec_inspect(board, offsetof(struct hypsec_inspect,
                                                      vm_base)) + vmid *
                       hypsec_inspect(board, offsetof(struct hypsec_inspect,
                                                      vm_stride)));
}

/* Runs */

uint64_t hypsec_shared(HypsecBoard *board, uint64_t vmid, unsigned int vcpu)
{
    if (!board->shared) {
        board->shared = call(board, HYPSEC_HVC_GET_INFO,
                             HYPSEC_INFO_SHARED_BASE, 0, 0);
        g_assert_cmpint(board->shared, >, 0);
    }
    return board->shared +
           (vmid * HYPSEC_MAX_VCPUS + vcpu) * HYPSEC_SHARED_STRIDE;
}

void hypsec_shared_read(HypsecBoard *board, uint64_t vmid, unsigned int vcpu,
                        struct hypsec_vcpu *v)
{
    uint64_t *word = (uint64_t *)&v->esr;

    qtest_bufread(board->qts, hypsec_shared(board, vmid, vcpu), v, sizeof(*v));
    v->version = le32_to_cpu(v->version);
    v->size = le32_to_cpu(v->size);
    for (size_t i = 0; i < (offsetof(struct hypsec_vcpu, sealed) -
                            offsetof(struct hypsec_vcpu, esr)) / 8; i++) {
        word[i] = le64_to_cpu(word[i]);
    }
}

/*
 * Registers in a structure: what EL2 left there at the last exit, bits of
 * @hosts excepted, and what was there before the next run.
 */
typedef struct Words {
    uint64_t regs[31];
    uint32_t hosts;
} Words;
static Words last[HYPSEC_COREVISOR][HYPSEC_MAX_VCPUS];
static Words before[HYPSEC_COREVISOR][HYPSEC_MAX_VCPUS];

/* For numbers that name no vCPU there is none. */
static bool has_structure(const HypsecVm *vm, unsigned int vcpu)
{
    return vm->id < HYPSEC_COREVISOR && vcpu < HYPSEC_MAX_VCPUS;
}

static HypsecRun host_run(const HypsecVm *vm, unsigned int vcpu)
{
    static const uint32_t code = INSN_HVC(0);
    HypsecRun run = {
        .x = { HYPSEC_HVC_VCPU_RUN, vm->id, vcpu }, .code = &code, .count = 1,
    };

    for (int i = 3; i < PARK_NR_X; i++) {
        run.x[i] = HOST_X(i);
    }
    return run;
}

void hypsec_vcpu_start(HypsecBoard *board, unsigned int cpu,
                       const HypsecVm *vm, unsigned int vcpu)
{
    HypsecRun run = host_run(vm, vcpu);

    if (has_structure(vm, vcpu)) {
        struct hypsec_vcpu v;

        hypsec_shared_read(board, vm->id, vcpu, &v);
        memcpy(before[vm->id][vcpu].regs, v.regs, sizeof(v.regs));
    }
    hypsec_run_start(board, cpu, &run);
}

HypsecExit hypsec_vcpu_wait(HypsecBoard *board, unsigned int cpu,
                            const HypsecVm *vm, unsigned int vcpu)
{
    HypsecRun asked = host_run(vm, vcpu), run = asked;
    HypsecExit e = { .result = 0 };

    run.code_pc = PARK_KERNEL + PARK_MAILBOXES +
                  ((uint64_t)cpu << PARK_MAILBOX_SHIFT) + PARK_CODE;
    if (!hypsec_run_wait(board, cpu, &run)) {
        HYPSEC_FAIL(board, "VCPU_RUN ends in ESR_EL1 0x%" PRIx64 " ELR_EL1 0x%"
                    PRIx64, run.esr, run.elr);
    }
    for (int i = 1; i < PARK_NR_X; i++) {
        g_assert_cmphex(run.x[i], ==, asked.x[i]);
    }
    e.result = run.x[0];
    if (!has_structure(vm, vcpu)) {
        return e;
    }
    hypsec_shared_read(board, vm->id, vcpu, &e.v);
    for (int i = 0; i < 31; i++) {
        bool was_hosts = last[vm->id][vcpu].hosts & 1u << i;
        uint64_t x = before[vm->id][vcpu].regs[i];

        if (e.v.regs[i] == x &&
            (was_hosts || x != last[vm->id][vcpu].regs[i])) {
            e.hosts |= 1u << i;
        }
        last[vm->id][vcpu].regs[i] = e.v.regs[i];
    }
    last[vm->id][vcpu].hosts = e.hosts;
    return e;
}

HypsecExit hypsec_vcpu_run(HypsecBoard *board, unsigned int cpu,
                           const HypsecVm *vm, unsigned int vcpu)
{
    hypsec_vcpu_start(board, cpu, vm, vcpu);
    return hypsec_vcpu_wait(board, cpu, vm, vcpu);
}

bool hypsec_is_yield(const HypsecExit *e)
{
    return e->result == HYPSEC_EXIT_TRAP && ESR_EC(e->v.esr) == EC_HVC64 &&
           e->v.regs[0] == PARK_YIELD;
}

static G_NORETURN void wrong_exit(HypsecBoard *board, const HypsecExit *e,
                                  const char *file, int line,
                                  const char *func, const char *what)
{
    GString *s = g_string_new(what);

    g_string_append_printf(s, "\nexit: %" PRId64 " esr 0x%" PRIx64
                           " fault_ipa 0x%" PRIx64 " deadline 0x%" PRIx64 "\n",
                           e->result, e->v.esr, e->v.fault_ipa,
                           e->v.deadline);
    for (int i = 0; i < 31; i++) {
        if (e->v.regs[i]) {
            g_string_append_printf(s, "x%d 0x%" PRIx64 "\n", i,
                                   e->v.regs[i]);
        }
    }
    hypsec_fail(board, file, line, func, "%s", s->str);
}

void hypsec_check_yield(HypsecBoard *board, const HypsecExit *e,
                        const char *file, int line, const char *func)
{
    hypsec_check_exit(board, e, &(HypsecReleased){
        .result = HYPSEC_EXIT_TRAP, .esr = HYPSEC_EC(EC_HVC64),
        .mask = 1, .regs = { PARK_YIELD },
    }, file, line, func);
}

void hypsec_vcpu_idle(HypsecBoard *board, unsigned int cpu,
                      const HypsecVm *vm, unsigned int vcpu)
{
    HypsecExit e = hypsec_vcpu_run(board, cpu, vm, vcpu);

    hypsec_assert_yield(board, &e);
}

void hypsec_check_exit(HypsecBoard *board, const HypsecExit *e,
                       const HypsecReleased *released, const char *file,
                       int line, const char *func)
{
    if (e->result != released->result) {
        wrong_exit(board, e, file, line, func, "another result");
    }
    if (e->v.version != HYPSEC_ABI_VERSION ||
        e->v.size != sizeof(struct hypsec_vcpu)) {
        wrong_exit(board, e, file, line, func, "not this structure");
    }
    if ((e->v.esr & ~ESR_IL) != (released->esr & ~ESR_IL)) {
        wrong_exit(board, e, file, line, func, "another esr");
    }
    if (e->v.fault_ipa != released->fault_ipa) {
        wrong_exit(board, e, file, line, func, "another fault_ipa");
    }
    if (released->deadline != HYPSEC_ANY_DEADLINE &&
        e->v.deadline != released->deadline) {
        wrong_exit(board, e, file, line, func, "another deadline");
    }
    for (int i = 0; i < 31; i++) {
        uint64_t x = released->mask & 1u << i ? released->regs[i] : 0;

        if (e->v.regs[i] != x &&
            ((e->hosts & ~released->mask) & 1u << i) == 0) {
            g_autofree char *what = g_strdup_printf("x%d is not 0x%" PRIx64,
                                                    i, x);

            wrong_exit(board, e, file, line, func, what);
        }
    }
}

/* What a VM executes */

HypsecMailbox hypsec_guest_mailbox(HypsecBoard *board, const HypsecVm *vm,
                                   unsigned int vcpu)
{
    uint64_t address = HYPSEC_GPA + PARK_VM_MAILBOXES +
                       ((uint64_t)vcpu << PARK_MAILBOX_SHIFT);

    return (HypsecMailbox){
        .pa = hypsec_vm_to_pa(board, vm, address), .address = address,
        .vectors = HYPSEC_GPA + PARK_VECTORS,
    };
}

void hypsec_guest_start(HypsecBoard *board, const HypsecVm *vm,
                        unsigned int vcpu, HypsecRun *run)
{
    HypsecMailbox box = hypsec_guest_mailbox(board, vm, vcpu);

    hypsec_mailbox_put(board, &box, run);
}

bool hypsec_guest_take(HypsecBoard *board, const HypsecVm *vm,
                       unsigned int vcpu, HypsecRun *run)
{
    HypsecMailbox box = hypsec_guest_mailbox(board, vm, vcpu);

    if (qtest_readq(board->qts, box.pa + PARK_GO)) {
        HYPSEC_FAIL(board, "vCPU %u has not carried out its orders", vcpu);
    }
    return hypsec_mailbox_take(board, &box, run);
}

bool hypsec_guest(HypsecBoard *board, unsigned int cpu, const HypsecVm *vm,
                  unsigned int vcpu, HypsecRun *run)
{
    HypsecExit e;

    hypsec_guest_start(board, vm, vcpu, run);
    e = hypsec_vcpu_run(board, cpu, vm, vcpu);
    hypsec_assert_yield(board, &e);
    return hypsec_guest_take(board, vm, vcpu, run);
}

uint64_t hypsec_guest_insn(HypsecBoard *board, unsigned int cpu,
                           const HypsecVm *vm, unsigned int vcpu,
                           uint32_t insn, uint64_t x0, uint64_t x1,
                           uint64_t x2, uint64_t x3)
{
    HypsecRun run = { .x = { x0, x1, x2, x3 }, .code = &insn, .count = 1 };

    if (!hypsec_guest(board, cpu, vm, vcpu, &run)) {
        HYPSEC_FAIL(board, "the VM's 0x%08x ends in ESR_EL1 0x%" PRIx64
                    " FAR_EL1 0x%" PRIx64, insn, run.esr, run.far);
    }
    return run.x[0];
}

uint64_t hypsec_guest_hvc(HypsecBoard *board, unsigned int cpu,
                          const HypsecVm *vm, unsigned int vcpu, uint64_t x0,
                          uint64_t x1, uint64_t x2, uint64_t x3)
{
    return hypsec_guest_insn(board, cpu, vm, vcpu, INSN_HVC(0), x0, x1, x2,
                             x3);
}

void hypsec_vcpu_on(HypsecBoard *board, unsigned int cpu, const HypsecVm *vm,
                    unsigned int vcpu)
{
    static const uint32_t code = INSN_HVC(0);
    HypsecRun run = {
        .x = { PSCI_CPU_ON | PSCI_64, vcpu, HYPSEC_GPA, 0 },
        .code = &code, .count = 1,
    };
    HypsecExit e;

    hypsec_guest_start(board, vm, 0, &run);
    e = hypsec_vcpu_run(board, cpu, vm, 0);
    hypsec_assert_exit(board, &e, .result = HYPSEC_EXIT_TRAP,
                       .esr = HYPSEC_EC(EC_HVC64), .mask = 0xf,
                       .regs = { PSCI_CPU_ON | PSCI_64, vcpu, HYPSEC_GPA });
    hypsec_shared_set(board, vm, 0, regs[0], 0);
    e = hypsec_vcpu_run(board, cpu, vm, 0);
    hypsec_assert_yield(board, &e);
    g_assert_true(hypsec_guest_take(board, vm, 0, &run));
    g_assert_cmpuint(run.x[0], ==, 0);
    hypsec_vcpu_idle(board, cpu, vm, vcpu);
}

void hypsec_vcpu_spin(HypsecBoard *board, unsigned int cpu,
                      const HypsecVm *vm, unsigned int vcpu)
{
    static const uint32_t code[] = { INSN_STR(3, 1, 2), INSN_LOOP };
    HypsecMailbox box = hypsec_guest_mailbox(board, vm, vcpu);
    uint64_t word = PARK_CODE + PARK_CODE_BYTES - 8;
    HypsecRun run = {
        .x = { 0, 1, box.address + word }, .code = code,
        .count = ARRAY_SIZE(code),
    };

    qtest_writeq(board->qts, box.pa + word, 0);
    hypsec_guest_start(board, vm, vcpu, &run);
    hypsec_vcpu_start(board, cpu, vm, vcpu);
    hypsec_wait_word(board, box.pa + word, 1, true, "a vCPU that spins");
    /* Nothing to do when it comes to its wait again. */
    qtest_writeq(board->qts, box.pa + PARK_GO, 0);
}

HypsecReturn hypsec_vcpu_enter(HypsecBoard *board, unsigned int cpu,
                               const HypsecVm *vm, unsigned int vcpu)
{
    HypsecEvent event = hypsec_event_hvc(cpu, HYPSEC_HVC_VCPU_RUN, vm->id,
                                         vcpu, 0);
    HypsecReturn r;

    /* The last exit's is not this one's: see hypsec_vcpu_left(). */
    hypsec_shared_set(board, vm, vcpu, regs[0], 0);
    /* Behind the call it comes to its wait. */
    event.flags |= HYPSEC_INJECT_F_KEEP;
    event.pc = PARK_KERNEL + PARK_WAIT - 4;
    event.pstate = PSTATE_EL1H;
    r = hypsec_try(board, &event);
    if (r.c.status != HYPSEC_INJECT_S_DONE_EL2) {
        g_autofree char *text = hypsec_describe(&r);

        HYPSEC_FAIL(board, "%s", text);
    }
    return r;
}

void hypsec_vcpu_left(HypsecBoard *board, const HypsecVm *vm,
                      unsigned int vcpu)
{
    /* EL2 is on its way to the host then, and nothing comes in between. */
    hypsec_wait_word(board, hypsec_shared(board, vm->id, vcpu) +
                     offsetof(struct hypsec_vcpu, regs), PARK_YIELD, true,
                     "the VM's exit");
}

HypsecEvent hypsec_vm_event(HypsecEvent event, const HypsecVm *vm)
{
    event.flags |= HYPSEC_INJECT_F_KEEP;
    event.pc = HYPSEC_GPA + PARK_SPIN;
    return event;
}

bool hypsec_in_vm(const HypsecReturn *r, const HypsecVm *vm)
{
    return r->c.vttbr_el2 >> VTTBR_VMID_SHIFT == vm->id;
}
