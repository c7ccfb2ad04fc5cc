"""Numbers with units, as people type them: `50ms`, `1.5h`, `64k`, `0x1f`."""

from __future__ import annotations

from fivetuple.model.errors import BadInput

US_PER_UNIT = {
    "us": 1, "µs": 1, "ms": 1_000, "s": 1_000_000, "m": 60_000_000, "min": 60_000_000,
    "h": 3_600_000_000, "d": 86_400_000_000,
}  # fmt: skip
BYTES_PER_UNIT = {
    f"{letter}{ending}": 1024**power
    for power, letter in enumerate(("", "k", "m", "g", "t"))
    for ending in ("", "b", "ib")
    if letter or ending != "ib"
}
LARGEST = 2**64  # no column of RECORD holds more
_DIGITS = frozenset("0123456789.")


def parse_duration_us(text: str, bare_unit: str | None = None) -> int | float:
    """Return the microseconds of `50ms`, `2s`, `1.5h`.

    bare_unit: the unit of a number without one; None: a unit must be there.

    Raises:
        BadInput: this is no time, or its unit is missing.
    """
    number, unit = _split(text)
    if number is None or (unit and unit not in US_PER_UNIT):
        raise BadInput(
            f"'{text}' is not a time; write it like 50ms, 2s or 1.5h (units: us, ms, s, min, h, d)"
        )
    if number and not unit and bare_unit is None:
        raise BadInput(f"'{text}' has no unit; write {text}us, {text}ms or {text}s")
    return exact(number * US_PER_UNIT[unit or bare_unit or "us"])


def parse_size_bytes(text: str) -> int | float:
    """Return the bytes of `1500`, `64k`, `1.5M`, `2GiB`: every unit is a power of 1024.

    Raises:
        BadInput: this is no amount of bytes.
    """
    number, unit = _split(text)
    if number is None or unit.lower() not in BYTES_PER_UNIT:
        raise BadInput(
            f"'{text}' is not an amount of bytes; write it like 1500, 64k or 1.5M (units: k, M, G, T of 1024)"
        )
    return exact(number * BYTES_PER_UNIT[unit.lower()])


def parse_count(text: str) -> int:
    """Return the number of `12` or `0x1f`.

    Raises:
        BadInput: this is no whole number, or a larger one than any socket has.
    """
    is_hexadecimal = text[:2] in ("0x", "0X")
    digits = text[2:] if is_hexadecimal else text
    if not (digits.isascii() and digits.isalnum()) or len(digits) > 20:
        raise BadInput(f"'{text}' is not a whole number")
    try:
        number = int(digits, 16 if is_hexadecimal else 10)
    except ValueError:
        raise BadInput(f"'{text}' is not a whole number") from None
    if number >= LARGEST:
        raise BadInput(f"{text} is more than any socket has")
    return number


def _split(text: str) -> tuple[float | int | None, str]:
    """Cut a text into its number (None: it has none) and its unit."""
    end = 0
    while end < len(text) and text[end] in _DIGITS:
        end += 1
    digits = text[:end]
    if not digits.strip(".") or digits.count(".") > 1 or len(digits) > 24:
        return None, ""
    return (float(digits) if "." in digits else int(digits)), text[end:].strip()


def exact(number: float) -> int | float:
    """Return a whole number as int, so that large ones stay exact; others to three places."""
    rounded = number if isinstance(number, int) else round(number, 3)
    return int(rounded) if rounded == int(rounded) else rounded
