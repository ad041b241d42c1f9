#include "convolution.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))),        \
                             apply_to = function)
#define UNROLL _Pragma("clang loop unroll(full)")
#define INLINE static inline __attribute__((always_inline))

// M outputs at S stretches of up to 16 pixels, `apart` elements from each other in the input and
// `out_apart` in the output; `masks` has the pixels of each that are stored.
INLINE void tile(const int M, const int S, const dl_plane_conv *k, const float *x, const float *w,
                 const float *bias, float *y, intptr_t apart, intptr_t out_apart,
                 const __mmask16 *masks) {
  __m512 s[M][S];
  UNROLL for (int m = 0; m < M; m++) UNROLL for (int i = 0; i < S; i++) s[m][i] =
      _mm512_set1_ps(bias ? bias[m] : 0);
  for (intptr_t c = 0; c < k->channels; c++, x += k->plane) {
    const float *line = x;
    for (intptr_t a = 0; a < k->taps[0]; a++, line += k->row)
      for (intptr_t b = 0; b < k->taps[1]; b++, w += M) {
        __m512 v[S];
        UNROLL for (int i = 0; i < S; i++) v[i] = _mm512_loadu_ps(line + b + i * apart);
        UNROLL for (int m = 0; m < M; m++) {
          const __m512 each = _mm512_set1_ps(w[m]);
          UNROLL for (int i = 0; i < S; i++) s[m][i] = _mm512_fmadd_ps(each, v[i], s[m][i]);
        }
      }
  }
  UNROLL for (int m = 0; m < M; m++) UNROLL for (int i = 0; i < S; i++) if (masks[i])
      _mm512_mask_storeu_ps(y + m * k->out_plane + i * out_apart, masks[i], s[m][i]);
}

INLINE __mmask16 first(intptr_t n) {
  return n >= 16 ? 0xFFFF : n <= 0 ? 0 : (__mmask16)((1u << n) - 1);
}

// Stretches of a row, S at a time.
INLINE void stretches(const int M, const int S, const dl_plane_conv *k, const float *x,
                      const float *w, const float *bias, float *y, intptr_t from, intptr_t end) {
  for (intptr_t j = from; j < end; j += 16 * S) {
    __mmask16 masks[S];
    UNROLL for (int i = 0; i < S; i++) masks[i] = first(end - j - 16 * i);
    tile(M, S, k, x + j, w, bias, y + j, 16, 16, masks);
  }
}

INLINE void rows(const int M, const dl_plane_conv *k, const float *x, const float *w,
                 const float *bias, float *y) {
  const intptr_t width = k->width;
  if (width > 16) {
    // Few outputs need more sums at once to keep the multipliers busy.
    const intptr_t wide = M <= 4 ? width / 64 * 64 : 0;
    for (intptr_t r = 0; r < k->rows; r++) {
      if (M <= 4)
        stretches(M, 4, k, x + r * k->row, w, bias, y + r * width, 0, wide);
      stretches(M, 2, k, x + r * k->row, w, bias, y + r * width, wide, width);
    }
    return;
  }
  const __mmask16 mask = first(width);
  for (intptr_t r = 0; r < k->rows; r += 2) {
    const int isPair = r + 1 < k->rows;
    const __mmask16 masks[2] = {mask, isPair ? mask : 0};
    tile(M, 2, k, x + r * k->row, w, bias, y + r * width, isPair ? k->row : 0, width, masks);
  }
}

void dl_plane_conv_f32__avx512(const dl_plane_conv *k, intptr_t outputs, const float *x,
                               const float *w, const float *bias, float *y) {
  switch (outputs) {
  case 1:
    rows(1, k, x, w, bias, y);
    return;
  case 2:
    rows(2, k, x, w, bias, y);
    return;
  case 3:
    rows(3, k, x, w, bias, y);
    return;
  case 4:
    rows(4, k, x, w, bias, y);
    return;
  case 5:
    rows(5, k, x, w, bias, y);
    return;
  case 6:
    rows(6, k, x, w, bias, y);
    return;
  case 7:
    rows(7, k, x, w, bias, y);
    return;
  default:
    rows(8, k, x, w, bias, y);
  }
}
#pragma clang attribute pop
#endif
