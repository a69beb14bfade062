"""The card that the bots beside ours answer with: about as large as a small card of ours."""

from typing import Any

_LINE = {"type": "TextBlock", "text": "Microsoft Secure Score: 412.5 of 600 (69 %). Higher is better.", "wrap": True}
CARD_ACTIVITY: dict[str, Any] = {
    "type": "message",
    "summary": "Secure Score 412.5",
    "attachments": [
        {
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.5",
                "body": [dict(_LINE) for _ in range(8)],
            },
        }
    ],
}
