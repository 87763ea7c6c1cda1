/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attacks on memory: what a malicious host does with the hypercalls that
 * create, fill and destroy VMs, on top of hypsec-lib.h, and what EL2's tables
 * and page records say before and after.
 *
 * An attack is an attempt that is to be refused. It is told once, as a
 * HypsecAttack, and runs twice: on a board that refuses, where the attacker
 * learns nothing but the refusal and nothing changes, and on one that halts
 * (on-violation=halt), where the machine stops with nothing changed either.
 */
#ifndef HYPSEC_ATTACK_H
#define HYPSEC_ATTACK_H

#include "hypsec-lib.h"

#define HYPSEC_PAGE         UINT64_C(4096)
#define HYPSEC_BLOCK        (512 * HYPSEC_PAGE)
#define HYPSEC_IPA_END      (UINT64_C(1) << 40)
#define HYPSEC_PFN_END      (UINT64_C(1) << 28)
#define HYPSEC_COREVISOR    16

/* Where VMs of the tests have their memory, and what is where on the board. */
#define HYPSEC_GPA          UINT64_C(0x80000000)
#define HYPSEC_UART0        UINT64_C(0x09000000)
#define HYPSEC_UART1        UINT64_C(0x09040000)
#define HYPSEC_PCIE         UINT64_C(0x10000000)

/* x0 of a call that EL2 answers; all other registers are checked. */
uint64_t hypsec_call(HypsecBoard *board, unsigned int cpu, uint64_t nr,
                     uint64_t x1, uint64_t x2, uint64_t x3, uint64_t x4);
HypsecEvent hypsec_event_call(unsigned int cpu, uint64_t nr, uint64_t x1,
                              uint64_t x2, uint64_t x3, uint64_t x4);

/* VMs; each fails the test if EL2 refuses. All on CPU 0. */
uint64_t hypsec_vm(HypsecBoard *board);
/* Returns: the image's index. */
uint64_t hypsec_vm_image(HypsecBoard *board, uint64_t vmid, uint64_t gpa,
                         uint64_t bytes);
/* The page at @pa becomes the next one of image @idx. */
void hypsec_vm_give(HypsecBoard *board, uint64_t vmid, uint64_t idx,
                    uint64_t pa);
void hypsec_vm_ioremap(HypsecBoard *board, uint64_t vmid, uint64_t gpa,
                       uint64_t pa, uint64_t bytes);
/* Returns: how many calls it took, the last one included. */
unsigned int hypsec_vm_destroy(HypsecBoard *board, uint64_t vmid);

/**
 * hypsec_vm_with() - a new VM with pages of the host
 * @board: the board
 * @gpa: where its only image begins
 * @pa: of the first page
 * @pages: how many, one behind the other
 *
 * Each page is filled with hypsec_fill() first.
 *
 * Returns: its id
 */
uint64_t hypsec_vm_with(HypsecBoard *board, uint64_t gpa, uint64_t pa,
                        uint64_t pages);

/* One with pages, and one call of destroy: powered off, not all pages back. */
uint64_t hypsec_vm_dying(HypsecBoard *board, uint64_t gpa, uint64_t pa,
                         uint64_t pages);

/* Pages, filled, for a VM and an image that are there. */
void hypsec_vm_give_pages(HypsecBoard *board, uint64_t vmid, uint64_t idx,
                          uint64_t pa, uint64_t pages);

/* Contents that no other page has. */
void hypsec_fill(HypsecBoard *board, uint64_t pa);
#define hypsec_assert_filled(board, pa) \
    hypsec_check_content(board, pa, true, __FILE__, __LINE__, G_STRFUNC)
#define hypsec_assert_zero(board, pa) \
    hypsec_check_content(board, pa, false, __FILE__, __LINE__, G_STRFUNC)
void hypsec_check_content(HypsecBoard *board, uint64_t pa, bool filled,
                          const char *file, int line, const char *func);

