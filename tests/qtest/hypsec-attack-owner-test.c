/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host that gives pages which it may not give, gives them twice, keeps a
 * way to them, or mixes up VMs; and what becomes of a page's neighbours.
 */
#include "qemu/osdep.h"
#include "hypsec/inspect.h"
#include "hypsec-attack.h"

#define PROGRAM "hypsec-attack-owner"
#define L3 (FSC_TRANSLATION | FSC_LEVEL_3)
#define PAGES_PER_BLOCK (HYPSEC_BLOCK / HYPSEC_PAGE)

/*
 * The scene of the attacks: VM 1 has the first two of the four pages of its
 * image 0, none of image 1, and a device page in the middle of image 2. VM 2
 * has an image and no page. FREE is the host's.
 */
#define VM          1
#define VM2         2
#define GIVEN       (HYPSEC_FREE + 8 * HYPSEC_BLOCK)
#define FREE        (HYPSEC_FREE + 24 * HYPSEC_BLOCK)
#define IMAGE1      (HYPSEC_GPA + 16 * HYPSEC_BLOCK)
#define IMAGE2      (HYPSEC_GPA + 32 * HYPSEC_BLOCK)
#define FREE_GPA    (HYPSEC_GPA + 64 * HYPSEC_BLOCK)

static void make_scene(HypsecBoard *board)
{
    g_assert_cmpuint(hypsec_vm(board), ==, VM);
    g_assert_cmpuint(hypsec_vm(board), ==, VM2);
    hypsec_vm_image(board, VM, HYPSEC_GPA, 4 * HYPSEC_PAGE);
    hypsec_vm_image(board, VM, IMAGE1, 4 * HYPSEC_PAGE);
    hypsec_vm_image(board, VM, IMAGE2, 4 * HYPSEC_PAGE);
    hypsec_vm_image(board, VM2, HYPSEC_GPA, 4 * HYPSEC_PAGE);
    hypsec_vm_give_pages(board, VM, 0, GIVEN, 2);
    hypsec_vm_ioremap(board, VM, IMAGE2 + HYPSEC_PAGE, HYPSEC_UART0,
                      HYPSEC_PAGE);
}

static void remap(HypsecAttempt *attempt, uint64_t vmid, uint64_t pa,
                  uint64_t idx)
{
    hypsec_attempt_call(attempt, HYPSEC_HVC_REMAP_VM_IMAGE, vmid,
                        pa / HYPSEC_PAGE, idx, 0);
}

static void two_vms(HypsecBoard *board, HypsecAttempt *attempt,
                    const void *data)
{
    remap(attempt, VM2, GIVEN, 0);
}

static void twice_in_an_image(HypsecBoard *board, HypsecAttempt *attempt,
                              const void *data)
{
    remap(attempt, VM, GIVEN + HYPSEC_PAGE, 0);
}

static void twice_in_two_images(HypsecBoard *board, HypsecAttempt *attempt,
                                const void *data)
{
    remap(attempt, VM, GIVEN, 1);
}

static void more_than_the_image(HypsecBoard *board, HypsecAttempt *attempt,
                                const void *data)
{
    hypsec_vm_give_pages(board, VM, 0, GIVEN + 2 * HYPSEC_PAGE, 2);
    remap(attempt, VM, FREE, 0);
}

static void over_a_device(HypsecBoard *board, HypsecAttempt *attempt,
                          const void *data)
{
    hypsec_vm_give_pages(board, VM, 2, FREE, 1);
    remap(attempt, VM, FREE + HYPSEC_PAGE, 2);
}

static void device_over_a_page(HypsecBoard *board, HypsecAttempt *attempt,
                               const void *data)
{
    hypsec_attempt_call(attempt, HYPSEC_HVC_PHYS_ADDR_IOREMAP, VM,
                        HYPSEC_GPA + HYPSEC_PAGE, HYPSEC_PCIE, HYPSEC_PAGE);
}

static void device_of_another_vm(HypsecBoard *board, HypsecAttempt *attempt,
                                 const void *data)
{
    /* A device may be shared; an address of a VM's own may not change. */
    hypsec_vm_ioremap(board, VM2, FREE_GPA, HYPSEC_UART0, HYPSEC_PAGE);
    hypsec_attempt_call(attempt, HYPSEC_HVC_PHYS_ADDR_IOREMAP, VM2, FREE_GPA,
                        HYPSEC_PCIE, HYPSEC_PAGE);
}

