/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Verification: a VM runs if and only if it is what its owner signed, to the
 * bit, and from where the host cannot change it any more. G39, G40.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hypsec-vm.h"
#include "hypsec-test.h"

#define PROGRAM "hypsec-vm-verify"

#define VM          1
#define PA          HYPSEC_VM_PA(1)
#define FREE        HYPSEC_VM_SPARE
/* 64 KiB are hashed per call, and no two images in one. */
#define CALLS_OF_FIVE 7

static const HypsecConfig two_cpus = { .cpus = 2 };

static uint64_t pages_of(const HypsecSigned *is)
{
    uint64_t pages = 0;

    for (unsigned int i = 0; i < is->nr_images; i++) {
        pages += DIV_ROUND_UP(is->image[i].size, HYPSEC_PAGE);
    }
    return pages;
}

/* What is signed is accepted. */

static const char *const good[] = {
    "one", "two", "five", "last", "zeros", "park1", "park2", "park8",
};

static void test_good(const void *data)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    g_autoptr(HypsecSigned) is = hypsec_signed(data);
    HypsecVm vm = hypsec_vm_loaded(board, is, 1);
    uint64_t pa = PA;

    g_assert_cmpint(hypsec_vm_verify(board, &vm, NULL), ==, HYPSEC_OK);
    g_assert_cmpuint(hypsec_vm_state(board, VM), ==, VM_VERIFIED);
    g_assert_cmpuint(hypsec_counters(board, 0).refusals, ==, 0);
    for (unsigned int i = 0; i < is->nr_images; i++) {
        uint64_t pages = DIV_ROUND_UP(is->image[i].size, HYPSEC_PAGE);
        g_autofree uint8_t *bytes = g_malloc0(pages * HYPSEC_PAGE);

        /* Where it was signed to be, unchanged; and nobody else's. */
        qtest_bufread(board->qts, pa, bytes, pages * HYPSEC_PAGE);
        g_assert_cmpmem(bytes, is->image[i].size, is->image[i].data,
                        is->image[i].size);
        for (uint64_t page = 0; page < pages; page++) {
            hypsec_assert_vm_page(board, pa + page * HYPSEC_PAGE, VM,
                                  is->image[i].gpa + page * HYPSEC_PAGE);
            hypsec_assert_gone(board, page % 2, pa + page * HYPSEC_PAGE);
        }
        pa += pages * HYPSEC_PAGE;
    }
    hypsec_check_tables(board);
}

/* The manifest alone */

/* Well signed, and no VM: as make_vms.py names them. */
static const char *const malformed[] = {
    "magic", "version0", "version2", "no-images", "nothing", "fewer-images",
    "more-images", "six-images", "images-wrap", "no-vcpus", "nine-vcpus",
    "vcpus-wrap", "flags", "flags-high", "entry-before", "entry-behind",
    "entry-wild", "entry-high", "entry-odd", "entry-in-padding", "load-odd",
    "load-beyond", "load-wraps", "size0", "size-huge", "size-beyond",
};

/* An attempt to pass @is, which is in the host's page, as VM's manifest. */
static void attempt_manifest(HypsecBoard *board, HypsecAttempt *attempt,
                             const HypsecSigned *is)
{
    qtest_bufwrite(board->qts, HYPSEC_VM_MANIFEST, is->manifest,
                   is->manifest_size);
    hypsec_attempt_call(attempt, HYPSEC_HVC_SET_MANIFEST, VM,
                        HYPSEC_VM_MANIFEST, is->manifest_size, 0);
}

static void make_ready(HypsecBoard *board)
{
    g_assert_cmpuint(hypsec_vm(board), ==, VM);
}

static void pass_malformed(HypsecBoard *board, HypsecAttempt *attempt,
                           const void *data)
{
    g_autofree char *name = g_strdup_printf("bad-%s", (const char *)data);
    g_autoptr(HypsecSigned) is = hypsec_signed(name);

    attempt_manifest(board, attempt, is);
}

/* Each of them is refused, and nothing has changed. */
static void test_malformed(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    g_autoptr(HypsecState) before = NULL;

    make_ready(board);
    before = hypsec_state(board);
    for (size_t i = 0; i < ARRAY_SIZE(malformed); i++) {
        g_autofree char *name = g_strdup_printf("bad-%s", malformed[i]);
        g_autoptr(HypsecSigned) is = hypsec_signed(name);
        HypsecVm vm = { .id = VM };

        g_test_message("%s", name);
        g_assert_cmpint(hypsec_vm_manifest(board, &vm, is), ==,
                        HYPSEC_INVALID);
    }
    hypsec_assert_state(board, before);
}

