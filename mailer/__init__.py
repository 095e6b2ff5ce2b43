"""The map: how an issue becomes mail, in reading order.

::

    issues/x.md ──content──▶ Issue ──render──▶ Rendering ──ledger.freeze──▶ mailing + delivery rows
                                                                                │ claim (lease)
    subscribers/*.csv, web, API ──ledger.audience──▶ subscriptions              ▼
                              Delivery + Rendering ──compose──▶ Message ──smtp──▶ Reply │ lost
                                                                                │ delivery.policy
    pipe ──bounces──▶ Bounce ──ledger.suppress                                  ▼
                                                              ledger.settle ◀── Outcome

Read `model` for the nouns, then `prepare` (the one way a mailing begins) and `delivery.dispatch`
(the loop that moves its rows forward). Nothing further right imports anything further left except
through the nouns in `model`.
"""

__version__ = "0.1.0"
