#include <stdlib.h>
#include <string.h>

#include "tiff.h"

static const char *const names[] = DL_TIFF_NAMES;

static const char *tiff_bind(void *handle, void *table) {
  _Static_assert(sizeof(tiff_table) == sizeof names, "a name for every function");
  return dl_image_bind(handle, names, sizeof names / sizeof *names, table);
}

static int on_message(void *handle, void *user, const char *module, const char *format,
                      va_list arguments) {
  (void)handle;
  (void)module;
  tiff_reader *r = user;
  char text[DL_IMAGE_TEXT];
  if (r && !r->image->text[0]) {
    vsnprintf(text, sizeof text, format, arguments);
    dl_image_say(r->image, text);
  }
  return 1;
}

static int on_warning(void *handle, void *user, const char *module, const char *format,
                      va_list arguments) {
  (void)handle, (void)user, (void)module, (void)format, (void)arguments;
  return 1;
}

static int64_t on_read(void *user, void *to, int64_t count) {
  tiff_reader *r = user;
  size_t left = r->image->count - r->at;
  size_t taken = count < 0 ? 0 : (uint64_t)count > left ? left : (size_t)count;
  memcpy(to, r->image->bytes + r->at, taken);
  r->at += taken;
  return (int64_t)taken;
}

static int64_t on_write(void *user, void *from, int64_t count) {
  (void)user, (void)from, (void)count;
  return -1;
}

static uint64_t on_seek(void *user, uint64_t offset, int whence) {
  tiff_reader *r = user;
  uint64_t base = whence == SEEK_CUR ? r->at : whence == SEEK_END ? r->image->count : 0;
  uint64_t to = base + offset;
  if (to > r->image->count)
    return (uint64_t)-1;
  r->at = (size_t)to;
  return to;
}

static int on_close(void *user) {
  (void)user;
  return 0;
}

static uint64_t on_size(void *user) { return ((tiff_reader *)user)->image->count; }

static int on_map(void *user, void **base, uint64_t *size) {
  (void)user, (void)base, (void)size;
  return 0;
}

static void on_unmap(void *user, void *base, uint64_t size) { (void)user, (void)base, (void)size; }

/* Messages and memory have settings for one file since 4.5. Before that they are the process's,
 * and not ours to change: libtiff then prints its messages to standard error. */
static void *open_file(tiff_reader *r) {
  const tiff_table *tiff = r->tiff;
  /* 'r' to read, 'm' not to map. */
  if (!tiff->options_alloc || !tiff->options_free || !tiff->options_error ||
      !tiff->options_warning || !tiff->options_limit || !tiff->client_open_ext) {
    return tiff->client_open("image", "rm", r, on_read, on_write, on_seek, on_close, on_size,
                             on_map, on_unmap);
  }
  r->options = tiff->options_alloc();
  if (!r->options)
    return NULL;
  tiff->options_error(r->options, on_message, r);
  tiff->options_warning(r->options, on_warning, NULL);
  tiff->options_limit(r->options, (int64_t)r->image->limit);
  return tiff->client_open_ext("image", "rm", r, on_read, on_write, on_seek, on_close, on_size,
                               on_map, on_unmap, r->options);
}

static dl_image_status refuse(dl_image *image, const char *why) {
  dl_image_say(image, why);
  return DL_IMAGE_UNSUPPORTED;
}

static dl_image_status damaged(dl_image *image, const char *why) {
  if (!image->text[0])
    dl_image_say(image, why);
  return DL_IMAGE_DAMAGED;
}

/* Chooses the layout from what the directory says of the samples. */
static dl_image_status describe(tiff_reader *r, uint16_t compression) {
  const tiff_table *tiff = r->tiff;
  dl_image *image = r->image;
  int is_plain = r->bits == 1 || r->bits == 2 || r->bits == 4 || r->bits == 8;
  if (r->photometric == tiff_ycbcr && compression == tiff_jpeg && !r->is_planar) {
    tiff->set_field(r->handle, tag_jpeg_colour_mode, 1);
    r->photometric = tiff_rgb;
  }
  switch (r->photometric) {
  case tiff_min_is_white:
  case tiff_min_is_black:
    if (is_plain || (r->bits == 32 && r->sample_format <= 3)) {
      image->layout = DL_IMAGE_GRAY8;
    } else if (r->bits == 12 || r->bits == 16) {
      image->layout = DL_IMAGE_GRAY16;
    } else {
      return refuse(image, "gray of so many bits");
    }
    if (r->samples > 1 && !(r->bits == 8 || r->bits == 16)) {
      return refuse(image, "gray of so many bits with more samples");
    }
    return DL_IMAGE_OK;
  case tiff_palette:
    image->layout = DL_IMAGE_RGB8;
    if (!is_plain)
      return refuse(image, "a palette of so many bits");
    if (!tiff->get_field(r->handle, tag_colour_map, &r->red, &r->green, &r->blue) || !r->red ||
        !r->green || !r->blue) {
      return damaged(image, "its palette is missing");
    }
    return DL_IMAGE_OK;
  case tiff_rgb:
    image->layout = DL_IMAGE_RGB8;
    if (r->samples < 3 || (r->bits != 8 && r->bits != 16)) {
      return refuse(image, "colours of so many bits");
    }
    return DL_IMAGE_OK;
  case tiff_separated:
    image->layout = DL_IMAGE_CMYK8;
    if (r->samples < 4 || (r->bits != 8 && r->bits != 16)) {
      return refuse(image, "inks of so many bits");
    }
    return DL_IMAGE_OK;
  case tiff_ycbcr:
    image->layout = DL_IMAGE_RGB8;
    r->by_library = 1;
    return DL_IMAGE_OK;
  default:
    return refuse(image, "its kind of colours");
  }
}