/* A byte of a manifest that is accepted otherwise. */
typedef struct Change {
    const char *path;
    size_t at;
    uint8_t bits;
    int result;
} Change;

#define FIELD(name) offsetof(struct hypsec_manifest, name)
#define IMAGE(name) (offsetof(struct hypsec_manifest, images) + \
                     offsetof(struct hypsec_manifest_image, name))
#define SIGNATURE   (offsetof(struct hypsec_manifest, images) + \
                     sizeof(struct hypsec_manifest_image))

static const Change changes[] = {
    { "magic", FIELD(magic), 1, HYPSEC_INVALID },
    { "version", FIELD(version), 2, HYPSEC_INVALID },
    { "nr-images", FIELD(nr_images), 3, HYPSEC_INVALID },
    { "nr-vcpus", FIELD(nr_vcpus), 2, HYPSEC_DENIED },
    { "flags", FIELD(flags), 1, HYPSEC_INVALID },
    { "entry", FIELD(entry), 4, HYPSEC_DENIED },
    { "context", FIELD(context), 1, HYPSEC_DENIED },
    { "context-top", FIELD(context) + 7, 0x80, HYPSEC_DENIED },
    { "size", IMAGE(size), 1, HYPSEC_DENIED },
    { "hash-first", IMAGE(hash), 1, HYPSEC_DENIED },
    { "hash-last", IMAGE(hash) + 31, 0x80, HYPSEC_DENIED },
    { "signature-r", SIGNATURE, 1, HYPSEC_DENIED },
    { "signature-r-sign", SIGNATURE + 31, 0x80, HYPSEC_DENIED },
    { "signature-s", SIGNATURE + 32, 1, HYPSEC_DENIED },
    { "signature-s-top", SIGNATURE + 63, 0x80, HYPSEC_DENIED },
    { "signature-s-middle", SIGNATURE + 48, 0x10, HYPSEC_DENIED },
};

static void pass_changed(HypsecBoard *board, HypsecAttempt *attempt,
                         const void *data)
{
    const Change *c = data;
    g_autoptr(HypsecSigned) is = hypsec_signed("one");

    is->manifest[c->at] ^= c->bits;
    attempt_manifest(board, attempt, is);
}

/* Signatures that need no key, or that are another form of a right one. */

static void pass_zero_signature(HypsecBoard *board, HypsecAttempt *attempt,
                                const void *data)
{
    g_autoptr(HypsecSigned) is = hypsec_signed("one");

    memset(is->manifest + SIGNATURE, 0, HYPSEC_SIGNATURE_BYTES);
    attempt_manifest(board, attempt, is);
}

static void pass_neutral_signature(HypsecBoard *board, HypsecAttempt *attempt,
                                   const void *data)
{
    g_autoptr(HypsecSigned) is = hypsec_signed("one");

    /* R the neutral element, S = 0: right for keys of small order. */
    memset(is->manifest + SIGNATURE, 0, HYPSEC_SIGNATURE_BYTES);
    is->manifest[SIGNATURE] = 1;
    attempt_manifest(board, attempt, is);
}

/* S + L verifies if S is not asked to be less than the group's order L. */
static void pass_large_s(HypsecBoard *board, HypsecAttempt *attempt,
                         const void *data)
{
    static const uint8_t order[32] = {
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
        0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10,
    };
    g_autoptr(HypsecSigned) is = hypsec_signed("one");
    unsigned int carry = 0;

    for (int i = 0; i < 32; i++) {
        carry += is->manifest[SIGNATURE + 32 + i] + order[i];
        is->manifest[SIGNATURE + 32 + i] = carry;
        carry >>= 8;
    }
    g_assert_cmpuint(carry, ==, 0);
    attempt_manifest(board, attempt, is);
}

static void pass_strangers(HypsecBoard *board, HypsecAttempt *attempt,
                           const void *data)
{
    g_autoptr(HypsecSigned) is = hypsec_signed("stranger");

    attempt_manifest(board, attempt, is);
}

/* The signature of another manifest, which is right for that one. */
static void pass_other_signature(HypsecBoard *board, HypsecAttempt *attempt,
                                 const void *data)
{
    g_autoptr(HypsecSigned) is = hypsec_signed("one");
    g_autoptr(HypsecSigned) other = hypsec_signed("other");

    memcpy(is->manifest + SIGNATURE, other->manifest + SIGNATURE,
           HYPSEC_SIGNATURE_BYTES);
    attempt_manifest(board, attempt, is);
}

