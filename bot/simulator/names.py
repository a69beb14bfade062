"""Invented names for the simulated companies: nobody real, some of them awkward on purpose."""

ACCOUNTS = (
    "reception",
    "warehouse_3",
    "p.o'brien",
    "accounts_payable",
    "m.oakleaf",
    "t.brook",
    "field-team-2",
    "j.stone",
    "svc_backup",
    "h.meadow",
    "k.müller",
    "d.\u0142\u0105ka",
    "night*shift",
    "l.harbor",
    "[temp]",
    "a.b.field",
)
AWKWARD_DEVICES = (
    "frontdesk-01",
    "srv-file-01",
    "o'brien-pc",
    "lab_pc_*7*",
    "kiosk[2](hall)",
    "<b>demo</b>-pc",
    "__init__-build",
    "büro-münchen-4",
    "a&b-sales",
    "`code`-box",
    "x" * 60,
    "100%-remote",
)
PLAIN_DEVICES = ("fab-lt", "fab-pc", "fab-meet", "fab-prod")
FILES = (
    ("invoice_2026_(final).pdf.exe", "C:\\Users\\reception\\Downloads"),
    ("update__helper__.dll", "C:\\ProgramData\\Temp"),
    ("**urgent**.js", "C:\\Users\\Public"),
    ("[click](http://example.test).lnk", "C:\\Users\\Public\\Desktop"),
    ("<script>alert(1)<\uff0fscript>.hta", "C:\\Temp"),
    ("o'brien's notes.docm", "C:\\Users\\p.o'brien\\Documents"),
    ("rundll32.exe", "C:\\Windows\\System32"),
)
SUBJECTS = (
    "Re: *unpaid* invoice #4711 [action required]",
    "Your mailbox is full <click here>",
    "Parcel could not be delivered\u2026 see `label.html`",
    'O\'Brien shared "Q3_plan_v2" with you',
)
TAGS = ("finance", "VIP", "shop_floor", "lab*", "to-retire")
GROUPS = ((140, "The-A-Team"), (141, "Shop floor & lab"), (0, None))
CONTROLS = (
    ("Identity", "AdminMFAV2", "Require multifactor authentication for administrative roles", 10.0),
    ("Identity", "BlockLegacyAuthentication", "Enable policy to block legacy authentication", 8.0),
    ("Device", "scid_2010", "Turn on real-time protection", 9.0),
    ("Apps", "mdo_safelinksforemail", "Create Safe Links policies for email messages", 9.0),
    ("Data", "mip_purviewlabelconsent", "Publish sensitivity label policies", 1.0),
)