static void before_set_boot_info(HypsecBoard *board, HypsecAttempt *attempt,
                                 const void *data)
{
    remap(attempt, hypsec_vm(board), FREE, 0);
}

static void after_destroy(HypsecBoard *board, HypsecAttempt *attempt,
                          const void *data)
{
    hypsec_vm_destroy(board, VM);
    remap(attempt, VM, FREE, 0);
}

static void image_of_before(HypsecBoard *board, HypsecAttempt *attempt,
                            const void *data)
{
    hypsec_vm_destroy(board, VM);
    g_assert_cmpuint(hypsec_vm(board), ==, VM);
    remap(attempt, VM, FREE, 0);
}

static void destroys_twice(HypsecBoard *board, HypsecAttempt *attempt,
                           const void *data)
{
    hypsec_vm_destroy(board, VM);
    hypsec_attempt_call(attempt, HYPSEC_HVC_DESTROY_VM, VM, 0, 0, 0);
}

static void clears_after_destroy(HypsecBoard *board, HypsecAttempt *attempt,
                                 const void *data)
{
    hypsec_vm_destroy(board, VM);
    hypsec_attempt_call(attempt, HYPSEC_HVC_CLEAR_VM_S2_RANGE, VM, GIVEN,
                        2 * HYPSEC_PAGE, 0);
}

static void clears_another_vms(HypsecBoard *board, HypsecAttempt *attempt,
                               const void *data)
{
    hypsec_attempt_call(attempt, HYPSEC_HVC_CLEAR_VM_S2_RANGE, VM2, GIVEN,
                        2 * HYPSEC_PAGE, 0);
}

static void sixteenth_vm(HypsecBoard *board, HypsecAttempt *attempt,
                         const void *data)
{
    for (unsigned int i = 3; i <= HYPSEC_MAX_VMS; i++) {
        g_assert_cmpuint(hypsec_vm(board), ==, i);
    }
    hypsec_attempt_call(attempt, HYPSEC_HVC_REGISTER_KVM, 0, 0, 0, 0);
}

static void sixth_image(HypsecBoard *board, HypsecAttempt *attempt,
                        const void *data)
{
    for (unsigned int i = 3; i < HYPSEC_MAX_IMAGES; i++) {
        g_assert_cmpuint(hypsec_vm_image(board, VM, FREE_GPA +
                                         i * HYPSEC_BLOCK, HYPSEC_BLOCK), ==,
                         i);
    }
    hypsec_attempt_call(attempt, HYPSEC_HVC_SET_BOOT_INFO, VM, FREE_GPA,
                        HYPSEC_PAGE, 0);
}

/* EL2's memory for a VM: G15. @data is the field of the inspection page. */
static void el2s_page(HypsecBoard *board, HypsecAttempt *attempt,
                      const void *data)
{
    uint64_t pa = hypsec_inspect(board, *(const size_t *)data);

    remap(attempt, VM, pa & ~(HYPSEC_PAGE - 1), 0);
}

static uint64_t shared_window(HypsecBoard *board)
{
    return hypsec_call(board, 0, HYPSEC_HVC_GET_INFO, HYPSEC_INFO_SHARED_BASE,
                       0, 0, 0);
}

/* Where EL2 would go on reading what a VM writes. */
static void first_of_window(HypsecBoard *board, HypsecAttempt *attempt,
                            const void *data)
{
    remap(attempt, VM, shared_window(board), 0);
}

static void last_of_window(HypsecBoard *board, HypsecAttempt *attempt,
                           const void *data)
{
    remap(attempt, VM, shared_window(board) + HYPSEC_SHARED_SIZE -
          HYPSEC_PAGE, 0);
}

static void own_table(HypsecBoard *board, HypsecAttempt *attempt,
                      const void *data)
{
    remap(attempt, VM, hypsec_vm_root(board, VM), 0);
}

static void other_vms_table(HypsecBoard *board, HypsecAttempt *attempt,
                            const void *data)
{
    remap(attempt, VM, hypsec_vm_root(board, VM2), 0);
}


