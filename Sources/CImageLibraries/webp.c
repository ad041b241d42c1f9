#include <stdlib.h>
#include <string.h>

#include "support.h"

/* libwebp, by its simple decoding interface (webp/decode.h). */
typedef struct webp_table {
  int (*get_info)(const uint8_t *data, size_t size, int *width, int *height);
  uint8_t *(*decode_rgb_into)(const uint8_t *data, size_t size, uint8_t *out, size_t out_size,
                              int stride);
} webp_table;

static const char *const names[] = {"WebPGetInfo", "WebPDecodeRGBInto"};

static const char *webp_bind(void *handle, void *table) {
  _Static_assert(sizeof(webp_table) == sizeof names, "a name for every function");
  return dl_image_bind(handle, names, sizeof names / sizeof *names, table);
}

/* The picture's coded pixels, and where they lie on the canvas. */
typedef struct webp_frame {
  const uint8_t *bytes;
  size_t count;
  uint32_t x, y;
} webp_frame;

static uint32_t u24(const uint8_t *p) { return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16; }

/* Finds a chunk of the kind, or of the other, from `at` on within `end`. Returns where its eight
 * bytes of header begin, and its contents' size cut to what is there; or `end`. */
static size_t find_chunk(const uint8_t *bytes, size_t at, size_t end, const char *kind,
                         const char *other, size_t *size) {
  while (end - at >= 8) {
    uint32_t stated = u24(bytes + at + 4) | (uint32_t)bytes[at + 7] << 24;
    *size = stated < end - at - 8 ? stated : end - at - 8;
    if (memcmp(bytes + at, kind, 4) == 0 || memcmp(bytes + at, other, 4) == 0)
      return at;
    size_t step = 8 + *size + (*size & 1);
    if (step > end - at)
      break;
    at += step;
  }
  *size = 0;
  return end;
}

/* The first frame of an animation, which stands on an empty canvas. Returns 0 for none. */
static int find_frame(dl_image *image, webp_frame *frame) {
  const uint8_t *b = image->bytes;
  size_t size = 0;
  size_t at = find_chunk(b, 12, image->count, "ANMF", "ANMF", &size);
  if (size < 16)
    return 0;
  frame->x = 2 * u24(b + at + 8);
  frame->y = 2 * u24(b + at + 11);
  size_t end = at + 8 + size;
  at = find_chunk(b, at + 24, end, "VP8 ", "VP8L", &size);
  frame->bytes = b + at;
  frame->count = size == 0 ? 0 : size + 8;
  return size > 0;
}

static dl_image_status webp_open(const void *table, dl_image *image) {
  const webp_table *webp = table;
  int width = 0, height = 0;
  webp_frame *frame = calloc(1, sizeof *frame);
  if (!frame)
    return DL_IMAGE_NO_MEMORY;
  image->state = frame;
  frame->bytes = image->bytes;
  frame->count = image->count;
  const uint8_t *b = image->bytes;
  int is_animated = image->count >= 30 && memcmp(b + 12, "VP8X", 4) == 0 && (b[20] & 0x02) != 0;
  if ((is_animated && !find_frame(image, frame)) ||
      !webp->get_info(frame->bytes, frame->count, &width, &height) || width < 1 || height < 1) {
    dl_image_say(image, "its header is wrong");
    return DL_IMAGE_DAMAGED;
  }
  image->width = is_animated ? u24(b + 24) + 1 : (uint32_t)width;
  image->height = is_animated ? u24(b + 27) + 1 : (uint32_t)height;
  if (frame->x > image->width || (uint32_t)width > image->width - frame->x ||
      frame->y > image->height || (uint32_t)height > image->height - frame->y) {
    dl_image_say(image, "its frame lies beyond its canvas");
    return DL_IMAGE_DAMAGED;
  }
  image->layout = DL_IMAGE_RGB8;
  return DL_IMAGE_OK;
}

static dl_image_status webp_read(const void *table, dl_image *image, void *pixels) {
  const webp_table *webp = table;
  const webp_frame *frame = image->state;
  /* A canvas has at most 2^24 columns. */
  int stride = (int)(image->width * 3);
  size_t size = (size_t)stride * image->height;
  size_t start = ((size_t)frame->y * image->width + frame->x) * 3;
  memset(pixels, 0, size);
  if (webp->decode_rgb_into(frame->bytes, frame->count, (uint8_t *)pixels + start, size - start,
                            stride)) {
    return DL_IMAGE_OK;
  }
  dl_image_say(image, "its pixels are damaged or cut off");
  return DL_IMAGE_DAMAGED;
}

static void webp_close(const void *table, dl_image *image) {
  (void)table;
  free(image->state);
  image->state = NULL;
}

const dl_image_codec dl_image_codec_webp = {sizeof(webp_table), webp_bind, webp_open, webp_read,
                                            webp_close};
