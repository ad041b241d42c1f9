// Kernels of detection networks and of moving elements at odd sizes, held against plain loops, in
// memory that ends where it must.
//
//   clang -O1 -g -fsanitize=address,undefined -I Sources/CKernels/include tools/sanitize/boxes.c \
//     Sources/CKernels/boxes/*.c Sources/CKernels/movement/*.c -lm -o boxes && ./boxes
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boxes.h"
#include "movement.h"

static uint32_t state = 1;
static int64_t below(int64_t n) {
  state = state * 1664525u + 1013904223u;
  return (int64_t)((state >> 9) % (uint32_t)n);
}
static float number(void) { return (float)(below(20001) - 10000) / 100; }

static void *room(int64_t bytes) {
  char *p = malloc((size_t)(bytes > 0 ? bytes : 1));
  if (!p)
    abort();
  for (int64_t i = 0; i < bytes; i++)
    p[i] = (char)below(256);
  return p;
}

typedef int64_t (*suppress_fn)(const float *, int64_t, int64_t, float, dl_box_bins *, int32_t *);

static int suppression(suppress_fn f) {
  const int64_t n = below(400), most = below(450), bins = 1 + below(256);
  float *boxes = room(n * 16);
  for (int64_t i = 0; i < 4 * n; i += 4) {
    boxes[i] = number() + (float)below(9) * 300;
    boxes[i + 1] = number();
    boxes[i + 2] = boxes[i] + fabsf(number()) / 4;
    boxes[i + 3] = boxes[i + 1] + fabsf(number()) / 4;
    if (below(40) == 0)
      boxes[i + below(4)] = below(2) ? NAN : below(2) ? INFINITY : -INFINITY;
  }
  dl_box_bins b = {
      .origin = number(), .inverse_width = fabsf(number()) / 50, .bins = (int32_t)bins};
  b.bin = room(bins * (int64_t)sizeof *b.bin);
  b.groups = room((n / DL_BOX_GROUP + bins) * (int64_t)sizeof *b.groups);
  b.next = room((n / DL_BOX_GROUP + bins) * 4);
  const int64_t fits = n < most ? n : most;
  int32_t *kept = room(fits * 4), *want = room(fits * 4);
  const float overlap = (float)below(90) / 100;
  const int64_t found = f(boxes, n, most, overlap, &b, kept);
  int64_t count = 0;
  for (int64_t i = 0; i < n && count < most; i++) {
    const float *p = boxes + 4 * i, area = (p[2] - p[0]) * (p[3] - p[1]);
    int hit = 0;
    for (int64_t k = 0; k < count && !hit; k++) {
      const float *q = boxes + 4 * want[k], other = (q[2] - q[0]) * (q[3] - q[1]);
      const float w = fminf(p[2], q[2]) - fmaxf(p[0], q[0]);
      const float h = fminf(p[3], q[3]) - fmaxf(p[1], q[1]), both = w * h;
      if (area > 0 && other > 0 && w > 0 && h > 0 && both > 0) {
        volatile float all = area + other;
        all = all - both;
        hit = all > 0 && both / all > overlap;
      }
    }
    if (!hit)
      want[count++] = (int32_t)i;
  }
  const int isRight = found == count && memcmp(kept, want, (size_t)(count * 4)) == 0;
  free(boxes), free(b.bin), free(b.groups), free(b.next), free(kept), free(want);
  return isRight;
}

typedef void (*pool_fn)(const float *, int64_t, const dl_region_axis *, int64_t,
                        const dl_region_axis *, int64_t, float *);

static dl_region_axis axis(int64_t bins, int64_t size) {
  int32_t *starts = room((bins + 1) * 4);
  starts[0] = 0;
  for (int64_t b = 0; b < bins; b++)
    starts[b + 1] = starts[b] + (int32_t)below(4);
  int32_t *places = room(starts[bins] * 4);
  float *weights = room(starts[bins] * 4);
  for (int32_t i = 0; i < starts[bins]; i++) {
    places[i] = (int32_t)below(size);
    weights[i] = number() / 100;
  }
  return (dl_region_axis){.starts = starts, .places = places, .weights = weights};
}

static int pooling(pool_fn f, pool_fn plain) {
  const int64_t h = 1 + below(9), w = 1 + below(9), rows = 1 + below(8), columns = 1 + below(8);
  float *x = room(h * w * 64), *y = room(rows * columns * 64), *want = room(rows * columns * 64);
  for (int64_t i = 0; i < h * w * 16; i++)
    x[i] = number() / 100;
  const dl_region_axis a = axis(rows, h), b = axis(columns, w);
  f(x, w * 16, &a, rows, &b, columns, y);
  plain(x, w * 16, &a, rows, &b, columns, want);
  int isRight = 1;
  for (int64_t i = 0; i < rows * columns * 16; i++)
    isRight &= fabsf(y[i] - want[i]) <= 1e-5f;
  free(x), free(y), free(want), free((void *)a.starts), free((void *)a.places);
  free((void *)a.weights), free((void *)b.starts), free((void *)b.places), free((void *)b.weights);
  return isRight;
}

