#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# hypsec-io: make disks and network cards work.
#
# usage: hypsec-io all        write over all disks
#        hypsec-io DISK...    write over these
#
# The first half of each disk gets a file system and in it a file (the lines 1
# to LINES of seq), which must be there again once it was unmounted, forgotten
# and mounted. The second half is read as it is. The network card talks to a
# TCP port that echoes, 10.0.2.100:7. All cases are lines "PASS: io: <case>" or
# "FAIL: io: <case> - <what was seen>"; at the end comes "HYPSEC-IO-OK
# <disk>=<MD5 of its second half>..." or "HYPSEC-IO-FAIL <cases>".

LINES=150000
PEER=10.0.2.100
GATEWAY=10.0.2.2
ADDRESS=10.0.2.15/24

failed=
summary=
# verdict CASE GOT WANTED
verdict() {
	if [ "$2" = "$3" ]; then
		echo "PASS: io: $1"
	else
		echo "FAIL: io: $1 - '$2', not '$3'"
		failed="$failed $1"
	fi
}

md5() {
	md5sum | cut -d ' ' -f 1
}

# Nothing of the disk may come from the kernel's memory.
forget() {
	sync
	echo 3 > /proc/sys/vm/drop_caches
}

disk() {
	name=${1##*/}
	half=$(($(cat /sys/class/block/"$name"/size) / 2 / 2048))
	mke2fs -F "$1" $((half * 1024)) > /tmp/mke2fs 2>&1
	verdict "$name/takes-a-file-system" $? 0
	mount -t ext2 "$1" /mnt || return
	cp /tmp/lines /mnt/file
	umount /mnt
	verdict "$name/unmounts" $? 0
	forget
	mount -t ext2 -o ro "$1" /mnt
	verdict "$name/keeps-a-file" "$(md5 < /mnt/file)" "$content"
	umount /mnt
	summary="$summary $name=$(dd if="$1" bs=1M skip="$half" 2> /dev/null |
		md5)"
	verdict "$name/is-reread-after-a-write" "$(reread "$1")" "$content"
}

# The file as the disk's last bytes, without a file system, and back again.
reread() {
	last=$((half * 2 - 2))
	dd if=/tmp/lines of="$1" bs=64k seek=$((last * 16)) conv=notrunc,fsync \
		2> /dev/null
	forget
	dd if="$1" bs=64k skip=$((last * 16)) 2> /dev/null | head -c "$bytes" |
		md5
}

# counter CARD NAME
counter() {
	cat /sys/class/net/"$1"/statistics/"$2"
}

card() {
	ip link set "$1" up && ip addr flush dev "$1" &&
		ip addr add "$ADDRESS" dev "$1"
	verdict "$1/comes-up" $? 0
	ping -c 3 -w 20 "$GATEWAY" > /dev/null
	verdict "$1/ping-gets-an-answer" $? 0
	received=$(counter "$1" rx_bytes)
	sent=$(counter "$1" tx_bytes)
	verdict "$1/what-goes-out-comes-back" \
		"$(nc "$PEER" 7 < /tmp/lines | md5)" "$content"
	received=$(($(counter "$1" rx_bytes) - received))
	sent=$(($(counter "$1" tx_bytes) - sent))
	[ "$received" -ge "$bytes" ] && [ "$sent" -ge "$bytes" ]
	verdict "$1/counts-its-bytes" $? 0
	for what in errors dropped; do
		verdict "$1/has-no-$what" \
			"$(counter "$1" rx_$what) $(counter "$1" tx_$what)" "0 0"
	done
}

mkdir -p /mnt
seq "$LINES" > /tmp/lines
content=$(md5 < /tmp/lines)
bytes=$(stat -c %s /tmp/lines)
if [ $# -eq 0 ]; then
	echo "usage: hypsec-io all | DISK... (what is on them is lost)" >&2
	exit 2
fi
if [ "$1" = all ]; then
	set -- $(ls -d /dev/vd[a-z] /dev/nvme?n? 2> /dev/null)
fi
for each; do
	disk "$each"
done
for each in /sys/class/net/*; do
	[ -e "$each/device" ] && card "${each##*/}"
done

if [ -n "$failed" ]; then
	echo "HYPSEC-IO-FAIL$failed"
	exit 1
fi
echo "HYPSEC-IO-OK$summary"
