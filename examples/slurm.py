"""Train on the nodes of a SLURM cluster: `python examples/slurm.py --jobs 8 -- relu-to-relu --seeds 1000000`.

Requires `pip install 'benchsuite[dask]' dask-jobqueue` on a file system that the nodes share. Every job is one worker,
which trains one round at a time on all cores and GPUs of its job. The rounds of preempted jobs are sent to the other
workers. Arguments after `--` are passed to `benchsuite run`.
"""

import subprocess
import sys

import click
from dask_jobqueue import SLURMCluster


@click.command()
@click.option("--jobs", default=4, show_default=True, help="Number of workers, one a job.")
@click.option("--partition", help="SLURM partition. [default: the cluster's]")
@click.option("--cores", default=8, show_default=True, help="Cores of each job.")
@click.option("--gpus", default=0, show_default=True, help="GPUs of each job.")
@click.option("--memory", default="16GB", show_default=True, help="Memory of each job.")
@click.option("--walltime", default="04:00:00", show_default=True, help="Time limit of each job.")
@click.argument("arguments", nargs=-1, metavar="-- [CASE]... [OPTION]...")
def main(jobs, arguments, **of_job):
    """Start workers as SLURM jobs, and run `benchsuite run` on them."""
    with SLURMCluster(
        queue=of_job["partition"],
        cores=1,  # tasks that a worker runs at a time
        processes=1,
        job_cpu=of_job["cores"],
        job_extra_directives=[f"--gres=gpu:{of_job['gpus']}"] if of_job["gpus"] else [],
        memory=of_job["memory"],
        walltime=of_job["walltime"],
        worker_extra_args=["--no-dashboard", "--memory-limit", "0"],  # SLURM limits it
    ) as cluster:
        cluster.scale(jobs=jobs)
        click.echo(f"waiting for {jobs} jobs; Dask's scheduler is {cluster.scheduler_address}")
        cluster.wait_for_workers(jobs)
        executor = ["--executor", "dask", "--scheduler", cluster.scheduler_address]
        command = [sys.executable, "-m", "benchsuite", "run", *executor, *arguments]
        run = subprocess.Popen(command)
        try:
            run.wait()
        except KeyboardInterrupt:  # the run received it too: it shows its results and how to resume
            run.wait()
        sys.exit(run.returncode)


if __name__ == "__main__":
    main()
