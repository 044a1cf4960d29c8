#!/usr/bin/env bash
# Installs the pinned SAM CLI and cfn-lint from the Python index into .tools/sam.
set -euo pipefail
cd "$(dirname "$0")/../.."
dir=${SAM_TOOLS:-.tools/sam}
pinned="aws-sam-cli==1.170.0 cfn-lint==1.58.0"
[ "$(cat "$dir/pinned" 2>/dev/null)" = "$pinned" ] && exit 0
rm -rf "$dir"
python3 -m venv "$dir"
# shellcheck disable=SC2086
"$dir/bin/pip" install -q $pinned
echo "$pinned" >"$dir/pinned"
