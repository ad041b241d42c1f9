// Depthwise convolutions of images and volumes, and those of groups narrower than a block, held
// against the plain loops at odd sizes, in memory that ends where it must.
//
//   clang -O1 -g -fsanitize=address,undefined -I Sources/CKernels/include \
//     tools/sanitize/windows.c Sources/CKernels/blocked/depthwise__*.c \
//     Sources/CKernels/blocked/grouped__*.c -lm -o windows && ./windows
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "blocked.h"

static uint32_t state = 1;
static intptr_t below(intptr_t n) {
  state = state * 1664525u + 1013904223u;
  return (intptr_t)((state >> 9) % (uint32_t)n);
}

static float *room(intptr_t count) {
  float *p = malloc((size_t)count * 4);
  if (!p)
    abort();
  for (intptr_t i = 0; i < count; i++)
    p[i] = (float)(below(201) - 100) / 100;
  return p;
}

static dl_blocked_depthwise window(void) {
  static const intptr_t lengths[5] = {1, 2, 3, 5, 7};
  dl_blocked_depthwise d = {.planes = 1 + below(3), .form = (int32_t)below(3), .low = -0.5f};
  d.high = 2;
  for (int i = 0; i < 2; i++) {
    d.taps[i] = lengths[below(5)];
    d.stride[i] = 1 + below(2);
    d.dilation[i] = below(5) ? 1 : 2;
    d.pad[i] = below(d.taps[i] + 1);
    d.input[i] = 1 + below(i == 0 ? 9 : 25);
    const intptr_t last = d.input[i] + 2 * d.pad[i] - (d.taps[i] - 1) * d.dilation[i] - 1;
    d.output[i] = last < 0 ? 1 : last / d.stride[i] + 1;
  }
  return d;
}

// The largest difference from the plain loops; infinite for NaN.
static double difference(dl_blocked_depthwise d, intptr_t group, intptr_t lanes) {
  const intptr_t in = d.input[0] * d.input[1] * lanes, out = d.output[0] * d.output[1] * lanes;
  d.group = group;
  d.plane_step = in;
  float *x = room(d.planes * in), *y = room(out), *want = room(out), *bias = room(lanes);
  float *w = room(d.planes * d.taps[0] * d.taps[1] * group * lanes);
  float *z = below(2) ? room(out) : NULL;
  const intptr_t first = below(d.output[0]), rows = 1 + below(d.output[0] - first);
  dl_blocked_depthwise_f32__scalar(&d, first, rows, x, w, bias, z, want, lanes);
  if (lanes == 16)
    (group > 1 ? dl_blocked_grouped_f32__avx512
               : dl_blocked_depthwise_f32__avx512)(&d, first, rows, x, w, bias, z, y);
  else
    (group > 1 ? dl_blocked_grouped_f32__avx2 : dl_blocked_depthwise_f32__avx2)(&d, first, rows, x,
                                                                                w, bias, z, y);
  double most = 0;
  for (intptr_t i = first * d.output[1] * lanes; i < (first + rows) * d.output[1] * lanes; i++) {
    const double e = fabs((double)y[i] - want[i]);
    most = e <= most ? most : e <= 1e30 ? e : INFINITY;
  }
  free(x), free(y), free(want), free(bias), free(w), free(z);
  return most;
}

int main(void) {
  int bad = 0;
  for (int n = 0; n < 4000; n++) {
    const dl_blocked_depthwise d = window();
    for (intptr_t lanes = 8; lanes <= 16; lanes += 8)
      for (intptr_t group = 1; group < lanes; group *= 2)
        if (!(difference(d, group, lanes) < 2e-4) && bad++ < 5)
          printf("window %d, groups of %ld, %ld lanes differ\n", n, (long)group, (long)lanes);
  }
  printf("%s\n", bad ? "FAILED" : "passed");
  return bad != 0;
}
