"""The policy: whether `serve` would start with it, and what in it somebody should look at once more."""

from collections.abc import Iterator, Mapping

from bot.command import Features
from bot.doctor.findings import Finding, ok, problem, warning
from bot.policy.load import PolicyError, load_policy
from bot.policy.models import Defaults, Effects, PolicyFile
from bot.settings import Settings

CHECK = "Mend the file, then `python -m bot policy check`."


def policy_findings(settings: Settings, features: Features) -> Iterator[Finding]:
    """What POLICY_FILE says. Nothing tells which file a running bot read: it does so at its start only."""
    if not settings.policy_file:
        yield ok("settings.policy", "No POLICY_FILE: each response is decided as it declares.", facts={"rules": 0})
        return
    try:
        policy = load_policy(settings.policy_file, {response.name: response for response in features.responses})
    except PolicyError as error:
        yield from (problem(f"settings.policy.{n}", line) for n, line in enumerate(error.lines[:-1], 1))
        means = "`serve` does not start before the policy is mended."
        yield problem(f"settings.policy.{len(error.lines)}", error.lines[-1], means=means, do=CHECK)
        return
    file = policy.file
    says = f"The policy has {len(file.rule)} rules and speaks of {len(file.response)} responses by name."
    means = "A running bot keeps what it read at its start: restart it after a change."
    yield ok("settings.policy", says, means=means, facts={"rules": len(file.rule), "responses": len(file.response)})
    yield from _loose(file)


def _loose(file: PolicyFile) -> Iterator[Finding]:
    """Each place that lets a single account do much."""
    for place, says in _layers(file).items():
        if isinstance(says, Effects) and says.i_accept_the_risk:
            yield warning(
                f"settings.policy.unseen.{place.partition(':')[0].replace(' ', '')}",
                f"{place} runs what is of high risk without anybody looking (i_accept_the_risk).",
                means="One stolen account of a requester is enough.",
                do="Make sure that this is still meant.",
            )
        if says.requester_may:
            yield warning(
                f"settings.policy.own.{place.partition(':')[0].replace(' ', '')}",
                f"{place} lets people approve their own requests.",
                means="One stolen account of an approver is enough. The audit says so at each request.",
                do="Make sure that this is still meant.",
            )


def _layers(file: PolicyFile) -> Mapping[str, Defaults]:
    return {
        "defaults": file.defaults,
        **{f"response.{name}": says for name, says in file.response.items()},
        **{f"rule {number}: {rule.name}": rule.then for number, rule in enumerate(file.rule, 1)},
    }
