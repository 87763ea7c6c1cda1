/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hypsec-inject: the properties for people at the monitor.
 *
 * Reading one has no side effect, since QEMU's own tools read all properties
 * of all objects.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/cutils.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "exec/address-spaces.h"
#include "hw/core/cpu.h"
#include "qemu/rcu.h"
#include "hypsec-inject.h"

#define SHOWN_BYTES_MAX 4096

static const char * const type_names[HYPSEC_INJECT_TYPES] = {
    [HYPSEC_INJECT_HVC] = "hvc",
    [HYPSEC_INJECT_SMC] = "smc",
    [HYPSEC_INJECT_DABT] = "dabt",
    [HYPSEC_INJECT_IABT] = "iabt",
    [HYPSEC_INJECT_SYSREG] = "sysreg",
    [HYPSEC_INJECT_WFX] = "wfx",
    [HYPSEC_INJECT_FP] = "fp",
    [HYPSEC_INJECT_BRK] = "brk",
    [HYPSEC_INJECT_ILLEGAL] = "illegal",
    [HYPSEC_INJECT_UNDEF] = "undef",
    [HYPSEC_INJECT_SERROR] = "serror",
    [HYPSEC_INJECT_IRQ] = "irq",
    [HYPSEC_INJECT_FIQ] = "fiq",
    [HYPSEC_INJECT_VIRQ] = "virq",
    [HYPSEC_INJECT_VFIQ] = "vfiq",
    [HYPSEC_INJECT_VSERROR] = "vserror",
};

static const struct {
    const char *name;
    uint32_t bit;
} flag_names[] = {
    { "force-el2", HYPSEC_INJECT_F_FORCE_EL2 },
    { "at-el2", HYPSEC_INJECT_F_AT_EL2 },
    { "keep", HYPSEC_INJECT_F_KEEP },
    { "entry-only", HYPSEC_INJECT_F_ENTRY_ONLY },
    { "stop-on-error", HYPSEC_INJECT_F_STOP_ON_ERROR },
};

static const char * const status_names[] = {
    [HYPSEC_INJECT_S_NONE] = "none",
    [HYPSEC_INJECT_S_DONE_EL2] = "done-el2",
    [HYPSEC_INJECT_S_DONE_EL1] = "done-el1",
    [HYPSEC_INJECT_S_NOT_TRAPPED] = "not-trapped",
    [HYPSEC_INJECT_S_REFUSED] = "refused",
    [HYPSEC_INJECT_S_HUNG] = "hung",
    [HYPSEC_INJECT_S_PANICKED] = "panicked",
    [HYPSEC_INJECT_S_DONE_ENTRY] = "done-entry",
    [HYPSEC_INJECT_S_DONE_OFF] = "done-off",
};

static const char * const reason_names[HYPSEC_INJECT_REASONS] = {
    [HYPSEC_INJECT_R_NONE] = "",
    [HYPSEC_INJECT_R_BAD_TYPE] = "no such type",
    [HYPSEC_INJECT_R_BAD_CPU] = "no such CPU",
    [HYPSEC_INJECT_R_BAD_FLAGS] = "flags unknown or contradicting",
    [HYPSEC_INJECT_R_BAD_RESERVED] = "a reserved field is not zero",
    [HYPSEC_INJECT_R_BAD_PSTATE] = "pstate is not AArch64 EL0 or EL1",
    [HYPSEC_INJECT_R_BAD_BOUND] = "bound or delay too large",
    [HYPSEC_INJECT_R_CPU_OFF] = "the CPU is off",
    [HYPSEC_INJECT_R_BUSY] = "the CPU has an event",
    [HYPSEC_INJECT_R_PENDING] = "the CPU is taking an exception",
    [HYPSEC_INJECT_R_AARCH32] = "the level is in AArch32",
    [HYPSEC_INJECT_R_WRONG_EL] = "the CPU did not come to the level",
    [HYPSEC_INJECT_R_CPU_HUNG] = "an earlier event did not return",
    [HYPSEC_INJECT_R_ABORTED] = "withdrawn",
    [HYPSEC_INJECT_R_MASKED] = "masked",
    [HYPSEC_INJECT_R_NOT_ROUTED] = "EL2 has set no trap",
    [HYPSEC_INJECT_R_STAGE2_OFF] = "stage 2 is off",
};

