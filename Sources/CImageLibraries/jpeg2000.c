#include <stdlib.h>
#include <string.h>

#include "support.h"

/* The parts of libopenjp2's image that have been the same since 2.0 (openjpeg.h). */
typedef struct jp2_component {
  uint32_t dx, dy, w, h, x0, y0, prec, bpp, sgnd, resno_decoded, factor;
  int32_t *data;
  uint16_t alpha;
} jp2_component;

typedef struct jp2_picture {
  uint32_t x0, y0, x1, y1, numcomps;
  int colour_space;
  jp2_component *comps;
  uint8_t *icc_profile;
  uint32_t icc_profile_length;
} jp2_picture;

typedef struct jp2_table {
  const char *(*version)(void);
  void *(*create)(int format);
  void (*destroy)(void *codec);
  int (*set_error)(void *codec, void (*handler)(const char *text, void *user), void *user);
  void (*default_parameters)(void *parameters);
  int (*setup)(void *codec, void *parameters);
  void *(*stream_create)(size_t buffer, int is_input);
  void (*stream_destroy)(void *stream);
  void (*stream_read)(void *stream, size_t (*read)(void *to, size_t count, void *user));
  void (*stream_skip)(void *stream, int64_t (*skip)(int64_t count, void *user));
  void (*stream_seek)(void *stream, int (*seek)(int64_t at, void *user));
  void (*stream_user)(void *stream, void *user, void (*release)(void *user));
  void (*stream_length)(void *stream, uint64_t count);
  int (*read_header)(void *stream, void *codec, jp2_picture **picture);
  int (*decode)(void *codec, void *stream, jp2_picture *picture);
  int (*end)(void *codec, void *stream);
  void (*picture_destroy)(jp2_picture *picture);
} jp2_table;

static const char *const names[] = {"opj_version",
                                    "opj_create_decompress",
                                    "opj_destroy_codec",
                                    "opj_set_error_handler",
                                    "opj_set_default_decoder_parameters",
                                    "opj_setup_decoder",
                                    "opj_stream_create",
                                    "opj_stream_destroy",
                                    "opj_stream_set_read_function",
                                    "opj_stream_set_skip_function",
                                    "opj_stream_set_seek_function",
                                    "opj_stream_set_user_data",
                                    "opj_stream_set_user_data_length",
                                    "opj_read_header",
                                    "opj_decode",
                                    "opj_end_decompress",
                                    "opj_image_destroy"};

/* OPJ_CODEC_J2K and OPJ_CODEC_JP2. */
enum { format_j2k = 0, format_jp2 = 2 };
/* OPJ_CLRSPC_SYCC and OPJ_CLRSPC_CMYK. */
enum { colours_sycc = 3, colours_cmyk = 5 };
enum { stream_buffer = 1 << 16 };
/* Far beyond the size of opj_dparameters_t, which the library itself fills and reads. */
enum { parameters_room = 1 << 16 };

typedef struct jp2_reader {
  dl_image *image;
  void *codec;
  void *stream;
  jp2_picture *picture;
  size_t at;
  /* Whether decoding turns the one component into the colours of a palette. */
  int has_palette;
} jp2_reader;

static const char *jp2_bind(void *handle, void *table) {
  _Static_assert(sizeof(jp2_table) == sizeof names, "a name for every function");
  return dl_image_bind(handle, names, sizeof names / sizeof *names, table);
}

static void on_error(const char *text, void *user) {
  jp2_reader *r = user;
  /* The first message names the cause. */
  if (!r->image->text[0])
    dl_image_say(r->image, text);
}

static size_t on_read(void *to, size_t count, void *user) {
  jp2_reader *r = user;
  size_t left = r->image->count - r->at;
  if (left == 0)
    return (size_t)-1;
  if (count > left)
    count = left;
  memcpy(to, r->image->bytes + r->at, count);
  r->at += count;
  return count;
}

static int64_t on_skip(int64_t count, void *user) {
  jp2_reader *r = user;
  if (count < 0 || (uint64_t)count > r->image->count - r->at)
    return -1;
  r->at += (size_t)count;
  return count;
}

