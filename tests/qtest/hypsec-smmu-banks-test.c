/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The calls by which a host that knows them manages banks of the SMMUs and
 * sends streams through them: what it may do with its own, and what it tries
 * with those of VMs, of EL2 and of nobody.
 */
#include "qemu/osdep.h"
#include "hypsec-smmu.h"

#define PROGRAM "hypsec-smmu-banks"
#define DMA_ON  "-machine dma=on"
#define CHANNEL 4
#define SMMU    HYPSEC_DMA_SMMU

/* Pages of the scenes: of VM 1, of VM 2, and of the host's. */
#define VM_PAGE     (HYPSEC_FREE + 24 * HYPSEC_BLOCK)
#define OTHER_PAGE  (VM_PAGE + HYPSEC_BLOCK)
#define MAPPED      (VM_PAGE + 2 * HYPSEC_BLOCK)
#define FREE        (VM_PAGE + 3 * HYPSEC_BLOCK)
#define VM          1
#define OTHER_VM    2
#define DMA_GPA     UINT64_C(0x90000000)

#define HOST_BANK   2
#define VM_BANK     3
#define FREE_BANK   4

static const HypsecConfig with_dma = { .cpus = 2, .machine = "dma=on" };

static void must(int64_t result)
{
    g_assert_cmpint(result, ==, HYPSEC_OK);
}

/* Two VMs, one of them with a bank; a bank of the host's that maps a page. */
static void make_banks(HypsecBoard *board)
{
    g_assert_cmpuint(hypsec_vm_with(board, HYPSEC_GPA, VM_PAGE, 3), ==, VM);
    g_assert_cmpuint(hypsec_vm_with(board, HYPSEC_GPA, OTHER_PAGE, 1), ==,
                     OTHER_VM);
    must(hypsec_smmu_alloc(board, HOST_BANK, 0, SMMU));
    must(hypsec_smmu_map(board, MAPPED, MAPPED, HYPSEC_SMMU_RW, HOST_BANK,
                         SMMU));
    must(hypsec_smmu_alloc(board, VM_BANK, VM, SMMU));
    must(hypsec_smmu_map(board, HYPSEC_GPA, VM_PAGE, HYPSEC_SMMU_RW, VM_BANK,
                         SMMU));
}

/* A VM that is verified, with a bank and a device. */
static void make_verified(HypsecBoard *board)
{
    g_autoptr(HypsecSigned) is = hypsec_signed("park1");
    HypsecVm vm = hypsec_vm_loaded(board, is, 1);

    g_assert_cmpuint(vm.id, ==, VM);
    must(hypsec_smmu_alloc(board, VM_BANK, VM, SMMU));
    must(hypsec_smmu_map(board, DMA_GPA, VM_PAGE, HYPSEC_SMMU_RW, VM_BANK,
                         SMMU));
    must(hypsec_smmu_set_stream(board, SMMU, HYPSEC_DMA_SID(0), VM_BANK));
    must(hypsec_vm_verify(board, &vm, NULL));
    must(hypsec_smmu_alloc(board, HOST_BANK, 0, SMMU));
}

/* What is allowed */

/* The descriptor of the host's channel goes through the same bank. */
static void map_desc(HypsecBoard *board, unsigned int channel)
{
    must(hypsec_smmu_map(board, HYPSEC_DMA_DESC_AT(channel),
                         HYPSEC_DMA_DESC_AT(channel), HYPSEC_SMMU_RW,
                         HOST_BANK, SMMU));
}

static void assert_count(HypsecBoard *board, uint64_t pa, unsigned int count)
{
    HypsecPage page = hypsec_page(board, pa);

    g_assert_cmpuint(page.owner, ==, 0);
    g_assert_cmpuint(page.count, ==, count);
}

