/* libtiff, by the functions of its manual (tiffio.h); its file handle stays opaque. */
#ifndef DL_TIFF_H
#define DL_TIFF_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include "support.h"

typedef int64_t tiff_io(void *user, void *memory, int64_t count);
typedef uint64_t tiff_seek(void *user, uint64_t offset, int whence);
typedef int tiff_closer(void *user);
typedef uint64_t tiff_sizer(void *user);
typedef int tiff_mapper(void *user, void **base, uint64_t *size);
typedef void tiff_unmapper(void *user, void *base, uint64_t size);
typedef int tiff_handler(void *handle, void *user, const char *module, const char *format,
                         va_list arguments);

typedef struct tiff_table {
  void *(*client_open)(const char *name, const char *mode, void *user, tiff_io *read,
                       tiff_io *write, tiff_seek *seek, tiff_closer *close, tiff_sizer *size,
                       tiff_mapper *map, tiff_unmapper *unmap);
  void (*close)(void *handle);
  int (*get_field)(void *handle, uint32_t tag, ...);
  int (*get_field_or_default)(void *handle, uint32_t tag, ...);
  int (*set_field)(void *handle, uint32_t tag, ...);
  int (*is_tiled)(void *handle);
  int64_t (*strip_size)(void *handle);
  int64_t (*tile_size)(void *handle);
  uint32_t (*compute_strip)(void *handle, uint32_t row, uint16_t sample);
  uint32_t (*compute_tile)(void *handle, uint32_t x, uint32_t y, uint32_t z, uint16_t sample);
  int64_t (*read_strip)(void *handle, uint32_t strip, void *memory, int64_t size);
  int64_t (*read_tile)(void *handle, uint32_t tile, void *memory, int64_t size);
  int (*read_rgba)(void *handle, uint32_t width, uint32_t height, uint32_t *pixels, int orientation,
                   int stop_on_error);
  /* Since 4.5. */
  void *(*client_open_ext)(const char *name, const char *mode, void *user, tiff_io *read,
                           tiff_io *write, tiff_seek *seek, tiff_closer *close, tiff_sizer *size,
                           tiff_mapper *map, tiff_unmapper *unmap, void *options);
  void *(*options_alloc)(void);
  void (*options_free)(void *options);
  void (*options_limit)(void *options, int64_t most_bytes_at_once);
  void (*options_error)(void *options, tiff_handler *handler, void *user);
  void (*options_warning)(void *options, tiff_handler *handler, void *user);
} tiff_table;

#define DL_TIFF_NAMES                                                                              \
  {                                                                                                \
    "TIFFClientOpen", "TIFFClose", "TIFFGetField", "TIFFGetFieldDefaulted", "TIFFSetField",        \
        "TIFFIsTiled", "TIFFStripSize", "TIFFTileSize", "TIFFComputeStrip", "TIFFComputeTile",     \
        "TIFFReadEncodedStrip", "TIFFReadEncodedTile", "TIFFReadRGBAImageOriented",                \
        "?TIFFClientOpenExt", "?TIFFOpenOptionsAlloc", "?TIFFOpenOptionsFree",                     \
        "?TIFFOpenOptionsSetMaxSingleMemAlloc", "?TIFFOpenOptionsSetErrorHandlerExtR",             \
        "?TIFFOpenOptionsSetWarningHandlerExtR"                                                    \
  }

/* TIFFTAG_... */
enum {
  tag_width = 256,
  tag_height = 257,
  tag_bits = 258,
  tag_compression = 259,
  tag_photometric = 262,
  tag_orientation = 274,
  tag_samples = 277,
  tag_rows_per_strip = 278,
  tag_planar = 284,
  tag_colour_map = 320,
  tag_tile_width = 322,
  tag_tile_height = 323,
  tag_extra_samples = 338,
  tag_sample_format = 339,
  tag_jpeg_colour_mode = 65538
};

/* PHOTOMETRIC_... and COMPRESSION_JPEG. */
enum {
  tiff_min_is_white = 0,
  tiff_min_is_black = 1,
  tiff_rgb = 2,
  tiff_palette = 3,
  tiff_separated = 5,
  tiff_ycbcr = 6
};
enum { tiff_jpeg = 7 };

/* Where the pixels of a file go, and how its samples lie. */
typedef struct tiff_reader {
  const tiff_table *tiff;
  dl_image *image;
  void *handle;
  void *options;
  size_t at;
  uint32_t width, height;
  uint32_t block_width, block_height;
  uint16_t bits, samples, photometric, orientation, sample_format;
  int is_planar, is_tiled, is_premultiplied, by_library;
  size_t block_bytes;
  const uint16_t *red, *green, *blue;
} tiff_reader;

/* Writes the upright picture's pixels in the image's layout. */
dl_image_status dl_tiff_read_pixels(tiff_reader *r, void *pixels);

#endif
