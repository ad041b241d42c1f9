// 3x3 convolutions by Winograd's transforms, held against the sums that they stand for.
#include "blocked.h"
#include "check.h"

#include <math.h>

typedef struct layer {
  intptr_t channels, outputs, in_blocks, out_blocks;
  dl_blocked_winograd k;
} layer;

// Sums of one block of outputs, in double, as the form and the residual leave them; the largest
// before that.
static double direct(const layer *l, intptr_t block, const float *in, const float *w,
                     const float *bias, const float *residual, float *out) {
  const dl_blocked_winograd *k = &l->k;
  double most = 0;
  const intptr_t stride = k->axis[0] == DL_WINOGRAD_HALF ? 2 : 1;
  for (intptr_t y = 0; y < k->output[0]; y++)
    for (intptr_t x = 0; x < k->output[1]; x++)
      for (intptr_t lane = 0; lane < LANES; lane++) {
        const intptr_t m = block * LANES + lane, at = (y * k->output[1] + x) * LANES + lane;
        double sum = bias[lane];
        for (intptr_t c = 0; m < l->outputs && c < l->channels; c++)
          for (intptr_t t = 0; t < 9; t++) {
            const intptr_t h = y * stride + t / 3 * k->dilation[0] - k->pad[0];
            const intptr_t v = x * stride + t % 3 * k->dilation[1] - k->pad[1];
            if (h >= 0 && h < k->input[0] && v >= 0 && v < k->input[1])
              sum += (double)w[(m * l->channels + c) * 9 + t] *
                     in[((c / LANES * k->input[0] + h) * k->input[1] + v) * LANES + c % LANES];
          }
        most = fmax(most, fabs(sum));
        if (residual)
          sum += residual[at];
        if (k->form == DL_FORM_CLAMP) {
          sum = sum < k->low ? k->low : sum > k->high ? k->high : sum;
        } else if (k->form == DL_FORM_GATE) {
          const double gate = sum * k->low + k->high;
          sum *= gate < 0 ? 0 : gate > 1 ? 1 : gate;
        }
        out[at] = (float)sum;
        if (k->after)
          k->after(out + at, out + at, 1, k->numbers);
      }
  return most;
}

// v: [in_blocks][places][tiles][lanes]; w: [places][depth][lanes]; s: [places][tiles][lanes].
static void products(const layer *l, intptr_t places, intptr_t tiles, intptr_t depth,
                     const float *v, const float *w, float *s) {
  for (intptr_t p = 0; p < places; p++)
    for (intptr_t t = 0; t < tiles; t++)
      for (intptr_t lane = 0; lane < LANES; lane++) {
        float sum = 0;
        for (intptr_t c = 0; c < l->channels; c++)
          sum += v[((c / LANES * places + p) * tiles + t) * LANES + c % LANES] *
                 w[(p * depth + c) * LANES + lane];
        s[(p * tiles + t) * LANES + lane] = sum;
      }
}

static void one(family *f, int32_t axis) {
  const intptr_t stride = axis == DL_WINOGRAD_HALF ? 2 : 1;
  const intptr_t size = axis == DL_WINOGRAD_TWO ? 2 : axis == DL_WINOGRAD_HALF ? 3 : 4;
  const intptr_t points = (size - 1) * stride + 3, places = points * points;
  layer l = {0};
  dl_blocked_winograd *k = &l.k;
  l.channels = 1 + draw_below(20);
  l.outputs = 1 + draw_below(8);
  l.in_blocks = (l.channels + LANES - 1) / LANES;
  intptr_t along[2];
  for (int i = 0; i < 2; i++) {
    k->axis[i] = axis;
    k->dilation[i] = stride == 2 ? 1 : 1 + draw_below(2);
    k->pad[i] = draw_below(3);
    k->input[i] = 1 + draw_below(14);
    const intptr_t room = k->input[i] + 2 * k->pad[i] - 2 * k->dilation[i] - 1;
    if (room < 0)
      return;
    k->output[i] = room / stride + 1;
    const intptr_t wide = size * k->dilation[i];
    along[i] = (k->output[i] + wide - 1) / wide * k->dilation[i];
  }
  k->columns = along[1];
  const intptr_t tiles = along[0] * along[1], depth = (l.channels + 3) / 4 * 4;
  k->in_step = k->out_step = tiles * LANES;
  k->form = (int32_t)draw_below(3);
  k->low = k->form == DL_FORM_GATE ? 0.2f : -0.9f;
  k->high = 0.9f;
  if (draw_below(3) == 0) {
    k->after = half_plus;
    k->numbers[0] = 0.125;
  }
  const intptr_t image = k->input[0] * k->input[1] * LANES;
  const intptr_t result = k->output[0] * k->output[1] * LANES;
  const float *in = room(l.in_blocks * image, 0), *w = room(l.outputs * l.channels * 9, 0);
  const float *bias = room(LANES, 0), *residual = draw_below(2) ? room(result, 0) : 0;
  float *v = room(l.in_blocks * places * tiles * LANES, 0), *s = room(places * tiles * LANES, 0);
  float *packed = room(places * depth * LANES, 0);
  float *y = room(result, 0), *reference = room(result, 0);

  const dl_blocked_weights weights = {.weights = w,
                                      .taps = 9,
                                      .channels = l.channels,
                                      .outputs = l.outputs,
                                      .part = l.channels,
                                      .share = l.outputs,
                                      .blocks = 1,
                                      .lanes = LANES};
  const dl_winograd_filter filter = {.axis = {axis, axis}, .taps = {3, 3}, .parts = {1, 1}};
  dl_blocked_winograd_weights_f32(packed, depth * LANES, &filter, &weights);
  // Tiles in two parts.
  const intptr_t half = draw_below(tiles + 1);
  for (intptr_t b = 0; b < l.in_blocks; b++) {
    float *to = v + b * places * tiles * LANES;
    dl_blocked_winograd_input_f32__neon(k, 0, half, in + b * image, to);
    dl_blocked_winograd_input_f32__neon(k, half, tiles - half, in + b * image, to + half * LANES);
  }
  products(&l, places, tiles, depth, v, packed, s);
  dl_blocked_winograd_output_f32__neon(k, 0, half, s, bias, residual, y);
  dl_blocked_winograd_output_f32__neon(k, half, tiles - half, s + half * LANES, bias, residual, y);
  const double most = direct(&l, 0, in, w, bias, residual, reference);
  compare_within(f, y, reference, result, most);
  release();
}

int check_winograd(void) {
  family two = {"Winograd F(2x2)", 0, 0, 0}, four = {"Winograd F(4x4)", 0, 0, 0};
  family half = {"Winograd, stride 2", 0, 0, 0};
  for (int n = 0; n < 600; n++) {
    one(&two, DL_WINOGRAD_TWO);
    one(&four, DL_WINOGRAD_FOUR);
    one(&half, DL_WINOGRAD_HALF);
  }
  return report(&two) | report(&four) | report(&half);
}
