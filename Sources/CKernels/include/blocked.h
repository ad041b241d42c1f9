// Kernels on images in blocked layout.
//
// A blocked image is [blocks][height][width][lanes] with 8 or 16 channels side by side ("lanes");
// lanes beyond the last channel hold zeros. Units are elements. Nothing is read or written outside
// of what each comment names. Memories do not overlap unless said; no alignment is needed.
#ifndef DL_BLOCKED_H
#define DL_BLOCKED_H
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// One block of channels from planes into lanes: to[p][l] = from[l * plane + p] for l < channels,
// 0 for channels <= l < lanes, over p < pixels. lanes is 8 or 16; __avx512 takes 16 only, __avx2
// and __neon take 8 only.
#define DL_TO_BLOCKED(name)                                                                        \
  void name(float *to, const float *from, intptr_t pixels, intptr_t plane, intptr_t channels,      \
            intptr_t lanes)
DL_TO_BLOCKED(dl_to_blocked_f32__scalar);
DL_TO_BLOCKED(dl_to_blocked_f32__avx2);
DL_TO_BLOCKED(dl_to_blocked_f32__avx512);
DL_TO_BLOCKED(dl_to_blocked_f32__neon);

// The way back: to[l * plane + p] = from[p][l] for l < channels, p < pixels.
#define DL_FROM_BLOCKED(name)                                                                      \
  void name(float *to, const float *from, intptr_t pixels, intptr_t plane, intptr_t channels,      \
            intptr_t lanes)
DL_FROM_BLOCKED(dl_from_blocked_f32__scalar);
DL_FROM_BLOCKED(dl_from_blocked_f32__avx2);
DL_FROM_BLOCKED(dl_from_blocked_f32__avx512);
DL_FROM_BLOCKED(dl_from_blocked_f32__neon);

// What a convolution does with a sum, bias and residual included, before it is written.
enum dl_blocked_form {
  DL_FORM_NONE,
  DL_FORM_CLAMP, // max(low, min(high, x)); NaN stays
  DL_FORM_GATE,  // x max(0, min(1, low x + high))
};

// The settled part of a direct convolution. Outputs are blocked rows. Inputs are blocked too, or
// planes, one channel a "block", where is_plain. Every tap of every output lies in memory: whoever
// calls it has copied the input between zeros where windows reach over its edges.
typedef struct dl_blocked_conv {
  intptr_t in_blocks;            // blocks (planes) of input channels in a sum
  intptr_t last_fours;           // channels of the last block, in fours; of no use for planes
  intptr_t block_step;           // elements between blocks (planes) of the input
  intptr_t taps[2], tap_step[2]; // along height and width; elements between taps
  intptr_t row_step, pixel_step; // elements between the inputs of neighbouring outputs
  // Elements between blocks, rows and pixels of output and residual.
  intptr_t out_block, out_row, out_pixel;
  // Rows (1 or 2) and most columns of a register tile; 1 column where the image is one pixel, with
  // sums of every fourth channel.
  intptr_t tile_rows, tile;
  int32_t is_plain;
  // Whether the last of the blocks has channels in its lower lanes at most, half of all; results of
  // the others are then 0, whatever weights and bias they have. Only __avx512 makes use of it, for
  // a pixel_step of one pixel and 1 row.
  int32_t is_half;
  int32_t form;
  float low, high;
  // Applied in place to what was written, n elements at a time, where not NULL.
  void (*after)(const void *x, void *y, size_t n, const double *numbers);
  double numbers[2];
  // What is read next, as the weights of the next blocks: it comes into the second-level cache
  // while these are computed, a part with each tile. NULL: nothing.
  const void *next;
  intptr_t next_bytes;
} dl_blocked_conv;