static int on_seek(int64_t at, void *user) {
  jp2_reader *r = user;
  if (at < 0 || (uint64_t)at > r->image->count)
    return 0;
  r->at = (size_t)at;
  return 1;
}

static dl_image_status start(const jp2_table *jp2, jp2_reader *r) {
  dl_image *image = r->image;
  int is_bare = image->count > 4 && memcmp(image->bytes, "\xFF\x4F\xFF\x51", 4) == 0;
  r->codec = jp2->create(is_bare ? format_j2k : format_jp2);
  r->stream = jp2->stream_create(stream_buffer, 1);
  void *parameters = calloc(1, parameters_room);
  if (!r->codec || !r->stream || !parameters) {
    free(parameters);
    return DL_IMAGE_NO_MEMORY;
  }
  jp2->set_error(r->codec, on_error, r);
  jp2->default_parameters(parameters);
  int is_set_up = jp2->setup(r->codec, parameters);
  free(parameters);
  if (!is_set_up)
    return DL_IMAGE_WRONG_LIBRARY;
  jp2->stream_read(r->stream, on_read);
  jp2->stream_skip(r->stream, on_skip);
  jp2->stream_seek(r->stream, on_seek);
  jp2->stream_user(r->stream, r, NULL);
  jp2->stream_length(r->stream, image->count);
  return DL_IMAGE_OK;
}

/* How many of the components make the picture; the rest is transparency. */
static uint32_t colour_count(const jp2_picture *p) {
  if (p->numcomps <= 2)
    return 1;
  return p->numcomps == 4 && p->colour_space == colours_cmyk ? 4 : 3;
}

/* Whether the boxes before the pixels hold a palette. */
static int finds_palette(const dl_image *image) {
  for (size_t i = 0; i + 4 <= image->count; i++) {
    if (memcmp(image->bytes + i, "pclr", 4) == 0)
      return 1;
    if (memcmp(image->bytes + i, "\xFF\x4F\xFF\x51", 4) == 0)
      return 0;
  }
  return 0;
}

/* Fills in layout and sizes, from the header and again from what was decoded. */
static dl_image_status describe(const jp2_reader *r) {
  dl_image *image = r->image;
  const jp2_picture *p = r->picture;
  if (p->numcomps < 1 || p->numcomps > 4 || p->x1 <= p->x0 || p->y1 <= p->y0 || !p->comps) {
    dl_image_say(image, "it has no pixels, or more than four components");
    return DL_IMAGE_UNSUPPORTED;
  }
  image->width = p->x1 - p->x0;
  image->height = p->y1 - p->y0;
  uint32_t count = colour_count(p);
  image->layout = count == 1 ? DL_IMAGE_GRAY8 : count == 3 ? DL_IMAGE_RGB8 : DL_IMAGE_CMYK8;
  for (uint32_t c = 0; c < count; c++) {
    const jp2_component *part = &p->comps[c];
    if (part->prec < 1 || part->prec > 31 || part->dx < 1 || part->dy < 1) {
      dl_image_say(image, "its components have no legal size");
      return DL_IMAGE_UNSUPPORTED;
    }
    if (count == 1 && part->prec > 8)
      image->layout = DL_IMAGE_GRAY16;
  }
  return DL_IMAGE_OK;
}

static dl_image_status jp2_open(const void *table, dl_image *image) {
  const jp2_table *jp2 = table;
  const char *version = jp2->version();
  if (!version || strncmp(version, "2.", 2) != 0) {
    dl_image_say(image, version);
    return DL_IMAGE_WRONG_LIBRARY;
  }
  jp2_reader *r = calloc(1, sizeof *r);
  if (!r)
    return DL_IMAGE_NO_MEMORY;
  image->state = r;
  r->image = image;
  dl_image_status status = start(jp2, r);
  if (status != DL_IMAGE_OK)
    return status;
  if (!jp2->read_header(r->stream, r->codec, &r->picture) || !r->picture) {
    return DL_IMAGE_DAMAGED;
  }
  status = describe(r);
  if (status != DL_IMAGE_OK)
    return status;
  /* Each component is decoded to 32 bits a sample, and once more on the way. */
  image->working_bytes = (size_t)8 * r->picture->numcomps * image->width * image->height;
  return DL_IMAGE_OK;
}

