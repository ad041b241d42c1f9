// Kernels on images of bytes in plain C, which the compiler makes vectors of.
//
// Whoever includes it has defined NAME(kernel), HAS_FMA (whether that is one instruction) and the
// target.
#include <math.h>
#include <string.h>

#include "../include/byte_images.h"

#pragma clang fp contract(off)

#define PIECE 64

// Rounds to nearest, ties to even, where |v| < 2^22: the sum has no room for a fraction.
static inline int32_t nearest(float v) {
  const float magic = 12582912.0f;
  const float moved = v + magic;
  int32_t bits, zero;
  memcpy(&bits, &moved, 4);
  memcpy(&zero, &magic, 4);
  return bits - zero;
}

static inline float between(float v, float low, float high) {
  v = v > low ? v : low;
  return v < high ? v : high;
}

// 64 bytes as one value, so that what runs over a window stays in registers.
typedef uint8_t piece __attribute__((vector_size(PIECE)));

// x / scale, rounded as a division is (Markstein 1990), for `inverse` = 1 / scale, where nothing
// on the way leaves the range of float32. A division takes ten times as long.
static inline float quotient(float x, float scale, float inverse) {
  const float q = x * inverse;
  return __builtin_fmaf(__builtin_fmaf(-q, scale, x), inverse, q);
}

// The taps of one axis at an output that lie inside: those from *from on before *to.
static inline void taps_inside(const dl_byte_window *w, int axis, intptr_t output, intptr_t *from,
                               intptr_t *to) {
  const intptr_t start = output * w->stride[axis] - w->pad[axis];
  *from = w->taps[axis];
  *to = 0;
  for (intptr_t t = 0; t < w->taps[axis]; t++) {
    const intptr_t at = start + t * w->dilation[axis];
    if (at < 0 || at >= w->input[axis])
      continue;
    if (t < *from)
      *from = t;
    *to = t + 1;
  }
}

DL_BYTE_MAX_POOL(NAME(dl_byte_max_pool_u8)) {
  const intptr_t n = w->channels;
  for (intptr_t row = first; row < first + rows; row++) {
    intptr_t a0, a1;
    taps_inside(w, 0, row, &a0, &a1);
    for (intptr_t column = 0; column < w->output[1]; column++) {
      intptr_t b0, b1;
      taps_inside(w, 1, column, &b0, &b1);
      uint8_t *to = y + (row * w->output[1] + column) * n;
      const intptr_t top = row * w->stride[0] - w->pad[0];
      const intptr_t left = column * w->stride[1] - w->pad[1];
      const uint8_t *from =
          x + ((top + a0 * w->dilation[0]) * w->input[1] + left + b0 * w->dilation[1]) * n;
      const intptr_t down = w->dilation[0] * w->input[1] * n, right = w->dilation[1] * n;
      intptr_t c = 0;
      for (; c + PIECE <= n; c += PIECE) {
        piece most = {0};
        for (intptr_t a = a0; a < a1; a++)
          for (intptr_t b = b0; b < b1; b++) {
            piece one;
            memcpy(&one, from + (a - a0) * down + (b - b0) * right + c, PIECE);
            most = __builtin_elementwise_max(most, one);
          }
        memcpy(to + c, &most, PIECE);
      }
      if (c < n) {
        uint8_t most[PIECE] = {0};
        for (intptr_t a = a0; a < a1; a++)
          for (intptr_t b = b0; b < b1; b++) {
            const uint8_t *one = from + (a - a0) * down + (b - b0) * right + c;
            for (intptr_t i = 0; i < n - c; i++)
              most[i] = one[i] > most[i] ? one[i] : most[i];
          }
        memcpy(to + c, most, (size_t)(n - c));
      }
    }
  }
}

DL_BYTE_AVERAGE_POOL(NAME(dl_byte_average_pool_u8)) {
  const intptr_t n = w->channels;
  const float low = (float)-m->zero, high = (float)(255 - m->zero);
  for (intptr_t row = first; row < first + rows; row++) {
    intptr_t a0, a1;
    taps_inside(w, 0, row, &a0, &a1);
    for (intptr_t column = 0; column < w->output[1]; column++) {
      intptr_t b0, b1;
      taps_inside(w, 1, column, &b0, &b1);
      uint8_t *to = y + (row * w->output[1] + column) * n;
      const intptr_t top = row * w->stride[0] - w->pad[0];
      const intptr_t left = column * w->stride[1] - w->pad[1];
      const float divisor = m->row_counts[row] * m->column_counts[column];
      const float factor = m->factor / divisor;
      const int32_t pixels = (int32_t)((a1 > a0 ? a1 - a0 : 0) * (b1 > b0 ? b1 - b0 : 0));
      for (intptr_t c = 0; c < n; c += PIECE) {
        int32_t sums[PIECE];
        const intptr_t count = n - c < PIECE ? n - c : PIECE;
        for (intptr_t i = 0; i < PIECE; i++)
          sums[i] = -pixels * m->x_zero;
        for (intptr_t a = a0; a < a1; a++)
          for (intptr_t b = b0; b < b1; b++) {
            const intptr_t at =
                (top + a * w->dilation[0]) * w->input[1] + left + b * w->dilation[1];
            const uint8_t *from = x + at * n + c;
            if (count == PIECE) {
              for (intptr_t i = 0; i < PIECE; i++)
                sums[i] += from[i];
            } else {
              for (intptr_t i = 0; i < count; i++)
                sums[i] += from[i];
            }
          }
        for (intptr_t i = 0; i < count; i++)
          to[c + i] = (uint8_t)(nearest(between((float)sums[i] * factor, low, high)) + m->zero);
      }
    }
  }
}

