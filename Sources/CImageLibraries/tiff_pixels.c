#include <stdlib.h>
#include <string.h>

#include "tiff.h"

static dl_image_status cut_off(dl_image *image) {
  if (!image->text[0])
    dl_image_say(image, "its pixels are damaged or cut off");
  return DL_IMAGE_DAMAGED;
}

/* Where the pixel at (x, y) of the file lies in the upright picture. */
static size_t place(const tiff_reader *r, uint32_t x, uint32_t y) {
  uint32_t w = r->width, h = r->height;
  size_t column = x, row = y;
  switch (r->orientation) {
  case 2:
    column = w - 1 - x;
    break;
  case 3:
    column = w - 1 - x, row = h - 1 - y;
    break;
  case 4:
    row = h - 1 - y;
    break;
  case 5:
    column = y, row = x;
    break;
  case 6:
    column = h - 1 - y, row = x;
    break;
  case 7:
    column = h - 1 - y, row = w - 1 - x;
    break;
  case 8:
    column = y, row = w - 1 - x;
    break;
  default:
    break;
  }
  return row * r->image->width + column;
}

/* Sample `i` of a row: bits from the top of each byte on; 16 and 32 bits in native order. */
static uint32_t sample(const uint8_t *row, size_t i, uint32_t bits) {
  if (bits == 8)
    return row[i];
  if (bits == 16) {
    uint16_t v;
    memcpy(&v, row + 2 * i, sizeof v);
    return v;
  }
  if (bits == 32) {
    uint32_t v;
    memcpy(&v, row + 4 * i, sizeof v);
    return v;
  }
  uint32_t v = 0;
  for (size_t b = i * bits; b < (i + 1) * bits; b++) {
    v = v << 1 | (row[b >> 3] >> (7 - (b & 7)) & 1u);
  }
  return v;
}

static uint8_t clipped(const tiff_reader *r, uint32_t bits) {
  if (r->sample_format == 3) {
    float v;
    memcpy(&v, &bits, sizeof v);
    return !(v > 0) ? 0 : v >= 255 ? 255 : (uint8_t)v;
  }
  int32_t v = (int32_t)bits;
  return v <= 0 ? 0 : v >= 255 ? 255 : (uint8_t)v;
}

/* One pixel, whose samples `s` are as the file has them. */
static void write_pixel(const tiff_reader *r, const uint32_t *s, void *pixels, size_t at) {
  uint8_t *p = pixels;
  uint32_t shift = r->bits == 16 ? 8 : 0;
  switch (r->image->layout) {
  case DL_IMAGE_GRAY16: {
    uint32_t v = s[0];
    if (r->sample_format == 2 && r->bits == 16 && v >= 0x8000)
      v = 0;
    ((uint16_t *)pixels)[at] = (uint16_t)v;
    return;
  }
  case DL_IMAGE_GRAY8: {
    if (r->bits == 32) {
      p[at] = clipped(r, s[0]);
      return;
    }
    uint32_t v = s[0] * (255u / ((1u << r->bits) - 1));
    if (r->is_premultiplied && r->samples > 1 && s[1] > 0 && s[1] < 255) {
      v = v * 255 / s[1];
      if (v > 255)
        v = 255;
    }
    p[at] = (uint8_t)(r->photometric == tiff_min_is_white ? 255 - v : v);
    return;
  }
  case DL_IMAGE_CMYK8:
    for (int c = 0; c < 4; c++)
      p[4 * at + c] = (uint8_t)(s[c] >> shift);
    return;
  case DL_IMAGE_RGB8:
    break;
  }
  p += 3 * at;
  if (r->photometric == tiff_palette) {
    p[0] = (uint8_t)(r->red[s[0]] >> 8);
    p[1] = (uint8_t)(r->green[s[0]] >> 8);
    p[2] = (uint8_t)(r->blue[s[0]] >> 8);
    return;
  }
  uint32_t alpha = 255;
  if (r->is_premultiplied && r->samples > 3)
    alpha = s[3] >> shift;
  for (int c = 0; c < 3; c++) {
    uint32_t v = s[c] >> shift;
    if (alpha < 255)
      v = alpha == 0 ? 0 : v * 255 / alpha;
    p[c] = (uint8_t)(v > 255 ? 255 : v);
  }
}

