/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual machines on the board, from outside: signed and verified, their
 * vCPUs run by hypercalls of a parked CPU, and told what to execute through
 * mailboxes in their own memory, which a qtest can write as all memory.
 *
 *     HypsecVm vm = hypsec_vm_boot(board, "park1", 1);
 *     HypsecRun run = { .code = code, .count = 1, .x = { 0, GPA } };
 *     HypsecExit e;
 *
 *     hypsec_guest_start(board, &vm, 0, &run);
 *     e = hypsec_vcpu_run(board, 0, &vm, 0);
 *     hypsec_assert_exit(board, &e, .result = HYPSEC_EXIT_TRAP, ...);
 *
 * The VM's image is guest-images/park, built to wait by a hypercall: a vCPU
 * with nothing to do exits, "yields". Images and manifests come out of
 * make_vms.py, by name.
 *
 * Environment: HYPSEC_VMS names that file.
 */
#ifndef HYPSEC_VM_H
#define HYPSEC_VM_H

#include "hypsec/manifest.h"
#include "hypsec-attack.h"

/* Where the n-th VM of a test has its memory, 2 MiB each. */
#define HYPSEC_VM_PA(n)         (HYPSEC_FREE + (n) * HYPSEC_BLOCK)
/* A page of the host's for manifests; and where pages for faults begin. */
#define HYPSEC_VM_MANIFEST      (HYPSEC_FREE + 0x80000)
#define HYPSEC_VM_SPARE         (HYPSEC_FREE + 24 * HYPSEC_BLOCK)
/* Nothing of the VMs' images is near. */
#define HYPSEC_VM_UNMAPPED      UINT64_C(0xc0000000)

/**
 * HypsecSigned - images and a signed manifest
 * @manifest: as it is passed; a test may change its bytes
 * @manifest_size: with the signature
 * @nr_images: how many
 * @vcpus: how many the manifest wants
 * @image: where each goes and its bytes, which a test may change
 */
typedef struct HypsecSigned {
    uint8_t *manifest;
    gsize manifest_size;
    unsigned int nr_images;
    unsigned int vcpus;
    struct {
        uint64_t gpa;
        uint64_t size;
        uint8_t *data;
    } image[HYPSEC_MAX_IMAGES + 1];
} HypsecSigned;

/* Of make_vms.py's, by name. */
HypsecSigned *hypsec_signed(const char *name);
void hypsec_signed_free(HypsecSigned *is);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HypsecSigned, hypsec_signed_free)

/* Any other value of that file; to be freed. */
uint8_t *hypsec_vms_value(const char *group, const char *key, gsize *size);

/* The manifest's fields, to be changed in place. */
struct hypsec_manifest *hypsec_signed_manifest(HypsecSigned *is);

/**
 * HypsecVm - a VM
 * @id: its id
 * @vcpus: how many it has
 * @gpa: where its first image begins
 * @pa: of all its images, one behind the other, in whole pages
 */
typedef struct HypsecVm {
    uint64_t id;
    unsigned int vcpus;
    uint64_t gpa;
    uint64_t pa;
} HypsecVm;

/*
 * The steps to a VM that runs, in order, by CPU 0. The must_ ones fail the
 * test if EL2 refuses, the others say what it answers.
 */
HypsecVm hypsec_vm_register(HypsecBoard *board, const HypsecSigned *is,
                            unsigned int n);
void hypsec_vm_announce(HypsecBoard *board, const HypsecVm *vm,
                        const HypsecSigned *is);
int64_t hypsec_vm_manifest(HypsecBoard *board, const HypsecVm *vm,
                           const HypsecSigned *is);
void hypsec_vm_load(HypsecBoard *board, const HypsecVm *vm,
                    const HypsecSigned *is);
/* Goes on while EL2 says AGAIN; @calls may be NULL. */
int64_t hypsec_vm_verify(HypsecBoard *board, const HypsecVm *vm,
                         unsigned int *calls);

