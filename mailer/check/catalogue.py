"""Every check: what it finds, why that matters, what to do; ids are stable and never reused."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Network(StrEnum):
    """Whether a check asks other machines; `--offline`, dry runs and mailings never do."""

    NO = "no"
    YES = "yes"
    PARTLY = "partly"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One row of the catalogue (interface §4).

    Attributes:
        finds: what is wrong, for the table of all checks.
        why: what happens to readers if nobody does anything.
        step: what an editor does about it.
    """

    id: str
    finds: str
    why: str
    step: str
    network: Network = Network.NO

    @property
    def ignorable(self) -> bool:
        """Whether `ignore` with a reason lets it pass: every warning, and three errors."""
        return self.id[0] == "W" or self.id in _EXCUSABLE


_EXCUSABLE: Final = frozenset({"E110", "E121", "E150"})

CHECKS: Final = (
    Check(
        id="E101",
        finds="front matter that cannot be read, or a key with an impossible value",
        why="What the issue says about itself would be guessed.",
        step="correct the line that it names: text with a colon stands in quotes",
    ),
    Check(
        id="E102",
        finds="no subject, an empty one, or a control character in it",
        why="A mail without a subject is refused by several providers; a line end in one could "
        "become a header.",
        step='subject: "…" on one line',
    ),
    Check(
        id="W103",
        finds="an unknown key or status that nearly spells one of ours",
        why="A misspelt key does nothing, and nobody notices.",
        step="take the key that it suggests, or give yours a name that is less alike",
    ),
    Check(
        id="E104",
        finds="a `send_at` that is not understood or that clocks skip",
        why="The issue would go out at another time than you mean.",
        step="write it like 2026-11-26 09:00 Europe/Berlin",
    ),
    Check(
        id="W104",
        finds="a `date` that is not understood, and is as if absent",
        why="The mail shows the date in its file's name, or the day on which it goes out.",
        step="write it like 2026-11-24",
    ),
    Check(
        id="E105",
        finds="a list that is not configured; or several, and none named",
        why="It would go to other people than you mean.",
        step="list: NAME in the front matter, or --list NAME",
    ),
    Check(
        id="E106",
        finds="an id that is not possible, or that another issue for the same people has",
        why="One id is mailed once to a list: of two issues with one id the second never goes out.",
        step="id: a-name-of-its-own in the front matter of one of them",
    ),
    Check(
        id="I107",
        finds="an issue that was mailed to this list, or is on its way",
        why="It will not be mailed to anybody twice.",
        step="mailer status ISSUE",
    ),
    Check(
        id="W108",
        finds="a draft that is ready at once; the draft wins",
        why="It is not mailed although somebody may wait for it.",
        step="remove one of the two keys",
    ),
    Check(
        id="E109",
        finds="a file that is not UTF-8, NUL in it, or a character that cannot be mailed",
        why="Readers would see other letters than you wrote.",
        step="save the file as UTF-8; remove the character",
    ),
    Check(
        id="E110",
        finds="text that holds the place of another: lorem ipsum, TK, TODO, XXX, FIXME",
        why="It was to be replaced before anybody reads it.",
        step="write what was to stand there; what is meant so, as `code`",
    ),
    Check(
        id="W111",
        finds="a subject or preheader that an inbox shows badly: too short, too long, all "
        'capitals, "Re:", more than two emoji; a preheader that is missing or repeats the subject',
        why="These two lines decide whether the mail is opened, and filters read them first.",
        step="a subject of 10 to 78 characters, and a preheader that goes on where it ends",
    ),
    Check(
        id="W112",
        finds="syntax of a site generator that was removed or would appear as text",
        why="A mail has no site generator: what the syntax makes on your page is missing.",
        step="write it as Markdown, or as `code` if it is meant to be read",
    ),
    Check(
        id="W113",
        finds="raw HTML, an attribute or an address that was removed",
        why="No mail can hold it: clients drop it, or the whole mail.",
        step="write it as Markdown, or as `code` if it is meant to be read",
    ),
    Check(
        id="E114",
        finds="an issue without text, or with an image alone",
        why="People who see no images would get an empty mail, and filters take it for spam.",
        step="write something below the front matter",
    ),
    Check(
        id="E117",
        finds="a `reply_to` that is no mailbox",
        why="Answers would go nowhere.",
        step='reply_to: "Ann <ann@example.org>"',
    ),
    Check(
        id="E118",
        finds="syntax of a site generator or of another mailer that cannot be translated",
        why="What it makes is known to the site alone: words would be missing, or markup be shown.",
        step="write what it shows as Markdown, or as `code` if it is meant to be read",
    ),
    Check(
        id="E119",
        finds="a `cut_after` that names no heading, or an issue without a page to go on at",
        why="The mail would end where nobody expects it, or lead nowhere.",
        step="the heading as it stands in the text; [newsletter] page in mailer.toml",
    ),
    Check(
        id="E120",
        finds="an address that no mail can have: local, without scheme, of an unknown scheme",
        why="Nobody could follow it.",
        step="begin it with https://, or with / for your site",
    ),
    Check(
        id="E121",
        finds="a link that answers 404 or 410, or whose host does not exist, twice in 5 s",
        why="Readers would find nothing there. On your own site: the page may not be published "
        "yet, and it must be before the mail is.",
        step="correct the address, or publish the page first",
        network=Network.YES,
    ),
    Check(
        id="I122",
        finds="a link that could not be verified: 401, 403, 429, 999, 5xx, no answer in time",
        why="Many sites answer programs otherwise than browsers: this says nothing about the link.",
        step="follow it in a browser",
        network=Network.YES,
    ),
    Check(
        id="W123",
        finds="a link that hides where it leads: a shortener, more than two redirects, a text "
        "that names another site than the address",
        why="Filters take it for phishing, and shorteners die before your archive.",
        step="link to the page itself, under its own name",
        network=Network.PARTLY,
    ),
    Check(
        id="W124",
        finds='"click here" as the text of a link; or one text for different targets',
        why="Who hears a mail goes from link to link, and hears nothing but these words.",
        step="let the text of the link name what is behind it",
    ),
    Check(
        id="W125",
        finds="an http: link to a host that serves https",
        why="Everybody between sees and can change what your reader gets.",
        step="https:// instead of http://",
        network=Network.YES,
    ),
    Check(
        id="W126",
        finds="a link to a host that only stands for another, such as example.com",
        why="It was to be replaced before anybody follows it.",
        step="write the address that is meant; an example, as `code`",
    ),
    Check(
        id="W127",
        finds="a relative address, where nobody said where issues stand on the web",
        why="A mail is no page: it can only be guessed what the address is relative to.",
        step="[newsletter] page in mailer.toml, or the whole address",
    ),
    Check(
        id="W128",
        finds="a link without an address; its words stay",
        why="Readers see words that look like the others.",
        step="write where it leads",
    ),
    Check(
        id="E129",
        finds="variants of one issue that do not fit together",
        why="One issue goes out once: people would get nothing, or what is not ready.",
        step="one file for everybody; list, send_at and draft as it has them",
    ),
    Check(
        id="E130",
        finds="an image file that is missing, or of a kind that mail does not show",
        why="Readers would see a broken image.",
        step="put the file where it says, or correct the address",
    ),
    Check(
        id="W131",
        finds="an image without alt text, or with a file name for one",
        why="It is all that people see who block images, and all that others hear.",
        step='`![what it shows](…)`; an image that only decorates: `<img src="…" alt="">`',
    ),
    Check(
        id="W132",
        finds="an image over 1 MB, or more than twice as wide as it is shown",
        why="It is slow on the phone of somebody who pays for each megabyte.",
        step="scale it to twice the width at which it is shown, and compress it",
        network=Network.PARTLY,
    ),
    Check(
        id="W133",
        finds="an SVG, WebP or AVIF image",
        why="Several mail clients show nothing for it.",
        step="PNG for drawings, JPEG for photographs",
    ),
    Check(
        id="W134",
        finds="hardly any text beside images",
        why="Most clients ask before they load images, and filters take such mail for spam.",
        step="say in words what the image says",
    ),
    Check(
        id="W135",
        finds="an image written into its address (`data:`), which was removed",
        why="Gmail and Outlook show nothing for it.",
        step="put the image into a file beside the issue",
    ),
    Check(
        id="E140",
        finds="a personal place that has no value for somebody on the list",
        why="That person would get a broken mail.",
        step='a default: {{ subscriber.name or "reader" }}; who: mailer check ISSUE --who E140',
    ),
    Check(
        id="E150",
        finds="an HTML part over 100,000 bytes, decoded or encoded",
        why="Gmail cuts mail off at about 102,000 bytes, and the unsubscribe link with it.",
        step="shorten the blocks that it names, and link to the rest",
    ),
    Check(
        id="W151",
        finds="an HTML part over 80,000 bytes",
        why="It is near the size where Gmail cuts mail off.",
        step="shorten the blocks that it names, and link to the rest",
    ),
    Check(
        id="W152",
        finds="control characters, which are removed; signs that nobody sees",
        why="They come by copying, break words for who searches, and look like a spammer's trick.",
        step="remove them; most editors can show them",
    ),
    Check(
        id="W153",
        finds="a `<style>` element over 8,192 characters",
        why="Gmail drops it, and with it the layout for phones and for the dark.",
        step="shorten the style sheets in templates/",
    ),
    Check(
        id="I154",
        finds="margins and other finish that were left out, so that the mail is not too large",
        why="Nothing: it looks a little plainer in a few clients.",
        step="nothing",
    ),
    Check(
        id="W155",
        finds="colours of code that were left out, so that the mail is not too large",
        why="Code is harder to read without them.",
        step="shorten the issue to have them again",
    ),
    Check(
        id="W160",
        finds="text that is hard to read upon its ground, in light or in the dark; text in pure "
        "black or white that stays so in the dark",
        why="Below 4.5:1 (3:1 if large) many people cannot read it at all.",
        step="darker or lighter colours in [theme] or templates/",
    ),
    Check(
        id="W161",
        finds="a heading that skips a level, a data table without header cells, no language",
        why="Screen readers jump from heading to heading, name a cell by its header, and speak "
        "the language that the mail names.",
        step="`##` below `#`, `###` below `##`; a first row of headers; language in mailer.toml",
    ),
    Check(
        id="W162",
        finds="small text, small targets for fingers, justified text",
        why="Most mail is read on a phone.",
        step="at least 14 px for text, 24 px for a link that stands alone; no justified text",
    ),
    Check(
        id="W170",
        finds="HTML or CSS that a configured family of mail clients does not support",
        why="Readers with these clients do not see it.",
        step="do without it, or let it only decorate",
    ),
    Check(
        id="W180",
        finds="a score of SpamAssassin or rspamd over the limit, with the rules that made it",
        why="Other machines with these rules take the mail for spam.",
        step="mend what the rules name, the highest first",
    ),
    Check(
        id="E190",
        finds="no unsubscribe link in HTML or text, no postal address, list headers not formed",
        why="Law and providers ask for them, and who finds no way out takes the spam button.",
        step="let the template's footer show unsubscribe_url and newsletter.address",
    ),
    Check(
        id="W191",
        finds='"attached" without an attachment, a weekday that its date is not, last year\'s ©',
        why="Readers look for what is not there, or come on the wrong day.",
        step="correct what it names",
    ),
    Check(
        id="W192",
        finds="`ignore` without a reason, of what cannot be ignored, or of what is not found",
        why="It would let pass what somebody else writes there later.",
        step='ignore: {W113: "why"}, or take the entry out',
    ),
    Check(
        id="E201",
        finds="an MJML tag or attribute that does not exist",
        why="It would do nothing, or stand in the mail as it is.",
        step="correct the line of the template",
    ),
    Check(
        id="E202",
        finds="an MJML tag where it may not stand",
        why="MJML would drop it, or the mail falls apart.",
        step="move it to the place that it names",
    ),
    Check(
        id="E203",
        finds="MJML that is not well-formed",
        why="Nothing can be made of it.",
        step="close the tag that it names",
    ),
    Check(
        id="E204",
        finds="a template that is missing, broken, or asks for a name that nobody knows",
        why="The mail would have a hole there.",
        step="correct the line of the template",
    ),
    Check(
        id="E205",
        finds="a template that makes too much or never ends; text that is nested too deeply",
        why="It would block everything else, or lose its end in many clients.",
        step="make less there",
    ),
)
"""All checks in the order of their numbers."""

BY_ID: Final = {check.id: check for check in CHECKS}
