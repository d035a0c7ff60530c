"""pkt-line: how git frames its messages, four hex digits of length before each.

Spec: https://git-scm.com/docs/gitprotocol-common#_pkt_line_format
"""

from collections.abc import Iterator

from llmos.kit.errors import Invalid

FLUSH = b"0000"
DELIMITER = b"0001"
RESPONSE_END = b"0002"
LONGEST = 65516  # bytes of payload in one line


class MalformedPacket(Invalid):
    """The length is no number, or promises more bytes than there are."""


def encode(line: bytes | str) -> bytes:
    """One packet. Raises ValueError over LONGEST bytes."""
    payload = line.encode() if isinstance(line, str) else line
    if len(payload) > LONGEST:
        raise ValueError(f"a pkt-line holds {LONGEST} bytes, not {len(payload)}")
    return b"%04x%s" % (len(payload) + 4, payload)


def decode(stream: bytes) -> Iterator[bytes | None]:
    """Payloads in order; None for flush, delimiter and response-end. Raises MalformedPacket."""
    position = 0
    while position < len(stream):
        try:
            length = int(stream[position : position + 4].decode("ascii"), 16)
        except (UnicodeDecodeError, ValueError) as error:
            raise MalformedPacket(f"No pkt-line length at byte {position}") from error
        if length <= 2:
            yield None
            position += 4
            continue
        if length < 4 or position + length > len(stream):
            raise MalformedPacket(f"The pkt-line at byte {position} is cut short")
        yield stream[position + 4 : position + length]
        position += length
