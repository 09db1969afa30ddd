# One image for every process; the command says which.
FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /src
COPY pyproject.toml constraints.txt LICENSE README.md ./
COPY producers producers
RUN pip install -c constraints.txt ".[cli,worker]"

FROM python:3.11-slim
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONPATH=/app \
    PUSH_STATE_DIR=/var/lib/push
RUN useradd --system --uid 10001 --no-create-home push && install -d -o push -m 700 /var/lib/push
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY producers producers
COPY config config
COPY worker worker
COPY sandbox sandbox
USER push
# A warm stop: the call in flight ends within its deadline, the rest is released.
STOPSIGNAL SIGTERM
# Asks this container's worker over the broker, so it also fails when the worker no longer consumes.
# beat and the sandbox say their own in docker-compose.yml.
HEALTHCHECK --interval=30s --timeout=15s --start-period=20s --retries=3 \
    CMD celery -A worker.app inspect ping --timeout 10 --destination "celery@$HOSTNAME" >/dev/null || exit 1
CMD ["celery", "-A", "worker.app", "worker", "-P", "threads", "-c", "16", "-Q", "urgent,push,bulk,recall,manage,poll", "-E"]
