#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Set-up behind ./hypsec: Debian packages, sources, build folder.
#
#   setup.sh all BUILD         every step that is not done yet
#   setup.sh qemu-tree BUILD   only BUILD/sources/qemu: our patch and links
#   setup.sh machine-sources BUILD   print what it makes of the apt sources
#   setup.sh coverage BUILD    only the Debian package of ./hypsec coverage
#   setup.sh clang BUILD       only the Debian packages of ./hypsec fuzz memory
#   setup.sh looking BUILD     only those of ./hypsec debug, map and report
#   setup.sh docs BUILD      only that of ./hypsec docs
#   setup.sh linux-symbols BUILD   symbols of the kernel that "all" got
#   setup.sh tests BUILD       only what the tests need besides, of these
#                              symbols only if Debian still has them
#
# Idempotent, and without network when there is nothing to fetch. A thing
# counts as done only when it has its final name, which it gets by one rename
# at the very end: an interrupted set-up leaves only temporary names behind.
#
# Everything shared between clones lies in HYPSEC_CACHE, under one lock:
#   apt/NAME/               private package lists, one folder per purpose
#   sources/NAME/VERSION/   unpacked packages
#   tools/meson-VERSION/    Meson, where the machine's own is too old
# Exit status 0, or 1 after a message that says which step failed, why, and
# what to do.

set -eu

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
: "${HYPSEC_CACHE:?run ./hypsec setup instead}"
CACHE=$HYPSEC_CACHE
MODE=${1:?usage: setup.sh MODE BUILD}
BUILD=${2:?usage: setup.sh MODE BUILD}
SOURCES=$BUILD/sources
LOGS=$BUILD/logs

# The Debian packages that the build needs, all in this one place.
PACKAGES="gcc libc6-dev make ninja-build ccache pkg-config patch dpkg-dev
	xz-utils cpio python3 python3-venv openssl
	libglib2.0-dev zlib1g-dev libfdt-dev libslirp-dev"
CROSS_PACKAGES="gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
COVERAGE_PACKAGES="gcovr"
CLANG_PACKAGES="clang libclang-rt-dev"
LOOKING_PACKAGES="gdb-multiarch librsvg2-bin"
DOCS_PACKAGES="python3-sphinx"
# What the tests need more: the documentation is built, pages are opened.
TEST_PACKAGES="$LOOKING_PACKAGES $DOCS_PACKAGES chromium"

# The suite whose QEMU is 10.0, whatever the machine runs; is_ours VERSION.
QEMU_SUITE=trixie
is_ours()
{
	case $1 in
	10.0.*) return 0 ;;
	*) return 1 ;;
	esac
}

# --- Talking to the user ---------------------------------------------------

say()
{
	printf 'setup: %s\n' "$*"
}

# die STEP REASON ADVICE - the one way to fail
die()
{
	progress_end
	{
		printf 'setup: FAILED: %s\n' "$1"
		printf '  why: %s\n' "$2"
		[ -z "$3" ] || printf '  what to do: %s\n' "$3"
	} >&2
	exit 1
}

# die_log STEP LOG ADVICE - die, showing the end of a log file
die_log()
{
	progress_end
	{
		printf 'setup: FAILED: %s\n' "$1"
		printf '  why: the last lines of %s say\n' "$2"
		tail -n 15 "$2" | sed 's/^/    | /'
		[ -z "$3" ] || printf '  what to do: %s\n' "$3"
	} >&2
	exit 1
}

# progress PERCENT TEXT - one line that is overwritten; without a terminal a
# new line for every tenth of the way, so that a log stays short.
progress_last=
progress_shown=
progress()
{
	if [ -t 1 ]; then
		[ "$2" = "$progress_last" ] || printf '\r\033[K  %.76s' "$2"
		progress_last=$2
		progress_shown=1
	elif [ "$(($1 / 10))" != "$progress_last" ]; then
		progress_last=$(($1 / 10))
		printf '  %s\n' "$2"
	fi
}

progress_end()
{
	[ -z "$progress_shown" ] || printf '\r\033[K'
	progress_shown=
}

# --- Temporary names -------------------------------------------------------

TEMPORARY=
finish()
{
	[ -z "$TEMPORARY" ] || rm -rf "$TEMPORARY"
}
trap finish EXIT
trap 'progress_end; say "interrupted; the next set-up continues here"; exit 130' INT TERM HUP

