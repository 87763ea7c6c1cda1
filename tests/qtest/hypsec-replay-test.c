/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Record and replay: a recorded boot whose host triggers events by MMIO
 * (guest-images/ring) replays with the same completions, at the same
 * instructions, and the same text on both consoles.
 *
 * The firmware keeps the injector from the host, so the host of this test gets
 * a copy of it with one device window exchanged: fw_cfg's, which this host
 * does not use, becomes the injector's.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hw/hypsec/hypsec-inject-regs.h"
#include "hypsec-test.h"

#define RUN_SECONDS 60
#define EVENTS 64

/* A copy of the firmware with the host's window to fw_cfg moved. */
static const char *firmware_with_injector(void)
{
    uint64_t from[2] = { cpu_to_le64(0x09020000), cpu_to_le64(0x1000) };
    uint64_t to[2] = { cpu_to_le64(HYPSEC_INJECT_BASE),
                       cpu_to_le64(HYPSEC_INJECT_SIZE) };
    g_autofree char *image = NULL;
    gsize size = 0;
    int found = 0;

    g_assert_true(g_file_get_contents(getenv("HYPSEC_FIRMWARE"), &image,
                                      &size, NULL));
    for (gsize i = 0; i + sizeof(from) <= size; i += 8) {
        if (!memcmp(image + i, from, sizeof(from))) {
            memcpy(image + i, to, sizeof(to));
            found++;
        }
    }
    /* Otherwise firmware/plat/hypsec-virt/windows.c looks different now. */
    g_assert_cmpint(found, ==, 1);
    return hypsec_tmp_file("injector.bin", image, size);
}

/* Runs QEMU until it ends by itself; @name names the files. */
static void run(const char *mode, const char *name, const char *firmware,
                char **host, char **el2)
{
    g_autofree char *host_name = g_strdup_printf("%s-host.log", name);
    g_autofree char *el2_name = g_strdup_printf("%s-el2.log", name);
    const char *host_log = hypsec_tmp_file(host_name, "", 0);
    const char *el2_log = hypsec_tmp_file(el2_name, "", 0);
    g_autofree char *rr = hypsec_tmp_path("rr.bin");
    g_autofree char *command = g_strdup_printf(
        "timeout %d %s -M hypsec-virt,inject=on -m 256M -nodefaults "
        "-no-user-config -display none -icount shift=0,rr=%s,rrfile=%s "
        "-serial file:%s -serial file:%s -bios %s -kernel %s",
        RUN_SECONDS, getenv("QTEST_QEMU_BINARY"), mode, rr, host_log,
        el2_log, firmware, getenv("HYPSEC_RING"));
    int status = -1;

    g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, &status,
                                            NULL));
    g_assert_true(g_file_get_contents(host_log, host, NULL, NULL));
    g_assert_true(g_file_get_contents(el2_log, el2, NULL, NULL));
    if (status) {
        g_printerr("%s\nhost:\n%s\nEL2:\n%s\n", command, *host, *el2);
    }
    g_assert_cmpint(status, ==, 0);
}

/* What was recorded happens again, to the instruction. */
static void test_replays_equally(void)
{
    const char *firmware = firmware_with_injector();
    const char *rr = hypsec_tmp_file("rr.bin", "", 0);
    g_autofree char *host = NULL, *el2 = NULL;
    g_autofree char *host_again = NULL, *el2_again = NULL;
    g_auto(GStrv) lines = NULL;

    g_assert_nonnull(rr);
    run("record", "record", firmware, &host, &el2);
    run("replay", "replay", firmware, &host_again, &el2_again);
    g_assert_cmpstr(host_again, ==, host);
    g_assert_cmpstr(el2_again, ==, el2);

    /* And it was what it should be: each event done, once per repetition. */
    lines = g_strsplit(host, "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, EVENTS + 1);
    for (unsigned int i = 0; i < EVENTS; i++) {
        uint64_t status, x0, pc, esr, insns, count;

        g_assert_cmpint(sscanf(lines[i], "%" SCNx64 " %" SCNx64 " %" SCNx64
                               " %" SCNx64 " %" SCNx64 " %" SCNx64,
                               &status, &x0, &pc, &esr, &insns, &count),
                        ==, 6);
        g_assert_cmphex(status, ==, HYPSEC_INJECT_S_DONE_EL2);
        g_assert_cmpuint(count, ==, MAX(i, 1));
        g_assert_cmpuint(insns, >, 0);
        if (i % 4 == 0) {
            g_assert_cmphex(x0, ==, UINT64_MAX);
        } else if (i % 4 == 2) {
            g_assert_cmphex(x0, ==, 0x10001);
        }
    }
    g_assert_nonnull(strstr(el2, "refused: host cpu0: access to IPA"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    if (!getenv("HYPSEC_FIRMWARE") || !getenv("HYPSEC_RING")) {
        g_printerr("HYPSEC_FIRMWARE and HYPSEC_RING must name the images\n");
        return 1;
    }
    qtest_add_func("hypsec-replay/events-from-the-guest",
                   test_replays_equally);
    return hypsec_test_run();
}
