"""A rendering and a recipient in, octets out: once per recipient, in microseconds.

`mime` is the way in. `places` holds what stands in slots (compiled by `expressions`), `transfer`
encodes the bodies around them, `fields` and `headers` write the header block, `links` signs the
tokens. Pure: no clock, file, socket or environment.
"""