static const char * const comp_flag_names[] = {
    "impossible", "wrong-world", "icount-valid", "injected", "forced",
    "vpending",
};

static int find_type(const char *name)
{
    for (int i = 1; i < HYPSEC_INJECT_TYPES; i++) {
        if (!strcmp(name, type_names[i])) {
            return i;
        }
    }
    return 0;
}

/* One "key=value" into @d (in the host's byte order). */
static bool parse_pair(struct hypsec_inject_desc *d, bool *has_esr,
                       const char *key, const char *text, Error **errp)
{
    const struct {
        const char *name;
        uint64_t *field;
    } fields[] = {
        { "esr", &d->esr }, { "far", &d->far }, { "hpfar", &d->hpfar },
        { "pc", &d->pc }, { "pstate", &d->pstate }, { "bound", &d->bound },
        { "delay", &d->delay }, { "cookie", &d->cookie },
    };
    uint64_t value;

    if (!strcmp(key, "type")) {
        d->type = find_type(text);
        if (!d->type) {
            error_setg(errp, "there is no type '%s'", text);
        }
        return d->type;
    }
    if (parse_uint_full(text, 0, &value)) {
        error_setg(errp, "'%s' is no number for %s", text, key);
        return false;
    }
    if (!strcmp(key, "cpu") || !strcmp(key, "repeat")) {
        if (value > UINT32_MAX) {
            error_setg(errp, "%s is too large for %s", text, key);
            return false;
        }
        *(*key == 'c' ? &d->cpu : &d->repeat) = value;
        return true;
    }
    for (int i = 0; i < ARRAY_SIZE(fields); i++) {
        if (!strcmp(key, fields[i].name)) {
            *fields[i].field = value;
            *has_esr |= fields[i].field == &d->esr;
            d->flags |= fields[i].field == &d->pc ? HYPSEC_INJECT_F_USE_PC : 0;
            d->flags |= fields[i].field == &d->pstate ?
                        HYPSEC_INJECT_F_USE_PSTATE : 0;
            return true;
        }
    }
    if (*key == 'x') {
        unsigned int n;

        if (!qemu_strtoui(key + 1, NULL, 10, &n) && n < 31) {
            d->x[n] = value;
            d->xmask |= 1ULL << n;
            return true;
        }
    }
    error_setg(errp, "there is no field '%s'", key);
    return false;
}

static bool parse_flag(struct hypsec_inject_desc *d, const char *name,
                       Error **errp)
{
    for (int i = 0; i < ARRAY_SIZE(flag_names); i++) {
        if (!strcmp(name, flag_names[i].name)) {
            d->flags |= flag_names[i].bit;
            return true;
        }
    }
    error_setg(errp, "there is no flag '%s'", name);
    return false;
}

static bool parse_desc(struct hypsec_inject_desc *d, const char *text,
                       Error **errp)
{
    g_auto(GStrv) words = g_strsplit_set(text, " ,\"", -1);
    bool has_esr = false;

    for (char **word = words; *word; word++) {
        char *equal = strchr(*word, '=');

        if (!**word) {
            continue;
        }
        if (!equal) {
            if (!parse_flag(d, *word, errp)) {
                return false;
            }
            continue;
        }
        *equal = '\0';
        if (!parse_pair(d, &has_esr, *word, equal + 1, errp)) {
            return false;
        }
    }
    if (!d->type) {
        error_setg(errp, "say which event: type=hvc and so on");
        return false;
    }
    if (!has_esr) {
        d->esr = hypsec_inject_default_esr(d->type);
    }
    return true;
}

static void set_fire(Object *obj, const char *value, Error **errp)
{
    HypsecInjectState *s = HYPSEC_INJECT(obj);
    struct hypsec_inject_desc d = { };
    uint8_t raw[HYPSEC_INJECT_RECORD_BYTES];

    if (!parse_desc(&d, value, errp)) {
        return;
    }
    for (int i = 0; i < 4; i++) {
        stl_le_p(raw + i * 4, ((uint32_t *)&d)[i]);
    }
    for (int i = 2; i < sizeof(raw) / 8; i++) {
        stq_le_p(raw + i * 8, ((uint64_t *)&d)[i]);
    }
    if (!hypsec_inject_fire(s, raw)) {
        error_setg(errp, "the last event is still under way");
    }
}