# temporary PARENT - set TEMPORARY to a new folder in PARENT, after removing
# what earlier, interrupted set-ups left there (the caller holds the lock)
temporary()
{
	mkdir -p "$1"
	rm -rf "$1"/.tmp.*
	TEMPORARY=$(mktemp -d "$1/.tmp.XXXXXX")
	chmod 755 "$TEMPORARY"
}

# keep NAME - the temporary folder is complete: give it its final name
keep()
{
	rm -rf "$1"
	mv "$TEMPORARY" "$1"
	TEMPORARY=
}

lock_cache()
{
	mkdir -p "$CACHE"
	if [ ! -e "$CACHE/CACHEDIR.TAG" ]; then
		cat >"$CACHE/CACHEDIR.TAG" <<-'TAG'
		Signature: 8a477f597d28d172789f06886806bc55
		# Made by hypsec-virt's ./hypsec setup; safe to delete.
		TAG
	fi
	exec 8>"$CACHE/.lock"
	if ! flock -n 8; then
		say "waiting for another clone's set-up to finish"
		flock 8
	fi
}

unlock_cache()
{
	exec 8>&-
}

# --- apt -------------------------------------------------------------------

# apt_progress LABEL KBYTES COMMAND... - run a command that writes apt's status
# lines (APT::Status-Fd) to its standard output, and show them as progress.
# KBYTES is the size of the download, 0 if unknown. The loop starts no other
# program: apt would lose lines to a slow reader.
apt_progress()
{
	label=$1
	total=$2
	shift 2
	progress_last=
	{
		"$@" </dev/null && echo "exit:0" || echo "exit:$?"
	} | {
		status=1
		while IFS= read -r line; do
			case $line in
			dlstatus:*)
				percent=${line#*:*:}
				percent=${percent%%.*}
				if [ "$total" -gt 0 ]; then
					size=$((total * percent / 100))
					progress "$percent" "$label: downloading, $(tenths "$size") of $(tenths "$total") MB"
				elif [ -t 1 ]; then
					progress "$percent" "$label: downloading, $percent%"
				fi
				;;
			pmstatus:*)
				what=${line#*:}
				percent=${what#*:}
				percent=${percent%%.*}
				progress "$percent" "$label: installing, $percent% (${what%%:*})"
				;;
			exit:*)
				status=${line#exit:}
				;;
			esac
		done
		progress_end
		exit "$status"
	}
}

# tenths KBYTES - megabytes with one decimal
tenths()
{
	echo "$(($1 / 1000)).$(($1 % 1000 / 100))"
}

# kbytes - the sum of the sizes that "apt-get --print-uris" lists on stdin
kbytes()
{
	awk "/^'/ { sum += \$3 } END { print int(sum / 1000) }"
}

# root_apt LOG ARGUMENTS... - apt-get as root, status lines on stdout. They
# need a descriptor of their own behind sudo, which closes all but three: apt
# makes that descriptor non-blocking, and package scripts print to stdout.
root_apt()
{
	sudo=
	[ "$(id -u)" -eq 0 ] || sudo=sudo
	# shellcheck disable=SC2016 # expanded by the inner shell
	$sudo sh -c 'log=$1; shift; exec 3>&1 >>"$log" 2>&1
		DEBIAN_FRONTEND=noninteractive exec apt-get -o APT::Status-Fd=3 \
			-o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 "$@"' \
		sh "$@"
}

missing_packages()
{
	# One query for all; a package that dpkg does not know is missing too.
	# shellcheck disable=SC2086 # a list
	installed=$(dpkg-query -W -f='${db:Status-Abbrev}${Package}\n' $PACKAGES \
		2>/dev/null | sed -n 's/^ii  *//p') || :
	for package in $PACKAGES; do
		case "
$installed
" in
		*"
$package
"*) ;;
		*) printf '%s ' "$package" ;;
		esac
	done
}

build_packages()
{
	# Debian's arm64 has the cross compiler as its native one.
	[ "$(dpkg --print-architecture)" = arm64 ] ||
		PACKAGES="$PACKAGES $CROSS_PACKAGES"
	[ "$RELEASE" -lt 13 ] || PACKAGES="$PACKAGES meson"
	install_packages
}

