# SPDX-License-Identifier: GPL-2.0-or-later
#
# The device set of this QEMU: our machine, upstream's virt for comparison,
# and the PCI devices that people use on either.

CONFIG_HYPSEC_VIRT=y
CONFIG_ARM_VIRT=y

CONFIG_PCI_DEVICES=n
CONFIG_NVME_PCI=y
CONFIG_VIRTIO_PCI=y
CONFIG_VIRTIO_BALLOON=y
CONFIG_VIRTIO_BLK=y
CONFIG_VIRTIO_NET=y
CONFIG_VIRTIO_RNG=y
CONFIG_VIRTIO_SCSI=y
CONFIG_VIRTIO_SERIAL=y