static char *get_last(Object *obj, Error **errp)
{
    HypsecInjectState *s = HYPSEC_INJECT(obj);
    struct hypsec_inject_comp c;
    GString *text = g_string_new(NULL);

    hypsec_inject_comp_read(&c, s->last);
    if (!c.sequence) {
        g_string_append(text, "none");
        return g_string_free(text, false);
    }
    /* A snapshot may hold any number here. */
    g_string_append_printf(text, "#%" PRIu64 " cpu %" PRIu32 " %s: %s",
                           c.sequence, c.cpu,
                           c.type && c.type < HYPSEC_INJECT_TYPES ?
                           type_names[c.type] : "?",
                           c.status < ARRAY_SIZE(status_names) ?
                           status_names[c.status] : "?");
    if (c.reason && c.reason < HYPSEC_INJECT_REASONS) {
        g_string_append_printf(text, " (%s)", reason_names[c.reason]);
    }
    for (int i = 0; i < ARRAY_SIZE(comp_flag_names); i++) {
        if (c.flags & (1U << i)) {
            g_string_append_printf(text, " %s", comp_flag_names[i]);
        }
    }
    if (c.status == HYPSEC_INJECT_S_REFUSED) {
        return g_string_free(text, false);
    }
    g_string_append_printf(text, "\ncount %" PRIu64 " insns %" PRIu64 " ns %"
                           PRIu64 " el %" PRIu32, c.count, c.insns, c.ns,
                           c.el);
    if (c.vector != HYPSEC_INJECT_NO_VECTOR) {
        g_string_append_printf(text, " vector 0x%" PRIx32, c.vector);
    }
    g_string_append_c(text, '\n');
    for (int i = 0; i < 31; i++) {
        g_string_append_printf(text, "x%-2d %016" PRIx64 "%c", i, c.x[i],
                               i % 4 == 3 ? '\n' : ' ');
    }
    g_string_append_printf(text, "\npc %016" PRIx64 " pstate %08" PRIx64
                           " elr_el2 %016" PRIx64 " spsr_el2 %08" PRIx64
                           "\nesr_el2 %08" PRIx64 " far_el2 %016" PRIx64
                           " hpfar_el2 %016" PRIx64
                           "\nhcr_el2 %016" PRIx64 " vttbr_el2 %016" PRIx64
                           "\nesr_el1 %08" PRIx64 " far_el1 %016" PRIx64
                           " elr_el1 %016" PRIx64 " spsr_el1 %08" PRIx64,
                           c.pc, c.pstate, c.elr_el2, c.spsr_el2, c.esr_el2,
                           c.far_el2, c.hpfar_el2, c.hcr_el2, c.vttbr_el2,
                           c.esr_el1, c.far_el1, c.elr_el1, c.spsr_el1);
    return g_string_free(text, false);
}

static void get_cpu(Object *obj, Visitor *v, const char *name, void *opaque,
                    Error **errp)
{
    visit_type_uint32(v, name, &HYPSEC_INJECT(obj)->shown_cpu, errp);
}

static void set_cpu(Object *obj, Visitor *v, const char *name, void *opaque,
                    Error **errp)
{
    HypsecInjectState *s = HYPSEC_INJECT(obj);
    uint32_t cpu;

    if (!visit_type_uint32(v, name, &cpu, errp)) {
        return;
    }
    if (cpu >= s->num_cpus) {
        error_setg(errp, "there is no CPU %" PRIu32, cpu);
        return;
    }
    s->shown_cpu = cpu;
}

static char *get_registers(Object *obj, Error **errp)
{
    HypsecInjectState *s = HYPSEC_INJECT(obj);
    GString *text = g_string_new(NULL);

    if (s->shown_cpu < s->num_cpus) {
        hypsec_inject_cpu_registers(&s->cpu[s->shown_cpu], text);
    }
    return g_string_free(text, false);
}

