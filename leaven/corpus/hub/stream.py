"""One file of a data set, to be read and sought in like a local one.

A copy in the local cache is opened as it is. Else bytes come by range requests, in blocks of which a few are kept: a
reader of Parquet fetches only the row groups it wants, and a connection that dies after gigabytes costs the block it
died in.
"""

from __future__ import annotations

import io
import re
import time
from collections import OrderedDict
from typing import Any, BinaryIO, cast

from leaven.corpus.hub import snapshot
from leaven.corpus.hub.address import Address
from leaven.corpus.hub.client import endpoint, explained, is_transient, library
from leaven.ground.errors import LeavenError

BLOCK = 4 << 20
"""Bytes of one request."""
KEPT = 4
"""Blocks kept in memory."""
WAITS = (1.0, 5.0, 20.0, 60.0)
"""Seconds before each further try, after the library's own tries (five, of up to 8 s, or as the hub asks) are spent."""
TIMEOUT = 60.0
"""Seconds without a byte until a request counts as broken."""

_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+)")


def open_remote(url: str, *, offline: bool = False) -> BinaryIO:
    """The file at `hf://datasets/owner/name@<commit>/path`, open for reading, at most 16 MB of it in memory.

    Raises:
        BadInput: not an address; no such file; no right to read it; offline and not in the local cache.
        LeavenError: the hub cannot be reached. Also from later reads, after patient tries.
    """
    address = Address.parse(url)
    if here := snapshot.local_file(address.dataset, address.commit, address.path):
        return here.open("rb")
    if offline or snapshot.is_offline():
        snapshot.require_local(address.dataset, address.commit, [address.path])
    return cast(BinaryIO, io.BufferedReader(RemoteFile(address, BLOCK), buffer_size=1 << 16))


class RemoteFile(io.RawIOBase):
    """Bytes of one file of the hub, fetched block by block as they are read."""

    def __init__(self, address: Address, block: int) -> None:
        super().__init__()
        self._address, self._block, self._position = address, block, 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._library = library()
        self._url = self._library.hf_hub_url(
            address.dataset, address.path, repo_type="dataset", revision=address.commit, endpoint=endpoint()
        )
        self.size = -1
        self._fetched(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise ValueError("seek before the start of a file")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        number, start = divmod(self._position, self._block)
        if self._position >= self.size:
            return 0
        piece = memoryview(self._fetched(number))[start : start + len(buffer)]
        buffer[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def close(self) -> None:
        self._blocks.clear()
        super().close()

    def _fetched(self, number: int) -> bytes:
        if number in self._blocks:
            self._blocks.move_to_end(number)
            return self._blocks[number]
        for wait in (*WAITS, None):
            try:
                data = self._range(number * self._block)
                break
            except Exception as error:
                if wait is None or not is_transient(error):
                    raise explained(error, self._address.dataset, self._address.path) from None
                time.sleep(wait)
        self._blocks[number] = data
        while len(self._blocks) > KEPT:
            self._blocks.popitem(last=False)
        return data

    def _range(self, start: int) -> bytes:
        """One block; the first answer also tells how long the file is."""
        utils = self._library.utils
        headers = {**utils.build_hf_headers(), "Range": f"bytes={start}-{start + self._block - 1}"}
        # Compressed on the way, the bytes would not be those of the range.
        headers["Accept-Encoding"] = "identity"
        response = utils.http_backoff("GET", self._url, headers=headers, timeout=TIMEOUT)
        told = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if response.status_code == 416 and told and told[2] == "0":
            self.size = 0
            return b""
        utils.hf_raise_for_status(response)
        data: bytes = response.content
        if response.status_code == 200 and start == 0 and len(data) <= self._block:
            self.size = len(data)
        elif response.status_code != 206 or not told or int(told[1] or -1) != start:
            raise LeavenError(f"the hub does not serve {self._address.path} of {self._address.dataset} in parts")
        elif self.size not in (-1, int(told[2])):
            raise LeavenError(f"{self._address.path} of {self._address.dataset} changed while it was read")
        else:
            self.size = int(told[2])
        if len(data) != min(self._block, self.size - start):
            raise ConnectionError("a part of a file ended early")
        return data
