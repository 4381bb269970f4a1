# `zoo serve` in a container: docs/serve.md says how to build and run it.

FROM python:3.12-slim AS wheel
WORKDIR /source
COPY LICENSE README.md pyproject.toml setup.cfg ./
COPY data_recipes data_recipes
COPY zoo zoo
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.12-slim
RUN --mount=type=bind,from=wheel,source=/wheels,target=/wheels \
    pip install --no-cache-dir "$(echo /wheels/*.whl)[serve,video]"
# Not root; a fixed number, which the owner of a mounted folder can be given.
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin zoo \
    && install --directory --owner=zoo --group=zoo --mode=700 /data
USER 10001
WORKDIR /home/zoo
ENV PYTHONUNBUFFERED=1
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/api/v1/health', timeout=5)"]
CMD ["zoo", "serve", "--host", "0.0.0.0", "--port", "8000", "--data", "/data"]