/* Both ways to send a stream through a bank of the host's. */
static void send_stream(HypsecBoard *board, bool by_registers,
                        unsigned int channel)
{
    if (!by_registers) {
        must(hypsec_smmu_set_stream(board, SMMU, HYPSEC_DMA_SID(channel),
                                    HOST_BANK));
        return;
    }
    hypsec_smmu_host_write(board, SMMU, SMMU_S2CR(9),
                           S2CR_TRANSLATE | HOST_BANK);
    hypsec_smmu_host_write(board, SMMU, SMMU_SMR(9),
                           SMR_VALID | HYPSEC_DMA_SID(channel));
    hypsec_smmu_host_write(board, SMMU, SMMU_SCR0, SCR0_SMCFCFG);
}

static void test_host_bank(const void *data)
{
    bool by_registers = *(const bool *)data;
    HypsecBoard *board = hypsec_board(&with_dma);
    uint64_t only_read = FREE + HYPSEC_PAGE, only_written = FREE +
                                                            2 * HYPSEC_PAGE;
    uint64_t value;

    must(hypsec_smmu_alloc(board, HOST_BANK, 0, SMMU));
    map_desc(board, CHANNEL);
    must(hypsec_smmu_map(board, FREE, FREE, HYPSEC_SMMU_RW, HOST_BANK, SMMU));
    must(hypsec_smmu_map(board, only_read, only_read, HYPSEC_SMMU_READ,
                         HOST_BANK, SMMU));
    must(hypsec_smmu_map(board, only_written, only_written, HYPSEC_SMMU_WRITE,
                         HOST_BANK, SMMU));
    send_stream(board, by_registers, CHANNEL);
    g_assert_cmpint(hypsec_smmu_stream(board, SMMU, HYPSEC_DMA_SID(CHANNEL)),
                    ==, HOST_BANK);
    hypsec_check_smmus(board);
    hypsec_assert_dma(board, CHANNEL, FREE);
    g_assert_true(hypsec_dma_load(board, CHANNEL, only_read, &value));
    g_assert_false(hypsec_dma_store(board, CHANNEL, only_read, 1));
    g_assert_false(hypsec_dma_load(board, CHANNEL, only_written, &value));
    g_assert_true(hypsec_dma_store(board, CHANNEL, only_written, 1));
    /* Of the host's pages nothing but what it mapped. */
    hypsec_assert_no_dma(board, CHANNEL, FREE + 3 * HYPSEC_PAGE);
    g_assert_cmphex(hypsec_smmu_to_phys(board, FREE + 0x123, HOST_BANK, SMMU),
                    ==, FREE + 0x123);
    g_assert_cmphex(hypsec_smmu_to_phys(board, FREE + 3 * HYPSEC_PAGE,
                                        HOST_BANK, SMMU), ==, 0);
    assert_count(board, FREE, 1);
    /* Its faults are recorded where it can see them. */
    g_assert_cmphex(hypsec_smmu_host_read(board, SMMU, SMMU_CB(HOST_BANK) +
                                          SMMU_CB_FSR), !=, 0);
    g_assert_cmphex(hypsec_smmu_host_read(board, SMMU,
                                          SMMU_CBFRSYNRA(HOST_BANK)) & 0x7fff,
                    ==, HYPSEC_DMA_SID(CHANNEL));
    hypsec_smmu_host_write(board, SMMU, SMMU_CB(HOST_BANK) + SMMU_CB_FSR,
                           0xc00001fe);
    g_assert_cmphex(hypsec_smmu_host_read(board, SMMU, SMMU_CB(HOST_BANK) +
                                          SMMU_CB_FSR), ==, 0);
    /* G69: the TLB has it. */
    must(hypsec_smmu_clear(board, FREE, HOST_BANK, SMMU));
    hypsec_assert_no_dma(board, CHANNEL, FREE);
    assert_count(board, FREE, 0);
    g_assert_cmphex(hypsec_smmu_to_phys(board, FREE, HOST_BANK, SMMU), ==, 0);
    hypsec_check_smmus(board);
}

