FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY config/requirements.lock config/
COPY sidecar sidecar
RUN python -m venv /opt/sidecar \
 && /opt/sidecar/bin/pip install --no-cache-dir --require-hashes -r config/requirements.lock \
 && /opt/sidecar/bin/pip install --no-cache-dir --no-deps .

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /data sidecar && install -d -o sidecar -m 0700 /data
COPY --from=build /opt/sidecar /opt/sidecar
ENV PATH=/opt/sidecar/bin:$PATH SIDECAR_DATA_DIR=/data SIDECAR_LISTEN__HOST=0.0.0.0 PYTHONDONTWRITEBYTECODE=1
USER 10001
VOLUME /data
EXPOSE 8080 8082
ENTRYPOINT ["sidecar", "run"]
