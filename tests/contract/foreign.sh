#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A client that has nothing of ours but the .proto files: protoc for the bytes, nngcat for the wire.
# Run by contract_serve. Usage: foreign.sh PROTO_FOLDER
set -euo pipefail

(($# == 1)) || {
	echo "Usage: contract_serve VFIOD foreign.sh PROTO_FOLDER" >&2
	exit 2
}
readonly proto=$1 method=vfio.v1.DeviceService/GetDeviceInfo
work=$(mktemp -d)
readonly work
trap 'rm -r "$work"' EXIT

service() { protoc -I "$proto" "$1" vfio/v1/device_service.proto; }
envelope() { protoc -I "$proto" "$1" rpc/v1/rpc.proto; }

# Bytes as the text format writes them.
escape() { od -An -v -to1 | tr -d '\n' | tr ' ' '\134'; }

# Asks for a device and leaves the answer's envelope, as text, in the file named.
ask() {
	local payload
	payload=$(service --encode=vfio.v1.GetDeviceInfoRequest <<<"pci_address: \"$1\"" | escape)
	envelope --encode=rpc.v1.Request \
		<<<"method: \"$method\" payload: \"$payload\" request_id: \"foreign $1\"" >"$work/request"
	nngcat --req --dial "$VFIOD_RPC" --recv-timeout 10 --file "$work/request" --raw >"$work/reply"
	envelope --decode=rpc.v1.Response <"$work/reply" >"$2"
}

expect() {
	grep -qxF -- "$2" "$1" || {
		printf 'expected the line %s in:\n' "$2" >&2
		cat "$1" >&2
		exit 1
	}
}

ask 0000:01:00.0 "$work/response"
expect "$work/response" 'request_id: "foreign 0000:01:00.0"'
payload=$(sed -n 's/^payload: "\(.*\)"$/\1/p' "$work/response")
# As a format: %b would take a digit more after \0 than the text format writes.
# shellcheck disable=SC2059
printf "${payload//%/%%}" | service --decode=vfio.v1.Device >"$work/device"
expect "$work/device" 'address: "0000:01:00.0"'
expect "$work/device" 'vendor: "10de"'
expect "$work/device" 'driver: "nvidia"'
expect "$work/device" 'iommu_group: "1"'

ask 0000:7f:00.0 "$work/response"
expect "$work/response" '  code: 5'
expect "$work/response" '  message: "PCI device not found: 0000:7f:00.0"'
expect "$work/response" '    type_url: "type.googleapis.com/vfio.v1.DeviceProblem"'
