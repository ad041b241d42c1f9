// Direct convolution of blocked images and of planes.
#include "blocked.h"
#include "check.h"

static void one(family *tiles, family *points, int is_plain, intptr_t blocks, intptr_t stride,
                intptr_t width) {
  static const intptr_t windows[6][2] = {{1, 1}, {3, 3}, {1, 5}, {2, 3}, {3, 1}, {1, 1}};
  static const intptr_t most[3] = {12, 6, 4};
  const uint32_t NaNs = draw_below(6) ? 0 : 500;
  const intptr_t *taps = windows[draw_below(6)], rows = 1 + draw_below(3);
  const intptr_t dilation[2] = {1 + draw_below(2), 1 + draw_below(2)};
  const intptr_t row_stride = 1 + draw_below(3), pixel = is_plain ? 1 : LANES;
  const intptr_t height = (rows - 1) * row_stride + (taps[0] - 1) * dilation[0] + 1;
  const intptr_t columns = (width - 1) * stride + (taps[1] - 1) * dilation[1] + 1;
  dl_blocked_conv c = {0};
  c.in_blocks = 1 + draw_below(3);
  c.last_fours = 1 + draw_below(LANES / 4);
  c.block_step = height * columns * pixel;
  c.taps[0] = taps[0];
  c.taps[1] = taps[1];
  c.tap_step[0] = dilation[0] * columns * pixel;
  c.tap_step[1] = dilation[1] * pixel;
  c.row_step = row_stride * columns * pixel;
  c.pixel_step = stride * pixel;
  c.is_plain = is_plain;
  const int is_spread = draw_below(6) == 0;
  c.out_pixel = is_spread ? 2 * LANES : LANES;
  c.out_row = width * c.out_pixel + draw_below(2) * LANES;
  c.out_block = rows * c.out_row + draw_below(2) * LANES;
  c.tile_rows = 1;
  const intptr_t limit = !is_plain && stride > 2 ? 4 : most[blocks - 1];
  c.tile = draw_below(3) ? limit : 1 + draw_below(limit);
  // The scalar kernel knows of no sums of every fourth channel.
  const int is_point = c.tile == 1 && !is_plain;
  c.form = (int32_t)draw_below(3);
  c.low = c.form == DL_FORM_GATE ? 0.2f : -0.5f;
  c.high = 0.5f;
  if (draw_below(3) == 0) {
    c.after = half_plus;
    c.numbers[0] = 0.125;
  }
  const intptr_t depth = is_plain ? c.in_blocks : (c.in_blocks - 1) * LANES + c.last_fours * 4;
  const float *in = room(c.in_blocks * c.block_step, NaNs);
  const float *w = room(depth * taps[0] * taps[1] * blocks * LANES, 0);
  const float *bias = room(blocks * LANES, 0);
  if (draw_below(2)) {
    c.next = w;
    c.next_bytes = 999;
  }
  const intptr_t size =
      (blocks - 1) * c.out_block + (rows - 1) * c.out_row + (width - 1) * c.out_pixel + LANES;
  float *y = room(size, 0), *reference = copy_of(y, size);
  const float *z = room(size, 0);
  const intptr_t kind = is_spread ? 0 : draw_below(3);
  dl_blocked_conv_f32__neon(&c, blocks, rows, width, in, w, bias,
                            kind == 0   ? 0
                            : kind == 1 ? z
                                        : y,
                            y);
  dl_blocked_conv_f32__scalar(&c, blocks, rows, width, in, w, bias,
                              kind == 0   ? 0
                              : kind == 1 ? z
                                          : reference,
                              reference, LANES);
  compare(is_point ? points : tiles, y, reference, size, !is_point);
  release();
}

int check_conv(void) {
  static const intptr_t widths[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 25, 37};
  family tiles = {"convolution", 0, 0, 0}, points = {"... of points", 0, 0, 0};
  for (int is_plain = 0; is_plain < 2; is_plain++)
    for (intptr_t blocks = 1; blocks <= 3; blocks++)
      for (intptr_t stride = 1; stride <= 3; stride++) {
        if (blocks == 3 && (is_plain || stride == 3))
          continue;
        for (size_t i = 0; i < sizeof(widths) / sizeof(*widths); i++)
          for (int n = 0; n < 60; n++)
            one(&tiles, &points, is_plain, blocks, stride, widths[i]);
      }
  return report(&tiles) | report(&points);
}