/* All but the last of them. */
HypsecVm hypsec_vm_loaded(HypsecBoard *board, const HypsecSigned *is,
                          unsigned int n);

/**
 * hypsec_vm_boot() - a verified VM; no vCPU has run
 * @board: the board
 * @name: of its images
 * @n: which part of memory it gets, HYPSEC_VM_PA(); not its id
 *
 * Returns: it
 */
HypsecVm hypsec_vm_boot(HypsecBoard *board, const char *name, unsigned int n);

/* The same, and vCPU 0 has run on CPU 0 and yielded. */
HypsecVm hypsec_vm_parked(HypsecBoard *board, const char *name,
                          unsigned int n);

/* A page of the VM's; fails the test if it has none there. */
uint64_t hypsec_vm_to_pa(HypsecBoard *board, const HypsecVm *vm, uint64_t gpa);

/* What EL2 thinks of a VM: its state, as in the specification. */
uint32_t hypsec_vm_state(HypsecBoard *board, uint64_t vmid);
#define VM_UNUSED       0
#define VM_READY        2
#define VM_VERIFIED     3
#define VM_POWEROFF     4

/* Runs */

/* PA of the structure that a vCPU shares with the host. */
uint64_t hypsec_shared(HypsecBoard *board, uint64_t vmid, unsigned int vcpu);

void hypsec_shared_read(HypsecBoard *board, uint64_t vmid, unsigned int vcpu,
                        struct hypsec_vcpu *v);

/* Sets one field of it, as the host would. */
#define hypsec_shared_set(board, vm, vcpu, field, value) \
    qtest_writeq((board)->qts, hypsec_shared(board, (vm)->id, vcpu) + \
                 offsetof(struct hypsec_vcpu, field), value)

/**
 * HypsecExit - an exit to the host
 * @result: x0: HYPSEC_EXIT_* or a refusal
 * @v: what EL2 wrote for the host
 * @hosts: bit n: @v.regs[n] was there before, written by the host itself
 */
typedef struct HypsecExit {
    int64_t result;
    struct hypsec_vcpu v;
    uint32_t hosts;
} HypsecExit;

/**
 * hypsec_vcpu_run() - run a vCPU until it exits
 * @board: the board
 * @cpu: that asks for it
 * @vm: the VM
 * @vcpu: which of its
 *
 * Fails the test if the host's x1 to x17 are not kept, and if there is no exit
 * for some seconds.
 *
 * Returns: the exit
 */
HypsecExit hypsec_vcpu_run(HypsecBoard *board, unsigned int cpu,
                           const HypsecVm *vm, unsigned int vcpu);

/* The two halves of it, for more than one CPU. */
void hypsec_vcpu_start(HypsecBoard *board, unsigned int cpu,
                       const HypsecVm *vm, unsigned int vcpu);
HypsecExit hypsec_vcpu_wait(HypsecBoard *board, unsigned int cpu,
                            const HypsecVm *vm, unsigned int vcpu);

/* Whether it is the one by which an idle vCPU waits. */
bool hypsec_is_yield(const HypsecExit *e);
#define hypsec_assert_yield(board, e) \
    hypsec_check_yield(board, e, __FILE__, __LINE__, G_STRFUNC)
/* Runs a vCPU that has nothing to do. */
void hypsec_vcpu_idle(HypsecBoard *board, unsigned int cpu,
                      const HypsecVm *vm, unsigned int vcpu);
void hypsec_check_yield(HypsecBoard *board, const HypsecExit *e,
                        const char *file, int line, const char *func);

/**
 * HypsecReleased - what an exit is to release, and nothing else
 * @result: HYPSEC_EXIT_*
 * @esr: without IL
 * @fault_ipa: as in the structure
 * @deadline: as in the structure; HYPSEC_ANY_DEADLINE: not looked at
 * @mask: bit n: Xn is released
 * @regs: and these are they
 */
