# The operator's image.
#   docker build --tag registry.example.nl/bolwerk/bolwerk:0.1.0 .
# Where the internet cannot be reached: --build-arg BASE=registry.example.nl/python:3.13-slim-trixie@sha256:… and pip's
# own settings (PIP_INDEX_URL) for a mirror of the packages. The hashes hold wherever the bytes come from.
ARG BASE=python:3.13-slim-trixie@sha256:9d2e5553305c7c7b0097999bb17187c69b921ccd6bc9d40e4bb5ebe652c00285

FROM ${BASE} AS build
ARG PIP_INDEX_URL
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_REQUIRE_VIRTUALENV=1
# Two environments: one that builds, and one that is shipped and has no pip in it.
RUN python -m venv /opt/build && python -m venv --without-pip /opt/bolwerk
# Only wheels with the hashes of the lock files: no build script of a dependency runs.
COPY requirements/build.lock requirements/runtime.lock /src/requirements/
RUN /opt/build/bin/pip install --require-hashes --only-binary=:all: --requirement=/src/requirements/build.lock \
    && /opt/build/bin/pip --python=/opt/bolwerk/bin/python install --require-hashes --only-binary=:all: \
        --requirement=/src/requirements/runtime.lock
COPY LICENSE README.md pyproject.toml /src/
COPY operator/bolwerk /src/operator/bolwerk
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir=/wheels /src \
    && /opt/build/bin/pip --python=/opt/bolwerk/bin/python install --no-deps --no-index /wheels/*.whl \
    # Compiled here, because the root file system of the pod is read-only.
    && /opt/bolwerk/bin/python -m compileall -q /opt/bolwerk/lib \
    && /opt/bolwerk/bin/bolwerk --version

FROM ${BASE}
LABEL org.opencontainers.image.title="Bolwerk" \
    org.opencontainers.image.description="A Kubernetes operator that makes AI models run locally, and keeps them sealed" \
    org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/bolwerk /opt/bolwerk
ENV PATH=/opt/bolwerk/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# Nobody in particular, by number, so that runAsNonRoot can be checked.
USER 65532:65532
ENTRYPOINT ["bolwerk"]
CMD ["run"]