# install_packages - have what PACKAGES names
install_packages()
{
	missing=$(missing_packages)
	[ -n "$missing" ] || return 0

	step="installing Debian packages"
	log=$LOGS/packages.log
	: >"$log"
	say "installing Debian packages: $missing"
	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null || die "$step" \
			"this needs root, and there is no sudo" \
			"as root, run: apt-get install $missing"
		say "this runs apt-get through sudo"
		sudo -v || die "$step" "sudo was refused" \
			"as root, run: apt-get install $missing"
	fi
	for attempt in 1 2; do
		apt_progress "package lists" 0 root_apt "$log" update ||
			die_log "$step: apt-get update" "$log" \
			"check the network and the machine's apt configuration, then run this again"
		# shellcheck disable=SC2086 # a list
		set -- install -y --no-install-recommends $missing
		size=$(apt-get --print-uris "$@" 2>/dev/null | kbytes)
		if apt_progress packages "$size" root_apt "$log" "$@"; then
			return 0
		fi
		[ "$attempt" = 2 ] || say "that failed; refreshing the lists for a second try"
	done
	die_log "$step (tried twice)" "$log" \
		"repair what it names, or install them yourself: apt-get install $missing"
}

# machine_sources - the machine's Debian entries for component main, one
# "URI SUITE SIGNED-BY" per line ("-" if not given), from both file formats.
machine_sources()
{
	list='' parts=''
	eval "$(apt-config shell list Dir::Etc::sourcelist/f parts Dir::Etc::sourceparts/d)"
	set --
	for file in "$list" "$parts"/*.list "$parts"/*.sources; do
		[ ! -r "$file" ] || [ -d "$file" ] || set -- "$@" "$file"
	done
	[ $# -gt 0 ] || return 0
	awk '
	function flush_stanza(   i, j, nu, ns, u, s) {
		if (types ~ /(^| )deb( |$)/ && components ~ /(^| )main( |$)/ &&
		    enabled !~ /^ *no *$/) {
			nu = split(uris, u, " ")
			ns = split(suites, s, " ")
			for (i = 1; i <= nu; i++)
				for (j = 1; j <= ns; j++)
					print u[i], s[j], (key ~ /^[^ ]+$/ ? key : "-")
		}
		types = uris = suites = components = enabled = key = field = ""
	}
	FNR == 1 { flush_stanza() }
	/^[ \t]*#/ { next }
	FILENAME ~ /\.sources$/ {
		if ($0 ~ /^[ \t]*$/) { flush_stanza(); next }
		value = $0
		if ($0 !~ /^[ \t]/) {
			field = tolower($0)
			sub(/[ \t]*:.*/, "", field)
			sub(/^[^:]*:/, "", value)
		}
		gsub(/[ \t]+/, " ", value)
		if (field == "types") types = types value
		if (field == "uris") uris = uris value
		if (field == "suites") suites = suites value
		if (field == "components") components = components value
		if (field == "enabled") enabled = enabled value
		if (field == "signed-by") { sub(/^ /, "", value); key = key value }
		next
	}
	$1 == "deb" {
		line = $0
		option = "-"
		if (match(line, /\[[^\]]*\]/)) {
			options = substr(line, RSTART, RLENGTH)
			line = substr(line, 1, RSTART - 1) substr(line, RSTART + RLENGTH)
			if (match(options, /signed-by=[^] ]+/))
				option = substr(options, RSTART + 10, RLENGTH - 10)
		}
		n = split(line, word, " ")
		for (i = 4; i <= n; i++)
			if (word[i] == "main")
				print word[2], word[3], option
	}
	END { flush_stanza() }
	' "$@"
}

# apt_entry TYPE SUITE - an apt source for the suite, by the machine's entry for
# it, else by that for the machine's release (security has a place of its own)
apt_entry()
{
	case $2 in
	*-security) suites=$2 ;;
	*) suites="$2 $CODENAME stable oldstable" ;;
	esac
	for like in $suites; do
		entry=$(machine_sources | awk -v s="$like" '$2 == s { print; exit }')
		[ -z "$entry" ] || break
	done
	[ -n "$entry" ] || return 0
	key=${entry##* }
	[ "$key" != - ] || key=/usr/share/keyrings/debian-archive-keyring.gpg
	cat <<-SOURCES
	Types: $1
	URIs: ${entry%% *}
	Suites: $2
	Components: main
	Signed-By: $key

	SOURCES
}

