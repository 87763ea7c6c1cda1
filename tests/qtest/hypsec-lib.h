/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Driving the corevisor from outside: a board with the firmware and parked
 * CPUs, events injected into them (hw/hypsec-inject.c) or executed by them for
 * real (guest-images/park), and what the firmware made of each.
 *
 *     HypsecBoard *board = hypsec_board(&(HypsecConfig){ .cpus = 2 });
 *     HypsecReturn r = hypsec_hvc(board, 1, 5, 0, 0, 0);
 *
 *     hypsec_assert_returned(board, &r, HYPSEC_NOT_SUPPORTED);
 *
 * Nothing here waits for ever. An event that panics EL2, hangs it or comes
 * back to the wrong place fails the test at once with the completion, EL2's
 * console and the CPUs' registers, unless the test asked for the outcome.
 *
 * Environment: HYPSEC_FIRMWARE and HYPSEC_PARK name the images.
 */
#ifndef HYPSEC_LIB_H
#define HYPSEC_LIB_H

#include "qemu/units.h"
#include "libqtest.h"
#include "hw/hypsec/hypsec-inject-regs.h"
#include "hypsec/abi.h"
#include "hypsec-park.h"

/* The board has 256 MiB if nobody asks for more, EL2 18 of it. */
#define HYPSEC_RAM          0x40000000ULL
#define HYPSEC_CARVEOUT     0x4ee00000ULL
#define HYPSEC_RAM_END      0x50000000ULL
/* Host memory that neither firmware nor park uses. */
#define HYPSEC_FREE         0x44000000ULL
#define HYPSEC_MAX_CPUS     8

/* Exception classes and fault status codes (Arm ARM D19.2.37). */
#define EC_UNKNOWN          0x00
#define EC_WFX              0x01
#define EC_FP               0x07
#define EC_ILLEGAL          0x0e
#define EC_SVC64            0x15
#define EC_HVC64            0x16
#define EC_SMC64            0x17
#define EC_SYS64            0x18
#define EC_SVE              0x19
#define EC_IABT_LOW         0x20
#define EC_IABT_CUR         0x21
#define EC_DABT_LOW         0x24
#define EC_DABT_CUR         0x25
#define EC_SERROR           0x2f
#define EC_BRK64            0x3c

#define FSC_ADDRESS_SIZE    0x00
#define FSC_TRANSLATION     0x04
#define FSC_ACCESS_FLAG     0x08
#define FSC_PERMISSION      0x0c
#define FSC_EXTERNAL        0x10
#define FSC_LEVEL_3         0x03

#define ESR(ec, iss)        (((uint64_t)(ec) << 26) | (1ULL << 25) | (iss))
#define ESR_EC(esr)         (((esr) >> 26) & 0x3f)
#define ESR_FSC(esr)        ((esr) & 0x3f)
#define ISS_WNR             (1u << 6)
#define ISS_S1PTW           (1u << 7)
#define ISS_CM              (1u << 8)
#define ISS_ISV             (1u << 24)
#define ISS_ACCESS(log2, sse, srt, sf) \
    (ISS_ISV | ((log2) << 22) | ((sse) << 21) | ((srt) << 16) | ((sf) << 15))

#define HCR_VM              (1ULL << 0)
#define HCR_IMO             (1ULL << 4)
#define HCR_AMO             (1ULL << 5)
#define HCR_VF              (1ULL << 6)
#define HCR_VI              (1ULL << 7)
#define HCR_VSE             (1ULL << 8)
#define HCR_TSC             (1ULL << 19)
#define HCR_TGE             (1ULL << 27)
#define HCR_RW              (1ULL << 31)

#define PSTATE_EL0          0x3c0
#define PSTATE_EL1T         0x3c4
#define PSTATE_EL1H         0x3c5

/* VBAR_EL1 + */
#define VECTOR_EL1T         0x000
#define VECTOR_EL1H         0x200
#define VECTOR_EL1H_IRQ     0x280
#define VECTOR_EL1H_FIQ     0x300
#define VECTOR_EL1H_SERROR  0x380
#define VECTOR_EL0          0x400
#define VECTOR_NONE         UINT64_MAX