/* A byte of RAM or ROM, or -1: devices are left alone. */
static int peek(hwaddr addr)
{
    MemoryRegion *mr;
    hwaddr offset, len = 1;

    RCU_READ_LOCK_GUARD();
    mr = address_space_translate(&address_space_memory, addr, &offset, &len,
                                 false, MEMTXATTRS_UNSPECIFIED);
    if (!memory_access_is_direct(mr, false, MEMTXATTRS_UNSPECIFIED)) {
        return -1;
    }
    return ((uint8_t *)memory_region_get_ram_ptr(mr))[offset];
}

static char *get_memory(Object *obj, Error **errp)
{
    HypsecInjectState *s = HYPSEC_INJECT(obj);
    GString *text = g_string_new(NULL);

    for (uint32_t i = 0; i < s->shown_bytes; i++) {
        int byte = peek(s->shown_addr + i);

        if (i % 16 == 0) {
            g_string_append_printf(text, "%s%016" PRIx64 ":", i ? "\n" : "",
                                   s->shown_addr + i);
        }
        if (byte < 0) {
            g_string_append(text, " --");
        } else {
            g_string_append_printf(text, " %02x", byte);
        }
    }
    return g_string_free(text, false);
}

/* "ADDRESS=HEX..." writes these bytes in this order. */
static void poke(uint64_t addr, const char *hex, Error **errp)
{
    size_t n = strlen(hex) / 2;
    g_autofree uint8_t *bytes = g_malloc0(n + 1);

    if (!n || n > SHOWN_BYTES_MAX || strlen(hex) % 2 ||
        strspn(hex, "0123456789abcdefABCDEF") != n * 2) {
        error_setg(errp, "write pairs of hex digits, at most %d",
                   SHOWN_BYTES_MAX);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        bytes[i] = g_ascii_xdigit_value(hex[i * 2]) << 4 |
                   g_ascii_xdigit_value(hex[i * 2 + 1]);
    }
    if (address_space_write(&address_space_memory, addr,
                            MEMTXATTRS_UNSPECIFIED, bytes, n) != MEMTX_OK) {
        error_setg(errp, "the write at 0x%" PRIx64 " failed", addr);
    }
}

/* "ADDRESS [BYTES]" chooses what is shown, "ADDRESS=HEX" writes. */
static void set_memory(Object *obj, const char *value, Error **errp)
{
    HypsecInjectState *s = HYPSEC_INJECT(obj);
    const char *end;
    uint64_t addr, bytes = 64;

    if (qemu_strtou64(value, &end, 0, &addr)) {
        error_setg(errp, "'%s' does not begin with an address", value);
        return;
    }
    if (*end == '=') {
        poke(addr, end + 1, errp);
        return;
    }
    if (*end && (*end != ' ' || parse_uint_full(end + 1, 0, &bytes))) {
        error_setg(errp, "'%s' is no number of bytes", end);
        return;
    }
    if (!bytes || bytes > SHOWN_BYTES_MAX) {
        error_setg(errp, "1 to %d bytes can be shown", SHOWN_BYTES_MAX);
        return;
    }
    s->shown_addr = addr;
    s->shown_bytes = bytes;
}

void hypsec_inject_add_text_properties(ObjectClass *oc)
{
    object_class_property_add_str(oc, "fire", NULL, set_fire);
    object_class_property_set_description(oc, "fire",
        "Starts an event: cpu=N type=NAME [x0=N ...] [flag ...]");
    object_class_property_add_str(oc, "last-completion", get_last, NULL);
    object_class_property_set_description(oc, "last-completion",
        "What became of the last event that ended");
    object_class_property_add(oc, "cpu", "uint32", get_cpu, set_cpu, NULL,
                              NULL);
    object_class_property_set_description(oc, "cpu",
        "Number of the CPU that \"registers\" shows");
    object_class_property_add_str(oc, "registers", get_registers, NULL);
    object_class_property_set_description(oc, "registers",
        "Registers of that CPU");
    object_class_property_add_str(oc, "memory", get_memory, set_memory);
    object_class_property_set_description(oc, "memory",
        "Physical memory: set ADDRESS [BYTES] to choose, ADDRESS=HEX to write");
}