typedef struct HypsecReleased {
    int64_t result;
    uint64_t esr;
    uint64_t fault_ipa;
    uint64_t deadline;
    uint32_t mask;
    uint64_t regs[31];
} HypsecReleased;

#define HYPSEC_ANY_DEADLINE     1
/* ESR_EL2 of a class, with IL clear. */
#define HYPSEC_EC(ec)           ((uint64_t)(ec) << 26)

/* The rest of the arguments are fields of it. */
#define hypsec_assert_exit(board, e, ...) \
    hypsec_check_exit(board, e, &(HypsecReleased){ __VA_ARGS__ }, \
                      __FILE__, __LINE__, G_STRFUNC)
void hypsec_check_exit(HypsecBoard *board, const HypsecExit *e,
                       const HypsecReleased *released, const char *file,
                       int line, const char *func);

/* What a VM executes */

/* Where a vCPU of a park image waits for orders. */
HypsecMailbox hypsec_guest_mailbox(HypsecBoard *board, const HypsecVm *vm,
                                   unsigned int vcpu);

/* Orders for a vCPU that has yielded; carried out when it is run. */
void hypsec_guest_start(HypsecBoard *board, const HypsecVm *vm,
                        unsigned int vcpu, HypsecRun *run);

/* What came of them, once it has yielded again; as hypsec_run_wait(). */
bool hypsec_guest_take(HypsecBoard *board, const HypsecVm *vm,
                       unsigned int vcpu, HypsecRun *run);

/* All of it, with no exit but the yield. */
bool hypsec_guest(HypsecBoard *board, unsigned int cpu, const HypsecVm *vm,
                  unsigned int vcpu, HypsecRun *run);

/* One instruction, x0 to x3 before and x0 behind it. */
uint64_t hypsec_guest_insn(HypsecBoard *board, unsigned int cpu,
                           const HypsecVm *vm, unsigned int vcpu,
                           uint32_t insn, uint64_t x0, uint64_t x1,
                           uint64_t x2, uint64_t x3);

/* A hypercall that EL2 answers. */
uint64_t hypsec_guest_hvc(HypsecBoard *board, unsigned int cpu,
                          const HypsecVm *vm, unsigned int vcpu, uint64_t x0,
                          uint64_t x1, uint64_t x2, uint64_t x3);

/* vCPU 0, which has yielded, turns another one on, which runs and yields. */
void hypsec_vcpu_on(HypsecBoard *board, unsigned int cpu, const HypsecVm *vm,
                    unsigned int vcpu);

/*
 * A vCPU that has yielded is run by @cpu and goes round in circles, until an
 * event or an interrupt gets it out. hypsec_vcpu_wait() waits for the exit.
 */
void hypsec_vcpu_spin(HypsecBoard *board, unsigned int cpu,
                      const HypsecVm *vm, unsigned int vcpu);

/**
 * hypsec_vcpu_enter() - run a vCPU, and see what it sees
 * @board: the board
 * @cpu: that asks for it
 * @vm: the VM
 * @vcpu: which of its
 *
 * Returns: the state at the VM's next instruction, or the host's if EL2
 *          refuses. The VM goes on; CPU @cpu parks after its exit
 */
HypsecReturn hypsec_vcpu_enter(HypsecBoard *board, unsigned int cpu,
                               const HypsecVm *vm, unsigned int vcpu);

/* Waits until a vCPU that was entered has yielded. */
void hypsec_vcpu_left(HypsecBoard *board, const HypsecVm *vm,
                      unsigned int vcpu);

/* An event for the vCPU that spins on @cpu: at the place where it spins. */
HypsecEvent hypsec_vm_event(HypsecEvent event, const HypsecVm *vm);

/* Whether a completion is of a CPU that is in @vm. */
bool hypsec_in_vm(const HypsecReturn *r, const HypsecVm *vm);

#endif /* HYPSEC_VM_H */
