"""`make soak`: plays requests and incidents with faults and kills, and tells what was lost, doubled or untrue.

The bot runs in processes of its own on a real Redis and is spoken to with signed activities over HTTP. The simulator
runs in this process, and 5 % of all calls to it meet a fault. Bot and simulator share one clock that runs faster than
the machine's (`FastClock`), so that five minutes of looking for a lost action, an hour to decide and Teams' hourly
limits are really waited for. Time limits of the network, leases in Redis, docket's redelivery and the sweep of the
jobs stay real: by the soak's clock they are that many times as long, which is the unkind side. What is left out: a 403
of the Connector (it ends a conversation for good, by design), and the hourly limits of Defender and Graph (500
requests in the hour or two that pass would be throttled by them, and nothing else would be seen).

Every response of the registry is asked for in turn (`repertoire.py`), and between two of these one by how much it gets
in the way of others, or one that follows from what is shown as done: its inverse by its card's button, or a look at
what a script would change and then that script (`wishes.py`). What a session of live response left is asked for in the
personal chat, as a file too, and by people who may not have it (`outputs_played.py`). Two responses run by themselves
unless somebody rejects them in time, by the policy in `world.py`. Beside that, and for a while alone, things wait in
the Action center and are decided there (`center_played.py`); what waited, and since when, is written down from the
simulated company itself.

The judge (`verdict.py`) knows nothing of the bot's code: it compares the service's ledger, the last words of every
card, what each person was answered, and the decisions in Redis as plain JSON. Which second cards are explained is
decided by the simulator's own list of posts that it took and did not answer, and of kills. Whatever the bot logs as an
error counts too, each line: a fault of a service, or a Redis that is away, is a warning.

The seed decides what is asked, pressed and broken; the order in which processes meet it is not in its hands. SOAK_DIR
keeps the bot's logs and `evidence.json`, from which a finding can be followed.
"""

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.soak.plan import Plan
from tests.soak.play import soak


def main() -> None:
    """Play, print, and end with 1 where something is not 0 that must be."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # told to stop, it ends what it started, as on Ctrl-C
    plan = Plan.of(os.environ)
    kept = os.environ.get("SOAK_DIR", "")
    with contextlib.ExitStack() as stack:
        folder = Path(kept or stack.enter_context(tempfile.TemporaryDirectory(prefix="wk-soak-")))
        folder.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        found = asyncio.run(
            soak(plan, folder, lambda line: print(f"{time.monotonic() - began:6.1f} s  {line}", flush=True))
        )
        print(f"\n{found.table}\n\n{found.json}")
        for name, sentences in found.must_be_0.items():
            for sentence in sentences[:20]:
                print(f"{name}: {sentence}", file=sys.stderr)
    sys.exit(any(found.must_be_0.values()))


if __name__ == "__main__":
    main()
