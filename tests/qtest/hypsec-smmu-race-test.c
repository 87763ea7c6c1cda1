/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DMA that never stops while pages change hands, on all CPUs at once; and the
 * calls about banks and streams against each other. A page is written by its
 * old owner's devices until the call that takes it returns, and not after.
 */
#include "qemu/osdep.h"
#include "hypsec-smmu.h"

#define PROGRAM "hypsec-smmu-race"
#define CPUS    4
#define PAGES   (HYPSEC_FREE + 24 * HYPSEC_BLOCK)
#define SMMU    HYPSEC_DMA_SMMU
#define BANK    3

/* Short ones: QEMU does them under the lock that CPUs need for EL2's SMMU. */
#define STREAM_BYTES    128

static const HypsecConfig all_cpus = { .cpus = CPUS, .machine = "dma=on" };

/* Channel @channel writes to all of @bytes at @pa, again and again. */
static void stream(HypsecBoard *board, unsigned int channel, uint64_t pa,
                   uint64_t bytes)
{
    HypsecTransfer t = { .op = HYPSEC_DMA_OP_WRITE, .dst = pa,
                         .length = bytes, .value = 0xd0d0 + channel };

    hypsec_dma_start(board, channel, &t, HYPSEC_DMA_CTRL_LOOP);
}

static void wait_started(HypsecBoard *board, unsigned int channels)
{
    for (unsigned int i = 0; i < channels; i++) {
        hypsec_dma_wait_done(board, i, 2);
        g_assert_true(hypsec_dma_is_busy(board, i));
    }
}

/* It has come to its end at a page of [first, first + pages). */
static void assert_stopped(HypsecBoard *board, unsigned int channel,
                           uint64_t first, uint64_t pages)
{
    HypsecTransfer t = { 0 };

    hypsec_dma_wait(board, channel, &t);
    g_assert_cmpuint(t.error, ==, HYPSEC_DMA_ERROR_WRITE);
    g_assert_cmphex(t.fault - first, <, pages * HYPSEC_PAGE);
}

/* All channels write to one page, which is given away, round after round. */
static void test_page(const void *data)
{
    enum { ROUNDS = 8 };
    bool split = *(const bool *)data;
    HypsecBoard *board = hypsec_board(&all_cpus);
    uint64_t vmid = hypsec_vm(board);
    uint64_t idx = hypsec_vm_image(board, vmid, HYPSEC_GPA, HYPSEC_BLOCK);

    for (int round = 0; round < ROUNDS; round++) {
        uint64_t page = PAGES + round * (split ? HYPSEC_PAGE : HYPSEC_BLOCK);

        for (unsigned int i = 0; i < HYPSEC_DMA_CHANNELS; i++) {
            stream(board, i, page + i * 0x1f8, STREAM_BYTES);
        }
        wait_started(board, HYPSEC_DMA_CHANNELS);
        hypsec_vm_give(board, vmid, idx, page);
        hypsec_fill(board, page);
        for (unsigned int i = 0; i < HYPSEC_DMA_CHANNELS; i++) {
            assert_stopped(board, i, page, 1);
        }
        hypsec_assert_filled(board, page);
        hypsec_assert_vm_page(board, page, vmid,
                              HYPSEC_GPA + round * HYPSEC_PAGE);
    }
    hypsec_check_smmus(board);
}

/*
 * Pages out of the middle of a block whose other pages are written all the
 * while: those streams never see a fault, whatever becomes of the block.
 */
