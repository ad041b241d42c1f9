// Products with weights of few bits held against plain C, in memory that ends where it must.
//
//   clang -O1 -g -fsanitize=address,undefined -I Sources/CKernels/include \
//     tools/sanitize/nbits_kernels.c Sources/CKernels/byteproduct/product_nbits*.c -lm \
//     -o nbits_kernels && ./nbits_kernels
//
// With an argument it times two layers of 768 and 3072 instead (build with -O2, without
// sanitisers): microseconds of rows in float32, in one plane of codes and in three.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nbits.h"

static uint32_t state = 1;
static uint32_t draw(void) {
  state = state * 1664525u + 1013904223u;
  return state >> 9;
}

static void *room(size_t bytes) {
  void *p = malloc(bytes ? bytes : 1);
  if (!p)
    abort();
  return p;
}

// A product of m rows with n columns of k steps in blocks.
typedef struct product {
  intptr_t m, n, k, block;
  int bits;
  dl_nbits_weights w;
  intptr_t length; // of whole blocks
  float *x, *rows, *scales, *sums, *y[2], *bias;
  int8_t *codes[2];
} product;

static product make(intptr_t m, intptr_t n, intptr_t k, intptr_t block, int bits, int has_zeros) {
  const intptr_t panels = (n + 31) / 32;
  const intptr_t blocks = block == 16 ? (k + 31) / 32 * 2 : (k + block - 1) / block;
  product p = {.m = m, .n = n, .k = k, .block = block, .bits = bits, .length = blocks * block};
  const size_t size = (size_t)(panels * p.length * 32 * bits / 8);
  const size_t count = (size_t)(panels * blocks * 32);
  uint8_t *codes = room(size), *zeros = has_zeros ? room(count) : NULL;
  float *scales = room(count * 4);
  for (size_t i = 0; i < size; i++)
    codes[i] = (uint8_t)draw();
  for (size_t i = 0; i < count; i++) {
    scales[i] = 0.01f + (float)(draw() % 100) * 1e-4f;
    if (zeros)
      zeros[i] = (uint8_t)(draw() % (1u << bits));
  }
  p.w = (dl_nbits_weights){codes, scales, zeros, 1 << (bits - 1), bits, blocks, block / 32};
  const size_t each = (size_t)(m * p.length), parts = (size_t)(m * blocks) * 4;
  p.x = room((size_t)(m * k) * 4);
  for (intptr_t i = 0; i < m * k; i++)
    p.x[i] = ((float)(draw() % 20001) - 10000) / 9000;
  p.rows = room(each * 4);
  p.scales = room(parts);
  p.sums = room(parts);
  p.bias = room((size_t)n * 4);
  for (intptr_t j = 0; j < n; j++)
    p.bias[j] = (float)j;
  for (int t = 0; t < 2; t++) {
    p.codes[t] = room(3 * each);
    p.y[t] = room((size_t)(m * n) * 4);
  }
  return p;
}

static void drop(product *p) {
  void *all[] = {(void *)p->w.codes,
                 (void *)p->w.scales,
                 (void *)p->w.zeros,
                 p->x,
                 p->rows,
                 p->scales,
                 p->sums,
                 p->bias,
                 p->codes[0],
                 p->codes[1],
                 p->y[0],
                 p->y[1]};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    free(all[i]);
}

static void quantize(product *p, int planes, int to, dl_nbits_quantize_fn *function) {
  for (intptr_t i = 0; i < p->m; i++)
    function(p->k, p->w.blocks, p->block, planes, p->x + i * p->k,
             p->codes[to] + i * planes * p->length, p->scales + i * p->w.blocks,
             p->sums + i * p->w.blocks);
}

static void stage(product *p) {
  for (intptr_t i = 0; i < p->m; i++)
    dl_nbits_stage(p->k, p->w.blocks, p->block, p->x + i * p->k, p->rows + i * p->length,
                   p->sums + i * p->w.blocks);
}

