#!/usr/bin/env bash
# Trains on two hosts with Open MPI over TCP. The hosts are network namespaces with different host names. Needs root.
#
#     distributed/testdata/two_hosts.sh DENO [TIMES]
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ "${1-}" = --as-host ]; then
  # Open MPI calls this instead of ssh, with an address and a command line.
  name=$2 address=$3
  shift 3
  exec ip netns exec "$name-${address##*.}" unshare --uts sh -c "hostname host-${address##*.}; $*"
fi

deno=$1 times=${2:-1}
name=unfold-$$
library=$(ls /usr/lib/{x86_64,aarch64}-linux-gnu/libmpi.so.40 2> /dev/null || true)
agent=$(mktemp)
log=$(mktemp)
trap 'ip netns del "$name-1"; ip netns del "$name-2"; rm -f "$agent" "$log"' EXIT
printf '#!/bin/sh\nexec "%s" --as-host %s "$@"\n' "$PWD/distributed/testdata/two_hosts.sh" "$name" > "$agent"
chmod +x "$agent"

ip netns add "$name-1"
ip netns add "$name-2"
ip -n "$name-1" link add unfold0 type veth peer name unfold0 netns "$name-2"
for host in 1 2; do
  ip -n "$name-$host" address add "10.213.7.$host/24" dev unfold0
  ip -n "$name-$host" link set unfold0 up
  ip -n "$name-$host" link set lo up
done

done=0
for ((i = 0; i < times; i++)); do
  if timeout --kill-after=5 60 "$agent" 10.213.7.1 exec mpiexec.openmpi --allow-run-as-root \
    --host 10.213.7.1:1,10.213.7.2:1 -n 2 --mca plm_rsh_agent "$agent" --mca btl tcp,self \
    --mca btl_tcp_if_include 10.213.7.0/24 --mca oob_tcp_if_include 10.213.7.0/24 \
    "$deno" run --no-prompt --no-check --quiet --allow-read \
    --allow-env=OMPI_COMM_WORLD_SIZE,PMI_SIZE,SLURM_STEP_NUM_TASKS "--allow-ffi=$library" \
    distributed/testdata/training_run.ts > "$log" 2>&1; then
    done=$((done + 1))
  else
    cat "$log" >&2
  fi
done
grep '"hash"' "$log"
sent=$(ip netns exec "$name-1" cat /sys/class/net/unfold0/statistics/tx_bytes)
echo "$done of $times runs succeeded; $sent bytes were sent between the hosts"
[ "$done" = "$times" ]
