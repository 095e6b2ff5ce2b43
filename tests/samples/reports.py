"""Reports as mail servers write them, in words of our own; the shapes are what counts."""

from __future__ import annotations

from tests.samples.messages import DATE, KEYRING, recipient, template

SENT = template().compose(recipient(), date=DATE)
"""The mail of delivery 9 of mailing 42, which comes back."""

VERP = SENT.mail_from
DELIVERY = (42, 9)
RETURNED_HEADERS = SENT.content.partition(b"\r\n\r\n")[0].decode("ascii").replace("\r\n", "\n")


def entry(**fields: str) -> str:
    """One recipient's group of fields; `final_recipient="…"` is written as `Final-Recipient: …`."""
    return "".join(
        f"{name.replace('_', '-').title()}: {value}\n" for name, value in fields.items() if value
    )


NO_SUCH_USER = entry(
    original_recipient="rfc822;ann@example.net",
    final_recipient="rfc822; ann@example.net",
    action="failed",
    status="5.1.1",
    remote_mta="dns; mx.example.net",
    diagnostic_code="smtp; 550 5.1.1 <ann@example.net>: Recipient address rejected: User\n"
    "    unknown in virtual mailbox table",
)


def postfix(
    *entries: str,
    to: str = VERP,
    envelope_id: str = SENT.envelope_id,
    returned: str = RETURNED_HEADERS,
    more: str = "",
    outer: str = "multipart/report; report-type=delivery-status",
) -> str:
    """A report in the manner of Postfix: notice, status, headers of what came back."""
    about = "Reporting-MTA: dns; relay.example.org\n"
    about += f"Original-Envelope-Id: {envelope_id}\n" if envelope_id else ""
    about += "X-Postfix-Queue-Id: 4XyZ\nArrival-Date: Thu, 26 Nov 2026 09:00:00 +0100 (CET)\n"
    return f"""\
Return-Path: <>
Received: by relay.example.org (Postfix)
        id 4XyZ; Thu, 26 Nov 2026 09:00:01 +0100 (CET)
From: MAILER-DAEMON@relay.example.org (Mail Delivery System)
To: {to}
Auto-Submitted: auto-replied
{more}Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: {outer};
        boundary="4XyZ.1795680001/relay.example.org"
Message-Id: <20261126080001.4XyZ@relay.example.org>

This mail has parts that programs read.

--4XyZ.1795680001/relay.example.org
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

Your mail could not be handed over. What the other side said stands below.

--4XyZ.1795680001/relay.example.org
Content-Description: Delivery report
Content-Type: message/delivery-status

{about}
{chr(10).join(entries or (NO_SUCH_USER,))}
--4XyZ.1795680001/relay.example.org
Content-Description: Undelivered Message Headers
Content-Type: text/rfc822-headers

{returned}

--4XyZ.1795680001/relay.example.org--
"""


EXIM = f"""\
Return-path: <>
Envelope-to: {VERP}
Received: from Debian-exim by mx.example.net with local id 1xYz
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@mx.example.net>
To: {VERP}
References: {SENT.message_id}
Content-Type: multipart/report; report-type=delivery-status; boundary=1795680001-eximdsn-42
MIME-Version: 1.0
Subject: Mail delivery failed: returning message to sender
X-Failed-Recipients: ann@example.net

--1795680001-eximdsn-42
Content-type: text/plain; charset=us-ascii

A mail of yours could not be delivered to ann@example.net: no such user here.

--1795680001-eximdsn-42
Content-type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Action: failed
Final-Recipient: rfc822;ann@example.net
Status: 5.0.0
Remote-MTA: dns; in.example.net
Diagnostic-Code: smtp; 550 no such user here

--1795680001-eximdsn-42
Content-type: message/rfc822

{RETURNED_HEADERS}

A body that is not shown.

--1795680001-eximdsn-42--
"""

EXCHANGE = f"""\
Return-Path: <>
From: <postmaster@example.net>
To: <{VERP.upper()}>
Date: Thu, 26 Nov 2026 08:00:03 +0000
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="_000_exchange_"
X-MS-Exchange-Message-Is-Ndr:
Content-Language: en-US
Subject: Undeliverable: Winter opening hours
Auto-Submitted: auto-replied
MIME-Version: 1.0

--_000_exchange_
Content-Type: multipart/alternative; differences=Content-Type;
\tboundary="_001_exchange_"

--_001_exchange_
Content-Type: text/plain; charset="us-ascii"
Content-Transfer-Encoding: quoted-printable

ann@example.net could not be found.=

--_001_exchange_
Content-Type: text/html; charset="us-ascii"

<p>ann@example.net could not be found.</p>

--_001_exchange_--

--_000_exchange_
Content-Type: message/delivery-status

Reporting-MTA: dns;AM0.example.net
Received-From-MTA: dns;relay.example.org
Arrival-Date: Thu, 26 Nov 2026 08:00:02 +0000

Final-Recipient: rfc822;ann@example.net
Action: failed
Status: 5.1.10
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; no recipient found by SMTP
 address lookup
X-Display-Name: ann@example.net

--_000_exchange_
Content-Type: message/rfc822

{RETURNED_HEADERS}

--_000_exchange_--
"""

QMAIL = f"""\
Return-Path: <>
Delivered-To: {VERP}
From: MAILER-DAEMON@mx.example.net
To: {VERP}
Subject: failure notice

Sorry to say that the following address could not be reached by mx.example.net.

<ann@example.net>:
No mailbox of that name is here. (#5.1.1)

--- Below this line is a copy of the message.

{RETURNED_HEADERS}
"""

VACATION = f"""\
Return-Path: <>
From: Ann <ann@example.net>
To: {VERP}
Subject: Out of office: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied (vacation)
X-Autoreply: yes
In-Reply-To: {SENT.message_id}
Content-Type: text/plain

Back on Monday. 550 5.1.1 user unknown.
"""

READ_RECEIPT = f"""\
From: Ann <ann@example.net>
To: {VERP}
Subject: Read: Winter opening hours
Content-Type: multipart/report; report-type=disposition-notification; boundary=mdn

--mdn
Content-Type: text/plain

Your mail was read.
--mdn
Content-Type: message/disposition-notification

Final-Recipient: rfc822;ann@example.net
Original-Message-ID: {SENT.message_id}
Disposition: manual-action/MDN-sent-manually; displayed

--mdn--
"""

CHALLENGE = f"""\
From: Ann <ann@example.net>
To: {VERP}
Subject: Please confirm that you are a person
Auto-Submitted: auto-replied

Follow the link, and your mail will be delivered.
"""

ALL = (postfix(), EXIM, EXCHANGE, QMAIL, VACATION, READ_RECEIPT, CHALLENGE, SENT.content.decode())

assert KEYRING.read_delivery_token("verp", VERP[2:33]) == DELIVERY
