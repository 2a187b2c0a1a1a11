"""Steps as jobs of a Slurm cluster.

`options` what the user says of the jobs, `asking` what Slurm says of them, `batch` what a job array and the driver
leave for each other on the shared disk, `job` what runs inside a job, `executor` all of it as an executor.
"""
