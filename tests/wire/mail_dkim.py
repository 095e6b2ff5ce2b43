"""Mail::DKIM's opinion of signatures: the verifier that SpamAssassin and amavis use."""

from __future__ import annotations

import json
import subprocess
from base64 import b64encode
from typing import TYPE_CHECKING, Final

from mailer.compose.signingkeys import strings
from tests.wire.programs import perl_module

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Its resolver answers from what it was given; Net::DNS refuses a string of over 255 octets.
VERIFY: Final = r"""
use strict; use warnings;
use JSON::PP; use MIME::Base64; use Net::DNS;
use Mail::DKIM::Verifier; use Mail::DKIM::DNS;
my $given = decode_json(do { local $/; <STDIN> });
package Known;
sub send {
  my ($self, $name, $type) = @_;
  my $answer = Net::DNS::Packet->new($name, $type);
  $answer->header->rcode('NOERROR');
  my $record = $given->{records}{lc $name};
  $answer->push(answer => Net::DNS::RR->new(
    name => $name, type => 'TXT', txtdata => $record)) if $record;
  return $answer;
}
package main;
Mail::DKIM::DNS::resolver(bless {}, 'Known');
my @verdicts;
for my $mail (@{ $given->{mails} }) {
  my $verifier = Mail::DKIM::Verifier->new();
  $verifier->PRINT(decode_base64($mail));
  $verifier->CLOSE;
  push @verdicts, { map { $_->selector => $_->result } $verifier->signatures };
}
print encode_json(\@verdicts);
"""


def verdicts(mails: Sequence[bytes], records: Mapping[str, str]) -> list[dict[str, str]]:
    """Of each mail: selector -> pass, fail or invalid."""
    perl = perl_module("Mail::DKIM::Verifier", "libmail-dkim-perl")
    given = {
        "records": {name: strings(record) for name, record in records.items()},
        "mails": [b64encode(mail).decode() for mail in mails],
    }
    done = subprocess.run(
        [perl, "-e", VERIFY], input=json.dumps(given).encode(), capture_output=True, check=False
    )
    assert 0 == done.returncode, done.stderr.decode()
    found: list[dict[str, str]] = json.loads(done.stdout)
    return found
