// Kernels of single operators on every instruction set, against the plain C ones, in memory whose
// ends AddressSanitizer watches.
//
//   clang -O1 -g -fsanitize=address,undefined -I Sources/CKernels/include \
//     tools/sanitize/singles.c Sources/CKernels/byteproduct/codes{,__avx512}.c \
//     Sources/CKernels/convolution/{bytes,deform,col2im}.c Sources/CKernels/elementwise/clip.c \
//     Sources/CKernels/random/twister.c Sources/CKernels/movement/blocks.c -lm -o singles \
//     && ./singles
#include "byteproduct.h"
#include "convolution.h"
#include "elementwise.h"
#include "movement.h"
#include "random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int wrong = 0;

static void check(const void *a, const void *b, size_t bytes, const char *what) {
  if (memcmp(a, b, bytes) == 0)
    return;
  wrong++;
  printf("%s differs\n", what);
}

static uint8_t *bytes(size_t n) {
  uint8_t *p = malloc(n);
  for (size_t i = 0; i < n; i++)
    p[i] = (uint8_t)rand();
  return p;
}

static float *numbers(size_t n, float scale) {
  float *p = malloc(n * sizeof(float));
  for (size_t i = 0; i < n; i++)
    p[i] = ((float)rand() / (float)RAND_MAX - 0.5f) * 2 * scale;
  return p;
}

static void codes(intptr_t n, int sa, int sb, int is_signed, float ra) {
  uint8_t *a = bytes(sa ? n : 1), *b = bytes(sb ? n : 1), *y = bytes(n), *z = bytes(n);
  dl_codes_sum__scalar(n, a, sa, ra, b, sb, 0.25f, 3.5f, is_signed, y);
  dl_codes_sum__avx2(n, a, sa, ra, b, sb, 0.25f, 3.5f, is_signed, z);
  check(y, z, n, "codes_sum avx2");
  dl_codes_sum__avx512(n, a, sa, ra, b, sb, 0.25f, 3.5f, is_signed, z);
  check(y, z, n, "codes_sum avx512");
  dl_codes_product__scalar(n, a, sa, ra * 100, b, sb, 25, 0.0123f, 3, is_signed, y);
  dl_codes_product__avx512(n, a, sa, ra * 100, b, sb, 25, 0.0123f, 3, is_signed, z);
  check(y, z, n, "codes_product avx512");
  free(a), free(b), free(y), free(z);
}

static intptr_t random_to(intptr_t low, intptr_t high) { return low + rand() % (high - low + 1); }

// A window whose outputs are as many as fit.
static dl_window random_window(void) {
  dl_window w;
  for (int i = 0; i < 3; i++) {
    w.kernel[i] = random_to(1, i ? 4 : 2);
    w.stride[i] = random_to(1, 3);
    w.dilation[i] = random_to(1, 2);
    w.pad[i] = random_to(0, 2);
    const intptr_t reach = (w.kernel[i] - 1) * w.dilation[i] + 1;
    w.input[i] = random_to(reach > 2 * w.pad[i] ? reach - 2 * w.pad[i] : 1, i == 2 ? 70 : 9);
    w.output[i] = (w.input[i] + 2 * w.pad[i] - reach) / w.stride[i] + 1;
  }
  return w;
}

static int code(const uint8_t *x, intptr_t i, int is_signed) {
  return is_signed ? (int8_t)x[i] : x[i];
}

static void windows(void) {
  const dl_window w = random_window();
  const intptr_t plane = w.input[0] * w.input[1] * w.input[2];
  const intptr_t pixels = w.output[0] * w.output[1] * w.output[2];
  const intptr_t taps = w.kernel[0] * w.kernel[1] * w.kernel[2], channels = random_to(1, 3);
  const intptr_t first = random_to(0, pixels - 1), n = random_to(1, pixels - first);
  const int is_signed = rand() & 1, zero = is_signed ? -7 : 130;
  uint8_t *x = bytes(channels * plane), *columns = bytes(channels * taps * n);
  dl_byte_columns(columns, x, &w, channels, first, n, (uint8_t)zero);
  int32_t *t = malloc(taps * 4), *y = malloc(pixels * 4), *z = malloc(pixels * 4);
  for (intptr_t i = 0; i < taps; i++)
    t[i] = (int32_t)random_to(-255, 255);
  dl_byte_taps__scalar(y, x, t, &w, zero, is_signed);
  for (intptr_t o = first; o < first + n; o++) {
    int32_t sum = 0;
    for (intptr_t i = 0; i < taps; i++)
      sum += t[i] * (code(columns, i * n + o - first, is_signed) - zero);
    if (sum != y[o])
      wrong++, printf("byte_taps differs from columns\n");
  }
  dl_byte_taps__avx2(z, x, t, &w, zero, is_signed);
  check(y, z, pixels * 4, "byte_taps avx2");
  dl_byte_taps__avx512(z, x, t, &w, zero, is_signed);
  check(y, z, pixels * 4, "byte_taps avx512");
  float *from = numbers(taps * pixels, 1), *u = numbers(plane, 1), *v = numbers(plane, 1);
  dl_col2im_f32__scalar(u, from, 0.5f, &w);
  dl_col2im_f32__avx2(v, from, 0.5f, &w);
  check(u, v, plane * 4, "col2im avx2");
  dl_col2im_f32__avx512(v, from, 0.5f, &w);
  check(u, v, plane * 4, "col2im avx512");
  free(x), free(columns), free(t), free(y), free(z), free(from), free(u), free(v);
}

