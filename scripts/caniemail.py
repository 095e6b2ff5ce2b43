"""Reduce caniemail's data to what `mailer check` asks of it (W170).

    npm pack caniemail && tar -xzf caniemail-*.tgz
    python scripts/caniemail.py package/dist/data/caniemail.json

It writes mailer/check/caniemail/features.json: of each feature whose lack would lose words or
break a mail apart, the support of each family of clients. What only decorates (rounded corners,
shadows, transitions) is left out: a client without it shows a plainer mail and nothing is lost.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

FAMILIES = {
    "apple-mail": ("apple-mail/macos", "apple-mail/ios"),
    "gmail": ("gmail/desktop-webmail", "gmail/ios", "gmail/android"),
    "outlook": ("outlook/outlook-com", "outlook/macos", "outlook/ios", "outlook/android"),
    "outlook-windows": ("outlook/windows",),
    "yahoo": ("yahoo/desktop-webmail", "yahoo/ios", "yahoo/android"),
    "samsung": ("samsung-email/android",),
    "thunderbird": ("thunderbird/macos", "thunderbird/windows"),
    "proton": ("protonmail/desktop-webmail", "protonmail/ios", "protonmail/android"),
    "gmx": ("gmx/desktop-webmail", "gmx/ios", "gmx/android"),
    "web-de": ("web-de/desktop-webmail", "web-de/ios", "web-de/android"),
    "fastmail": ("fastmail/desktop-webmail",),
    "hey": ("hey/desktop-webmail",),
    "orange": ("orange/desktop-webmail", "orange/ios", "orange/android"),
    "mail-ru": ("mail-ru/desktop-webmail",),
}
"""Our families (`mailer.model.CLIENTS`), each with the clients of theirs that it stands for."""

# What is looked for in a mail: e an element, a an attribute, p a property, v property and value,
# f a function, u a unit, @ an at-rule, : a pseudo-class or element, i the ending of an image.
FEATURES = {
    "css-at-import": "@import",
    "css-background-image": "p:background-image",
    "css-block-inline-size": "p:inline-size p:block-size",
    "css-clip-path": "p:clip-path",
    "css-conic-gradient": "f:conic-gradient",
    "css-direction": "p:direction",
    "css-display-flex": "v:display:flex v:display:inline-flex",
    "css-display-grid": "v:display:grid v:display:inline-grid",
    "css-display-none": "v:display:none",
    "css-float": "p:float",
    "css-function-clamp": "f:clamp",
    "css-function-light-dark": "f:light-dark",
    "css-function-max": "f:max",
    "css-function-min": "f:min",
    "css-inset": "p:inset",
    "css-linear-gradient": "f:linear-gradient",
    "css-margin-inline-block": "p:margin-inline p:margin-block",
    "css-margin-inline-start-end": "p:margin-inline-start p:margin-inline-end",
    "css-mask-image": "p:mask-image",
    "css-modern-color": "f:lch f:oklch f:lab f:oklab",
    "css-nesting": "nesting",
    "css-padding-inline-block": "p:padding-inline p:padding-block",
    "css-padding-inline-start-end": "p:padding-inline-start p:padding-inline-end",
    "css-position": "p:position",
    "css-pseudo-class-checked": ":checked",
    "css-pseudo-element-after": ":after",
    "css-pseudo-element-before": ":before",
    "css-pseudo-element-marker": ":marker",
    "css-radial-gradient": "f:radial-gradient",
    "css-rgba": "f:rgba",
    "css-text-orientation": "p:text-orientation",
    "css-text-transform": "p:text-transform",
    "css-transform": "p:transform",
    "css-unit-calc": "f:calc",
    "css-unit-ch": "u:ch",
    "css-unit-ex": "u:ex",
    "css-unit-rem": "u:rem",
    "css-unit-vh": "u:vh",
    "css-unit-vmax": "u:vmax",
    "css-unit-vmin": "u:vmin",
    "css-unit-vw": "u:vw",
    "css-variables": "f:var",
    "css-visibility": "p:visibility",
    "css-white-space": "p:white-space",
    "css-writing-mode": "p:writing-mode",
    "html-audio": "e:audio",
    "html-background": "a:background",
    "html-base": "e:base",
    "html-button-submit": "e:button",
    "html-dialog": "e:dialog",
    "html-form": "e:form",
    "html-hidden": "a:hidden",
    "html-image-maps": "a:usemap",
    "html-input-checkbox": "e:input",
    "html-link": "e:link",
    "html-marquee": "e:marquee",
    "html-meter": "e:meter",
    "html-object": "e:object",
    "html-popover": "a:popover",
    "html-progress": "e:progress",
    "html-select": "e:select",
    "html-svg": "e:svg",
    "html-textarea": "e:textarea",
    "html-video": "e:video",
    "image-bmp": "i:bmp",
    "image-heif": "i:heif i:heic",
    "image-ico": "i:ico",
    "image-mp4": "i:mp4",
    "image-tiff": "i:tiff i:tif",
}

TARGET = Path(__file__).resolve().parents[1] / "mailer/check/caniemail/features.json"


def support(feature: dict[str, Any], clients: tuple[str, ...]) -> str:
    """The worst support among some clients' newest versions: y, a (partly), n or u (unknown)."""
    found = set()
    for client in clients:
        family, platform = client.split("/")
        versions = feature["stats"].get(family, {}).get(platform, {})
        if versions:
            found.add(list(versions.values())[-1][0])
    return next((mark for mark in "nay" if mark in found), "u")


def reduced(data: dict[str, Any]) -> dict[str, Any]:
    """The part of the data that is asked for."""
    by_slug = {feature["slug"]: feature for feature in data["data"]}
    features: dict[str, list[str]] = {}
    for slug, uses in FEATURES.items():
        feature = by_slug[slug]
        marks = "".join(support(feature, clients) for clients in FAMILIES.values())
        if "n" in marks:
            features |= {use: [feature["title"], slug, marks] for use in uses.split()}
    return {
        "source": f"caniemail.com {data['last_update_date'][:10]}, MIT, see LICENSE",
        "families": list(FAMILIES),
        "features": features,
    }


def main() -> None:
    """Read caniemail's data, write ours: a line for each feature, so that a change can be read."""
    data = reduced(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    features = ",\n".join(
        f"    {json.dumps(use)}: {json.dumps(row)}" for use, row in sorted(data["features"].items())
    )
    TARGET.write_text(
        f'{{\n  "source": {json.dumps(data["source"])},\n'
        f'  "families": {json.dumps(data["families"])},\n'
        f'  "features": {{\n{features}\n  }}\n}}\n',
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
