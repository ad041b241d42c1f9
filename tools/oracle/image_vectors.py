#!/usr/bin/env python3
"""Write small image files and what Pillow decodes from them, for KernelsTests.

usage: image_vectors.py OUT

One line a file: NAME TOLERANCE HEIGHT WIDTH FILE RGB GRAY, the last three in hexadecimal. RGB and
GRAY are Pillow's convert("RGB") and convert("L"); TOLERANCE is the largest difference that
releases of the same library may have. Made with Pillow 13.0.0.
"""

import io
import sys

import numpy as np
from PIL import Image

from image_files import bmp, packed, png, tiff_of

R = np.random.RandomState(7)


def noise(*shape, top=256, dtype=np.uint8):
    return R.randint(0, top, shape).astype(dtype)


def smooth(height, width, channels=3):
    y, x, c = np.mgrid[0:height, 0:width, 0:channels]
    return ((40 * y + 23 * x + 60 * c + 9 * x * y) % 256).astype(np.uint8)


def saved(image, kind, **options):
    out = io.BytesIO()
    image.save(out, format=kind, **options)
    return out.getvalue()


def bmps():
    colours = [tuple(map(int, c)) for c in noise(16, 3)]
    for bits, count in [(1, 2), (4, 16), (8, 16)]:
        a = noise(4, 5, top=count)
        yield f"bmp_{bits}", bmp(5, 4, bits, packed(a, bits, 4), colours[:count])
        yield f"bmp_{bits}_os2", bmp(5, 4, bits, packed(a, bits, 4),
                                     (colours * 16)[:1 << bits], header=12)
    yield "bmp_8_few", bmp(3, 2, 8, packed([[0, 1, 2], [2, 1, 9]], 8, 4), colours[:3])
    yield "bmp_24_top", bmp(2, 3, 24, packed(noise(3, 6), 8, 4), top_down=True)
    yield "bmp_16", bmp(3, 2, 16, packed(noise(2, 6), 8, 4))
    yield "bmp_565", bmp(3, 2, 16, packed(noise(2, 6), 8, 4), compression=3,
                         masks=(0xF800, 0x7E0, 0x1F))
    yield "bmp_555", bmp(3, 2, 16, packed(noise(2, 6), 8, 4), compression=3, header=56,
                         masks=(0x7C00, 0x3E0, 0x1F, 0))
    yield "bmp_32", bmp(3, 2, 32, noise(2, 12).tobytes())
    for i, masks in enumerate([(0xFF0000, 0xFF00, 0xFF, 0), (0xFF000000, 0xFF0000, 0xFF00, 0xFF),
                               (0xFF, 0xFF00, 0xFF0000, 0xFF000000),
                               (0xFF000000, 0xFF00, 0xFF, 0xFF0000), (0, 0, 0, 0)]):
        yield f"bmp_32_masks_{i}", bmp(3, 2, 32, noise(2, 12).tobytes(), compression=3, masks=masks,
                                       header=124)
    yield "bmp_24_v4", bmp(3, 2, 24, packed(noise(2, 9), 8, 4), header=108)
    runs8 = bytes([3, 1, 2, 2, 0, 0, 0, 4, 1, 2, 3, 4, 1, 5, 0, 0, 0, 2, 2, 1, 3, 6, 0, 1])
    yield "bmp_rle8", bmp(5, 4, 8, runs8 + bytes([0, 1]), colours, compression=1)
    full8 = bytes([5, 1, 0, 0, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0, 2, 7, 3, 8, 0, 1])
    yield "bmp_rle8_full", bmp(5, 3, 8, full8, colours, compression=1)
    yield "bmp_rle8_no_end", bmp(5, 1, 8, bytes([4, 1, 1, 2]), colours, compression=1)
    full4 = bytes([5, 0x12, 0, 0, 0, 5, 0x12, 0x34, 0x50, 0, 0, 0, 2, 0x70, 3, 0x89, 0, 1])
    yield "bmp_rle4", bmp(5, 3, 4, full4, colours, compression=2)
    for mode in ["1", "L", "P", "RGB", "RGBA"]:
        image = Image.fromarray(smooth(5, 7)).convert(mode)
        yield f"bmp_pillow_{mode}", saved(image, "BMP")


