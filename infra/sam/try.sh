#!/usr/bin/env bash
# Starts infra/sam/local.sh, asks for health and documents, runs the demo through it and stops it. Where no engine can be started it says so and
# ends with status 0; STRICT=1 makes that status 3.
set -euo pipefail
cd "$(dirname "$0")/../.."
export ADDR=${ADDR:-127.0.0.1:$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')} DATA
DATA=$(mktemp -d)
infra/sam/local.sh >"$DATA/sam.log" 2>&1 &
sam=$!
finish() {
  kill "$sam" 2>/dev/null || true
  wait "$sam" 2>/dev/null || true
  rm -rf "$DATA"
}
trap finish EXIT
up=
for _ in $(seq 240); do
  curl -fs -m 30 "http://$ADDR/healthz" >/dev/null 2>&1 && { up=1; break; }
  kill -0 "$sam" 2>/dev/null || break
  sleep 1
done
if [ -z "$up" ]; then
  status=0
  wait "$sam" || status=$?
  tail -n 20 "$DATA/sam.log"
  [ "$status" = 3 ] || exit 1
  echo "sam-local was NOT tried: no container engine here"
  [ -z "${STRICT:-}" ] || exit 3
  exit 0
fi
curl -fs -m 60 "http://$ADDR/docs" >/dev/null
outbox=$(sed -n 's|.*messages \(http[^ ]*\)/_local.*|\1|p' "$DATA/run-lambda.log")
"${GO:-go}" run ./infra/demo --url "http://$ADDR" --outbox "$outbox" --secret-file "$DATA/onboarding.whsec" --steps "${STEPS:-9}"