static const HypsecAttack attacks[] = {
    { "gives-one-page-to-two-vms", make_scene, two_vms,
      .result = HYPSEC_DENIED },
    { "gives-a-page-twice/in-one-image", make_scene, twice_in_an_image,
      .result = HYPSEC_DENIED },
    { "gives-a-page-twice/in-two-images", make_scene, twice_in_two_images,
      .result = HYPSEC_DENIED },
    { "gives-more-pages-than-the-image-has", make_scene, more_than_the_image,
      .result = HYPSEC_INVALID },
    { "G19/page-over-a-device", make_scene, over_a_device,
      .result = HYPSEC_BUSY },
    { "G19/device-over-a-page", make_scene, device_over_a_page,
      .result = HYPSEC_BUSY },
    { "G19/device-over-a-device", make_scene, device_of_another_vm,
      .result = HYPSEC_BUSY },
    { "gives-a-page-before-the-image", make_scene, before_set_boot_info,
      .result = HYPSEC_INVALID },
    { "gives-a-page-after-destroy", make_scene, after_destroy,
      .result = HYPSEC_DENIED },
    { "gives-a-page-to-an-image-of-the-ids-last-owner", make_scene,
      image_of_before, .result = HYPSEC_INVALID },
    { "destroys-twice", make_scene, destroys_twice, .result = HYPSEC_DENIED },
    { "clears-after-destroy", make_scene, clears_after_destroy,
      .result = HYPSEC_DENIED },
    { "clears-pages-of-another-vm", make_scene, clears_another_vms,
      .result = HYPSEC_DENIED },
    { "makes-a-sixteenth-vm", make_scene, sixteenth_vm,
      .result = HYPSEC_NO_MEMORY },
    { "makes-a-sixth-image", make_scene, sixth_image,
      .result = HYPSEC_NO_MEMORY },
    { "gives-the-shared-window/first", make_scene, first_of_window,
      .result = HYPSEC_DENIED },
    { "gives-the-shared-window/last", make_scene, last_of_window,
      .result = HYPSEC_DENIED },
    { "gives-el2s/vms-own-table", make_scene, own_table,
      .result = HYPSEC_DENIED },
    { "gives-el2s/other-vms-table", make_scene, other_vms_table,
      .result = HYPSEC_DENIED },
};

static const struct {
    const char *path;
    size_t field;
} el2s[] = {
    { "G15/gives-el2s-image", offsetof(struct hypsec_inspect, image_pa) },
    { "G15/gives-el2s-counters", offsetof(struct hypsec_inspect, cpu_base) },
    { "G15/gives-el2s-records", offsetof(struct hypsec_inspect, page_base) },
    { "G15/gives-the-hosts-table",
      offsetof(struct hypsec_inspect, host_root) },
};

static const HypsecConfig two_cpus = { .cpus = 2 };

/* Blocks */

typedef struct Place {
    const char *name;
    unsigned int page;
    bool used;
} Place;

static const Place places[] = {
    { "first-page/unmapped", 0 }, { "first-page/mapped", 0, true },
    { "second-page/unmapped", 1 }, { "second-page/mapped", 1, true },
    { "middle/unmapped", 255 }, { "middle/mapped", 255, true },
    { "last-page/unmapped", 511 }, { "last-page/mapped", 511, true },
};

/*
 * G17, G18: one page leaves a block, whether the host had the block mapped or
 * not. The 511 others and the blocks beside stay the host's, with what is in
 * them, on every CPU; no block covers the page again.
 */
