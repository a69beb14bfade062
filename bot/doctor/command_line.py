"""From the command line to the report: which settings are looked at, and how the report is written."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

from pydantic import SecretStr

from bot.command import Features
from bot.doctor.examine import examine
from bot.doctor.text import show
from bot.embedded_redis import EmbeddedRedis
from bot.settings import Settings, examined

HINT = "To look at the simulated company of `make run` instead: python -m bot doctor --simulated"


@dataclass(frozen=True, kw_only=True)
class Order:
    """What was asked for. `simulated`: the `run` that is up on this machine, instead of `serve`'s settings."""

    customer: str = ""
    simulated: bool = False
    as_json: bool = False
    strict: bool = False


def called(order: Order, features: Features, environ: Mapping[str, str], out: TextIO) -> int:
    """Examine, write the report to `out`, and return the exit code."""
    settings, complaints = examined("run" if order.simulated else "serve", environ)
    if order.simulated:
        settings = _of_run(settings)
    report = asyncio.run(examine(settings, complaints, features, customer=order.customer))
    if order.as_json:
        print(json.dumps(report.as_json(), indent=2), file=out)
    else:
        show(report, out, strict=order.strict)
        if not settings.development and not settings.app_id:
            print(f"\n{HINT}", file=out)
    return report.exit_code(strict=order.strict)


def _of_run(settings: Settings) -> Settings:
    """The settings with the address of the Redis that `run` embeds, where none other is named."""
    if settings.redis_url:
        return settings
    return settings.model_copy(update={"redis_url": SecretStr(EmbeddedRedis(settings.data_dir).url)})
