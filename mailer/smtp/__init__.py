"""One conversation with one relay: bytes in, verdicts out.

- `replies`: what a relay says, as bytes, becomes codes, lines, replies and capabilities.
- `events`: what a conversation tells its owner.
- `handshake`: from the banner to a session that is open: EHLO, STARTTLS, AUTH.
- `auth`, `scram`: proving who we are, mechanism by mechanism.
- `oauth`, `grants`: access tokens for those that take one.
- `commands`: what we write for one message: the envelope's lines, the content and its dots.
- `session`: the whole conversation without a socket or a clock; every state as a table.
- `timeouts`: how long each phase may take, and the timer that watches over it.
- `trust`: whom we talk to, and what it means that a socket could not be opened or wrapped.
- `connection`: the socket: connect, TLS, timeouts. The only module that opens one to a relay.
- `relay`: a pool of connections to one relay.
"""