/* All streams but this one go where they went. */
static void test_stream_and_back(void)
{
    HypsecBoard *board = hypsec_board(&with_dma);

    must(hypsec_smmu_alloc(board, HOST_BANK, 0, SMMU));
    map_desc(board, CHANNEL);
    send_stream(board, false, CHANNEL);
    hypsec_assert_no_dma(board, CHANNEL, FREE);
    hypsec_assert_dma(board, CHANNEL + 1, FREE);
    must(hypsec_smmu_set_stream(board, SMMU, HYPSEC_DMA_SID(CHANNEL), 0));
    hypsec_assert_dma(board, CHANNEL, FREE);
    hypsec_check_smmus(board);
}

/* Freed: nothing goes through it, and what it mapped may be given away. */
static void test_free(const void *data)
{
    bool by_registers = *(const bool *)data;
    HypsecBoard *board = hypsec_board(&with_dma);
    HypsecTransfer t = { .op = HYPSEC_DMA_OP_WRITE, .dst = FREE };

    must(hypsec_smmu_alloc(board, HOST_BANK, 0, SMMU));
    map_desc(board, CHANNEL);
    for (uint64_t i = 0; i < 700; i++) {
        must(hypsec_smmu_map(board, FREE + i * HYPSEC_PAGE,
                             FREE + i * HYPSEC_PAGE, HYPSEC_SMMU_RW,
                             HOST_BANK, SMMU));
    }
    send_stream(board, by_registers, CHANNEL);
    hypsec_assert_dma(board, CHANNEL, FREE);
    hypsec_assert_dma(board, CHANNEL, FREE + 699 * HYPSEC_PAGE);
    must(hypsec_smmu_free(board, HOST_BANK, SMMU));
    g_assert_cmpuint(hypsec_dma(board, CHANNEL, &t), !=,
                     HYPSEC_DMA_ERROR_NONE);
    hypsec_check_smmus(board);
    for (uint64_t i = 0; i < 700; i += 50) {
        assert_count(board, FREE + i * HYPSEC_PAGE, 0);
    }
    hypsec_vm_with(board, HYPSEC_GPA, FREE, 700);
    /* Freed is free; and empty when it is taken again. */
    must(hypsec_smmu_free(board, HOST_BANK, SMMU));
    must(hypsec_smmu_alloc(board, HOST_BANK, 0, SMMU));
    for (uint64_t i = 0; i < 700; i += 50) {
        g_assert_cmphex(hypsec_smmu_to_phys(board, FREE + i * HYPSEC_PAGE,
                                            HOST_BANK, SMMU), ==, 0);
    }
    hypsec_check_smmus(board);
    hypsec_check_tables(board);
}

/* Every bank of both, for the host and for a VM. */
static void test_all_banks(void)
{
    HypsecBoard *board = hypsec_board(&with_dma);
    uint64_t vmid = hypsec_vm_with(board, HYPSEC_GPA, VM_PAGE, 1);

    for (unsigned int index = 0; index < HYPSEC_SMMUS; index++) {
        for (unsigned int bank = 1; bank < HYPSEC_SMMU_BANKS; bank++) {
            bool host = bank % 2;

            must(hypsec_smmu_alloc(board, bank, host ? 0 : vmid, index));
            must(hypsec_smmu_map(board, host ? FREE : HYPSEC_GPA,
                                 host ? FREE : VM_PAGE, HYPSEC_SMMU_RW, bank,
                                 index));
        }
    }
    assert_count(board, FREE, 8);
    hypsec_check_smmus(board);
    for (unsigned int index = 0; index < HYPSEC_SMMUS; index++) {
        for (unsigned int bank = 1; bank < HYPSEC_SMMU_BANKS; bank += 2) {
            must(hypsec_smmu_free(board, bank, index));
        }
    }
    assert_count(board, FREE, 0);
    hypsec_vm_destroy(board, vmid);
    for (unsigned int index = 0; index < HYPSEC_SMMUS; index++) {
        for (unsigned int bank = 1; bank < HYPSEC_SMMU_BANKS; bank++) {
            must(hypsec_smmu_alloc(board, bank, 0, index));
            g_assert_cmphex(hypsec_smmu_to_phys(board, HYPSEC_GPA, bank,
                                                index), ==, 0);
        }
    }
    hypsec_check_smmus(board);
}