/* The same bytes somewhere else, or another number of them. */
typedef struct Place {
    const char *path;
    uint64_t pa;
    int64_t longer;
    uint64_t size;
    int result;
} Place;

static const Place places[] = {
    { "size/0", HYPSEC_VM_MANIFEST, 0, 0, HYPSEC_INVALID },
    { "size/1-less", HYPSEC_VM_MANIFEST, -1, 0, HYPSEC_INVALID },
    { "size/1-more", HYPSEC_VM_MANIFEST, 1, 0, HYPSEC_INVALID },
    { "size/no-signature", HYPSEC_VM_MANIFEST, -64, 0, HYPSEC_INVALID },
    { "size/page", HYPSEC_VM_MANIFEST, 0, 4096, HYPSEC_INVALID },
    { "size/32-bits", HYPSEC_VM_MANIFEST, 1LL << 32, 0, HYPSEC_INVALID },
    { "size/wraps", HYPSEC_VM_MANIFEST, 0, UINT64_MAX, HYPSEC_INVALID },
    { "at/two-pages", HYPSEC_VM_MANIFEST + 0xff0, 0, 0, HYPSEC_INVALID },
    { "at/el2", HYPSEC_CARVEOUT, 0, 0, HYPSEC_DENIED },
    { "at/device", HYPSEC_UART0, 0, 0, HYPSEC_DENIED },
    { "at/el2s-device", HYPSEC_UART1, 0, 0, HYPSEC_DENIED },
    { "at/nowhere", HYPSEC_RAM_END, 0, 0, HYPSEC_DENIED },
    { "at/beyond", HYPSEC_IPA_END, 0, 0, HYPSEC_INVALID },
    { "at/top", ~0xfffULL, 0, 0, HYPSEC_INVALID },
    { "at/high-bit", HYPSEC_VM_MANIFEST | 1ULL << 63, 0, 0, HYPSEC_INVALID },
    { "at/own-page", PA, 0, 0, HYPSEC_DENIED },
    { "at/other-vms-page", HYPSEC_VM_PA(2), 0, 0, HYPSEC_DENIED },
};

static void make_two(HypsecBoard *board)
{
    make_ready(board);
    hypsec_vm_image(board, VM, HYPSEC_GPA, HYPSEC_PAGE);
    hypsec_vm_give(board, VM, 0, PA);
    hypsec_vm_with(board, HYPSEC_GPA, HYPSEC_VM_PA(2), 1);
}

static void pass_place(HypsecBoard *board, HypsecAttempt *attempt,
                       const void *data)
{
    const Place *p = data;
    g_autoptr(HypsecSigned) is = hypsec_signed("one");
    uint64_t size = p->longer ? is->manifest_size + p->longer : p->size;

    if (!p->longer && !p->size && strcmp(p->path, "size/0")) {
        size = is->manifest_size;
    }
    /* From outside, wherever there is memory. */
    if (p->pa >= HYPSEC_RAM && p->pa < HYPSEC_RAM_END &&
        p->pa != HYPSEC_CARVEOUT) {
        qtest_bufwrite(board->qts, p->pa, is->manifest, is->manifest_size);
    }
    hypsec_attempt_call(attempt, HYPSEC_HVC_SET_MANIFEST, VM, p->pa, size, 0);
}

/* What was loaded is not what is signed, as far as can be seen at once. */

typedef struct Mismatch {
    const char *path;
    const char *loaded, *named;
    void (*change)(HypsecSigned *is);
} Mismatch;

static void swap_images(HypsecSigned *is)
{
    typeof(is->image[0]) first = is->image[0];

    is->image[0] = is->image[1];
    is->image[1] = first;
}

static void one_less(HypsecSigned *is)
{
    g_free(is->image[--is->nr_images].data);
    is->image[is->nr_images].data = NULL;
}

static void one_more(HypsecSigned *is)
{
    is->image[1].gpa = HYPSEC_GPA + HYPSEC_BLOCK;
    is->image[1].size = HYPSEC_PAGE;
    is->image[1].data = g_malloc0(HYPSEC_PAGE);
    is->nr_images = 2;
}

static void elsewhere(HypsecSigned *is)
{
    is->image[0].gpa += HYPSEC_PAGE;
}

static void far_away(HypsecSigned *is)
{
    is->image[0].gpa += 1ULL << 32;
}

static void truncated(HypsecSigned *is)
{
    is->image[0].size--;
}