static void test_block(const void *data)
{
    const Place *p = data;
    HypsecBoard *board = hypsec_board(&two_cpus);
    uint64_t block = FREE, page = block + p->page * HYPSEC_PAGE;
    uint64_t faults;

    if (p->used) {
        hypsec_assert_hosts(board, 1, block - HYPSEC_PAGE);
        hypsec_assert_hosts(board, 1, block + 100 * HYPSEC_PAGE);
        hypsec_assert_hosts(board, 1, block + HYPSEC_BLOCK);
    }
    hypsec_vm_with(board, HYPSEC_GPA, page, 1);
    faults = hypsec_counters(board, 1).host_s2_faults;
    for (unsigned int i = 0; i < PAGES_PER_BLOCK; i++) {
        uint64_t pa = block + i * HYPSEC_PAGE;

        if (pa == page) {
            hypsec_assert_gone(board, 1, pa);
        } else {
            hypsec_assert_hosts(board, 1, pa);
        }
    }
    /* A block that is split is split into what it was. */
    if (p->used) {
        g_assert_cmpuint(hypsec_counters(board, 1).host_s2_faults, ==,
                         faults + 3);
    }
    hypsec_assert_hosts(board, 1, block - HYPSEC_PAGE);
    hypsec_assert_hosts(board, 1, block + HYPSEC_BLOCK);
    hypsec_assert_gone(board, 0, page);
    hypsec_assert_vm_page(board, page, VM, HYPSEC_GPA);
    hypsec_assert_filled(board, page);
    hypsec_check_tables(board);
}

/* Page by page, from both ends, until nothing of a block is left. */
static void test_whole_block(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    uint64_t vmid = hypsec_vm(board);
    uint64_t idx = hypsec_vm_image(board, vmid, HYPSEC_GPA, HYPSEC_BLOCK);

    hypsec_assert_hosts(board, 1, FREE);
    for (unsigned int i = 0; i < PAGES_PER_BLOCK; i++) {
        unsigned int page = i % 2 ? PAGES_PER_BLOCK - 1 - i / 2 : i / 2;

        hypsec_vm_give_pages(board, vmid, idx, FREE + page * HYPSEC_PAGE, 1);
        hypsec_assert_gone(board, 1, FREE + page * HYPSEC_PAGE);
        if (i % 64 == 0) {
            /* The last to go. */
            hypsec_assert_hosts(board, 1, FREE + 256 * HYPSEC_PAGE);
        }
    }
    hypsec_check_tables(board);
    for (unsigned int i = 0; i < PAGES_PER_BLOCK; i++) {
        unsigned int page = i % 2 ? PAGES_PER_BLOCK - 1 - i / 2 : i / 2;

        hypsec_assert_vm_page(board, FREE + page * HYPSEC_PAGE, vmid,
                              HYPSEC_GPA + i * HYPSEC_PAGE);
    }
    hypsec_assert_hosts(board, 1, FREE - HYPSEC_PAGE);
    hypsec_assert_hosts(board, 1, FREE + HYPSEC_BLOCK);
    hypsec_vm_destroy(board, vmid);
    for (unsigned int i = 0; i < PAGES_PER_BLOCK; i++) {
        hypsec_assert_zero(board, FREE + i * HYPSEC_PAGE);
        hypsec_assert_hosts(board, 1, FREE + i * HYPSEC_PAGE);
    }
}

/* Pages of two VMs and of the host side by side in a block. */
static void test_mixed_block(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    uint64_t vms[2] = { hypsec_vm(board), hypsec_vm(board) };
    uint64_t idx[2];

    for (int i = 0; i < 2; i++) {
        idx[i] = hypsec_vm_image(board, vms[i], HYPSEC_GPA, HYPSEC_BLOCK);
    }
    for (unsigned int i = 0; i < 30; i++) {
        if (i % 3) {
            hypsec_vm_give_pages(board, vms[i % 3 - 1], idx[i % 3 - 1],
                                 FREE + i * HYPSEC_PAGE, 1);
        }
    }
    for (unsigned int i = 0; i < 30; i++) {
        uint64_t pa = FREE + i * HYPSEC_PAGE;

        if (i % 3) {
            hypsec_assert_vm_page(board, pa, vms[i % 3 - 1],
                                  HYPSEC_GPA + i / 3 * HYPSEC_PAGE);
            hypsec_assert_gone(board, 1, pa);
        } else {
            hypsec_assert_hosts(board, 1, pa);
        }
    }
    hypsec_check_tables(board);
    /* The pages of one go, those of the other stay. */
    hypsec_vm_destroy(board, vms[0]);
    for (unsigned int i = 0; i < 30; i++) {
        uint64_t pa = FREE + i * HYPSEC_PAGE;

        if (i % 3 == 2) {
            hypsec_assert_filled(board, pa);
            hypsec_assert_gone(board, 1, pa);
        } else {
            hypsec_assert_hosts(board, 1, pa);
        }
    }
    hypsec_check_tables(board);
}

