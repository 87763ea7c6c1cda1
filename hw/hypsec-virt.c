/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hypsec-virt machine: its devices, and where they are.
 *
 * hypsec-boot.c loads what runs on it, hypsec-fdt.c describes it.
 */
#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "qemu/units.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "qobject/qlist.h"
#include "cpu.h"
#include "exec/address-spaces.h"
#include "hw/arm/bsa.h"
#include "hw/boards.h"
#include "hw/char/pl011.h"
#include "hw/hotplug.h"
#include "hw/intc/arm_gic.h"
#include "hw/intc/arm_gic_common.h"
#include "hw/intc/arm_gicv3_common.h"
#include "hw/irq.h"
#include "hw/loader.h"
#include "hw/mem/memory-device.h"
#include "hw/misc/pvpanic.h"
#include "hw/nvram/fw_cfg.h"
#include "hw/pci-host/gpex.h"
#include "hw/pci/pci.h"
#include "hw/pci/pci_host.h"
#include "hw/qdev-properties.h"
#include "hw/sysbus.h"
#include "hw/virtio/virtio-blk.h"
#include "hw/virtio/virtio-mmio.h"
#include "hw/virtio/virtio-net.h"
#include "hw/virtio/virtio-pci.h"
#include "hw/virtio/virtio-rng.h"
#include "hw/virtio/virtio-scsi.h"
#include "hw/virtio/virtio-serial.h"
#include "hw/virtio/virtio.h"
#include "system/blockdev.h"
#include "system/qtest.h"
#include "system/runstate.h"
#include "system/system.h"
#include "system/tcg.h"
#include "target/arm/cpu-features.h"
#include "target/arm/cpu-qom.h"
#include "target/arm/gtimer.h"
#include "arm-smmuv2.h"
#include "hypsec-dma.h"
#include "hypsec-inject.h"
#include "hypsec-virt.h"

#define FLASH_SECTOR_BYTES (256 * KiB)

const MemMapEntry hypsec_virt_memmap[HYPSEC_VIRT_NUM_REGIONS] = {
    [HYPSEC_VIRT_FLASH0] =      { 0x00000000, 0x04000000 },
    [HYPSEC_VIRT_FLASH1] =      { 0x04000000, 0x04000000 },
    [HYPSEC_VIRT_GICD] =        { 0x08000000, 0x00010000 },
    [HYPSEC_VIRT_GICC] =        { 0x08010000, 0x00010000 },
    [HYPSEC_VIRT_GICV2M] =      { 0x08020000, 0x00001000 },
    [HYPSEC_VIRT_GICH] =        { 0x08030000, 0x00010000 },
    [HYPSEC_VIRT_GICV] =        { 0x08040000, 0x00010000 },
    [HYPSEC_VIRT_GICR] =        { 0x080a0000, 0x00f60000 },
    [HYPSEC_VIRT_UART0] =       { 0x09000000, 0x00001000 },
    [HYPSEC_VIRT_RTC] =         { 0x09010000, 0x00001000 },
    [HYPSEC_VIRT_FW_CFG] =      { 0x09020000, 0x00000018 },
    [HYPSEC_VIRT_GPIO] =        { 0x09030000, 0x00001000 },
    [HYPSEC_VIRT_UART1] =       { 0x09040000, 0x00001000 },
    [HYPSEC_VIRT_SMMU0] =       { 0x09050000, 0x00010000 },
    [HYPSEC_VIRT_SMMU1] =       { 0x09060000, 0x00010000 },
    /* The size is that of one of the transports. */
    [HYPSEC_VIRT_VIRTIO_MMIO] = { 0x0a000000, 0x00000200 },
    [HYPSEC_VIRT_PVPANIC] =     { 0x0b000000, 0x00000002 },
    [HYPSEC_VIRT_DMA] =         { HYPSEC_DMA_BASE, HYPSEC_DMA_CHANNELS *
                                  HYPSEC_DMA_CHANNEL_BYTES },
    [HYPSEC_VIRT_INJECT] =      { HYPSEC_INJECT_BASE, HYPSEC_INJECT_SIZE },
    [HYPSEC_VIRT_PCIE_MMIO] =   { 0x10000000, 0x2eff0000 },
    [HYPSEC_VIRT_PCIE_PIO] =    { 0x3eff0000, 0x00010000 },
    [HYPSEC_VIRT_PCIE_ECAM] =   { 0x3f000000, 0x01000000 },
    [HYPSEC_VIRT_MEM] =         { 0x40000000, 0 },
};

const int hypsec_virt_irqmap[HYPSEC_VIRT_NUM_REGIONS] = {
    [HYPSEC_VIRT_UART0] = 1,
    [HYPSEC_VIRT_RTC] = 2,
    [HYPSEC_VIRT_PCIE_MMIO] = 3, /* to 6: INTA to INTD */
    [HYPSEC_VIRT_GPIO] = 7,
    [HYPSEC_VIRT_UART1] = 8,
    [HYPSEC_VIRT_VIRTIO_MMIO] = 16, /* to 47: one per transport */
    [HYPSEC_VIRT_GICV2M] = 48, /* to 111: message-signalled */
    [HYPSEC_VIRT_SMMU0] = 176, /* to 184: global, then one per bank */
    [HYPSEC_VIRT_SMMU1] = 185, /* to 193 */
    [HYPSEC_VIRT_DMA] = HYPSEC_DMA_SPI,
    [HYPSEC_VIRT_INJECT] = HYPSEC_INJECT_SPI,
};