static void longer(HypsecSigned *is)
{
    uint8_t *data = g_malloc0(is->image[0].size + 1);

    memcpy(data, is->image[0].data, is->image[0].size);
    g_free(is->image[0].data);
    is->image[0].data = data;
    is->image[0].size++;
}

static const Mismatch mismatches[] = {
    { "images-swapped", "two", "two", swap_images },
    { "image-missing", "two", "two", one_less },
    { "image-too-many", "one", "one", one_more },
    { "address", "one", "one", elsewhere },
    { "address-far", "one", "one", far_away },
    { "size/1-less", "one", "one", truncated },
    { "size/1-more", "one", "one", longer },
    { "manifest-for-another-address", "one", "away" },
    { "manifest-for-more-images", "one", "two" },
    { "manifest-for-more-vcpus", "park1", "park2" },
    { "manifest-for-fewer-vcpus", "park2", "park1" },
};

/* VERIFY is refused at once, and nothing has changed. */
static void verify_mismatch(HypsecBoard *board, HypsecAttempt *attempt,
                            const void *data)
{
    const Mismatch *m = data;
    g_autoptr(HypsecSigned) is = hypsec_signed(m->loaded);
    g_autoptr(HypsecSigned) named = hypsec_signed(m->named);
    HypsecVm vm;

    if (m->change) {
        m->change(is);
    }
    vm = hypsec_vm_register(board, is, 1);
    g_assert_cmpuint(vm.id, ==, VM);
    hypsec_vm_announce(board, &vm, is);
    hypsec_vm_load(board, &vm, is);
    g_assert_cmpint(hypsec_vm_manifest(board, &vm, named), ==, HYPSEC_OK);
    hypsec_attempt_call(attempt, HYPSEC_HVC_VERIFY_VM_IMAGES, VM, 0, 0, 0);
}

/* An image that has no place of its own cannot even be announced. */
static void announce_overlap(HypsecBoard *board, HypsecAttempt *attempt,
                             const void *data)
{
    g_autoptr(HypsecSigned) is = hypsec_signed(data);
    HypsecVm vm = hypsec_vm_register(board, is, 1);

    g_assert_cmpint(hypsec_vm_manifest(board, &vm, is), ==, HYPSEC_OK);
    g_assert_cmpuint(hypsec_vm_image(board, VM, is->image[0].gpa,
                                     is->image[0].size), ==, 0);
    hypsec_attempt_call(attempt, HYPSEC_HVC_SET_BOOT_INFO, VM,
                        is->image[1].gpa, is->image[1].size, 0);
}

/* G40: an image of no page, with which everything would be verified. */
static void announce_nothing(HypsecBoard *board, HypsecAttempt *attempt,
                             const void *data)
{
    hypsec_attempt_call(attempt, HYPSEC_HVC_SET_BOOT_INFO, VM, HYPSEC_GPA, 0,
                        0);
}

/* Half way: nothing can be added, and no page comes back. */

static void make_half(HypsecBoard *board)
{
    g_autoptr(HypsecSigned) is = hypsec_signed("five");

    hypsec_vm_loaded(board, is, 1);
    g_assert_cmpint(hypsec_call(board, 0, HYPSEC_HVC_VERIFY_VM_IMAGES, VM, 0,
                                0, 0), ==, HYPSEC_AGAIN);
}

typedef struct Call {
    const char *path;
    uint64_t nr;
    uint64_t x[4];
    int result;
} Call;

static const Call half_way[] = {
    { "set-boot-info", HYPSEC_HVC_SET_BOOT_INFO,
      { VM, HYPSEC_VM_UNMAPPED, HYPSEC_PAGE }, HYPSEC_DENIED },
    { "remap", HYPSEC_HVC_REMAP_VM_IMAGE, { VM, FREE / HYPSEC_PAGE, 0 },
      HYPSEC_DENIED },
    { "remap-a-page-again", HYPSEC_HVC_REMAP_VM_IMAGE,
      { VM, PA / HYPSEC_PAGE, 0 }, HYPSEC_DENIED },
    { "ioremap", HYPSEC_HVC_PHYS_ADDR_IOREMAP,
      { VM, 0x0a000000, HYPSEC_UART0, HYPSEC_PAGE }, HYPSEC_DENIED },
    { "set-manifest", HYPSEC_HVC_SET_MANIFEST,
      { VM, HYPSEC_VM_MANIFEST, 344 }, HYPSEC_DENIED },
    { "register-vcpu", HYPSEC_HVC_REGISTER_VCPU, { VM, 2 }, HYPSEC_DENIED },
    { "run", HYPSEC_HVC_VCPU_RUN, { VM, 0 }, HYPSEC_DENIED },
    { "clear", HYPSEC_HVC_CLEAR_VM_S2_RANGE, { VM, 0, HYPSEC_IPA_END },
      HYPSEC_DENIED },
};