static void deform(intptr_t n) {
  const dl_deform_row r = {
      {random_to(1, 9), random_to(1, 40)}, {random_to(-2, 5), random_to(-2, 5)}, random_to(1, 2)};
  const intptr_t tile = n + random_to(0, 5), plane = r.input[0] * r.input[1], channels = 3;
  float *down = numbers(n, 6), *right = numbers(n, 6), *mask = numbers(n, 1);
  float *x = numbers(channels * plane, 1), *w = numbers(4 * tile, 1), *v = numbers(4 * tile, 1);
  float *y = numbers(channels * n, 1), *z = numbers(channels * n, 1);
  down[0] = NAN;
  x[0] = INFINITY;
  int32_t *p = malloc(5 * tile * 4), *q = malloc(5 * tile * 4);
  const float *m = rand() & 1 ? mask : NULL;
  dl_deform_places_f32__scalar(&r, n, down, right, m, tile, p, w);
  dl_deform_places_f32__avx512(&r, n, down, right, m, tile, q, v);
  for (int k = 0; k < 5; k++)
    check(p + k * tile, q + k * tile, n * 4, "deform_places avx512");
  for (int k = 0; k < 4; k++)
    check(w + k * tile, v + k * tile, n * 4, "deform_places avx512, weights");
  dl_deform_sums_f32__scalar(n, channels, x, plane, tile, p, w, y, n);
  dl_deform_sums_f32__avx512(n, channels, x, plane, tile, q, v, z, n);
  for (intptr_t i = 0; i < channels * n; i++)
    if (!(y[i] == z[i] || (isnan(y[i]) && isnan(z[i]))))
      wrong++, printf("deform_sums differs\n");
  free(down), free(right), free(mask), free(x), free(w), free(v), free(y), free(z), free(p),
      free(q);
}

static void chances(intptr_t n) {
  uint32_t a[624], b[624];
  for (int i = 0; i < 624; i++)
    a[i] = b[i] = (uint32_t)rand();
  double u[312], v[312];
  dl_twister_uniform__scalar(a, u);
  dl_twister_uniform__avx2(b, v);
  check(u, v, sizeof u, "twister avx2");
  check(a, b, sizeof a, "twister avx2, words");
  dl_twister_uniform__scalar(a, u);
  dl_twister_uniform__avx512(b, v);
  check(u, v, sizeof u, "twister avx512");
  float *x = numbers(n, 1), *y = numbers(n, 1), *z = numbers(n, 1);
  uint8_t *m = bytes(n), *k = bytes(n);
  dl_drop_f32__scalar(n, u, 0.4, 1.5f, x, y, m);
  dl_drop_f32__avx512(n, u, 0.4, 1.5f, x, z, k);
  check(y, z, n * 4, "drop avx512");
  check(m, k, n, "drop avx512, mask");
  const int outside = dl_bernoulli_f32__scalar(n, u, x, y);
  if (outside != dl_bernoulli_f32__avx512(n, u, x, z))
    wrong++, printf("bernoulli differs\n");
  check(y, z, n * 4, "bernoulli avx512");
  x[0] = NAN;
  const float low = -0.3f, high = 0.2f;
  dl_clip_f32__scalar(n, x, &low, &high, y);
  dl_clip_f32__avx512(n, x, &low, &high, z);
  check(y, z, n * 4, "clip avx512");
  free(x), free(y), free(z), free(m), free(k);
}

// Elements taken by index; one index in some is out of range.
static void gather(intptr_t count) {
  const intptr_t size = random_to(1, 40), along = random_to(1, 4), step = random_to(0, 3);
  float *x = numbers((size - 1) * along + (count - 1) * step + 1, 1);
  int64_t *at = malloc(count * sizeof *at);
  for (intptr_t i = 0; i < count; i++)
    at[i] = random_to(-size, size - 1);
  const int isWrong = rand() % 4 == 0;
  if (isWrong)
    at[rand() % count] = rand() % 2 ? size : INT64_MIN;
  float *y = numbers(count, 1), *z = numbers(count, 1);
  const int a = dl_gather_elements__scalar(y, x, at, 1, count, size, along, step, 4);
  const int b = dl_gather_elements__avx512(z, x, at, 1, count, size, along, step, 4);
  if (a != b || a == isWrong)
    wrong++, printf("gather finds another range\n");
  if (a)
    check(y, z, count * 4, "gather avx512");
  free(x), free(at), free(y), free(z);
}

int main(void) {
  for (intptr_t n = 1; n < 200; n++)
    for (int k = 0; k < 8; k++)
      codes(n, k & 1, k >> 1 & 1, k >> 2, n % 5 == 0 ? 1e9f : n % 7 == 0 ? NAN : 0.31f);
  for (int i = 0; i < 2000; i++)
    windows();
  for (intptr_t n = 1; n < 100; n++)
    deform(n);
  for (intptr_t n = 1; n <= 312; n++)
    chances(n);
  for (intptr_t n = 1; n <= 400; n++)
    gather(n);
  printf(wrong ? "%d wrong\n" : "singles: all right\n", wrong);
  return wrong > 0;
}
