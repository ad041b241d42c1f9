#include <string.h>

#include "support.h"

/* libturbojpeg, by the interface that it has had since 1.4 (turbojpeg.h). */
typedef struct jpeg_table {
  void *(*init_decompress)(void);
  int (*decompress_header)(void *handle, const unsigned char *bytes, unsigned long count,
                           int *width, int *height, int *subsampling, int *colours);
  int (*decompress)(void *handle, const unsigned char *bytes, unsigned long count,
                    unsigned char *pixels, int width, int pitch, int height, int format, int flags);
  int (*destroy)(void *handle);
  char *(*error_text)(void *handle);
  int (*error_code)(void *handle);
} jpeg_table;

static const char *const names[] = {"tjInitDecompress", "tjDecompressHeader3", "tjDecompress2",
                                    "tjDestroy",        "tjGetErrorStr2",      "tjGetErrorCode"};

/* TJCS_GRAY, TJCS_CMYK and TJCS_YCCK; the others are RGB and YCbCr. */
enum { colours_gray = 2, colours_cmyk = 3, colours_ycck = 4 };
/* TJPF_RGB, TJPF_GRAY and TJPF_CMYK. */
enum { format_rgb = 0, format_gray = 6, format_cmyk = 11 };
/* TJFLAG_ACCURATEDCT, and TJFLAG_LIMITSCANS against files of endless passes. */
enum { decode_flags = 4096 | 32768 };
/* TJERR_WARNING. */
enum { code_warning = 0 };

static const char *jpeg_bind(void *handle, void *table) {
  _Static_assert(sizeof(jpeg_table) == sizeof names, "a name for every function");
  return dl_image_bind(handle, names, sizeof names / sizeof *names, table);
}

static dl_image_status jpeg_open(const void *table, dl_image *image) {
  const jpeg_table *jpeg = table;
  image->state = jpeg->init_decompress();
  if (!image->state) {
    dl_image_say(image, "libturbojpeg could not be started");
    return DL_IMAGE_NO_MEMORY;
  }
  int width = 0, height = 0, subsampling = -1, colours = -1;
  int status = jpeg->decompress_header(image->state, image->bytes, image->count, &width, &height,
                                       &subsampling, &colours);
  /* A subsampling without a name is called an error, behind the results. */
  int unnamed = status != 0 && width > 0 && height > 0 && colours >= 0 && subsampling < 0;
  if ((status != 0 && !unnamed) || width < 1 || height < 1) {
    dl_image_say(image, jpeg->error_text(image->state));
    return DL_IMAGE_DAMAGED;
  }
  image->width = (uint32_t)width;
  image->height = (uint32_t)height;
  if (colours == colours_gray) {
    image->layout = DL_IMAGE_GRAY8;
  } else if (colours == colours_cmyk || colours == colours_ycck) {
    image->layout = DL_IMAGE_CMYK8;
  } else {
    image->layout = DL_IMAGE_RGB8;
  }
  return DL_IMAGE_OK;
}

/* Warnings about things that leave every pixel as it was meant. */
static int is_harmless(const char *text) {
  static const char *const harmless[] = {"extraneous bytes", "Unknown Adobe color transform",
                                         "JFIF revision", "Inconsistent progression"};
  for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++) {
    if (strstr(text, harmless[i]))
      return 1;
  }
  return 0;
}

static dl_image_status jpeg_read(const void *table, dl_image *image, void *pixels) {
  const jpeg_table *jpeg = table;
  int format = format_rgb, channels = 3;
  if (image->layout == DL_IMAGE_GRAY8) {
    format = format_gray;
    channels = 1;
  } else if (image->layout == DL_IMAGE_CMYK8) {
    format = format_cmyk;
    channels = 4;
  }
  /* A side has at most 65,535 pixels in this format. */
  int width = (int)image->width, height = (int)image->height;
  int status = jpeg->decompress(image->state, image->bytes, image->count, pixels, width,
                                width * channels, height, format, decode_flags);
  if (status != 0) {
    const char *text = jpeg->error_text(image->state);
    if (jpeg->error_code(image->state) != code_warning || !text || !is_harmless(text)) {
      dl_image_say(image, text);
      return DL_IMAGE_DAMAGED;
    }
  }
  if (image->layout == DL_IMAGE_CMYK8) {
    /* Files store ink inverted, as Adobe's programs began to. */
    uint8_t *p = pixels;
    for (size_t i = 0; i < (size_t)image->width * image->height * 4; i++)
      p[i] = 255 - p[i];
  }
  return DL_IMAGE_OK;
}

static void jpeg_close(const void *table, dl_image *image) {
  const jpeg_table *jpeg = table;
  if (image->state)
    jpeg->destroy(image->state);
  image->state = NULL;
}

const dl_image_codec dl_image_codec_jpeg = {sizeof(jpeg_table), jpeg_bind, jpeg_open, jpeg_read,
                                            jpeg_close};