/*
 * Access by a parked CPU, with stage 1 off. True with @value loaded or stored;
 * false if EL1 took the external abort of a refusal. Everything else fails the
 * test.
 */
bool hypsec_host_load(HypsecBoard *board, unsigned int cpu, uint64_t pa,
                      uint64_t *value);
bool hypsec_host_store(HypsecBoard *board, unsigned int cpu, uint64_t pa,
                       uint64_t value);
/* The same of 1 << @log2 bytes, aligned. */
bool hypsec_host_load_of(HypsecBoard *board, unsigned int cpu, uint64_t pa,
                         unsigned int log2, uint64_t *value);
bool hypsec_host_store_of(HypsecBoard *board, unsigned int cpu, uint64_t pa,
                          unsigned int log2, uint64_t value);
/* Goes there; true if a BRK, which the test put there, was executed. */
bool hypsec_host_fetch(HypsecBoard *board, unsigned int cpu, uint64_t pa);

/* Records and tables */

/**
 * HypsecPage - what EL2 has on record of a page of RAM
 * @owner: 0 the host, HYPSEC_COREVISOR EL2, else a VM
 * @count: how often it is shared
 * @map: frame number at which its owner has it; pfn + 10^9 of the host's
 */
typedef struct HypsecPage {
    unsigned int owner;
    unsigned int count;
    uint64_t map;
} HypsecPage;

HypsecPage hypsec_page(HypsecBoard *board, uint64_t pa);

/* Says that; and whether the tables agree. */
#define hypsec_assert_host_page(board, pa) \
    hypsec_check_page(board, pa, 0, 0, __FILE__, __LINE__, G_STRFUNC)
#define hypsec_assert_vm_page(board, pa, vmid, gpa) \
    hypsec_check_page(board, pa, vmid, gpa, __FILE__, __LINE__, G_STRFUNC)
void hypsec_check_page(HypsecBoard *board, uint64_t pa, uint64_t vmid,
                       uint64_t gpa, const char *file, int line,
                       const char *func);

/* The root of a VM's table, 0 if it has none. */
uint64_t hypsec_vm_root(HypsecBoard *board, uint64_t vmid);

/* The descriptor at @gpa in a VM's table, 0 if nothing is mapped. */
uint64_t hypsec_vm_entry(HypsecBoard *board, uint64_t vmid, uint64_t gpa);

/* The page it has there, of a block as well; 0 if it has none. */
uint64_t hypsec_vm_page_at(HypsecBoard *board, uint64_t vmid, uint64_t gpa);

/* What that means for @cpu. The host's: it has what is there, and writes it. */
#define hypsec_assert_hosts(board, cpu, pa) \
    hypsec_check_hosts(board, cpu, pa, __FILE__, __LINE__, G_STRFUNC)
/* No way to the page. */
#define hypsec_assert_gone(board, cpu, pa) \
    hypsec_check_gone(board, cpu, pa, __FILE__, __LINE__, G_STRFUNC)
/* Came back: the host's, and zero. */
#define hypsec_assert_scrubbed(board, cpu, pa) \
    hypsec_check_scrubbed(board, cpu, pa, __FILE__, __LINE__, G_STRFUNC)
/* Still the VM's, mapped or not, with what hypsec_fill() put there. */
#define hypsec_assert_kept(board, cpu, pa, vmid) \
    hypsec_check_kept(board, cpu, pa, vmid, __FILE__, __LINE__, G_STRFUNC)
void hypsec_check_hosts(HypsecBoard *board, unsigned int cpu, uint64_t pa,
                        const char *file, int line, const char *func);
void hypsec_check_gone(HypsecBoard *board, unsigned int cpu, uint64_t pa,
                       const char *file, int line, const char *func);
void hypsec_check_scrubbed(HypsecBoard *board, unsigned int cpu, uint64_t pa,
                           const char *file, int line, const char *func);