static dl_image_status read_directory(tiff_reader *r) {
  const tiff_table *tiff = r->tiff;
  dl_image *image = r->image;
  uint16_t compression = 1, planar = 1, extra = 0;
  const uint16_t *kinds = NULL;
  if (!tiff->get_field(r->handle, tag_width, &r->width) ||
      !tiff->get_field(r->handle, tag_height, &r->height) || r->width < 1 || r->height < 1) {
    return damaged(image, "its sizes are missing");
  }
  if (!tiff->get_field(r->handle, tag_photometric, &r->photometric)) {
    return damaged(image, "its kind of colours is missing");
  }
  tiff->get_field_or_default(r->handle, tag_bits, &r->bits);
  tiff->get_field_or_default(r->handle, tag_samples, &r->samples);
  tiff->get_field_or_default(r->handle, tag_sample_format, &r->sample_format);
  tiff->get_field_or_default(r->handle, tag_orientation, &r->orientation);
  tiff->get_field_or_default(r->handle, tag_compression, &compression);
  tiff->get_field_or_default(r->handle, tag_planar, &planar);
  if (tiff->get_field(r->handle, tag_extra_samples, &extra, &kinds) && extra > 0 && kinds) {
    r->is_premultiplied = kinds[0] == 1;
  }
  if (r->samples < 1 || r->samples > 16)
    return refuse(image, "so many samples a pixel");
  if (r->orientation < 1 || r->orientation > 8)
    r->orientation = 1;
  r->is_planar = planar == 2 && r->samples > 1;
  r->is_tiled = tiff->is_tiled(r->handle);
  int is_turned = r->orientation >= 5;
  image->width = is_turned ? r->height : r->width;
  image->height = is_turned ? r->width : r->height;
  dl_image_status status = describe(r, compression);
  if (status != DL_IMAGE_OK)
    return status;
  if (r->by_library) {
    image->working_bytes = (size_t)4 * r->width * r->height;
    return DL_IMAGE_OK;
  }
  r->block_width = r->width;
  if (r->is_tiled) {
    tiff->get_field(r->handle, tag_tile_width, &r->block_width);
    tiff->get_field(r->handle, tag_tile_height, &r->block_height);
  } else {
    tiff->get_field_or_default(r->handle, tag_rows_per_strip, &r->block_height);
    if (r->block_height > r->height)
      r->block_height = r->height;
  }
  int64_t bytes = r->is_tiled ? tiff->tile_size(r->handle) : tiff->strip_size(r->handle);
  if (r->block_width < 1 || r->block_height < 1 || bytes < 1) {
    return damaged(image, "its strips or tiles have no size");
  }
  /* What is read below must lie within what libtiff writes. */
  uint64_t row = ((uint64_t)r->block_width * (r->is_planar ? 1 : r->samples) * r->bits + 7) / 8;
  if (row > (uint64_t)bytes / r->block_height) {
    return damaged(image, "its strips or tiles are too small");
  }
  r->block_bytes = (size_t)bytes;
  image->working_bytes = r->block_bytes * (r->is_planar ? r->samples : 1);
  return DL_IMAGE_OK;
}

static dl_image_status tiff_open(const void *table, dl_image *image) {
  tiff_reader *r = calloc(1, sizeof *r);
  if (!r)
    return DL_IMAGE_NO_MEMORY;
  image->state = r;
  r->tiff = table;
  r->image = image;
  r->handle = open_file(r);
  if (!r->handle)
    return damaged(image, "its header is wrong");
  return read_directory(r);
}

static dl_image_status tiff_read(const void *table, dl_image *image, void *pixels) {
  (void)table;
  return dl_tiff_read_pixels(image->state, pixels);
}

static void tiff_close(const void *table, dl_image *image) {
  const tiff_table *tiff = table;
  tiff_reader *r = image->state;
  if (!r)
    return;
  if (r->handle)
    tiff->close(r->handle);
  if (r->options)
    tiff->options_free(r->options);
  free(r);
  image->state = NULL;
}

const dl_image_codec dl_image_codec_tiff = {sizeof(tiff_table), tiff_bind, tiff_open, tiff_read,
                                            tiff_close};
