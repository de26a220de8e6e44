#!/usr/bin/env python3
"""Prints a bill of materials (CycloneDX 1.5) of what the program is built from, as Cargo.lock has it.

Development dependencies are not in it: they are in no package.
"""

import json
import re
import subprocess

metadata = json.loads(
    subprocess.run(
        ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", "x86_64-unknown-linux-gnu"],
        check=True,
        stdout=subprocess.PIPE,
    ).stdout
)
packages = {package["id"]: package for package in metadata["packages"]}
nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
root = metadata["resolve"]["root"]


def needs(node):
    """What a package needs to run or to be built; not what its tests need."""
    return [dep["pkg"] for dep in nodes[node]["deps"] if any(kind["kind"] != "dev" for kind in dep["dep_kinds"])]


def purl(node):
    return f"pkg:cargo/{packages[node]['name']}@{packages[node]['version']}"


seen, left = set(), [root]
while left:
    node = left.pop()
    if node not in seen:
        seen.add(node)
        left += needs(node)

checksums, name = {}, None
for line in open("Cargo.lock", encoding="utf-8"):
    key, _, value = line.strip().partition(" = ")
    if key == "name":
        name = value.strip('"')
    elif key == "version":
        version = value.strip('"')
    elif key == "checksum":
        checksums[f"pkg:cargo/{name}@{version}"] = value.strip('"')


def component(node, kind):
    package = packages[node]
    told = {
        "type": kind,
        "bom-ref": purl(node),
        "name": package["name"],
        "version": package["version"],
        "purl": purl(node),
    }
    if package["license"]:
        # Cargo's older way to write OR.
        told["licenses"] = [{"expression": re.sub(r"\s*/\s*", " OR ", package["license"])}]
    if purl(node) in checksums:
        told["hashes"] = [{"alg": "SHA-256", "content": checksums[purl(node)]}]
    return told


parts = sorted(seen - {root}, key=purl)
print(
    json.dumps(
        {
            "bomFormat": "CycloneDX",
            "specVersion": "1.5",
            "version": 1,
            "metadata": {"component": component(root, "application")},
            "components": [component(node, "library") for node in parts],
            "dependencies": [
                {"ref": purl(node), "dependsOn": sorted({purl(dep) for dep in needs(node)})} for node in [root, *parts]
            ],
        },
        indent=1,
    )
)