/*
 * EL2's memory begins where the window ends that it shares with the host, and
 * which stays the host's.
 */
static void test_beside_el2(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    uint64_t window = shared_window(board), page = window - HYPSEC_PAGE;
    uint64_t value;

    g_assert_cmphex(window + HYPSEC_SHARED_SIZE, ==, HYPSEC_CARVEOUT);
    hypsec_assert_hosts(board, 1, page - HYPSEC_PAGE);
    hypsec_vm_with(board, HYPSEC_GPA, page, 1);
    hypsec_assert_gone(board, 1, page);
    hypsec_assert_gone(board, 1, HYPSEC_CARVEOUT);
    hypsec_assert_hosts(board, 1, page - HYPSEC_PAGE);
    for (uint64_t pa = window; pa < HYPSEC_CARVEOUT;
         pa += HYPSEC_SHARED_SIZE - HYPSEC_PAGE) {
        g_assert_true(hypsec_host_store(board, 1, pa, pa));
        g_assert_true(hypsec_host_load(board, 0, pa, &value));
        g_assert_cmphex(value, ==, pa);
    }
}

/* A page out of the block that the host is executing in. */
static void test_under_its_feet(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    uint64_t page = PARK_KERNEL + PARK_IMAGE_BYTES;

    hypsec_vm_with(board, HYPSEC_GPA, page, 1);
    hypsec_assert_gone(board, 0, page);
    hypsec_assert_gone(board, 1, page);
    hypsec_assert_hosts(board, 1, page + HYPSEC_PAGE);
}

/* The page with the HVC that gives it: the host's next fetch aborts. */
static void test_own_code(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    uint64_t vmid = hypsec_vm(board);
    uint64_t idx = hypsec_vm_image(board, vmid, HYPSEC_GPA, HYPSEC_PAGE);
    HypsecRun run = {
        .x = { HYPSEC_HVC_REMAP_VM_IMAGE, vmid, FREE / HYPSEC_PAGE, idx },
        .pc = FREE,
    };

    qtest_writel(board->qts, FREE, INSN_HVC(0));
    qtest_writel(board->qts, FREE + 4, INSN_BRK);
    hypsec_run(board, 1, &run);
    g_assert_cmphex(run.esr, ==, ESR(EC_IABT_CUR, FSC_EXTERNAL));
    g_assert_cmphex(run.elr, ==, FREE + 4);
    g_assert_cmpuint(run.x[0], ==, HYPSEC_OK);
    hypsec_assert_vm_page(board, FREE, vmid, HYPSEC_GPA);
    hypsec_assert_gone(board, 0, FREE);
}

/*
 * The page of all CPUs' vectors: EL1 takes aborts without end, each of them a
 * refusal. EL2 goes on, and answers.
 */
static void test_vectors(void)
{
    HypsecBoard *board = hypsec_board_new(&two_cpus);
    uint64_t vmid = hypsec_vm(board);
    uint64_t idx = hypsec_vm_image(board, vmid, HYPSEC_GPA, HYPSEC_BLOCK);

    hypsec_vm_give(board, vmid, idx, PARK_KERNEL);
    for (unsigned int cpu = 0; cpu < board->cpus; cpu++) {
        HypsecReturn r = hypsec_dabt(board, cpu, PARK_KERNEL, L3);

        hypsec_assert_aborted(&r);
        r = hypsec_dabt(board, cpu, FREE, L3);
        hypsec_assert_retried(&r);
        g_assert_cmpuint(hypsec_counters(board, cpu).refusals, >, 1);
    }
    hypsec_assert_vm_page(board, PARK_KERNEL, vmid, HYPSEC_GPA);
    hypsec_vm_destroy(board, vmid);
    hypsec_assert_zero(board, PARK_KERNEL);
    hypsec_board_free(board);
}

/* G34: what the host put into an image is in it, and stays. */
static void test_content(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    uint64_t vmid = hypsec_vm_with(board, HYPSEC_GPA, FREE, 8);

    for (int i = 0; i < 8; i++) {
        hypsec_assert_filled(board, FREE + i * HYPSEC_PAGE);
        hypsec_assert_gone(board, 1, FREE + i * HYPSEC_PAGE);
        hypsec_assert_filled(board, FREE + i * HYPSEC_PAGE);
        hypsec_assert_vm_page(board, FREE + i * HYPSEC_PAGE, vmid,
                              HYPSEC_GPA + i * HYPSEC_PAGE);
    }
}

