"""Jekyll and its kin: Liquid and kramdown."""

from __future__ import annotations

import pytest

from mailer.content.dialects import translate

EXCERPT = "Some *words*\nwith [a link](/x) and {{ y }}"
FIELDS = {"title": "A_b", "author": {"name": "Ann"}, "excerpt": EXCERPT}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{% highlight ruby linenos %}\na `b` {{ c }}\n{% endhighlight %}",
         "```ruby\na `b` {{ c }}\n```"),
        ("{% codeblock lang:js %}\n```\n{% endcodeblock %}", "````js\n```\n````"),
        ("- {% highlight sh %}\n  a\n  {% endhighlight %}", "- ```sh\n  a\n  ```"),
        ("use {% highlight js %}a < b{% endhighlight %}", "use `a < b`"),
        ("{% highlight x %}a\nb<\n{% endhighlight %}", "<pre><code>a\nb&lt;\n</code></pre>"),
        ("{% raw %}a {{ b }} `{{ c }}`{% endraw %}", "a &#123;&#123; b }} `{{ c }}`"),
        ("{% comment %}\nx\n{% endcomment %}a", "\n\na"),
        ("{{ page.title }} {{ page.author.name }}", "A_b Ann"),
        ("[a]({{ site.baseurl }}/b) ![]({{ '/c d.png' | relative_url }})",
         "[a](/b) ![](/c%20d.png)"),
        ("[a]({% post_url 2026-11-24-winter %})", "[a](/2026/11/24/winter.html)"),
        ("[a]({{ site.url }}{% link _posts/2026-11-24-winter.md %})",
         "[a](/2026/11/24/winter.html)"),
        ("[a]({% link docs/b.md %}) {% link c/d.pdf %}", "[a](/docs/b.html) /c/d.pdf"),
        ('{% assign a = "b" %}{{ a }}', "b"),
        ("{{ page.excerpt }}", "Some *words* with [a link](/x) and &#123;&#123; y }}"),
        ("{{ page.title | upcase }} {{ 'a' | append: 'b' }}", "A_B ab"),
        ('{% include figure.html path="/a.png" alt="A" caption="B" %}',
         '<figure><img src="/a.png" alt="A"><figcaption>B</figcaption></figure>'),
        ('{% include figure image_path="/a.png" alt="A" %}', "![A](/a.png)"),
        ('<div class="row">\n{% include figure.html path="/a.png" title="A" %}\n</div>',
         '<div class="row">\n<img alt="A" src="/a.png">\n</div>'),
        ('{% include video id="abcdefghijk" provider="youtube" %}',
         '<iframe src="https://www.youtube.com/embed/abcdefghijk"></iframe>'),
        ("{% youtube abcdefghijk %}",
         '<iframe src="https://www.youtube.com/embed/abcdefghijk"></iframe>'),
        ("{% img left /a.png 300 200 'An A' %}", "![An A](/a.png)"),
        ('<img src="{% img_url a/b.jpg %}">', '<img src="a/b.jpg">'),
        ("{% note warning %}\na\n{% endnote %}", "/// note\na\n///"),
        ("{% callout warning %}\na\n{% endcallout %}", "/// warning\na\n///"),
        ("a\n\n{% callout %} b {% endcallout %}\n\nc", "a\n/// note\n b \n///\nc"),
        ("{% blockquote Ann %}\na\n{% endblockquote %}", ">\n> a\n>"),
        ("* TOC\n{:toc}\n\na", "\n\n\na"),
        ("- This becomes a list\n{:toc .x}", "\n"),
        ("a{: .b} *c*{:.d}\n{: .e #f}\n\n![g](/h){: width='300' .i}",
         "a *c*\n{: #f }\n\n![g](/h){: width='300' }"),
        ("{::nomarkdown}<hr>{:/nomarkdown}{::comment}x{:/comment}", "<hr>"),
        ("{:note: .x}\na", "\na"),
        ("{% seo %}{% include toc.html title='In this post' %}a", "a"),
    ],
)  # fmt: skip
def test_jekyll_becomes_plain(written: str, expected: str) -> None:
    result = translate(written, dialect="jekyll", fields=FIELDS)
    assert expected == result.body
    assert () == result.findings


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{% include lighthouse.html %}", ""),
        ("> {% include x.html a='b' %}", "> "),
        ("{% include card.html title='A title' text='Some words' %}", "A title: Some words"),
        ("{% include qa.md\n  q0='What is it good for?'\n\n  a0='It is good for many things.'\n%}",
         "What is it good for?\n\nIt is good for many things.\n\n"),
        ("{% include button.html text='Read on' url='/x' %}", "[Read on](/x)"),
        ("{% link https://e.example/a %}", "<https://e.example/a>"),
        ("{% link Boats https://e.example/a true %}", "[Boats](https://e.example/a)"),
        ("{% post_link a-storm The big storm %}", "The big storm"),
        ("{% post_link a-storm %}", "a-storm"),
        ("{% column '/a.png' 'A map' %}", "![A map](/a.png)"),
        ("a.{% sidenote 'id' 'By the way' %} b", "a. (By the way) b"),
        ("{% unknown %}\nwords\n{% endunknown %}", "\nwords\n"),
        ("See {% icon fa-star %} here", "See  here"),
        ("See {% icon star %} here", "See  here"),
        ("### {% anchored_title What's new? %}", "### What's new?"),
        ("> ## {%- t 'News' -%}", "> ## News"),
        ("Cross the {% term swing bridge %} slowly", "Cross the swing bridge slowly"),
    ],
)  # fmt: skip
def test_what_is_not_here_goes_and_its_words_stay(written: str, expected: str) -> None:
    result = translate(written, dialect="jekyll")
    assert expected == result.body
    assert {"W112"} >= {each.id for each in result.findings}