static void test_neighbours(void)
{
    enum { FIRST = 100, LAST = 124 };
    HypsecBoard *board = hypsec_board(&all_cpus);
    uint64_t vmid = hypsec_vm(board);
    uint64_t idx = hypsec_vm_image(board, vmid, HYPSEC_GPA, HYPSEC_BLOCK);
    uint64_t behind = PAGES + LAST * HYPSEC_PAGE;

    for (unsigned int i = 0; i < HYPSEC_DMA_CHANNELS; i += 2) {
        stream(board, i, PAGES + i * HYPSEC_PAGE, STREAM_BYTES);
        stream(board, i + 1, behind + i * HYPSEC_PAGE, STREAM_BYTES);
    }
    wait_started(board, HYPSEC_DMA_CHANNELS);
    for (uint64_t n = FIRST; n < LAST; n++) {
        hypsec_vm_give(board, vmid, idx, PAGES + n * HYPSEC_PAGE);
        hypsec_fill(board, PAGES + n * HYPSEC_PAGE);
    }
    wait_started(board, HYPSEC_DMA_CHANNELS);
    hypsec_vm_destroy(board, vmid);
    wait_started(board, HYPSEC_DMA_CHANNELS);
    hypsec_check_smmus(board);
}

/*
 * Each CPU gives a VM of its own pages of one block, into which two channels
 * write. Each page that has been given keeps what its owner puts there.
 */
static void test_cpus(void)
{
    enum { EACH = 16, STREAMS = 2 };
    HypsecBoard *board = hypsec_board(&all_cpus);
    HypsecEvent events[CPUS * EACH];
    HypsecReturn returns[CPUS * EACH];

    for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
        hypsec_vm_image(board, hypsec_vm(board), HYPSEC_GPA, HYPSEC_BLOCK);
    }
    for (unsigned int i = 0; i < STREAMS; i++) {
        stream(board, i, PAGES, HYPSEC_BLOCK);
    }
    for (unsigned int i = 0; i < CPUS * EACH; i++) {
        unsigned int cpu = i % CPUS;

        events[i] = hypsec_event_call(cpu, HYPSEC_HVC_REMAP_VM_IMAGE, 1 + cpu,
                                      PAGES / HYPSEC_PAGE + i, 0, 0);
    }
    hypsec_ring(board, events, ARRAY_SIZE(events), returns);
    for (unsigned int i = 0; i < CPUS * EACH; i++) {
        hypsec_assert_returned(&returns[i], HYPSEC_OK);
        hypsec_fill(board, PAGES + i * HYPSEC_PAGE);
    }
    for (unsigned int i = 0; i < STREAMS; i++) {
        assert_stopped(board, i, PAGES, CPUS * EACH);
        /* The rest of the block is the host's. */
        hypsec_assert_dma(board, i, PAGES + (CPUS * EACH + i) * HYPSEC_PAGE);
    }
    for (unsigned int i = 0; i < CPUS * EACH; i++) {
        hypsec_assert_filled(board, PAGES + i * HYPSEC_PAGE);
    }
    hypsec_assert_no_dma(board, 7, PAGES);
    hypsec_check_smmus(board);
    hypsec_check_tables(board);
}

/* Given and taken back at once on all CPUs, under streams. */
static void test_back_and_forth(void)
{
    enum { ROUNDS = 4, STREAMS = 4 };
    HypsecBoard *board = hypsec_board(&all_cpus);
    HypsecEvent events[CPUS * 3];
    HypsecReturn returns[CPUS * 3];

    for (int round = 0; round < ROUNDS; round++) {
        size_t n = 0;

        for (unsigned int i = 0; i < STREAMS; i++) {
            stream(board, i, PAGES + i * HYPSEC_PAGE, STREAM_BYTES);
        }
        wait_started(board, STREAMS);
        for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
            uint64_t vmid = hypsec_vm(board);
            uint64_t pfn = PAGES / HYPSEC_PAGE + cpu;

            events[n++] = hypsec_event_call(cpu, HYPSEC_HVC_SET_BOOT_INFO,
                                            vmid, HYPSEC_GPA, HYPSEC_PAGE, 0);
            events[n++] = hypsec_event_call(cpu, HYPSEC_HVC_REMAP_VM_IMAGE,
                                            vmid, pfn, 0, 0);
            events[n++] = hypsec_event_call(cpu, HYPSEC_HVC_DESTROY_VM, vmid,
                                            0, 0, 0);
        }
        hypsec_ring(board, events, n, returns);
        for (size_t i = 0; i < n; i++) {
            hypsec_assert_returned(&returns[i], HYPSEC_OK);
        }
        for (unsigned int i = 0; i < STREAMS; i++) {
            /* It may have met the page while it was away, or not. */
            hypsec_dma_reset(board, i);
            hypsec_assert_host_page(board, PAGES + i * HYPSEC_PAGE);
            hypsec_assert_dma(board, i, PAGES + i * HYPSEC_PAGE);
        }
        hypsec_check_smmus(board);
    }
}