/* Reads the strip or tile at (x, y), all planes of it, and writes its pixels. */
static dl_image_status read_block(tiff_reader *r, uint32_t x, uint32_t y, uint8_t *block,
                                  void *pixels) {
  const tiff_table *tiff = r->tiff;
  uint32_t planes = r->is_planar ? r->samples : 1;
  uint32_t per_row = r->is_planar ? 1 : r->samples;
  uint32_t rows = r->height - y < r->block_height ? r->height - y : r->block_height;
  uint32_t columns = r->width - x < r->block_width ? r->width - x : r->block_width;
  size_t row_bytes = ((size_t)r->block_width * per_row * r->bits + 7) / 8;
  for (uint32_t plane = 0; plane < planes; plane++) {
    uint8_t *to = block + plane * r->block_bytes;
    int64_t made;
    if (r->is_tiled) {
      uint32_t index = tiff->compute_tile(r->handle, x, y, 0, (uint16_t)plane);
      made = tiff->read_tile(r->handle, index, to, (int64_t)r->block_bytes);
    } else {
      uint32_t index = tiff->compute_strip(r->handle, y, (uint16_t)plane);
      made = tiff->read_strip(r->handle, index, to, (int64_t)r->block_bytes);
    }
    if (made < 0 || (uint64_t)made < (uint64_t)row_bytes * rows) {
      return cut_off(r->image);
    }
  }
  for (uint32_t j = 0; j < rows; j++) {
    for (uint32_t i = 0; i < columns; i++) {
      uint32_t s[16];
      for (uint32_t c = 0; c < r->samples; c++) {
        const uint8_t *row = block + (r->is_planar ? c * r->block_bytes : 0) + j * row_bytes;
        s[c] = sample(row, r->is_planar ? i : (size_t)i * r->samples + c, r->bits);
      }
      write_pixel(r, s, pixels, place(r, x + i, y + j));
    }
  }
  return DL_IMAGE_OK;
}

/* Lets libtiff convert: colours with coarser parts have rules of their own. */
static dl_image_status read_by_library(tiff_reader *r, uint8_t *pixels) {
  uint32_t *packed = malloc((size_t)4 * r->width * r->height);
  if (!packed)
    return DL_IMAGE_NO_MEMORY;
  int is_read = r->tiff->read_rgba(r->handle, r->width, r->height, packed, r->orientation, 1);
  for (uint32_t y = 0; is_read && y < r->height; y++) {
    for (uint32_t x = 0; x < r->width; x++) {
      uint32_t v = packed[(size_t)y * r->width + x];
      uint8_t *p = pixels + 3 * place(r, x, y);
      p[0] = (uint8_t)v;
      p[1] = (uint8_t)(v >> 8);
      p[2] = (uint8_t)(v >> 16);
    }
  }
  free(packed);
  return is_read ? DL_IMAGE_OK : cut_off(r->image);
}

dl_image_status dl_tiff_read_pixels(tiff_reader *r, void *pixels) {
  if (r->by_library)
    return read_by_library(r, pixels);
  uint8_t *block = calloc(r->is_planar ? r->samples : 1, r->block_bytes);
  if (!block)
    return DL_IMAGE_NO_MEMORY;
  dl_image_status status = DL_IMAGE_OK;
  for (uint64_t y = 0; status == DL_IMAGE_OK && y < r->height; y += r->block_height) {
    for (uint64_t x = 0; status == DL_IMAGE_OK && x < r->width; x += r->block_width) {
      status = read_block(r, (uint32_t)x, (uint32_t)y, block, pixels);
    }
  }
  free(block);
  return status;
}
