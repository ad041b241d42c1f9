#include "support.h"

#include <dlfcn.h>
#include <string.h>

const char *dl_image_bind(void *handle, const char *const *names, size_t count, void *table) {
  for (size_t i = 0; i < count; i++) {
    const char *name = names[i];
    int optional = name[0] == '?';
    if (optional)
      name++;
    void *address = dlsym(handle, name);
    if (!address && !optional)
      return name;
    memcpy((char *)table + i * sizeof(void *), &address, sizeof(void *));
  }
  return NULL;
}

void dl_image_say(dl_image *image, const char *text) {
  size_t n = 0;
  while (text && text[n] && text[n] != '\n' && n < DL_IMAGE_TEXT - 1) {
    /* Messages quote the file: what is not plain text becomes a question mark. */
    unsigned char c = (unsigned char)text[n];
    image->text[n] = c >= 0x20 && c < 0x7F ? (char)c : '?';
    n++;
  }
  image->text[n] = 0;
}

const dl_image_codec *dl_image_codec_of(dl_image_library library) {
  switch (library) {
  case DL_IMAGE_TURBOJPEG:
    return &dl_image_codec_jpeg;
  case DL_IMAGE_OPENJPEG:
    return &dl_image_codec_jpeg2000;
  case DL_IMAGE_LIBPNG:
    return &dl_image_codec_png;
  case DL_IMAGE_LIBTIFF:
    return &dl_image_codec_tiff;
  case DL_IMAGE_LIBWEBP:
    return &dl_image_codec_webp;
  }
  return NULL;
}