/* G34: a page of the host's that a VM's device gets is zeroed, and gone. */
static void test_vm_page(void)
{
    HypsecBoard *board = hypsec_board(&with_dma);
    uint64_t vmid = hypsec_vm_with(board, HYPSEC_GPA, VM_PAGE, 1);
    HypsecPage page;
    uint64_t value;

    must(hypsec_smmu_alloc(board, VM_BANK, vmid, SMMU));
    hypsec_fill(board, FREE);
    hypsec_assert_dma(board, CHANNEL, FREE);
    g_assert_true(hypsec_host_load(board, 1, FREE, &value));
    must(hypsec_smmu_map(board, DMA_GPA, FREE, HYPSEC_SMMU_RW, VM_BANK,
                         SMMU));
    hypsec_assert_zero(board, FREE);
    hypsec_assert_gone(board, 1, FREE);
    hypsec_assert_no_dma(board, CHANNEL, FREE);
    page = hypsec_page(board, FREE);
    g_assert_cmpuint(page.owner, ==, vmid);
    g_assert_cmphex(page.map, ==, DMA_GPA / HYPSEC_PAGE);
    /* One of its image stays as it is. */
    must(hypsec_smmu_map(board, HYPSEC_GPA, VM_PAGE, HYPSEC_SMMU_READ,
                         VM_BANK, SMMU));
    hypsec_assert_filled(board, VM_PAGE);
    /* The same once more changes nothing. */
    must(hypsec_smmu_map(board, DMA_GPA, FREE, HYPSEC_SMMU_RW, VM_BANK,
                         SMMU));
    hypsec_check_smmus(board);
    hypsec_check_tables(board);
    /* G69: it comes back, though only the device's table named it. */
    hypsec_vm_destroy(board, vmid);
    hypsec_assert_scrubbed(board, 1, FREE);
    hypsec_assert_dma(board, CHANNEL, FREE);
    hypsec_check_smmus(board);
}

/* The same page after its bank has let go of it: still the VM's. */
static void test_cleared_vm_page(void)
{
    HypsecBoard *board = hypsec_board(&with_dma);
    uint64_t vmid = hypsec_vm_with(board, HYPSEC_GPA, VM_PAGE, 1);

    must(hypsec_smmu_alloc(board, VM_BANK, vmid, SMMU));
    must(hypsec_smmu_map(board, DMA_GPA, FREE, HYPSEC_SMMU_RW, VM_BANK,
                         SMMU));
    must(hypsec_smmu_clear(board, DMA_GPA, VM_BANK, SMMU));
    g_assert_cmphex(hypsec_smmu_to_phys(board, DMA_GPA, VM_BANK, SMMU), ==,
                    0);
    hypsec_assert_gone(board, 1, FREE);
    hypsec_assert_no_dma(board, CHANNEL, FREE);
    g_assert_cmpuint(hypsec_page(board, FREE).owner, ==, vmid);
    hypsec_vm_destroy(board, vmid);
    hypsec_assert_scrubbed(board, 1, FREE);
    hypsec_assert_dma(board, CHANNEL, FREE);
    hypsec_check_smmus(board);
}

/* A page that a device of the host's reaches cannot be given away. */
static void test_mapped_page_is_kept(void)
{
    HypsecBoard *board = hypsec_board(&with_dma);
    uint64_t vmid, idx;

    hypsec_scene(board, make_banks);
    vmid = hypsec_vm(board);
    idx = hypsec_vm_image(board, vmid, HYPSEC_GPA, HYPSEC_PAGE);
    g_assert_cmpint(hypsec_call(board, 0, HYPSEC_HVC_REMAP_VM_IMAGE, vmid,
                                MAPPED / HYPSEC_PAGE, idx, 0), ==,
                    HYPSEC_DENIED);
    assert_count(board, MAPPED, 1);
    must(hypsec_smmu_clear(board, MAPPED, HOST_BANK, SMMU));
    hypsec_vm_give(board, vmid, idx, MAPPED);
    hypsec_assert_no_dma(board, CHANNEL, MAPPED);
    hypsec_check_smmus(board);
}

