// Byte kernels held against plain loops, at odd sizes, in memory that ends where it must.
//
//   clang -O0 -g -fsanitize=address,undefined -I Sources/CKernels/include \
//     tools/sanitize/byte_kernels.c Sources/CKernels/bytes/*.c \
//     Sources/CKernels/movement/ti*.c Sources/CKernels/movement/transpose.c -lm -o byte_kernels &&
//     ./byte_kernels
//
// With an argument it times layers of known networks instead (build with -O3, without sanitisers):
// microseconds, and the share of the machine's peak.
//
// Over 400 lines because checks and measurements share how a convolution is laid out.
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "byte_images.h"

typedef DL_BYTE_CONV((*conv_function));

static uint32_t state = 1;
static uint32_t draw(void) {
  state = state * 1664525u + 1013904223u;
  return state >> 9;
}

static void *room(size_t bytes) {
  void *p = NULL;
  if (posix_memalign(&p, 64, bytes ? bytes : 1) != 0)
    abort();
  return p;
}

// A convolution of images by one kernel, as ByteConvPlan lays it out.
typedef struct layer {
  intptr_t images, channels, outputs, input[2], taps[2], stride[2], pad[2], dilation[2];
  int is_depthwise, has_residual, has_own, is_bounded, has_offset, is_in_place;
  int is_dense; // a first layer: all taps of a row are one
  int group;    // channels of a group, with as many outputs; or 0
  int block;    // results are float32 in blocks of so many channels; or 0
} layer;

typedef struct laid {
  layer l;
  intptr_t step, out_step, output[2], panels, fours;
  int lanes, is_wide, small;
  intptr_t tap_step, copy_columns, blocks;
  float *floats, *added;
  int32_t *shift;
  uint8_t *copy;
  int8_t *weights;
  uint8_t *x, *z, *y, *border, *packed;
  int32_t *start;
  float *scale, *base, *offset;
  const uint8_t **table;
  dl_byte_conv c;
  dl_byte_panel panel[128];
  intptr_t first[128];
} laid;

static intptr_t fours_of(intptr_t n) { return (n + 3) / 4 * 4; }

static float few_bits(float v) {
  uint32_t bits;
  memcpy(&bits, &v, 4);
  bits &= ~3u;
  memcpy(&v, &bits, 4);
  return v;
}

// A copy of the image between columns of zero points, its channels alone where that saves fours.
static void dense(laid *a) {
  const layer *l = &a->l;
  const intptr_t own = l->channels, all = a->step, wide = l->taps[1];
  a->tap_step = (wide * own + 3) / 4 < wide * all / 4 ? own : all;
  a->fours = (wide * a->tap_step + 3) / 4;
  const intptr_t reach = (a->output[1] - 1) * l->stride[1] + wide, given = l->pad[1] + l->input[1];
  a->copy_columns = reach > given ? reach : given;
  const intptr_t rows = l->images * l->input[0], row = a->copy_columns * a->tap_step;
  a->copy = room((size_t)(rows * row + 3));
  memset(a->copy, 117, (size_t)(rows * row + 3));
  for (intptr_t r = 0; r < rows; r++)
    dl_byte_channels_u8(a->copy + r * row + l->pad[1] * a->tap_step, a->tap_step,
                        a->x + r * l->input[1] * all, all, a->tap_step, l->input[1]);
}

