#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Process 1 of the Linux host. What it does comes from the kernel command line:
#
#   (nothing)           self-check, then an interactive shell on the console
#   hypsec.mode=batch   self-check, then power off
#   hypsec.mode=io      write over all disks and use the network (hypsec-io),
#                       power off
#   hypsec.mode=serve   run the commands that arrive on the console, one per
#                       line, and answer each with "HYPSEC-DONE <exit status>"
#
# hypsec.batch is short for hypsec.mode=batch.

bb=/bin/busybox
$bb mount -t devtmpfs dev /dev
$bb mount -t proc proc /proc
$bb mount -t sysfs sys /sys
$bb --install -s
export PATH=/bin:/sbin:/usr/bin:/usr/sbin HOME=/root TERM=vt100
exec < /dev/console > /dev/console 2>&1
# Errors and worse still reach the console; the rest is in dmesg.
echo 4 > /proc/sys/kernel/printk
hostname hypsec

load_modules() {
	while read -r module; do
		insmod "/lib/modules/$module.ko" || return
	done < /lib/modules/order
}

serve() {
	# A reader of a slow console must not see its own commands.
	stty -echo -onlcr
	echo HYPSEC-READY
	while read -r line; do
		eval "$line"
		echo "HYPSEC-DONE $?"
	done
}

mode=shell
for word in $(cat /proc/cmdline); do
	case "$word" in
	hypsec.mode=*) mode=${word#hypsec.mode=} ;;
	hypsec.batch) mode=batch ;;
	esac
done

if grep -qs 0x1af4 /sys/bus/pci/devices/*/vendor ||
   ls /sys/bus/platform/devices | grep -q virtio_mmio; then
	load_modules
fi

case "$mode" in
batch)
	hypsec-check
	poweroff -f
	;;
io)
	hypsec-io all
	poweroff -f
	;;
serve)
	serve
	poweroff -f
	;;
*)
	hypsec-check
	echo
	echo "Linux $(uname -r). 'hypsec-check' repeats the self-check,"
	echo "'hypsec-attack' tries to reach EL2's memory, 'poweroff' ends."
	cd /root || exit
	# Process 1 is no init that poweroff and the like could ask.
	for name in poweroff reboot halt; do
		echo "alias $name='$name -f'"
	done > /etc/shellrc
	export ENV=/etc/shellrc
	# The shell may not be process 1: its end would be a kernel panic.
	while :; do
		setsid cttyhack sh
	done
	;;
esac