/* Without SMMUs there are no such calls. */
static void test_no_smmu(void)
{
    static const HypsecConfig off = { .machine = "smmu=off" };
    static const uint64_t calls[] = {
        HYPSEC_HVC_SMMU_FREE_PGD, HYPSEC_HVC_SMMU_ALLOC_PGD,
        HYPSEC_HVC_SMMU_LPAE_MAP, HYPSEC_HVC_SMMU_LPAE_IOVA_TO_PHYS,
        HYPSEC_HVC_SMMU_CLEAR, HYPSEC_HVC_SMMU_SET_STREAM,
    };
    HypsecBoard *board = hypsec_board(&off);

    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        g_assert_cmpint(hypsec_call(board, 0, calls[i], 1, 0, 0, 0), ==,
                        HYPSEC_NOT_SUPPORTED);
    }
    g_assert_cmpint(hypsec_call(board, 0, HYPSEC_HVC_GET_INFO,
                                HYPSEC_INFO_SMMUS, 0, 0, 0), ==, 0);
}

static void test_number(void)
{
    HypsecBoard *board = hypsec_board(&with_dma);

    g_assert_cmpint(hypsec_call(board, 0, HYPSEC_HVC_GET_INFO,
                                HYPSEC_INFO_SMMUS, 0, 0, 0), ==,
                    HYPSEC_SMMUS);
}

/* What is not */

typedef struct Call {
    uint64_t nr;
    uint64_t x[5];
} Call;

static HypsecSmmuState *before;

static void prepare(HypsecBoard *board, HypsecAttempt *attempt,
                    const void *data)
{
    const Call *c = data;

    attempt->event = hypsec_event_call(0, c->nr, c->x[0], c->x[1], c->x[2],
                                       c->x[3]);
    attempt->event.x[5] = c->x[4];
    g_clear_pointer(&before, hypsec_smmu_state_free);
    before = hypsec_smmu_state(board);
}

static void finish(HypsecBoard *board, const void *data)
{
    hypsec_assert_smmu_state(board, before);
    hypsec_check_smmus(board);
}

#define CALL(...)       .data = &(const Call){ __VA_ARGS__ }
#define ALLOC(...)      CALL(HYPSEC_HVC_SMMU_ALLOC_PGD, { __VA_ARGS__ })
#define FREE_PGD(...)   CALL(HYPSEC_HVC_SMMU_FREE_PGD, { __VA_ARGS__ })
#define MAP(...)        CALL(HYPSEC_HVC_SMMU_LPAE_MAP, { __VA_ARGS__ })
#define TO_PHYS(...)    CALL(HYPSEC_HVC_SMMU_LPAE_IOVA_TO_PHYS, { __VA_ARGS__ })
#define CLEAR(...)      CALL(HYPSEC_HVC_SMMU_CLEAR, { __VA_ARGS__ })
#define STREAM(...)     CALL(HYPSEC_HVC_SMMU_SET_STREAM, { __VA_ARGS__ })
#define RW              HYPSEC_SMMU_RW
#define SID             HYPSEC_DMA_SID
#define WRAP(n)         ((UINT64_C(1) << 32) + (n))
#define MAKE(name, make, expected, ...) \
    { name, make, prepare, finish, .result = expected, .args = DMA_ON, \
      __VA_ARGS__ }
#define BANKS(name, expected, ...) MAKE(name, make_banks, expected, \
                                        __VA_ARGS__)
#define VERIFIED(name, expected, ...) MAKE("verified/" name, make_verified, \
                                           expected, __VA_ARGS__)