static qemu_irq hypsec_virt_spi(HypsecVirtMachineState *s, int spi)
{
    return qdev_get_gpio_in(s->gic, spi);
}

/* Adds @dev to the machine as @name and realizes it; errors end QEMU. */
static SysBusDevice *add_device(HypsecVirtMachineState *s, const char *name,
                                DeviceState *dev)
{
    object_property_add_child(OBJECT(s), name, OBJECT(dev));
    sysbus_realize_and_unref(SYS_BUS_DEVICE(dev), &error_fatal);
    return SYS_BUS_DEVICE(dev);
}

/* The same for a device of one region with at most one interrupt. */
static DeviceState *add_mmio_device(HypsecVirtMachineState *s,
                                    const char *name, DeviceState *dev,
                                    enum HypsecVirtRegion region)
{
    SysBusDevice *sbd = add_device(s, name, dev);

    sysbus_mmio_map(sbd, 0, hypsec_virt_memmap[region].base);
    if (hypsec_virt_irqmap[region]) {
        sysbus_connect_irq(sbd, 0,
                           hypsec_virt_spi(s, hypsec_virt_irqmap[region]));
    }
    return dev;
}

/* A CPU that -cpu's properties made unusable here is the user's error. */
static void check_cpu(Object *cpu)
{
    if (!object_property_get_bool(cpu, "has_el2", &error_abort)) {
        error_report("this machine needs a CPU with EL2: remove has_el2=off "
                     "from -cpu");
        exit(1);
    }
}

static void create_cpus(HypsecVirtMachineState *s)
{
    MachineState *ms = MACHINE(s);

    for (int i = 0; i < ms->smp.cpus; i++) {
        Object *cpu = object_new(ms->cpu_type);

        check_cpu(cpu);
        CPU(cpu)->cpu_index = i;
        object_property_add_child(OBJECT(s), "cpu[*]", cpu);
        object_property_set_int(cpu, "mp-affinity",
                                arm_build_mp_affinity(i, HYPSEC_VIRT_MAX_CPUS),
                                &error_abort);
        object_property_set_bool(cpu, "has_el3", false, &error_abort);
        if (object_property_find(cpu, "reset-cbar")) {
            object_property_set_int(cpu, "reset-cbar",
                                    hypsec_virt_memmap[HYPSEC_VIRT_GICD].base,
                                    &error_abort);
        }
        object_property_set_link(cpu, "memory", OBJECT(get_system_memory()),
                                 &error_abort);
        qdev_realize(DEVICE(cpu), NULL, &error_fatal);
        object_unref(cpu);
    }
}

/* The private interrupts of CPU @i, and the GIC's lines to it. */
static void connect_gic_cpu(HypsecVirtMachineState *s, int i)
{
    static const int timer_intid[] = {
        [GTIMER_PHYS] = ARCH_TIMER_NS_EL1_IRQ,
        [GTIMER_VIRT] = ARCH_TIMER_VIRT_IRQ,
        [GTIMER_HYP] = ARCH_TIMER_NS_EL2_IRQ,
        [GTIMER_SEC] = ARCH_TIMER_S_EL1_IRQ,
        [GTIMER_HYPVIRT] = ARCH_TIMER_NS_EL2_VIRT_IRQ,
    };
    /* In the order in which either GIC has its outputs. */
    static const int input[] = {
        ARM_CPU_IRQ, ARM_CPU_FIQ, ARM_CPU_VIRQ, ARM_CPU_VFIQ,
        ARM_CPU_NMI, ARM_CPU_VINMI,
    };
    int inputs = s->gic_version == 2 ? 4 : ARRAY_SIZE(input);
    int cpus = MACHINE(s)->smp.cpus;
    int ppi = HYPSEC_VIRT_NUM_SPIS + i * GIC_INTERNAL;
    DeviceState *cpu = DEVICE(qemu_get_cpu(i));
    qemu_irq maintenance = qdev_get_gpio_in(s->gic, ppi + ARCH_GIC_MAINT_IRQ);

    for (int t = 0; t < ARRAY_SIZE(timer_intid); t++) {
        qdev_connect_gpio_out(cpu, t,
                              qdev_get_gpio_in(s->gic, ppi + timer_intid[t]));
    }
    qdev_connect_gpio_out_named(cpu, "pmu-interrupt", 0,
                                qdev_get_gpio_in(s->gic,
                                                 ppi + VIRTUAL_PMU_IRQ));
    for (int n = 0; n < inputs; n++) {
        sysbus_connect_irq(SYS_BUS_DEVICE(s->gic), i + n * cpus,
                           qdev_get_gpio_in(cpu, input[n]));
    }
    if (s->gic_version == 2) {
        sysbus_connect_irq(SYS_BUS_DEVICE(s->gic), i + 4 * cpus, maintenance);
    } else {
        qdev_connect_gpio_out_named(cpu, "gicv3-maintenance-interrupt", 0,
                                    maintenance);
    }
}

