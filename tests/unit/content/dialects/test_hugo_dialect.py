"""Hugo and Zola."""

from __future__ import annotations

import pytest

from mailer.content.dialects import translate

TWEET = '<a href="https://twitter.com/i/status/123">https://twitter.com/i/status/123</a>'
YOUTUBE = '<iframe src="https://www.youtube.com/embed/abcdefghijk"></iframe>'


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{{< youtube abcdefghijk >}}", YOUTUBE),
        ('{{ youtube(id="abcdefghijk") }}', YOUTUBE),
        ('{{ youtube_player(video_id="abcdefghijk") }}', YOUTUBE),
        ("{{< vimeo 146022717 >}}",
         '<iframe src="https://player.vimeo.com/video/146022717"></iframe>'),
        ('{{< video src="/a.mp4" poster="/b.png" title="C" >}}',
         '<video src="/a.mp4" poster="/b.png" title="C"></video>'),
        ('{{< tweet user="ann" id="123" >}}', "<https://twitter.com/ann/status/123>"),
        ("<center>{{< tweet 123 >}}</center>",
         f"<center>{TWEET}</center>"),
        ("{{< gist ann 1a2b >}}", "<https://gist.github.com/ann/1a2b>"),
        ("{{< instagram BWN >}}", "<https://www.instagram.com/p/BWN>"),
        ('{{< figure src="/a b.png" >}}', "![](/a%20b.png)"),
        ('{{< figure src="/a.png" alt="A" link="/c" >}}', "[![A](/a.png)](/c)"),
        ('{{< figure\n  src="/a.png"\n  caption="B *c*" />}}',
         '<figure><img src="/a.png" alt=""><figcaption>B <em>c</em></figcaption></figure>\n\n'),
        ('{{< figure src="/a.png" title="`b`" >}}', "![\\`b\\`](/a.png)"),
        ('{{< highlight go "linenos=table" >}}\n{{< x >}}\n{{< /highlight >}}',
         "```go\n{{< x >}}\n```"),
        ("{{</* figure */>}}", "&#123;{< figure >}}"),
        ("{{/* hidden */}}a", "a"),
        ('{{% notice tip "T" %}}\na\n{{% /notice %}}', "/// tip | T\na\n///"),
        ('{{< admonition type=quote title="" >}}\na\n{{< /admonition >}}', ">\n> a\n>"),
        ('{{% alert title="T" color="warning" %}}\na\n{{% /alert %}}', "/// warning | T\na\n///"),
        ("{{< note >}}a{{< /note >}}", "a"),
        ("\n{{< note >}}a{{< /note >}}\n\n{{< tip >}}b{{< /tip >}}\n", "/// note\na\n///\nb\n"),
        ('{{< details "S" >}}\na\n{{< /details >}}', "/// details | S\na\n///"),
        ('{% quote(author="Ann") %}\na\n{% end %}', ">\n> a  \n> — Ann"),
        ('{{< tab "Oak" >}}\na\n{{< /tab >}}', "**Oak**  \na\n"),
        ('{{< button href="/a" >}}Go *on*{{< /button >}}', '<a href="/a">Go *on*</a>'),
        ('{{< button href="/a" text="Go" >}}', "[Go](/a)"),
        ('[a]({{< ref "/blog/b.md#c" >}}) [d]({{% relref "e.md" %}})', "[a](/blog/b/#c) [d](/e/)"),
        ("[a](@/blog/2026-11-24-b.md) [c](@/d/_index.md)\n\n[e]: @/f.md",
         "[a](/blog/b/) [c](/d/)\n\n[e]: /f/"),
        ('{{ get_url(path="@/a/b.md") }}', "/a/b/"),
        ('{{< param "city" >}} {{< param author >}}', "Lisbon Ann"),
        ('Bevy {{t(type="struct", name="App")}} is', "Bevy App is"),
        ("By {{< gh @ann @bo/x >}} for {{< gh 12 #14 >}}.", "By @ann @bo/x for 12 #14."),
        ('Thanks to {{< gh "@bep" >}} for {{<gh 2847 >}}.', "Thanks to @bep for 2847."),
        ("a\n{.lead #x}\n\nb", "a\n\n\nb"),
        ("{{< rawhtml >}}\n<b>a</b>\n{{< /rawhtml >}}", "\n<b>a</b>\n"),
        ("{{< toc >}}\na", "\na"),
        ("{{< youtube abcdefghijk >}}\n*a*", f"<span>{YOUTUBE}</span>\n*a*"),
        ('{{ youtube(id="abcdefghijk") }}\n*a*', f"<span>{YOUTUBE}</span>\n*a*"),
        ("- {{< youtube abcdefghijk >}}\n  a", f"- <span>{YOUTUBE}</span>\n  a"),
    ],
)  # fmt: skip
def test_shortcodes_become_plain(written: str, expected: str) -> None:
    fields = {"params": {"city": "Lisbon"}, "extra": {"author": "Ann"}}
    result = translate(written, dialect="hugo", fields=fields)
    assert expected == result.body
    assert {each.id for each in result.findings} <= {"W112"}
    assert "{{" not in result.body.replace("{{< x >}}", "")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{{< subscribe >}}", ""),
        ('{{< write "Plan your game" >}}', "Plan your game"),
        ("{{< columns >}}\na\n{{< /columns >}}", "\na\n"),
        ("{{% unknown %}}\na\n{{% /unknown %}}", "\na\n"),
        ("a\n{{< /orphan >}}\nb", "a\n\nb"),
        ("{{ counter() }}", ""),
    ],
)
def test_unknown_shortcodes_lose_no_words(written: str, expected: str) -> None:
    result = translate(written, dialect="hugo")
    assert expected == result.body
    assert {each.id for each in result.findings} <= {"W112"}


@pytest.mark.parametrize(
    "written",
    ["It costs {{< price >}} now.", "{{ .Title }}", "{{< broken", "{{ in }} is a function"],
)
def test_holes_and_leftovers_are_refused(written: str) -> None:
    assert "E118" in {each.id for each in translate(written, dialect="hugo").findings}