/* PSCI (Arm DEN0022). */
#define PSCI_VERSION            0x84000000u
#define PSCI_CPU_SUSPEND        0x84000001u
#define PSCI_CPU_OFF            0x84000002u
#define PSCI_CPU_ON             0x84000003u
#define PSCI_AFFINITY_INFO      0x84000004u
#define PSCI_MIGRATE            0x84000005u
#define PSCI_MIGRATE_INFO_TYPE  0x84000006u
#define PSCI_SYSTEM_OFF         0x84000008u
#define PSCI_SYSTEM_RESET       0x84000009u
#define PSCI_FEATURES           0x8400000au
#define PSCI_64                 0x40000000u

/**
 * HypsecConfig - what to start
 * @cpus: how many, all parked; 0 is 1
 * @off: leave all but CPU 0 off
 * @halt: on-violation=halt
 * @ram: MiB; 0 is 256
 * @machine: further machine properties, or NULL
 * @args: further arguments, or NULL
 */
typedef struct HypsecConfig {
    unsigned int cpus;
    bool off;
    bool halt;
    unsigned int ram;
    const char *machine;
    const char *args;
} HypsecConfig;

/**
 * HypsecBoard - a board that runs
 * @qts: its QEMU
 * @cpus: how many
 * @carveout: where EL2's memory begins; it ends where RAM ends
 * @event_seconds: wall time that an event may take
 */
typedef struct HypsecBoard {
    QTestState *qts;
    unsigned int cpus;
    uint64_t carveout;
    double event_seconds;

    /* Private. */
    HypsecConfig config;
    char *key;
    char *console;
    size_t console_from;
    bool snapshots;
    void (*scene)(struct HypsecBoard *board);
    uint64_t counters;
    uint64_t counters_stride;
    uint64_t vttbr;
    uint64_t hcr;
    uint64_t cookie;
    uint64_t shared;
} HypsecBoard;

/**
 * hypsec_board() - the board for a test: firmware up, CPUs parked
 * @config: what to start
 *
 * One QEMU is kept for the next test that wants the same; loadvm brings its
 * state back to where it was here. It must not be ended by the test.
 *
 * Returns: the board; hypsec_lib_run() ends it
 */
HypsecBoard *hypsec_board(const HypsecConfig *config);

/**
 * hypsec_board_new() - a board of the test's own
 * @config: what to start
 *
 * Returns: the board, for hypsec_board_free()
 */
HypsecBoard *hypsec_board_new(const HypsecConfig *config);
void hypsec_board_free(HypsecBoard *board);

/**
 * hypsec_park() - turn CPUs on until all are parked
 * @board: a board, for instance after a reset
 */
void hypsec_park(HypsecBoard *board);

void hypsec_wait_parked(HypsecBoard *board, unsigned int cpu);

/* Forgets that a CPU is parked, before it is turned off or reset. */
void hypsec_unpark(HypsecBoard *board, unsigned int cpu);

/* Waits until the 64-bit word at @pa is @value (@equal) or is not. */
void hypsec_wait_word(HypsecBoard *board, uint64_t pa, uint64_t value,
                      bool equal, const char *what);

/* savevm and loadvm; the disk for it is made on first use. */
void hypsec_savevm(HypsecBoard *board, const char *name);
void hypsec_loadvm(HypsecBoard *board, const char *name);

/**
 * hypsec_scene() - start from what many tests start from
 * @board: a board just got from hypsec_board()
 * @make: makes it; once for many tests, a snapshot keeps it
 */
void hypsec_scene(HypsecBoard *board, void (*make)(HypsecBoard *board));

/* Fails the test with all that is known of the board. */
G_NORETURN void hypsec_fail(HypsecBoard *board, const char *file, int line,
                            const char *func, const char *fmt, ...)
    G_GNUC_PRINTF(5, 6);
#define HYPSEC_FAIL(board, ...) \
    hypsec_fail(board, __FILE__, __LINE__, G_STRFUNC, __VA_ARGS__)

/* Executed for real */

