/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * EL2's page records and stage-2 tables, read from outside; see
 * hypsec-attack.h.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hypsec/inspect.h"
#include "hypsec-attack.h"

/* A page record (firmware/core/page_manager.c): owner, count, map. */
#define RECORD_BYTES        8
#define RECORD_MAP_SHIFT    16
#define RECORD_MAP_MASK     ((1ULL << 48) - 1)
#define HOST_MAP_OFFSET     1000000000ULL

/* A stage-2 descriptor. */
#define DESC_VALID          1
#define DESC_TABLE          2
#define DESC_MEMATTR        0x3c
#define DESC_MEMATTR_DEVICE_MAX (3 << 2)
#define DESC_PA             0xfffffffff000ULL
#define TABLE_ENTRIES       512
#define ROOT_ENTRIES        1024
#define LAST_LEVEL          3

#define INSPECT(field) \
    hypsec_inspect(board, offsetof(struct hypsec_inspect, field))

static HypsecPage decode_record(uint64_t record, uint64_t pfn)
{
    return (HypsecPage){
        .owner = record & 0xff,
        .count = record >> 8 & 0xff,
        .map = ((record >> RECORD_MAP_SHIFT) + pfn + HOST_MAP_OFFSET) &
               RECORD_MAP_MASK,
    };
}

HypsecPage hypsec_page(HypsecBoard *board, uint64_t pa)
{
    uint64_t pfn = pa / HYPSEC_PAGE;
    uint64_t index = pfn - INSPECT(page_first_pfn);

    g_assert_cmpuint(index, <, INSPECT(page_count));
    return decode_record(qtest_readq(board->qts, INSPECT(page_base) +
                                     index * RECORD_BYTES), pfn);
}

uint64_t hypsec_vm_root(HypsecBoard *board, uint64_t vmid)
{
    return qtest_readq(board->qts, INSPECT(pool_base) +
                       vmid * INSPECT(pool_stride));
}

uint64_t hypsec_vm_entry(HypsecBoard *board, uint64_t vmid, uint64_t gpa)
{
    uint64_t root = hypsec_vm_root(board, vmid);

    return root ? hypsec_table_entry(board, root, gpa) : 0;
}

uint64_t hypsec_vm_page_at(HypsecBoard *board, uint64_t vmid, uint64_t gpa)
{
    uint64_t entry = hypsec_vm_entry(board, vmid, gpa);
    uint64_t pa = entry & DESC_PA & ~(HYPSEC_PAGE - 1);

    /* A valid entry that is none of level 3 is a block of 2 MiB. */
    return entry & DESC_TABLE || !entry ? pa :
           pa | (gpa & (HYPSEC_BLOCK - HYPSEC_PAGE));
}

void hypsec_check_page(HypsecBoard *board, uint64_t pa, uint64_t vmid,
                       uint64_t gpa, const char *file, int line,
                       const char *func)
{
    HypsecPage page = hypsec_page(board, pa);
    uint64_t map = vmid ? gpa / HYPSEC_PAGE
                        : pa / HYPSEC_PAGE + HOST_MAP_OFFSET;

    if (page.owner != vmid || page.count != 0 || page.map != map) {
        hypsec_fail(board, file, line, func, "page 0x%" PRIx64 ": owner %u, "
                    "count %u, map 0x%" PRIx64 "; not %" PRIu64 ", 0, 0x%"
                    PRIx64, pa, page.owner, page.count, page.map, vmid, map);
    }
    if (vmid && hypsec_s2_entry(board, pa)) {
        hypsec_fail(board, file, line, func, "page 0x%" PRIx64
                    " is in the host's table", pa);
    }
    if (vmid && hypsec_vm_page_at(board, vmid, gpa) != pa) {
        hypsec_fail(board, file, line, func, "VM %" PRIu64 " has not 0x%"
                    PRIx64 " at 0x%" PRIx64, vmid, pa, gpa);
    }
}

/* All that can be seen, in bytes. */
struct HypsecState {
    uint64_t first_pfn;
    GByteArray *records;
    /* Table pages in the order of a walk, each behind its address. */
    GByteArray *tables[HYPSEC_COREVISOR];
    GByteArray *vms;
};

/* A leaf of @owner's table, found by a walk. */
typedef void Leaf(HypsecBoard *board, const HypsecState *state,
                  unsigned int owner, uint64_t ia, uint64_t desc,
                  uint64_t pages);

typedef struct Walk {
    HypsecBoard *board;
    HypsecState *state;
    unsigned int owner;
    Leaf *leaf;
} Walk;

static void walk(const Walk *w, uint64_t table, unsigned int level,
                 uint64_t ia)
{
    size_t entries = level == 1 ? ROOT_ENTRIES : TABLE_ENTRIES;
    unsigned int shift = 12 + 9 * (LAST_LEVEL - level);
    g_autofree uint64_t *desc = g_new(uint64_t, entries);
    GByteArray *bytes = w->state->tables[w->owner];

    qtest_bufread(w->board->qts, table, desc, entries * 8);
    g_byte_array_append(bytes, (guint8 *)&table, sizeof(table));
    g_byte_array_append(bytes, (guint8 *)desc, entries * 8);
    for (size_t i = 0; i < entries; i++) {
        uint64_t d = le64_to_cpu(desc[i]), to = ia + ((uint64_t)i << shift);

        if (!(d & DESC_VALID)) {
            continue;
        }
        if (level < LAST_LEVEL && (d & DESC_TABLE)) {
            walk(w, d & DESC_PA, level + 1, to);
        } else if (w->leaf) {
            w->leaf(w->board, w->state, w->owner, to, d,
                    1ULL << (shift - 12));
        }
    }
}