// `rows` rows of `width` pixels of `blocks` neighbouring blocks of the output.
//   in: the first tap of the first pixel
//   w: [in_blocks][taps][lanes of the block, the last with 4 last_fours][blocks][lanes];
//      for planes [in_blocks][taps][blocks][lanes]; up to 4 KB behind are prefetched, not read
//   bias: [blocks][lanes]; residual: laid out as out, or NULL; may be out itself; NULL where
//   out_pixel is not lanes
// Lanes and limits: __avx512: 16 lanes, tile <= 14, 14, 9 and 6 for 1, 2, 3 and 4 blocks, 2 rows
// only for 2 blocks and tile <= 7; __avx2 and __neon: 8 lanes, tile <= 12, 6 and 4 for 1, 2 and 3
// blocks, 1 row. Planes: 1 or 2 blocks, 1 row. Blocked inputs with a pixel_step beyond two pixels:
// 1 or 2 blocks, 1 row, tile <= 6 (__avx512) or 4 (__avx2, __neon).
#define DL_BLOCKED_CONV(name)                                                                      \
  void name(const dl_blocked_conv *c, intptr_t blocks, intptr_t rows, intptr_t width,              \
            const float *in, const float *w, const float *bias, const float *residual, float *out)
DL_BLOCKED_CONV(dl_blocked_conv_f32__avx2);
DL_BLOCKED_CONV(dl_blocked_conv_f32__avx512);
DL_BLOCKED_CONV(dl_blocked_conv_f32__neon);
// Any number of blocks, rows and columns; `lanes` lanes.
void dl_blocked_conv_f32__scalar(const dl_blocked_conv *c, intptr_t blocks, intptr_t rows,
                                 intptr_t width, const float *in, const float *w, const float *bias,
                                 const float *residual, float *out, intptr_t lanes);

// A window that slides over one block of channels.
typedef struct dl_blocked_depthwise {
  // Along height and width. Output o and tap t read input o * stride - pad + t * dilation, where
  // that lies inside.
  intptr_t input[2], output[2], taps[2], stride[2], dilation[2], pad[2];
  // Of convolutions: planes of a volume under the window, and elements from one to the next, 1 for
  // images; and channels of a group, 1 unless said.
  intptr_t planes, plane_step, group;
  int32_t form;
  float low, high;
  void (*after)(const void *x, void *y, size_t n, const double *numbers);
  double numbers[2];
} dl_blocked_depthwise;

// Rows first..<first + rows of one block's output, as convolution.
//   in: the first plane; residual (or NULL), out: the whole block; w: [planes][taps][lanes];
//   bias: [lanes]
#define DL_BLOCKED_DEPTHWISE(name)                                                                 \
  void name(const dl_blocked_depthwise *d, intptr_t first, intptr_t rows, const float *in,         \
            const float *w, const float *bias, const float *residual, float *out)
DL_BLOCKED_DEPTHWISE(dl_blocked_depthwise_f32__avx2);
DL_BLOCKED_DEPTHWISE(dl_blocked_depthwise_f32__avx512);
DL_BLOCKED_DEPTHWISE(dl_blocked_depthwise_f32__neon);
void dl_blocked_depthwise_f32__scalar(const dl_blocked_depthwise *d, intptr_t first, intptr_t rows,
                                      const float *in, const float *w, const float *bias,
                                      const float *residual, float *out, intptr_t lanes);

// The same where `group` channels, 2, 4 or 8 and less than a block, are summed for each of theirs:
//   w: [planes][height of the window][group, by input][width][lanes]
// __scalar above takes them too.
DL_BLOCKED_DEPTHWISE(dl_blocked_grouped_f32__avx2);
DL_BLOCKED_DEPTHWISE(dl_blocked_grouped_f32__avx512);

// The same rows as largest elements; NaN wins, a window without elements gives -infinity.
#define DL_BLOCKED_MAX_POOL(name)                                                                  \
  void name(const dl_blocked_depthwise *d, intptr_t first, intptr_t rows, const float *in,         \
            float *out)
DL_BLOCKED_MAX_POOL(dl_blocked_max_pool_f32__avx2);
DL_BLOCKED_MAX_POOL(dl_blocked_max_pool_f32__avx512);
DL_BLOCKED_MAX_POOL(dl_blocked_max_pool_f32__neon);
void dl_blocked_max_pool_f32__scalar(const dl_blocked_depthwise *d, intptr_t first, intptr_t rows,
                                     const float *in, float *out, intptr_t lanes);