# apt_private NAME TYPE SUITES ARCHITECTURE - make a private apt configuration
# that knows these suites of the machine's Debian mirror, in CACHE/apt/NAME,
# and set APT_NAME to it. Nothing of the machine's configuration changes; its
# proxies and credentials hold.
apt_private()
{
	APT_NAME=$1
	dir=$CACHE/apt/$1
	arch=$4
	[ "$arch" != native ] || arch=$(dpkg --print-architecture)
	mkdir -p "$dir/parts" "$dir/lists/partial" "$dir/archives/partial"
	# The URI may hold a password.
	(
		umask 077
		for suite in $3; do
			apt_entry "$2" "$suite"
		done >"$dir/parts/hypsec.sources"
	)
	[ -s "$dir/parts/hypsec.sources" ] || die "finding the Debian mirror" \
		"no apt source of this machine offers $CODENAME main" \
		"add the usual Debian entry to /etc/apt/sources.list.d"
	cat >"$dir/apt.conf" <<-CONF
	#clear APT::Update::Pre-Invoke;
	#clear APT::Update::Post-Invoke;
	#clear APT::Update::Post-Invoke-Success;
	#clear APT::Architectures;
	#clear Acquire::Languages;
	APT::Architecture "$arch";
	APT::Architectures { "$arch"; };
	APT::Sandbox::User "root";
	APT::Update::Error-Mode "any";
	Acquire::Languages { "none"; };
	Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
	Dir::Etc::sourcelist "/dev/null";
	Dir::Etc::sourceparts "$dir/parts";
	Dir::Etc::preferences "/dev/null";
	Dir::Etc::preferencesparts "/dev/null";
	Dir::State "$dir";
	Dir::State::lists "$dir/lists";
	Dir::State::status "/dev/null";
	Dir::State::extended_states "$dir/extended_states";
	Dir::Cache "$dir";
	Dir::Cache::archives "$dir/archives";
	Dir::Cache::pkgcache "";
	Dir::Cache::srcpkgcache "";
	CONF
}

# private TOOL ARGUMENTS... - apt-get or apt-cache with the private configuration
private()
{
	tool=$1
	shift
	"$tool" -c "$CACHE/apt/$APT_NAME/apt.conf" "$@"
}

# private_fetch ARGUMENTS... - apt-get, for apt_progress
private_fetch()
{
	private apt-get -o APT::Status-Fd=3 "$@" 3>&1 >>"$LOGS/fetch.log" 2>&1
}

FETCH_ADVICE="check the network (and that the mirror of this machine's apt sources carries this suite), then run this again"

# fetch STEP FUNCTION ARGUMENTS... - run apt-get in a new temporary folder, with
# the private configuration. After its lists are there, FUNCTION sets VERSION
# and PACKAGE; apt-get's last argument is PACKAGE.
# Mirrors drop superseded files, so that a listed version can be absent: after
# a failure the lists are refreshed once and the fetch is tried again.
fetch()
{
	step=$1
	choose=$2
	shift 2
	: >"$LOGS/fetch.log"
	for attempt in 1 2; do
		apt_progress "$step: package lists" 0 private_fetch update ||
			die_log "$step: apt-get update" "$LOGS/fetch.log" \
			"$FETCH_ADVICE"
		"$choose"
		temporary "$CACHE/download"
		size=$(private apt-get "$@" --print-uris "$PACKAGE" \
			2>/dev/null | kbytes)
		say "$step $VERSION: downloading $(tenths "$size") MB"
		if (cd "$TEMPORARY" && apt_progress "$step" "$size" \
			private_fetch "$@" "$PACKAGE"); then
			return 0
		fi
		[ "$attempt" = 2 ] ||
			say "the download failed; refreshing the lists for a second try"
	done
	if grep -q ' 404 ' "$LOGS/fetch.log"; then
		die_log "$step (tried twice)" "$LOGS/fetch.log" \
			"the mirror lists $VERSION but does not have it; wait for the mirror to settle, or use another one"
	fi
	die_log "$step (tried twice)" "$LOGS/fetch.log" "$FETCH_ADVICE"
}

# newest FOLDER - the newest version in it, or nothing
newest()
{
	[ ! -d "$1" ] || find "$1" -mindepth 1 -maxdepth 1 -printf '%f\n' |
		sort -V | tail -n 1
}