static void call_half_way(HypsecBoard *board, HypsecAttempt *attempt,
                          const void *data)
{
    const Call *c = data;

    hypsec_attempt_call(attempt, c->nr, c->x[0], c->x[1], c->x[2], c->x[3]);
}

/* It is not disturbed by what was refused. */
static void goes_on(HypsecBoard *board, const void *data)
{
    HypsecVm vm = { .id = VM };

    g_assert_cmpint(hypsec_vm_verify(board, &vm, NULL), ==, HYPSEC_OK);
}

/* The last page of the last image, which is hashed last. */
#define LAST_PAGE (PA + 53 * HYPSEC_PAGE)

static void store_half_way(HypsecBoard *board, HypsecAttempt *attempt,
                           const void *data)
{
    hypsec_attempt_store(attempt, LAST_PAGE + 0x800);
}

static void load_half_way(HypsecBoard *board, HypsecAttempt *attempt,
                          const void *data)
{
    hypsec_attempt_load(attempt, LAST_PAGE + 0x800);
}

/* The contents */

typedef struct Content {
    const char *path;
    const char *name;
    void (*change)(HypsecSigned *is);
} Content;

#define FLIP(function, image_, at) \
    static void function(HypsecSigned *is) \
    { \
        is->image[image_].data[at] ^= 1; \
    }

FLIP(flip_first, 0, 0)
FLIP(flip_last, 4, 40 * 4096 - 1)
FLIP(flip_page_end, 4, 4095)
FLIP(flip_next_page, 4, 4096)
FLIP(flip_call_end, 4, 65535)
FLIP(flip_next_call, 4, 65536)
FLIP(flip_short, 2, 99)
FLIP(flip_only, 3, 8192)

static void swap_pages(HypsecSigned *is)
{
    g_autofree uint8_t *page = g_memdup2(is->image[4].data, HYPSEC_PAGE);

    memcpy(is->image[4].data, is->image[4].data + HYPSEC_PAGE, HYPSEC_PAGE);
    memcpy(is->image[4].data + HYPSEC_PAGE, page, HYPSEC_PAGE);
}

static void same_page_twice(HypsecSigned *is)
{
    memcpy(is->image[4].data + HYPSEC_PAGE, is->image[4].data, HYPSEC_PAGE);
}

static void all_zero(HypsecSigned *is)
{
    memset(is->image[0].data, 0, is->image[0].size);
}

static void swap_data(HypsecSigned *is)
{
    uint8_t *data = is->image[0].data;

    is->image[0].data = is->image[1].data;
    is->image[1].data = data;
}

static const Content contents[] = {
    { "first-byte", "five", flip_first },
    { "last-byte", "five", flip_last },
    { "last-byte-of-a-page", "five", flip_page_end },
    { "first-byte-of-a-page", "five", flip_next_page },
    { "last-byte-of-a-call", "five", flip_call_end },
    { "first-byte-of-a-call", "five", flip_next_call },
    { "last-byte-of-a-part-of-a-page", "five", flip_short },
    { "the-only-byte-of-a-page", "five", flip_only },
    { "pages-swapped", "five", swap_pages },
    { "page-twice", "five", same_page_twice },
    { "zeros", "five", all_zero },
    { "images-contents-swapped", "two", swap_data },
};

/* The VM never runs, and its pages come back only when it is destroyed. */
static void check_unverified(HypsecBoard *board, const HypsecVm *vm,
                             uint64_t pages)
{
    g_assert_cmpuint(hypsec_vm_state(board, VM), ==, VM_POWEROFF);
    g_assert_cmpint(hypsec_vm_verify(board, vm, NULL), ==, HYPSEC_DENIED);
    g_assert_cmpint(hypsec_call(board, 0, HYPSEC_HVC_VCPU_RUN, VM, 0, 0, 0),
                    ==, HYPSEC_BUSY);
    for (uint64_t i = 0; i < pages; i++) {
        hypsec_assert_gone(board, 1, PA + i * HYPSEC_PAGE);
    }
    hypsec_check_tables(board);
    hypsec_vm_destroy(board, VM);
    for (uint64_t i = 0; i < pages; i++) {
        hypsec_assert_scrubbed(board, 1, PA + i * HYPSEC_PAGE);
    }
}

