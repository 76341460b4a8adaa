# One image for all roles. Built in two steps, so that pip and its cache stay behind; runs as an ordinary user.
# With packages that Nitro does not bring along (`nitro extras` lists them): docker build --build-arg EXTRAS="s3 otel" -t nitro .
FROM python:3.12-slim AS build
WORKDIR /app
COPY requirements.lock ./
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements.lock
COPY . .
RUN echo /app > "$(/venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/nitro-checkout.pth" \
    && printf '#!/venv/bin/python\nfrom nitro.__main__ import main\n\nmain()\n' > /venv/bin/nitro \
    && chmod +x /venv/bin/nitro \
    && /venv/bin/python -m compileall -q nitro apps benchmarks \
    && NITRO_HOME=/tmp/build STATIC_FOLDER=/app/compiled /venv/bin/nitro prepare static
ARG EXTRAS=""
RUN test -z "$EXTRAS" || PIP_NO_CACHE_DIR=1 /venv/bin/nitro extras $EXTRAS

FROM python:3.12-slim
RUN useradd --create-home --uid 10001 nitro && install -d -o nitro -g nitro /data
COPY --from=build /venv /venv
COPY --from=build /app /app
ENV PATH=/venv/bin:$PATH NITRO_HOME=/data STATIC_FOLDER=/app/compiled PYTHONUNBUFFERED=1
USER 10001
WORKDIR /app
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=90s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
CMD ["nitro", "up", "--host", "0.0.0.0"]