# --- Sources ---------------------------------------------------------------

source_version()
{
	VERSION=$(private apt-cache showsrc --only-source "$PACKAGE" 2>/dev/null |
		sed -n 's/^Version: *//p' | sort -V | tail -n 1)
	[ -n "$VERSION" ] || die "$step" \
		"the mirror has no source package $PACKAGE in $QEMU_SUITE" \
		"use a complete Debian mirror, or set HYPSEC_QEMU_SRC"
	VERSION=${VERSION#*:}
	[ "$PACKAGE" != qemu ] || is_ours "$VERSION" ||
		die "$step" "$QEMU_SUITE has QEMU $VERSION, and our machine is for 10.0" \
		"set HYPSEC_QEMU_SRC to a QEMU 10.0.x source tree"
}

# fetch_source PACKAGE TITLE - have an unpacked Debian source package in the
# cache, with Debian's patches; set SOURCE to it
fetch_source()
{
	cached "$1" || {
		PACKAGE=$1
		apt_private "source-$QEMU_SUITE" deb-src "$QEMU_SUITE" native
		fetch "$2" source_version source --download-only
		unpack "$2" dpkg-source -x "$TEMPORARY"/*.dsc "$TEMPORARY/unpacked"
	}
}

# fetch_upstream PACKAGE TITLE - the same without Debian's part of the package
fetch_upstream()
{
	cached "$1" || {
		PACKAGE=$1
		apt_private "source-$QEMU_SUITE" deb-src "$QEMU_SUITE" native
		fetch "$2" source_version source --download-only --tar-only
		mkdir "$TEMPORARY/unpacked"
		unpack "$2" tar -xf "$TEMPORARY"/*.orig.tar.* --strip-components=1 \
			-C "$TEMPORARY/unpacked"
	}
}

# cached NAME - set SOURCE to the newest version in the cache; false if none
cached()
{
	CACHED=$CACHE/sources/$1
	VERSION=$(newest "$CACHED")
	SOURCE=$CACHED/$VERSION
	[ -n "$VERSION" ]
}

# unpack TITLE COMMAND... - run it to fill TEMPORARY/unpacked with version
# VERSION of what cached did not find; move that to its place, set SOURCE
unpack()
{
	say "$1 $VERSION: unpacking"
	title=$1
	shift
	"$@" >"$LOGS/unpack.log" 2>&1 </dev/null ||
		die_log "$title: unpacking" "$LOGS/unpack.log" \
			"if the disk is full, make room; otherwise run this again"
	SOURCE=$CACHED/$VERSION
	mkdir -p "$CACHED"
	mv "$TEMPORARY/unpacked" "$SOURCE"
	rm -rf "$TEMPORARY"
	TEMPORARY=
}

binary_version()
{
	PACKAGE=$WANTED
	if [ "$WANTED" = linux-image-cloud-arm64 ]; then
		# The package with the kernel in it, behind the one that names it.
		PACKAGE=$(private apt-cache show --no-all-versions "$WANTED" 2>/dev/null |
			sed -n 's/^Depends:.*\(linux-image-[0-9][^ ,]*-cloud-arm64\).*/\1/p')
	fi
	VERSION=
	[ -z "$PACKAGE" ] || VERSION=$(private apt-cache show --no-all-versions "$PACKAGE" \
		2>/dev/null | sed -n 's/^Version: *//p')
	[ -n "$VERSION" ] || die "$step" \
		"the mirror has no package $WANTED in $SUITE" \
		"use a complete Debian mirror"
	VERSION=${VERSION#*:}
}

# fetch_binary NAME PACKAGE SUITES ARCHITECTURE TITLE - have an unpacked Debian
# binary package, not installed, in the cache as NAME; set SOURCE to it
fetch_binary()
{
	cached "$1" || {
		WANTED=$2
		SUITE=$3
		apt_private "${3%% *}-$4" deb "$3" "$4"
		fetch "$5" binary_version download
		unpack "$5" dpkg -x "$TEMPORARY"/*.deb "$TEMPORARY/unpacked"
	}
}

# place NAME [--link] - copy SOURCE to SOURCES/NAME, unless that is what is
# there; its files may be links to those of the cache where nobody edits them
place()
{
	[ "$(cat "$SOURCES/.$1" 2>/dev/null)" != "$SOURCE" ] ||
		[ ! -d "$SOURCES/$1" ] || return 0
	temporary "$SOURCES"
	{ [ $# -eq 2 ] && cp -a --link "$SOURCE/." "$TEMPORARY/" 2>/dev/null; } ||
		cp -a --reflink=auto "$SOURCE/." "$TEMPORARY/" 2>"$LOGS/unpack.log" ||
		die_log "copying $1 to $SOURCES" "$LOGS/unpack.log" "make room on the disk"
	rm -f "$SOURCES/.$1"
	keep "$SOURCES/$1"
	echo "$SOURCE" >"$SOURCES/.$1"
	say "$1: $(basename "$SOURCE") is in place"
}

# --- Meson -----------------------------------------------------------------

# find_meson - set MESON to a Meson that is new enough for QEMU 10.0. Debian
# 12's is not; its backports suite has one, used from the cache.
find_meson()
{
	if [ "$RELEASE" -ge 13 ]; then
		MESON=/usr/bin/meson
		return
	fi
	fetch_binary "meson-$CODENAME" meson "$CODENAME-backports" native Meson
	MESON=$SOURCE/meson
	[ ! -x "$MESON" ] || return 0
	# Runs without PYTHONPATH, so that a plain "ninja" can call it too.
	cat >"$MESON.new" <<'LAUNCHER'
#!/usr/bin/python3
import os
import sys
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, 'usr/lib/python3/dist-packages'))
from mesonbuild.mesonmain import main
sys.exit(main())
LAUNCHER
	chmod 755 "$MESON.new"
	mv "$MESON.new" "$MESON"
}

# --- Linux's symbols -------------------------------------------------------

# The kernel in SOURCES/linux-image, of version KERNEL_VERSION, and the package
# with its vmlinux.
linux_package()
{
	KERNEL_VERSION=$(basename "$(cat "$SOURCES/.linux-image" 2>/dev/null)")
	for file in "$SOURCES"/linux-image/boot/vmlinuz-*; do
		KERNEL_RELEASE=${file##*/vmlinuz-}
	done
	if [ -z "$KERNEL_VERSION" ] || [ ! -r "$file" ]; then
		die "Linux's symbols" "there is no kernel in $SOURCES/linux-image" \
			"run ./hypsec setup"
	fi
	DEBUG_PACKAGE=linux-image-$KERNEL_RELEASE-dbg
}

debug_version()
{
	VERSION=$KERNEL_VERSION
	PACKAGE=$DEBUG_PACKAGE=$VERSION
	private apt-cache show "$DEBUG_PACKAGE" 2>/dev/null |
		grep -qxF "Version: $VERSION" ||
		die "$step" "the mirror has no $DEBUG_PACKAGE of version $VERSION, the kernel's" \
		"for the newest kernel and its symbols: ./hypsec clean --cache, then set up again"
}

# unpack_vmlinux DEB FOLDER - of that package no more than the kernel itself
unpack_vmlinux()
{
	mkdir "$2"
	dpkg-deb --fsys-tarfile "$1" |
		tar -x -C "$2" --wildcards --transform='s,.*/,,' \
			'./usr/lib/debug/boot/vmlinux-*' &&
		mv "$2"/vmlinux-* "$2/vmlinux"
}

# linux_symbols - SOURCES/linux-symbols/vmlinux is that of the kernel
linux_symbols()
{
	linux_package
	CACHED=$CACHE/sources/$DEBUG_PACKAGE
	SOURCE=$CACHED/$KERNEL_VERSION
	lock_cache
	[ -d "$SOURCE" ] || {
		apt_private "$CODENAME-arm64" deb "$CODENAME $CODENAME-security" arm64
		fetch "Linux's symbols" debug_version download
		unpack "Linux's symbols" unpack_vmlinux "$TEMPORARY"/*.deb \
			"$TEMPORARY/unpacked"
	}
	place linux-symbols --link
	unlock_cache
	rm -f "$SOURCES/.no-linux-symbols"
}

# try_linux_symbols - the same where it is no failure that Debian has dropped
# them, or cannot be reached; not tried again unless asked for by name.
# SOURCES/.no-linux-symbols says why, for the tests.
try_linux_symbols()
{
	[ ! -e "$SOURCES/.no-linux-symbols" ] || return 0
	log=$LOGS/linux-symbols.log
	sh "$ROOT/tools/setup.sh" linux-symbols "$BUILD" 2>"$log" && return
	# What apt says is more than that its log has the reason.
	sed -n 's/^  why: //p; s/^    | E: *//p' "$log" | tail -n 1 \
		>"$SOURCES/.no-linux-symbols"
	say "no symbols of Linux, and no tests of them: $(cat "$SOURCES/.no-linux-symbols")"
}

# --- The QEMU tree ---------------------------------------------------------

PATCH=$ROOT/target-hooks/qemu-10.0-join.patch

# user_qemu - take the tree of HYPSEC_QEMU_SRC; set SOURCE and QEMU_ID
user_qemu()
{
	SOURCE=$(CDPATH='' cd -- "$HYPSEC_QEMU_SRC" 2>/dev/null && pwd -P) ||
		die "QEMU source" "HYPSEC_QEMU_SRC=$HYPSEC_QEMU_SRC is not a folder" \
			"set it to an unpacked QEMU 10.0.x source tree, or unset it"
	version=$(cat "$SOURCE/VERSION" 2>/dev/null) || version='unknown'
	is_ours "$version" || die "QEMU source" \
		"HYPSEC_QEMU_SRC=$HYPSEC_QEMU_SRC has version $version, not 10.0.x" \
		"set it to an unpacked QEMU 10.0.x source tree, or unset it"
	# Names, sizes and times stand for the content: an edit is noticed.
	QEMU_ID="$SOURCE $(cd "$SOURCE" && find . \( -name .git -o -path ./build \) -prune -o \
		-type f -printf '%p %s %T@\n' | sort | sha256sum | cut -c1-16)"
}

# qemu_source - set SOURCE to the pristine tree and QEMU_ID to what tells it
# apart. A build without the set-up stays with the tree of the last set-up.
qemu_source()
{
	SOURCE=
	if [ "$MODE" != all ] && [ -e "$SOURCES/.qemu-origin" ]; then
		SOURCE=$(cat "$SOURCES/.qemu-origin")
		case $SOURCE in
		"$CACHE"/*) ;;
		*) : "${HYPSEC_QEMU_SRC:=$SOURCE}" ;;
		esac
	fi
	if [ -n "${HYPSEC_QEMU_SRC-}" ]; then
		user_qemu
	else
		[ -n "$SOURCE" ] || cached_qemu
		QEMU_ID=$SOURCE
	fi
	[ "$(cat "$SOURCES/.qemu-origin" 2>/dev/null)" = "$SOURCE" ] ||
		echo "$SOURCE" >"$SOURCES/.qemu-origin"
}

cached_qemu()
{
	lock_cache
	fetch_source qemu QEMU
	unlock_cache
}

# qemu_tree - SOURCES/qemu is the pristine tree, our patch and our links
qemu_tree()
{
	qemu_source
	key=$({ echo "$QEMU_ID"; cat "$PATCH" 2>/dev/null || :; } | sha256sum | cut -c1-32)
	if [ "$(cat "$SOURCES/.qemu" 2>/dev/null)" != "$key" ] ||
		[ ! -d "$SOURCES/qemu" ]; then
		[ -d "$SOURCE" ] || cached_qemu
		say "QEMU $(cat "$SOURCE/VERSION"): preparing build/sources/qemu"
		temporary "$SOURCES"
		(cd "$SOURCE" && tar -cf - --exclude=./.git --exclude=./build .) |
			tar -xf - -C "$TEMPORARY" 2>"$LOGS/unpack.log" ||
			die_log "copying the QEMU source" "$LOGS/unpack.log" "make room on the disk"
		if [ -e "$PATCH" ]; then
			patch -d "$TEMPORARY" -p1 --no-backup-if-mismatch <"$PATCH" \
				>"$LOGS/patch.log" 2>&1 ||
				die_log "joining our machine to QEMU" "$LOGS/patch.log" \
				"the source tree must be a 10.0.x one without our patch in it; if it is, ${PATCH#"$ROOT/"} needs work"
		fi
		rm -f "$SOURCES/.qemu"
		keep "$SOURCES/qemu"
		echo "$key" >"$SOURCES/.qemu"
	fi
	qemu_links
}

# link TARGET NAME - make NAME in the QEMU tree a link to TARGET in ours
link()
{
	[ -e "$1" ] || return 0
	[ "$(readlink "$SOURCES/qemu/$2")" = "$1" ] || ln -sfn "$1" "$SOURCES/qemu/$2"
}

# qemu_links - the overlay; links to files that are gone go too
qemu_links()
{
	link "$ROOT/hw" hw/hypsec
	link "$ROOT/target-hooks" target/arm/hypsec
	link "$ROOT/firmware/include/hypsec" include/hypsec
	link "$ROOT/target-hooks/hypsec.mak" configs/devices/aarch64-softmmu/hypsec.mak
	for file in "$ROOT"/tests/qtest/*.[ch]; do
		link "$file" "tests/qtest/${file##*/}"
	done
	find "$SOURCES/qemu/tests/qtest" -maxdepth 1 -xtype l -delete
}

# --- All of it -------------------------------------------------------------

check_release()
{
	# QEMU's build does not take such names, nor do lists of folders.
	case $ROOT$CACHE in
	*[[:space:]:]*) die "looking at folder names" \
		"a space or colon is in $ROOT or $CACHE" \
		"move the clone, or set HYPSEC_CACHE to another folder" ;;
	esac
	ID='' VERSION_ID='' VERSION_CODENAME=''
	# shellcheck source=/dev/null
	[ ! -r /etc/os-release ] || . /etc/os-release
	CODENAME=$VERSION_CODENAME
	RELEASE=${VERSION_ID%%.*}
	case $ID:$RELEASE in
	debian:12 | debian:13) ;;
	*) die "looking at this machine" \
		"set-up knows Debian 12 and 13, and this is ${PRETTY_NAME:-something else}" \
		"use Debian 12 or 13; a container of it is enough" ;;
	esac
}