static void create_gic(HypsecVirtMachineState *s)
{
    static const enum HypsecVirtRegion frames_v2[] = {
        HYPSEC_VIRT_GICD, HYPSEC_VIRT_GICC, HYPSEC_VIRT_GICH, HYPSEC_VIRT_GICV,
    };
    static const enum HypsecVirtRegion frames_v3[] = {
        HYPSEC_VIRT_GICD, HYPSEC_VIRT_GICR,
    };
    bool v2 = s->gic_version == 2;
    const enum HypsecVirtRegion *frames = v2 ? frames_v2 : frames_v3;
    int num_frames = v2 ? ARRAY_SIZE(frames_v2) : ARRAY_SIZE(frames_v3);
    int cpus = MACHINE(s)->smp.cpus;

    s->gic = qdev_new(v2 ? gic_class_name() : gicv3_class_name());
    qdev_prop_set_uint32(s->gic, "revision", s->gic_version);
    qdev_prop_set_uint32(s->gic, "num-cpu", cpus);
    qdev_prop_set_uint32(s->gic, "num-irq",
                         HYPSEC_VIRT_NUM_SPIS + GIC_INTERNAL);
    qdev_prop_set_bit(s->gic, "has-security-extensions", false);
    if (v2) {
        qdev_prop_set_bit(s->gic, "has-virtualization-extensions", true);
    } else {
        QList *redistributors = qlist_new();

        qlist_append_int(redistributors, cpus);
        qdev_prop_set_array(s->gic, "redist-region-count", redistributors);
        qdev_prop_set_bit(s->gic, "has-nmi",
                          cpu_isar_feature(aa64_nmi, ARM_CPU(first_cpu)));
    }
    add_device(s, "gic", s->gic);
    for (int i = 0; i < num_frames; i++) {
        sysbus_mmio_map(SYS_BUS_DEVICE(s->gic), i,
                        hypsec_virt_memmap[frames[i]].base);
    }
    for (int i = 0; i < cpus; i++) {
        connect_gic_cpu(s, i);
    }
}

static void create_gicv2m(HypsecVirtMachineState *s)
{
    DeviceState *dev = qdev_new("arm-gicv2m");
    int spi = hypsec_virt_irqmap[HYPSEC_VIRT_GICV2M];

    qdev_prop_set_uint32(dev, "base-spi", spi);
    qdev_prop_set_uint32(dev, "num-spi", HYPSEC_VIRT_NUM_V2M_SPIS);
    add_device(s, "gic-v2m", dev);
    sysbus_mmio_map(SYS_BUS_DEVICE(dev), 0,
                    hypsec_virt_memmap[HYPSEC_VIRT_GICV2M].base);
    for (int i = 0; i < HYPSEC_VIRT_NUM_V2M_SPIS; i++) {
        sysbus_connect_irq(SYS_BUS_DEVICE(dev), i,
                           hypsec_virt_spi(s, spi + i));
    }
}

static void create_uart(HypsecVirtMachineState *s, const char *name,
                        enum HypsecVirtRegion region, Chardev *chr)
{
    DeviceState *dev = qdev_new(TYPE_PL011);

    qdev_prop_set_chr(dev, "chardev", chr);
    add_mmio_device(s, name, dev, region);
}

static void create_rtc(HypsecVirtMachineState *s)
{
    add_mmio_device(s, "rtc", qdev_new("pl031"), HYPSEC_VIRT_RTC);
}

static void powerdown_request(Notifier *n, void *opaque)
{
    HypsecVirtMachineState *s =
        container_of(n, HypsecVirtMachineState, powerdown);

    qemu_set_irq(qdev_get_gpio_in(s->gpio_key, 0), 1);
}

static void create_gpio(HypsecVirtMachineState *s)
{
    DeviceState *gpio = qdev_new("pl061");
    DeviceState *pwr = qdev_new("gpio-pwr");

    /* A line that nobody drives is low: no power-off, no reset. */
    qdev_prop_set_uint32(gpio, "pullups", 0);
    qdev_prop_set_uint32(gpio, "pulldowns", 0xff);
    add_mmio_device(s, "gpio", gpio, HYPSEC_VIRT_GPIO);

    add_device(s, "gpio-pwr", pwr);
    qdev_connect_gpio_out(gpio, HYPSEC_VIRT_GPIO_POWEROFF,
                          qdev_get_gpio_in_named(pwr, "shutdown", 0));
    qdev_connect_gpio_out(gpio, HYPSEC_VIRT_GPIO_RESET,
                          qdev_get_gpio_in_named(pwr, "reset", 0));

    s->gpio_key = qdev_new("gpio-key");
    sysbus_connect_irq(add_device(s, "gpio-key", s->gpio_key), 0,
                       qdev_get_gpio_in(gpio, HYPSEC_VIRT_GPIO_POWER_KEY));
    s->powerdown.notify = powerdown_request;
    qemu_register_powerdown_notifier(&s->powerdown);
}

