"""What went wrong; those that a person caused are named by what raises them."""

TEXTS: dict[str, str] = {
    "interrupted.title": "Interrupted",
    "interrupted.text": "{line} was interrupted before the answer came. Please try again.",
    "interrupted.summary": "{line} was interrupted. Please try again.",
    "error.title.person": "That did not work",
    "error.title.usage": "I did not understand that",
    "error.title.elsewhere": "Not in this conversation",
    "error.title.not-allowed": "You may not do that",
    "error.title.service": "Trouble with {service}",
    "error.title.unexpected": "Something went wrong",
    "error.other": "That is not possible. Please type **help** to see what is.",
    "error.form": "This form works: **{usage}**",
    "error.reference": "Reference {reference}; the bot's log has the same.",
    "error.throttled": "{service} asks to slow down. Please try again in {seconds} s.",
    "error.throttled-unknown": "{service} asks to slow down. Please try again in a few minutes.",
    "error.unavailable": "{service} cannot be reached or did not answer. Please try again in a few minutes.",
    "error.unavailable-sent": "{service} did not answer. If this was to change something, whether it did is unknown;"
    " please check before you try again.",
    "error.unauthorised": "{service} does not accept the bot's sign-in. An administrator should check the app's secret"
    " or certificate.",
    "error.permission": "The bot's app lacks the permission **{permission}**. An administrator can grant it: Entra"
    " admin center > App registrations > API permissions, then **Grant admin consent**.",
    "error.permission-unknown": "The bot's app lacks a permission for this. The table in the bot's README names those"
    " that it needs. An administrator can grant them: Entra admin center > App registrations > API permissions, then"
    " **Grant admin consent**.",
    "error.permission-page": "Entra admin center",
    "error.plan": "The plan of this tenant does not include it. Microsoft's licensing pages say which plan has it.",
    "error.plan-said": "{service} says: {message}",
    "error.lacks-plan": "**/{command}** is not in what this tenant has ({has}). It comes with {plans}. If I am wrong,"
    " ask for it once more within ten minutes: then I try it.",
    "error.lacks-permission": "**/{command}** needs the permission **{permission}** of {api}, which the bot's app does"
    " not have. An administrator grants it: Entra admin center > App registrations > the bot's app > API permissions >"
    " Add a permission > {api} > Application permissions, then **Grant admin consent**. Then ask again.",
    "error.refused-lately": "{service} refused **/{command}** in this tenant {at}: {message} I try it again after a"
    " day. To try it now, ask for it once more within ten minutes.",
    "error.barred": "Teams does not let me write in that conversation. Please add me there again.",
    "error.refused": "{service} refused: {code} {message}",
    "error.missing": "{service} does not know it. It may have been removed in the meantime.",
    "error.conflict": "Somebody else changed it at the same moment. Please look at the newest card and decide again.",
    "error.store": "My own memory cannot be reached, so I cannot tell whether it was noted. Please try again in a few"
    " minutes.",
    "error.unexpected": "This was not foreseen. Please try again; if it stays, tell an administrator the reference.",
    "error.request_moved_on": "This request is already {state}. Its newest card shows how it stands.",
    "error.policy_forbids": "Your policy does not allow this ({policy}): {why}",
    "error.policy_asks": "Your policy asks for the role {role} for {command} here ({policy}). Please ask somebody who"
    " holds it.",
    "error.undone_by_waiting": "Not sent again: {id} ({response}) was approved later, waits, and would undo it. Please"
    " give this one up, so that {id} can go; to have this done after it, ask anew then.",
    "error.own_request": "This is your own request. Another approver must decide it.",
    "error.already_approved_by_you": "You have approved this already. Another approver must approve it too.",
    "error.only_requester": "Only the person who asked can withdraw this request.",
    "error.no_such_request": "There is no request {id}. It may be older than what is kept.",
    "error.role": "{command} needs the role {role}. Please ask an administrator; type **whoami** to see yours.",
    "error.role_button": "This needs the role {role}. Please ask an administrator; type **whoami** to see yours.",
    "error.role_unread": "I could not find out what you may do here, so I did nothing. Please try again in a few"
    " minutes.",
    "error.foreign_person": "I only answer people of the tenants that this conversation is bound to.",
    "error.no_identity": "I cannot tell who you are in this conversation. Please write to me in a personal chat.",
    "error.unknown_button": "This button is not known here. Please type the command instead.",
    "error.newer_card": "This card was made by a newer version of me. Please ask an administrator to update all of me.",
    "error.not_from_here": "This request was not shown in this conversation. Please decide it where it was posted.",
    "error.no_reject_reason": "Please say why you reject it, in a few words.",
    "error.no_reason": "Please say why, so that an approver can decide.",
    "error.reason_too_long": "The reason is too long. Please keep it under {most} characters.",
    "error.not_shown_whole": "{what} could not be shown whole to who decides. Please keep it under {most} characters,"
    " on one line and without invisible ones.",
    "error.too_long": "That is too long. Please keep a command under {most} characters.",
    "error.nothing_said": "I heard no command. Please type **help** to see what I can do.",
    "error.unknown_command": "I do not know {said}. Please type **help** to see what I can do.",
    "error.unknown_command_near": "I do not know {said}. Did you mean **{near}**?",
    "error.no_such_command": "There is no command {name} that you may use. Please type **help** to see what there is.",
    "error.no_device": "Please name a device.",
    "error.no_devices_meant": "No device is meant by **{said}**. Please look with **devices**.",
    "error.too_many_devices": "These are {count} devices; one request takes {most} at most. Please name fewer.",
    "error.not_one_device": "**{name}** means several devices. Please write its whole name.",
    "error.no_such_list": "There is no list **{name}**. To see the lists, please type **list**.",
    "error.too_many_lists": "There are {most} lists already. Please delete one first.",
    "error.try_again": "Somebody else changed it in that moment. Please try again.",
    "error.no_target": "Please say what it is about.",
    "error.no_value": "{value} is missing.",
    "error.no_such_device": "I found no device {name}. Please check the name, or type **devices** to see all of them.",
    "error.several_devices": "{count} devices match {name}. Which one do you mean?",
    "error.not_in_intune": "**{name}** is not in Intune, so Intune cannot reach it. To enroll it: on the device,"
    " Settings > Accounts > Access work or school > Connect, or the app Company Portal.",
    "error.not_joined": "Defender names no Entra device for **{name}**, so it cannot be found in Intune. Please type"
    " its name as Intune shows it.",
    "error.managed_by_defender": "**{name}** is managed through Defender only: Intune has no action for it."
    " **scan** and **isolate** reach it.",
    "error.no_device_of_user": "Intune knows no device of **{user}**.",
    "error.no_user": "Please name a user: a sign-in name such as anna@contoso.com, or a name.",
    "error.no_such_user": "I found no user {name}. Please use the sign-in name, or how the name begins; a name of"
    " several words goes in quotes.",
    "error.several_users": "{count} users match {name}. Who is meant?",
    "error.not_yourself": "You cannot ask for this on your own account: you would lock yourself out. Please let a"
    " colleague ask.",
    "error.no_mail_address": "{said} is no mail address.",
    "error.no_message_id": "{said} is no message id. It is called Network message ID in Defender and looks like"
    " 2b1c9f0e-5d4a-4c3b-8a7f-6e5d4c3b2a19.",
    "error.no_message_id_named": "Please name the message by its Network message ID, as Defender shows it.",
    "error.no_such_mail": "Defender knows no such message to {recipient} in the last 30 days.",
    "error.no_web_address": "{said} is no web address. It begins with http:// or https://.",
    "error.no_web_address_named": "Please name a web address.",
    "error.no_fetched_file": "{id} did not fetch a file. Please name a request of **get-file** that has succeeded.",
    "error.no_fetched_file_named": "Please name the request of **get-file** that fetched the file.",
    "error.no_graph_message": "{said} does not name a message. Please give the link that Outlook on the web shows when"
    " the message is open in its own window, or the message's id in Graph.",
    "error.no_it": "I do not know which device you mean by **it**. Please name the device.",
    "error.score_word": "I do not know {said} here. Please leave it out, or use **now** to have the scores read anew.",
    "error.unknown_filter": "I do not know the filter {said}. Please use one of: {known}.",
    "reply.done": "Done. The card of the request shows how it stands.",
    "reply.working_below": "This takes a moment. The answer follows below.",
    "reply.still_working": "I am still at it. Please look again in a few seconds.",
    "reply.failed": "Something went wrong on my side. Please try again; if it stays, tell an administrator:"
    " {reference}.",
    "error.action_is_over": "This action is already over ({status}), so it cannot be cancelled.",
    "error.device_unmanaged": "{name} is not onboarded to Defender, so {command} cannot be done to it. **contain** has"
    " the other devices keep it away.",
    "error.device_managed": "{name} is onboarded to Defender. Please use **isolate** for it.",
    "error.device_not_windows": "{command} is for Windows alone, and {name} has {os}.",
    "error.bad_tag": "Please give a tag of at most {most} characters, in quotes if it has spaces.",
    "error.bad_value": "I do not know the value {said}. Please use low, normal or high.",
    "error.not_confirmed": "The bot cannot undo this, so please type the device's name twice:"
    " **{command} {name} {name} REASON**.",
    "error.nothing_to_ask_again": "This request cannot be asked for again like that. Please type the command.",
    "error.nothing_to_undo": "There is nothing to undo here. Please type the command.",
    "error.package_personal": "The package goes to nobody but who asked for it or approved it. Please say **package"
    " {id}** in the personal chat with me.",
    "error.package_typed": "Please type **package** and the number of the request yourself.",
    "error.no_package": "Request {id} collected no package. What a script printed or a file that it fetched comes with"
    " **output {id}**.",
    "error.package_not_yours": "Only who asked for the package or approved it gets it.",
    "error.package_not_there": "The package is not there: request {id} is {state}.",
    "error.package_gone": "Defender has no package of request {id} any more. Please collect it anew.",
    "error.package_link": "Defender gave a link that I do not dare to show. Please fetch the package on the device's"
    " page in the Defender portal.",
    "error.no_email": "I cannot tell your sign-in name here, so I cannot find your incidents. Please use **incidents"
    " all**.",
    "error.no_incident_id": "Please give the number of an incident.",
    "error.no_such_incident": "I found no incident {id}. Please type **incidents all** to see the latest.",
    "error.unknown_severity": "I do not know the severity {said}. Please use one of: {known}.",
    "error.usage": "I did not understand that.",
    "error.no_time": "When should the digest come? Please give a time of day, from 00:00 to 23:59.",
    "error.no_zone": "I do not know your time zone. Please add it, for example **Europe/Berlin** or **UTC**.",
    "error.unknown_zone": "I do not know the time zone {said}. Please use a name such as **Europe/Berlin** or **UTC**.",
    "error.unknown_zone_near": "I do not know the time zone {said}. Did you mean **{near}**?",
    "error.no_request_id": "Please give the number of a request.",
    "error.audit_days": "Please name a number of days from 1 to {most}.",
    "error.audit_nothing": "There is no entry to export. Please name more days, or fewer filters.",
    "error.no_such_person": "I know nobody named {name}. Please give the object ID, as **whoami** shows it.",
    "error.several_people": "{count} people match {name}. Which one do you mean?",
    "error.file_personal": "A file can only be handed over in our personal chat. Please ask me there.",
    "error.file_gone": "That file is not here for you, or not any more. Please ask for it again.",
    "error.file_over": "That file was handed over or declined already. Please ask for it again if you need it.",
}
