#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

/* libpng, by the functions of its manual (png.h); both of its structures stay opaque. */
typedef struct png_table {
  void *(*create_read)(const char *version, void *error_pointer,
                       void (*error)(void *png, const char *text),
                       void (*warning)(void *png, const char *text));
  void *(*create_info)(void *png);
  void (*destroy_read)(void **png, void **info, void **end_info);
  void (*set_read)(void *png, void *pointer, void (*read)(void *png, uint8_t *to, size_t count));
  void (*read_info)(void *png, void *info);
  uint32_t (*width)(void *png, void *info);
  uint32_t (*height)(void *png, void *info);
  uint8_t (*bit_depth)(void *png, void *info);
  uint8_t (*colour_type)(void *png, void *info);
  void (*palette_to_rgb)(void *png);
  void (*expand_gray)(void *png);
  void (*strip_16)(void *png);
  void (*strip_alpha)(void *png);
  void (*swap)(void *png);
  int (*interlace)(void *png);
  void (*update_info)(void *png, void *info);
  size_t (*row_bytes)(void *png, void *info);
  void (*read_image)(void *png, uint8_t **rows);
} png_table;

static const char *const names[] = {"png_create_read_struct",
                                    "png_create_info_struct",
                                    "png_destroy_read_struct",
                                    "png_set_read_fn",
                                    "png_read_info",
                                    "png_get_image_width",
                                    "png_get_image_height",
                                    "png_get_bit_depth",
                                    "png_get_color_type",
                                    "png_set_palette_to_rgb",
                                    "png_set_expand_gray_1_2_4_to_8",
                                    "png_set_strip_16",
                                    "png_set_strip_alpha",
                                    "png_set_swap",
                                    "png_set_interlace_handling",
                                    "png_read_update_info",
                                    "png_get_rowbytes",
                                    "png_read_image"};

/* PNG_COLOR_MASK_... */
enum { mask_palette = 1, mask_colour = 2, mask_alpha = 4 };

typedef struct png_reader {
  const png_table *png;
  dl_image *image;
  void *handle;
  void *info;
  uint8_t **rows;
  size_t at;
  jmp_buf back;
} png_reader;

/* libpng gives its handlers nothing but its own structure, and the function that finds ours in it
 * belongs to a table that they do not know. */
static _Thread_local png_reader *current;

static const char *png_bind(void *handle, void *table) {
  _Static_assert(sizeof(png_table) == sizeof names, "a name for every function");
  return dl_image_bind(handle, names, sizeof names / sizeof *names, table);
}

/* Must not return: libpng would end the process. */
static _Noreturn void on_error(void *png, const char *text) {
  (void)png;
  dl_image_say(current->image, text);
  longjmp(current->back, 1);
}

static void on_warning(void *png, const char *text) {
  (void)png;
  (void)text;
}

static void on_read(void *png, uint8_t *to, size_t count) {
  png_reader *r = current;
  if (count > r->image->count - r->at)
    on_error(png, "it is cut off");
  memcpy(to, r->image->bytes + r->at, count);
  r->at += count;
}

static size_t row_bytes(const dl_image *image) {
  size_t per_pixel = image->layout == DL_IMAGE_RGB8 ? 3 : image->layout == DL_IMAGE_GRAY16 ? 2 : 1;
  return image->width * per_pixel;
}

/* Reads the header and says what libpng should make of the pixels. */
static dl_image_status begin(png_reader *r) {
  const png_table *png = r->png;
  dl_image *image = r->image;
  png->set_read(r->handle, r, on_read);
  png->read_info(r->handle, r->info);
  image->width = png->width(r->handle, r->info);
  image->height = png->height(r->handle, r->info);
  int depth = png->bit_depth(r->handle, r->info);
  int type = png->colour_type(r->handle, r->info);
  int is_wide = depth == 16;
  if (type & mask_palette)
    png->palette_to_rgb(r->handle);
  if (!(type & mask_colour) && depth < 8)
    png->expand_gray(r->handle);
  image->layout = type & mask_colour ? DL_IMAGE_RGB8 : DL_IMAGE_GRAY8;
  if (is_wide && type == 0) {
    image->layout = DL_IMAGE_GRAY16;
    const uint16_t one = 1;
    if (*(const uint8_t *)&one == 1)
      png->swap(r->handle);
  } else if (is_wide) {
    png->strip_16(r->handle);
  }
  /* A palette may have come with transparency. */
  if (type & (mask_alpha | mask_palette))
    png->strip_alpha(r->handle);
  png->interlace(r->handle);
  png->update_info(r->handle, r->info);
  if (png->row_bytes(r->handle, r->info) != row_bytes(image)) {
    dl_image_say(image, "libpng gives rows of another size");
    return DL_IMAGE_WRONG_LIBRARY;
  }
  image->working_bytes = image->height * sizeof(uint8_t *);
  return DL_IMAGE_OK;
}

static dl_image_status png_open(const void *table, dl_image *image) {
  png_reader *r = calloc(1, sizeof *r);
  if (!r)
    return DL_IMAGE_NO_MEMORY;
  image->state = r;
  r->png = table;
  r->image = image;
  current = r;
  if (setjmp(r->back))
    return DL_IMAGE_DAMAGED;
  /* libpng compares the first two numbers of the version with its own. */
  r->handle = r->png->create_read("1.6.0", NULL, on_error, on_warning);
  if (!r->handle) {
    dl_image_say(image, "libpng could not be started");
    return DL_IMAGE_WRONG_LIBRARY;
  }
  r->info = r->png->create_info(r->handle);
  if (!r->info)
    return DL_IMAGE_NO_MEMORY;
  return begin(r);
}

static dl_image_status png_read(const void *table, dl_image *image, void *pixels) {
  (void)table;
  png_reader *r = image->state;
  current = r;
  r->rows = malloc(image->height * sizeof *r->rows);
  if (!r->rows)
    return DL_IMAGE_NO_MEMORY;
  for (uint32_t y = 0; y < image->height; y++) {
    r->rows[y] = (uint8_t *)pixels + y * row_bytes(image);
  }
  if (setjmp(r->back))
    return DL_IMAGE_DAMAGED;
  r->png->read_image(r->handle, r->rows);
  return DL_IMAGE_OK;
}

static void png_close(const void *table, dl_image *image) {
  (void)table;
  png_reader *r = image->state;
  if (!r)
    return;
  current = r;
  if (r->handle && !setjmp(r->back))
    r->png->destroy_read(&r->handle, &r->info, NULL);
  current = NULL;
  free(r->rows);
  free(r);
  image->state = NULL;
}

const dl_image_codec dl_image_codec_png = {sizeof(png_table), png_bind, png_open, png_read,
                                           png_close};