@pytest.mark.parametrize(
    "written",
    [
        "{% if page.x %}a{% endif %}",
        "{% for p in site.posts %}\n- x\n{% endfor %}",
        "{% capture x %}a{% endcapture %}",
        "It is {{ site.data.x }}",
        "{{ page.missing }}",
        "Version {% version %} is out.",
        "Version {% skew currentVersion %} is out.",
        "Version {% get_version current %} is out.",
        "It is {% data site_name %}",
        "{{ 'a' | unknown_filter }}",
    ],
)
def test_logic_and_unknown_words_are_refused(written: str) -> None:
    result = translate(written, dialect="jekyll")
    assert "E118" in {each.id for each in result.findings}
    assert "{%" not in result.body


def test_links_that_an_included_file_defines_are_said() -> None:
    body = "See [BIP1][] and [a][known].\n\n{% include references.md %}\n\n[known]: /x"
    found = translate(body, dialect="jekyll").findings
    assert ["[BIP1][] has no address in this file"] == [
        each.message for each in found if "address" in each.message
    ]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{:#new}\n### New\n\nx", "\n### New {: #new }\n\nx"),
        ("a\n\n{:#new}\n### New", "a\n\n\n### New {: #new }"),
        ("## New\n{: #new .big}\n\nx", "## New {: #new }\n\n\nx"),
        ("New\n===\n{: #new}\n", "New {: #new }\n===\n\n"),
        ("## New\n{: .no_toc }\n\nx", "## New\n\n\nx"),
        ("Words.\n{: #p .lead}", "Words.\n{: #p }"),
        ("- a\n- b\n{: #l}", "- a\n- b\n{: #l }"),
        ("| a |\n|---|\n| b |\n{: #t .wide}", "| a |\n|---|\n| b |\n"),
        ("```\nx\n```\n{: #c}", "```\nx\n```\n"),
        ("{: #alone}\nWords.", "\nWords."),
        ("> q\n{: #q}", "> q\n{: #q }"),
    ],
)
def test_attributes_on_their_own_line_go_to_a_heading_or_vanish(
    written: str, expected: str
) -> None:
    assert expected == translate(written, dialect="jekyll").body
