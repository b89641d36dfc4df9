"""Graphics cards by their numbers, as other programs count them: ``--device 0`` is ``cuda:0``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from maskrcnn.checks import device_named, usable_device
from maskrcnn.errors import UsageError

FLAG = "--device"
NUMBER = "cuda:"


def with_devices_named(arguments: Sequence[str], say: Callable[[str], None]) -> list[str]:
    """Put the name of a device in the place of its number.

    A card that is not there is no error, since these lines are copied from one machine to the next: Apple's is taken
    where there is one, else the processor, and that is said.

    Args:
        arguments: of the command line.
        say: takes the sentence.

    Returns:
        The arguments.
    """
    words = list(arguments)
    for i, word in enumerate(words):
        flag, equals, value = word.partition("=")
        place = i if equals else i + 1
        if flag != FLAG or place >= len(words):
            continue
        given = value if equals else words[place]
        named = device_named(given)
        if named.startswith(NUMBER) and named != given:
            named = _there(given, named, say)
        words[place] = f"{FLAG}={named}" if equals else named
    return words


def _there(given: str, named: str, say: Callable[[str], None]) -> str:
    if "," in given:
        say(f"note: one process runs on one device: of {FLAG} {given} it is {named}; torchrun starts several.")
    for device in (named, "mps"):
        try:
            usable_device(device)
        except UsageError:
            continue
        break
    else:
        device = "cpu"
    if device != named:
        say(f"note: there is no graphics card {named} on this machine, so it runs on {device}.")
    return device