static void create_fw_cfg(HypsecVirtMachineState *s)
{
    hwaddr base = hypsec_virt_memmap[HYPSEC_VIRT_FW_CFG].base;
    FWCfgState *fw_cfg = fw_cfg_init_mem_wide(base + 8, base, 8, 0, NULL);

    fw_cfg_add_i16(fw_cfg, FW_CFG_NB_CPUS, MACHINE(s)->smp.cpus);
    rom_set_fw(fw_cfg);
}

static void create_pvpanic(HypsecVirtMachineState *s)
{
    s->pvpanic = add_mmio_device(s, "pvpanic",
                                 qdev_new(TYPE_PVPANIC_MMIO_DEVICE),
                                 HYPSEC_VIRT_PVPANIC);
}

static void create_dma(HypsecVirtMachineState *s)
{
    DeviceState *dev = qdev_new(TYPE_HYPSEC_DMA);

    for (int i = 0; s->smmu && i < HYPSEC_DMA_CHANNELS; i++) {
        g_autofree char *name = g_strdup_printf("channel-mr[%d]", i);
        MemoryRegion *mr = arm_smmuv2_stream_region(ARM_SMMUV2(s->smmus[1]),
                                                    HYPSEC_DMA_STREAM_BASE + i);

        object_property_set_link(OBJECT(dev), name, OBJECT(mr), &error_abort);
    }
    s->dma_master = add_mmio_device(s, "hypsec-dma", dev, HYPSEC_VIRT_DMA);
    /* A panic stops the board. */
    memory_region_add_subregion_overlap(
        get_system_memory(), hypsec_virt_memmap[HYPSEC_VIRT_PVPANIC].base,
        hypsec_dma_screen(HYPSEC_DMA(dev),
                          sysbus_mmio_get_region(SYS_BUS_DEVICE(s->pvpanic),
                                                 0)), 1);
}

static void create_inject(HypsecVirtMachineState *s)
{
    s->injector = add_mmio_device(s, "hypsec-inject",
                                  qdev_new(TYPE_HYPSEC_INJECT),
                                  HYPSEC_VIRT_INJECT);
}

/* Lets the CPUs see @window of region @index of the host bridge. */
static void map_pcie_window(SysBusDevice *bridge, int index, const char *name,
                            hwaddr offset, const MemMapEntry *window)
{
    MemoryRegion *alias = g_new0(MemoryRegion, 1);

    memory_region_init_alias(alias, OBJECT(bridge), name,
                             sysbus_mmio_get_region(bridge, index), offset,
                             window->size);
    memory_region_add_subregion(get_system_memory(), window->base, alias);
}

/* @bus: the masters in front of it, or NULL: those that the board connects. */
static void create_smmu(HypsecVirtMachineState *s, int i, PCIBus *bus)
{
    enum HypsecVirtRegion region = HYPSEC_VIRT_SMMU0 + i;
    g_autofree char *name = g_strdup_printf("smmu%d", i);
    DeviceState *dev = qdev_new(TYPE_ARM_SMMUV2);
    SysBusDevice *sbd;

    qdev_prop_set_uint8(dev, "num-cb", HYPSEC_VIRT_SMMU_BANKS);
    /* Whatever -global says: PCI's streams are none of the second SMMU's. */
    object_property_set_link(OBJECT(dev), "primary-bus", OBJECT(bus),
                             &error_abort);
    sbd = add_device(s, name, dev);
    if (memory_region_size(sysbus_mmio_get_region(sbd, 0)) !=
        hypsec_virt_memmap[region].size) {
        error_report("the board has room for 64 KiB of SMMU registers: "
                     "remove -global arm-smmuv2.numpagendxb");
        exit(1);
    }
    sysbus_mmio_map(sbd, 0, hypsec_virt_memmap[region].base);
    for (int n = 0; n < 1 + HYPSEC_VIRT_SMMU_BANKS; n++) {
        sysbus_connect_irq(sbd, n,
                           hypsec_virt_spi(s, hypsec_virt_irqmap[region] + n));
    }
    s->smmus[i] = dev;
}

static void create_pcie(HypsecVirtMachineState *s)
{
    const MemMapEntry *mmio = &hypsec_virt_memmap[HYPSEC_VIRT_PCIE_MMIO];
    int spi = hypsec_virt_irqmap[HYPSEC_VIRT_PCIE_MMIO];
    DeviceState *dev = qdev_new(TYPE_GPEX_HOST);
    SysBusDevice *sbd;

    /* Whatever -global says. */
    qdev_prop_set_bit(dev, PCI_HOST_BYPASS_IOMMU, false);
    sbd = add_device(s, "pcie", dev);
    map_pcie_window(sbd, 0, "pcie-ecam", 0,
                    &hypsec_virt_memmap[HYPSEC_VIRT_PCIE_ECAM]);
    map_pcie_window(sbd, 1, "pcie-mmio", mmio->base, mmio);
    sysbus_mmio_map(sbd, 2, hypsec_virt_memmap[HYPSEC_VIRT_PCIE_PIO].base);
    for (int i = 0; i < PCI_NUM_PINS; i++) {
        sysbus_connect_irq(sbd, i, hypsec_virt_spi(s, spi + i));
        gpex_set_irq_num(GPEX_HOST(dev), i, spi + i);
    }
    if (s->smmu) {
        create_smmu(s, 0, PCI_HOST_BRIDGE(dev)->bus);
    }
    pci_init_nic_devices(PCI_HOST_BRIDGE(dev)->bus, "virtio-net-pci");
}

