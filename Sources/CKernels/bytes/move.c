#include <string.h>

#include "../include/byte_images.h"
#include "../include/movement.h"

/* Fewer channels are not worth a tile. */
enum { TILED = 8 };

static void flip_all(uint8_t *y, intptr_t n, uint8_t flip) {
  for (intptr_t i = 0; i < n; i++)
    y[i] ^= flip;
}

void dl_byte_to_pixels_u8(uint8_t *y, const uint8_t *x, intptr_t pixels, intptr_t plane,
                          intptr_t channels, intptr_t step, uint8_t flip, uint8_t filler) {
  const int tiled = channels >= TILED && dl_movement_has_avx2() &&
                    dl_transpose_tiles(y, step, x, plane, channels, pixels, 1, 1);
  for (intptr_t p = 0; p < pixels; p++) {
    if (!tiled)
      for (intptr_t c = 0; c < channels; c++)
        y[p * step + c] = x[c * plane + p] ^ flip;
    else if (flip)
      flip_all(y + p * step, channels, flip);
    for (intptr_t c = channels; c < step; c++)
      y[p * step + c] = filler;
  }
}

void dl_byte_to_planes_u8(uint8_t *y, const uint8_t *x, intptr_t pixels, intptr_t plane,
                          intptr_t channels, intptr_t step, uint8_t flip) {
  if (channels >= TILED && dl_movement_has_avx2() &&
      dl_transpose_tiles(y, plane, x, step, pixels, channels, 1, 1)) {
    for (intptr_t c = 0; flip && c < channels; c++)
      flip_all(y + c * plane, pixels, flip);
    return;
  }
  for (intptr_t c = 0; c < channels; c++)
    for (intptr_t p = 0; p < pixels; p++)
      y[c * plane + p] = x[p * step + c] ^ flip;
}

#if defined(__x86_64__)
#include <immintrin.h>

// Three of four bytes of as many pixels as leave room for whole vectors, whose number is the
// result.
__attribute__((target("ssse3"))) static intptr_t three_of_four(uint8_t *to, const uint8_t *from,
                                                               intptr_t pixels) {
  const __m128i order = _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
  intptr_t p = 0;
  for (; p + 6 <= pixels; p += 4) {
    const __m128i four = _mm_loadu_si128((const __m128i *)(from + 4 * p));
    _mm_storeu_si128((__m128i *)(to + 3 * p), _mm_shuffle_epi8(four, order));
  }
  return p;
}
#endif

void dl_byte_channels_u8(uint8_t *to, intptr_t to_step, const uint8_t *from, intptr_t from_step,
                         intptr_t channels, intptr_t pixels) {
  if (to_step == channels && from_step == channels) {
    memcpy(to, from, (size_t)(channels * pixels));
    return;
  }
  intptr_t p = 0;
#if defined(__x86_64__)
  if (channels == 3 && to_step == 3 && from_step == 4 && __builtin_cpu_supports("ssse3"))
    p = three_of_four(to, from, pixels);
#endif
  // Four bytes at a time: what is too much, the next pixel writes over.
  if (channels < 4 && to_step == channels && from_step >= 4)
    for (; p + 1 < pixels - (4 - channels) / channels; p++)
      memcpy(to + p * to_step, from + p * from_step, 4);
  for (; p < pixels; p++)
    memcpy(to + p * to_step, from + p * from_step, (size_t)channels);
}