static void test_content(const void *data)
{
    const Content *c = data;
    HypsecBoard *board = hypsec_board(&two_cpus);
    g_autoptr(HypsecSigned) is = hypsec_signed(c->name);
    HypsecVm vm;

    c->change(is);
    vm = hypsec_vm_loaded(board, is, 1);
    g_assert_cmpint(hypsec_vm_verify(board, &vm, NULL), ==, HYPSEC_DENIED);
    g_assert_cmpuint(hypsec_counters(board, 0).refusals, ==, 1);
    hypsec_assert_console(board, "refused: host cpu0: VERIFY_VM_IMAGES(");
    check_unverified(board, &vm, pages_of(is));
}

/* The same, and the machine stops. */
static void test_content_halts(const void *data)
{
    const Content *c = data;
    HypsecBoard *board = hypsec_board(&(HypsecConfig){
        .cpus = 2, .halt = true,
    });
    g_autoptr(HypsecSigned) is = hypsec_signed(c->name);
    HypsecEvent event = hypsec_event_call(0, HYPSEC_HVC_VERIFY_VM_IMAGES, VM,
                                          0, 0, 0);
    bool running = true;

    c->change(is);
    hypsec_vm_loaded(board, is, 1);
    /* Each call once; one of them does not return. */
    for (int i = 0; running && i < CALLS_OF_FIVE; i++) {
        HypsecReturn r = hypsec_try(board, &event);

        running = r.c.status != HYPSEC_INJECT_S_PANICKED;
        if (running) {
            hypsec_assert_returned(&r, HYPSEC_AGAIN);
        }
    }
    g_assert_false(running);
    hypsec_assert_panicked(board, "EL2 panic: violation by the host: ");
}

/* What is behind the image in its last page is the host's: it must be zero. */
static void test_tail(const void *data)
{
    size_t at = *(const size_t *)data;
    HypsecBoard *board = hypsec_board(&two_cpus);
    g_autoptr(HypsecSigned) is = hypsec_signed("zeros");
    HypsecVm vm = hypsec_vm_loaded(board, is, 1);

    qtest_writeb(board->qts, PA + at, 1);
    g_assert_cmpint(hypsec_vm_verify(board, &vm, NULL), ==, HYPSEC_DENIED);
    check_unverified(board, &vm, pages_of(is));
}

/* Another VM's image, signed as well, in place of the one that is named. */
static void test_other_image(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    g_autoptr(HypsecSigned) is = hypsec_signed("one");
    g_autoptr(HypsecSigned) other = hypsec_signed("other");
    HypsecVm vm = hypsec_vm_register(board, is, 1);

    hypsec_vm_announce(board, &vm, is);
    g_assert_cmpint(hypsec_vm_manifest(board, &vm, is), ==, HYPSEC_OK);
    hypsec_vm_load(board, &vm, other);
    g_assert_cmpint(hypsec_vm_verify(board, &vm, NULL), ==, HYPSEC_DENIED);
    check_unverified(board, &vm, 1);
}

/* G39: at every step the host has no way to any of the pages. */
static void test_no_writing(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    g_autoptr(HypsecSigned) is = hypsec_signed("five");
    uint64_t pages = pages_of(is), value;
    HypsecVm vm;
    int64_t x0;
    unsigned int calls = 0;

    /* CPU 1 has them in its TLB when they go. */
    for (uint64_t i = 0; i < pages; i++) {
        g_assert_true(hypsec_host_load(board, 1, PA + i * HYPSEC_PAGE,
                                       &value));
    }
    vm = hypsec_vm_loaded(board, is, 1);
    do {
        for (uint64_t i = 0; i < pages; i++) {
            uint64_t pa = PA + i * HYPSEC_PAGE;

            g_assert_false(hypsec_host_store(board, 1, pa, 0));
            g_assert_false(hypsec_host_load(board, 0, pa, &value));
        }
        /* The manifest is EL2's since it was passed. */
        qtest_memset(board->qts, HYPSEC_VM_MANIFEST, 0xff, HYPSEC_PAGE);
        x0 = hypsec_call(board, calls++ % 2, HYPSEC_HVC_VERIFY_VM_IMAGES, VM,
                         0, 0, 0);
    } while (x0 == HYPSEC_AGAIN);
    g_assert_cmpint(x0, ==, HYPSEC_OK);
    g_assert_cmpuint(calls, ==, CALLS_OF_FIVE);
    g_assert_cmpuint(hypsec_vm_state(board, vm.id), ==, VM_VERIFIED);
}