def pnms():
    yield "pnm_1", b"P1\n# a comment\n5 3\n10110\n0 1 0 1 0\n0011 1\n"
    yield "pnm_2", b"P2 3 2 # wide\n255\n0 1 2\n128 254 255\n"
    yield "pnm_2_100", b"P2 3 2\n100\n0 1 50\n99 100 33 "
    yield "pnm_2_1000", b"P2 3 2\n1000\n0 1 3\n4 500 1000\n"
    yield "pnm_3", b"P3\n2 2\n255\n1 2 3 4 5 6\n#c\n7 8 9 253 254 255\n"
    yield "pnm_3_65535", b"P3\n2 1\n65535\n1 200 30000 400 65534 65535\n"
    yield "pnm_4", b"P4\n11 2\n" + noise(4).tobytes()
    yield "pnm_5", b"P5\n3 2\n255\n" + noise(6).tobytes()
    yield "pnm_5_100", b"P5\n#x\n3 2 100\n" + noise(6, top=101).tobytes()
    yield "pnm_5_over", b"P5 3 1 100\n" + bytes([99, 101, 255])
    yield "pnm_5_700", b"P5 4 1 700\n" + np.array([0, 1, 3, 700], ">u2").tobytes()
    yield "pnm_5_65535", b"P5 4 1 65535\n" + np.array([0, 7, 255, 60000], ">u2").tobytes()
    yield "pnm_6", b"P6\t2\r2\x0b255\n" + noise(12).tobytes()
    yield "pnm_6_31", b"P6 2 2 31\n" + noise(12, top=32).tobytes()
    yield "pnm_6_4095", b"P6 2 2 4095\n" + noise(12, top=4096, dtype=">u2").tobytes()


def pngs():
    palette = noise(16, 3)
    for depth in [1, 2, 4, 8, 16]:
        yield f"png_gray_{depth}", png(noise(4, 5, top=1 << depth, dtype=np.uint32), depth, 0)
    yield "png_gray_16_low", png(noise(3, 3, top=300, dtype=np.uint32), 16, 0)
    for depth in [1, 2, 4, 8]:
        count = min(1 << depth, 16)
        yield f"png_palette_{depth}", png(noise(4, 5, top=count), depth, 3,
                                          [(b"PLTE", palette[:count].tobytes())])
    yield "png_palette_clear", png(noise(4, 5, top=4), 2, 3, [
        (b"PLTE", palette[:4].tobytes()), (b"tRNS", bytes([0, 128, 255]))])
    for depth in [8, 16]:
        top = 1 << depth
        for colour, channels in [(2, 3), (4, 2), (6, 4)]:
            a = noise(3, 4, channels, top=top, dtype=np.uint32)
            yield f"png_{colour}_{depth}", png(a, depth, colour)
    yield "png_rgb_clear", png(noise(3, 4, 3), 8, 2, [(b"tRNS", bytes(6))])
    yield "png_gray_clear", png(noise(3, 4), 8, 0, [(b"tRNS", bytes(2))])
    yield "png_gamma", png(noise(3, 4, 3), 8, 2, [(b"gAMA", (100000).to_bytes(4, "big"))])
    yield "png_gray_interlaced", png(noise(9, 10, top=2), 1, 0, interlaced=True)
    yield "png_interlaced", png(noise(9, 10, 3), 8, 2, interlaced=True)
    for mode in ["1", "L", "P", "RGB", "RGBA", "LA"]:
        yield f"png_pillow_{mode}", saved(Image.fromarray(smooth(6, 7)).convert(mode), "PNG")


def jpegs():
    rgb = Image.fromarray(smooth(17, 19))
    for s in [0, 1, 2]:
        yield f"jpeg_sampling_{s}", saved(rgb, "JPEG", subsampling=s, quality=90)
    yield "jpeg_gray", saved(rgb.convert("L"), "JPEG")
    yield "jpeg_progressive", saved(rgb, "JPEG", progressive=True)
    yield "jpeg_cmyk", saved(rgb.convert("CMYK"), "JPEG")
    yield "jpeg_restart", saved(rgb, "JPEG", restart_marker_blocks=1, optimize=True)
    turned = Image.Exif()
    turned[0x112] = 6
    yield "jpeg_turned", saved(rgb.crop((0, 0, 9, 5)), "JPEG", exif=turned)
    yield "jpeg_rgb", saved(rgb, "JPEG", keep_rgb=True)


def jpeg2000s():
    rgb = Image.fromarray(smooth(12, 13))
    for mode in ["L", "LA", "RGB", "RGBA"]:
        yield f"jp2_{mode}", saved(rgb.convert(mode), "JPEG2000")
    yield "jp2_bare", saved(rgb, "JPEG2000", no_jp2=True)
    yield "jp2_lossy", saved(rgb, "JPEG2000", irreversible=True, quality_layers=[8])
    yield "jp2_tiles", saved(rgb, "JPEG2000", tile_size=(8, 8))
    yield "jp2_16", saved(Image.fromarray(noise(5, 6, top=600, dtype=np.uint16)), "JPEG2000")


