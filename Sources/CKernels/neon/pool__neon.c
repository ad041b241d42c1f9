#include "blocked.h"

#if defined(__aarch64__)
#include "vectors_neon.h"

// The instruction for the larger of two gives NaN where either is, so that nobody need note them.
#undef MAX
#define MAX(a, b) __builtin_elementwise_maximum(a, b)
#undef NOTE_NAN
#define NOTE_NAN(bad, x, y) (bad)

#define NAME(op) dl_blocked_##op##_f32__neon
#include "../blocked/pool_body.h"

#endif