static const HypsecAttack attacks[] = {
    BANKS("alloc/identity-bank", HYPSEC_DENIED, ALLOC(0, 0, SMMU)),
    BANKS("alloc/identity-bank-for-a-vm", HYPSEC_DENIED, ALLOC(0, VM, SMMU)),
    BANKS("alloc/G6/bank-8", HYPSEC_INVALID, ALLOC(8, 0, SMMU)),
    BANKS("alloc/G6/bank-wraps", HYPSEC_INVALID, ALLOC(WRAP(4), 0, SMMU)),
    BANKS("alloc/G6/bank-negative", HYPSEC_INVALID, ALLOC(~0ull, 0, SMMU)),
    BANKS("alloc/G6/smmu-2", HYPSEC_INVALID, ALLOC(FREE_BANK, 0, 2)),
    BANKS("alloc/G6/smmu-wraps", HYPSEC_INVALID, ALLOC(FREE_BANK, 0,
                                                       WRAP(1))),
    BANKS("alloc/G6/vm-16", HYPSEC_INVALID, ALLOC(FREE_BANK, 16, SMMU)),
    BANKS("alloc/G6/vm-invalid", HYPSEC_INVALID,
          ALLOC(FREE_BANK, 0xffffffff, SMMU)),
    BANKS("alloc/G6/vm-wraps", HYPSEC_INVALID, ALLOC(FREE_BANK, WRAP(VM),
                                                     SMMU)),
    BANKS("alloc/no-such-vm", HYPSEC_DENIED, ALLOC(FREE_BANK, 7, SMMU)),
    BANKS("alloc/a-vms-for-the-host", HYPSEC_BUSY, ALLOC(VM_BANK, 0, SMMU)),
    BANKS("alloc/a-vms-for-another", HYPSEC_BUSY,
          ALLOC(VM_BANK, OTHER_VM, SMMU)),
    BANKS("alloc/the-hosts-for-a-vm", HYPSEC_BUSY,
          ALLOC(HOST_BANK, VM, SMMU)),
    VERIFIED("alloc", HYPSEC_DENIED, ALLOC(FREE_BANK, VM, SMMU)),

    BANKS("free/identity-bank", HYPSEC_DENIED, FREE_PGD(0, SMMU)),
    BANKS("free/a-vms", HYPSEC_DENIED, FREE_PGD(VM_BANK, SMMU)),
    BANKS("free/G6/bank-8", HYPSEC_INVALID, FREE_PGD(8, SMMU)),
    BANKS("free/G6/smmu-2", HYPSEC_INVALID, FREE_PGD(HOST_BANK, 2)),
    VERIFIED("free", HYPSEC_DENIED, FREE_PGD(VM_BANK, SMMU)),

    BANKS("map/host/elsewhere", HYPSEC_DENIED,
          MAP(FREE + HYPSEC_PAGE, FREE, RW, HOST_BANK, SMMU)),
    BANKS("map/host/G68/a-vms-page", HYPSEC_DENIED,
          MAP(VM_PAGE, VM_PAGE, RW, HOST_BANK, SMMU)),
    BANKS("map/host/el2", HYPSEC_DENIED,
          MAP(HYPSEC_CARVEOUT, HYPSEC_CARVEOUT, RW, HOST_BANK, SMMU)),
    BANKS("map/host/G68/smmu", HYPSEC_DENIED,
          MAP(HYPSEC_SMMU(1), HYPSEC_SMMU(1), RW, HOST_BANK, SMMU)),
    BANKS("map/host/G68/uart", HYPSEC_DENIED,
          MAP(HYPSEC_UART0, HYPSEC_UART0, RW, HOST_BANK, SMMU)),
    BANKS("map/host/G68/behind-ram", HYPSEC_DENIED,
          MAP(HYPSEC_RAM_END, HYPSEC_RAM_END, RW, HOST_BANK, SMMU)),
    BANKS("map/host/2^40", HYPSEC_INVALID,
          MAP(HYPSEC_IPA_END, HYPSEC_IPA_END, RW, HOST_BANK, SMMU)),
    BANKS("map/host/iova-wraps", HYPSEC_INVALID,
          MAP((1ull << 40) + FREE, FREE, RW, HOST_BANK, SMMU)),
    BANKS("map/host/pa-wraps", HYPSEC_INVALID,
          MAP(FREE, (1ull << 52) + FREE, RW, HOST_BANK, SMMU)),
    BANKS("map/host/odd", HYPSEC_INVALID,
          MAP(FREE + 8, FREE + 8, RW, HOST_BANK, SMMU)),
    BANKS("map/host/no-access", HYPSEC_INVALID,
          MAP(FREE, FREE, 0, HOST_BANK, SMMU)),
    BANKS("map/host/address-in-prot", HYPSEC_INVALID,
          MAP(FREE, FREE, RW | VM_PAGE, HOST_BANK, SMMU)),
    BANKS("map/identity-bank", HYPSEC_DENIED, MAP(FREE, FREE, RW, 0, SMMU)),
    BANKS("map/free-bank", HYPSEC_DENIED,
          MAP(FREE, FREE, RW, FREE_BANK, SMMU)),
    BANKS("map/G6/bank-8", HYPSEC_INVALID, MAP(FREE, FREE, RW, 8, SMMU)),
    BANKS("map/G6/smmu-2", HYPSEC_INVALID, MAP(FREE, FREE, RW, HOST_BANK,
                                               2)),
    BANKS("map/G6/smmu-wraps", HYPSEC_INVALID,
          MAP(FREE, FREE, RW, HOST_BANK, WRAP(1))),
    BANKS("map/vm/another-vms-page", HYPSEC_DENIED,
          MAP(DMA_GPA, OTHER_PAGE, RW, VM_BANK, SMMU)),
    BANKS("map/vm/own-page-elsewhere", HYPSEC_DENIED,
          MAP(DMA_GPA, VM_PAGE + HYPSEC_PAGE, RW, VM_BANK, SMMU)),
    BANKS("map/vm/el2", HYPSEC_DENIED,
          MAP(DMA_GPA, HYPSEC_CARVEOUT, RW, VM_BANK, SMMU)),
    BANKS("map/vm/G68/smmu", HYPSEC_DENIED,
          MAP(DMA_GPA, HYPSEC_SMMU(1), RW, VM_BANK, SMMU)),
    BANKS("map/vm/G68/gic", HYPSEC_DENIED,
          MAP(DMA_GPA, 0x08000000, RW, VM_BANK, SMMU)),
    BANKS("map/vm/G68/pcie", HYPSEC_DENIED,
          MAP(DMA_GPA, HYPSEC_PCIE, RW, VM_BANK, SMMU)),
    BANKS("map/vm/G68/dma-registers", HYPSEC_DENIED,
          MAP(DMA_GPA, HYPSEC_DMA_REGS(1), RW, VM_BANK, SMMU)),
    BANKS("map/vm/a-page-that-devices-of-the-host-reach", HYPSEC_DENIED,
          MAP(DMA_GPA, MAPPED, RW, VM_BANK, SMMU)),
    BANKS("map/vm/another-page-in-its-place", HYPSEC_BUSY,
          MAP(HYPSEC_GPA, FREE, RW, VM_BANK, SMMU)),
    BANKS("map/vm/not-what-the-vm-has-there", HYPSEC_DENIED,
          MAP(HYPSEC_GPA + HYPSEC_PAGE, FREE, RW, VM_BANK, SMMU)),
    BANKS("map/vm/2^40", HYPSEC_INVALID,
          MAP(HYPSEC_IPA_END, FREE, RW, VM_BANK, SMMU)),
    VERIFIED("G33/map", HYPSEC_DENIED, MAP(DMA_GPA + HYPSEC_PAGE, FREE, RW,
                                           VM_BANK, SMMU)),
    VERIFIED("G33/map-own-page", HYPSEC_DENIED,
             MAP(HYPSEC_GPA, HYPSEC_VM_PA(1), RW, VM_BANK, SMMU)),

    BANKS("to-phys/identity-bank", HYPSEC_DENIED, TO_PHYS(FREE, 0, SMMU)),
    BANKS("to-phys/free-bank", HYPSEC_DENIED, TO_PHYS(FREE, FREE_BANK,
                                                      SMMU)),
    BANKS("to-phys/G6/bank-8", HYPSEC_INVALID, TO_PHYS(FREE, 8, SMMU)),
    BANKS("to-phys/2^40", HYPSEC_INVALID,
          TO_PHYS(HYPSEC_IPA_END, HOST_BANK, SMMU)),

    BANKS("clear/identity-bank", HYPSEC_DENIED, CLEAR(FREE, 0, SMMU)),
    BANKS("clear/free-bank", HYPSEC_DENIED, CLEAR(FREE, FREE_BANK, SMMU)),
    BANKS("clear/G6/bank-8", HYPSEC_INVALID, CLEAR(MAPPED, 8, SMMU)),
    BANKS("clear/odd", HYPSEC_INVALID, CLEAR(MAPPED + 8, HOST_BANK, SMMU)),
    BANKS("clear/2^40", HYPSEC_INVALID, CLEAR(HYPSEC_IPA_END, HOST_BANK,
                                              SMMU)),
    VERIFIED("clear", HYPSEC_DENIED, CLEAR(DMA_GPA, VM_BANK, SMMU)),

    BANKS("stream/unknown", HYPSEC_INVALID, STREAM(SMMU, 0x18, HOST_BANK)),
    BANKS("stream/zero", HYPSEC_INVALID, STREAM(SMMU, 0, HOST_BANK)),
    BANKS("stream/wraps", HYPSEC_INVALID,
          STREAM(SMMU, WRAP(SID(0)), HOST_BANK)),
    BANKS("stream/of-pcie", HYPSEC_INVALID, STREAM(0, 0x08, 0)),
    BANKS("stream/of-the-other-smmu", HYPSEC_INVALID,
          STREAM(HYPSEC_PCIE_SMMU, SID(0), 0)),
    BANKS("stream/G6/smmu-2", HYPSEC_INVALID, STREAM(2, SID(0), HOST_BANK)),
    BANKS("stream/G6/bank-8", HYPSEC_INVALID, STREAM(SMMU, SID(0), 8)),
    BANKS("stream/free-bank", HYPSEC_DENIED,
          STREAM(SMMU, SID(0), FREE_BANK)),
    VERIFIED("G33/stream", HYPSEC_DENIED, STREAM(SMMU, SID(1), VM_BANK)),
    VERIFIED("stream-to-the-host", HYPSEC_DENIED, STREAM(SMMU, SID(0), 0)),
    VERIFIED("stream-to-a-bank-of-the-hosts", HYPSEC_DENIED,
             STREAM(SMMU, SID(0), HOST_BANK)),
    VERIFIED("stream-again", HYPSEC_DENIED, STREAM(SMMU, SID(0), VM_BANK)),
};