static void lay(laid *a, const layer *l, int lanes, int most, int is_wide) {
  memset(a, 0, sizeof *a);
  a->l = *l;
  a->lanes = lanes;
  a->is_wide = is_wide;
  a->step = fours_of(l->channels);
  a->out_step = fours_of(l->outputs);
  for (int i = 0; i < 2; i++)
    a->output[i] =
        (l->input[i] + 2 * l->pad[i] - l->dilation[i] * (l->taps[i] - 1) - 1) / l->stride[i] + 1;
  const intptr_t taps = l->taps[0] * l->taps[1], part = l->is_depthwise ? 1
                                                        : l->group      ? l->group
                                                                        : l->channels;
  const intptr_t pixels = l->images * a->output[0] * a->output[1];
  a->weights = room((size_t)(l->outputs * part * taps));
  for (intptr_t i = 0; i < l->outputs * part * taps; i++)
    a->weights[i] = (int8_t)(draw() % 255 - 127);
  const size_t in_bytes = (size_t)(l->images * l->input[0] * l->input[1] * a->step);
  a->x = room(in_bytes);
  for (size_t i = 0; i < in_bytes; i++)
    a->x[i] = (uint8_t)draw();
  const size_t out_bytes = (size_t)(pixels * a->out_step);
  a->y = room(out_bytes);
  a->z = room(out_bytes);
  for (size_t i = 0; i < out_bytes; i++)
    a->z[i] = (uint8_t)draw();
  a->fours = l->is_depthwise ? l->taps[1] * ((l->taps[0] + 3) / 4)
             : l->group      ? l->group / 4
                             : a->step / 4;
  if (l->is_dense)
    dense(a);
  if (l->block) {
    a->blocks = (l->outputs + l->block - 1) / l->block;
    const size_t numbers = (size_t)(pixels * a->blocks * l->block);
    a->floats = room(numbers * 4);
    a->added = room(numbers * 4);
    for (size_t i = 0; i < numbers; i++) {
      const intptr_t m =
          (intptr_t)i / l->block / (a->output[0] * a->output[1]) % a->blocks * l->block +
          (intptr_t)i % l->block;
      a->added[i] = m < l->outputs ? (float)(draw() % 1000) / 64 - 7 : 0;
    }
    a->shift = room((size_t)pixels * 4);
    for (intptr_t i = 0; i < pixels; i++)
      a->shift[i] = (int32_t)(draw() % 20000) - 10000;
  }
  const size_t border = l->is_depthwise || l->group ? 64 : (size_t)(4 * a->fours);
  a->border = room(border);
  const int zero = 117;
  memset(a->border, zero, border);
  // Panels of up to `most` vectors.
  size_t bytes[129] = {0}, constants[129] = {0};
  intptr_t first = 0;
  for (; first < l->outputs; a->panels++) {
    const intptr_t left = l->outputs - first, wide = lanes * (l->is_depthwise ? 4 : most);
    dl_byte_panel *p = &a->panel[a->panels];
    p->columns = left < wide ? left : wide;
    p->is_grouped = l->group > 0;
    p->vectors = l->is_depthwise || l->group ? 4 : (p->columns + lanes - 1) / lanes;
    // The plan lets 24 and 40 columns end in half a vector.
    p->is_half = !l->is_depthwise && !l->group && !is_wide && lanes == 16 && p->columns > 16 &&
                 p->columns <= 40 && (p->columns - 1) % 16 < 8;
    a->first[a->panels] = first;
    const size_t each = (size_t)(p->vectors * lanes);
    bytes[a->panels + 1] = bytes[a->panels] + (each - (p->is_half ? 8 : 0)) * 4 *
                                                  (size_t)((l->is_depthwise ? 1
                                                            : l->is_dense   ? l->taps[0]
                                                                            : taps) *
                                                           a->fours * (is_wide ? 2 : 1));
    constants[a->panels + 1] = constants[a->panels] + each;
    first += p->columns;
  }
  // Weights end where the allocation does.
  a->packed = room(bytes[a->panels]);
  const size_t count = constants[a->panels];
  a->start = room(count * 4);
  a->scale = room(count * 4);
  a->base = room(count * 4);
  a->offset = room(count * 4);
  memset(a->start, 0, count * 4);
  memset(a->scale, 0, count * 4);
  memset(a->base, 0, count * 4);
  memset(a->offset, 0, count * 4);
  a->small = part * taps <= 120 && !l->block;
  for (intptr_t i = 0; i < a->panels; i++) {
    dl_byte_panel *p = &a->panel[i];
    dl_byte_filter f = {.weights = a->weights,
                        .all_taps = taps,
                        .taps = l->is_dense ? l->taps[0] : taps,
                        .part = part,
                        .share = l->is_depthwise ? 1
                                 : l->group      ? l->group
                                                 : l->outputs,
                        .first_output = a->first[i],
                        .columns = p->columns,
                        .first_channel = l->is_depthwise ? a->first[i] : 0,
                        .fours = a->fours,
                        .vectors = p->vectors,
                        .lanes = lanes,
                        .is_half = p->is_half,
                        .is_grouped = l->group > 0,
                        .is_wide = is_wide,
                        .is_in_order = l->block && !l->is_depthwise,
                        .merged = l->is_dense ? a->tap_step : 0,
                        .tap_columns = l->is_depthwise ? l->taps[1] : 0};
    dl_byte_pack_s8(a->packed + bytes[i], &f);
    p->weights = a->packed + bytes[i];
    p->next = i + 1 < a->panels ? a->packed + bytes[i + 1] : NULL;
    p->next_bytes = i + 1 < a->panels ? (intptr_t)(bytes[i + 2] - bytes[i + 1]) : 0;
    for (intptr_t column = 0; column < p->columns; column++) {
      const int is_last = p->is_half && column >= 8 * p->vectors;
      const intptr_t wide = 4 * (p->vectors - is_last), k = column - (is_last ? 8 * p->vectors : 0);
      const intptr_t quarter = k / wide + (is_last ? 2 : 0), rest = k % wide;
      const intptr_t lane =
          l->block && !l->is_depthwise ? column : rest / 4 * lanes + quarter * 4 + rest % 4;
      const size_t at = constants[i] + (size_t)lane;
      const int8_t *w = a->weights + (a->first[i] + column) * part * taps;
      int32_t sum = 0;
      for (intptr_t k = 0; k < part * taps; k++)
        sum += w[k];
      a->start[at] = (int32_t)(draw() % 2000) - 1000 - zero * sum + (a->small ? DL_BYTE_MAGIC : 0);
      float scale = (float)(draw() % 1000 + 500) / 1e6f / sqrtf((float)(part * taps) / 64);
      a->scale[at] = a->small ? few_bits(scale) : scale;
      a->base[at] = -12582912.0f * a->scale[at];
      a->offset[at] = (float)(draw() % 100) / 16;
    }
    p->start = a->start + constants[i];
    p->scale = a->scale + constants[i];
    p->base = a->base + constants[i];
    p->offset = l->has_offset || l->block ? a->offset + constants[i] : NULL;
    // As the plan does: what fills the last four is written too.
    if (i == a->panels - 1 && !l->block && p->vectors * lanes >= a->out_step - a->first[i])
      p->columns = a->out_step - a->first[i];
  }
  a->table = room((size_t)taps * 8 * sizeof(void *));
  a->c = (dl_byte_conv){.taps = {l->taps[0], l->taps[1]},
                        .fours = a->fours,
                        .input = {l->input[0], l->input[1]},
                        .output = {a->output[0], a->output[1]},
                        .stride = {l->stride[0], l->stride[1]},
                        .pad = {l->pad[0], l->pad[1]},
                        .dilation = {l->dilation[0], l->dilation[1]},
                        .pixel_step = a->step,
                        .row_step = a->step * l->input[1],
                        .image_step = a->step * l->input[1] * l->input[0],
                        .out_step = a->out_step};
  if (l->is_dense) {
    a->c.taps[1] = 1;
    a->c.input[1] = a->copy_columns - l->taps[1] + 1;
    a->c.pad[1] = 0;
    a->c.pixel_step = a->tap_step;
    a->c.row_step = a->tap_step * a->copy_columns;
    a->c.image_step = a->c.row_step * l->input[0];
  }
  a->c.finish = (dl_byte_finish){.zero = l->is_bounded ? 99 : 0,
                                 .low = l->is_bounded ? 99 : 0,
                                 .high = l->is_bounded ? 240 : 255,
                                 .is_small = a->small,
                                 .has_own = l->has_own,
                                 .own_low = -101,
                                 .own_high = 154,
                                 .own_factor = 0.83f,
                                 .z_factor = 0.61f,
                                 .z_base = -8388608.0f * 0.61f,
                                 .z_offset = l->is_bounded ? -0.61f * 90 : 0};
}

