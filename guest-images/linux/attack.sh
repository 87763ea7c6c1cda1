#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# hypsec-attack: try to reach what belongs to EL2, through /dev/mem.
#
# usage: hypsec-attack carveout [all]   EL2's memory, from this CPU or all
#        hypsec-attack ADDRESS...       these physical addresses
#
# Each attempt must be refused, which ends the process that made it by SIGBUS.
# Prints "ATTEMPT: <cpu> <access> <address> - exit status <n>" for each one that
# was not refused, and "HYPSEC-ATTACK attempts=N refused=N"; fails unless all
# were refused.

SIGBUS_STATUS=135

# One access: attempt LABEL ADDRESS WIDTH [VALUE]
attempt() {
	label=$1
	shift
	devmem "$@" > /dev/null 2>&1
	status=$?
	attempts=$((attempts + 1))
	if [ "$status" -eq "$SIGBUS_STATUS" ]; then
		refused=$((refused + 1))
	else
		echo "ATTEMPT: $label $* - exit status $status"
	fi
}

# All widths, reading and writing, at each address: attempt_all LABEL ADDRESS...
attempt_all() {
	who=$1
	shift
	attempts=0
	refused=0
	for address in "$@"; do
		for width in 8 16 32 64; do
			attempt "$who" "$address" "$width"
			attempt "$who" "$address" "$width" 0
		done
	done
	echo "$attempts $refused" > "/tmp/attack.$who"
}

# First and last words, both pages that EL2 shares with the board, the middle.
carveout_addresses() {
	reg=$(hexdump -v -e '/1 "%02x"' /proc/device-tree/reserved-memory/el2@*/reg)
	[ ${#reg} -eq 32 ] || return 1
	size=0x${reg#????????????????}
	base=0x${reg%????????????????}
	for offset in 0 0x1000 $((size / 2)) $((size - 8)); do
		printf '0x%x ' $((base + offset))
	done
}

if [ $# -eq 0 ]; then
	set -- carveout
fi
if [ "$1" = carveout ]; then
	if ! targets=$(carveout_addresses); then
		echo "hypsec-attack: no EL2 carve-out in the device tree" >&2
		exit 2
	fi
else
	targets=$*
fi

rm -f /tmp/attack.*
if [ "$1 $2" = "carveout all" ]; then
	for cpu in $(sed -n 's/^processor.*: //p' /proc/cpuinfo); do
		(
			taskset -p "$(printf %x $((1 << cpu)))" \
				"$(sh -c 'echo $PPID')" > /dev/null
			attempt_all "cpu$cpu" $targets
		) &
	done
	wait
else
	attempt_all here $targets
fi

cat /tmp/attack.* | awk '
	{ attempts += $1; refused += $2 }
	END {
		printf "HYPSEC-ATTACK attempts=%d refused=%d\n", attempts, refused
		exit attempts != refused || attempts == 0
	}'