// The same rows as sums divided by row_counts[row] * column_counts[column].
#define DL_BLOCKED_AVERAGE_POOL(name)                                                              \
  void name(const dl_blocked_depthwise *d, intptr_t first, intptr_t rows, const float *in,         \
            float *out, const float *row_counts, const float *column_counts)
DL_BLOCKED_AVERAGE_POOL(dl_blocked_average_pool_f32__avx2);
DL_BLOCKED_AVERAGE_POOL(dl_blocked_average_pool_f32__avx512);
DL_BLOCKED_AVERAGE_POOL(dl_blocked_average_pool_f32__neon);
void dl_blocked_average_pool_f32__scalar(const dl_blocked_depthwise *d, intptr_t first,
                                         intptr_t rows, const float *in, float *out,
                                         const float *row_counts, const float *column_counts,
                                         intptr_t lanes);

// The mean of one block: in [pixels][lanes], out [lanes]. Sums of every fourth pixel, then of
// these.
void dl_blocked_mean_f32__avx2(const float *in, intptr_t pixels, float *out);
void dl_blocked_mean_f32__avx512(const float *in, intptr_t pixels, float *out);
void dl_blocked_mean_f32__neon(const float *in, intptr_t pixels, float *out);
void dl_blocked_mean_f32__scalar(const float *in, intptr_t pixels, float *out, intptr_t lanes);

// Weights of some blocks of outputs, in the order in which dl_blocked_conv reads them.
typedef struct dl_blocked_weights {
  const float *weights; // [outputs][part][taps]
  intptr_t taps;
  intptr_t channels, outputs; // channels of a sum; outputs at most blocks * lanes
  // Output m has weights for channels c with
  // (c + first_channel) / part == (m + first_output) / share, zeros for others.
  intptr_t part, share, first_output, first_channel;
  intptr_t blocks, lanes;
  int32_t is_plain;
} dl_blocked_weights;
void dl_blocked_pack_f32(float *to, const dl_blocked_weights *k);
// The same where every output has weights for all channels: lanes a multiple of 8 and of 16.
void dl_blocked_pack_f32__avx2(float *to, const dl_blocked_weights *k);
void dl_blocked_pack_f32__avx512(float *to, const dl_blocked_weights *k);

// How Winograd's algorithm takes an axis: outputs of a tile, inputs they meet, and the places where
// transformed inputs meet transformed weights.
enum dl_winograd_axis {
  DL_WINOGRAD_ONE,  // 1, 1, 1: no taps along the axis
  DL_WINOGRAD_TWO,  // 2, 4, 4: F(2, 3)
  DL_WINOGRAD_FOUR, // 4, 6, 6: F(4, 3)
  DL_WINOGRAD_HALF, // 3, 7, 7: three taps, stride 2
};

// A convolution by tiles, numbered row by row: (TWO, TWO), (FOUR, FOUR), (ONE, FOUR), (FOUR, ONE)
// or (HALF, HALF) along height and width. Wider windows are sums of windows of three taps.
typedef struct dl_blocked_winograd {
  int32_t axis[2];
  // Pixels between the taps of a window and the outputs of a tile: 1 for HALF and for ONE. Tiles
  // i d ... i d + d - 1 along an axis, d the dilation, lie in each other.
  intptr_t dilation[2];
  intptr_t columns; // tiles of a row
  intptr_t input[2], output[2], pad[2];
  // Elements between the places of a transformed tile: of inputs, of sums.
  intptr_t in_step, out_step;
  int32_t form;
  float low, high;
  void (*after)(const void *x, void *y, size_t n, const double *numbers);
  double numbers[2];
} dl_blocked_winograd;

// Tiles first..<first + count of one block: v[place * in_step + tile * lanes + lane], from in, the
// whole block; what lies outside counts as 0.
#define DL_WINOGRAD_INPUT(name)                                                                    \
  void name(const dl_blocked_winograd *k, intptr_t first, intptr_t count, const float *in, float *v)
