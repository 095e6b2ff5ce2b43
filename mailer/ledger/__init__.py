"""What is known: the ledger, the only truth about who got what.

- The database: `database` and `engines` open it, `dialect` is where the two kinds differ, `schema`
  has the tables, `moving` takes it from one to the other.
- People: `audience`, `joining` and `deciding` with `entries`; `importing` with `sheets`, `columns`,
  `reading` and `seen`; `roster`, `looking`, `forgetting`, `returns`.
- A mailing begins: `choosing`, `variants` and `freezing`; `slots` and `starting`; `canary`.
- It is sent: `claims`, `settling`, `recovery`; `mailings` has its states, `holds` the domains that
  it leaves alone, `tally` what the guard counts. `pacing` and `metering`: the pace that all share.
- A person steps in: `revising`, `retrying`. What is in doubt: `doubt`, `reconciling`.
- Who lives: `liveness`, on the locks of `locks`.
- The journal: `noting`, `lines`, `linefile`, `journal`; `standing` asks whether an old copy may
  send, `replay`, `departures` and `snapshot` mend it.
- What is told: `events`, `overview`.
"""

from mailer.ledger.database import Ledger, bump_changes, open_ledger

__all__ = ["Ledger", "bump_changes", "open_ledger"]