# configure - the outer build folder, by the Meson it was last configured with
configure()
{
	# First line: the Meson that others read here. Meson's files hold the
	# names of all three folders.
	stamp=$(printf '%s\n' "$MESON" "$CACHE" "$ROOT")
	if [ -e "$BUILD/build.ninja" ] &&
		[ "$(cat "$BUILD/.meson" 2>/dev/null)" = "$stamp" ]; then
		return
	fi
	say "configuring the build folder"
	rm -rf "$BUILD/.meson" "$BUILD/build.ninja" "$BUILD/meson-private" "$BUILD/meson-info"
	"$MESON" setup "$BUILD" "$ROOT" --cross-file "$ROOT/tools/aarch64.ini" \
		-Dhypsec_cache="$CACHE" >"$LOGS/meson.log" 2>&1 </dev/null ||
		{
			rm -f "$BUILD/build.ninja"
			die_log "configuring the build folder" "$LOGS/meson.log" \
			"if the message does not help, ./hypsec clean and try again"
		}
	echo "$stamp" >"$BUILD/.meson"
}

setup_all()
{
	check_release
	build_packages
	# fetch_* see the cache; place and configure do nothing if nothing moved.
	lock_cache
	find_meson
	fetch_upstream device-tree-compiler "device-tree-compiler (libfdt)"
	place dtc
	fetch_source libsodium libsodium
	place libsodium
	fetch_binary "linux-image-$CODENAME" linux-image-cloud-arm64 \
		"$CODENAME $CODENAME-security" arm64 "Debian's arm64 kernel"
	place linux-image
	fetch_binary "busybox-$CODENAME" busybox-static \
		"$CODENAME $CODENAME-security" arm64 "busybox for arm64"
	place busybox
	unlock_cache
	qemu_tree
	configure
}

mkdir -p "$LOGS" "$SOURCES"
case $MODE in
all) setup_all ;;
qemu-tree) check_release; qemu_tree ;;
machine-sources) machine_sources ;;
coverage) PACKAGES=$COVERAGE_PACKAGES; install_packages ;;
clang) PACKAGES=$CLANG_PACKAGES; install_packages ;;
looking) PACKAGES=$LOOKING_PACKAGES; install_packages ;;
docs) PACKAGES=$DOCS_PACKAGES; install_packages ;;
linux-symbols) check_release; linux_symbols ;;
tests)
	check_release
	PACKAGES=$TEST_PACKAGES
	install_packages
	try_linux_symbols
	;;
*) die "setup.sh" "unknown mode $MODE" "use ./hypsec setup" ;;
esac
