"""Small image files that no common program writes, for image_vectors.py."""

import struct
import zlib

import numpy as np


def bmp(width, height, bits, rows, palette=(), compression=0, masks=(), header=40, top_down=False):
    """A bitmap; `rows` is the pixel data as it lies in the file."""
    table = b"".join(struct.pack("<BBB", *c[::-1]) + b"\0" * (header > 12) for c in palette)
    extra = b"".join(struct.pack("<I", m) for m in masks)
    if header == 12:
        info = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        info = struct.pack("<IiiHHIIiiII", header, width, -height if top_down else height, 1, bits,
                           compression, len(rows), 0, 0, len(palette), 0)
        if header > 40:
            info += extra.ljust(header - 40, b"\0")[:header - 40]
            extra = b""
    start = 14 + len(info) + len(extra) + len(table)
    return b"BM" + struct.pack("<IHHI", start + len(rows), 0, 0, start) + info + extra + table + rows


def packed(a, bits, align=1):
    """Rows of indices with their first in the top bits, padded to `align` bytes."""
    out = b""
    for row in np.asarray(a):
        text = "".join(format(int(v), f"0{bits}b") for v in row)
        text += "0" * (-len(text) % 8)
        data = bytes(int(text[i:i + 8], 2) for i in range(0, len(text), 8))
        out += data + b"\0" * (-len(data) % align)
    return out


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(a, depth, colour, extra=(), interlaced=False):
    """`a` is [H, W] or [H, W, C] of samples."""
    a = np.asarray(a)
    height, width = a.shape[:2]

    def rows(part):
        out = b""
        for row in part.reshape(part.shape[0], -1):
            data = row.astype(">u2").tobytes() if depth == 16 else packed([row], depth)
            out += b"\0" + data
        return out

    passes = [(0, 0, 1, 1)]
    if interlaced:
        passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2),
                  (0, 1, 2, 2), (1, 0, 2, 1)]
    data = b""
    for y, x, dy, dx in passes:
        part = a[y::dy, x::dx]
        if part.size:
            data += rows(part)
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    body = chunk(b"IHDR", head) + b"".join(chunk(k, v) for k, v in extra)
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def tiff(tags, blocks, order="<", tiled=False, big=False):
    """A file of one directory; `tags` are number: (type, values), `blocks` strips or tiles."""
    sizes = {1: 1, 3: 2, 4: 4, 16: 8}
    codes = {1: "B", 3: "H", 4: "I", 16: "Q"}
    offset_tag, count_tag = (324, 325) if tiled else (273, 279)
    kind = 16 if big else 4
    tags = dict(tags)
    tags[count_tag] = (kind, [len(b) for b in blocks])
    tags[offset_tag] = (kind, [0] * len(blocks))
    mark = b"II" if order == "<" else b"MM"
    head = mark + (struct.pack(order + "HHHQ", 43, 8, 0, 16) if big else
                   struct.pack(order + "HI", 42, 8))
    entry = 20 if big else 12
    place = len(head) + (8 if big else 2) + entry * len(tags) + (8 if big else 4)
    long_values = {}
    for tag, (t, values) in sorted(tags.items()):
        if sizes[t] * len(values) > (8 if big else 4):
            long_values[tag] = place
            place += sizes[t] * len(values)
    starts = []
    for b in blocks:
        starts.append(place)
        place += len(b)
    tags[offset_tag] = (kind, starts)
    out = head + struct.pack(order + ("Q" if big else "H"), len(tags))
    tail = b""
    for tag, (t, values) in sorted(tags.items()):
        data = struct.pack(order + codes[t] * len(values), *values)
        if tag in long_values:
            tail += data
            data = struct.pack(order + ("Q" if big else "I"), long_values[tag])
        out += struct.pack(order + ("HHQ" if big else "HHI"), tag, t, len(values))
        out += data.ljust(8 if big else 4, b"\0")
    return out + b"\0" * (8 if big else 4) + tail + b"".join(blocks)


def tiff_of(a, photometric, bits=8, order="<", planar=False, tile=None, rows=None, extra=None,
            more=(), big=False):
    """A TIFF without compression of [H, W, C] samples."""
    a = np.asarray(a)
    height, width, samples = a.shape

    def encode(part):
        if bits >= 16:
            flat = part.reshape(part.shape[0], -1)
            return flat.astype(f"{order}{flat.dtype.kind}{bits // 8}").tobytes()
        return packed(part.reshape(part.shape[0], -1), bits)

    tags = {256: (3, [width]), 257: (3, [height]), 258: (3, [bits] * samples), 259: (3, [1]),
            262: (3, [photometric]), 277: (3, [samples]), 284: (3, [2 if planar else 1])}
    if extra is not None:
        tags[338] = (3, extra)
    tags.update(more)
    planes = [a[:, :, c:c + 1] for c in range(samples)] if planar else [a]
    blocks = []
    for plane in planes:
        if tile:
            tags[322] = tags[323] = (3, [tile])
            for y in range(0, height, tile):
                for x in range(0, width, tile):
                    full = np.zeros((tile, tile, plane.shape[2]), plane.dtype)
                    part = plane[y:y + tile, x:x + tile]
                    full[:part.shape[0], :part.shape[1]] = part
                    blocks.append(encode(full))
        else:
            step = rows or height
            tags[278] = (3, [step])
            blocks += [encode(plane[y:y + step]) for y in range(0, height, step)]
    return tiff(tags, blocks, order, tiled=bool(tile), big=big)
