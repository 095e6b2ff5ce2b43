"""Documents as people write them, badly: all that the reference reads in them is read."""

from __future__ import annotations

from collections import Counter
from textwrap import dedent

import pytest

from mailer.content.engine import to_html
from tests.samples.reference import expected, links, outline, words

NASTY = {
    "list below its heading line": """
        **News**
        * [Harbour open](https://a.example/1)
        * [Lock 4 shut](https://a.example/2) - until
        Monday, says the *master*
          * and [the tide table](/tides)
            is new
        """,
    "three ways to nest": """
        - two
          - three
             - four
            - four again
        1. one
           1. one.one
              - mark
        2) two, but another list
        """,
    "nested by tabs": "- a\n\t- b\n\t\t- c\n\n\t\t  text of c\n\ttext of a\n",
    "items far from their marks": "-    a\n\n     b\n-      code?\n\n10.  ten\n\n     text\n",
    "code below an item at the margin": "1. Run\n```sh\nmake\n```\n2. Wait\n```\ndone\n```\n",
    "code in an item, half indented": (
        "* Run\n\n  ```sh\n  make\n   -j2\n ```\n  or\n\n      make -j2\n"
    ),
    "a fence that nobody closes": (
        "Text\n\n> ```js\n> let a = [b](c)\n\nAfter [all](/d)\n\n```\n[no](/e)\n"
    ),
    "a fence within a longer one": "````md\n```js\n*x*\n```\n````\n\n~~~~\n```\n~~~\n~~~~\n",
    "references of a code newsletter": """
        - [`Vec::leak`] is stable, so is [`Box::<T>::new`][new]
        - [*Sails*][] and [the `jib`][JIB]; [not one][missing]

        [`Vec::leak`]: https://a.example/leak
        [new]: <https://a.example/new?a=b&c=d> 'New'
        [*Sails*]:
            https://a.example/sails
        [jib]: https://a.example/jib "The
        jib"
        """,
    "references that interrupt": (
        "Text\n[a]: /not-one\n\n[b]: /b\nText [a] [b]\n# [b]\n[b]: /second\n"
    ),
    "pull requests": (
        "- Fix #1234 by @me ([#12](https://a.example/12), [#13][])\n#14 too\n\n[#13]: /13\n"
    ),
    "tags, not headings": (
        "#news #boats\n\n#1 reason\n\n####### seven\n\n\\# escaped\n\n# \n\n## ##\n"
    ),
    "headings without air": "# A\nText\n## B\n- c\n### D ###\n> e\n#### F `#`\n",
    "headings by lines": "Two\nlines\n=====\nText\n----\n- item\n---\n> quote\n===\n",
    "rules and marks": "***\n- - -\n* *\n** *\n___\n_ _ _ _ a\n-\n--\n\n--\n",
    "a table after a sentence": """
        Arrivals:
        | Ship | From | Cargo |
        |:-----|:----:|------:|
        | *Ann* | [Bay](/bay) | `1 t` |
        | Bea \\| Cee | | 2 t
        Dora | Fjord
        > not a row
        """,
    "no tables": "a | b | c\n\n| a |\n\n|---|\n\nx | y\n- | -\n\n| a | b |\n| - |\n",
    "a table in an item in a quote": (
        "> 1. Look\n>    | a | b |\n>    |---|---|\n>    | 1 | 2 |\n>\n> End\n"
    ),
    "quotes one below another": "> a\n\n> b\n>\n> c\n>> d\ne\n\n>f\n> \n> g\n",
    "quote with everything": (
        "> # h\n> - a\n>   - b\n>\n>   c\n>\n>     d\n> 1. e\n>\n> ***\n> f\n"
    ),
    "lazy all the way": "> - a\nb\n> c\n\n1. > d\ne\n",
    "breaks": (
        "One  \ntwo\\\nthree \nfour\n\n*five  \nsix\\\nseven*\n\n# eight\\\n\n`nine\\\nten`\n"
    ),
    "emphasis everywhere": (
        "***a** b* **a *b*** *a **b*** _a_b_c_ __a__b a*b*c **a**b ** c ** *d *e* **f*g\n"
    ),
    "emphasis across links": "*a [b*](c) **d [*e* **f](g)** h** [*i](j)* _[k](l_)\n",
    "links with odd addresses": """
        [a](https://a.example/b_(c)) [d](</e f>) [g]( /h "i (j)" ) [k](/l 'm "n"')
        [o](/p "q) [r](/s\\)t) [u](v w) [x]() [y](#z) [1](?a=b&copy=c) [2](/a&amp;b)
        """,
    "brackets": (
        "[a] [b[c](/d)] [[e](/f)](/g) \\[h](/i) [j\\](/k) ![l [m](/n)](/o) ]p[ []( [](/q)\n"
    ),
    "images": "![](/a.png)![*b* `c`](/d.png 'e')[![f](/g.png)](/h)\n\n- ![i][j]\n\n[j]: /k.png\n",
    "code spans": "`` a ` b `` `c\nd` ``e` `f`` ` ` ``` `` ``` `g\\` h` `[i](j)` <k `l> m`\n",
    "entities and signs": (
        "AT&T &amp; &lt;a&gt; &copy &copy; &#38; &#x26; &bogus; 1 < 2 > 1 &&& a&b=c\n"
    ),
    "escapes": (
        "\\* \\_a\\_ \\`b\\` \\[c\\](d) \\<e> \\& \\\\ \\a \\| \\! \\# f\n\n\\- g\n\n"
        "1\\. h\n\n\\> i\n"
    ),
    "centred pictures of a readme": """
        <p align="center">
          <img src="/a.png" alt="a">
          **no Markdown**
        </p>

        <h1>Title</h1>
        text of the block

        **Markdown**
        """,
    "details with a list": """
        <details>
        <summary>More <b>news</b></summary>

        - a [link](/b)

          ```
          </details>
          ```

        </details>
        After *it*
        """,
    "html in the middle": (
        "Text <br> <span class='a'>*b*</span> <a href=\"/c\">d `e`</a>\n<hr>\nf\n\n<b>g</b>\nh\n"
    ),
    "comments": "<!-- a\n\n- b\n--> c\n\nd <!-- e --> f <!-- --> g\n\n<!-- h --> *i*\n\n*j*\n",
    "html without end": "<div>\n<p>a\n\nb *c*\n\n</section>\n\n<ul><li>d\n\n- e\n",
    "types in prose": "A Vec<T> and a Map<K, V>, <T>, a<b, x <- y, <3, 1<2>3, <foo@bar>\n",
    "bottom of a file": 'Text\n\n[a]: /b\n\n---\n\n[c]: /d "e\n\n- \n-\n\n>\n\n#\n\n```',
    "windows": "# A\r\n\r\n- b\r\n  - c\r\n\r\n```\r\nd\r\n```\r\n",
    "scripts": "# 新闻 📰\n\n- **重要** 的 [链接](https://a.example/新)\n\n> Ünïcödé `ß`\n",
    "invisible": "\ufeffa\u00a0b\u200bc\u00adx\n\n-\u00a0d\n",
    "a poem": "Roses  \n&nbsp;&nbsp;are red  \n\n    Violets\n    are code\n  \n \n\t\nEnd\n",
    "dialogue": (
        "- Who?\n\n- *Me.*\n- And?\n\n\n- Nothing. 1986. A great year.\n1986\\. No list.\n"
    ),
}


def body_of(name: str) -> str:
    return dedent(NASTY[name]).lstrip("\n")


@pytest.mark.parametrize("name", NASTY)
def test_a_nasty_document_is_read_as_by_the_reference(name: str) -> None:
    body = body_of(name)
    assert expected(body) == outline(to_html(body))


@pytest.mark.parametrize("name", NASTY)
def test_no_word_and_no_link_is_lost_of_it_in_a_call_out(name: str) -> None:
    """The same holds within our own containers."""
    body = body_of(name).replace("\r\n", "\n").rstrip("\n")
    tree = outline(to_html(f"/// tip | Title\n{body}\n"))
    reference = expected(body)
    assert ["Title", *words(reference)] == words(tree)
    assert not Counter(links(reference)) - Counter(links(tree))
