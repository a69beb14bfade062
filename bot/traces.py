"""OpenTelemetry's exporter, where its standard variables name one (the only importer of its SDK)."""

from collections.abc import Callable, Mapping

VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


def export_traces(environ: Mapping[str, str]) -> Callable[[], None]:
    """Send spans where the environment says, in the background; returns what sends the rest and ends it.

    The exporter reads its own variables (address, headers, time-out). Without an endpoint nothing is set up.
    """
    if not any(environ.get(name, "").strip() for name in VARIABLES):
        return lambda: None
    return _exporting(environ.get("OTEL_SERVICE_NAME", "").strip() or "watchkeeper")


def _exporting(name: str) -> Callable[[], None]:
    # Imported here, because it takes longer than the rest of the start and few want it.
    from opentelemetry import trace  # noqa: PLC0415 - see above
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - see above
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - see above
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - see above
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - see above

    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return provider.shutdown