static void lose(laid *a) {
  void *all[] = {a->weights,       a->x,      a->z,     a->y,     a->border,
                 a->packed,        a->start,  a->base,  a->scale, a->offset,
                 (void *)a->table, a->floats, a->added, a->shift, a->copy};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    free(all[i]);
}

// The same with float32 results: a call for each panel and part of an image.
static void run_floats(laid *a, conv_function kernel, intptr_t chunk) {
  const layer *l = &a->l;
  const intptr_t pixels = a->output[0] * a->output[1], step = pixels * l->block;
  const uint8_t *x = l->is_dense ? a->copy : a->x;
  if (l->is_in_place)
    memcpy(a->floats, a->added, (size_t)(l->images * a->blocks * step) * 4);
  for (intptr_t image = 0; image < l->images; image++)
    for (intptr_t at = 0; at < pixels; at += chunk)
      for (intptr_t i = 0; i < a->panels; i++) {
        const intptr_t place = (image * a->blocks + a->first[i] / l->block) * step;
        const dl_byte_floats f = {
            .y = a->floats + place,
            .z = !l->has_residual ? NULL : (l->is_in_place ? a->floats : a->added) + place,
            .block = l->block,
            .step = step,
            .shift = l->has_offset && !l->is_depthwise ? a->shift + image * pixels : NULL,
            .low = l->is_bounded ? 0 : -INFINITY,
            .high = l->has_own ? 6 : INFINITY};
        dl_byte_conv c = a->c;
        c.floats = &f;
        kernel(&c, &a->panel[i], l->is_depthwise ? x + a->first[i] : x, a->border, NULL, NULL,
               image * pixels + at, pixels - at < chunk ? pixels - at : chunk, a->table);
      }
}