/* A page is mapped and unmapped for the host's device and given to a VM. */
static void test_map_and_give(void)
{
    enum { ROUNDS = 24 };
    HypsecBoard *board = hypsec_board(&all_cpus);
    uint64_t vmid = hypsec_vm(board);
    HypsecEvent events[CPUS];
    HypsecReturn returns[CPUS];

    hypsec_vm_image(board, vmid, HYPSEC_GPA, HYPSEC_BLOCK);
    g_assert_cmpint(hypsec_smmu_alloc(board, BANK, 0, SMMU), ==, HYPSEC_OK);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t page = PAGES + round * HYPSEC_PAGE;
        HypsecPage record;

        for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
            switch ((cpu + round) % 4) {
            case 0:
                events[cpu] = hypsec_event_call(cpu,
                                                HYPSEC_HVC_REMAP_VM_IMAGE,
                                                vmid, page / HYPSEC_PAGE, 0,
                                                0);
                break;
            case 1:
                events[cpu] = hypsec_event_call(cpu, HYPSEC_HVC_SMMU_CLEAR,
                                                page, BANK, SMMU, 0);
                break;
            default:
                events[cpu] = hypsec_event_map(cpu, page, page,
                                               HYPSEC_SMMU_RW, BANK, SMMU);
                break;
            }
        }
        hypsec_ring(board, events, CPUS, returns);
        record = hypsec_page(board, page);
        /* The VM's and in no table of the host's, or the host's. */
        g_assert_true((record.owner == vmid) ==
                      (returns[(4 - round % 4) % 4].c.x[0] == HYPSEC_OK));
        g_assert_cmpuint(record.count, ==, record.owner == 0 &&
                         hypsec_smmu_to_phys(board, page, BANK, SMMU) != 0);
        hypsec_check_smmus(board);
    }
    hypsec_check_tables(board);
}

/* All CPUs for one bank; for one page of a VM's bank; for one stream. */
static void test_calls(void)
{
    HypsecBoard *board = hypsec_board(&all_cpus);
    HypsecEvent events[CPUS];
    HypsecReturn returns[CPUS];
    unsigned int won = 0, winner = 0;

    for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
        hypsec_vm(board);
        events[cpu] = hypsec_event_call(cpu, HYPSEC_HVC_SMMU_ALLOC_PGD, BANK,
                                        1 + cpu, SMMU, 0);
    }
    hypsec_ring(board, events, CPUS, returns);
    for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
        int64_t x0 = returns[cpu].c.x[0];

        g_assert_true(x0 == HYPSEC_OK || x0 == HYPSEC_BUSY);
        if (x0 == HYPSEC_OK) {
            won++;
            winner = 1 + cpu;
        }
    }
    g_assert_cmpuint(won, ==, 1);
    for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
        events[cpu] = hypsec_event_map(cpu, HYPSEC_GPA + cpu * HYPSEC_PAGE,
                                       PAGES, HYPSEC_SMMU_RW, BANK, SMMU);
    }
    hypsec_ring(board, events, CPUS, returns);
    for (unsigned int cpu = won = 0; cpu < CPUS; cpu++) {
        won += returns[cpu].c.x[0] == HYPSEC_OK;
    }
    g_assert_cmpuint(won, ==, 1);
    g_assert_cmpuint(hypsec_page(board, PAGES).owner, ==, winner);
    for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
        events[cpu] = hypsec_event_call(cpu, HYPSEC_HVC_SMMU_SET_STREAM, SMMU,
                                        HYPSEC_DMA_SID(1), cpu % 2 ? BANK : 0,
                                        0);
    }
    hypsec_ring(board, events, CPUS, returns);
    for (unsigned int cpu = won = 0; cpu < CPUS; cpu++) {
        won += cpu % 2 && returns[cpu].c.x[0] == HYPSEC_OK;
    }
    g_assert_cmpuint(won, ==, 1);
    g_assert_cmpint(hypsec_smmu_stream(board, SMMU, HYPSEC_DMA_SID(1)), ==,
                    HYPSEC_STREAM_FAULT);
    hypsec_check_smmus(board);
    hypsec_check_tables(board);
}

