#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Process 1 of Linux in a protected VM. What it does comes from the kernel
# command line:
#
#   (nothing)          self-check, then power off
#   hypsec.mode=shell  self-check, then a shell on the console
#   hypsec.mode=bench  power off at once
#
# The self-check ends with a line "HYPSEC-VM-OK linux key=value..." or
# "HYPSEC-VM-FAIL linux <cases>".

bb=/bin/busybox
$bb mount -t devtmpfs dev /dev
$bb mount -t proc proc /proc
mode=check
for word in $($bb cat /proc/cmdline); do
	case "$word" in
	hypsec.mode=*) mode=${word#hypsec.mode=} ;;
	esac
done
if [ "$mode" = bench ]; then
	echo "HYPSEC-VM-OK linux mode=bench"
	$bb poweroff -f
fi

$bb mount -t sysfs sys /sys
$bb mount -t tmpfs tmp /tmp
$bb --install -s
export PATH=/bin:/sbin:/usr/bin:/usr/sbin HOME=/root TERM=vt100
exec < /dev/console > /dev/console 2>&1
echo 4 > /proc/sys/kernel/printk
hostname protected-vm

failed=
check() {
	if [ "$2" = "$3" ]; then
		return
	fi
	echo "FAIL: vm: $1 - '$2', not '$3'"
	failed="$failed $1"
}

at_least() {
	[ "$2" -ge "$3" ] 2> /dev/null && return
	echo "FAIL: vm: $1 - '$2', not $3 or more"
	failed="$failed $1"
}

# One CPU's timer interrupts: timer_ticks CPU
timer_ticks() {
	awk -v column=$(($1 + 2)) '/arch_timer/ { print $column }' \
		/proc/interrupts
}

on_cpu() {
	mask=$(printf %x $((1 << $1)))
	shift
	taskset "$mask" "$@"
}

expect_cpus=$(ls -d /proc/device-tree/cpus/cpu@* | wc -l)
cpus=$(grep -c ^processor /proc/cpuinfo)
ram=$((0x$(hexdump -v -s 8 -e '8/1 "%02x"' \
	/proc/device-tree/memory@40000000/reg) >> 20))
total=$(($(awk '/^MemTotal:/ { print $2 }' /proc/meminfo) >> 10))
el=$(dmesg | sed -n 's/.*CPU: All CPU(s) started at EL\([0-9]\).*/\1/p')
psci=$(dmesg | sed -n 's/.*psci: PSCIv\([0-9.]*\) detected.*/\1/p')
timer=$(dmesg | sed -n 's/.*arch_timer: cp15 timer.*(\(.*\))\.*$/\1/p')

check all-cpus-online "$cpus" "$expect_cpus"
check started-at-el1 "$el" 1
check virtual-timer "$timer" virt
at_least psci-found "${psci%.*}" 1
at_least memory-size "$total" $((ram * 3 / 4))

# Every CPU sleeps by its own timer and computes what is known.
cpu=0
while [ "$cpu" -lt "$cpus" ]; do
	before=$(timer_ticks "$cpu")
	on_cpu "$cpu" usleep 10000
	at_least timer-ticks-on-cpu"$cpu" "$(timer_ticks "$cpu")" \
		$((before + 1))
	check sum-on-cpu"$cpu" \
		"$(seq 1 20000 | on_cpu "$cpu" md5sum | cut -c1-32)" \
		e071f707df7bbeee2a6a1eb48011ddd0
	cpu=$((cpu + 1))
done

# Off and on again, by PSCI.
cpu=1
while [ "$cpu" -lt "$cpus" ]; do
	online=/sys/devices/system/cpu/cpu$cpu/online
	echo 0 > "$online"
	check cpu"$cpu"-goes-off "$(cat "$online")" 0
	echo 1 > "$online"
	check cpu"$cpu"-comes-back "$(on_cpu "$cpu" echo yes)" yes
	cpu=$((cpu + 1))
done

# A part of the memory, written and read by two programs at once.
part=$(((ram << 20) / 32))
(yes "a line of text" | head -c "$part" > /tmp/one) &
yes "a line of text" | head -c "$part" > /tmp/two
wait
check memory-takes-files "$(stat -c %s /tmp/one /tmp/two | uniq)" "$part"
check memory-keeps-its-content "$(md5sum < /tmp/one)" "$(md5sum < /tmp/two)"
rm /tmp/one /tmp/two

bad='WARNING: CPU|BUG:|Oops|Internal error|rcu: .*stall|Unhandled fault'
check kernel-log-clean "$(dmesg | grep -E -m 1 "$bad")" ""

if [ -n "$failed" ]; then
	status=1
	echo "HYPSEC-VM-FAIL linux$failed"
else
	status=0
	echo "HYPSEC-VM-OK linux cpus=$cpus mem=${ram}MiB el=$el psci=$psci" \
		"timer=$timer kernel=$(uname -r)"
fi
# The host hears it, too, if it has the device for that.
if [ -d /proc/device-tree/hostvisor@b000000 ]; then
	devmem 0x0b000080 32 "$status"
fi
if [ "$mode" = shell ]; then
	echo
	echo "Linux $(uname -r) in a protected VM; 'poweroff' ends it."
	cd /root || exit
	for name in poweroff reboot halt; do
		echo "alias $name='$name -f'"
	done > /etc/shellrc
	export ENV=/etc/shellrc
	while :; do
		setsid cttyhack sh
	done
fi
poweroff -f
