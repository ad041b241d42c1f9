/* What the codecs share. */
#ifndef DL_IMAGE_SUPPORT_H
#define DL_IMAGE_SUPPORT_H

#include "CImageLibraries.h"

/* Looks up `count` functions and stores their addresses one after another in `table`. A name that
 * begins with '?' may be missing and is NULL then. Returns the name of what is missing, or NULL. */
const char *dl_image_bind(void *handle, const char *const *names, size_t count, void *table);

/* Keeps a library's message, cut to size and without its line end. */
void dl_image_say(dl_image *image, const char *text);

extern const dl_image_codec dl_image_codec_jpeg, dl_image_codec_jpeg2000, dl_image_codec_png,
    dl_image_codec_tiff, dl_image_codec_webp;

#endif