/* Ids */

/* The next VM of an id has nothing of the one before. */
static void test_id_again(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    uint64_t vmid = hypsec_vm_with(board, HYPSEC_GPA, FREE, 4);
    uint64_t idx;

    hypsec_vm_ioremap(board, vmid, FREE_GPA, HYPSEC_UART0, HYPSEC_PAGE);
    hypsec_vm_destroy(board, vmid);
    g_assert_cmpuint(hypsec_vm(board), ==, vmid);
    for (int i = 0; i < 4; i++) {
        g_assert_cmphex(hypsec_vm_entry(board, vmid, HYPSEC_GPA +
                                        i * HYPSEC_PAGE), ==, 0);
    }
    g_assert_cmphex(hypsec_vm_entry(board, vmid, FREE_GPA), ==, 0);
    /* Its addresses are free, its images start from the first. */
    hypsec_vm_ioremap(board, vmid, HYPSEC_GPA, HYPSEC_UART0, HYPSEC_PAGE);
    idx = hypsec_vm_image(board, vmid, FREE_GPA, 4 * HYPSEC_PAGE);
    g_assert_cmpuint(idx, ==, 0);
    hypsec_vm_give_pages(board, vmid, idx, FREE + HYPSEC_PAGE, 1);
    hypsec_assert_vm_page(board, FREE + HYPSEC_PAGE, vmid, FREE_GPA);
    hypsec_assert_hosts(board, 1, FREE);
    hypsec_check_tables(board);
}

/* The lowest id that is free is given, and none that is in use. */
static void test_ids(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);

    for (unsigned int i = 1; i <= HYPSEC_MAX_VMS; i++) {
        g_assert_cmpuint(hypsec_vm_with(board, HYPSEC_GPA,
                                        FREE + i * HYPSEC_PAGE, 1), ==, i);
    }
    hypsec_vm_destroy(board, 9);
    hypsec_vm_destroy(board, 4);
    hypsec_vm_destroy(board, HYPSEC_MAX_VMS);
    g_assert_cmpuint(hypsec_vm(board), ==, 4);
    g_assert_cmpuint(hypsec_vm(board), ==, 9);
    g_assert_cmpuint(hypsec_vm(board), ==, HYPSEC_MAX_VMS);
    g_assert_cmpuint(hypsec_call(board, 0, HYPSEC_HVC_REGISTER_KVM, 0, 0, 0,
                                 0), ==, (uint64_t)HYPSEC_NO_MEMORY);
    for (unsigned int i = 1; i <= HYPSEC_MAX_VMS; i++) {
        if (i != 4 && i != 9 && i != HYPSEC_MAX_VMS) {
            hypsec_assert_vm_page(board, FREE + i * HYPSEC_PAGE, i,
                                  HYPSEC_GPA);
        }
    }
    hypsec_check_tables(board);
}

/* G30: guest frame 0 is a frame like others: mapped, and not mapped again. */
static void test_gfn_zero(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    uint64_t vmid = hypsec_vm_with(board, 0, FREE, 1);

    hypsec_assert_vm_page(board, FREE, vmid, 0);
    g_assert_cmpuint(hypsec_call(board, 0, HYPSEC_HVC_PHYS_ADDR_IOREMAP, vmid,
                                 0, HYPSEC_UART0, HYPSEC_PAGE), ==,
                     (uint64_t)HYPSEC_BUSY);
    hypsec_assert_vm_page(board, FREE, vmid, 0);
    hypsec_vm_destroy(board, vmid);
    hypsec_assert_zero(board, FREE);
    hypsec_assert_hosts(board, 1, FREE);
}

/* The last page that a VM can have. */
static void test_last_gfn(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    uint64_t last = HYPSEC_IPA_END - HYPSEC_PAGE;
    uint64_t vmid = hypsec_vm_with(board, last, FREE, 1);

    hypsec_assert_vm_page(board, FREE, vmid, last);
    hypsec_vm_destroy(board, vmid);
    hypsec_assert_zero(board, FREE);
    hypsec_assert_host_page(board, FREE);
}