static int lines(void) {
  const int64_t width = 1 << below(4), n = 1 + below(90), few = 2 + below(3), split = below(2);
  const int64_t rows = split ? n : few, columns = split ? few : n, bytes = rows * columns * width;
  char *x = room(bytes), *y = room(bytes), *want = room(bytes);
  dl_transpose_2d__scalar(want, rows * width, x, columns * width, rows, columns, width);
  const int isDone =
      dl_transpose_few__avx2(y, rows * width, x, columns * width, rows, columns, width);
  const int isRight = !isDone || memcmp(y, want, (size_t)bytes) == 0;
  free(x), free(y), free(want);
  return isRight;
}

static int tiles(int isa) {
  const int64_t width = 1 << below(4), rows = 1 + below(90), columns = 1 + below(90);
  const int64_t bytes = rows * columns * width;
  char *x = room(bytes), *y = room(bytes), *want = room(bytes);
  dl_transpose_2d__scalar(want, rows * width, x, columns * width, rows, columns, width);
  const int isDone =
      dl_transpose_tiles(y, rows * width, x, columns * width, rows, columns, width, isa);
  const int isRight = isDone && memcmp(y, want, (size_t)bytes) == 0;
  free(x), free(y), free(want);
  return isRight;
}

typedef int64_t (*places_fn)(const void *, int64_t, int64_t, uint64_t, int64_t *, int64_t);
typedef int64_t (*take_fn)(void *, const void *, const uint8_t *, int64_t, int64_t, int64_t);

static int flagged(places_fn find, take_fn take) {
  const int64_t width = 1 << below(4), count = below(300), share = 1 + below(4);
  uint8_t *flags = room(count);
  char *x = room(count * width), *marks = room(count * width);
  int64_t found = 0;
  for (int64_t i = 0; i < count; i++) {
    flags[i] = below(share) == 0 ? (uint8_t)(1 + below(9)) : 0;
    memset(marks + i * width, flags[i], (size_t)width);
    found += flags[i] != 0;
  }
  int64_t *places = room(found * 8);
  char *y = room(found * width);
  int isRight = find(marks, count, width, ~0ull, places, found) == found &&
                take(y, x, flags, count, width, found) == found;
  for (int64_t i = 0, at = 0; isRight && i < count; i++)
    if (flags[i]) {
      isRight = places[at] == i && memcmp(y + at * width, x + i * width, (size_t)width) == 0;
      at++;
    }
  free(flags), free(x), free(marks), free(places), free(y);
  return isRight;
}

static int elements(void) {
  const int64_t width = 1 << below(4), count = below(60), size = 1 + below(9);
  const int wide = (int)below(2), isBad = count > 0 && below(5) == 0;
  const int64_t along = 1 + below(5), step = below(2) ? 0 : size * along;
  char *x = room(((size - 1) * along + (count > 0 ? count - 1 : 0) * step + 1) * width);
  char *y = room(count * width), *at = room(count * (wide ? 8 : 4));
  for (int64_t j = 0; j < count; j++) {
    const int64_t i = isBad && j == count / 2 ? size : below(2 * size) - size;
    if (wide)
      ((int64_t *)(void *)at)[j] = i;
    else
      ((int32_t *)(void *)at)[j] = (int32_t)i;
  }
  int isRight =
      dl_gather_elements__scalar(y, x, at, wide, count, size, along, step, width) == !isBad;
  for (int64_t j = 0; isRight && !isBad && j < count; j++) {
    int64_t i = wide ? ((int64_t *)(void *)at)[j] : ((int32_t *)(void *)at)[j];
    i = i < 0 ? i + size : i;
    isRight = memcmp(y + j * width, x + (i * along + j * step) * width, (size_t)width) == 0;
  }
  free(x), free(y), free(at);
  return isRight;
}

int main(void) {
  int wrong = 0;
  for (int i = 0; i < 3000; i++) {
    wrong += !suppression(dl_suppress_boxes__scalar);
    wrong += !flagged(dl_filled_places__scalar, dl_take_flagged__scalar);
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) {
      wrong += !suppression(dl_suppress_boxes__avx2) + !lines() + !tiles(1);
      wrong += !pooling(dl_pool_region__avx2, dl_pool_region__scalar);
      wrong += !pooling(dl_peak_region__avx2, dl_peak_region__scalar);
    }
    if (__builtin_cpu_supports("avx512vl")) {
      wrong += !suppression(dl_suppress_boxes__avx512) + !tiles(2);
      wrong += !pooling(dl_pool_region__avx512, dl_pool_region__scalar);
      wrong += !pooling(dl_peak_region__avx512, dl_peak_region__scalar);
      wrong += !flagged(dl_filled_places__avx512, dl_take_flagged__avx512);
    }
#endif
    wrong += !elements();
  }
  printf("%d wrong\n", wrong);
  return wrong != 0;
}
