"""What a campaign costs beyond its work: 200 labels of sleeping workers, streaming, on Ray.

Run `python tests/benchmarks/overhead.py`. Workers sleep, so that few cores are enough; figures go
to docs/scaling.md.
"""

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
)

from activecharge.campaign.launch import run as go
from activecharge.campaign.settings.reading import load_campaign
from activecharge.execution.execution_log import Ended, read_log

CAMPAIGN = """\
seed: 1
reference: {{kind: ase, calculator: "sleeping:Sleeping", bec: none, timeout: 600}}
model: {{channels: 2, correlation: 1, radial: 4}}
training: {{members: 2, steps: 20, warm_steps: 10, evaluate_every: 10}}
initial: [{{kind: clusters, molecules: [1, 3], count: {initial}}}]
explore:
  - {{kind: clusters, molecules: [1, 3], count: 40}}
  - {{kind: dynamics, walkers: 6, temperatures: [300], steps: 4, interval: 2}}
selection: {{batch: {batch}, weights: {{charges: 1, bec: 0}}}}
stop: {{rounds: 99, labels: {labels}}}
executor: {{kind: ray, cpus: {workers}}}
schedule: {schedule}
"""


def main() -> None:
    """Run the campaign; print how busy the workers were and what this process took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=int, default=200)
    parser.add_argument("--workers", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--queue", type=float, default=2.0)
    parser.add_argument("--schedule", default="streaming")
    given = parser.parse_args()
    os.environ["ACTIVECHARGE_SLEEP"] = str(given.seconds)
    with tempfile.TemporaryDirectory() as name:
        file, run = Path(name) / "campaign.yaml", Path(name) / "run"
        settings = f", queue: {given.queue}" if given.schedule == "streaming" else ""
        given.schedule = f"{{kind: {given.schedule}{settings}}}"
        text = CAMPAIGN.format(initial=6 * given.workers, batch=2 * given.workers, **vars(given))
        file.write_text(text)
        campaign = load_campaign(file)
        before, start = _processor(), time.monotonic()
        go(campaign, run, quiet=False)
        spent, wall = _processor() - before, time.monotonic() - start
        noted = [line.fact for line in read_log(run / "facts.jsonl")]
    report([fact for fact in noted if isinstance(fact, Ended)], given.workers)
    print(f"this process took {spent:.1f} s of a core in {wall:.0f} s: {spent / wall:.1%}")


def report(ended: list[Ended], workers: int) -> None:
    """Print the share of time that places were taken, from the first label to the last."""
    labels = [e for e in ended if e.kind == "label"]
    first, last = min(e.begun for e in labels), max(_end(e) for e in labels)
    last_begun = max(e.begun for e in labels)
    for until, text in ((last_begun, "last label begun"), (last, "last label done")):
        taken = {
            kind: sum(
                max(min(_end(e), until) - max(e.begun, first), 0.0) for e in ended if e.kind == kind
            )
            for kind in ("label", "train", "walk", "predict")
        }
        shares = {kind: seconds / workers / (until - first) for kind, seconds in taken.items()}
        parts = ", ".join(f"{kind} {share:.1%}" for kind, share in shares.items())
        print(f"{len(labels)} labels until {text}: busy {sum(shares.values()):.1%} ({parts})")


def _end(item: Ended) -> float:
    return item.begun + item.seconds


def _processor() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