/*
 * G29: pages far above what a table of fixed size would hold. 9 GiB are more
 * than 2^21 pages; the last of them are EL2's.
 */
static void test_g29(void)
{
    HypsecBoard *board =
        hypsec_board_new(&(HypsecConfig){ .cpus = 2, .ram = 9 * 1024 });
    uint64_t page = HYPSEC_RAM + 8 * GiB + 512 * MiB + 5 * HYPSEC_PAGE;
    uint64_t last = board->carveout - HYPSEC_SHARED_SIZE - HYPSEC_PAGE;
    uint64_t vmid = hypsec_vm(board);
    uint64_t idx = hypsec_vm_image(board, vmid, HYPSEC_GPA, HYPSEC_BLOCK);

    g_assert_cmpuint((last - HYPSEC_RAM) / HYPSEC_PAGE, >, 1 << 21);
    hypsec_vm_give_pages(board, vmid, idx, page, 1);
    hypsec_vm_give_pages(board, vmid, idx, last, 1);
    hypsec_assert_vm_page(board, page, vmid, HYPSEC_GPA);
    hypsec_assert_vm_page(board, last, vmid, HYPSEC_GPA + HYPSEC_PAGE);
    hypsec_assert_gone(board, 1, page);
    hypsec_assert_gone(board, 1, last);
    hypsec_assert_gone(board, 1, board->carveout);
    hypsec_assert_hosts(board, 1, page + HYPSEC_PAGE);
    hypsec_assert_hosts(board, 1, last - HYPSEC_PAGE);
    /* Nor is it the page 2^21 pages below. */
    hypsec_assert_hosts(board, 1, page - 8 * GiB);
    hypsec_vm_destroy(board, vmid);
    hypsec_assert_zero(board, page);
    hypsec_assert_zero(board, last);
    hypsec_assert_hosts(board, 1, page);
    hypsec_board_free(board);
}

static void add_blocks(void)
{
    for (int i = 0; i < ARRAY_SIZE(places); i++) {
        g_autofree char *path =
            g_strdup_printf(PROGRAM "/G17-G18/one-page-of-a-block/%s",
                            places[i].name);

        qtest_add_data_func(path, &places[i], test_block);
    }
    qtest_add_func(PROGRAM "/block/page-by-page", test_whole_block);
    qtest_add_func(PROGRAM "/block/of-two-vms-and-the-host",
                   test_mixed_block);
    qtest_add_func(PROGRAM "/block/beside-el2", test_beside_el2);
    qtest_add_func(PROGRAM "/block/that-the-host-executes-in",
                   test_under_its_feet);
    qtest_add_func(PROGRAM "/gives-the-page-it-executes", test_own_code);
    qtest_add_func(PROGRAM "/gives-its-vectors", test_vectors);
    qtest_add_func(PROGRAM "/G34/an-image-keeps-its-content", test_content);
}

int main(int argc, char **argv)
{
    if (!hypsec_lib_init(&argc, &argv)) {
        return 1;
    }
    for (int i = 0; i < ARRAY_SIZE(attacks); i++) {
        hypsec_add_attack(PROGRAM, &attacks[i]);
    }
    for (int i = 0; i < ARRAY_SIZE(el2s); i++) {
        HypsecAttack *attack = g_new0(HypsecAttack, 1);

        *attack = (HypsecAttack){
            .path = el2s[i].path, .scene = make_scene, .prepare = el2s_page,
            .data = &el2s[i].field, .result = HYPSEC_DENIED,
        };
        hypsec_add_attack(PROGRAM, attack);
    }
    add_blocks();
    qtest_add_func(PROGRAM "/id/again", test_id_again);
    qtest_add_func(PROGRAM "/id/lowest-free", test_ids);
    qtest_add_func(PROGRAM "/G30/guest-frame-zero", test_gfn_zero);
    qtest_add_func(PROGRAM "/last-guest-frame", test_last_gfn);
    qtest_add_func(PROGRAM "/G29/page-beyond-2-to-the-21", test_g29);
    return hypsec_lib_run();
}
