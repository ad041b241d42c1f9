/* Decoders of image files that the system's libraries hold, behind one interface.
 *
 * Nothing here links against them: the caller opens a library at run time, and `bind` looks its
 * functions up. Their declarations are ours, written from the published interfaces; types whose
 * layout may change are reached through functions only, and what has a version is asked for it.
 * No call here ends the process: errors of the libraries come back as a status and a text.
 *
 * Calls for different images may run at once; one image belongs to one thread.
 */
#ifndef DL_IMAGE_LIBRARIES_H
#define DL_IMAGE_LIBRARIES_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum dl_image_status {
  DL_IMAGE_OK = 0,
  /* The file's bytes are wrong or cut off. */
  DL_IMAGE_DAMAGED = 1,
  /* A kind of file that the library or this code does not read. */
  DL_IMAGE_UNSUPPORTED = 2,
  DL_IMAGE_NO_MEMORY = 3,
  /* The library is not the one that its name promises. */
  DL_IMAGE_WRONG_LIBRARY = 4
} dl_image_status;

/* Samples lie interleaved, rows from the top without gaps; 16-bit samples in native order. */
typedef enum dl_image_layout {
  DL_IMAGE_GRAY8 = 0,
  DL_IMAGE_GRAY16 = 1,
  DL_IMAGE_RGB8 = 2,
  /* 255 is full ink. */
  DL_IMAGE_CMYK8 = 3
} dl_image_layout;

#define DL_IMAGE_TEXT 200

/* The caller sets `bytes`, `count` and `limit`, and the rest to zero; `open` fills in the rest. */
typedef struct dl_image {
  const uint8_t *bytes;
  /* Number of bytes in the file. */
  size_t count;
  /* Bytes that one allocation of a library may have, where the library can be told. */
  size_t limit;
  uint32_t width;
  uint32_t height;
  dl_image_layout layout;
  /* Bytes that `read` takes beside the pixels, as far as known. */
  size_t working_bytes;
  /* What went wrong, as text with a NUL behind it. */
  char text[DL_IMAGE_TEXT];
  /* The codec's own. */
  void *state;
} dl_image;

/* One library. `table` is memory of `table_bytes` bytes, aligned for pointers, that `bind` fills;
 * after that it is only read. */
typedef struct dl_image_codec {
  size_t table_bytes;
  /* Returns NULL, or the name of a function that the library behind `handle` lacks. */
  const char *(*bind)(void *handle, void *table);
  /* Reads the header. `close` must follow, whatever the status. */
  dl_image_status (*open)(const void *table, dl_image *image);
  /* Writes width * height pixels of `layout` to `pixels`. Call once, after `open` gave OK. */
  dl_image_status (*read)(const void *table, dl_image *image, void *pixels);
  void (*close)(const void *table, dl_image *image);
} dl_image_codec;

typedef enum dl_image_library {
  /* libturbojpeg.so.0, since 2.0. */
  DL_IMAGE_TURBOJPEG = 0,
  /* libopenjp2.so.7, since 2.1. */
  DL_IMAGE_OPENJPEG = 1,
  /* libpng16.so.16. */
  DL_IMAGE_LIBPNG = 2,
  /* libtiff.so.6 or libtiff.so.5. */
  DL_IMAGE_LIBTIFF = 3,
  /* libwebp.so.7. */
  DL_IMAGE_LIBWEBP = 4
} dl_image_library;

const dl_image_codec *dl_image_codec_of(dl_image_library library);

#ifdef __cplusplus
}
#endif

#endif