def webps():
    rgb = Image.fromarray(smooth(12, 13))
    clear = Image.fromarray(noise(6, 7, 4))
    yield "webp_lossy", saved(rgb, "WEBP", quality=80)
    yield "webp_lossless", saved(rgb, "WEBP", lossless=True)
    yield "webp_lossy_clear", saved(clear, "WEBP", quality=80)
    yield "webp_lossless_clear", saved(clear, "WEBP", lossless=True, exact=True)
    yield "webp_animated", saved(rgb, "WEBP", save_all=True, lossless=True,
                                 append_images=[Image.fromarray(noise(12, 13, 3))])


    parts = Image.new("RGBA", (12, 10))
    parts.paste((200, 30, 90, 255), (4, 2, 9, 8))
    yield "webp_animated_part", saved(parts, "WEBP", save_all=True, lossless=True,
                                      append_images=[Image.fromarray(noise(10, 12, 4))])


def tiffs():
    rgb = Image.fromarray(smooth(10, 11))
    for mode in ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I", "F"]:
        yield f"tiff_{mode}", saved(rgb.convert(mode), "TIFF")
    for name in ["packbits", "tiff_lzw", "tiff_adobe_deflate", "jpeg"]:
        yield f"tiff_{name}", saved(rgb, "TIFF", compression=name)
    for name in ["group3", "group4"]:
        yield f"tiff_{name}", saved(rgb.convert("1"), "TIFF", compression=name)
    yield "tiff_jpeg_gray", saved(rgb.convert("L"), "TIFF", compression="jpeg")
    ycbcr = rgb.convert("YCbCr")
    yield "tiff_ycbcr", saved(ycbcr, "TIFF", compression="tiff_lzw")
    small = smooth(3, 5)
    for turn in range(1, 9):
        yield f"tiff_turned_{turn}", tiff_of(small, 2, more={274: (3, [turn])})
    for order, name in [("<", "le"), (">", "be")]:
        wide = noise(3, 4, 3, top=65536, dtype=np.uint16)
        yield f"tiff_rgb16_{name}", tiff_of(wide, 2, bits=16, order=order)
        yield f"tiff_gray16_{name}", tiff_of(wide[:, :, :1] % 400, 1, bits=16, order=order)
    for bits in [1, 2, 4, 8]:
        a = noise(4, 5, 1, top=1 << bits)
        yield f"tiff_white_{bits}", tiff_of(a, 0, bits=bits)
        yield f"tiff_black_{bits}", tiff_of(a, 1, bits=bits)
        colours = [int(v) for v in noise(3 << bits, top=65536, dtype=np.uint16)]
        yield f"tiff_palette_{bits}", tiff_of(a, 3, bits=bits, more={320: (3, colours)})
    yield "tiff_signed16", tiff_of(np.array([[[-5], [0], [200], [300]]], np.int16), 1, bits=16,
                                   more={339: (3, [2])})
    yield "tiff_planar", tiff_of(smooth(5, 4), 2, planar=True, rows=2)
    yield "tiff_planar_gray_alpha", tiff_of(smooth(5, 4, 4), 2, planar=True, extra=[2])
    yield "tiff_tiles", tiff_of(smooth(20, 21), 2, tile=16)
    yield "tiff_tiles_planar", tiff_of(smooth(17, 15), 2, tile=16, planar=True)
    yield "tiff_strips", tiff_of(smooth(7, 4), 2, rows=3)
    yield "tiff_big", tiff_of(smooth(3, 4), 2, big=True)
    alphas = noise(4, 5, 4)
    alphas[0, :, 3] = [0, 255, 1, 128, 254]
    for kind in [0, 1, 2]:
        yield f"tiff_alpha_{kind}", tiff_of(alphas, 2, extra=[kind])
    yield "tiff_alpha_missing", tiff_of(alphas, 2)
    yield "tiff_cmyk16", tiff_of(noise(3, 4, 4, top=65536, dtype=np.uint16), 5, bits=16)
    yield "tiff_gray_extra", tiff_of(noise(3, 4, 2), 1, extra=[0])


def main():
    count = 0
    with open(sys.argv[1], "w") as out:
        for family in [bmps, pnms, pngs, jpegs, jpeg2000s, webps, tiffs]:
            for name, data in family():
                try:
                    image = Image.open(io.BytesIO(data))
                    rgb, gray = image.convert("RGB"), image.convert("L")
                except Exception as e:
                    print(f"{name}: {e}", file=sys.stderr)
                    continue
                lossy = "lossy" in name or "jpeg" in name
                out.write(f"{name} {1 if lossy else 0} {rgb.height} {rgb.width} {data.hex()} "
                          f"{rgb.tobytes().hex()} {gray.tobytes().hex()}\n")
                count += 1
    print(f"{count} files", file=sys.stderr)


if __name__ == "__main__":
    main()