/* Two CPUs verify at once, and others interfere: each byte counts once. */
static void test_race(void)
{
    HypsecBoard *board = hypsec_board(&(HypsecConfig){ .cpus = 8 });
    g_autoptr(HypsecSigned) is = hypsec_signed("five");

    for (int round = 0; round < 4; round++) {
        HypsecEvent events[64];
        HypsecReturn returns[ARRAY_SIZE(events)];
        unsigned int ok = 0, again = 0;
        bool bad = round % 2;
        HypsecVm vm;

        if (bad) {
            is->image[4].data[20 * HYPSEC_PAGE] ^= 1;
        }
        vm = hypsec_vm_loaded(board, is, 1);
        if (bad) {
            is->image[4].data[20 * HYPSEC_PAGE] ^= 1;
        }
        for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
            unsigned int cpu = i % 8;

            events[i] = hypsec_event_call(
                cpu, cpu < 4 ? HYPSEC_HVC_VERIFY_VM_IMAGES :
                     cpu < 6 ? HYPSEC_HVC_REMAP_VM_IMAGE :
                     HYPSEC_HVC_SET_BOOT_INFO, vm.id,
                cpu < 6 ? FREE / HYPSEC_PAGE : HYPSEC_VM_UNMAPPED,
                cpu < 6 ? 0 : HYPSEC_PAGE, 0);
        }
        /* An image more would be another VM: give them none before it. */
        g_assert_cmpint(hypsec_call(board, 0, HYPSEC_HVC_VERIFY_VM_IMAGES,
                                    vm.id, 0, 0, 0), ==, HYPSEC_AGAIN);
        hypsec_ring(board, events, ARRAY_SIZE(events), returns);
        for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
            int64_t x0 = returns[i].c.x[0];

            if (i % 8 >= 4) {
                g_assert_cmpint(x0, ==, HYPSEC_DENIED);
                continue;
            }
            ok += x0 == HYPSEC_OK;
            again += x0 == HYPSEC_AGAIN;
            g_assert_true(x0 == HYPSEC_OK || x0 == HYPSEC_AGAIN ||
                          x0 == HYPSEC_DENIED);
        }
        g_assert_cmpuint(ok, ==, !bad);
        /* A bad byte is found at the end of its image. */
        g_assert_cmpuint(again, ==, CALLS_OF_FIVE - 2);
        g_assert_cmpuint(hypsec_vm_state(board, vm.id), ==,
                         bad ? VM_POWEROFF : VM_VERIFIED);
        hypsec_check_tables(board);
        hypsec_vm_destroy(board, vm.id);
    }
}

/* Another manifest takes the first one's place, until it counts. */
static void test_manifest_again(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    g_autoptr(HypsecSigned) one = hypsec_signed("one");
    g_autoptr(HypsecSigned) other = hypsec_signed("other");
    HypsecVm vm = hypsec_vm_register(board, one, 1);

    hypsec_vm_announce(board, &vm, one);
    g_assert_cmpint(hypsec_vm_manifest(board, &vm, other), ==, HYPSEC_OK);
    hypsec_vm_load(board, &vm, one);
    g_assert_cmpint(hypsec_vm_manifest(board, &vm, one), ==, HYPSEC_OK);
    /* One that is refused does not. */
    other->manifest[0] ^= 1;
    g_assert_cmpint(hypsec_vm_manifest(board, &vm, other), <, 0);
    g_assert_cmpint(hypsec_vm_verify(board, &vm, NULL), ==, HYPSEC_OK);
}

/* A board of its owner's: it has that key alone. */
static void test_own_key(void)
{
    gsize size;
    g_autofree uint8_t *key = hypsec_vms_value("stranger", "public", &size);
    g_autofree char *args = g_strdup_printf(
        "-object secret,id=k,file=%s,format=raw",
        hypsec_tmp_file("key", key, size));
    HypsecBoard *board = hypsec_board(&(HypsecConfig){
        .cpus = 2, .machine = "trusted-key=k", .args = args,
    });
    g_autoptr(HypsecSigned) one = hypsec_signed("one");
    g_autoptr(HypsecSigned) stranger = hypsec_signed("stranger");
    HypsecVm vm = hypsec_vm_register(board, one, 1);

    hypsec_vm_announce(board, &vm, one);
    hypsec_vm_load(board, &vm, one);
    g_assert_cmpint(hypsec_vm_manifest(board, &vm, one), ==, HYPSEC_DENIED);
    g_assert_cmpint(hypsec_vm_verify(board, &vm, NULL), ==, HYPSEC_DENIED);
    g_assert_cmpint(hypsec_vm_manifest(board, &vm, stranger), ==, HYPSEC_OK);
    g_assert_cmpint(hypsec_vm_verify(board, &vm, NULL), ==, HYPSEC_OK);
}

