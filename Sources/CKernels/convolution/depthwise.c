#include "convolution.h"
#include "range.h"

#define NAME dl_depthwise_f32__scalar
#define T float
#include "depthwise.inc"
#define NAME dl_depthwise_f64__scalar
#define T double
#include "depthwise.inc"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define NAME dl_depthwise_f32__avx2
#define T float
#include "depthwise.inc"
#define NAME dl_depthwise_f64__avx2
#define T double
#include "depthwise.inc"
#pragma clang attribute pop
#endif