static void create_virtio_mmio(HypsecVirtMachineState *s)
{
    const MemMapEntry *map = &hypsec_virt_memmap[HYPSEC_VIRT_VIRTIO_MMIO];
    int spi = hypsec_virt_irqmap[HYPSEC_VIRT_VIRTIO_MMIO];

    for (int i = 0; i < HYPSEC_VIRT_NUM_VIRTIO_MMIO; i++) {
        SysBusDevice *sbd = add_device(s, "virtio-mmio[*]",
                                       qdev_new(TYPE_VIRTIO_MMIO));

        sysbus_mmio_map(sbd, 0, map->base + i * map->size);
        sysbus_connect_irq(sbd, 0, hypsec_virt_spi(s, spi + i));
    }
}

/* In instance_init, so that its drive can be a property of the machine. */
static void create_flash(HypsecVirtMachineState *s, int i)
{
    g_autofree char *name = g_strdup_printf("flash%d", i);
    g_autofree char *drive = g_strdup_printf("pflash%d", i);
    DeviceState *dev = qdev_new(TYPE_PFLASH_CFI01);

    qdev_prop_set_uint64(dev, "sector-length", FLASH_SECTOR_BYTES);
    qdev_prop_set_uint8(dev, "width", 4);
    qdev_prop_set_uint8(dev, "device-width", 2);
    qdev_prop_set_bit(dev, "big-endian", false);
    qdev_prop_set_uint16(dev, "id0", 0x89);
    qdev_prop_set_uint16(dev, "id1", 0x18);
    qdev_prop_set_uint16(dev, "id2", 0x00);
    qdev_prop_set_uint16(dev, "id3", 0x00);
    qdev_prop_set_string(dev, "name", name);
    object_property_add_child(OBJECT(s), name, OBJECT(dev));
    object_property_add_alias(OBJECT(s), drive, OBJECT(dev), "drive");
    object_unref(OBJECT(dev));
    s->flash[i] = PFLASH_CFI01(dev);
}

static void map_flash(HypsecVirtMachineState *s, int i)
{
    const MemMapEntry *map = &hypsec_virt_memmap[HYPSEC_VIRT_FLASH0 + i];
    DeviceState *dev = DEVICE(s->flash[i]);

    qdev_prop_set_uint32(dev, "num-blocks", map->size / FLASH_SECTOR_BYTES);
    sysbus_realize(SYS_BUS_DEVICE(dev), &error_fatal);
    sysbus_mmio_map(SYS_BUS_DEVICE(dev), 0, map->base);
}

static void check_machine(HypsecVirtMachineState *s)
{
    const CpuTopology *smp = &MACHINE(s)->smp;

    if (!tcg_enabled() && !qtest_enabled()) {
        error_report("this machine emulates EL2 and needs -accel tcg");
        exit(1);
    }
    if (smp->sockets != 1 || smp->threads != 1 || smp->max_cpus != smp->cpus) {
        error_report("the CPUs of this machine are the cores of one socket, "
                     "without threads or hotplug: use -smp N");
        exit(1);
    }
    if (s->smmu && s->virtio_mmio) {
        error_report("virtio-mmio transports cannot be behind an SMMU: remove "
                     "virtio-mmio=on or add smmu=off");
        exit(1);
    }
    hypsec_boot_check(s, &error_fatal);
    if (!s->smmu) {
        warn_report("smmu=off: DMA is not confined");
    }
}

static void hypsec_virt_init(MachineState *ms)
{
    HypsecVirtMachineState *s = HYPSEC_VIRT_MACHINE(ms);

    for (int i = 0; i < ARRAY_SIZE(s->flash); i++) {
        pflash_cfi01_legacy_drive(s->flash[i], drive_get(IF_PFLASH, 0, i));
    }
    check_machine(s);

    memory_region_add_subregion(get_system_memory(),
                                hypsec_virt_memmap[HYPSEC_VIRT_MEM].base,
                                ms->ram);
    create_cpus(s);
    create_gic(s);
    create_gicv2m(s);
    for (int i = 0; i < ARRAY_SIZE(s->flash); i++) {
        map_flash(s, i);
    }
    create_uart(s, "uart0", HYPSEC_VIRT_UART0, serial_hd(0));
    create_uart(s, "uart1", HYPSEC_VIRT_UART1, serial_hd(1));
    create_rtc(s);
    create_gpio(s);
    create_fw_cfg(s);
    create_pvpanic(s);
    create_pcie(s);
    if (s->smmu) {
        create_smmu(s, 1, NULL);
    }
    if (s->virtio_mmio) {
        create_virtio_mmio(s);
    }
    if (s->dma) {
        create_dma(s);
    }
    if (s->inject) {
        create_inject(s);
    }
    hypsec_inspect_create(OBJECT(s), s->carveout_base, s->carveout_size);
    hypsec_boot_init(s, &error_fatal);
}

