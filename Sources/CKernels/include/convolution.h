// Pieces of convolutions on planes in NC(DHW) order.
//
// Units are elements. Nothing is read or written outside of what each comment names. Memories do
// not overlap; no alignment is needed.
#ifndef DL_CONVOLUTION_H
#define DL_CONVOLUTION_H
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Sizes along depth, height and width; axes that a convolution lacks have size 1, kernel 1,
// stride 1, dilation 1 and pad 0. Output pixel o and kernel tap t read input pixel
// o * stride - pad + t * dilation, or zero where that lies outside.
typedef struct dl_window {
  intptr_t input[3], output[3], kernel[3], stride[3], dilation[3], pad[3];
} dl_window;

// One panel of the matrix whose rows are (tap, channel), channels fastest, and whose columns are
// output pixels: rows k0..<k0 + kc, columns p0..<p0 + count.
//   to: [kc][width]; columns count..<width are set to zero; count <= width <= 64
//   x: `channels` planes of the input
#define DL_IM2COL(name, T)                                                                         \
  void name(T *to, intptr_t width, const T *x, const dl_window *w, intptr_t channels, intptr_t k0, \
            intptr_t kc, intptr_t p0, intptr_t count)
DL_IM2COL(dl_im2col_32__scalar, uint32_t);
DL_IM2COL(dl_im2col_64__scalar, uint64_t);
DL_IM2COL(dl_im2col_32__avx512, uint32_t); // width at most 32

// The same of bytes, rows (channel, tap), taps fastest: columns first..<first + n of every row.
//   to: [channels * taps][n]; `fill` stands where a tap lies outside
void dl_byte_columns(uint8_t *to, const uint8_t *x, const dl_window *w, intptr_t channels,
                     intptr_t first, intptr_t n, uint8_t fill);

// One plane of uint8 or int8 convolved with one kernel: y[o] = sum over taps of taps[t] * (x[...] -
// zero), modulo 2^32; taps that lie outside count nothing. Taps are from -255 to 255.
typedef void dl_byte_taps_fn(int32_t *y, const uint8_t *x, const int32_t *taps, const dl_window *w,
                             int32_t zero, int is_signed);
dl_byte_taps_fn dl_byte_taps__scalar, dl_byte_taps__avx2, dl_byte_taps__avx512;

// One plane convolved with one kernel: y[o] = bias + sum over taps of k[t] * x[...], clipped to
// low..high (NaN passes).
//   y: one output plane; x: one input plane; k: the taps in row-major order
#define DL_DEPTHWISE(name, T)                                                                      \
  void name(T *y, const T *x, const T *k, T bias, T low, T high, const dl_window *w)
DL_DEPTHWISE(dl_depthwise_f32__scalar, float);
DL_DEPTHWISE(dl_depthwise_f64__scalar, double);
DL_DEPTHWISE(dl_depthwise_f32__avx2, float);
DL_DEPTHWISE(dl_depthwise_f64__avx2, double);
DL_DEPTHWISE(dl_depthwise_f32__avx512, float); // kernel width at most 16, stride along it 1 or 2

// The transpose of im2col for one plane: y = bias, then for every tap and pixel of the *input* of
// the transposed convolution (`w->output`), y at (pixel * stride - pad + tap * dilation) of
// `w->input` gains columns[tap][pixel] where that lies inside.
//   y: one plane of w->input; columns: [taps][pixels]
#define DL_COL2IM(name, T) void name(T *y, const T *columns, T bias, const dl_window *w)
DL_COL2IM(dl_col2im_f32__scalar, float);
DL_COL2IM(dl_col2im_f64__scalar, double);
DL_COL2IM(dl_col2im_f32__avx2, float);
DL_COL2IM(dl_col2im_f64__avx2, double);
DL_COL2IM(dl_col2im_f32__avx512, float);
DL_COL2IM(dl_col2im_f64__avx512, double);

// A row of outputs of a deformable convolution, for one tap.
typedef struct dl_deform_row {
  intptr_t input[2]; // rows and columns of the input
  intptr_t start[2]; // where the tap of the row's first output reads, before it is displaced
  intptr_t stride;   // between places of neighbours
} dl_deform_row;

// The four pixels around the place that each of n outputs reads: above left, below left, above
// right, below right.
//   down, right: displacements; mask: a factor of all weights, or NULL
//   places: five rows `tile` apart: places in a plane, 0 for what lies outside, and bits that say
//     which of the four lie inside; planes hold less than 2^31 pixels
//   weights: four rows likewise, 0 for what lies outside
typedef void dl_deform_places_fn(const dl_deform_row *r, intptr_t n, const float *down,
                                 const float *right, const float *mask, intptr_t tile,
                                 int32_t *places, float *weights);
dl_deform_places_fn dl_deform_places_f32__scalar, dl_deform_places_f32__avx512;

// y[c * step + i] = the sum over the four pixels of weight times pixel of plane c.
typedef void dl_deform_sums_fn(intptr_t n, intptr_t channels, const float *x, intptr_t plane,
                               intptr_t tile, const int32_t *places, const float *weights, float *y,
                               intptr_t step);
dl_deform_sums_fn dl_deform_sums_f32__scalar, dl_deform_sums_f32__avx512;

// What one block of output channels and one of input channels add to the gradient by the weights of
// a convolution with one plane along depth: dw[m][c][t] (+)= sum over images, rows first..<end of
// output pixels, and their columns, of dy[m][o] * x[c][o * stride - pad + t * dilation].
//   dw: for `outputs` rows of `dw_channels` channels each, the first `channels`; `adds`: to what is
//       there, else it is written
//   x, dy: planes of `channels` and `outputs`; images lie x_image and dy_image elements apart
#define DL_CONV_WEIGHT_GRADIENT(name, T)                                                           \
  void name(T *dw, const T *x, const T *dy, const dl_window *w, intptr_t outputs,                  \
            intptr_t channels, intptr_t dw_channels, intptr_t images, intptr_t x_image,            \
            intptr_t dy_image, intptr_t first, intptr_t end, int adds)
DL_CONV_WEIGHT_GRADIENT(dl_conv_weight_gradient_f32__scalar, float);
DL_CONV_WEIGHT_GRADIENT(dl_conv_weight_gradient_f32__avx512, float); // stride along width 1 or 2

// A convolution of stride 1 on planes that lie between zeros already.
typedef struct dl_plane_conv {
  intptr_t channels, taps[2]; // along height and width
  intptr_t plane, row;        // elements between planes and rows of the input
  intptr_t rows, width;       // of the output, whose rows follow each other
  intptr_t out_plane;
} dl_plane_conv;

// `outputs` planes, 1 to 8: y[m][o] = bias[m] + sum over channels, then taps, of w[c][t][m] *
// x[c][o + t]; bias may be NULL. Up to 63 elements behind the last tap of a row are read.
void dl_plane_conv_f32__avx512(const dl_plane_conv *k, intptr_t outputs, const float *x,
                               const float *w, const float *bias, float *y);

#ifdef __cplusplus
}
#endif

#endif
