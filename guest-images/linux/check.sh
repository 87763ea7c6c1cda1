#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# hypsec-check: does this Linux see a complete and working machine?
#
# Prints "PASS: host: <case>" or "FAIL: host: <case> - <what was seen>" for
# each case, and at the end one line "HYPSEC-HOST-OK key=value..." or
# "HYPSEC-HOST-FAIL <cases>". The kernel command line may name what to expect:
# hypsec.cpus=N, hypsec.gic=2|3, hypsec.el=1|2.

expect_cpus=$(ls -d /proc/device-tree/cpus/cpu@* | wc -l)
expect_gic=
expect_el=1
for word in $(cat /proc/cmdline); do
	case "$word" in
	hypsec.cpus=*) expect_cpus=${word#*=} ;;
	hypsec.gic=*) expect_gic=${word#*=} ;;
	hypsec.el=*) expect_el=${word#*=} ;;
	esac
done

failed=
pass() {
	echo "PASS: host: $1"
}
fail() {
	echo "FAIL: host: $1 - $2"
	failed="$failed $1"
}

# The sum of a line's counts in /proc/interrupts: interrupts PATTERN
interrupts() {
	awk -v pattern="$1" '
		NR == 1 { cpus = NF; next }
		$0 ~ pattern { for (i = 2; i <= cpus + 1; i++) sum += $i }
		END { print sum + 0 }' /proc/interrupts
}

# One CPU's timer interrupts: timer_ticks CPU
timer_ticks() {
	awk -v column=$(($1 + 2)) '/arch_timer/ { print $column }' \
		/proc/interrupts
}

# Sizes of all "reg" entries (64-bit address and size) in KiB: reg_kib FILE...
reg_kib() {
	cat "$@" | hexdump -v -e '/1 "%02x"' |
		awk '{ gsub(/.{32}/, "&\n"); print }' |
		while read -r entry; do
			[ -n "$entry" ] && echo $((0x${entry#????????????????} >> 10))
		done | awk '{ sum += $1 } END { print sum + 0 }'
}

check_exception_level() {
	el=$(dmesg | sed -n 's/.*CPU: All CPU(s) started at EL\([0-9]\).*/\1/p')
	if [ "$el" = "$expect_el" ]; then
		pass started-at-el"$el"
	else
		fail started-at-el"$expect_el" "dmesg says EL${el:-?}"
	fi
}

check_cpus() {
	cpus=$(grep -c ^processor /proc/cpuinfo)
	if [ "$cpus" = "$expect_cpus" ]; then
		pass all-cpus-online
	else
		fail all-cpus-online "$cpus of $expect_cpus"
	fi
}

check_psci() {
	psci=$(dmesg | sed -n 's/.*psci: PSCIv\([0-9.]*\) detected.*/\1/p')
	if [ -n "$psci" ]; then
		pass psci-found
	else
		fail psci-found "no PSCI version in dmesg"
	fi
}

# A device's interrupt reaches us: the console's if somebody has typed, else the
# clock's alarm, a second from now.
device_interrupts() {
	[ "$(interrupts uart-pl011)" -gt 0 ] && return
	alarm=/sys/class/rtc/rtc0/wakealarm
	for try in 1 2 3; do
		before=$(interrupts rtc-pl031)
		echo 0 > "$alarm" && echo +1 > "$alarm" || return
		for wait in $(seq 30); do
			usleep 50000
			[ "$(interrupts rtc-pl031)" -gt "$before" ] && return
		done
	done 2> /dev/null
	return 1
}

check_gic() {
	gic=$(awk '/arch_timer/ {
		for (i = 1; i <= NF; i++)
			if (match($i, /^GIC-?v?[0-9]/)) print $i }' /proc/interrupts)
	case "$gic" in
	GICv3) gic=3 ;;
	GICv2 | GIC-0) gic=2 ;;
	esac
	if [ -n "$expect_gic" ] && [ "$gic" != "$expect_gic" ]; then
		fail gic-works "GIC version $gic, not $expect_gic"
	elif ! device_interrupts; then
		fail gic-works "no interrupt from console or clock"
	else
		pass gic-works
	fi
}

# Sleeping on a CPU ends by an interrupt of that CPU's own timer.
check_timers() {
	dead=
	cpu=0
	while [ "$cpu" -lt "$cpus" ]; do
		before=$(timer_ticks "$cpu")
		taskset "$(printf %x $((1 << cpu)))" usleep 10000
		[ "$(timer_ticks "$cpu")" -gt "$before" ] || dead="$dead $cpu"
		cpu=$((cpu + 1))
	done
	timer=$(awk '/arch_timer/ { print $(NF - 2) }' /proc/interrupts)
	if [ -z "$dead" ]; then
		pass timers-tick-on-every-cpu
	else
		fail timers-tick-on-every-cpu "silent CPUs:$dead"
	fi
}

# Linux keeps some for itself: kernel image, page structures, boot allocations.
check_memory() {
	ram=$(reg_kib /proc/device-tree/memory@*/reg)
	reserved=0
	for reg in /proc/device-tree/reserved-memory/el2@*/reg; do
		[ -f "$reg" ] && reserved=$(reg_kib "$reg")
	done
	total=$(awk '/^MemTotal:/ { print $2 }' /proc/meminfo)
	if [ "$total" -le $((ram - reserved)) ] &&
	   [ "$total" -ge $(((ram - reserved) * 3 / 4)) ]; then
		pass memory-size
	else
		fail memory-size \
			"$total KiB of $ram KiB, $reserved KiB of them EL2's"
	fi
}

check_kernel_log() {
	bad='WARNING: CPU|BUG:|Oops|Internal error|rcu: .*stall|Unhandled fault'
	bad=$(dmesg | grep -E -m 1 "$bad")
	if [ -z "$bad" ]; then
		pass kernel-log-clean
	else
		fail kernel-log-clean "$bad"
	fi
}

check_exception_level
check_cpus
check_psci
check_gic
check_timers
check_memory
check_kernel_log

if [ -n "$failed" ]; then
	echo "HYPSEC-HOST-FAIL$failed"
	exit 1
fi
echo "HYPSEC-HOST-OK cpus=$cpus mem=$((ram >> 10))MiB" \
	"el2-mem=$((reserved >> 10))MiB gic=$gic el=$el psci=$psci timer=$timer" \
	"kernel=$(uname -r)"
