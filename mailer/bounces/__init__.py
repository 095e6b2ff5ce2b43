"""What comes back: bytes in, bounces out; the caller stores them.

`intake` takes a report in, `parts` opens it as a tree, `dsn` reads it and finds the delivery,
`classify` says what the failure means and whether the address is never mailed again.
"""