/* What is looked at before it is realized: see pre_plug(). */
static HotplugHandler *get_hotplug_handler(MachineState *ms, DeviceState *dev)
{
    return object_dynamic_cast(OBJECT(dev), TYPE_MEMORY_DEVICE) ||
           object_dynamic_cast(OBJECT(dev), TYPE_VIRTIO_DEVICE) ?
           HOTPLUG_HANDLER(ms) : NULL;
}

/* A thread of its own, for all queues or for some. */
static bool has_iothread(DeviceState *dev)
{
    Object *obj = OBJECT(dev);

    if (object_dynamic_cast(obj, TYPE_VIRTIO_BLK)) {
        const VirtIOBlkConf *conf = &VIRTIO_BLK(obj)->conf;

        return conf->iothread || conf->iothread_vq_mapping_list;
    }
    if (object_dynamic_cast(obj, TYPE_VIRTIO_SCSI)) {
        const VirtIOSCSIConf *conf = &VIRTIO_SCSI_COMMON(obj)->conf;

        return conf->iothread || conf->iothread_vq_mapping_list;
    }
    return false;
}

/*
 * Behind the SMMU is a virtio device that does all its work in the address
 * space of its transport. Those of other types may not: a balloon, for one,
 * gives up any page of RAM whose number the driver writes.
 *
 * Transactions happen under the main lock. A device's thread would wait for
 * it while who has it (reset, a snapshot) waits for the device to be idle.
 */
static void check_virtio(DeviceState *dev, Error **errp)
{
    static const char * const types[] = {
        TYPE_VIRTIO_BLK, TYPE_VIRTIO_NET, TYPE_VIRTIO_RNG, TYPE_VIRTIO_SCSI,
        TYPE_VIRTIO_SERIAL,
    };
    const char *type = object_get_typename(OBJECT(dev));

    for (int i = 0; i < ARRAY_SIZE(types); i++) {
        if (!strcmp(type, types[i])) {
            if (!virtio_host_has_feature(VIRTIO_DEVICE(dev),
                                         VIRTIO_F_IOMMU_PLATFORM)) {
                error_setg(errp, "DMA of this %s would go past the SMMU: "
                           "remove iommu_platform=off, or use -M smmu=off",
                           type);
            } else if (has_iothread(dev)) {
                error_setg(errp, "DMA of this %s passes the SMMU, which "
                           "iothreads cannot: remove its iothread, or use "
                           "-M smmu=off", type);
            }
            return;
        }
    }
    error_setg(errp, "%s may work past the SMMU: it needs -M smmu=off", type);
}

/* Memory devices would be plugged into nothing. */
static void pre_plug(HotplugHandler *handler, DeviceState *dev, Error **errp)
{
    if (object_dynamic_cast(OBJECT(dev), TYPE_MEMORY_DEVICE)) {
        error_setg(errp, "this machine has no place for a %s",
                   object_get_typename(OBJECT(dev)));
    } else if (HYPSEC_VIRT_MACHINE(handler)->smmu) {
        check_virtio(dev, errp);
    }
}

static char *get_gic_version(Object *obj, Error **errp)
{
    return g_strdup_printf("%d", HYPSEC_VIRT_MACHINE(obj)->gic_version);
}

static void set_gic_version(Object *obj, const char *value, Error **errp)
{
    ERRP_GUARD();
    HypsecVirtMachineState *s = HYPSEC_VIRT_MACHINE(obj);

    if (strcmp(value, "2") && strcmp(value, "3")) {
        error_setg(errp, "Invalid gic-version value");
        error_append_hint(errp, "Valid values are 2 and 3.\n");
        return;
    }
    s->gic_version = value[0] - '0';
}

static void get_el2_mem(Object *obj, Visitor *v, const char *name,
                        void *opaque, Error **errp)
{
    HypsecVirtMachineState *s = HYPSEC_VIRT_MACHINE(obj);
    uint64_t size = s->el2_mem ?: s->carveout_size;

    visit_type_size(v, name, &size, errp);
}

static void set_el2_mem(Object *obj, Visitor *v, const char *name,
                        void *opaque, Error **errp)
{
    ERRP_GUARD();
    uint64_t size;

    if (!visit_type_size(v, name, &size, errp)) {
        return;
    }
    if (!size || !QEMU_IS_ALIGNED(size, HYPSEC_VIRT_BLOCK)) {
        error_setg(errp, "Invalid el2-mem value");
        error_append_hint(errp, "Valid sizes are multiples of 2 MiB.\n");
        return;
    }
    HYPSEC_VIRT_MACHINE(obj)->el2_mem = size;
}

static char *get_on_violation(Object *obj, Error **errp)
{
    return g_strdup(HYPSEC_VIRT_MACHINE(obj)->on_violation ==
                    HYPSEC_ON_VIOLATION_HALT ? "halt" : "refuse");
}