static GByteArray *read_array(HypsecBoard *board, uint64_t pa, size_t bytes)
{
    GByteArray *array = g_byte_array_new();

    g_byte_array_set_size(array, bytes);
    qtest_bufread(board->qts, pa, array->data, bytes);
    return array;
}

static HypsecState *take_state(HypsecBoard *board, Leaf *leaf)
{
    HypsecState *state = g_new0(HypsecState, 1);

    state->first_pfn = INSPECT(page_first_pfn);
    state->records = read_array(board, INSPECT(page_base),
                                INSPECT(page_count) * RECORD_BYTES);
    state->vms = read_array(board, INSPECT(vm_base),
                            INSPECT(vm_count) * INSPECT(vm_stride));
    for (unsigned int owner = 0; owner < HYPSEC_COREVISOR; owner++) {
        uint64_t root = owner ? hypsec_vm_root(board, owner) : board->vttbr;
        Walk w = { board, state, owner, leaf };

        state->tables[owner] = g_byte_array_new();
        if (root) {
            walk(&w, root, 1, 0);
        }
    }
    return state;
}

HypsecState *hypsec_state(HypsecBoard *board)
{
    return take_state(board, NULL);
}

void hypsec_state_free(HypsecState *state)
{
    g_byte_array_unref(state->records);
    g_byte_array_unref(state->vms);
    for (int i = 0; i < HYPSEC_COREVISOR; i++) {
        g_byte_array_unref(state->tables[i]);
    }
    g_free(state);
}

bool hypsec_state_page(const HypsecState *state, uint64_t pa,
                       HypsecPage *page)
{
    const uint64_t *records = (const uint64_t *)state->records->data;
    uint64_t pfn = pa / HYPSEC_PAGE, index = pfn - state->first_pfn;

    if (index >= state->records->len / RECORD_BYTES) {
        return false;
    }
    *page = decode_record(le64_to_cpu(records[index]), pfn);
    return true;
}

/* The offset of the first difference, or -1. */
static ssize_t difference(const GByteArray *a, const GByteArray *b)
{
    for (guint i = 0; i < MIN(a->len, b->len); i++) {
        if (a->data[i] != b->data[i]) {
            return i;
        }
    }
    return a->len == b->len ? -1 : (ssize_t)MIN(a->len, b->len);
}

static void check_same_records(HypsecBoard *board, const HypsecState *before,
                               const HypsecState *now, const char *file,
                               int line, const char *func)
{
    ssize_t at = difference(before->records, now->records);

    if (at >= 0) {
        hypsec_fail(board, file, line, func, "the record of page 0x%" PRIx64
                    " changed", (before->first_pfn + at / RECORD_BYTES) *
                    HYPSEC_PAGE);
    }
}

void hypsec_check_records(HypsecBoard *board, const HypsecState *before,
                          const char *file, int line, const char *func)
{
    g_autoptr(HypsecState) now = hypsec_state(board);

    check_same_records(board, before, now, file, line, func);
}

void hypsec_check_state(HypsecBoard *board, const HypsecState *before,
                        const char *file, int line, const char *func)
{
    g_autoptr(HypsecState) now = hypsec_state(board);
    ssize_t at;

    check_same_records(board, before, now, file, line, func);
    for (int owner = 0; owner < HYPSEC_COREVISOR; owner++) {
        at = difference(before->tables[owner], now->tables[owner]);
        if (at >= 0) {
            hypsec_fail(board, file, line, func, "the stage-2 table of %d "
                        "changed, byte %zd of it", owner, at);
        }
    }
    at = difference(before->vms, now->vms);
    if (at >= 0) {
        hypsec_fail(board, file, line, func, "what EL2 knows of VMs changed, "
                    "byte %zd of it", at);
    }
}

/* A VM's page that the host may have. */
static bool is_shared(const HypsecPage *page)
{
    return page->owner != 0 && page->owner != HYPSEC_COREVISOR &&
           page->count >= 1 && page->count <= HYPSEC_MAX_SHARES;
}

static void check_leaf(HypsecBoard *board, const HypsecState *state,
                       unsigned int owner, uint64_t ia, uint64_t desc,
                       uint64_t pages)
{
    uint64_t pa = desc & DESC_PA;

    if ((pa | ia) & (pages * HYPSEC_PAGE - 1)) {
        HYPSEC_FAIL(board, "%u has 0x%" PRIx64 " at 0x%" PRIx64
                    " by a block that is not aligned", owner, pa, ia);
    }
    if (owner == 0 && ia != pa) {
        HYPSEC_FAIL(board, "the host has 0x%" PRIx64 " at 0x%" PRIx64, pa, ia);
    }
    for (uint64_t i = 0; i < pages; i++) {
        HypsecPage page;

        if (!hypsec_state_page(state, pa + i * HYPSEC_PAGE, &page)) {
            /* A device, and mapped as one. */
            g_assert_cmphex(pa, <, HYPSEC_RAM);
            g_assert_cmphex(desc & DESC_MEMATTR, <=, DESC_MEMATTR_DEVICE_MAX);
            continue;
        }
        if (owner == 0 && is_shared(&page)) {
            continue;
        }
        if (page.owner != owner ||
            (owner && page.map != ia / HYPSEC_PAGE + i)) {
            HYPSEC_FAIL(board, "%u has 0x%" PRIx64 " of %u at 0x%" PRIx64,
                        owner, pa + i * HYPSEC_PAGE, page.owner,
                        ia + i * HYPSEC_PAGE);
        }
    }
}

void hypsec_check_tables(HypsecBoard *board)
{
    hypsec_state_free(take_state(board, check_leaf));
}

