# Production: `python -m bot serve`. Settings come from the environment, or from files in SECRETS_DIR.
FROM python:3.12-slim AS build
WORKDIR /build
COPY requirements.lock .
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps -r requirements.lock

FROM python:3.12-slim
ENV PATH="/venv/bin:$PATH" PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin watchkeeper
COPY --from=build /venv /venv
WORKDIR /app
COPY bot bot
COPY cards cards
COPY handlers handlers
COPY manifest manifest
COPY pyproject.toml requirements.lock ./
USER 10001
EXPOSE 3978
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ.get(\"PORT\", \"3978\")}/healthz', timeout=4)"]
CMD ["python", "-m", "bot", "serve"]
