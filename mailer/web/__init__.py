"""The public pages: what subscribers and mailbox providers reach; a GET changes nothing."""
