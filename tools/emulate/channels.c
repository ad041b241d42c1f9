// What happens to the channels of blocked images one by one, and the ways to planes and back.
#include "blocked.h"
#include "check.h"

static void moves(family *f, intptr_t pixels, intptr_t channels) {
  const intptr_t plane = pixels + draw_below(3), size = (channels - 1) * plane + pixels;
  const float *planes = room(size, 0), *blocked = room(pixels * LANES, 0);
  float *y = room(pixels * LANES, 0), *reference = copy_of(y, pixels * LANES);
  dl_to_blocked_f32__neon(y, planes, pixels, plane, channels, LANES);
  dl_to_blocked_f32__scalar(reference, planes, pixels, plane, channels, LANES);
  compare(f, y, reference, pixels * LANES, 1);
  float *z = room(size, 0), *other = copy_of(z, size);
  dl_from_blocked_f32__neon(z, blocked, pixels, plane, channels, LANES);
  dl_from_blocked_f32__scalar(other, blocked, pixels, plane, channels, LANES);
  compare(f, z, other, size, 1);
  release();
}

static void means(family *f, intptr_t pixels) {
  const float *x = room(pixels * LANES, draw_below(4) ? 0 : 300);
  float *y = room(LANES, 0), *reference = room(LANES, 0);
  dl_blocked_mean_f32__neon(x, pixels, y);
  dl_blocked_mean_f32__scalar(x, pixels, reference, LANES);
  compare(f, y, reference, LANES, 0);
  release();
}

static void moments(family *f, intptr_t pixels) {
  float *x = room(pixels * LANES, 0);
  for (intptr_t i = 0; i < pixels * LANES; i++)
    x[i] += (float)(i % LANES);
  double mean[2][LANES], spread[2][LANES];
  float numbers[2][2 * LANES];
  dl_blocked_moments_f32__neon(x, pixels, mean[0], spread[0]);
  dl_blocked_moments_f32__scalar(x, pixels, mean[1], spread[1], LANES);
  for (int i = 0; i < 2; i++)
    for (int l = 0; l < LANES; l++) {
      numbers[i][l] = (float)mean[i][l];
      numbers[i][LANES + l] = (float)spread[i][l];
    }
  compare(f, numbers[0], numbers[1], LANES, 0);
  compare(f, numbers[0] + LANES, numbers[1] + LANES, LANES, 0);
  release();
}

static void affine(family *f, intptr_t pixels) {
  const intptr_t size = pixels * LANES;
  float *x = room(size, 50), *y = room(size, 0), *reference = copy_of(y, size);
  const float *scale = room(LANES, 0), *shift = room(LANES, 0);
  dl_blocked_affine_f32__scalar(reference, x, pixels, scale, shift, LANES);
  float *to = draw_below(2) ? x : y;
  dl_blocked_affine_f32__neon(to, x, pixels, scale, shift);
  compare(f, to, reference, size, 1);
  release();
}

static void scales(family *f, intptr_t pixels) {
  const intptr_t blocks = 1 + draw_below(3), step = (pixels + draw_below(3)) * LANES;
  const intptr_t size = (blocks - 1) * step + pixels * LANES;
  const intptr_t own = (pixels + draw_below(3)) * LANES;
  const intptr_t result = (blocks - 1) * own + pixels * LANES;
  float *x = room(size, 50), *y = room(result, 0), *reference = copy_of(y, result);
  float *same = copy_of(x, size), *other = copy_of(x, size);
  const float *factor = room(blocks * LANES, 0);
  dl_blocked_scale_f32__neon(y, own, x, step, factor, blocks, pixels);
  dl_blocked_scale_f32__scalar(reference, own, x, step, factor, blocks, pixels, LANES);
  compare(f, y, reference, result, 1);
  dl_blocked_scale_f32__neon(same, step, same, step, factor, blocks, pixels);
  dl_blocked_scale_f32__scalar(other, step, other, step, factor, blocks, pixels, LANES);
  compare(f, same, other, size, 1);
  release();
}

static void lanes(family *f, intptr_t pixels) {
  const intptr_t count = 1 + draw_below(4), image = draw_below(2), size = 3 * pixels * LANES;
  void *inputs[2] = {room(size, 100), room(size, 100)};
  dl_blocked_source sources[4];
  int32_t *index = (int32_t *)room(count * LANES, 0);
  for (intptr_t k = 0; k < count; k++) {
    const intptr_t offset = draw_below(2) * pixels * LANES;
    sources[k] = (dl_blocked_source){draw_below(2), offset, pixels * LANES};
    for (intptr_t l = 0; l < LANES; l++)
      index[k * LANES + l] = draw_below(3)   ? (int32_t)draw_below(LANES)
                             : draw_below(2) ? -1
                                             : INT32_MIN + (int32_t)draw();
  }
  float *y = room(pixels * LANES, 0), *reference = room(pixels * LANES, 0);
  dl_blocked_lanes_f32__neon(y, pixels, inputs, image, sources, index, count);
  dl_blocked_lanes_f32__scalar(reference, pixels, inputs, image, sources, index, count, LANES);
  compare(f, y, reference, pixels * LANES, 1);
  release();
}

int check_channels(void) {
  family moved = {"moves", 0, 0, 0}, mean = {"mean", 0, 0, 0}, moment = {"moments", 0, 0, 0};
  family mapped = {"affine", 0, 0, 0}, scaled = {"scale", 0, 0, 0}, joined = {"lanes", 0, 0, 0};
  for (intptr_t pixels = 1; pixels <= 40; pixels++)
    for (intptr_t channels = 1; channels <= LANES; channels++)
      moves(&moved, pixels, channels);
  for (intptr_t pixels = 1; pixels <= 300; pixels++) {
    means(&mean, pixels);
    moments(&moment, pixels);
    affine(&mapped, pixels);
    scales(&scaled, pixels);
    for (int i = 0; i < 4; i++)
      lanes(&joined, pixels);
  }
  return report(&moved) | report(&mean) | report(&moment) | report(&mapped) | report(&scaled) |
         report(&joined);
}