int main(int argc, char **argv)
{
    static const bool by_call = false, by_registers = true;

    if (!hypsec_lib_init(&argc, &argv)) {
        return 1;
    }
    qtest_add_func(PROGRAM "/good/number", test_number);
    qtest_add_data_func(PROGRAM "/good/host-bank/by-call", &by_call,
                        test_host_bank);
    qtest_add_data_func(PROGRAM "/good/host-bank/by-registers",
                        &by_registers, test_host_bank);
    qtest_add_func(PROGRAM "/good/stream-and-back", test_stream_and_back);
    qtest_add_data_func(PROGRAM "/G69/free/by-call", &by_call, test_free);
    qtest_add_data_func(PROGRAM "/G69/free/by-registers", &by_registers,
                        test_free);
    qtest_add_func(PROGRAM "/good/all-banks", test_all_banks);
    qtest_add_func(PROGRAM "/G34/vm-page", test_vm_page);
    qtest_add_func(PROGRAM "/G69/cleared-vm-page", test_cleared_vm_page);
    qtest_add_func(PROGRAM "/G68/mapped-page-is-kept",
                   test_mapped_page_is_kept);
    qtest_add_func(PROGRAM "/no-smmu", test_no_smmu);
    for (size_t i = 0; i < ARRAY_SIZE(attacks); i++) {
        hypsec_add_attack(PROGRAM, &attacks[i]);
    }
    return hypsec_lib_run();
}