void hypsec_check_kept(HypsecBoard *board, unsigned int cpu, uint64_t pa,
                       uint64_t vmid, const char *file, int line,
                       const char *func);

/**
 * hypsec_check_tables() - tables and records fit each other
 * @board: the board
 *
 * What the host's table maps is mapped to itself and is RAM of the host,
 * shared with it, or a device. What a VM's table maps is RAM of that VM at the
 * place on record, so no page is mapped twice, or a device. EL2's pages are in
 * no table.
 */
void hypsec_check_tables(HypsecBoard *board);

/**
 * HypsecState - all records, all stage-2 tables and what EL2 knows of VMs
 */
typedef struct HypsecState HypsecState;

HypsecState *hypsec_state(HypsecBoard *board);
void hypsec_state_free(HypsecState *state);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HypsecState, hypsec_state_free)

/* The record of a page in it; false if @pa is no RAM. */
bool hypsec_state_page(const HypsecState *state, uint64_t pa,
                       HypsecPage *page);

#define hypsec_assert_state(board, state) \
    hypsec_check_state(board, state, __FILE__, __LINE__, G_STRFUNC)
void hypsec_check_state(HypsecBoard *board, const HypsecState *before,
                        const char *file, int line, const char *func);

/* The records only. */
#define hypsec_assert_records(board, state) \
    hypsec_check_records(board, state, __FILE__, __LINE__, G_STRFUNC)
void hypsec_check_records(HypsecBoard *board, const HypsecState *before,
                          const char *file, int line, const char *func);

/* Attacks */

/**
 * HypsecAttempt - one thing that a host tries
 * @event: injected, if nothing is executed
 * @cpu: that executes
 * @code: executed, NULL if not; the last instruction is refused
 * @count: how many instructions
 * @fetch: in place of @code: go to @at
 * @pstate: at EL1 or EL0; 0: PSTATE_EL1H
 * @x: registers for @code
 * @at: the address that is refused
 * @write: as what
 */
typedef struct HypsecAttempt {
    HypsecEvent event;
    unsigned int cpu;
    const uint32_t *code;
    size_t count;
    bool fetch;
    uint64_t pstate;
    uint64_t x[PARK_NR_X];
    uint64_t at;
    bool write;
} HypsecAttempt;

/* In place of x0: the host takes an external abort. */
#define HYPSEC_ABORT            (-0x1000)

/**
 * HypsecAttack - an attack that EL2 refuses
 * @path: of the test, behind the program's name
 * @scene: makes the victims that many attacks share (hypsec_scene()), or NULL
 * @prepare: makes victims and says what is tried
 * @finish: looks at the victims after a refusal; may be NULL
 * @data: for both
 * @result: x0 of a call, or HYPSEC_ABORT
 * @told: part of the report, or NULL
 * @args: further arguments of the board, or NULL
 *
 * BUSY is a refusal that is no violation: it is not counted, not told, and
 * does not halt.
 */
typedef struct HypsecAttack {
    const char *path;
    void (*scene)(HypsecBoard *board);
    void (*prepare)(HypsecBoard *board, HypsecAttempt *attempt,
                    const void *data);
    void (*finish)(HypsecBoard *board, const void *data);
    const void *data;
    int result;
    const char *told;
    const char *args;
} HypsecAttack;

/**
 * hypsec_add_attack() - add the tests of an attack
 * @program: the first part of their path
 * @attack: must stay
 */
void hypsec_add_attack(const char *program, const HypsecAttack *attack);

/* For prepare functions. */
void hypsec_attempt_call(HypsecAttempt *attempt, uint64_t nr, uint64_t x1,
                         uint64_t x2, uint64_t x3, uint64_t x4);
void hypsec_attempt_load(HypsecAttempt *attempt, uint64_t pa);
void hypsec_attempt_store(HypsecAttempt *attempt, uint64_t pa);
void hypsec_attempt_fetch(HypsecAttempt *attempt, uint64_t pa);

#endif /* HYPSEC_ATTACK_H */
