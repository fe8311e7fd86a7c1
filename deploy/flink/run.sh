#!/bin/sh
# Runs events on a Flink session cluster whose task managers have a pool of Penstock workers beside them.
#
#   FLINK_MASTER=jobmanager:8081 deploy/flink/run.sh --input 's3://bucket/events/*.jsonl.gz' \
#       --state postgresql+psycopg://penstock@db/penstock --dead-letters s3://bucket/dead-letters
#
# INTERCOM_ACCESS_TOKEN must be set here, for the first check, and in the workers' environment.
set -eu

: "${FLINK_MASTER:?the address of the job manager REST port, such as jobmanager:8081}"
FLINK_VERSION=${FLINK_VERSION:-1.20}                # the cluster's; Beam 2.77 has 1.19 to 2.2
WORKER_POOL=${WORKER_POOL:-localhost:50000}         # as the task managers see it
PARALLELISM=${PARALLELISM:-2}
CHECKPOINT_MS=${CHECKPOINT_MS:-10000}               # without checkpoints a stream loses and never commits

if [ -n "${FLINK_JOB_SERVER_JAR:-}" ]; then         # else Beam downloads it from Maven Central
    set -- "$@" --flink_job_server_jar "$FLINK_JOB_SERVER_JAR"
fi

exec penstock run "$@" \
    --runner FlinkRunner \
    --flink_master "$FLINK_MASTER" \
    --flink_version "$FLINK_VERSION" \
    --parallelism "$PARALLELISM" \
    --checkpointing_interval "$CHECKPOINT_MS" \
    --environment_type EXTERNAL \
    --environment_config "$WORKER_POOL"