DL_WINOGRAD_INPUT(dl_blocked_winograd_input_f32__avx2);
DL_WINOGRAD_INPUT(dl_blocked_winograd_input_f32__avx512);
DL_WINOGRAD_INPUT(dl_blocked_winograd_input_f32__neon);

// The way back for sums s, laid out likewise by out_step: writes those outputs of the tiles that
// exist. bias: [lanes]; residual (or NULL), out: the whole block.
#define DL_WINOGRAD_OUTPUT(name)                                                                   \
  void name(const dl_blocked_winograd *k, intptr_t first, intptr_t count, const float *s,          \
            const float *bias, const float *residual, float *out)
DL_WINOGRAD_OUTPUT(dl_blocked_winograd_output_f32__avx2);
DL_WINOGRAD_OUTPUT(dl_blocked_winograd_output_f32__avx512);
DL_WINOGRAD_OUTPUT(dl_blocked_winograd_output_f32__neon);

// A filter of taps[0] x taps[1] as parts[0] x parts[1] windows of three taps an axis (1 for ONE),
// whose input channels follow each other: those of part p begin at channel p * part_depth.
typedef struct dl_winograd_filter {
  int32_t axis[2];
  intptr_t taps[2], parts[2], part_depth;
} dl_winograd_filter;

// Transformed weights G g G' in the order of dl_blocked_conv for 1x1 kernels, those of place p at
// to + p * step. Only part == channels.
void dl_blocked_winograd_weights_f32(float *to, intptr_t step, const dl_winograd_filter *f,
                                     const dl_blocked_weights *k);
// For training, tiles of size 4 and 16 lanes.
//
// Weights of up to 16 outputs that change from run to run, G g G', in the order of dl_blocked_conv:
// those of place p and channel c at to + p * step + c * row, zeros for channels <= c < depth and
// lanes beyond `outputs`. Output m and channel c have their taps at
// w + m * output_step + c * channel_step, in reverse order where is_turned.
void dl_winograd_weights_f32__avx512(float *to, intptr_t step, intptr_t row, const float *w,
                                     intptr_t outputs, intptr_t output_step, intptr_t channels,
                                     intptr_t channel_step, intptr_t depth, int is_turned);
// A dy A' of tiles first..<first + count of one block of the gradient by the output, laid out by
// out_step; what lies outside counts as 0.
void dl_winograd_upstream_f32__avx512(const dl_blocked_winograd *k, intptr_t first, intptr_t count,
                                      const float *in, float *v);
// One place: sum[c][m] (+)= sum over tiles, in their order, of x[tile][c] * up[m / 16][tile][m %
// 16] for c < channels rounded up to a multiple of 8, at most 16, and m < 16 blocks; rows of `sum`
// lie `row` apart, blocks of `up` `block`. `adds`: to what is there.
void dl_winograd_product_f32__avx512(float *sum, intptr_t row, const float *x, intptr_t channels,
                                     const float *up, intptr_t blocks, intptr_t block,
                                     intptr_t tiles, int adds);
// The gradient by the weights of one channel and up to 16 outputs: G' s G, where s is the sum of
// `parts` parts that lie part_step apart, its places step apart; dw[m * output_step + tap].
void dl_winograd_weight_gradient_f32__avx512(float *dw, intptr_t output_step, intptr_t outputs,
                                             const float *sums, intptr_t parts, intptr_t part_step,
                                             intptr_t step);
// A copy of rows first..<first + rows of each block (plane) of an image, between zeros:
// to[blocks][rows][padded][pixel] holds from[blocks][height][width][pixel] from column `left` on,
// as far as it fits; rows outside of the image are zeros. A `left` below zero leaves out the first
// columns of the image.
typedef struct dl_blocked_padding {
  intptr_t blocks, height, width;
  intptr_t pixel; // elements of a pixel: lanes, or 1 for planes
  intptr_t first, rows, left, padded;
} dl_blocked_padding;
void dl_blocked_pad_f32(float *to, const float *from, const dl_blocked_padding *p);

