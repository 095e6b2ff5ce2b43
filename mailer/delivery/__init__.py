"""Moving rows forward: what is claimed is composed, handed to a relay and settled.

- `shift`: one turn: recover what died, start what is due, dispatch, ask the relay's log.
- `crew`, `hand`: the processes of a turn; `hand` is what each of them does.
- `dispatch`: the loop of one process. `ticks` says when a commit is made, `commits` what it writes,
  `desk` what relays say, `offering` which envelope a connection offers next.
- `fleet`, `outlets`, `lanes`: all relays, one relay, one connection. `routes`: who may carry what.
- `feed`, `waiting`: what is claimed and may go, and what must wait; `parcels`: composed.
- `policy`, `verdicts`: what a reply means (§3.3), for the delivery, its mailing and its domain.
- `pace`: rates, breaker and health of a relay. `guard`, `breaker`: when a mailing is stopped for
  its own good (S-33).
- `relaylog`, `reconciling`: what became of what is in doubt (S-42).
- `admission`: why a relay does not let us in. `signing`: the DKIM keys of the configuration.
- `direct`: test copies, of which the ledger knows nothing.

`policy`, `pace`, `guard`, `routes` and `verdicts` are pure: clock and chance come in.
"""