static void run(laid *a, conv_function kernel, intptr_t chunk) {
  if (a->l.block) {
    run_floats(a, kernel, chunk);
    return;
  }
  const intptr_t all = a->l.images * a->output[0] * a->output[1];
  if (a->l.is_in_place)
    memcpy(a->y, a->z, (size_t)(all * a->out_step));
  const uint8_t *z = a->l.is_in_place ? a->y : a->z;
  for (intptr_t at = 0; at < all; at += chunk)
    for (intptr_t i = 0; i < a->panels; i++)
      kernel(&a->c, &a->panel[i],
             a->l.is_depthwise || a->l.group ? a->x + a->first[i]
             : a->l.is_dense                 ? a->copy
                                             : a->x,
             a->border, a->l.has_residual ? z + a->first[i] : NULL, a->y + a->first[i], at,
             all - at < chunk ? all - at : chunk, a->table);
}

typedef struct kind {
  const char *name;
  conv_function kernel;
  int lanes, most, is_wide, is_depthwise;
} kind;

static const kind kinds[] = {
    {"conv scalar", dl_byte_conv_u8s8__scalar, 16, 4, 0, 0},
    {"depthwise scalar", dl_byte_depthwise_u8s8__scalar, 16, 4, 0, 1},
#if defined(__x86_64__)
    {"conv avx2", dl_byte_conv_u8s8__avx2, 8, 2, 1, 0},
    {"conv avx512", dl_byte_conv_u8s8__avx512, 16, 4, 1, 0},
    {"conv avx512vnni", dl_byte_conv_u8s8__avx512vnni, 16, 4, 0, 0},
    {"depthwise avx2", dl_byte_depthwise_u8s8__avx2, 8, 4, 1, 1},
    {"depthwise avx512", dl_byte_depthwise_u8s8__avx512, 16, 4, 1, 1},
    {"depthwise avx512vnni", dl_byte_depthwise_u8s8__avx512vnni, 16, 4, 0, 1},
    {"depthwise avx512vnni half", dl_byte_depthwise_u8s8__avx512vnni_half, 8, 4, 0, 1},
#endif
};