/**
 * HypsecRun - what a parked CPU executes, and what came of it
 * @x: x0..x17 before and after
 * @pc: where to; 0: to @code
 * @pstate: at EL1 or EL0; 0: PSTATE_EL1H
 * @code: instructions for the mailbox; a BRK follows by itself
 * @count: how many
 * @vector: of the exception that ended it, from VBAR_EL1
 * @esr, @far, @elr, @spsr: of that exception, _EL1
 * @code_pc: where @code began
 */
typedef struct HypsecRun {
    uint64_t x[PARK_NR_X];
    uint64_t pc;
    uint64_t pstate;
    const uint32_t *code;
    size_t count;

    uint64_t vector;
    uint64_t esr;
    uint64_t far;
    uint64_t elr;
    uint64_t spsr;
    uint64_t code_pc;
} HypsecRun;

/**
 * hypsec_run() - let a parked CPU execute instructions
 * @board: the board
 * @cpu: whose mailbox
 * @run: filled in with what came of it
 *
 * Returns: whether they ran to their end, that is to the BRK
 */
bool hypsec_run(HypsecBoard *board, unsigned int cpu, HypsecRun *run);

/* The two halves of it, for CPUs that run at once. */
void hypsec_run_start(HypsecBoard *board, unsigned int cpu, HypsecRun *run);
bool hypsec_run_wait(HypsecBoard *board, unsigned int cpu, HypsecRun *run);

/**
 * HypsecMailbox - where a parked CPU takes its orders
 * @pa: where it is
 * @address: where the CPU that waits at it has it
 * @vectors: where it has its vectors
 */
typedef struct HypsecMailbox {
    uint64_t pa;
    uint64_t address;
    uint64_t vectors;
} HypsecMailbox;

/* hypsec_run_start() and what is behind the wait in hypsec_run_wait(). */
void hypsec_mailbox_put(HypsecBoard *board, const HypsecMailbox *box,
                        HypsecRun *run);
bool hypsec_mailbox_take(HypsecBoard *board, const HypsecMailbox *box,
                         HypsecRun *run);

/* A64 encodings for @code. */
#define INSN_HVC(imm)       (0xd4000002u | ((imm) << 5))
#define INSN_SMC(imm)       (0xd4000003u | ((imm) << 5))
#define INSN_BRK            0xd4200000u
#define INSN_BR(rn)         (0xd61f0000u | ((rn) << 5))
#define INSN_NOP            0xd503201fu
#define INSN_LDR(log2, rt, rn) \
    (0x39400000u | ((uint32_t)(log2) << 30) | ((rn) << 5) | (rt))
#define INSN_LDRS(log2, rt, rn) \
    (0x39800000u | ((uint32_t)(log2) << 30) | ((rn) << 5) | (rt))
#define INSN_STR(log2, rt, rn) \
    (0x39000000u | ((uint32_t)(log2) << 30) | ((rn) << 5) | (rt))
#define INSN_LDP(rt, rt2, rn) \
    (0xa9400000u | ((rt2) << 10) | ((rn) << 5) | (rt))
#define INSN_SUBS1(rd)      (0xf1000400u | ((rd) << 5) | (rd))
#define INSN_BNE(words)     (0x54000001u | (((uint32_t)(words) & 0x7ffff) << 5))

/* Injected */

typedef struct hypsec_inject_desc HypsecEvent;

/**
 * HypsecReturn - what became of an event
 * @board: where
 * @event: as it was given
 * @c: the completion
 */
typedef struct HypsecReturn {
    HypsecBoard *board;
    HypsecEvent event;
    struct hypsec_inject_comp c;
} HypsecReturn;

/*
 * Events to be changed further and fired. All happen at HYPSEC_EVENT_PC with
 * HYPSEC_EVENT_PSTATE and with values in all registers that tell one from the
 * other, so that the assertions below see any that is not kept.
 */
#define HYPSEC_EVENT_PC         (HYPSEC_FREE + 0x100000)
#define HYPSEC_EVENT_PSTATE     (0xa0000000u | PSTATE_EL1H)

HypsecEvent hypsec_event(uint32_t type, unsigned int cpu);
HypsecEvent hypsec_event_hvc(unsigned int cpu, uint64_t x0, uint64_t x1,
                             uint64_t x2, uint64_t x3);
