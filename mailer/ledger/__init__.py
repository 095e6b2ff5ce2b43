"""What is known: the ledger, the only truth about who got what."""

from mailer.ledger.database import Ledger, bump_changes, open_ledger

__all__ = ["Ledger", "bump_changes", "open_ledger"]