// to[b][p][l] = from[b][p][l] * factor[b][l] over p < pixels; blocks of `to` and `from` lie
// to_step and from_step elements apart. In place where `to` is `from`.
#define DL_BLOCKED_SCALE(name)                                                                     \
  void name(float *to, intptr_t to_step, const float *from, intptr_t from_step,                    \
            const float *factor, intptr_t blocks, intptr_t pixels)
DL_BLOCKED_SCALE(dl_blocked_scale_f32__avx2);
DL_BLOCKED_SCALE(dl_blocked_scale_f32__avx512);
DL_BLOCKED_SCALE(dl_blocked_scale_f32__neon);
void dl_blocked_scale_f32__scalar(float *to, intptr_t to_step, const float *from,
                                  intptr_t from_step, const float *factor, intptr_t blocks,
                                  intptr_t pixels, intptr_t lanes);

// Pixels that are summed about their own mean.
#define DL_MOMENTS_RUN 64

// Joins the mean and the sum of squared deviations of `n` further numbers to those of `count`
// (Chan, Golub, LeVeque: Updating formulae and a pairwise algorithm for computing sample
// variances).
static inline void dl_join_moments(double count, double *mean, double *spread, double n, double m,
                                   double squares) {
  const double d = m - *mean, total = count + n;
  *spread += squares + d * d * count * n / total;
  *mean += d * n / total;
}

// Mean and sum of squared deviations of every lane of a block of `pixels`; and such a block times
// `scale` plus `shift`, numbers for every lane. `y` may be `x`.
#define DL_BLOCKED_MOMENTS(isa)                                                                    \
  void dl_blocked_moments_f32__##isa(const float *x, intptr_t pixels, double *mean,                \
                                     double *spread);                                              \
  void dl_blocked_affine_f32__##isa(float *y, const float *x, intptr_t pixels, const float *scale, \
                                    const float *shift)
DL_BLOCKED_MOMENTS(avx2);
DL_BLOCKED_MOMENTS(avx512);
DL_BLOCKED_MOMENTS(neon);
void dl_blocked_moments_f32__scalar(const float *x, intptr_t pixels, double *mean, double *spread,
                                    intptr_t lanes);
void dl_blocked_affine_f32__scalar(float *y, const float *x, intptr_t pixels, const float *scale,
                                   const float *shift, intptr_t lanes);

// Where some lanes of a block come from: `offset` elements behind inputs[input], for every further
// image `image_step` more.
typedef struct dl_blocked_source {
  intptr_t input, offset, image_step;
} dl_blocked_source;

// to[p][l] = source k [p][index[k][l]] for the k < count with index[k][l] >= 0, 0 where there is
// none, over p < pixels; count >= 1. index: [count][lanes]; pixels of all sources are `lanes` wide.
#define DL_BLOCKED_LANES(name)                                                                     \
  void name(float *to, intptr_t pixels, void *const *inputs, intptr_t image,                       \
            const dl_blocked_source *sources, const int32_t *index, intptr_t count)
DL_BLOCKED_LANES(dl_blocked_lanes_f32__avx2);
DL_BLOCKED_LANES(dl_blocked_lanes_f32__avx512);
DL_BLOCKED_LANES(dl_blocked_lanes_f32__neon);
void dl_blocked_lanes_f32__scalar(float *to, intptr_t pixels, void *const *inputs, intptr_t image,
                                  const dl_blocked_source *sources, const int32_t *index,
                                  intptr_t count, intptr_t lanes);

// For `after`, as dl_unary_fn: y = 1 / (1 + e^-x), and y = x / (1 + e^(-numbers[0] x)), over n
// elements, in place where y is x. 5 ulp down to e^-87, NaN stays.
void dl_blocked_sigmoid_f32__avx512(const void *x, void *y, size_t n, const double *numbers);
void dl_blocked_swish_f32__avx512(const void *x, void *y, size_t n, const double *numbers);

// y[p][l] = 0 for first <= l < lanes.
void dl_blocked_clear_lanes_f32(float *y, intptr_t pixels, intptr_t first, intptr_t lanes);

#ifdef __cplusplus
}
#endif

#endif
