"""The map: how an issue becomes mail, in reading order.

::

    issues/x.md ──content──▶ Issue ──render──▶ Rendering ──ledger.freeze──▶ mailing + delivery rows
                                                                                │ claim (lease)
    subscribers/*.csv, web, API ──ledger.audience──▶ subscriptions              ▼
                              Delivery + Rendering ──compose──▶ Message ──smtp──▶ Reply │ lost
                                                                                │ delivery.policy
    pipe ──bounces──▶ Bounce ──ledger.suppress                                  ▼
                                            journal ◀── note ── ledger.settle ◀── Outcome

Read `model` for the nouns, then `prepare` (the one way a mailing begins) and `delivery.dispatch`
(the loop that moves its rows forward); `delivery`, `ledger` and `smtp` name their modules in that
manner. Nothing further right imports anything further left except through the nouns in `model`.

What may not be got wrong is written where it is kept: the one rule in `ledger.settling`, when a
commit is made in `delivery.ticks`, whose lease has ended in `ledger.liveness`, whether this
database may send at all in `ledger.standing`, what an answer means in `delivery.policy`.
"""

__version__ = "0.1.0"
