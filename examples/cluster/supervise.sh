#!/usr/bin/env bash
# Starts a run on several ranks, and restarts it from its last checkpoint until it is done:
#
#     examples/cluster/supervise.sh RANKS CHECKPOINTS COMMAND...
#     examples/cluster/supervise.sh 8 runs/text/checkpoints deno task text --distributed --resume
#
# The command must resume from the checkpoints in the folder, and exit with 0 only when it is done. After two failures
# in a row without a new checkpoint, the script halves the number of ranks; after six it gives up. It does not start a
# finished run again, which has metrics.json next to the folder. Set MPIEXEC to the launcher and its options.
set -u

if [ $# -lt 3 ] || ! [[ $1 =~ ^[1-9][0-9]*$ ]]; then
  echo "usage: $0 RANKS CHECKPOINTS COMMAND..., where RANKS is a positive integer" >&2
  exit 2
fi
ranks=$1 folder=$2
shift 2
metrics=$(dirname "$folder")/metrics.json
if [ -f "$metrics" ]; then
  echo "$metrics exists: the run is done; remove the file to train again" >&2
  exit 0
fi
failures=0
stopped=
child=
trap 'stopped=yes; [ -n "$child" ] && kill -TERM "$child"' TERM INT

newest() { find "$folder" -name 'checkpoint-*.safetensors' 2> /dev/null | sort | tail -n 1; }

while true; do
  before=$(newest)
  ${MPIEXEC:-mpiexec} -n "$ranks" "$@" &
  child=$!
  wait "$child"
  code=$?
  # A signal interrupts the first wait before the ranks have written their checkpoint.
  while kill -0 "$child" 2> /dev/null; do wait "$child"; code=$?; done
  # MPICH's launcher may exit with 0 after a signal.
  if [ -n "$stopped" ]; then exit 143; fi
  if [ "$code" = 0 ]; then exit 0; fi
  # Retrying does not fix bad usage.
  if [ "$code" = 2 ]; then exit 2; fi
  if [ "$(newest)" != "$before" ]; then failures=0; else failures=$((failures + 1)); fi
  if [ "$failures" = 6 ]; then exit "$code"; fi
  if [ "$failures" -gt 0 ] && [ $((failures % 2)) = 0 ] && [ "$ranks" -gt 1 ]; then ranks=$((ranks / 2)); fi
  echo "exit code $code; restarting with $ranks ranks" >&2
  sleep "${PAUSE:-5}"
done
