"""A1111's `modules.extra_networks`: the tags in prompts."""

import json
import re
from collections import defaultdict

extra_network_registry = {}
extra_network_aliases = {}
re_extra_net = re.compile(r"<(\w+):([^>]+)>")


class ExtraNetworkParams:
    """What a tag says: positional parts and named ones."""

    def __init__(self, items=None):
        self.items = items or []
        self.positional, self.named = [], {}
        for item in self.items:
            name, sign, value = item.partition("=") if isinstance(item, str) else (item, "", "")
            if sign:
                self.named[name] = value
            else:
                self.positional.append(item)

    def __eq__(self, other):
        return self.items == other.items


class ExtraNetwork:
    """A kind of tag."""

    def __init__(self, name):
        self.name = name

    def activate(self, p, params_list):
        """Its tags were found."""
        raise NotImplementedError

    def deactivate(self, p):
        """The pictures are made."""
        raise NotImplementedError


def initialize():
    """Forget all kinds."""
    extra_network_registry.clear()
    extra_network_aliases.clear()


def register_extra_network(extra_network):
    """A kind of an extension's."""
    extra_network_registry[extra_network.name] = extra_network


def register_extra_network_alias(extra_network, alias):
    """Another name for it."""
    extra_network_aliases[alias] = extra_network


def register_default_extra_networks():
    """The program's own kinds need no registration."""


def parse_prompt(prompt):
    """(The prompt without its tags, the tags by kind)."""
    found = defaultdict(list)

    def taken(match):
        found[match.group(1)].append(ExtraNetworkParams(items=match.group(2).split(":")))
        return ""

    return re.sub(re_extra_net, taken, prompt), found


def parse_prompts(prompts):
    """The same of several; the tags are the first one's."""
    bare, first = [], None
    for prompt in prompts:
        text, found = parse_prompt(prompt)
        first = found if first is None else first
        bare.append(text)
    return bare, first


def lookup_extra_networks(extra_network_data):
    """The registered kinds among tags."""
    return {
        extra_network_registry[kind]: args
        for kind, args in extra_network_data.items()
        if kind in extra_network_registry
    }


def activate(p, extra_network_data):
    """Let registered kinds act on their tags."""
    for network, args in lookup_extra_networks(extra_network_data).items():
        network.activate(p, args)


def deactivate(p, extra_network_data):
    """And undo it."""
    for network in lookup_extra_networks(extra_network_data):
        network.deactivate(p)


def get_user_metadata(filename, lister=None):
    """The notes beside a file."""
    try:
        with open(re.sub(r"\.\w+$", ".json", filename), encoding="utf8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}