static inline __attribute__((always_inline)) void pairs(const dl_byte_pair *k, const int is_product,
                                                        const uint8_t *a, const uint8_t *b,
                                                        uint8_t *y, intptr_t n) {
  const float low = (float)(k->low - k->zero), high = (float)(k->high - k->zero);
  for (intptr_t i = 0; i < n; i++) {
    const float p = (float)(a[i] - k->a_zero) * k->a_scale;
    const float q = (float)(b[i] - k->b_zero) * k->b_scale;
    const float v = (is_product ? p * q : p + q) * k->inverse;
    y[i] = (uint8_t)(nearest(between(v, low, high)) + k->zero);
  }
}

DL_BYTE_PAIR(NAME(dl_byte_pair_u8)) {
  for (intptr_t at = 0; at < n; at += period)
    if (k->is_product)
      pairs(k, 1, a + at, b, y + at, period);
    else
      pairs(k, 0, a + at, b, y + at, period);
}

DL_BYTE_QUANTIZE(NAME(dl_byte_quantize_f32)) {
  const float low = (float)-zero, high = (float)(255 - zero);
  const int is_usual = HAS_FMA && scale > 0x1p-60f && scale < 0x1p60f;
  const float inverse = 1 / scale, least = -512 * scale, most = 512 * scale;
  for (intptr_t at = 0; at < pixels; at += PIECE) {
    const intptr_t count = pixels - at < PIECE ? pixels - at : PIECE;
    for (intptr_t c = 0; c < step; c += 4) {
      uint8_t four[4][PIECE] = {{0}};
      for (intptr_t i = 0; i < 4; i++) {
        if (c + i >= channels) {
          memset(four[i], zero, PIECE);
          continue;
        }
        const float *from = x + (c + i) * plane + at;
        if (is_usual && count == PIECE)
          for (intptr_t p = 0; p < PIECE; p++) {
            const float v = quotient(between(from[p], least, most), scale, inverse);
            four[i][p] = (uint8_t)(nearest(between(v, low, high)) + zero);
          }
        else
          for (intptr_t p = 0; p < count; p++)
            four[i][p] = (uint8_t)(nearest(between(from[p] / scale, low, high)) + zero);
      }
      uint8_t *to = y + at * step + c;
      uint32_t all[PIECE];
      for (intptr_t p = 0; p < PIECE; p++)
        all[p] = (uint32_t)four[0][p] | (uint32_t)four[1][p] << 8 | (uint32_t)four[2][p] << 16 |
                 (uint32_t)four[3][p] << 24;
      if (step == 4)
        memcpy(to, all, (size_t)(4 * count));
      else
        for (intptr_t p = 0; p < count; p++)
          memcpy(to + p * step, &all[p], 4);
    }
  }
}

DL_BYTE_DEQUANTIZE(NAME(dl_byte_dequantize_f32)) {
  for (intptr_t at = 0; at < pixels; at += PIECE) {
    const intptr_t count = pixels - at < PIECE ? pixels - at : PIECE;
    for (intptr_t c = 0; c < channels; c++) {
      const uint8_t *from = x + at * step + c;
      float *to = y + c * plane + at;
      for (intptr_t p = 0; p < count; p++)
        to[p] = (float)(from[p * step] - zero) * scale;
    }
  }
}

DL_BYTE_QUANTIZE_BLOCKS(NAME(dl_byte_quantize_blocks_f32)) {
  const float low = (float)-zero, high = (float)(255 - zero);
  const int is_usual = HAS_FMA && scale > 0x1p-60f && scale < 0x1p60f;
  const float inverse = 1 / scale, least = -512 * scale, most = 512 * scale;
  // As many pixels at a time as one block has numbers for.
  const intptr_t each = PIECE / block;
  for (intptr_t at = 0; at < pixels; at += each) {
    const intptr_t count = pixels - at < each ? pixels - at : each;
    for (intptr_t c = 0; c < step; c += block) {
      const float *from = x + c / block * block_step + at * block;
      uint8_t bytes[PIECE];
      if (is_usual && count == each)
        for (intptr_t i = 0; i < PIECE; i++) {
          const float v = quotient(between(from[i], least, most), scale, inverse);
          bytes[i] = (uint8_t)(nearest(between(v, low, high)) + zero);
        }
      else
        for (intptr_t i = 0; i < count * block; i++)
          bytes[i] = (uint8_t)(nearest(between(from[i] / scale, low, high)) + zero);
      uint8_t *to = y + at * step + c;
      if (block == 16 && step - c >= 16)
        for (intptr_t p = 0; p < count; p++)
          memcpy(to + p * step, bytes + 16 * p, 16);
      else
        for (intptr_t p = 0; p < count; p++)
          memcpy(to + p * step, bytes + block * p, (size_t)(step - c < block ? step - c : block));
    }
  }
}

DL_BYTE_PIXEL_SUMS(NAME(dl_byte_pixel_sums_u8)) {
  for (intptr_t p = 0; p < pixels; p++, x += step) {
    int32_t sum = 0;
    for (intptr_t c = 0; c < channels; c++)
      sum += x[c];
    y[p] = sum - (int32_t)channels * zero;
  }
}