static void compare(const product *p, const char *what) {
  for (intptr_t i = 0; i < p->m * p->n; i++)
    if (!(fabsf(p->y[0][i] - p->y[1][i]) <= 2e-4f)) {
      printf("%s: %td x %td x %td by %td, %d bits: %g, not %g\n", what, p->m, p->n, p->k, p->block,
             p->bits, p->y[1][i], p->y[0][i]);
      exit(1);
    }
}

static void check(product *p) {
  stage(p);
  dl_nbits_f32__scalar(p->m, p->n, p->rows, p->sums, &p->w, p->bias, p->y[0], p->n);
#if defined(__x86_64__)
  dl_nbits_f32__avx512(p->m, p->n, p->rows, p->sums, &p->w, p->bias, p->y[1], p->n);
  compare(p, "float32, avx512");
#endif
  for (int planes = 3; planes > 0; planes -= 2) {
    quantize(p, planes, 0, dl_nbits_quantize__scalar);
    if (planes == 1)
      dl_nbits_s8__scalar(p->m, p->n, 1, p->codes[0], p->scales, p->sums, &p->w, p->bias, p->y[0],
                          p->n);
    else
      dl_nbits_s8__scalar(p->m, p->n, 3, p->codes[0], p->scales, p->sums, &p->w, p->bias, p->y[1],
                          p->n);
    if (planes == 3)
      compare(p, "three planes");
#if defined(__x86_64__)
    quantize(p, planes, 1, dl_nbits_quantize__avx512);
    if (memcmp(p->codes[0], p->codes[1], (size_t)(p->m * p->length * planes)) != 0) {
      printf("codes of %d planes differ\n", planes);
      exit(1);
    }
    dl_nbits_s8__vnni(p->m, p->n, planes, p->codes[1], p->scales, p->sums, &p->w, p->bias, p->y[1],
                      p->n);
    compare(p, "vnni");
#endif
  }
}

#if defined(__x86_64__)
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void measure(intptr_t m, intptr_t block, int bits) {
  double total[3] = {0};
  for (int turn = 0; turn < 2; turn++) {
    product p = make(m, turn ? 768 : 3072, turn ? 3072 : 768, block, bits, 1);
    double least[3] = {1e9, 1e9, 1e9};
    for (int round = 0; round < (m > 8 ? 8 : 200); round++)
      for (int way = 0; way < 3; way++) {
        const double from = now();
        if (way == 0) {
          stage(&p);
          dl_nbits_f32__avx512(p.m, p.n, p.rows, p.sums, &p.w, p.bias, p.y[0], p.n);
        } else {
          const int planes = 2 * way - 1;
          quantize(&p, planes, 0, dl_nbits_quantize__avx512);
          dl_nbits_s8__vnni(p.m, p.n, planes, p.codes[0], p.scales, p.sums, &p.w, p.bias, p.y[0],
                            p.n);
        }
        least[way] = fmin(least[way], now() - from);
      }
    for (int way = 0; way < 3; way++)
      total[way] += least[way] * 1e6;
    drop(&p);
  }
  printf("%3td rows, %d bits by %3td: float32 %7.1f us, codes %7.1f, three planes %7.1f\n", m, bits,
         block, total[0], total[1], total[2]);
}
#endif

int main(int count, char **arguments) {
  (void)arguments;
#if defined(__x86_64__)
  if (count > 1) {
    for (intptr_t m = 1; m <= 128; m *= m == 8 ? 16 : 2)
      for (intptr_t block = 16; block <= 256; block *= 2)
        measure(m, block, 4);
    return 0;
  }
#endif
  const intptr_t sizes[][3] = {{32, 32, 1},  {40, 16, 2}, {70, 32, 3},   {96, 16, 4},
                               {100, 64, 5}, {33, 16, 8}, {300, 256, 9}, {1, 16, 13}};
  int done = 0;
  for (intptr_t n = 1; n <= 70; n += 23)
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
      for (int bits = 4; bits <= 8; bits += 4)
        for (int has_zeros = 0; has_zeros < 2; has_zeros++, done++) {
          product p = make(sizes[s][2], n, sizes[s][0], sizes[s][1], bits, has_zeros);
          check(&p);
          drop(&p);
        }
  printf("%d products agree\n", done);
  return 0;
}
