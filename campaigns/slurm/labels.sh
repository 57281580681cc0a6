#!/bin/bash
# Labels of `reference: {kind: folder, path: FOLDER}` as a SLURM array, one configuration a task.
# After `activecharge run` has ended with "waiting: ...":
#
#   sbatch --array=1-$(wc -l < FOLDER/todo.txt) campaigns/slurm/labels.sh FOLDER PROGRAM [ARGUMENT ...]
#
# and `activecharge run` again when the jobs are done. PROGRAM runs in a scratch folder that holds
# input.extxyz and must write output.extxyz there, as for `kind: command`. If it fails, failed.txt says
# so and the configuration is quarantined; remove that file to have it tried again.

#SBATCH --job-name=labels
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=4
#SBATCH --time=04:00:00
#SBATCH --output=labels-%A-%a.log

set -euo pipefail
folder=${1:?usage: sbatch --array=1-N labels.sh FOLDER PROGRAM [ARGUMENT ...]}
shift
: "${1:?usage: sbatch --array=1-N labels.sh FOLDER PROGRAM [ARGUMENT ...]}"
name=$(sed -n "${SLURM_ARRAY_TASK_ID:?run this with sbatch --array}p" "$folder/todo.txt")
home=$folder/${name:?todo.txt has no such line}
[[ -e $home/output.extxyz || -e $home/failed.txt ]] && exit 0

export OMP_NUM_THREADS=${SLURM_CPUS_PER_TASK:-1}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cp "$home/input.extxyz" "$scratch"
cd "$scratch"
status=0
"$@" || status=$?
if [[ $status -eq 0 && -s output.extxyz ]]; then
  # Under its own name only when it is whole.
  cp output.extxyz "$home/.output-$SLURM_ARRAY_TASK_ID.part"
  mv "$home/.output-$SLURM_ARRAY_TASK_ID.part" "$home/output.extxyz"
else
  echo "$1 ended with exit code $status and no output.extxyz" > "$home/failed.txt"
fi
