"""When to look: APScheduler and cron only say when; the ledger says what is due."""
