"""What Prometheus is told. Served on METRICS_PORT, on loopback unless the settings say otherwise."""

from prometheus_client import Counter, Histogram

TURNS = Counter("watchkeeper_turns", "Turns by kind and outcome", ["kind", "outcome"])
TURN_SECONDS = Histogram("watchkeeper_turn_seconds", "Seconds from a turn's arrival to its answer", ["kind"])
POSTS = Counter("watchkeeper_posts", "Messages sent to Teams", ["act", "outcome"])
AMBIGUOUS_POSTS = Counter("watchkeeper_ambiguous_posts", "Posts made again because no answer came")
TRANSITIONS = Counter("watchkeeper_transitions", "Requests by the state they came to", ["response", "state"])
SOURCE_READS = Counter("watchkeeper_source_reads", "Polls of a source by outcome", ["source", "outcome"])
AUDIT_CHECKS = Counter("watchkeeper_audit_checks", "Checks of a whole audit trail by outcome", ["outcome"])
AUDIT_TRIMMED = Counter("watchkeeper_audit_trimmed", "Audit entries that were trimmed, a checkpoint in their place")
AUDITOR_RUNS = Counter("watchkeeper_auditor_runs", "Runs of the auditor by outcome", ["outcome"])
AUDITOR_GAPS = Counter("watchkeeper_auditor_gaps", "What the auditor found missing or wrong", ["kind"])
AUDITOR_REPAIRED = Counter("watchkeeper_auditor_repaired", "What the auditor put right", ["kind"])
AUDITOR_ALARMS = Counter("watchkeeper_auditor_alarms", "What the auditor must not put right, once for each", ["kind"])
HEARTBEATS = Counter("watchkeeper_heartbeats", "Heart beats by outcome", ["outcome"])
STEPS_FAILED = Counter("watchkeeper_steps_failed", "Jobs that ended in an unexpected error", ["kind"])