HypsecEvent hypsec_event_smc(unsigned int cpu, uint64_t x0, uint64_t x1,
                             uint64_t x2, uint64_t x3);
/* The syndrome is @iss with the class of the level in PSTATE below EL2. */
HypsecEvent hypsec_event_dabt(unsigned int cpu, uint64_t ipa, uint32_t iss);
HypsecEvent hypsec_event_iabt(unsigned int cpu, uint64_t ipa, uint32_t iss);
/* What a trapped instruction of class @ec gives; EL2 takes it in any case. */
HypsecEvent hypsec_event_trap(unsigned int cpu, unsigned int ec, uint32_t iss);

/* HPFAR_EL2 for an IPA. */
#define HYPSEC_HPFAR(ipa)       (((ipa) >> 12) << 4)

/**
 * hypsec_try() - fire an event and wait for its completion
 * @board: the board
 * @event: what
 *
 * Returns: whatever came of it, in bounded time
 */
HypsecReturn hypsec_try(HypsecBoard *board, const HypsecEvent *event);

/**
 * hypsec_fire() - the same for an event that the firmware must survive
 * @board: the board
 * @event: what
 *
 * Fails the test if the event was refused by the injector, or EL2 panicked,
 * hung, or returned to another world than the host's: the host's stage-2
 * table, VMID 0, stage 2 and all traps on.
 *
 * Returns: the completion
 */
HypsecReturn hypsec_fire(HypsecBoard *board, const HypsecEvent *event);

/* Fires an event and does not wait; the machine may end of it. */
void hypsec_post(HypsecBoard *board, const HypsecEvent *event);

/* One event, fired. */
HypsecReturn hypsec_hvc(HypsecBoard *board, unsigned int cpu, uint64_t x0,
                        uint64_t x1, uint64_t x2, uint64_t x3);
HypsecReturn hypsec_smc(HypsecBoard *board, unsigned int cpu, uint64_t x0,
                        uint64_t x1, uint64_t x2, uint64_t x3);
HypsecReturn hypsec_dabt(HypsecBoard *board, unsigned int cpu, uint64_t ipa,
                         uint32_t iss);
HypsecReturn hypsec_iabt(HypsecBoard *board, unsigned int cpu, uint64_t ipa,
                         uint32_t iss);
/* A load or store of 1 << @log2 bytes from or to register @rt. */
HypsecReturn hypsec_mmio_read(HypsecBoard *board, unsigned int cpu,
                              uint64_t ipa, unsigned int log2,
                              unsigned int rt);
HypsecReturn hypsec_mmio_write(HypsecBoard *board, unsigned int cpu,
                               uint64_t ipa, unsigned int log2,
                               unsigned int rt);
HypsecReturn hypsec_serror(HypsecBoard *board, unsigned int cpu, uint32_t iss);
HypsecReturn hypsec_trap(HypsecBoard *board, unsigned int cpu,
                         unsigned int ec, uint32_t iss);

/**
 * hypsec_ring() - many events at once through the rings
 * @board: the board
 * @events: what; order among those of different CPUs is nobody's
 * @n: how many
 * @returns: their completions, in the order of @events
 *
 * Checks each as hypsec_fire() does. Waits for all of them.
 */
void hypsec_ring(HypsecBoard *board, const HypsecEvent *events, size_t n,
                 HypsecReturn *returns);

/* The two halves of it; at most HYPSEC_RING_MAX then, checked by the test. */
#define HYPSEC_RING_MAX (HYPSEC_INJECT_SQ_ENTRIES - 1)
void hypsec_ring_put(HypsecBoard *board, const HypsecEvent *events, size_t n);
void hypsec_ring_take(HypsecBoard *board, const HypsecEvent *events, size_t n,
                      HypsecReturn *returns);

/* Waits until the ring has a completion. */
void hypsec_wait_ring(HypsecBoard *board);

/* A completion in words; to be freed. */
char *hypsec_describe(const HypsecReturn *r);

