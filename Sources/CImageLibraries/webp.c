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

static int is_animated(const dl_image *image) {
  return image->count > 20 && memcmp(image->bytes + 12, "VP8X", 4) == 0 &&
         (image->bytes[20] & 0x02) != 0;
}

static dl_image_status webp_open(const void *table, dl_image *image) {
  const webp_table *webp = table;
  int width = 0, height = 0;
  if (is_animated(image)) {
    dl_image_say(image, "it is an animation");
    return DL_IMAGE_UNSUPPORTED;
  }
  if (!webp->get_info(image->bytes, image->count, &width, &height) || width < 1 || height < 1) {
    dl_image_say(image, "its header is wrong");
    return DL_IMAGE_DAMAGED;
  }
  image->width = (uint32_t)width;
  image->height = (uint32_t)height;
  image->layout = DL_IMAGE_RGB8;
  return DL_IMAGE_OK;
}

static dl_image_status webp_read(const void *table, dl_image *image, void *pixels) {
  const webp_table *webp = table;
  /* A side has at most 16,384 pixels in this format. */
  int stride = (int)image->width * 3;
  size_t size = (size_t)stride * image->height;
  if (webp->decode_rgb_into(image->bytes, image->count, pixels, size, stride))
    return DL_IMAGE_OK;
  dl_image_say(image, "its pixels are damaged or cut off");
  return DL_IMAGE_DAMAGED;
}

static void webp_close(const void *table, dl_image *image) {
  (void)table;
  (void)image;
}

const dl_image_codec dl_image_codec_webp = {sizeof(webp_table), webp_bind, webp_open, webp_read,
                                            webp_close};
