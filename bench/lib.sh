# Functions for all scenarios. To be sourced, not run.

# The servers that this scenario started. They are stopped by their process IDs.
STARTED=()
end_servers() {
  local pid
  for pid in "${STARTED[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${STARTED[@]}"; do wait "$pid" 2>/dev/null || true; done
}
trap end_servers EXIT

# until_true LIMIT_SECONDS COMMAND...: waits for a condition.
until_true() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || { echo "bench: gave up waiting for: $*" >&2; return 1; }
    sleep 0.05
  done
}

# free_port: a TCP port that is free now.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 20000))
    ss -Hltn "sport = :$port" | grep -q . || break
  done
  echo "$port"
}

# pin CORE COMMAND...: runs a command on one core, so that server and load do not share it. It replaces the shell, so
# that the process ID of a background server is its own.
pin() {
  local core=$1
  shift
  if [ "$(nproc)" -gt 1 ]; then exec taskset -c "$core" "$@"; else exec "$@"; fi
}

# cpu_ticks PID: user and system time so far, in hundredths of a second.
cpu_ticks() { sed 's/.*) //' "/proc/$1/stat" | cut -d' ' -f12,13; }

# running_system: the addresses of the system that `./compose/local up` started.
running_system() {
  if [ ! -r target/local.env ]; then
    echo "bench: nothing is running; start it in another terminal: ./compose/local up --release" >&2
    exit 1
  fi
  set -a
  # shellcheck disable=SC1091
  . target/local.env
  set +a
}

# median: of the numbers on standard input.
median() { sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