/*
 * What the host sees. Each checks the whole state: registers, PC, PSTATE and
 * the exception that EL1 takes or does not take.
 */
/* The call is over: x0 is @value, execution goes on behind it. */
#define hypsec_assert_returned(r, value) \
    hypsec_check_returned(r, value, __FILE__, __LINE__, G_STRFUNC)
/* Nothing happened but that the instruction runs again. */
#define hypsec_assert_retried(r) \
    hypsec_check_retried(r, __FILE__, __LINE__, G_STRFUNC)
/* EL1 takes an undefined-instruction exception. */
#define hypsec_assert_undefined(r) \
    hypsec_check_undefined(r, __FILE__, __LINE__, G_STRFUNC)
/* EL1 takes an external abort at the address of the event. */
#define hypsec_assert_aborted(r) \
    hypsec_check_aborted(r, __FILE__, __LINE__, G_STRFUNC)
/* The architecture took it to EL1, at vector @vector. */
#define hypsec_assert_at_el1(r, vector) \
    hypsec_check_at_el1(r, vector, __FILE__, __LINE__, G_STRFUNC)
/* The architecture did nothing, for reason @reason (HYPSEC_INJECT_R_*). */
#define hypsec_assert_not_trapped(r, reason) \
    hypsec_check_not_trapped(r, reason, __FILE__, __LINE__, G_STRFUNC)

void hypsec_check_returned(const HypsecReturn *r, uint64_t value,
                           const char *file, int line, const char *func);
void hypsec_check_retried(const HypsecReturn *r, const char *file, int line,
                          const char *func);
void hypsec_check_undefined(const HypsecReturn *r, const char *file, int line,
                            const char *func);
void hypsec_check_aborted(const HypsecReturn *r, const char *file, int line,
                          const char *func);
void hypsec_check_at_el1(const HypsecReturn *r, uint32_t vector,
                         const char *file, int line, const char *func);
void hypsec_check_not_trapped(const HypsecReturn *r, uint32_t reason,
                              const char *file, int line, const char *func);

/* What the firmware says, counts and maps */

/* EL2's console since the test began; to be freed. */
char *hypsec_console(HypsecBoard *board);

#define hypsec_assert_console(board, text) \
    hypsec_check_console(board, text, true, __FILE__, __LINE__, G_STRFUNC)
#define hypsec_assert_no_console(board, text) \
    hypsec_check_console(board, text, false, __FILE__, __LINE__, G_STRFUNC)
void hypsec_check_console(HypsecBoard *board, const char *text, bool there,
                          const char *file, int line, const char *func);

/* A CPU's counters in the inspection page. */
typedef struct HypsecCounters {
    uint64_t refusals;
    uint64_t host_s2_faults;
    uint64_t hypercalls;
    uint64_t smcs;
    uint32_t world;
} HypsecCounters;

HypsecCounters hypsec_counters(HypsecBoard *board, unsigned int cpu);

/**
 * hypsec_s2_entry() - look an address up in the host's stage-2 table
 * @board: the board
 * @ipa: the address
 *
 * Returns: the descriptor of the block or page, 0 if nothing is mapped
 */
uint64_t hypsec_s2_entry(HypsecBoard *board, uint64_t ipa);

/* The same for the stage-2 table with its root at @root. */
uint64_t hypsec_table_entry(HypsecBoard *board, uint64_t root, uint64_t ipa);

/* The 64-bit word @offset bytes into the inspection page. */
uint64_t hypsec_inspect(HypsecBoard *board, size_t offset);

/* Waits for a QMP event. */
void hypsec_wait_event(HypsecBoard *board, const char *name);

/**
 * hypsec_assert_panicked() - EL2 has stopped for good and QMP saw it
 * @board: the board, paused by QEMU then
 * @reason: what its console says
 */
void hypsec_assert_panicked(HypsecBoard *board, const char *reason);

/**
 * hypsec_lib_run() - run the tests that were added and clean up
 *
 * Returns: what main() returns
 */
int hypsec_lib_run(void);

/* g_test_init() and a look at the environment; false with a message. */
bool hypsec_lib_init(int *argc, char ***argv);

#endif /* HYPSEC_LIB_H */
