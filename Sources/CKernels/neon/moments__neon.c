#include "blocked.h"

#if defined(__aarch64__)
#include "vectors_neon.h"

#define MOMENTS dl_blocked_moments_f32__neon
#define AFFINE dl_blocked_affine_f32__neon
#include "../blocked/moments_body.h"

#endif
