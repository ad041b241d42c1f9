#include <string.h>

#include "../include/byte_images.h"

#pragma clang fp contract(off)

// Rounded to nearest, ties to even, and clamped; NaN becomes the least byte.
static uint8_t byte_of(float v, int32_t zero, int32_t low, int32_t high) {
  const float magic = 12582912.0f, least = (float)(low - zero), most = (float)(high - zero);
  v = v > least ? v : least;
  const float moved = (v < most ? v : most) + magic;
  int32_t bits, start;
  memcpy(&bits, &moved, 4);
  memcpy(&start, &magic, 4);
  return (uint8_t)(bits - start + zero);
}

DL_BYTE_PAIR(dl_byte_pair_u8__scalar) {
  for (intptr_t i = 0; i < n; i++) {
    const float p = (float)(a[i] - k->a_zero) * k->a_scale;
    const float q = (float)(b[i % period] - k->b_zero) * k->b_scale;
    y[i] = byte_of((k->is_product ? p * q : p + q) * k->inverse, k->zero, k->low, k->high);
  }
}

DL_BYTE_AFFINE(dl_byte_affine_u8__scalar) {
  for (intptr_t i = 0; i < n; i++) {
    const intptr_t c = i % period;
    const float v = (float)(x[i] - k->x_zero) * k->factor[c] + k->shift[c];
    y[i] = byte_of(v, k->zero, k->low, k->high);
  }
}
