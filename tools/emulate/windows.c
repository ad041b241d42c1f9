// Windows that slide over one block of channels: depthwise convolution and poolings.
#include "blocked.h"
#include "check.h"

static dl_blocked_depthwise window(void) {
  static const intptr_t lengths[8] = {1, 2, 3, 5, 7, 9, 11, 4};
  dl_blocked_depthwise d = {0};
  d.planes = d.group = 1;
  const intptr_t square = lengths[draw_below(7)];
  const int is_square = draw_below(4) != 0;
  for (int i = 0; i < 2; i++) {
    d.taps[i] = is_square ? square : lengths[draw_below(8)];
    d.stride[i] = 1 + draw_below(3);
    d.dilation[i] = draw_below(3) ? 1 : 2;
    d.pad[i] = draw_below(d.taps[i] + 1);
    d.input[i] = 1 + draw_below(i == 0 ? 12 : 30);
    // One more than fits, as when sizes are rounded up.
    const intptr_t room =
        d.input[i] + 2 * d.pad[i] - (d.taps[i] - 1) * d.dilation[i] - 1 + draw_below(2);
    d.output[i] = room < 0 ? 1 : room / d.stride[i] + 1;
  }
  d.form = (int32_t)draw_below(3);
  d.low = d.form == DL_FORM_GATE ? 0.2f : -0.5f;
  d.high = 0.5f;
  if (draw_below(3) == 0) {
    d.after = half_plus;
    d.numbers[0] = 0.125;
  }
  return d;
}

int check_windows(void) {
  family depthwise = {"depthwise", 0, 0, 0}, most = {"largest", 0, 0, 0};
  family average = {"average", 0, 0, 0};
  for (int n = 0; n < 12000; n++) {
    const dl_blocked_depthwise d = window();
    const intptr_t pixels = d.input[0] * d.input[1], size = d.output[0] * d.output[1] * LANES;
    const intptr_t first = draw_below(d.output[0]), rows = 1 + draw_below(d.output[0] - first);
    const float *in = room(pixels * LANES, draw_below(4) ? 0 : 200);
    float *y = room(size, 0), *reference = copy_of(y, size);
    if (n % 3 == 0) {
      const float *w = room(d.taps[0] * d.taps[1] * LANES, 0), *bias = room(LANES, 0);
      const intptr_t kind = draw_below(3);
      const float *z = room(size, 0);
      dl_blocked_depthwise_f32__neon(&d, first, rows, in, w, bias,
                                     kind == 0   ? 0
                                     : kind == 1 ? z
                                                 : y,
                                     y);
      dl_blocked_depthwise_f32__scalar(&d, first, rows, in, w, bias,
                                       kind == 0   ? 0
                                       : kind == 1 ? z
                                                   : reference,
                                       reference, LANES);
      compare(&depthwise, y, reference, size, 1);
    } else if (n % 3 == 1) {
      dl_blocked_max_pool_f32__neon(&d, first, rows, in, y);
      dl_blocked_max_pool_f32__scalar(&d, first, rows, in, reference, LANES);
      compare(&most, y, reference, size, 1);
    } else {
      float *heights = room(d.output[0], 0), *widths = room(d.output[1], 0);
      for (intptr_t i = 0; i < d.output[0]; i++)
        heights[i] = (float)(1 + draw_below(d.taps[0]));
      for (intptr_t i = 0; i < d.output[1]; i++)
        widths[i] = (float)(1 + draw_below(d.taps[1]));
      dl_blocked_average_pool_f32__neon(&d, first, rows, in, y, heights, widths);
      dl_blocked_average_pool_f32__scalar(&d, first, rows, in, reference, heights, widths, LANES);
      compare(&average, y, reference, size, 0);
    }
    release();
  }
  return report(&depthwise) | report(&most) | report(&average);
}
