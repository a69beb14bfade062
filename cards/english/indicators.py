"""What is blocked, warned of, monitored or allowed."""

TEXTS: dict[str, str] = {
    "error.no_indicator": "Please say what: a hash, an IP address, a domain, a URL, or cert: and a thumbprint.",
    "error.indicator.unknown": "{value} is no hash, IP address, domain or URL that I know.",
    "error.indicator.too-long": "That is longer than {most} characters.",
    "error.indicator.thumbprint": "A certificate's thumbprint has 40 digits of 0-9 and a-f after **cert:**.",
    "error.indicator.hash-length": (
        "A hash has 64 (SHA-256), 40 (SHA-1) or 32 (MD5) digits; this one has {count}. Is something missing?"
    ),
    "error.indicator.url": "{value} is no URL that Defender takes: http:// or https:// with a host.",
    "error.indicator.url-user": "A URL with a user name in front of the host is not taken. Please leave that part out.",
    "error.indicator.cidr": "Defender takes single addresses only, no networks (CIDR). Please name each address.",
    "error.indicator.port": "Please name the address without its port. A URL may have one.",
    "error.indicator.no-scheme": "For one page, begin with http:// or https://. For a whole site, name its domain.",
    "error.indicator.wildcard": "Defender takes no wildcards. Please name the domain itself.",
    "error.indicator.file-name": "{value} looks like a file's name. Files are known by their hash: please give that.",
    "error.indicator.remediate": "**remediate** is for files: Defender then removes them. Please leave it out here.",
    "error.indicator.days": "{said} cannot be chosen here. For how long: {choices}. It stands before the severity.",
    "error.indicator.inside": (
        "{value} is an address inside a company or a device. Blocking it would cut off your own network, and every "
        "company has the same ones."
    ),
    "error.indicator.microsoft": (
        "{value} belongs to {host}: without it nobody could sign in, use Teams, or get updates. It is not blocked from "
        "here. A single page of it can be: please give its whole URL."
    ),
    "error.indicator.own": "{value} is part of your own domain {domain}. It is not blocked from here.",
    "error.indicator.none": "There is no indicator for {value}: nothing to remove.",
    "error.no_list": "Please name the request that blocked the list, such as WK-7QX2M.",
    "error.indicator.no-list": "Request {id} blocked no list.",
    "error.indicator.list-gone": "No indicator of request {id} is left: nothing to remove.",
    "list.values": "{n} values",
    "error.indicator.list-empty": (
        "Please name what to block behind the reason, apart by spaces or commas, or send the command in a chat with me "
        "together with a text file."
    ),
    "error.indicator.list-wrong": (
        "{count} of {total} words are no values: {values}. The reason comes before the values."
    ),
    "error.indicator.list-long": "{count} values are more than Defender takes at once: {most}. Please split the list.",
    "error.indicator.list-spared": (
        "{count} of them are not blocked from here, because that would hit your own company or Microsoft's sign-in: "
        "{values}. Please take them out."
    ),
    "error.indicator.list-file": "The file is no plain text (UTF-8). Please send one, or paste the values.",
    "error.indicator.list-file-large": "The file is larger than {most} characters. Please split it.",
    "list.title": "What became of each",
    "list.list-made": "In force",
    "list.list-failed": "Refused by Defender",
    "list.list-lost": "Not known",
    "list.list-cleared": "Removed",
    "list.missing": "Not listed by Defender, among them: {values}",
    "list.lost": "Asking for the same list again does no harm to the others.",
    "parameter.indicatoraction": "Kind of block",
    "parameter.expirationtime": "Expires",
    "parameter.severity": "Severity",
    "choice.indicatoraction.block": "Block",
    "choice.indicatoraction.blockandremediate": "Block and remove",
    "choice.expirationtime.forever": "Never",
    "choice.expirationtime.1d": "1 day after it is sent",
    "choice.expirationtime.3d": "3 days after it is sent",
    "choice.expirationtime.7d": "7 days after it is sent",
    "choice.expirationtime.14d": "14 days after it is sent",
    "choice.expirationtime.30d": "30 days after it is sent",
    "choice.expirationtime.60d": "60 days after it is sent",
    "choice.expirationtime.90d": "90 days after it is sent",
    "choice.expirationtime.180d": "180 days after it is sent",
    "choice.expirationtime.365d": "365 days after it is sent",
    "choice.severity.informational": "Informational",
    "choice.severity.low": "Low",
    "choice.severity.medium": "Medium",
    "choice.severity.high": "High",
    "status.block": "Blocked",
    "status.blockandremediate": "Blocked, removed where found",
    "status.warn": "Warned of",
    "status.monitored": "Monitored",
    "status.allowed": "Allowed",
    "status.removed": "Indicator removed",
}