/* A bank is freed while others fill it, send streams through it and write
 * its registers. */
static void test_free(void)
{
    enum { ROUNDS = 12 };
    HypsecBoard *board = hypsec_board(&all_cpus);
    HypsecEvent events[CPUS];
    HypsecReturn returns[CPUS];

    for (int round = 0; round < ROUNDS; round++) {
        int64_t x0 = hypsec_smmu_alloc(board, BANK, 0, SMMU);

        g_assert_true(x0 == HYPSEC_OK);
        for (uint64_t i = 0; i < 20; i++) {
            g_assert_cmpint(hypsec_smmu_map(board, PAGES + i * HYPSEC_PAGE,
                                            PAGES + i * HYPSEC_PAGE,
                                            HYPSEC_SMMU_RW, BANK, SMMU), ==,
                            HYPSEC_OK);
        }
        for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
            switch ((cpu + round) % 4) {
            case 0:
                events[cpu] = hypsec_event_call(cpu, HYPSEC_HVC_SMMU_FREE_PGD,
                                                BANK, SMMU, 0, 0);
                break;
            case 1:
                events[cpu] = hypsec_event_call(cpu,
                                                HYPSEC_HVC_SMMU_SET_STREAM,
                                                SMMU, HYPSEC_DMA_SID(cpu),
                                                BANK, 0);
                break;
            case 2:
                events[cpu] = hypsec_event_dabt(
                    cpu, HYPSEC_SMMU(SMMU) + SMMU_S2CR(cpu),
                    ISS_ACCESS(2, 0, 2, 0) | ISS_WNR | FSC_TRANSLATION |
                    FSC_LEVEL_3);
                events[cpu].x[2] = S2CR_TRANSLATE | BANK;
                break;
            default:
                events[cpu] = hypsec_event_map(cpu, PAGES + HYPSEC_BLOCK,
                                               PAGES + HYPSEC_BLOCK,
                                               HYPSEC_SMMU_RW, BANK, SMMU);
                break;
            }
        }
        hypsec_ring(board, events, CPUS, returns);
        hypsec_check_smmus(board);
        hypsec_smmu_free(board, BANK, SMMU);
        hypsec_check_smmus(board);
        for (uint64_t i = 0; i < 20; i++) {
            hypsec_assert_host_page(board, PAGES + i * HYPSEC_PAGE);
        }
        hypsec_assert_host_page(board, PAGES + HYPSEC_BLOCK);
        for (unsigned int i = 0; i < HYPSEC_DMA_CHANNELS; i++) {
            g_assert_cmpint(hypsec_smmu_set_stream(board, SMMU,
                                                   HYPSEC_DMA_SID(i), 0), ==,
                            HYPSEC_OK);
        }
    }
    hypsec_check_tables(board);
}

int main(int argc, char **argv)
{
    static const bool blocks = false, pages = true;

    if (!hypsec_lib_init(&argc, &argv)) {
        return 1;
    }
    qtest_add_data_func(PROGRAM "/G69/one-page/of-a-block", &blocks,
                        test_page);
    qtest_add_data_func(PROGRAM "/G69/one-page/of-pages", &pages, test_page);
    qtest_add_func(PROGRAM "/good/neighbours", test_neighbours);
    qtest_add_func(PROGRAM "/G69/all-cpus", test_cpus);
    qtest_add_func(PROGRAM "/back-and-forth", test_back_and_forth);
    qtest_add_func(PROGRAM "/G11/map-and-give", test_map_and_give);
    qtest_add_func(PROGRAM "/calls", test_calls);
    qtest_add_func(PROGRAM "/G69/free", test_free);
    return hypsec_lib_run();
}
