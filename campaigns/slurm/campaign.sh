#!/bin/bash
# A campaign on whole nodes of a SLURM cluster. From a folder that all nodes share:
#
#   sbatch campaigns/slurm/campaign.sh campaigns/water_clusters.yaml /shared/me/runs/water
#
# Submitted again it goes on where the last job ended. Jobs of one name and user wait for one
# another (singleton), so several can be queued at once; those after the end have nothing to do.
#
# Adapt the lines below, and how the environment is loaded. For CPU-only nodes beside nodes with
# GPUs, add a second component; labels go there alone with `label_resources: {label_node: 1}`:
#
#   #SBATCH hetjob
#   #SBATCH --nodes=8 --ntasks-per-node=1 --exclusive --mem=0 --partition=cpu

#SBATCH --job-name=activecharge
#SBATCH --dependency=singleton
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --exclusive
#SBATCH --mem=0
#SBATCH --time=24:00:00
#SBATCH --signal=TERM@120
#SBATCH --no-kill
#SBATCH --output=%x-%j.log
##SBATCH --gpus-per-node=4

set -euo pipefail
campaign=${1:?usage: sbatch campaign.sh CAMPAIGN.yaml RUN_DIRECTORY}
run_dir=${2:?usage: sbatch campaign.sh CAMPAIGN.yaml RUN_DIRECTORY}
[[ $run_dir = /* ]] || { echo "$run_dir: give an absolute path that all nodes share" >&2; exit 2; }

# module load python
source "${ACTIVECHARGE_VENV:-.venv}/bin/activate"

# A token for this job alone; no process without it can talk to its Ray.
export RAY_AUTH_MODE=token
RAY_AUTH_TOKEN=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
export RAY_AUTH_TOKEN
export RAY_USAGE_STATS_ENABLED=0
export RAY_SYMMETRIC_RUN_CLUSTER_WAIT_TIMEOUT=300
export PYTHONUNBUFFERED=1
unset OMP_NUM_THREADS OMP_THREAD_LIMIT # the program sets them for each piece; nproc heeds them

lists=${SLURM_JOB_NODELIST:?run this with sbatch}
groups=()
if [[ -n ${SLURM_HET_SIZE:-} ]]; then
  groups=(--het-group="0-$((SLURM_HET_SIZE - 1))")
  lists=
  for ((group = 0; group < SLURM_HET_SIZE; group++)); do
    name=SLURM_JOB_NODELIST_HET_GROUP_$group
    lists+=" ${!name}"
  done
fi
nodes=()
for list in $lists; do
  while read -r node; do nodes+=("$node"); done < <(scontrol show hostnames "$list")
done

# The first node is the head; its number, since a name may mean the loopback to the node itself.
address=$(getent ahostsv4 "${nodes[0]}" | awk '$1 !~ /^127\./ { print $1; exit }')
address=${address:-${nodes[0]}}:$((20000 + SLURM_JOB_ID % 10000))

# Runs on every node: Ray takes the CPUs and GPUs that SLURM gave; nodes without a GPU say so.
start='
  mark=()
  if [[ ! -e /dev/nvidia0 && ! -e /dev/kfd ]]; then
    mark=(--resources="{\"label_node\": $(nproc)}")
  fi
  exec ray symmetric-run --address "$1" --min-nodes "$2" --include-dashboard=false \
    --num-cpus="$(nproc)" "${mark[@]}" -- \
    activecharge run "$3" --run-dir "$4" --address "$1"
'
exec srun "${groups[@]}" --cpu-bind=none --no-kill \
  bash -c "$start" node "$address" "${#nodes[@]}" "$campaign" "$run_dir"