static int check(void) {
  static laid a, b;
  int failed = 0, cases = 0;
  const intptr_t channels[] = {1, 3, 5, 24, 30, 61, 64, 130, 40, 103};
  const intptr_t sizes[] = {1, 3, 6, 11};
  for (size_t k = 2; k < sizeof kinds / sizeof *kinds; k++)
    for (int round = 0; round < 320; round++) {
      layer l = {.images = 1 + (intptr_t)draw() % 2,
                 .channels = channels[draw() % 10],
                 .outputs = channels[draw() % 10],
                 .is_depthwise = kinds[k].is_depthwise,
                 .has_own = (int)(draw() % 2),
                 .is_bounded = (int)(draw() % 2),
                 .has_offset = (int)(draw() % 4 == 0),
                 .has_residual = (int)(draw() % 2)};
      l.is_in_place = l.has_residual && draw() % 2;
      if (l.is_depthwise)
        l.outputs = l.channels;
      for (int i = 0; i < 2; i++) {
        l.taps[i] = (intptr_t[]){1, 3, 5, 2, 7}[draw() % 5];
        l.stride[i] = 1 + (intptr_t)draw() % 3;
        l.dilation[i] = 1 + (intptr_t)(draw() % 4 == 0);
        l.pad[i] = (intptr_t)draw() % (l.taps[i] / 2 + 1);
        l.input[i] = sizes[draw() % 4];
        if (l.input[i] + 2 * l.pad[i] < l.dilation[i] * (l.taps[i] - 1) + 1)
          l.input[i] = l.dilation[i] * (l.taps[i] - 1) + 1;
      }
      if (draw() % 3 == 0)
        l.block = k == sizeof kinds / sizeof *kinds - 1 ? 16 : kinds[k].lanes;
      if (kinds[k].kernel == dl_byte_conv_u8s8__avx512vnni && !l.block && draw() % 3 == 0) {
        l.group = 4 << draw() % 3;
        l.channels = l.outputs = l.group * (1 + (intptr_t)draw() % 9);
      } else if (!l.is_depthwise && draw() % 2) {
        l.channels = 1 + (intptr_t)draw() % 16;
        l.is_dense = l.taps[1] > 1 && l.dilation[1] == 1;
      }
      const uint32_t seed = draw();
      state = seed;
      lay(&a, &l, kinds[k].lanes, kinds[k].most, kinds[k].is_wide);
      state = seed;
      // The plain sum knows of no dense rows.
      l.is_dense = 0;
      lay(&b, &l, 16, 4, 0);
      run(&a, kinds[k].kernel, 1 + (intptr_t)draw() % 50);
      run(&b, l.is_depthwise ? kinds[1].kernel : kinds[0].kernel, 1000000);
      const intptr_t n = l.images * a.output[0] * a.output[1];
      intptr_t wrong = 0;
      for (intptr_t p = 0; p < n; p++)
        for (intptr_t m = 0; m < l.outputs; m++)
          wrong += !l.block && a.y[p * a.out_step + m] != b.y[p * b.out_step + m];
      for (intptr_t i = 0; i < n * a.blocks * l.block; i++)
        wrong += a.floats[i] != b.floats[i];
      if (wrong) {
        printf("%s: %ld of %ld differ: %ld images, %ld to %ld channels, %ldx%ld of %ldx%ld\n",
               kinds[k].name, (long)wrong, (long)(n * l.outputs), (long)l.images, (long)l.channels,
               (long)l.outputs, (long)l.taps[0], (long)l.taps[1], (long)l.input[0],
               (long)l.input[1]);
        failed++;
      }
      cases++;
      lose(&a);
      lose(&b);
    }
  printf("%d cases, %d failed\n", cases, failed);
  return failed != 0;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int by_size(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void measure(const char *filter) {
  static const struct {
    const char *name;
    layer l;
  } layers[] = {
#define LAYER(size, in, out, k, s, deep, residual)                                                 \
  {1,      in,   out,      {size, size}, {k, k}, {s, s}, {k / 2, k / 2},                           \
   {1, 1}, deep, residual, residual,     0,      0,      residual}
#define GROUPS(size, in, each)                                                                     \
  { 1, in, in, {size, size}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, .group = each }
      {"1x1 64-256 56", LAYER(56, 64, 256, 1, 1, 0, 0)},
      {"1x1 64-256 56 +", LAYER(56, 64, 256, 1, 1, 0, 1)},
      {"1x1 128-512 28 +", LAYER(28, 128, 512, 1, 1, 0, 1)},
      {"1x1 256-1024 14 +", LAYER(14, 256, 1024, 1, 1, 0, 1)},
      {"1x1 512-2048 7 +", LAYER(7, 512, 2048, 1, 1, 0, 1)},
      {"1x1 256-64 56", LAYER(56, 256, 64, 1, 1, 0, 0)},
      {"3x3 64-64 56", LAYER(56, 64, 64, 3, 1, 0, 0)},
      {"3x3 256-256 14", LAYER(14, 256, 256, 3, 1, 0, 0)},
      {"3x3 512-512 7", LAYER(7, 512, 512, 3, 1, 0, 0)},
      {"3x3/2 3-32 224", LAYER(224, 3, 32, 3, 2, 0, 0)},
      {"1x1 32-16 112", LAYER(112, 32, 16, 1, 1, 0, 0)},
      {"1x1 16-96 112", LAYER(112, 16, 96, 1, 1, 0, 0)},
      {"1x1 24-144 56", LAYER(56, 24, 144, 1, 1, 0, 0)},
      {"1x1 144-24 56", LAYER(56, 144, 24, 1, 1, 0, 0)},
      {"1x1 144-24 56 +", LAYER(56, 144, 24, 1, 1, 0, 1)},
      {"1x1 192-32 28 +", LAYER(28, 192, 32, 1, 1, 0, 1)},
      {"1x1 64-384 14", LAYER(14, 64, 384, 1, 1, 0, 0)},
      {"1x1 384-64 14", LAYER(14, 384, 64, 1, 1, 0, 0)},
      {"1x1 960-160 7", LAYER(7, 960, 160, 1, 1, 0, 0)},
      {"deep 72 56", LAYER(56, 72, 72, 3, 1, 1, 0)},
      {"deep 7x7 96 56", LAYER(56, 96, 96, 7, 1, 1, 0)},
      {"groups of 16 64 28", GROUPS(28, 64, 16)},
      {"groups of 8 104 28", GROUPS(28, 104, 8)},
      {"groups of 4 128 56", GROUPS(56, 128, 4)},
      {"deep 96/2 112", LAYER(112, 96, 96, 3, 2, 1, 0)},
      {"deep 144 56", LAYER(56, 144, 144, 3, 1, 1, 0)},
      {"deep 384 14", LAYER(14, 384, 384, 3, 1, 1, 0)},
      {"deep 960 7", LAYER(7, 960, 960, 3, 1, 1, 0)},
  };
  double peak = 0;
  for (int i = 0; i < 40; i++) {
    int32_t result;
    const double start = now();
    const int64_t n = dl_peak_u8s8(3, 20000, &result);
    const double rate = (double)n / (now() - start);
    peak = rate > peak ? rate : peak;
  }
  printf("peak %.0f G operations a second\n", peak / 1e9);
  static laid a;
  for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
    if (!strstr(layers[i].name, filter))
      continue;
    const kind *k = &kinds[layers[i].l.is_depthwise ? 7 : 4];
    lay(&a, &layers[i].l, k->lanes, k->most, k->is_wide);
    double times[201];
    const intptr_t all = a.output[0] * a.output[1];
    const intptr_t rows = 393216 / (a.step * a.l.stride[0] * a.l.stride[1] * a.output[1]);
    const intptr_t chunk = rows < 1 || rows >= a.output[0] ? all : rows * a.output[1];
    run(&a, k->kernel, chunk);
    for (int r = 0; r < 201; r++) {
      const double start = now();
      run(&a, k->kernel, chunk);
      times[r] = now() - start;
    }
    qsort(times, 201, sizeof(double), by_size);
    const layer *l = &a.l;
    const double work =
        2.0 * (double)(a.output[0] * a.output[1] * l->outputs * l->taps[0] * l->taps[1] *
                       (l->is_depthwise ? 1
                        : l->group      ? l->group
                                        : l->channels));
    printf("%-20s %8.1f us  %3.0f %%\n", layers[i].name, times[20] * 1e6,
           work / times[20] / peak * 100);
    lose(&a);
  }
}

int main(int count, char **arguments) {
  if (count < 2)
    return check();
  measure(count > 2 ? arguments[2] : "");
  return 0;
}