static void add_attack(const char *topic, const char *name,
                       const HypsecAttack *like, const void *data, int result)
{
    HypsecAttack *attack = g_memdup2(like, sizeof(*like));

    attack->path = g_strdup_printf("%s/%s", topic, name);
    attack->data = data;
    attack->result = result;
    hypsec_add_attack(PROGRAM, attack);
}

static void add(const char *topic, const char *name, const void *data,
                void (*test)(const void *data))
{
    g_autofree char *path = g_strdup_printf(PROGRAM "/%s/%s", topic, name);

    qtest_add_data_func(path, data, test);
}

static const HypsecAttack signatures[] = {
    { "signature/zero", make_ready, pass_zero_signature,
      .result = HYPSEC_DENIED },
    { "signature/neutral", make_ready, pass_neutral_signature,
      .result = HYPSEC_DENIED },
    { "signature/large-s", make_ready, pass_large_s,
      .result = HYPSEC_DENIED },
    { "signature/stranger", make_ready, pass_strangers,
      .result = HYPSEC_DENIED },
    { "signature/of-another", make_ready, pass_other_signature,
      .result = HYPSEC_DENIED },
    { "overlap/same", NULL, announce_overlap, .data = "bad-overlap",
      .result = HYPSEC_INVALID },
    { "overlap/page", NULL, announce_overlap, .data = "bad-overlap-page",
      .result = HYPSEC_INVALID },
    { "G40/zero-page-image", make_ready, announce_nothing,
      .result = HYPSEC_INVALID },
    { "half-way/store", make_half, store_half_way, goes_on,
      .result = HYPSEC_ABORT },
    { "half-way/load", make_half, load_half_way, goes_on,
      .result = HYPSEC_ABORT },
};

int main(int argc, char **argv)
{
    static const size_t tails[] = { 4, 4095 };

    if (!hypsec_lib_init(&argc, &argv)) {
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        add("good", good[i], good[i], test_good);
    }
    qtest_add_func(PROGRAM "/malformed", test_malformed);
    /* Some as attacks, which also halt. */
    for (size_t i = 0; i < ARRAY_SIZE(malformed); i += 5) {
        add_attack("malformed", malformed[i], &(HypsecAttack){
            .scene = make_ready, .prepare = pass_malformed,
        }, malformed[i], HYPSEC_INVALID);
    }
    for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
        add_attack("changed", changes[i].path, &(HypsecAttack){
            .scene = make_ready, .prepare = pass_changed,
        }, &changes[i], changes[i].result);
    }
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        add_attack("manifest", places[i].path, &(HypsecAttack){
            .scene = make_two, .prepare = pass_place,
        }, &places[i], places[i].result);
    }
    for (size_t i = 0; i < ARRAY_SIZE(mismatches); i++) {
        add_attack("G39/mismatch", mismatches[i].path, &(HypsecAttack){
            .prepare = verify_mismatch,
        }, &mismatches[i], HYPSEC_DENIED);
    }
    for (size_t i = 0; i < ARRAY_SIZE(half_way); i++) {
        add_attack("half-way", half_way[i].path, &(HypsecAttack){
            .scene = make_half, .prepare = call_half_way, .finish = goes_on,
        }, &half_way[i], half_way[i].result);
    }
    for (size_t i = 0; i < ARRAY_SIZE(signatures); i++) {
        hypsec_add_attack(PROGRAM, &signatures[i]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(contents); i++) {
        add("G39/refused/content", contents[i].path, &contents[i],
            test_content);
        add("G39/halts/content", contents[i].path, &contents[i],
            test_content_halts);
    }
    for (size_t i = 0; i < ARRAY_SIZE(tails); i++) {
        g_autofree char *name = g_strdup_printf("byte-%zu", tails[i]);

        add("G39/tail", name, &tails[i], test_tail);
    }
    qtest_add_func(PROGRAM "/G39/other-image", test_other_image);
    qtest_add_func(PROGRAM "/G39/no-writing", test_no_writing);
    qtest_add_func(PROGRAM "/race", test_race);
    qtest_add_func(PROGRAM "/manifest-again", test_manifest_again);
    qtest_add_func(PROGRAM "/own-key", test_own_key);
    return hypsec_lib_run();
}
