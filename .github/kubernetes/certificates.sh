#!/usr/bin/env bash
# Makes the certificates by which BuildKit and its clients know each other:
#
#	certificates.sh FOLDER [NAME...]
#
# FOLDER/server and FOLDER/client get ca.pem, cert.pem and key.pem, good for a
# year. The names are those that clients call the server by. The authority is
# made once, and certificates afresh by each call; keep its key, FOLDER/ca.key,
# where no pod is.
set -euo pipefail
umask 077
dir=${1:?usage: certificates.sh FOLDER [NAME...]}
shift
names=("$@")
((${#names[@]})) || names=('*.buildkit.kiln.svc' '*.buildkit.kiln.svc.cluster.local' localhost 127.0.0.1)
mkdir -p "$dir/server" "$dir/client"

key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }

if [[ ! -e $dir/ca.key ]]; then
	key "$dir/ca.key"
	openssl req -x509 -new -key "$dir/ca.key" -subj '/CN=kiln BuildKit' -days 3650 -out "$dir/ca.pem" \
		-addext 'basicConstraints=critical,CA:TRUE,pathlen:0' -addext 'keyUsage=critical,keyCertSign'
fi

# certificate FOLDER COMMON-NAME USAGE NAMES
certificate() {
	local extensions="basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=$3
${4:+subjectAltName=$4}"
	key "$1/key.pem"
	openssl req -new -key "$1/key.pem" -subj "/CN=$2" |
		openssl x509 -req -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -days 365 -out "$1/cert.pem" \
			-set_serial "0x$(openssl rand -hex 16)" -extfile <(echo "$extensions") 2>/dev/null
	cp "$dir/ca.pem" "$1/ca.pem"
}

alternatives=''
for name in "${names[@]}"; do
	kind=DNS
	[[ ! $name =~ ^[0-9.]+$|: ]] || kind=IP
	alternatives+=${alternatives:+,}$kind:$name
done
certificate "$dir/server" buildkitd serverAuth "$alternatives"
certificate "$dir/client" kiln clientAuth ''