static void set_on_violation(Object *obj, const char *value, Error **errp)
{
    ERRP_GUARD();
    HypsecVirtMachineState *s = HYPSEC_VIRT_MACHINE(obj);

    if (!strcmp(value, "refuse")) {
        s->on_violation = HYPSEC_ON_VIOLATION_REFUSE;
    } else if (!strcmp(value, "halt")) {
        s->on_violation = HYPSEC_ON_VIOLATION_HALT;
    } else {
        error_setg(errp, "Invalid on-violation value");
        error_append_hint(errp, "Valid values are refuse and halt.\n");
        return;
    }
    s->has_on_violation = true;
}

static char *get_sealing_key(Object *obj, Error **errp)
{
    return g_strdup(HYPSEC_VIRT_MACHINE(obj)->sealing_key_id ?: "");
}

static void set_sealing_key(Object *obj, const char *value, Error **errp)
{
    HypsecVirtMachineState *s = HYPSEC_VIRT_MACHINE(obj);

    g_free(s->sealing_key_id);
    s->sealing_key_id = g_strdup(value);
}

static char *get_trusted_key(Object *obj, Error **errp)
{
    return g_strdup(HYPSEC_VIRT_MACHINE(obj)->trusted_key_id ?: "");
}

static void set_trusted_key(Object *obj, const char *value, Error **errp)
{
    HypsecVirtMachineState *s = HYPSEC_VIRT_MACHINE(obj);

    g_free(s->trusted_key_id);
    s->trusted_key_id = g_strdup(value);
}

static bool get_smmu(Object *obj, Error **errp)
{
    return HYPSEC_VIRT_MACHINE(obj)->smmu;
}

static void set_smmu(Object *obj, bool value, Error **errp)
{
    HYPSEC_VIRT_MACHINE(obj)->smmu = value;
}

static bool get_virtio_mmio(Object *obj, Error **errp)
{
    return HYPSEC_VIRT_MACHINE(obj)->virtio_mmio;
}

static void set_virtio_mmio(Object *obj, bool value, Error **errp)
{
    HYPSEC_VIRT_MACHINE(obj)->virtio_mmio = value;
}

static bool get_dma(Object *obj, Error **errp)
{
    return HYPSEC_VIRT_MACHINE(obj)->dma;
}

static void set_dma(Object *obj, bool value, Error **errp)
{
    HYPSEC_VIRT_MACHINE(obj)->dma = value;
}

/* The option and the device have one name: /machine/dma is the device. */
static Object *resolve_dma(Object *obj, void *opaque, const char *part)
{
    DeviceState *dma = HYPSEC_VIRT_MACHINE(obj)->dma_master;

    return dma ? OBJECT(dma) : NULL;
}

static bool get_inject(Object *obj, Error **errp)
{
    return HYPSEC_VIRT_MACHINE(obj)->inject;
}

static void set_inject(Object *obj, bool value, Error **errp)
{
    HYPSEC_VIRT_MACHINE(obj)->inject = value;
}

/* The option and the device have one name: /machine/inject is the device. */
static Object *resolve_inject(Object *obj, void *opaque, const char *part)
{
    DeviceState *injector = HYPSEC_VIRT_MACHINE(obj)->injector;

    return injector ? OBJECT(injector) : NULL;
}

static bool get_dtb_randomness(Object *obj, Error **errp)
{
    return HYPSEC_VIRT_MACHINE(obj)->dtb_randomness;
}

static void set_dtb_randomness(Object *obj, bool value, Error **errp)
{
    HYPSEC_VIRT_MACHINE(obj)->dtb_randomness = value;
}

static void hypsec_virt_instance_init(Object *obj)
{
    HypsecVirtMachineState *s = HYPSEC_VIRT_MACHINE(obj);

    s->gic_version = 2;
    s->smmu = true;
    s->dtb_randomness = true;
    create_flash(s, 0);
    create_flash(s, 1);
}

static void hypsec_virt_instance_finalize(Object *obj)
{
    HypsecVirtMachineState *s = HYPSEC_VIRT_MACHINE(obj);

    g_free(s->sealing_key_id);
    g_free(s->trusted_key_id);
}

