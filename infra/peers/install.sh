#!/usr/bin/env bash
# Installs the pinned programs that stand in for AWS in tests into .peers: moto from the Python index, cognito-local from npm.
set -euo pipefail
cd "$(dirname "$0")/../.."
dir=${STEWARD_PEERS:-.peers}
moto=5.2.1
cognito=5.3.0
mkdir -p "$dir"
if [ "$(cat "$dir/moto/version" 2>/dev/null)" != "$moto" ]; then
  rm -rf "$dir/moto"
  python3 -m venv "$dir/moto"
  "$dir/moto/bin/pip" install -q "moto[server]==$moto"
  echo "$moto" >"$dir/moto/version"
fi
if [ "$(cat "$dir/cognito/version" 2>/dev/null)" != "$cognito" ]; then
  rm -rf "$dir/cognito"
  npm install --silent --no-fund --no-audit --prefix "$dir/cognito" "cognito-local@$cognito"
  echo "$cognito" >"$dir/cognito/version"
fi
