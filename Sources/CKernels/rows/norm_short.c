#include "../include/rows.h"
#include "../lanes/lanes.h"
#include "../lanes/turn.h"

#define NAME(f) f##__scalar
#include "../lanes/turn_body.h"

#include "norm_short_body.h"
#undef NAME

#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "../lanes/parts_avx2.h"
#undef TURN_TILES
#define TURN_TILES dl_transpose_x32_8x8__avx2
#define NAME(f) f##__avx2
#include "../lanes/turn_body.h"

#include "norm_short_body.h"
#undef NAME
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))),        \
                             apply_to = function)
#include "../lanes/parts_avx512.h"
#define NAME(f) f##__avx512
#include "../lanes/turn_body.h"

#include "norm_short_body.h"
#undef NAME
#pragma clang attribute pop
#else
#define NAME(f) f##__avx2
#include "../lanes/turn_body.h"

#include "norm_short_body.h"
#undef NAME
#define NAME(f) f##__avx512
#include "../lanes/turn_body.h"

#include "norm_short_body.h"
#undef NAME
#endif