static void add_class_properties(ObjectClass *oc)
{
    object_class_property_add_str(oc, "gic-version", get_gic_version,
                                  set_gic_version);
    object_class_property_set_description(oc, "gic-version",
        "Interrupt controller: 2 (default) or 3");
    object_class_property_add(oc, "el2-mem", "size", get_el2_mem, set_el2_mem,
                              NULL, NULL);
    object_class_property_set_description(oc, "el2-mem",
        "RAM that belongs to EL2 firmware (default: 16 MiB and 1/128 of all)");
    object_class_property_add_str(oc, "on-violation", get_on_violation,
                                  set_on_violation);
    object_class_property_set_description(oc, "on-violation",
        "What EL2 firmware does on a violation: refuse (default) or halt");
    object_class_property_add_str(oc, "sealing-key", get_sealing_key,
                                  set_sealing_key);
    object_class_property_set_description(oc, "sealing-key",
        "ID of a secret object of 32 bytes (default: random)");
    object_class_property_add_str(oc, "trusted-key", get_trusted_key,
                                  set_trusted_key);
    object_class_property_set_description(oc, "trusted-key",
        "ID of a secret object of 32 bytes, the public key that VM manifests "
        "are checked against (default: the firmware's own)");
    object_class_property_add_bool(oc, "smmu", get_smmu, set_smmu);
    object_class_property_set_description(oc, "smmu",
        "Set off to have no SMMUs, and no protection from DMA (default: on)");
    object_class_property_add_bool(oc, "virtio-mmio", get_virtio_mmio,
                                   set_virtio_mmio);
    object_class_property_set_description(oc, "virtio-mmio",
        "Set on/off to have 32 virtio-mmio transports, which need smmu=off "
        "(default: off)");
    object_class_property_add_bool(oc, "dma", get_dma, set_dma)
        ->resolve = resolve_dma;
    object_class_property_set_description(oc, "dma",
        "Set on/off to have hypsec-dma, a tester's DMA master of 8 channels "
        "(default: off)");
    object_class_property_add_bool(oc, "inject", get_inject, set_inject)
        ->resolve = resolve_inject;
    object_class_property_set_description(oc, "inject",
        "Set on/off to have hypsec-inject, a tester's device that makes CPUs "
        "take exceptions (default: off)");
    object_class_property_add_bool(oc, "dtb-randomness", get_dtb_randomness,
                                   set_dtb_randomness);
    object_class_property_set_description(oc, "dtb-randomness",
        "Set off to keep random seeds out of the device tree (default: on)");
}

static void hypsec_virt_class_init(ObjectClass *oc, void *data)
{
    static const char * const valid_cpu_types[] = {
        ARM_CPU_TYPE_NAME("cortex-a53"),
        ARM_CPU_TYPE_NAME("cortex-a57"),
        ARM_CPU_TYPE_NAME("cortex-a72"),
        ARM_CPU_TYPE_NAME("cortex-a76"),
        ARM_CPU_TYPE_NAME("neoverse-n1"),
        ARM_CPU_TYPE_NAME("max"),
        NULL
    };
    /*
     * RAM is committed as it is touched; no option ROMs are shipped.
     *
     * All DMA of PCI devices passes the SMMU, a transaction at a time. What a
     * device maps is therefore never RAM but a copy, and the copies that it
     * may have at once are limited: to 4 KiB, unless somebody says more. A
     * virtio device that finds no room is broken until its driver resets it,
     * so there has to be room for all that a driver usually asks for: 256
     * requests of 1280 KiB (Linux's largest) are 320 MiB, if there is one
     * queue; one per CPU would gain nothing, as all work is done under the
     * main lock. Others (NVMe) wait for room. More would only let a guest
     * make QEMU use more memory and time.
     */
    static GlobalProperty compat[] = {
        { TYPE_MEMORY_BACKEND_RAM, "reserve", "off" },
        { TYPE_PCI_DEVICE, "romfile", "" },
        { TYPE_PCI_DEVICE, "x-max-bounce-buffer-size", "512M" },
        { TYPE_VIRTIO_BLK, "num-queues", "1" },
        { TYPE_VIRTIO_SCSI, "num_queues", "1" },
        { TYPE_VIRTIO_PCI, "disable-legacy", "on", .optional = true },
        { TYPE_VIRTIO_PCI, "iommu_platform", "on", .optional = true },
    };
    MachineClass *mc = MACHINE_CLASS(oc);
    HotplugHandlerClass *hc = HOTPLUG_HANDLER_CLASS(oc);

    mc->desc = "Board for EL2 corevisors (HypSec)";
    mc->init = hypsec_virt_init;
    mc->max_cpus = HYPSEC_VIRT_MAX_CPUS;
    mc->default_cpu_type = ARM_CPU_TYPE_NAME("cortex-a72");
    mc->valid_cpu_types = valid_cpu_types;
    mc->default_ram_id = "hypsec-virt.ram";
    mc->default_ram_size = 1 * GiB;
    mc->minimum_page_bits = 12;
    mc->block_default_type = IF_VIRTIO;
    mc->no_floppy = true;
    mc->no_cdrom = true;
    mc->no_parallel = true;
    mc->pci_allow_0_address = true;
    mc->get_hotplug_handler = get_hotplug_handler;
    hc->pre_plug = pre_plug;
    compat_props_add(mc->compat_props, compat, ARRAY_SIZE(compat));
    add_class_properties(oc);
}

static const TypeInfo hypsec_virt_types[] = {
    {
        .name = TYPE_HYPSEC_VIRT_MACHINE,
        .parent = TYPE_MACHINE,
        .instance_size = sizeof(HypsecVirtMachineState),
        .instance_init = hypsec_virt_instance_init,
        .instance_finalize = hypsec_virt_instance_finalize,
        .class_init = hypsec_virt_class_init,
        .interfaces = (InterfaceInfo[]) {
            { TYPE_HOTPLUG_HANDLER },
            { }
        },
    },
};

DEFINE_TYPES(hypsec_virt_types)
