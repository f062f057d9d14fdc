#!/usr/bin/env bash
# Installs from Debian the programs that kiln and its tests run and that this
# machine lacks. With the argument "bench", also those of the benchmark.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin

missing=()
# need PROGRAM PACKAGE: the program comes from the package.
need() { [[ -e $1 ]] || command -v "$1" >/dev/null || missing+=("$2"); }

need /usr/share/keyrings/debian-archive-keyring.gpg debian-archive-keyring
need /etc/ssl/certs/ca-certificates.crt ca-certificates
need gcc gcc
need /usr/include/stdio.h libc6-dev # headers and libc.a, which gcc only recommends
need git git
need runc runc                     # the embedded engine's steps
need rootlesskit rootlesskit       # the embedded engine of ordinary users,
need newuidmap uidmap              # with these
need fuse-overlayfs fuse-overlayfs
need slirp4netns slirp4netns       # and, for what steps fetch, this one
need qemu-aarch64-static qemu-user-static # runs the tests of images for arm64
need podman podman                 # runs the images in the tests
need skopeo skopeo                 # reads them as others do
need softhsm2-util softhsm2        # a PKCS#11 token in software
need openssl openssl               # makes the keys in it
need jq jq                         # the scripts of .github
need chromium chromium             # looks at the catalog's pages
if [[ ${1:-} == bench ]]; then
	need mmdebstrap mmdebstrap # makes the reference's base image
fi
((${#missing[@]})) || exit 0

sudo=
if ((EUID)); then
	sudo=$(command -v sudo) || { echo "deps: install as root: ${missing[*]}" >&2; exit 1; }
fi
install() {
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" </dev/null >&2
}
echo "installing from Debian: ${missing[*]}" >&2
install || { $sudo apt-get update -q >&2 && install; }
