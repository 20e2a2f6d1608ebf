# A job image: what the jobs in jobs/ need and nothing else, neither belfry nor a scheduler.
# The job says the command. From the root:
#   docker build -f deploy/fly/job.Dockerfile -t jobs deploy/fly

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates curl \
    && rm -rf /var/lib/apt/lists/*
COPY jobs/ /usr/local/bin/
USER nobody
