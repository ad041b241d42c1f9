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

// Neighbouring channels as one value, so that what runs over a window stays in registers.
#define PIECE_TYPES(N)                                                                             \
  typedef uint8_t piece_##N __attribute__((vector_size(N)));                                       \
  typedef uint16_t wide_##N __attribute__((vector_size(2 * N)));                                   \
  typedef int32_t sum_##N __attribute__((vector_size(4 * N)));                                     \
  typedef float float_##N __attribute__((vector_size(4 * N)));
PIECE_TYPES(4)
PIECE_TYPES(16)
PIECE_TYPES(32)
PIECE_TYPES(64)

// Calls KERNEL##_64 and so on for all of n channels, n a multiple of 4. The last ones are those of
// a whole piece that ends with them.
#define EACH_PIECE(KERNEL, n, ...)                                                                 \
  for (intptr_t c = 0; c < n;) {                                                                   \
    const intptr_t size = n >= 64 ? 64 : n >= 32 ? 32 : n >= 16 ? 16 : 4;                          \
    const intptr_t at = n - c < size ? n - size : c;                                               \
    if (size == 64)                                                                                \
      KERNEL##_64(at, __VA_ARGS__);                                                                \
    else if (size == 32)                                                                           \
      KERNEL##_32(at, __VA_ARGS__);                                                                \
    else if (size == 16)                                                                           \
      KERNEL##_16(at, __VA_ARGS__);                                                                \
    else                                                                                           \
      KERNEL##_4(at, __VA_ARGS__);                                                                 \
    c += size;                                                                                     \
  }

// A window's taps of one image.
typedef struct window_taps {
  intptr_t rows, columns, down, right;
} window_taps;

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

#define MAX_PIECE(N)                                                                               \
  static inline __attribute__((always_inline)) void max_piece_##N(                                 \
      intptr_t at, const uint8_t *from, window_taps t, uint8_t sign, uint8_t *to) {                \
    const piece_##N signs = sign - (piece_##N){0};                                                 \
    piece_##N most = {0};                                                                          \
    for (intptr_t a = 0; a < t.rows; a++)                                                          \
      for (intptr_t b = 0; b < t.columns; b++) {                                                   \
        piece_##N one;                                                                             \
        memcpy(&one, from + a * t.down + b * t.right + at, N);                                     \
        most = __builtin_elementwise_max(most, one ^ signs);                                       \
      }                                                                                            \
    most ^= signs;                                                                                 \
    memcpy(to + at, &most, N);                                                                     \
  }
MAX_PIECE(4)
MAX_PIECE(16)
MAX_PIECE(32)
MAX_PIECE(64)

DL_BYTE_MAX_POOL(NAME(dl_byte_max_pool_u8)) {
  const intptr_t n = w->channels;
  for (intptr_t row = first; row < first + rows; row++) {
    intptr_t a0, a1;
    taps_inside(w, 0, row, &a0, &a1);
    for (intptr_t column = 0; column < w->output[1]; column++) {
      intptr_t b0, b1;
      taps_inside(w, 1, column, &b0, &b1);
      uint8_t *to = y + (row * w->output[1] + column) * n;
      const intptr_t top = row * w->stride[0] - w->pad[0] + a0 * w->dilation[0];
      const intptr_t left = column * w->stride[1] - w->pad[1] + b0 * w->dilation[1];
      const uint8_t *from = x + (top * w->input[1] + left) * n;
      const window_taps t = {a1 - a0, b1 - b0, w->dilation[0] * w->input[1] * n,
                             w->dilation[1] * n};
      EACH_PIECE(max_piece, n, from, t, w->sign, to)
    }
  }
}

// Some channels of a window's mean. Sums take 16 bits as long as these have room.
#define MEAN_PIECE(N)                                                                              \
  static inline __attribute__((always_inline)) void mean_piece_##N(                                \
      intptr_t at, const uint8_t *from, window_taps t, int32_t start, float factor, int32_t zero,  \
      uint8_t *to) {                                                                               \
    sum_##N sums = start - (sum_##N){0};                                                           \
    wide_##N sum = {0};                                                                            \
    int room = 257;                                                                                \
    for (intptr_t a = 0; a < t.rows; a++)                                                          \
      for (intptr_t b = 0; b < t.columns; b++) {                                                   \
        piece_##N one;                                                                             \
        memcpy(&one, from + a * t.down + b * t.right + at, N);                                     \
        sum += __builtin_convertvector(one, wide_##N);                                             \
        if (--room == 0) {                                                                         \
          sums += __builtin_convertvector(sum, sum_##N);                                           \
          sum = (wide_##N){0};                                                                     \
          room = 257;                                                                              \
        }                                                                                          \
      }                                                                                            \
    sums += __builtin_convertvector(sum, sum_##N);                                                 \
    const float_##N low = (float)-zero - (float_##N){0};                                           \
    const float_##N high = (float)(255 - zero) - (float_##N){0};                                   \
    float_##N v = __builtin_convertvector(sums, float_##N) * factor;                               \
    /* Rounds to nearest, ties to even: the sum has no room for a fraction. */                     \
    v = __builtin_elementwise_min(__builtin_elementwise_max(v, low), high) + 12582912.0f;          \
    const sum_##N bits = (sum_##N)v - (0x4B400000 - zero);                                         \
    const piece_##N bytes = __builtin_convertvector(bits, piece_##N);                              \
    memcpy(to + at, &bytes, N);                                                                    \
  }
MEAN_PIECE(4)
MEAN_PIECE(16)
MEAN_PIECE(32)
MEAN_PIECE(64)

DL_BYTE_AVERAGE_POOL(NAME(dl_byte_average_pool_u8)) {
  const intptr_t n = w->channels;
  for (intptr_t row = first; row < first + rows; row++) {
    intptr_t a0, a1;
    taps_inside(w, 0, row, &a0, &a1);
    for (intptr_t column = 0; column < w->output[1]; column++) {
      intptr_t b0, b1;
      taps_inside(w, 1, column, &b0, &b1);
      uint8_t *to = y + (row * w->output[1] + column) * n;
      const intptr_t top = row * w->stride[0] - w->pad[0] + a0 * w->dilation[0];
      const intptr_t left = column * w->stride[1] - w->pad[1] + b0 * w->dilation[1];
      const uint8_t *from = x + (top * w->input[1] + left) * n;
      const float divisor = m->row_counts[row] * m->column_counts[column];
      const float factor = m->factor / divisor;
      const window_taps t = {a1 > a0 ? a1 - a0 : 0, b1 > b0 ? b1 - b0 : 0,
                             w->dilation[0] * w->input[1] * n, w->dilation[1] * n};
      const int32_t start = -(int32_t)(t.rows * t.columns) * m->x_zero;
      EACH_PIECE(mean_piece, n, from, t, start, factor, m->zero, to)
    }
  }
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