/* The sample at a place, from 0 to 2^bits - 1; components may be coarser than the picture. */
static int64_t sample(const jp2_component *c, uint32_t x, uint32_t y, uint32_t bits) {
  uint32_t column = x / c->dx, row = y / c->dy;
  if (column >= c->w)
    column = c->w - 1;
  if (row >= c->h)
    row = c->h - 1;
  int64_t v = c->data[(size_t)row * c->w + column];
  if (c->sgnd)
    v += (int64_t)1 << (c->prec - 1);
  if (c->prec > bits) {
    v = (v + ((int64_t)1 << (c->prec - bits - 1))) >> (c->prec - bits);
  } else {
    v <<= bits - c->prec;
  }
  int64_t most = ((int64_t)1 << bits) - 1;
  return v < 0 ? 0 : v > most ? most : v;
}

static uint8_t clipped(double v) { return v <= 0 ? 0 : v >= 255 ? 255 : (uint8_t)(v + 0.5); }

/* ITU-R BT.601 at full range, as JFIF has it. */
static void to_rgb(uint8_t *p) {
  double y = p[0], cb = p[1] - 128.0, cr = p[2] - 128.0;
  p[0] = clipped(y + 1.402 * cr);
  p[1] = clipped(y - 0.344136 * cb - 0.714136 * cr);
  p[2] = clipped(y + 1.772 * cb);
}

static dl_image_status jp2_read(const void *table, dl_image *image, void *pixels) {
  const jp2_table *jp2 = table;
  jp2_reader *r = image->state;
  if (!jp2->decode(r->codec, r->stream, r->picture) || !jp2->end(r->codec, r->stream)) {
    return DL_IMAGE_DAMAGED;
  }
  const jp2_picture *p = r->picture;
  dl_image promised = *image;
  dl_image_status status = describe(r);
  if (status != DL_IMAGE_OK)
    return status;
  if (image->width != promised.width || image->height != promised.height ||
      image->layout != promised.layout) {
    dl_image_say(image, "its pixels are not what its header promises");
    return DL_IMAGE_DAMAGED;
  }
  uint32_t count = colour_count(p);
  for (uint32_t c = 0; c < count; c++) {
    const jp2_component *part = &p->comps[c];
    if (!part->data || part->w < 1 || part->h < 1) {
      dl_image_say(image, "a component has no pixels");
      return DL_IMAGE_DAMAGED;
    }
  }
  uint8_t *out = pixels;
  uint16_t *wide = pixels;
  for (uint32_t y = 0; y < image->height; y++) {
    for (uint32_t x = 0; x < image->width; x++) {
      if (image->layout == DL_IMAGE_GRAY16) {
        *wide++ = (uint16_t)sample(&p->comps[0], x, y, 16);
        continue;
      }
      for (uint32_t c = 0; c < count; c++)
        out[c] = (uint8_t)sample(&p->comps[c], x, y, 8);
      if (count == 3 && p->colour_space == colours_sycc)
        to_rgb(out);
      if (count == 1 && image->layout == DL_IMAGE_RGB8) {
        out[1] = out[2] = out[0];
        out += 3;
        continue;
      }
      out += count;
    }
  }
  return DL_IMAGE_OK;
}

static void jp2_close(const void *table, dl_image *image) {
  const jp2_table *jp2 = table;
  jp2_reader *r = image->state;
  if (!r)
    return;
  if (r->picture)
    jp2->picture_destroy(r->picture);
  if (r->stream)
    jp2->stream_destroy(r->stream);
  if (r->codec)
    jp2->destroy(r->codec);
  free(r);
  image->state = NULL;
}

const dl_image_codec dl_image_codec_jpeg2000 = {sizeof(jp2_table), jp2_bind, jp2_open, jp2_read,
                                                jp2_close};
