"""How a request goes on: each step, and why it waits or failed."""

TEXTS: dict[str, str] = {
    "trouble.upload_gone": "{name} is no longer kept here. Please send it again.",
    "trouble.library_gone": "{name} is no longer in the live response library. Please put it there, and ask again.",
    "trouble.library_changed": "{name} in the live response library is not what it was when this was asked for. Please"
    " look at it, and ask again.",
    "trouble.indicator_changed": (
        "The indicator changed after this was asked for: it was {was}, and is {now}. Please ask again."
    ),
    "trouble.indicators_full": (
        "Defender refuses: this tenant has 15,000 active indicators, the most it may have. Please remove some that are "
        "no longer needed (Settings, Endpoints, Indicators in the portal, or **unblock**), then ask again."
    ),
    "story.other": "Something happened that this version cannot put into words.",
    "story.proposed": "{who} asked for it.",
    "story.approved": "{who} approved.",
    "story.rejected": "{who} rejected. Reason: {reason}",
    "story.withdrawn": "{who} withdrew the request.",
    "story.expired": "It was not decided in time.",
    "story.send_by_passed": "It could not be sent in time.",
    "story.preapproved": "The policy approved it beforehand ({policy}).",
    "story.approved_by_policy": "Nobody rejected it in time, so the policy approved it ({policy}).",
    "story.veto_anew": "The time to reject it began anew: nobody could have done so before.",
    "story.not_by_itself": "It does not run by itself any more; an approver must decide.",
    "story.forbidden": "The policy does not allow it any more. Nothing was sent.",
    "story.refused": "{service} did not take it.",
    "story.unknown": "No answer from {service} is known; it may have been accepted.",
    "story.vanished": "{service} has not known the action for half an hour. What became of it is not known.",
    "story.search_over": "Five minutes of looking for it are over.",
    "story.accepted": "{service} accepted it as action {action}.",
    "story.taken": "{service} accepted it.",
    "story.adopted": "{service} already had the same action {action}, started by {who}; it is followed here.",
    "story.already": "{service} had it so already; nothing was sent.",
    "story.found_so": "No answer came. {service} now reports: {status}. Whether by this request is not known.",
    "story.already_by": "{service} had it so already, made by {who}; nothing was sent.",
    "story.changed": "Right before sending it was no longer as it was when it was asked for.",
    "story.spread": "Each device got a request of its own.",
    "story.collected": "Every device has its result.",
    "story.of_batch": "Approved with request {id}, for several devices.",
    "story.status": "{service} reports: {status}.",
    "story.ended": "{service} reports: {status}.",
    "story.resend": "{who} had it sent again.",
    "story.likely": "One that fits began at that time ({action}). The service does not say who asked for it; it is"
    " followed here.",
    "story.given_up": "{who} gave up.",
    "trouble.other": "Something stands in the way. The bot's log says what.",
    "trouble.asked_otherwise": "Request {id} was open for it already and asks for something else; this was not done.",
    "trouble.record_lost": "My record of it is lost, so what became of it is unknown. Please look at the device in"
    " Defender.",
    "trouble.policy_forbids": "Your policy does not allow it any more: {why}",
    "trouble.waits_for": "Waits until request {id} ({response}) is over.",
    "trouble.gone_from_intune": "{name} is no longer in Intune. It may have been enrolled anew: please ask again.",
    "trouble.needs_approval": "Intune asks for a second administrator's approval (Multi Admin Approval). Nothing was"
    " done. Please do it in the Intune admin center, or exclude the bot's app from that access policy.",
    "trouble.renamed": "{name} is now called {now}. Please check that it is the same device, and ask again.",
    "trouble.other_user": "It belonged to {name} when this was asked for, and belongs to {now} now. Please ask again.",
    "trouble.other_action": "Waits: {who} started {type} (action {id}), which is not over yet.",
    "trouble.other_action.nameless": "Waits for what was started elsewhere and is not over yet: {type}.",
    "trouble.not_found": "No sign of it was found there. It may still have been accepted late.",
    "trouble.nobody_can_decide": "Nobody who may decide sees this. Please ask an administrator to type **subscribe** in"
    " the team's channel, then ask again there.",
    "trouble.device_gone": "Defender does not know {was} any more. Nothing was sent.",
    "trouble.device_renamed": "{was} is called {name} by now. Nothing was sent: please look whether it is still the one"
    " that was meant, and ask again.",
    "trouble.device_anew": "{was} was installed anew: its id was {old}, and is {new} now. Nothing was sent: please look"
    " whether it is still needed, and ask again.",
    "trouble.busy": "Waits: the device has an action of this kind under way.",
    "trouble.throttled": "{service} asks to slow down. It is tried again.",
    "trouble.permission": "{service} refuses: the app permission **{permission}** is not granted. An administrator"
    " grants it: Entra admin center > App registrations > the bot's app > API permissions > Add a permission >"
    " Application permissions, then **Grant admin consent**.",
    "trouble.role_too_low": "{service} refuses, because the target is an administrator: the permission {permission} is"
    " not enough. The app of the bot also needs the Entra role **{directory_role}**: an administrator can assign it.",
    "trouble.user_gone": "{name} is no longer in the directory. Nothing was sent.",
    "trouble.user_renamed": "{name} is now called {now}. Please check that it is the same person, and ask again.",
    "trouble.mail_gone": "The message is not found any more: {name}. Nothing was sent.",
    "trouble.plan": "{service} says that this tenant's plan does not include it: {message}",
    "trouble.missing": "{service} does not know it: the action, or what it was for, may have been removed.",
    "trouble.rejected": "{service} refuses: {code} {message}",
    "trouble.unauthorised": "{service} does not accept the bot's sign-in. An administrator should check its secret.",
    "trouble.unavailable": "{service} cannot be reached or did not answer. It is tried again.",
}
