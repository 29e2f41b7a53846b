# The gRPC server with the `starter` preset's weights inside the image.
#
#   docker build -t svodka .
#   docker run -p 50051:50051 -v svodka-cache:/var/cache/svodka svodka
#
# For CUDA: --build-arg TORCH_INDEX= (PyPI's own build), and run with --gpus all
# and `serve --listen 0.0.0.0:50051 --insecure --device cuda`.

FROM python:3.11-slim-bookworm AS build

# Where torch comes from besides pip's default index; empty for that index alone.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
# Which of pyproject.toml's extras to install.
ARG EXTRA=starter

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src

# torch in a layer of its own: it is most of the image and changes least.
COPY constraints.txt .
RUN python -m venv /opt/svodka \
    && /opt/svodka/bin/pip install --constraint constraints.txt \
       ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} torch

COPY . .
RUN /opt/svodka/bin/pip wheel --no-deps --wheel-dir dist . \
    && /opt/svodka/bin/pip install --constraint constraints.txt \
       "$(echo dist/svodka-*.whl)[$EXTRA]"

FROM python:3.11-slim-bookworm

# A number, so that an orchestrator can see that it is not root.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin svodka \
    && install --directory --owner svodka --group svodka /var/cache/svodka

COPY --from=build /opt/svodka /opt/svodka
ENV PATH=/opt/svodka/bin:$PATH \
    SVODKA_CACHE=/var/cache/svodka \
    HF_HOME=/var/cache/svodka/huggingface \
    PYTHONUNBUFFERED=1

USER 10001
# Models that were built or fetched: keep them between runs.
VOLUME /var/cache/svodka
EXPOSE 50051

# The first start builds the starter's translator, a minute or two.
HEALTHCHECK --interval=10s --timeout=5s --start-period=300s \
    CMD ["python", "-m", "service.probe", "127.0.0.1:50051"]

STOPSIGNAL SIGTERM
ENTRYPOINT ["svodka"]
# --insecure: the container's network is its own. With --tls-cert, --tls-key and --tokens, leave it out.
CMD ["serve", "--listen", "0.0.0.0:50051", "--insecure"]
