#!/usr/bin/env bash
# Serves template.yaml by `sam local start-api` in Docker, with moto and cognito-local on this machine in place of AWS.
#
#   ADDR=127.0.0.1:3000 PEERS=.peers DATA=.steward infra/sam/local.sh
#
# Ends with status 3, and says why, where no container engine runs and none can be started.
set -euo pipefail
cd "$(dirname "$0")/../.."
addr=${ADDR:-127.0.0.1:3000} data=${DATA:-.steward} venv=${SAM_TOOLS:-.tools/sam}
mkdir -p "$data"
pids=()
finish() {
  for p in "${pids[@]}"; do kill "$p" 2>/dev/null || true; done
  for p in "${pids[@]}"; do wait "$p" 2>/dev/null || true; done
}
trap finish EXIT

if ! docker info >/dev/null 2>&1; then
  if [ "$(id -u)" != 0 ] || ! command -v dockerd >/dev/null; then
    echo "sam-local: no container engine answers, and none can be started here (Debian's package docker.io, as root)" >&2
    exit 3
  fi
  engine=$(realpath "$data")/engine
  mkdir -p "$engine"
  export DOCKER_HOST=unix://$engine/docker.sock
  dockerd --data-root "$engine/data" --exec-root "$engine/exec" -p "$engine/pid" -H "$DOCKER_HOST" >"$engine/log" 2>&1 &
  pids+=($!)
  for _ in $(seq 60); do docker info >/dev/null 2>&1 && break; sleep 0.5; done
  docker info >/dev/null 2>&1 || { echo "sam-local: the engine does not start; see $engine/log" >&2; exit 3; }
fi

${GO:-go} run ./infra/lambda/build --arch host --no-zip >/dev/null
mkdir -p bin
${GO:-go} build -o bin/run-lambda ./infra/lambda/run
bridge=$(docker network inspect bridge --format '{{(index .IPAM.Config 0).Gateway}}')
environ=$data/sam-environ.json
rm -f "$environ"
# The stream, the queue and the schedules reach their functions by run-lambda, which sam local has nothing for.
bin/run-lambda --addr 127.0.0.1:0 --binaries dist --data "$data" --peers "${PEERS:-.peers}" --containers "$bridge" --environ "$environ" >"$data/run-lambda.log" 2>&1 &
pids+=($!)
for _ in $(seq 240); do [ -s "$environ" ] && break; kill -0 "${pids[-1]}" 2>/dev/null || { cat "$data/run-lambda.log" >&2; exit 1; }; sleep 0.5; done
endpoint=$(sed -n 's/.*"AWS_ENDPOINT_URL": *"\([^"]*\)".*/\1/p' "$environ")
infra/sam/base-image.sh "$venv" "$endpoint"

arch=$(uname -m); [ "$arch" = aarch64 ] && arch=arm64
if ! probe=$(docker run -d --entrypoint /var/rapid/aws-lambda-rie "public.ecr.aws/lambda/provided:al2023-rapid-$arch" 2>"$data/probe.log"); then
  echo "sam-local: the engine starts no container: $(tail -n 1 "$data/probe.log")" >&2
  exit 3
fi
docker rm -f "$probe" >/dev/null
export SAM_CLI_TELEMETRY=0 AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_SESSION_TOKEN=test AWS_DEFAULT_REGION=us-east-1 AWS_REGION=us-east-1
echo "sam-local: mails and messages at $(sed -n 's/.*messages \(http[^ ]*\)/\1/p' "$data/run-lambda.log"), webhook secret in $data/onboarding.whsec"
"$venv/bin/sam" local start-api --template template.yaml --host "${addr%:*}" --port "${addr##*:}" --skip-pull-image --warm-containers LAZY \
  --env-vars "$environ" --parameter-overrides "Env=dev Architecture=$arch MailFrom=desk@steward.example AlarmEmail=alarms@steward.example KeyAdministrator=none" &
pids+=($!)
wait "$!"
