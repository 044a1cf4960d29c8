#!/usr/bin/env bash
# Makes the image that SAM CLI runs functions of provided.al2023 in, without pulling anything: an empty root with SAM CLI's own runtime emulator.
# The functions are static binaries and need nothing else. SAM CLI would make the same image of Amazon's public.ecr.aws/lambda/provided, which
# a closed network does not give; it finds this one under the name it would have given it, and --skip-pull-image keeps it from asking further.
#
#   base-image.sh SAM_VENV [ENDPOINT]
#
# ENDPOINT is where the SDK finds AWS instead of at AWS (AWS_ENDPOINT_URL). It stands in the image because SAM CLI sets only those
# variables that the template declares.
set -euo pipefail
venv=$1 endpoint=${2:-}
arch=$(uname -m); [ "$arch" = aarch64 ] && arch=arm64
emulator=$(echo "$venv"/lib/python3*/site-packages/samcli/local/rapid/aws-lambda-rie-"$arch")
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{dev,etc,opt,proc,sys,tmp,var/rapid,var/task}
chmod 1777 "$root/tmp"
echo 'root:x:0:0:root:/root:/sbin/nologin' >"$root/etc/passwd"
install -m 755 "$emulator" "$root/var/rapid/aws-lambda-rie"
change=()
[ -z "$endpoint" ] || change=(--change "ENV AWS_ENDPOINT_URL=$endpoint")
tar -C "$root" -c . | docker import "${change[@]}" - "public.ecr.aws/lambda/provided:al2023-rapid-$arch" >/dev/null
echo "image public.ecr.aws/lambda/provided:al2023-rapid-$arch"
